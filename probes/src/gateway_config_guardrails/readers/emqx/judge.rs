//! The guardrails of EMQX under one release.

use model::evidence::{Guardrail as G, LengthClass, Origin, Reach, SecretKind};

use super::acl::{self, Rest};
use super::keys::LISTENER;
use crate::gateway_config_guardrails::secrets::Traits;
use crate::gateway_config_guardrails::settings::{Case, path};
use crate::gateway_config_guardrails::tree::shown;
use crate::gateway_config_guardrails::values::{self, Bound, bound};

/// Listeners that are there without being in any file, by type.
const TYPES: [(&str, bool); 5] =
    [("tcp", false), ("ssl", true), ("ws", false), ("wss", true), ("quic", true)];

/// What `EMQX_SECURITY_PROFILE` selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Profile {
    /// Open where nothing is said.
    Legacy,
    /// Closed where nothing is said.
    Hardened,
    /// The environment is not in evidence.
    Unknown,
}

const NO_PROFILE: &str = "the environment selects it, and is not in evidence; declare \
                          `environment` on the configuration";

/// Judges one configuration.
pub fn judge(case: &mut Case<'_>) {
    let profile = match case.environment.text("EMQX_SECURITY_PROFILE") {
        _ if !case.is_since(6, 2, 1) => Profile::Legacy,
        Some("hardened") => Profile::Hardened,
        Some(_) => Profile::Legacy,
        None if case.environment.is_declared() => Profile::Legacy,
        None => Profile::Unknown,
    };
    for (kind, tls) in TYPES {
        let mut names = case.names(&format!("listeners.{kind}"));
        if kind != "quic" && !names.iter().any(|name| name == "default") {
            names.push("default".to_owned());
        }
        for name in names {
            listener(case, &format!("listeners.{kind}.{name}"), tls, profile);
        }
    }
    authorization(case);
    dashboard(case, profile);
    cookie(case, profile);
    connectors(case);
    logging(case);
    for (key, largest) in
        [("mqtt.max_packet_size", 16 * 1024 * 1024), ("mqtt.max_mqueue_len", 1_000_000)]
    {
        // 0 is no bound for queues.
        if let Some(size) = case.bound(key, &["infinity", "0"])
            && size.value.is_none_or(|size| size > largest)
        {
            case.off(G::Limits, &size, Reach::Unstated);
        }
    }
}

fn listener(case: &mut Case<'_>, at: &str, tls: bool, profile: Profile) {
    let declared = case.has(at);
    if !declared && let Some(gap) = case.gap(at) {
        return case.review.undetermined(&gap.place, &gap.name, LISTENER, gap.reason.clone());
    }
    for switch in ["enable", "enabled"] {
        let key = format!("{at}.{switch}");
        if case.has(&key) && case.flag(&key).is_none_or(|on| !on.value) {
            return;
        }
    }
    let Some(bind) = case.value(&format!("{at}.bind")) else {
        // From where it is reached is open, and whether it asks for a name is told all the same.
        return anonymous(case, at, Reach::Network, profile);
    };
    let given = bind.origin == Origin::Explicit;
    let reach = bound(&bind.value).reach();
    if bound(&bind.value) == Bound::Wildcard {
        if profile == Profile::Unknown && !given {
            case.open_at(&[G::Bind], "EMQX_SECURITY_PROFILE", NO_PROFILE);
        } else if profile == Profile::Legacy || given {
            case.off(G::Bind, &bind, reach);
        }
    }
    // The hardened profile binds what has no address of its own to the loopback.
    let reach = if profile == Profile::Hardened && !given { Reach::Loopback } else { reach };
    if !tls && (profile != Profile::Unknown || given) {
        case.off_at(G::Tls, &format!("{at}.bind"), "a listener without TLS", reach);
    } else if !tls {
        case.open_at(&[G::Tls], "EMQX_SECURITY_PROFILE", NO_PROFILE);
    }
    let demanded = tls && demands_certificate(case, at);
    if tls {
        secured(case, at, reach);
    }
    if !demanded {
        anonymous(case, at, reach, profile);
        mapping(case, at, tls);
    }
    let limit = format!("{at}.max_connections");
    if let Some(limit) = case.bound(&limit, &["infinity"]).filter(|limit| limit.value.is_none()) {
        case.off(G::Limits, &limit, reach);
    }
}

fn demands_certificate(case: &mut Case<'_>, at: &str) -> bool {
    let verify = case.value(&format!("{at}.ssl_options.verify"));
    let fail = case.flag(&format!("{at}.ssl_options.fail_if_no_peer_cert"));
    verify.is_some_and(|verify| verify.value == "verify_peer")
        && fail.is_some_and(|fail| fail.value)
}

