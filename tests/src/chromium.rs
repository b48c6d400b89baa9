//! Headless Chromium, driven over the DevTools protocol.
//!
//! The protocol runs over a pipe of ours, so no port is opened. A [`Browser`] has a profile of its
//! own in a folder of its own and ends with its value. Whatever a page asked the network for or
//! said on its console stays with the page.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long one answer may take before the browser counts as hung.
const PATIENCE: Duration = Duration::from_secs(180);

/// What keeps Chromium to the page that it is shown.
const FLAGS: [&str; 12] = [
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
];

/// A running browser.
pub struct Browser {
    process: Child,
    orders: ChildStdin,
    messages: Receiver<Value>,
    events: Vec<Value>,
    last: u64,
    folder: TempDir,
}

impl Browser {
    /// Starts Chromium from the PATH.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let said = File::create(folder.path().join("stderr")).unwrap();
        // The protocol is spoken on the descriptors 3 and 4: the shell makes them of its standard
        // input and output, and is then replaced by the browser.
        let mut process = Command::new("sh")
            .args(["-c", r#"exec "$@" 3<&0 4>&1 </dev/null >&2"#, "sh", "chromium"])
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .arg("about:blank")
            .env("HOME", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(said)
            .spawn()
            .unwrap();
        let orders = process.stdin.take().expect("its input is a pipe");
        let answers = process.stdout.take().expect("its output is a pipe");
        let (sender, messages) = channel();
        std::thread::spawn(move || relay(answers, &sender));
        Self { process, orders, messages, events: Vec::new(), last: 0, folder }
    }

    /// Opens a page from a file with this content and waits until it is loaded.
    pub fn open(&mut self, name: &str, html: &str) -> Page<'_> {
        let mut page = self.blank(name, html);
        page.load();
        page
    }

    /// The same with scripts of the page switched off.
    pub fn open_without_script(&mut self, name: &str, html: &str) -> Page<'_> {
        let mut page = self.blank(name, html);
        page.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
        page.load();
        page
    }

    fn blank(&mut self, name: &str, html: &str) -> Page<'_> {
        let file = self.folder.path().join(format!("{name}.html"));
        std::fs::write(&file, html).unwrap();
        let target = self.call(None, "Target.createTarget", json!({ "url": "about:blank" }));
        let target = string(&target["targetId"]);
        let attach = json!({ "targetId": target, "flatten": true });
        let session = string(&self.call(None, "Target.attachToTarget", attach)["sessionId"]);
        let mut page = Page { browser: self, file, target, session };
        for domain in ["Page", "Network", "Log", "Runtime"] {
            page.call(&format!("{domain}.enable"), json!({}));
        }
        page.viewport(1280, 900);
        page
    }

    /// Sends an order and waits for its answer.
    fn call(&mut self, session: Option<&str>, method: &str, params: Value) -> Value {
        let id = self.send(session, method, params);
        loop {
            let message = self.receive(method);
            if message["id"] != id {
                continue;
            }
            assert!(message["error"].is_null(), "{method}: {}", message["error"]);
            return message["result"].clone();
        }
    }

    fn send(&mut self, session: Option<&str>, method: &str, params: Value) -> u64 {
        self.last += 1;
        let mut order = json!({ "id": self.last, "method": method, "params": params });
        if let Some(session) = session {
            order["sessionId"] = session.into();
        }
        let mut bytes = order.to_string().into_bytes();
        bytes.push(0);
        if let Err(error) = self.orders.write_all(&bytes) {
            panic!("{method} cannot be sent: {error}\n{}", self.said());
        }
        self.last
    }

    /// The next message; events are kept, and a dialog is dismissed so that its page goes on.
    fn receive(&mut self, awaited: &str) -> Value {
        let Ok(message) = self.messages.recv_timeout(PATIENCE) else {
            panic!("Chromium is gone or hangs at {awaited}\n{}", self.said());
        };
        if message["method"] == "Page.javascriptDialogOpening" {
            let session = string(&message["sessionId"]);
            let dismiss = json!({ "accept": false });
            self.send(Some(&session), "Page.handleJavaScriptDialog", dismiss);
        }
        if message["method"].is_string() {
            self.events.push(message.clone());
        }
        message
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("stderr")).unwrap_or_default()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Hands on messages, each of which ends with a zero byte, until the pipe ends.
fn relay(answers: impl Read, sender: &Sender<Value>) {
    for message in BufReader::new(answers).split(0) {
        let Ok(message) = message else { return };
        let message = serde_json::from_slice(&message).expect("DevTools speaks JSON");
        if sender.send(message).is_err() {
            return;
        }
    }
}

