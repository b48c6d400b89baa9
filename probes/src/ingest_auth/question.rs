//! What is asked: the request, its canary body, and what is made up to go with it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use model::document::{Allowance, Credential, Endpoint, Protocol};
use model::request::ProbePolicy;
use serde_json::Value;

use super::binding::Devices;
use super::credential::in_header;
use crate::http::{Request, authority, is_plain};
use crate::text::cut;

/// Path of the request where neither the endpoint nor a parameter names one.
const DEFAULT_PATH: &str = "/v1/ingest";

/// Path of the health request where the endpoint names none.
const DEFAULT_HEALTH_PATH: &str = "/healthz";

/// A telemetry envelope that names its sender and carries no reading.
const CANARY: &str = r#"{"device":"plumbline-canary","canary":true,"seq":0,"readings":[]}"#;

/// How the canary is called.
const CANARY_NAME: &str = "plumbline-canary";

/// Where a target's own body holds the id of its device.
const DEVICE: &str = "{device}";

/// The canary, broken off inside its list: no JSON, and nothing that could be stored.
pub const BROKEN: &str = r#"{"device":"plumbline-canary","canary":true,"seq":0,"readings":["#;

/// An origin that nobody owns (RFC 6761, section 6.4).
pub const FOREIGN_ORIGIN: &str = "https://plumbline-canary.invalid";

/// Length that no telemetry message has, in bytes, where the target declares no limit.
const TOO_LONG: u64 = 64 * 1024 * 1024 + 1;

/// Largest body of a target's own, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// The request, the same for every credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// `POST` or `PUT`.
    pub method: String,
    /// Path of the request.
    pub path: String,
    /// Path of the health request.
    pub health_path: String,
    /// A port that used to speak plaintext HTTP.
    pub plain_port: Option<u16>,
    /// Name of the credential that has expired.
    pub expired_token: Option<String>,
    /// Name of the credential that was issued for somebody else.
    pub wrong_audience_token: Option<String>,
    /// Parameter of a query that a token may come in.
    pub query_parameter: Option<String>,
    /// Length that no body of this edge may have, in bytes.
    pub too_long: u64,
    /// Two devices of the owner's, the first of which the credential stands for.
    pub devices: Option<Devices>,
    /// Whether a record may be written.
    pub may_write: bool,
    host: String,
    body: String,
    /// The body before an id stands in it.
    template: String,
}

impl Question {
    /// The question to an endpoint; a sentence if what the target declares cannot be asked.
    pub fn new(
        endpoint: &Endpoint,
        params: &BTreeMap<String, Value>,
        policy: &ProbePolicy,
    ) -> Result<Self, String> {
        let text = |name: &str| match params.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(other) => Err(format!("`params.{name}` must be a string, found {}", shown(other))),
        };
        let method = text("method")?.unwrap_or("POST");
        if !matches!(method, "POST" | "PUT") {
            return Err(format!("`params.method` must be POST or PUT, found `{}`", shown(method)));
        }
        let path = text("path")?.or(endpoint.path.as_deref()).unwrap_or(DEFAULT_PATH);
        let health_path = endpoint.health_path.as_deref().unwrap_or(DEFAULT_HEALTH_PATH);
        for path in [path, health_path] {
            if !path.starts_with('/') || !is_plain(path, false) {
                return Err(format!(
                    "a path must start with `/` and hold no spaces, found `{}`",
                    shown(path)
                ));
            }
        }
        let host = host(endpoint);
        if !is_plain(&host, false) {
            return Err(format!("`{}` cannot stand in a Host header", shown(&host)));
        }
        let name = |name: &str| Ok::<_, String>(text(name)?.map(ToOwned::to_owned));
        let query_parameter = name("queryParameter")?;
        let is_name = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        if let Some(name) = query_parameter.as_deref().filter(|name| !is_name(name)) {
            return Err(format!(
                "`params.queryParameter` must be letters, digits, `-`, `_` and `.`, found `{}`",
                shown(name)
            ));
        }
        let devices = Devices::read(params)?;
        let body = body(params.get("body"), policy)?;
        if devices.is_some() && body != CANARY && !body.contains(DEVICE) {
            return Err(format!(
                "`params.body` must hold `{DEVICE}` where `params.deviceId` stands in it"
            ));
        }
        // Every other request is the own device's.
        let own = devices.as_ref().map_or(CANARY_NAME, |devices| &devices.own);
        let written = written(&body, own);
        Ok(Self {
            devices,
            template: body,
            expired_token: name("expiredToken")?,
            wrong_audience_token: name("wrongAudienceToken")?,
            query_parameter,
            too_long: too_long(params.get("maxBodyBytes"))?,
            may_write: policy.allow.contains(&Allowance::CanaryWrite),
            method: method.to_owned(),
            path: path.to_owned(),
            health_path: health_path.to_owned(),
            plain_port: plain_port(params.get("plainPort"))?,
            host,
            body: written,
        })
    }

    /// The request with a value for `Authorization`, or without that header.
    pub fn request<'a>(&'a self, authorization: Option<&'a str>) -> Request<'a> {
        Request {
            method: &self.method,
            path: &self.path,
            host: &self.host,
            authorization,
            body: Some(&self.body),
            headers: &[],
        }
    }

    /// The request with another body.
    pub fn saying<'a>(&'a self, body: &'a str) -> Request<'a> {
        Request { body: Some(body), ..self.request(None) }
    }

    /// A request with another method, and the canary where that method takes a body. It never
    /// carries a credential.
    pub fn method<'a>(&'a self, method: &'a str, path: &'a str) -> Request<'a> {
        let body = matches!(method, "PUT" | "POST").then_some(CANARY);
        Request { method, path, body, ..self.request(None) }
    }

    /// The address of the canary's own record, if the edge keeps records under its path.
    pub fn record(&self) -> String {
        format!("{}/{CANARY_NAME}", self.path.trim_end_matches('/'))
    }

    /// The preflight of a page from a made-up origin that wants to send the request with the
    /// user's credentials (Fetch Standard, section 4.8).
    pub fn preflight(&self) -> Request<'_> {
        let headers: &[(&str, &str)] = match self.method.as_str() {
            "PUT" => &[("Origin", FOREIGN_ORIGIN), ("Access-Control-Request-Method", "PUT")],
            _ => &[("Origin", FOREIGN_ORIGIN), ("Access-Control-Request-Method", "POST")],
        };
        Request { method: "OPTIONS", body: None, headers, ..self.request(None) }
    }

    /// The body that a message is repeated with: the target's own, or the canary with an id that
    /// no earlier run has sent.
    pub fn message(&self) -> String {
        match self.template == CANARY {
            true => named(&self.body),
            false => self.body.clone(),
        }
    }

    /// The body as the device of this id sends it.
    pub fn message_of(&self, device: &str) -> String {
        let body = written(&self.template, device);
        if self.template == CANARY { named(&body) } else { body }
    }

    /// Connections that the parameters and allowances ask for beyond the usual ones.
    pub fn further(&self) -> u32 {
        let tokens = [&self.expired_token, &self.wrong_audience_token, &self.query_parameter];
        let asked = tokens.into_iter().flatten().map(|_| 1).sum::<u32>();
        // Two other methods, and a message twice.
        let under_two_ids = if self.devices.is_some() { 2 } else { 0 };
        asked + if self.may_write { 4 + under_two_ids } else { 0 }
    }

    /// The health request. It never carries a credential.
    pub fn health(&self) -> Request<'_> {
        Request {
            method: "GET",
            path: &self.health_path,
            host: &self.host,
            authorization: None,
            body: None,
            headers: &[],
        }
    }
}

