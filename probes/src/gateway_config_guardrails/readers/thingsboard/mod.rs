//! The ThingsBoard IoT gateway: `tb_gateway.json` (or the older `.yaml`), and the files of the
//! connectors that it names.
//!
//! Its server may rewrite the file while `remoteConfiguration` is on: what is told here is what the
//! file says, and the environment of the program, which beats it, where the target declares one.

mod connector;
mod environment;

use model::evidence::{Guardrail, Origin, Reach};

use super::tables::{at, entries, entry, items, text};
use super::{containers, json, yaml};
use crate::gateway_config_guardrails::guardrail::{Place, Review};
use crate::gateway_config_guardrails::includes::{Files, Text};
use crate::gateway_config_guardrails::settings::Environment;
use crate::gateway_config_guardrails::tree::{Entry, Node, Unreadable, Value};
use crate::gateway_config_guardrails::values::{self, Bound, bound};

/// Guardrails that the gateway's file has settings for; those of authentication and bind join
/// them where a connector listens.
pub(crate) const COVERED: [Guardrail; 5] = [
    Guardrail::Tls,
    Guardrail::PeerVerification,
    Guardrail::DefaultSecret,
    Guardrail::InlineSecret,
    Guardrail::Admin,
];

/// What hangs on a connector whose file is not in evidence.
const CONNECTED: [Guardrail; 6] = [
    Guardrail::Authentication,
    Guardrail::Tls,
    Guardrail::PeerVerification,
    Guardrail::DefaultSecret,
    Guardrail::InlineSecret,
    Guardrail::Bind,
];

/// Why what is filled in decides nothing.
const ELSEWHERE: &str = "something outside the file fills it in, and that is not in evidence";

/// Most connectors that are read.
const MAX_CONNECTORS: usize = 64;

/// Reviews a gateway with its connectors.
///
/// # Errors
///
/// If the declared file is neither JSON nor YAML: where, never what.
pub fn review(
    main: &Text,
    files: &mut Files,
    environment: &Environment,
) -> Result<Review, Unreadable> {
    let tree = read(main)?;
    let mut review = Review::default();
    review.cover(&COVERED);
    let mut part = Part { review: &mut review, file: &main.name };
    part.everything(&tree);
    if let Some(server) = entry(&tree, "thingsboard") {
        part.server(server, environment);
        environment::note(&mut review, environment, &main.name, &server.node);
    }
    let mut part = Part { review: &mut review, file: &main.name };
    if let Some(grpc) = at(&tree, &["grpc"]).and_then(|grpc| entry(grpc, "enabled")) {
        let on = part.flag(grpc, "grpc.enabled", &[Guardrail::Admin]);
        if on == Some(true) {
            let place = part.place(grpc);
            part.review.setting(&place, "grpc.enabled", "true", Origin::Explicit);
        }
    }
    let connectors = entry(&tree, "connectors").map_or(&[][..], |list| items(&list.node));
    for (index, item) in connectors.iter().take(MAX_CONNECTORS).enumerate() {
        let place = Place { file: main.name.clone(), line: item.line, column: item.column };
        let field = |key| entry(item, key).and_then(|entry| text(&entry.node));
        let setting = format!("connectors[{index}]");
        let (Some(kind), Some(named)) = (field("type"), field("configuration")) else {
            review.undetermined(&place, setting, &CONNECTED, "it names no type or no file");
            continue;
        };
        let found = files.read(named).map_err(|error| error.to_string());
        match found.and_then(|text| Ok((read(&text).map_err(|e| e.to_string())?, text.name))) {
            Ok((tree, file)) => {
                let mut part = Part { review: &mut review, file: &file };
                part.everything(&tree);
                connector::review(&mut part, kind, &tree);
            }
            Err(reason) => review.undetermined(&place, setting, &CONNECTED, reason),
        }
    }
    if connectors.len() > MAX_CONNECTORS {
        let top = Place::top(&main.name);
        review.undetermined(&top, "connectors", &CONNECTED, "only the first 64 are read");
    }
    Ok(review)
}

/// Reads JSON, or YAML where the name says so.
fn read(text: &Text) -> Result<Node, Unreadable> {
    let yaml = [".yaml", ".yml"].iter().any(|ending| text.name.ends_with(ending));
    if yaml { yaml::read(&text.content) } else { json::read(&text.content) }
}

/// One file under review.
struct Part<'a> {
    review: &'a mut Review,
    file: &'a str,
}

