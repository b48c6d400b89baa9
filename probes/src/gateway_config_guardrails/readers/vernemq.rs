//! vernemq.conf with `conf.d` and the ACL file beside it (schema of VerneMQ 1.x and 2.x).

use model::document::ConfigFormat;
use model::evidence::{Guardrail as G, Reach, SecretKind};

use super::cuttlefish;
use crate::gateway_config_guardrails::guardrail::Place;
use crate::gateway_config_guardrails::includes::{Files, Text};
use crate::gateway_config_guardrails::readers::number;
use crate::gateway_config_guardrails::secrets::Traits;
use crate::gateway_config_guardrails::settings::{
    Case, Environment, Held, Key, Kind, Named, Program, Schema, Settings, Words, always, key, path,
};
use crate::gateway_config_guardrails::tree::{Unreadable, Value};
use crate::gateway_config_guardrails::values::{Bound, bound, tls_version};

/// VerneMQ.
pub const PROGRAM: Program = Program {
    name: "vernemq",
    format: ConfigFormat::Vernemq,
    named: Named {
        files: &["vernemq.conf"],
        looks_like: |text| {
            let roots =
                ["allow_anonymous", "listener", "plugins", "vmq_acl", "vmq_passwd", "nodename"];
            cuttlefish::is_likely(text, &roots)
        },
    },
    read,
    keys: KEYS,
    schema: Schema::Partial("VerneMQ refuses to start"),
    words: Words { on: &["on", "true"], off: &["off", "false"] },
    releases: &[],
    covers: &[
        G::Anonymous,
        G::IdentityMapping,
        G::Authorization,
        G::Tls,
        G::TlsVersion,
        G::Bind,
        G::Admin,
        G::Debug,
        G::Limits,
        G::UnknownKey,
    ],
    judge,
};

/// Settings of a kind of listener, which stand where names of listeners stand too.
const OPTIONS: [&str; 22] = [
    "allowed_protocol_versions",
    "cafile",
    "capath",
    "certfile",
    "ciphers",
    "crlfile",
    "depth",
    "eccs",
    "keyfile",
    "max_connection_lifetime",
    "max_connections",
    "mountpoint",
    "nr_of_acceptors",
    "proxy_protocol",
    "proxy_protocol_use_cn_as_username",
    "require_certificate",
    "support_elliptic_curves",
    "tls_handshake_timeout",
    "tls_version",
    "use_identity_as_username",
    "http_modules",
    "pskfile",
];

const MODULES: Kind = Kind::Word(&["noauth", "apikey"]);

const KEYS: &[Key] = &[
    key("allow_anonymous", Kind::Flag).on(&[G::Anonymous]).or(&[always("off")]),
    key("plugins.vmq_acl", Kind::Flag).on(&[G::Authorization]).or(&[always("on")]),
    key("plugins.vmq_passwd", Kind::Flag).on(&[G::Anonymous]).or(&[always("on")]),
    key("plugins.vmq_diversity", Kind::Flag)
        .on(&[G::Anonymous, G::Authorization])
        .or(&[always("off")]),
    key("plugins.vmq_webhooks", Kind::Flag)
        .on(&[G::Anonymous, G::Authorization])
        .or(&[always("off")]),
    key("plugins.**", Kind::Text),
    key("vmq_acl.**", Kind::Text),
    key("vmq_passwd.**", Kind::Text),
    key("listener.max_connections", Kind::Bound).on(&[G::Limits]).or(&[always("10000")]),
    key("listener.*.tls_version", Kind::TlsVersions).on(&[G::TlsVersion]),
    key("listener.*.*.tls_version", Kind::TlsVersions).on(&[G::TlsVersion]),
    key("listener.*.require_certificate", Kind::Flag).on(&[G::IdentityMapping, G::Anonymous]),
    key("listener.*.*.require_certificate", Kind::Flag).on(&[G::IdentityMapping, G::Anonymous]),
    key("listener.*.use_identity_as_username", Kind::Flag).on(&[G::IdentityMapping]),
    key("listener.*.*.use_identity_as_username", Kind::Flag).on(&[G::IdentityMapping]),
    key("listener.*.*.allow_anonymous_override", Kind::Flag).on(&[G::Anonymous]),
    key("listener.*.keyfile", Kind::KeyFile),
    key("listener.*.*.keyfile", Kind::KeyFile),
    key("listener.*.max_connections", Kind::Bound).on(&[G::Limits]),
    key("listener.*.*.max_connections", Kind::Bound).on(&[G::Limits]),
    key("listener.tcp.default", Kind::Address)
        .on(&[G::Bind, G::Tls, G::Anonymous])
        .or(&[always("127.0.0.1:1883")]),
    key("listener.http.default", Kind::Address).on(&[G::Admin]).or(&[always("127.0.0.1:8888")]),
    key("listener.vmq.clustering", Kind::Address)
        .on(&[G::Bind, G::Tls])
        .or(&[always("0.0.0.0:44053")]),
    key("listener.*.*", Kind::Address).on(&[G::Bind, G::Tls, G::Admin, G::Anonymous]),
    key("listener.**", Kind::Text),
    key("http_module.*.auth.mode", MODULES).on(&[G::Admin]),
    key("http_module.**", Kind::Text),
    key("distributed_cookie", Kind::Secret(SecretKind::Other)).on(&[G::DefaultSecret]),
    key("vmq_web_ui.admin.user_pwd", Kind::Secret(SecretKind::Password)),
    key("vmq_web_ui.**", Kind::Text),
    key("log.console.level", Kind::Word(&["debug", "info", "warning", "error"]))
        .on(&[G::Debug])
        .or(&[always("info")]),
    key("log.**", Kind::Text),
    key("max_message_size", Kind::Bound).on(&[G::Limits]).or(&[always("0")]),
    key("max_online_messages", Kind::Bound).on(&[G::Limits]).or(&[always("1000")]),
    key("max_offline_messages", Kind::Bound).on(&[G::Limits]).or(&[always("1000")]),
];

