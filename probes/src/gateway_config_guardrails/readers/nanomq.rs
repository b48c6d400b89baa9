//! nanomq.conf: HOCON with the password and ACL files that it includes (names of 0.19 and later).

use model::document::ConfigFormat;
use model::evidence::{Guardrail as G, Reach, SecretKind};

use super::hocon::{self, Hocon};
use crate::gateway_config_guardrails::includes::{Files, Text};
use crate::gateway_config_guardrails::settings::{
    Case, Environment, Key, Kind, Named, Program, Schema, Settings, Words, always, key, path,
};
use crate::gateway_config_guardrails::tree::Unreadable;
use crate::gateway_config_guardrails::values::{Bound, bound};

/// NanoMQ.
pub const PROGRAM: Program = Program {
    name: "nanomq",
    format: ConfigFormat::Nanomq,
    named: Named { files: &["nanomq.conf"], looks_like: is_likely },
    read,
    keys: KEYS,
    schema: Schema::Partial("NanoMQ ignores it"),
    words: Words::TRUE_FALSE,
    releases: &[],
    covers: &[
        G::Anonymous,
        G::Authorization,
        G::Tls,
        G::TlsVersion,
        G::PeerVerification,
        G::Bind,
        G::Admin,
        G::Debug,
        G::Limits,
        G::UnknownKey,
    ],
    judge,
};

const KEYS: &[Key] = &[
    key("listeners.tcp.bind", Kind::Address).on(&[G::Bind, G::Tls]).or(&[always("0.0.0.0:1883")]),
    key("listeners.ws.bind", Kind::Address).on(&[G::Bind, G::Tls]).or(&[always("0.0.0.0:8083")]),
    key("listeners.*.bind", Kind::Address).on(&[G::Bind]).or(&[always("0.0.0.0:8883")]),
    key("listeners.*.enable", Kind::Flag).on(&[G::Tls, G::Bind]).or(&[always("true")]),
    key("listeners.*.verify_peer", Kind::Flag).on(&[G::Anonymous]).or(&[always("false")]),
    key("listeners.*.fail_if_no_peer_cert", Kind::Flag).on(&[G::Anonymous]).or(&[always("false")]),
    key("listeners.*.keyfile", Kind::KeyFile),
    key("listeners.**", Kind::Text),
    key("auth.allow_anonymous", Kind::Flag).on(&[G::Anonymous]).or(&[always("true")]),
    key("auth.no_match", Kind::Word(&["allow", "deny"]))
        .on(&[G::Authorization])
        .or(&[always("allow")]),
    key("auth.deny_action", Kind::Word(&["ignore", "disconnect"])),
    key("auth.password.*", Kind::Secret(SecretKind::Password)),
    key("auth.acl.rules.*.permit", Kind::Word(&["allow", "deny"])).on(&[G::Authorization]),
    key("auth.acl.**", Kind::Text),
    key("auth.http_auth.**", Kind::Text),
    key("auth.cache.**", Kind::Text),
    key("http_server.ip_addr", Kind::Address).on(&[G::Admin]).or(&[always("0.0.0.0")]),
    key("http_server.auth_type", Kind::Word(&["basic", "jwt", "no_auth"])).on(&[G::Admin]),
    key("http_server.password", Kind::Secret(SecretKind::Password)),
    key("http_server.**", Kind::Text),
    key("log.level", Kind::Word(&["trace", "debug", "info", "warn", "error", "fatal"]))
        .on(&[G::Debug])
        .or(&[always("warn")]),
    key("log.**", Kind::Text),
    key("mqtt.max_packet_size", Kind::Bound).on(&[G::Limits]).or(&[always("10MB")]),
    key("mqtt.max_mqueue_len", Kind::Bound).on(&[G::Limits]).or(&[always("1024")]),
    key("mqtt.**", Kind::Text),
    key("bridges.mqtt.*.ssl.verify_peer", Kind::Flag)
        .on(&[G::PeerVerification])
        .or(&[always("false")]),
    key("bridges.mqtt.*.enable", Kind::Flag).on(&[G::Tls]).or(&[always("true")]),
    key("bridges.**", Kind::Text),
];

/// Largest packet that is taken for a bound: the shipped file says 256MB, which is the protocol's.
const LARGEST_PACKET: i64 = 64 * 1024 * 1024;

/// Names of the environment, which is weaker than the file.
const NAMES: [(&str, &str); 4] = [
    ("NANOMQ_ALLOW_ANONYMOUS", "auth.allow_anonymous"),
    ("NANOMQ_LOG_LEVEL", "log.level"),
    ("NANOMQ_MAX_PACKET_SIZE", "mqtt.max_packet_size"),
    ("NANOMQ_MAX_MQUEUE_LEN", "mqtt.max_mqueue_len"),
];

fn read(main: &Text, files: &mut Files, environment: &Environment) -> Result<Settings, Unreadable> {
    let mut hocon = Hocon::new(files, environment);
    for (name, at) in NAMES {
        if let Some((value, place)) = environment.get(name) {
            hocon.settings().set(path(at), value.clone(), place.clone())?;
        }
    }
    hocon.read(main)?;
    hocon.finish()
}