fn secured(case: &mut Case<'_>, at: &str, reach: Reach) {
    let versions = format!("{at}.ssl_options.versions");
    for item in case.names(&versions) {
        let version = case.read(&format!("{versions}.{item}"), values::tls_version);
        if let Some(version) = version.filter(|v| !matches!(v.value, "1.2" | "1.3")) {
            case.off(G::TlsVersion, &version, reach);
        }
    }
    // The key that is shipped with every package: as a default, and by its path.
    let key = format!("{at}.ssl_options.keyfile");
    let shipped = match case.value(&key) {
        Some(file) => {
            file.value.ends_with("etc/certs/key.pem")
                || file.value.contains("EMQX_ETC_DIR") && file.value.ends_with("certs/key.pem")
        }
        None => !case.has(&key) && case.gap(&key).is_none() && at.ends_with(".default"),
    };
    if shipped {
        let place = case.place(&key);
        let traits = Traits { length: LengthClass::From16, known: true };
        case.review.default_secret(&place, &key, SecretKind::Key, traits);
    }
}

fn anonymous(case: &mut Case<'_>, at: &str, reach: Reach, profile: Profile) {
    let key = format!("{at}.enable_authn");
    if case.has(&key)
        && let Some(asked) = case.value(&key).filter(|asked| asked.value == "false")
    {
        return case.off(G::Anonymous, &asked, reach);
    }
    let own = format!("{at}.authentication");
    let chain = if case.has(&own) { own } else { "authentication".to_owned() };
    if !case.has(&chain)
        && let Some(gap) = case.gap(&chain)
    {
        return case.review.undetermined(
            &gap.place,
            &gap.name,
            &[G::Anonymous],
            gap.reason.clone(),
        );
    }
    let entries = entries(case, &chain);
    let mut open = true;
    for entry in entries {
        let on = case.flag_or(&format!("{entry}.enable"), true, &[G::Anonymous]);
        open &= on == Some(false);
    }
    match profile {
        _ if !open => {}
        Profile::Hardened => {}
        Profile::Unknown => case.open_at(&[G::Anonymous], "EMQX_SECURITY_PROFILE", NO_PROFILE),
        Profile::Legacy => {
            let value = format!("no authenticator is on, so {at} lets everybody in");
            case.off_at(G::Anonymous, &chain, value, reach);
        }
    }
}

/// The entries of a list, which may also be written as a single object.
fn entries(case: &Case<'_>, list: &str) -> Vec<String> {
    let names = case.names(list);
    if names.iter().all(|name| name.parse::<usize>().is_ok()) {
        names.into_iter().map(|name| format!("{list}.{name}")).collect()
    } else {
        vec![list.to_owned()]
    }
}

fn mapping(case: &mut Case<'_>, at: &str, tls: bool) {
    for key in ["mqtt.peer_cert_as_username", "mqtt.peer_cert_as_clientid"] {
        if let Some(from) = case.value(key).filter(|from| tls && from.value != "disabled") {
            let value = format!("{} without a certificate demanded on {at}", from.shown);
            case.off_at(G::IdentityMapping, key, value, Reach::Unstated);
        }
    }
}

fn authorization(case: &mut Case<'_>) {
    const LIST: &str = "authorization.sources";
    let no_match = case.value("authorization.no_match");
    let allows = no_match.filter(|word| word.value == "allow");
    let explicit = allows.as_ref().filter(|word| word.origin == Origin::Explicit);
    let sources = match case.gap(LIST) {
        // Nothing is known of the sources, and what the file says of the rest still stands.
        Some(gap) if !case.has(LIST) => {
            if let Some(word) = explicit {
                case.off(G::Authorization, word, Reach::Unstated);
            }
            let reason = gap.reason.clone();
            return case.review.undetermined(&gap.place, &gap.name, &[G::Authorization], reason);
        }
        // Shipped: the rules of acl.conf.
        _ if !case.has(LIST) => vec![None],
        _ => entries(case, LIST).into_iter().map(Some).collect(),
    };
    for source in sources {
        if let Some(at) = &source {
            let on = case.flag_or(&format!("{at}.enable"), true, &[G::Authorization]);
            let file = case.value(&format!("{at}.type")).is_some_and(|kind| kind.value == "file");
            if on != Some(true) || !file {
                continue;
            }
        }
        let named = source.as_ref().and_then(|at| case.value(&format!("{at}.path")));
        let named = named.as_ref().map_or(super::ACL, |path| acl::file_name(&path.value));
        let rules = case.settings.text(named).and_then(|text| text.as_ref().ok());
        let reason = match rules.map(acl::rest) {
            Some(Rest::Allowed(place)) => {
                let open =
                    place.observe(shown(named), "{allow, all} for everybody", Reach::Unstated);
                return case.review.off(G::Authorization, open);
            }
            Some(Rest::Denied) => return,
            Some(Rest::Unsaid) => continue,
            Some(Rest::Unreadable(error)) => error,
            None => format!(
                "the rules are in {}, and that is not beside the configuration",
                shown(named)
            ),
        };
        case.open_at(&[G::Authorization], source.as_deref().unwrap_or(LIST), reason);
        if let Some(word) = explicit {
            case.off(G::Authorization, word, Reach::Unstated);
        }
        return;
    }
    if let Some(word) = &allows {
        case.off(G::Authorization, word, Reach::Unstated);
    }
}