/// The ACL file where the configuration names none.
const ACL: &str = "vmq.acl";

fn read(main: &Text, files: &mut Files, environment: &Environment) -> Result<Settings, Unreadable> {
    let mut settings = cuttlefish::read(main, files, environment)?;
    let named = match settings.get(&path("vmq_acl.acl_file")).map(|given| &given.value) {
        Some(Value::Scalar(file)) => file.clone(),
        _ => ACL.to_owned(),
    };
    settings.attach(ACL, files.read(&named));
    Ok(settings)
}

fn judge(case: &mut Case<'_>) {
    let open = case.flag("allow_anonymous").filter(|open| open.value);
    for (kind, tls) in [("tcp", false), ("ssl", true), ("ws", false), ("wss", true), ("vmq", false)]
    {
        for name in listeners(case, kind) {
            listener(case, kind, &name, tls, open.as_ref());
        }
    }
    for kind in ["http", "https"] {
        for name in listeners(case, kind) {
            admin(case, kind, &name);
        }
    }
    for plugin in ["plugins.vmq_diversity", "plugins.vmq_webhooks"] {
        if case.flag(plugin).is_some_and(|on| on.value) {
            let reason = "what this plugin decides is in its code and not in the configuration";
            case.open_at(&[G::Anonymous, G::Authorization], plugin, reason);
        }
    }
    authorization(case);
    if let Some(level) = case.value("log.console.level").filter(|level| level.value == "debug") {
        case.off(G::Debug, &level, Reach::Unstated);
    }
    if let Some(size) = case.bound("max_message_size", &["0"]).filter(|size| size.value.is_none()) {
        case.off(G::Limits, &size, Reach::Unstated);
    }
    for queue in ["max_online_messages", "max_offline_messages"] {
        if let Some(size) = case.bound(queue, &["-1"]).filter(|size| size.value.is_none()) {
            case.off(G::Limits, &size, Reach::Unstated);
        }
    }
    if !case.has("distributed_cookie") && case.gap("distributed_cookie").is_none() {
        let place = case.place("distributed_cookie");
        let kind = SecretKind::Other;
        case.review.default_secret(&place, "distributed_cookie", kind, Traits::of("vmq"));
    }
}

/// Names of the listeners of a kind, with those that are there without being declared.
fn listeners(case: &Case<'_>, kind: &str) -> Vec<String> {
    let mut names = case.names(&format!("listener.{kind}"));
    names.retain(|name| !OPTIONS.contains(&name.as_str()));
    let default = match kind {
        "tcp" | "http" => "default",
        "vmq" if !case.has("listener.vmqs") => "clustering",
        _ => return names,
    };
    if !names.iter().any(|name| name == default) {
        names.push(default.to_owned());
    }
    names
}

