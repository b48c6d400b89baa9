//! The keys of EMQX that matter here, with their defaults (schema of 5.0 to 6.2).

use model::evidence::{Guardrail as G, SecretKind};

use crate::gateway_config_guardrails::settings::{Key, Kind, always, key, since, until};

/// What hangs on whether a listener is there.
pub const LISTENER: &[G] = &[G::Anonymous, G::Tls, G::Bind, G::Limits];

const LEVELS: Kind = Kind::Word(&[
    "debug",
    "info",
    "notice",
    "warning",
    "error",
    "critical",
    "alert",
    "emergency",
    "all",
    "none",
]);

const VERIFY: Kind = Kind::Word(&["verify_none", "verify_peer"]);

/// The first one that names a path counts.
pub const KEYS: &[Key] = &[
    key("listeners.tcp.default.bind", Kind::Address).on(LISTENER).or(&[always("0.0.0.0:1883")]),
    key("listeners.ssl.default.bind", Kind::Address).on(LISTENER).or(&[always("0.0.0.0:8883")]),
    key("listeners.ws.default.bind", Kind::Address).on(LISTENER).or(&[always("0.0.0.0:8083")]),
    key("listeners.wss.default.bind", Kind::Address).on(LISTENER).or(&[always("0.0.0.0:8084")]),
    key("listeners.*.*.bind", Kind::Address).on(LISTENER),
    key("listeners.*.*.enable", Kind::Flag).on(LISTENER),
    key("listeners.*.*.enabled", Kind::Flag).on(LISTENER),
    key("listeners.*.*.enable_authn", Kind::Word(&["true", "false", "quick_deny_anonymous"]))
        .on(&[G::Anonymous])
        .or(&[always("true")]),
    key("listeners.*.*.max_connections", Kind::Bound).on(&[G::Limits]).or(&[always("infinity")]),
    key("listeners.*.*.ssl_options.verify", VERIFY)
        .on(&[G::IdentityMapping, G::Anonymous])
        .or(&[always("verify_none")]),
    key("listeners.*.*.ssl_options.fail_if_no_peer_cert", Kind::Flag)
        .on(&[G::IdentityMapping, G::Anonymous])
        .or(&[always("false")]),
    key("listeners.*.*.ssl_options.versions.*", Kind::TlsVersions).on(&[G::TlsVersion]),
    key("listeners.*.*.ssl_options.keyfile", Kind::KeyFile).on(&[G::DefaultSecret]),
    key("listeners.*.*.authentication.**", Kind::Text),
    key("listeners.**", Kind::Text),
    key("authentication.*.enable", Kind::Flag).on(&[G::Anonymous]).or(&[always("true")]),
    key("authentication.**", Kind::Text),
    key("authorization.no_match", Kind::Word(&["allow", "deny"]))
        .on(&[G::Authorization])
        .or(&[until(6, 0, "allow"), since(6, 0, "deny")]),
    key("authorization.sources.*.enable", Kind::Flag).on(&[G::Authorization]).or(&[always("true")]),
    key(
        "authorization.sources.*.type",
        Kind::Word(&["file", "built_in_database", "http", "mysql", "postgresql", "redis", "ldap"]),
    )
    .on(&[G::Authorization]),
    key("authorization.**", Kind::Text),
    key("dashboard.listeners.http.bind", Kind::Address)
        .on(&[G::Admin, G::Tls])
        .or(&[always("18083")]),
    key("dashboard.listeners.http.enable", Kind::Flag).on(&[G::Admin, G::Tls]),
    key("dashboard.listeners.https.bind", Kind::Address).on(&[G::Admin]).or(&[always("0")]),
    key("dashboard.default_password", Kind::Secret(SecretKind::Password)).on(&[G::DefaultSecret]),
    key("dashboard.**", Kind::Text),
    key("node.cookie", Kind::Secret(SecretKind::Other)).on(&[G::DefaultSecret]),
    key("node.**", Kind::Text),
    key("log.console.level", LEVELS).on(&[G::Debug]).or(&[always("warning")]),
    key("log.console.enable", Kind::Flag).on(&[G::Debug]),
    key("log.file.level", LEVELS).on(&[G::Debug]),
    key("log.file.*.level", LEVELS).on(&[G::Debug]),
    key("log.**", Kind::Text),
    key("mqtt.max_packet_size", Kind::Bound).on(&[G::Limits]).or(&[always("1MB")]),
    key("mqtt.max_mqueue_len", Kind::Bound).on(&[G::Limits]).or(&[always("1000")]),
    key("mqtt.peer_cert_as_username", Kind::Word(&["disabled", "cn", "dn", "crt", "pem", "md5"]))
        .on(&[G::IdentityMapping])
        .or(&[always("disabled")]),
    key("mqtt.peer_cert_as_clientid", Kind::Word(&["disabled", "cn", "dn", "crt", "pem", "md5"]))
        .on(&[G::IdentityMapping])
        .or(&[always("disabled")]),
    key("mqtt.**", Kind::Text),
    key("connectors.*.*.enable", Kind::Flag).on(&[G::Tls]).or(&[always("true")]),
    key("connectors.*.*.server", Kind::Address).on(&[G::Tls]),
    key("connectors.*.*.servers", Kind::Text),
    key("connectors.*.*.ssl.enable", Kind::Flag).on(&[G::Tls]).or(&[always("false")]),
    key("connectors.*.*.ssl.verify", VERIFY)
        .on(&[G::PeerVerification])
        .or(&[always("verify_none")]),
    key("connectors.**", Kind::Text),
];
