//! HiveMQ's config.xml (Community Edition, and the parts of HiveMQ 4 that it shares), with the
//! extensions whose folders are beside it.

use model::document::ConfigFormat;
use model::evidence::{Guardrail as G, Reach, SecretKind};

use super::Places;
use crate::gateway_config_guardrails::guardrail::Place;
use crate::gateway_config_guardrails::includes::{Files, Text};
use crate::gateway_config_guardrails::secrets::{Traits, VARIABLE};
use crate::gateway_config_guardrails::settings::{
    Case, Environment, Key, Kind, Named, Program, Schema, Settings, Words, always, key, path,
};
use crate::gateway_config_guardrails::tree::{
    MAX_DEPTH, MAX_NODES, MAX_SCALAR_BYTES, Unreadable, Value,
};
use crate::gateway_config_guardrails::values::{Bound, bound, tls_version};
use crate::gateway_config_guardrails::version::Version;

/// HiveMQ.
pub const PROGRAM: Program = Program {
    name: "hivemq",
    format: ConfigFormat::Hivemq,
    named: Named { files: &[], looks_like: |text| text.contains("<hivemq") },
    read,
    keys: KEYS,
    schema: Schema::Partial("HiveMQ does not take the file and starts with its own defaults"),
    words: Words::TRUE_FALSE,
    // The Community Edition counts by years.
    releases: &[
        ("4", Version { major: 4, minor: 0, patch: 0 }),
        ("CE", Version { major: 2020, minor: 0, patch: 0 }),
    ],
    covers: &[
        G::Anonymous,
        G::Authorization,
        G::Tls,
        G::TlsVersion,
        G::Bind,
        G::Admin,
        G::Limits,
        G::UnknownKey,
    ],
    judge,
};

/// Elements that may be there several times get numbers in their paths.
const REPEATED: [&str; 10] = [
    "tcp-listener",
    "tls-tcp-listener",
    "websocket-listener",
    "tls-websocket-listener",
    "protocol",
    "cipher-suite",
    "subprotocol",
    "user",
    "http",
    "https",
];

const KEYS: &[Key] = &[
    key("listeners.*.*.bind-address", Kind::Address)
        .on(&[G::Bind, G::Tls, G::Anonymous, G::Authorization])
        .or(&[always("0.0.0.0")]),
    key("listeners.*.*.port", Kind::Number),
    key("listeners.*.*.tls.protocols.protocol.*", Kind::TlsVersions).on(&[G::TlsVersion]),
    key(
        "listeners.*.*.tls.client-authentication-mode",
        Kind::Word(&["NONE", "OPTIONAL", "REQUIRED"]),
    )
    .on(&[G::Anonymous])
    .or(&[always("NONE")]),
    key("listeners.*.*.tls.keystore.password", Kind::Secret(SecretKind::Password)),
    key("listeners.*.*.tls.keystore.private-key-password", Kind::Secret(SecretKind::Password)),
    key("listeners.*.*.tls.truststore.password", Kind::Secret(SecretKind::Password)),
    key("listeners.**", Kind::Text),
    key("restrictions.max-connections", Kind::Bound).on(&[G::Limits]).or(&[always("-1")]),
    key("restrictions.**", Kind::Text),
    key("mqtt.packets.max-packet-size", Kind::Bound).on(&[G::Limits]).or(&[always("268435460")]),
    key("mqtt.queued-messages.max-queue-size", Kind::Bound).on(&[G::Limits]).or(&[always("1000")]),
    key("mqtt.**", Kind::Text),
    key("control-center.listeners.*.*.bind-address", Kind::Address)
        .on(&[G::Admin])
        .or(&[always("0.0.0.0")]),
    key("control-center.users.user.*.password", Kind::Secret(SecretKind::Password)),
    key("control-center.**", Kind::Text),
    key("persistence.**", Kind::Text),
    key("security.**", Kind::Text),
    key("anonymous-usage-statistics.**", Kind::Text),
];

/// Largest packet that is taken for a bound; the protocol's own is 256 MiB.
const LARGEST_PACKET: i64 = 64 * 1024 * 1024;

/// Folders of extensions, as they are beside config.xml.
const EXTENSIONS: [&str; 2] = ["../extensions", "extensions"];