fn listener(case: &mut Case<'_>, kind: &str, name: &str, tls: bool, open: Option<&Held<bool>>) {
    let at = format!("listener.{kind}.{name}");
    let Some(address) = case.value(&at) else { return };
    let reach = bound(&address.value).reach();
    if bound(&address.value) == Bound::Wildcard {
        case.off(G::Bind, &address, reach);
    }
    if !tls {
        case.off(G::Tls, &address, reach);
    }
    if kind == "vmq" {
        return;
    }
    let demanded = tls && own(case, kind, name, "require_certificate");
    if tls {
        let version = format!("{at}.tls_version");
        let version =
            if case.has(&version) { version } else { format!("listener.{kind}.tls_version") };
        let oldest = |text: &str| {
            let each = text.split(',').map(|one| tls_version(one.trim()));
            let all = each.collect::<Option<Vec<_>>>()?;
            Some(all.iter().all(|one| matches!(*one, "1.2" | "1.3")))
        };
        if let Some(versions) = case.read(&version, oldest).filter(|versions| !versions.value) {
            case.off(G::TlsVersion, &versions, reach);
        }
        if !demanded && own(case, kind, name, "use_identity_as_username") {
            let setting = format!("{at}.use_identity_as_username");
            let value = "on without require_certificate";
            case.off_at(G::IdentityMapping, &setting, value, reach);
        }
    }
    let over = format!("{at}.allow_anonymous_override");
    let overridden = if case.has(&over) { case.flag(&over).filter(|on| on.value) } else { None };
    if let Some(open) = overridden.as_ref().or(open).filter(|_| !demanded) {
        case.off(G::Anonymous, open, reach);
    }
    let limit = format!("{at}.max_connections");
    let limit = if case.has(&limit) { limit } else { "listener.max_connections".to_owned() };
    if let Some(limit) = case.bound(&limit, &["infinity"]).filter(|limit| limit.value.is_none()) {
        case.off(G::Limits, &limit, reach);
    }
}

/// A switch of a listener, or of its kind.
fn own(case: &mut Case<'_>, kind: &str, name: &str, option: &str) -> bool {
    let own = format!("listener.{kind}.{name}.{option}");
    let key = if case.has(&own) { own } else { format!("listener.{kind}.{option}") };
    case.flag(&key).is_some_and(|on| on.value)
}

fn admin(case: &mut Case<'_>, kind: &str, name: &str) {
    let at = format!("listener.{kind}.{name}");
    let Some(address) = case.value(&at) else { return };
    let reach = bound(&address.value).reach();
    case.off(G::Admin, &address, reach);
    let module = "http_module.vmq_http_mgmt_api.auth.mode";
    for mode in [format!("{at}.{module}"), module.to_owned()] {
        if case.has(&mode)
            && let Some(mode) = case.value(&mode).filter(|mode| mode.value == "noauth")
        {
            case.off(G::Admin, &mode, reach);
        }
    }
}

fn authorization(case: &mut Case<'_>) {
    const FILE: &str = "vmq_acl.acl_file";
    if case.flag("plugins.vmq_acl").is_none_or(|on| !on.value) {
        return; // Without the plugin, clients are refused.
    }
    match case.settings.text(ACL) {
        Some(Ok(text)) => {
            for (place, rule) in open_entries(text) {
                let open = place.observe(FILE, rule, Reach::Unstated);
                case.review.off(G::Authorization, open);
            }
        }
        _ if case.has(FILE) => {
            let reason = "the ACL file is not beside the configuration";
            case.open_at(&[G::Authorization], FILE, reason);
        }
        _ => {
            let value = "absent, and the shipped vmq.acl lets everybody do everything";
            case.off_at(G::Authorization, FILE, value, Reach::Unstated);
        }
    }
}

/// Entries that let everybody read and write everything.
fn open_entries(text: &Text) -> Vec<(Place, &'static str)> {
    let mut named = false;
    let mut entries = Vec::new();
    for (index, line) in text.content.lines().enumerate() {
        let words: Vec<_> = line.split_whitespace().collect();
        named |= words.first() == Some(&"user");
        let rule = match words.as_slice() {
            ["topic", "#"] | ["topic", "readwrite", "#"] if !named => "topic #",
            ["pattern", "#"] | ["pattern", "readwrite", "#"] => "pattern #",
            _ => continue,
        };
        let place = Place { file: text.name.clone(), line: number(index + 1), column: 1 };
        entries.push((place, rule));
    }
    entries
}