fn dashboard(case: &mut Case<'_>, profile: Profile) {
    let mut open = false;
    for (kind, tls) in [("http", false), ("https", true)] {
        let at = format!("dashboard.listeners.{kind}");
        let switch = format!("{at}.enable");
        if case.has(&switch) && case.flag(&switch).is_none_or(|on| !on.value) {
            continue;
        }
        let Some(bind) = case.value(&format!("{at}.bind")) else { continue };
        if bind.value.trim() == "0" || bind.value.ends_with(":0") {
            continue;
        }
        open = true;
        let given = bind.origin == Origin::Explicit;
        let reach = match profile {
            Profile::Hardened if !given => Reach::Loopback,
            Profile::Unknown if !given => {
                case.open_at(&[G::Admin, G::Tls], "EMQX_SECURITY_PROFILE", NO_PROFILE);
                continue;
            }
            _ => bound(&bind.value).reach(),
        };
        case.off(G::Admin, &bind, reach);
        if !tls {
            case.off_at(G::Tls, &bind.setting, "the dashboard over plain HTTP", reach);
        }
    }
    const PASSWORD: &str = "dashboard.default_password";
    if !open || case.has(PASSWORD) || case.has("dashboard.bootstrap_users_file") {
        return;
    }
    match (case.gap(PASSWORD), profile) {
        (Some(gap), _) => {
            let reason = gap.reason.clone();
            case.review.undetermined(&gap.place, &gap.name, &[G::DefaultSecret], reason);
        }
        (None, Profile::Legacy) => {
            let place = case.place(PASSWORD);
            let traits = Traits::of("public");
            case.review.default_secret(&place, PASSWORD, SecretKind::Password, traits);
        }
        (None, Profile::Unknown) => {
            case.open_at(&[G::DefaultSecret], "EMQX_SECURITY_PROFILE", NO_PROFILE);
        }
        (None, Profile::Hardened) => {}
    }
}

/// Nodes of a cluster trust whoever has the cookie, and every package is shipped with the same one,
/// which the hardened profile refuses.
fn cookie(case: &mut Case<'_>, profile: Profile) {
    const COOKIE: &str = "node.cookie";
    if profile == Profile::Hardened || case.has(COOKIE) {
        return;
    }
    if let Some(gap) = case.gap(COOKIE) {
        let reason = gap.reason.clone();
        return case.review.undetermined(&gap.place, &gap.name, &[G::DefaultSecret], reason);
    }
    if case.environment.is_declared() && profile == Profile::Legacy {
        let place = case.place(COOKIE);
        let traits = Traits::of("emqxsecretcookie");
        case.review.default_secret(&place, COOKIE, SecretKind::Other, traits);
    } else {
        case.open_at(&[G::DefaultSecret], COOKIE, NO_PROFILE);
    }
}

fn connectors(case: &mut Case<'_>) {
    for kind in case.names("connectors") {
        for name in case.names(&format!("connectors.{kind}")) {
            let at = format!("connectors.{kind}.{name}");
            let server = format!("{at}.server");
            if !case.settings.has(&path(&server))
                || case.flag(&format!("{at}.enable")).is_some_and(|on| !on.value)
            {
                continue;
            }
            let reach = case.value(&server).map_or(Reach::Network, |s| bound(&s.value).reach());
            match case.flag(&format!("{at}.ssl.enable")) {
                Some(tls) if tls.value => {
                    let verify = case.value(&format!("{at}.ssl.verify"));
                    if let Some(verify) = verify.filter(|verify| verify.value == "verify_none") {
                        case.off(G::PeerVerification, &verify, reach);
                    }
                }
                Some(tls) => case.off(G::Tls, &tls, reach),
                None => {}
            }
        }
    }
}

fn logging(case: &mut Case<'_>) {
    let mut levels = vec!["log.console.level".to_owned(), "log.file.level".to_owned()];
    levels.extend(case.names("log.file").into_iter().map(|name| format!("log.file.{name}.level")));
    for level in levels {
        if let Some(level) =
            case.value(&level).filter(|l| matches!(l.value.as_str(), "debug" | "all"))
        {
            case.off(G::Debug, &level, Reach::Unstated);
        }
    }
}