impl Part<'_> {
    fn place(&self, entry: &Entry) -> Place {
        Place { file: self.file.to_owned(), line: entry.line, column: entry.column }
    }

    fn off(
        &mut self,
        guardrail: Guardrail,
        place: &Place,
        setting: &str,
        value: &str,
        reach: Reach,
    ) {
        self.review.off(guardrail, place.observe(setting, value, reach));
    }

    /// A truth value; one that cannot be told leaves open what hangs on it.
    fn flag(&mut self, entry: &Entry, setting: &str, bears: &[Guardrail]) -> Option<bool> {
        let value = text(&entry.node).and_then(|text| values::truth(text, None));
        if value.is_none() && entry.node.value != Value::Null {
            let place = self.place(entry);
            self.review.undetermined(&place, setting, bears, ELSEWHERE);
        }
        value
    }

    /// Secrets anywhere in a file, and keys that are set twice.
    fn everything(&mut self, tree: &Node) {
        for leaf in tree.leaves() {
            let name = leaf.path.rsplit('.').next().unwrap_or("");
            // These name files; only a key that was pasted in is one.
            let path = name.ends_with("rivateKey") || name == "key";
            if let Some(value) = text(leaf.node).filter(|v| !path || v.contains("-----BEGIN")) {
                let place = leaf.place(self.file);
                containers::secret(self.review, &place, &leaf.path, name, value);
            }
        }
        for again in tree.repeated() {
            let place = again.place(self.file);
            let seen = place.observe(&again.path, "set more than once", Reach::Unstated);
            self.review.repeated(seen);
        }
    }

    /// The link to the server, and what the server may do here.
    fn server(&mut self, server: &Entry, environment: &Environment) {
        let (node, top) = (&server.node, self.place(server));
        if let Some(found) = entry(node, "remoteShell") {
            let (setting, place) = ("thingsboard.remoteShell", self.place(found));
            match self.flag(found, setting, &[Guardrail::Admin]) {
                Some(true) => {
                    let value = "true: a shell for whoever rules the server";
                    self.off(Guardrail::Admin, &place, setting, value, Reach::Network);
                }
                Some(false) => self.review.setting(&place, setting, "false", Origin::Explicit),
                None => {}
            }
        }
        match entry(node, "remoteConfiguration") {
            Some(found) => {
                let on = text(&found.node).and_then(|text| values::truth(text, None));
                let shown = on.map_or("not told", |on| if on { "true" } else { "false" });
                let place = self.place(found);
                self.review.setting(
                    &place,
                    "thingsboard.remoteConfiguration",
                    shown,
                    Origin::Explicit,
                );
            }
            None => {
                let setting = "thingsboard.remoteConfiguration";
                self.review.setting(&top, setting, "true (default)", Origin::Default);
            }
        }
        self.link(node, &top, environment);
    }

    fn link(&mut self, node: &Node, top: &Place, environment: &Environment) {
        let empty = Node { line: top.line, column: top.column, value: Value::Null };
        let security = entry(node, "security").map_or(&empty, |security| &security.node);
        let file = self.file;
        let given = |node: &Node, key: &str| environment::given(environment, file, node, key);
        let has = |key: &str| {
            let held = given(security, key).map(|given| given.value);
            held.is_some_and(|value| value != Value::Null && value != Value::Scalar(String::new()))
        };
        let (ca, cert) = (has("caCert"), has("cert"));
        let reach = match given(node, "host").map(|given| given.value) {
            Some(Value::Scalar(host)) if bound(&host) == Bound::Loopback => Reach::Loopback,
            _ => Reach::Network,
        };
        let port = given(node, "port");
        let number = port.as_ref().map(|port| match &port.value {
            Value::Scalar(text) => values::integer(text),
            _ => None,
        });
        let place = port.map_or_else(|| top.clone(), |port| port.place);
        let tls = entry(security, "tls");
        let tls = tls.and_then(|tls| self.flag(tls, "thingsboard.security.tls", &[Guardrail::Tls]));
        // Port 8883, the switch, or an authority to trust: each of them switches TLS on.
        let on = number == Some(Some(8883)) || tls == Some(true) || ca;
        if !on {
            if number == Some(None) {
                let bears = &[Guardrail::Tls];
                return self.review.undetermined(&place, "thingsboard.port", bears, ELSEWHERE);
            }
            return self.off(Guardrail::Tls, &place, "thingsboard.port", "without TLS", reach);
        }
        self.review.setting(&place, "thingsboard.port", "with TLS", Origin::Explicit);
        let at = entry(node, "security").map_or_else(|| top.clone(), |found| self.place(found));
        if !(ca && cert) {
            let value = "without both caCert and cert the server's certificate is not checked";
            self.off(Guardrail::PeerVerification, &at, "thingsboard.security", value, reach);
        }
        if let Some(insecure) = entry(security, "insecure") {
            let setting = "thingsboard.security.insecure";
            let bears = &[Guardrail::PeerVerification];
            if self.flag(insecure, setting, bears) == Some(true) {
                let place = self.place(insecure);
                self.off(Guardrail::PeerVerification, &place, setting, "true", reach);
            }
        }
    }
}

/// From where a host can be reached by what is said to it.
fn reach(host: Option<&Entry>) -> Reach {
    let local = host.and_then(|host| text(&host.node)).is_some_and(|h| bound(h) == Bound::Loopback);
    if local { Reach::Loopback } else { Reach::Network }
}

/// Whether a file is the gateway's: by its name, or by its two tables.
pub fn is_likely(name: &str, content: &str) -> bool {
    let json = name.ends_with(".json");
    name.starts_with("tb_gateway.")
        || (json && content.contains("\"thingsboard\"") && content.contains("\"connectors\""))
}

/// Entries of a list or of one table alone.
fn each(node: &Node) -> &[Node] {
    if items(node).is_empty() && !entries(node).is_empty() {
        return std::slice::from_ref(node);
    }
    items(node)
}