/// A body in the name of a device.
fn written(template: &str, device: &str) -> String {
    match template == CANARY {
        true => template.replacen(CANARY_NAME, device, 1),
        false => template.replace(DEVICE, device),
    }
}

/// A canary with an id that no earlier run has sent.
fn named(canary: &str) -> String {
    let id = BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 12]>());
    canary.replacen('{', &format!("{{\"id\":\"{CANARY_NAME}-{id}\","), 1)
}

/// The name that virtual hosts are told apart by, and the port.
fn host(endpoint: &Endpoint) -> String {
    let default_port = if endpoint.protocol == Protocol::Https { 443 } else { 80 };
    authority(endpoint.reference_identity(), endpoint.port, default_port)
}

fn plain_port(param: Option<&Value>) -> Result<Option<u16>, String> {
    let Some(value) = param else { return Ok(None) };
    let port = value.as_u64().and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
    port.map(Some)
        .ok_or_else(|| format!("`params.plainPort` must be 1-65535, found {}", shown(value)))
}

/// One more byte than the declared limit.
fn too_long(param: Option<&Value>) -> Result<u64, String> {
    let Some(value) = param else { return Ok(TOO_LONG) };
    let limit = value.as_u64().filter(|limit| (1..=u64::from(u32::MAX)).contains(limit));
    limit.map(|limit| limit + 1).ok_or_else(|| {
        format!("`params.maxBodyBytes` must be 1-{}, found {}", u32::MAX, shown(value))
    })
}

/// A declared value as a sentence shows it: evidence stays small whatever a document says.
pub fn shown(value: impl ToString) -> String {
    cut(value.to_string().as_bytes())
}

/// The canary, or the target's own body where writing one is allowed.
fn body(param: Option<&Value>, policy: &ProbePolicy) -> Result<String, String> {
    let body = match param {
        None => return Ok(CANARY.to_owned()),
        Some(_) if !policy.allow.contains(&Allowance::CanaryWrite) => {
            return Err("`params.body` may store a record; add `canaryWrite` to \
                        `probePolicy.allow`, or leave it out for the canary without readings"
                .to_owned());
        }
        Some(Value::String(text)) => text.clone(),
        Some(json) => json.to_string(),
    };
    if body.is_empty() || body.len() > MAX_BODY {
        return Err(format!("`params.body` must have 1-{MAX_BODY} bytes, found {}", body.len()));
    }
    Ok(body)
}

/// Values for `Authorization` that no edge should let in. They hold no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fakes {
    /// A scheme with nothing behind it.
    pub malformed: &'static str,
    /// The scheme that the declared credential does not use, well-formed.
    pub wrong_scheme: String,
    /// The scheme that it does use, with random content.
    pub random: String,
}

impl Fakes {
    /// Fakes beside the declared credential; beside a bearer token where none is declared.
    pub fn new(credentials: &[Credential]) -> Self {
        let token = || BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let bearer = format!("Bearer {}", token());
        let login = format!("plumbline-canary:{}", token());
        let basic = format!("Basic {}", BASE64_STANDARD.encode(login));
        match in_header(credentials) {
            Some(("basic", _)) => Self { malformed: "Basic", wrong_scheme: bearer, random: basic },
            _ => Self { malformed: "Bearer", wrong_scheme: basic, random: bearer },
        }
    }
}