/// A page in a tab of its own, 1280 x 900 pixels and light unless told otherwise.
pub struct Page<'a> {
    browser: &'a mut Browser,
    file: PathBuf,
    target: String,
    session: String,
}

impl Page<'_> {
    /// Sets the window's inner size, in CSS pixels.
    pub fn viewport(&mut self, width: u32, height: u32) {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// Sets the medium, `screen` or `print`, and the colour scheme, `light` or `dark`.
    pub fn media(&mut self, medium: &str, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", json!({ "media": medium, "features": features }));
    }

    /// The value of a JavaScript expression; a promise is awaited.
    #[track_caller]
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let order = json!({
            "expression": expression, "returnByValue": true, "awaitPromise": true,
        });
        let answer = self.call("Runtime.evaluate", order);
        let thrown = &answer["exceptionDetails"];
        assert!(thrown.is_null(), "the expression threw: {thrown}");
        answer["result"]["value"].clone()
    }

    /// What is inside the viewport, as PNG.
    pub fn screenshot(&mut self) -> Vec<u8> {
        let answer = self.call("Page.captureScreenshot", json!({ "format": "png" }));
        STANDARD.decode(string(&answer["data"])).unwrap()
    }

    /// The page as it would be printed; its medium is `print` from then on.
    pub fn pdf(&mut self) -> Vec<u8> {
        self.media("print", "light");
        let order = json!({ "printBackground": true, "preferCSSPageSize": true });
        STANDARD.decode(string(&self.call("Page.printToPDF", order)["data"])).unwrap()
    }

    /// Addresses that were asked for, without the page's own file and without `data:`.
    pub fn requests(&self) -> Vec<String> {
        let own = self.address();
        self.events("Network.requestWillBeSent")
            .map(|event| string(&event["request"]["url"]))
            .filter(|url| *url != own && !url.starts_with("data:"))
            .collect()
    }

    /// What came to the console: calls of the page, errors, and the browser's own complaints.
    pub fn console(&self) -> Vec<String> {
        ["Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"]
            .into_iter()
            .flat_map(|method| self.events(method))
            .map(Value::to_string)
            .collect()
    }

    /// Texts of the dialogs that were opened.
    pub fn dialogs(&self) -> Vec<String> {
        self.events("Page.javascriptDialogOpening").map(|e| string(&e["message"])).collect()
    }

    fn events(&self, method: &str) -> impl Iterator<Item = &Value> {
        let of = move |event: &&Value| {
            event["method"] == method && event["sessionId"] == self.session.as_str()
        };
        self.browser.events.iter().filter(of).map(|event| &event["params"])
    }

    fn load(&mut self) {
        self.media("screen", "light");
        let address = self.address();
        let answer = self.call("Page.navigate", json!({ "url": address }));
        assert!(answer["errorText"].is_null(), "{address}: {}", answer["errorText"]);
        while self.events("Page.loadEventFired").next().is_none() {
            self.browser.receive("Page.loadEventFired");
        }
    }

    fn address(&self) -> String {
        format!("file://{}", self.file.display())
    }

    #[track_caller]
    fn call(&mut self, method: &str, params: Value) -> Value {
        self.browser.call(Some(&self.session), method, params)
    }
}

impl Drop for Page<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.browser.send(None, "Target.closeTarget", json!({ "targetId": self.target }));
        }
    }
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