const ALLOW_ALL: &str = "hivemq-allow-all-extension";
const RBAC: &str = "hivemq-file-rbac-extension";

fn read(main: &Text, files: &mut Files, environment: &Environment) -> Result<Settings, Unreadable> {
    let mut settings = parse(main, environment)?;
    for extension in [ALLOW_ALL, RBAC] {
        for folder in EXTENSIONS {
            let at = format!("{folder}/{extension}");
            if let Ok(text) = files.read(&format!("{at}/hivemq-extension.xml"))
                && files.read(&format!("{at}/DISABLED")).is_err()
            {
                settings.attach(extension, Ok(text));
                break;
            }
        }
    }
    Ok(settings)
}

/// Elements as paths below `hivemq`.
pub(super) fn parse(main: &Text, environment: &Environment) -> Result<Settings, Unreadable> {
    let places = Places::of(&main.content);
    let at = |offset: usize| {
        let (line, column) = places.at(offset);
        Place { file: main.name.clone(), line, column }
    };
    let syntax = |line, column| Unreadable::Syntax { format: "XML", line, column };
    let nodes_limit = u32::try_from(MAX_NODES).unwrap_or(u32::MAX);
    let options = roxmltree::ParsingOptions { allow_dtd: false, nodes_limit, ..Default::default() };
    let document = roxmltree::Document::parse_with_options(&main.content, options).map_err(
        |error| match error {
            roxmltree::Error::NodesLimitReached => Unreadable::Limit("100,000 values"),
            other => syntax(other.pos().row, other.pos().col),
        },
    )?;
    let root = document.root_element();
    if root.tag_name().name() != "hivemq" {
        let place = at(root.range().start);
        return Err(syntax(place.line, place.column));
    }
    let mut settings = Settings::default();
    let mut open = vec![(root, Vec::new())];
    while let Some((element, steps)) = open.pop() {
        if steps.len() >= MAX_DEPTH {
            return Err(Unreadable::Limit("64 levels"));
        }
        for child in element.children().filter(roxmltree::Node::is_element) {
            let name = child.tag_name().name();
            let mut steps: Vec<String> = steps.iter().cloned().chain([name.to_owned()]).collect();
            if REPEATED.contains(&name) {
                steps = settings.next_item(&steps);
            }
            let place = at(child.range().start);
            if child.children().any(|inner| inner.is_element()) {
                // Reserves the number, and says that the element is there.
                settings.set(steps.clone(), Value::Table(Vec::new()), place)?;
                open.push((child, steps));
            } else {
                let text = child.text().unwrap_or("").trim();
                settings.set(steps, filled(text, environment), place)?;
            }
        }
    }
    Ok(settings)
}

/// The text with `${NAME}` and `${ENV:NAME}` filled in.
fn filled(text: &str, environment: &Environment) -> Value {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("${") {
        let named = behind.split_once('}');
        let value = named.and_then(|(name, after)| {
            Some((environment.text(name.strip_prefix("ENV:").unwrap_or(name))?, after))
        });
        // What is longer than a value may be is not told.
        let value = value.filter(|(value, _)| whole.len() + value.len() <= MAX_SCALAR_BYTES);
        let Some((value, after)) = value else {
            return Value::Unresolved(VARIABLE);
        };
        whole.push_str(before);
        whole.push_str(value);
        rest = after;
    }
    whole.push_str(rest);
    Value::Scalar(whole)
}

fn judge(case: &mut Case<'_>) {
    let mut names = Vec::new();
    for (kind, tls) in [
        ("tcp-listener", false),
        ("tls-tcp-listener", true),
        ("websocket-listener", false),
        ("tls-websocket-listener", true),
    ] {
        let at = format!("listeners.{kind}");
        names.extend(case.names(&at).into_iter().map(|number| (format!("{at}.{number}"), tls)));
    }
    if names.is_empty() {
        let value = "no listener is declared, so the default one is open on port 1883";
        case.off_at(G::Tls, "listeners", value, Reach::Network);
        case.off_at(G::Bind, "listeners", value, Reach::Network);
    }
    let mut demanded = !names.is_empty();
    let mut reach = Reach::Loopback;
    for (at, tls) in names {
        let (closed, from) = listener(case, &at, tls);
        demanded &= closed;
        reach = reach.min(from);
    }
    extensions(case, demanded, if case.has("listeners") { reach } else { Reach::Network });
    control_center(case);
    let limits = [
        ("restrictions.max-connections", 1_000_000),
        ("mqtt.packets.max-packet-size", LARGEST_PACKET),
        ("mqtt.queued-messages.max-queue-size", 1_000_000),
    ];
    for (key, largest) in limits {
        if let Some(limit) = case.bound(key, &["-1", "0"])
            && limit.value.is_none_or(|limit| limit > largest)
        {
            case.off(G::Limits, &limit, Reach::Unstated);
        }
    }
}

