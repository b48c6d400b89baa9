//! The guardrails of RabbitMQ under one release.

use model::evidence::{Guardrail as G, Reach, SecretKind};

use super::PLUGINS;
use crate::gateway_config_guardrails::readers::erlang::{self, Kind as TermKind};
use crate::gateway_config_guardrails::secrets::Traits;
use crate::gateway_config_guardrails::settings::{Case, path};
use crate::gateway_config_guardrails::values::{Bound, bound, tls_version};

/// Largest message that is taken for a bound.
const LARGEST_MESSAGE: i64 = 128 * 1024 * 1024;

/// Judges one configuration.
pub fn judge(case: &mut Case<'_>) {
    let mqtt = plugin(case, &["rabbitmq_mqtt", "rabbitmq_web_mqtt"], "mqtt");
    listeners(case, "listeners.tcp", Some("5672"));
    let mut secured = listeners(case, "listeners.ssl", None) != Doors::none();
    if mqtt != Some(false) {
        // Whether there is MQTT at all may not be told; what the file says of it counts anyway.
        let undeclared = if mqtt == Some(true) { Some("1883") } else { None };
        let plain = listeners(case, "mqtt.listeners.tcp", undeclared);
        let tls = listeners(case, "mqtt.listeners.ssl", None);
        secured |= tls != Doors::none();
        let plain = plain.with(websockets(case));
        if mqtt.is_none() {
            let reason = "whether the MQTT plugin is on stands in enabled_plugins, and that is not \
                          beside the configuration; add it to the folder that the target names";
            case.open_at(&[G::Anonymous, G::Tls, G::Bind, G::IdentityMapping], PLUGINS, reason);
        } else {
            anonymous(case, plain, tls);
            identity(case);
        }
    }
    if secured {
        versions(case, "ssl_options.versions");
    }
    let reason = "permissions are in the database of the broker or in its definitions";
    case.review.open(G::Authorization, reason);
    guest(case);
    management(case);
    for level in
        ["log.console.level", "log.file.level", "log.connection.level", "log.default.level"]
    {
        if let Some(level) = case.value(level).filter(|level| level.value == "debug") {
            case.off(G::Debug, &level, Reach::Unstated);
        }
    }
    if let Some(limit) = case.bound("connection_max", &["infinity"])
        && limit.value.is_none()
        && !case.has("default_limits.vhosts")
    {
        case.off(G::Limits, &limit, Reach::Unstated);
    }
    if let Some(size) = case.bound("max_message_size", &["infinity"])
        && size.value.is_none_or(|size| size > LARGEST_MESSAGE)
    {
        case.off(G::Limits, &size, Reach::Unstated);
    }
}

/// Whether one of these plugins is on; settings of its own say so where the list is not here.
fn plugin(case: &Case<'_>, names: &[&str], settings: &str) -> Option<bool> {
    let listed = match case.settings.text(PLUGINS) {
        Some(Ok(text)) => erlang::read(&text.content).ok(),
        _ => None,
    };
    match listed {
        Some(terms) => Some(terms.iter().any(|term| match &term.kind {
            TermKind::List(items) => {
                items.iter().filter_map(|item| item.text()).any(|name| names.contains(&name))
            }
            _ => false,
        })),
        None => case.has(settings).then_some(true),
    }
}

/// From where the listeners of a kind are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Doors {
    reach: Option<Reach>,
}

impl Doors {
    const fn none() -> Self {
        Self { reach: None }
    }

    /// Both kinds together, from as far away as either.
    fn with(self, other: Self) -> Self {
        Self { reach: self.reach.into_iter().chain(other.reach).min() }
    }
}

/// Judges the listeners of MQTT over WebSocket, of which the plugin opens a plain one by itself on
/// port 15675 of every interface, and none by TLS. Neither asks for a certificate.
fn websockets(case: &mut Case<'_>) -> Doors {
    match plugin(case, &["rabbitmq_web_mqtt"], "web_mqtt") {
        Some(true) => {}
        Some(false) => return Doors::none(),
        None => {
            let reason = "whether MQTT over WebSocket is on stands in enabled_plugins, and that is \
                          not beside the configuration; add it to the folder that the target names";
            case.open_at(&[G::Anonymous, G::Tls, G::Bind], PLUGINS, reason);
            return Doors::none();
        }
    }
    let mut doors = Doors::none();
    for (kind, tls) in [("tcp", false), ("ssl", true)] {
        let at = |key: &str| format!("web_mqtt.{kind}.{key}");
        let told = ["listener", "port"].iter().any(|key| case.has(&at(key)));
        if tls && !told {
            continue;
        }
        let address = if case.has(&at("listener")) { at("listener") } else { at("ip") };
        let Some(address) = case.value(&address) else { continue };
        if address.value == "none" {
            continue;
        }
        let from = bound(&address.value).reach();
        doors = doors.with(Doors { reach: Some(from) });
        if bound(&address.value) == Bound::Wildcard {
            case.off(G::Bind, &address, from);
        }
        if tls {
            versions(case, "web_mqtt.ssl.versions");
        } else {
            let value = "a listener of WebSocket without TLS";
            case.off_at(G::Tls, &address.setting, value, from);
        }
    }
    doors
}

