//! The keys of RabbitMQ that matter here, with their defaults (3.8 to 4.x).

use model::evidence::{Guardrail as G, SecretKind};

use crate::gateway_config_guardrails::settings::{Key, Kind, always, key, since, until};

const LEVELS: Kind = Kind::Word(&["debug", "info", "warning", "error", "critical", "none"]);

/// The first one that names a path counts.
pub const KEYS: &[Key] = &[
    key("listeners.tcp", Kind::Address).on(&[G::Tls, G::Bind]),
    key("listeners.tcp.*", Kind::Address).on(&[G::Tls, G::Bind]),
    key("listeners.ssl", Kind::Address).on(&[G::Bind]),
    key("listeners.ssl.*", Kind::Address).on(&[G::Bind]),
    key("mqtt.listeners.tcp", Kind::Address).on(&[G::Tls, G::Bind, G::Anonymous]),
    key("mqtt.listeners.tcp.*", Kind::Address).on(&[G::Tls, G::Bind, G::Anonymous]),
    key("mqtt.listeners.ssl", Kind::Address).on(&[G::Bind, G::Anonymous]),
    key("mqtt.listeners.ssl.*", Kind::Address).on(&[G::Bind, G::Anonymous]),
    key("mqtt.allow_anonymous", Kind::Flag).on(&[G::Anonymous]).or(&[always("true")]),
    key("mqtt.default_user", Kind::Text).on(&[G::Anonymous]).or(&[until(4, 0, "guest")]),
    key("mqtt.default_pass", Kind::Secret(SecretKind::Password)),
    key("anonymous_login_user", Kind::Text).on(&[G::Anonymous]).or(&[since(4, 0, "guest")]),
    key("anonymous_login_pass", Kind::Secret(SecretKind::Password)),
    key("mqtt.ssl_cert_login", Kind::Flag).on(&[G::IdentityMapping]).or(&[always("false")]),
    key("mqtt.**", Kind::Text),
    key("web_mqtt.tcp.listener", Kind::Address).on(&[G::Tls, G::Bind, G::Anonymous]),
    key("web_mqtt.tcp.ip", Kind::Address).on(&[G::Bind, G::Anonymous]).or(&[always("0.0.0.0")]),
    key("web_mqtt.ssl.listener", Kind::Address).on(&[G::Bind, G::Anonymous]),
    key("web_mqtt.ssl.ip", Kind::Address).on(&[G::Bind, G::Anonymous]).or(&[always("0.0.0.0")]),
    key("web_mqtt.ssl.versions.*", Kind::TlsVersions).on(&[G::TlsVersion]),
    key("web_mqtt.ssl.keyfile", Kind::KeyFile),
    key("web_mqtt.ssl.password", Kind::Secret(SecretKind::Password)),
    key("web_mqtt.**", Kind::Text),
    key("default_user", Kind::Text),
    key("default_pass", Kind::Secret(SecretKind::Password)).on(&[G::DefaultSecret]),
    key("default_users.*.password", Kind::Secret(SecretKind::Password)),
    key("loopback_users", Kind::Word(&["none"])).on(&[G::Anonymous, G::DefaultSecret]),
    key("loopback_users.*", Kind::Flag).on(&[G::Anonymous, G::DefaultSecret]),
    key("ssl_options.verify", Kind::Word(&["verify_none", "verify_peer"]))
        .on(&[G::IdentityMapping, G::Anonymous])
        .or(&[always("verify_none")]),
    key("ssl_options.fail_if_no_peer_cert", Kind::Flag)
        .on(&[G::IdentityMapping, G::Anonymous])
        .or(&[always("false")]),
    key("ssl_options.versions.*", Kind::TlsVersions).on(&[G::TlsVersion]),
    key("ssl_options.keyfile", Kind::KeyFile),
    key("ssl_options.password", Kind::Secret(SecretKind::Password)),
    key("ssl_options.**", Kind::Text),
    key("management.tcp.port", Kind::Number).on(&[G::Admin]).or(&[always("15672")]),
    key("management.tcp.ip", Kind::Address).on(&[G::Admin]).or(&[always("0.0.0.0")]),
    key("management.ssl.ip", Kind::Address).on(&[G::Admin]).or(&[always("0.0.0.0")]),
    key("management.**", Kind::Text),
    key("prometheus.tcp.ip", Kind::Address).on(&[G::Admin]).or(&[always("0.0.0.0")]),
    key("prometheus.**", Kind::Text),
    key("log.console.level", LEVELS).on(&[G::Debug]).or(&[always("info")]),
    key("log.file.level", LEVELS).on(&[G::Debug]).or(&[always("info")]),
    key("log.connection.level", LEVELS).on(&[G::Debug]),
    key("log.default.level", LEVELS).on(&[G::Debug]),
    key("log.**", Kind::Text),
    key("connection_max", Kind::Bound).on(&[G::Limits]).or(&[always("infinity")]),
    key("max_message_size", Kind::Bound)
        .on(&[G::Limits])
        .or(&[until(4, 0, "134217728"), since(4, 0, "16777216")]),
    key("default_limits.**", Kind::Text),
    key("advanced.**", Kind::Text),
];