/// Judges a listener: whether it demands a certificate, and from where it is reached.
fn listener(case: &mut Case<'_>, at: &str, tls: bool) -> (bool, Reach) {
    let Some(address) = case.value(&format!("{at}.bind-address")) else {
        return (false, Reach::Loopback);
    };
    let reach = bound(&address.value).reach();
    if bound(&address.value) == Bound::Wildcard {
        case.off(G::Bind, &address, reach);
    }
    if !tls {
        case.off_at(G::Tls, at, "a listener without TLS", reach);
        return (false, reach);
    }
    let protocols = format!("{at}.tls.protocols.protocol");
    let named = case.names(&protocols);
    if named.is_empty() {
        let reason = "no protocol is named, so what the Java that runs it takes counts";
        case.open_at(&[G::TlsVersion], &format!("{at}.tls.protocols"), reason);
    }
    for number in named {
        let version = case.read(&format!("{protocols}.{number}"), tls_version);
        if let Some(version) = version.filter(|v| !matches!(v.value, "1.2" | "1.3")) {
            case.off(G::TlsVersion, &version, reach);
        }
    }
    let mode = case.value(&format!("{at}.tls.client-authentication-mode"));
    (mode.is_some_and(|mode| mode.value == "REQUIRED"), reach)
}

/// Who may connect is for extensions to say, and without one nobody may.
fn extensions(case: &mut Case<'_>, demanded: bool, reach: Reach) {
    let place = |name: &str| match case.settings.text(name) {
        Some(Ok(text)) => Some(Place::top(&text.name)),
        _ => None,
    };
    let (all, rules) = (place(ALLOW_ALL), place(RBAC));
    match (all, rules) {
        (Some(place), None) => {
            let open = place.observe(ALLOW_ALL, "installed and not disabled", reach);
            if !demanded {
                case.review.off(G::Anonymous, open.clone());
            }
            case.review.off(G::Authorization, open);
        }
        (None, Some(place)) => {
            let reason = "credentials.xml of this extension says who may do what";
            case.review.undetermined(&place, RBAC, &[G::Authorization], reason);
        }
        (Some(place), Some(_)) => {
            let reason = "two extensions decide, and their priority is not in the configuration";
            let guardrails = [G::Anonymous, G::Authorization];
            case.review.undetermined(&place, ALLOW_ALL, &guardrails, reason);
        }
        (None, None) => {
            let reason = "extensions decide who may connect and what they may do, and their \
                          folder is not beside the configuration; add it to the folder that the \
                          target names";
            case.open_at(&[G::Anonymous, G::Authorization], "extensions", reason);
        }
    }
}

/// HiveMQ 4 has a control center, the Community Edition has none.
fn control_center(case: &mut Case<'_>) {
    if case.is_since(5, 0, 0) {
        return;
    }
    let mut any = false;
    for kind in ["http", "https"] {
        let at = format!("control-center.listeners.{kind}");
        for number in case.names(&at) {
            any = true;
            if let Some(address) = case.value(&format!("{at}.{number}.bind-address")) {
                case.off(G::Admin, &address, bound(&address.value).reach());
            }
        }
    }
    if !any {
        let value = "not configured, so the control center is open on port 8080";
        case.off_at(G::Admin, "control-center", value, Reach::Network);
    }
    if !case.settings.has(&path("control-center.users")) {
        let place = case.place("control-center");
        let traits = Traits::of("hivemq");
        let kind = SecretKind::Password;
        case.review.default_secret(&place, "control-center.users", kind, traits);
    }
}