/// Whether a text has a section that only NanoMQ has, beside another of its own.
fn is_likely(text: &str) -> bool {
    let sections = hocon::sections(text);
    let has = |name: &str| sections.iter().any(|section| section == name);
    (has("listeners") || has("mqtt")) && (has("http_server") || has("auth") || has("bridges"))
}

fn judge(case: &mut Case<'_>) {
    let mut closed = true;
    for (kind, tls) in [("tcp", false), ("ssl", true), ("ws", false), ("wss", true)] {
        let at = format!("listeners.{kind}");
        // The plain listener is there unless another one is; its own `enable` has no effect.
        let there = case.has(&at) || (kind == "tcp" && !case.has("listeners"));
        if !there {
            continue;
        }
        if kind != "tcp" && case.flag(&format!("{at}.enable")).is_some_and(|on| !on.value) {
            continue;
        }
        closed &= listener(case, &at, tls);
    }
    if !closed && let Some(open) = case.flag("auth.allow_anonymous").filter(|open| open.value) {
        case.off(G::Anonymous, &open, Reach::Unstated);
    }
    if case.has("auth.http_auth") {
        let reason =
            "a server that is not in evidence decides who may connect and what they may do";
        case.open_at(&[G::Anonymous, G::Authorization], "auth.http_auth", reason);
    }
    authorization(case);
    http_server(case);
    bridges(case);
    if let Some(level) =
        case.value("log.level").filter(|level| matches!(level.value.as_str(), "debug" | "trace"))
    {
        case.off(G::Debug, &level, Reach::Unstated);
    }
    for (key, largest) in
        [("mqtt.max_packet_size", LARGEST_PACKET), ("mqtt.max_mqueue_len", 1_000_000)]
    {
        if let Some(size) = case.bound(key, &["infinity"])
            && size.value.is_none_or(|size| size > largest)
        {
            case.off(G::Limits, &size, Reach::Unstated);
        }
    }
}

/// Judges a listener; true if nobody gets in without a certificate.
fn listener(case: &mut Case<'_>, at: &str, tls: bool) -> bool {
    let Some(bind) = case.value(&format!("{at}.bind")) else { return false };
    let reach = bound(address(&bind.value)).reach();
    if bound(address(&bind.value)) == Bound::Wildcard {
        case.off(G::Bind, &bind, reach);
    }
    if !tls {
        case.off_at(G::Tls, &format!("{at}.bind"), "a listener without TLS", reach);
        return false;
    }
    let reason = "no key sets the oldest TLS version; what the TLS library takes counts";
    case.open_at(&[G::TlsVersion], at, reason);
    let mut on = |option: &str| case.flag(&format!("{at}.{option}")).is_some_and(|flag| flag.value);
    on("verify_peer") && on("fail_if_no_peer_cert")
}

/// An address without its path.
fn address(text: &str) -> &str {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

fn authorization(case: &mut Case<'_>) {
    const RULES: &str = "auth.acl.rules";
    if !case.has(RULES)
        && let Some(gap) = case.gap(RULES)
    {
        let reason = gap.reason.clone();
        return case.review.undetermined(&gap.place, &gap.name, &[G::Authorization], reason);
    }
    for rule in case.names(RULES) {
        let at = format!("{RULES}.{rule}");
        let narrow =
            case.names(&at).iter().any(|name| !matches!(name.as_str(), "permit" | "action"));
        let Some(permit) = case.value(&format!("{at}.permit")).filter(|_| !narrow) else {
            continue;
        };
        if permit.value == "allow" {
            case.off(G::Authorization, &permit, Reach::Unstated);
        }
        return;
    }
    if let Some(word) = case.value("auth.no_match").filter(|word| word.value == "allow") {
        case.off(G::Authorization, &word, Reach::Unstated);
    }
}

/// The block switches the server on by being there.
fn http_server(case: &mut Case<'_>) {
    if !case.has("http_server") {
        return;
    }
    let reach =
        case.value("http_server.ip_addr").map_or(Reach::Network, |ip| bound(&ip.value).reach());
    case.off_at(G::Admin, "http_server", "switched on by its block, plain HTTP", reach);
    if let Some(open) = case.value("http_server.auth_type").filter(|word| word.value == "no_auth") {
        case.off(G::Admin, &open, reach);
    }
}

fn bridges(case: &mut Case<'_>) {
    for name in case.names("bridges.mqtt") {
        let at = format!("bridges.mqtt.{name}");
        let Some(server) = case.value(&format!("{at}.server")) else { continue };
        if case.flag(&format!("{at}.enable")).is_some_and(|on| !on.value) {
            continue;
        }
        let reach = bound(address(&server.value)).reach();
        if server.value.starts_with("tls+") || server.value.starts_with("wss") {
            let verify = case.flag(&format!("{at}.ssl.verify_peer"));
            if let Some(verify) = verify.filter(|verify| !verify.value) {
                case.off(G::PeerVerification, &verify, reach);
            }
        } else {
            case.off_at(G::Tls, &server.setting, "a bridge without TLS", reach);
        }
    }
}