/// Judges the listeners of a kind. `none` closes them, and adding others does not.
fn listeners(case: &mut Case<'_>, at: &str, undeclared: Option<&str>) -> Doors {
    let tls = at.ends_with("ssl");
    let closed = case.settings.get(&path(at)).is_some();
    let names = case.names(at);
    if closed && case.value(at).is_some_and(|word| word.value == "none") {
        return Doors::none();
    }
    let mut reach: Option<Reach> = None;
    let mut widen = |more: Reach| reach = Some(reach.map_or(more, |reach| reach.min(more)));
    for name in &names {
        let Some(address) = case.value(&format!("{at}.{name}")) else { continue };
        let from = bound(&address.value).reach();
        widen(from);
        if bound(&address.value) == Bound::Wildcard {
            case.off(G::Bind, &address, from);
        }
        if !tls {
            case.off_at(G::Tls, &address.setting, "a listener without TLS", from);
        }
    }
    if let Some(port) = undeclared.filter(|_| names.is_empty()) {
        if let Some(gap) = case.gap(at) {
            let reason = gap.reason.clone();
            case.review.undetermined(&gap.place, &gap.name, &[G::Tls, G::Bind], reason);
        } else {
            let value = format!("not declared, so port {port} is open on every interface");
            case.off_at(G::Tls, at, value.clone(), Reach::Network);
            case.off_at(G::Bind, at, value, Reach::Network);
        }
        widen(Reach::Network);
    }
    Doors { reach }
}

fn demands_certificate(case: &mut Case<'_>) -> bool {
    let verify = case.value("ssl_options.verify");
    let fail = case.flag("ssl_options.fail_if_no_peer_cert");
    verify.is_some_and(|verify| verify.value == "verify_peer")
        && fail.is_some_and(|fail| fail.value)
}

fn anonymous(case: &mut Case<'_>, plain: Doors, tls: Doors) {
    let demanded = demands_certificate(case);
    let reach = match (plain.reach, tls.reach.filter(|_| !demanded)) {
        (None, None) => return,
        (Some(one), Some(other)) => one.min(other),
        (Some(one), None) | (None, Some(one)) => one,
    };
    let Some(allowed) = case.flag("mqtt.allow_anonymous").filter(|allowed| allowed.value) else {
        return;
    };
    let named = if case.is_since(4, 0, 0) { "anonymous_login_user" } else { "mqtt.default_user" };
    let Some(user) = case.value(named).filter(|user| user.value != "none") else { return };
    // The user that everybody becomes may be one that is let in from this machine only.
    let local = user.value == "guest" && is_local(case);
    case.off(G::Anonymous, &allowed, if local { Reach::Loopback } else { reach });
}

/// Whether guest is let in from this machine only, as it is where nothing else is said.
fn is_local(case: &mut Case<'_>) -> bool {
    if case.has("loopback_users.guest") {
        return case.flag("loopback_users.guest").is_none_or(|local| local.value);
    }
    case.value("loopback_users").is_none_or(|word| word.value != "none")
}

fn guest(case: &mut Case<'_>) {
    if is_local(case) || case.has("default_pass") || case.has("default_users") {
        return;
    }
    let place = case.place("loopback_users");
    let traits = Traits::of("guest");
    case.review.default_secret(&place, "default_pass", SecretKind::Password, traits);
}

fn identity(case: &mut Case<'_>) {
    if let Some(login) = case.flag("mqtt.ssl_cert_login").filter(|login| login.value)
        && !demands_certificate(case)
    {
        case.off(G::IdentityMapping, &login, Reach::Unstated);
    }
}

fn versions(case: &mut Case<'_>, list: &str) {
    let names = case.names(list);
    if names.is_empty() {
        let reason = "no version is named, so what the Erlang that runs it takes counts, and older \
                      ones take TLS 1.0";
        case.open_at(&[G::TlsVersion], list, reason);
    }
    for name in names {
        let version = case.read(&format!("{list}.{name}"), tls_version);
        if let Some(version) = version.filter(|v| !matches!(v.value, "1.2" | "1.3")) {
            case.off(G::TlsVersion, &version, Reach::Unstated);
        }
    }
}

fn management(case: &mut Case<'_>) {
    for (name, root) in
        [("rabbitmq_management", "management"), ("rabbitmq_prometheus", "prometheus")]
    {
        match plugin(case, &[name], root) {
            Some(true) => {
                let ip = format!("{root}.tcp.ip");
                if let Some(ip) = case.value(&ip) {
                    let reach = bound(&ip.value).reach();
                    let value = format!("switched on, {}", ip.shown);
                    case.off_at(G::Admin, &ip.setting, value, reach);
                }
            }
            Some(false) => {}
            None => {
                let reason = "whether it is on stands in enabled_plugins, and that is not beside \
                              the configuration";
                case.open_at(&[G::Admin], root, reason);
            }
        }
    }
}
