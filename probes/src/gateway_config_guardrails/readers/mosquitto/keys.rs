//! The keys that mosquitto knows, and which guardrail hangs on them.

use model::evidence::Guardrail;

use super::Release;

/// Keys of 2.0 and earlier (mosquitto.conf(5) of 2.0.11, with the older names that are still read).
const KEYS: [&str; 121] = [
    "acl_file",
    "address",
    "addresses",
    "allow_anonymous",
    "allow_duplicate_messages",
    "allow_zero_length_clientid",
    "auth_plugin",
    "auth_plugin_deny_special_chars",
    "auto_id_prefix",
    "autosave_interval",
    "autosave_on_changes",
    "bind_address",
    "bind_interface",
    "bridge_alpn",
    "bridge_attempt_unsubscribe",
    "bridge_bind_address",
    "bridge_cafile",
    "bridge_capath",
    "bridge_certfile",
    "bridge_identity",
    "bridge_insecure",
    "bridge_keyfile",
    "bridge_max_packet_size",
    "bridge_outgoing_retain",
    "bridge_protocol_version",
    "bridge_psk",
    "bridge_require_ocsp",
    "bridge_tls_version",
    "cafile",
    "capath",
    "certfile",
    "check_retain_source",
    "ciphers",
    "ciphers_tls1.3",
    "cleansession",
    "clientid",
    "clientid_prefixes",
    "connection",
    "connection_messages",
    "crlfile",
    "dhparamfile",
    "http_dir",
    "idle_timeout",
    "include_dir",
    "keepalive_interval",
    "keyfile",
    "listener",
    "local_cleansession",
    "local_clientid",
    "local_password",
    "local_username",
    "log_dest",
    "log_facility",
    "log_timestamp",
    "log_timestamp_format",
    "log_type",
    "max_connections",
    "max_inflight_bytes",
    "max_inflight_messages",
    "max_keepalive",
    "max_packet_size",
    "max_qos",
    "max_queued_bytes",
    "max_queued_messages",
    "max_topic_alias",
    "maximum_qos",
    "memory_limit",
    "message_size_limit",
    "mount_point",
    "notification_topic",
    "notifications",
    "notifications_local_only",
    "password",
    "password_file",
    "per_listener_settings",
    "persistence",
    "persistence_file",
    "persistence_location",
    "persistent_client_expiration",
    "pid_file",
    "plugin",
    "port",
    "protocol",
    "psk_file",
    "psk_hint",
    "queue_qos0_messages",
    "remote_clientid",
    "remote_password",
    "remote_username",
    "require_certificate",
    "restart_timeout",
    "retain_available",
    "retained_persistence",
    "retry_interval",
    "round_robin",
    "set_tcp_nodelay",
    "socket_domain",
    "start_type",
    "store_clean_interval",
    "sys_interval",
    "threshold",
    "tls_engine",
    "tls_engine_kpass_sha1",
    "tls_keyform",
    "tls_version",
    "topic",
    "trace_level",
    "try_private",
    "upgrade_outgoing_qos",
    "use_identity_as_username",
    "use_subject_as_username",
    "use_username_as_clientid",
    "user",
    "username",
    "websockets_headers_size",
    "websockets_log_level",
    "ffdc_output",
    "max_log_entries",
    "trace_output",
    "bridge_reload_type",
    "bridge_max_topic_alias",
];

/// Keys that came with 2.1 (src/conf.c of that line).
const KEYS_OF_2_1: [&str; 30] = [
    "accept_protocol_versions",
    "bridge_ciphers",
    "bridge_ciphers_tls1.3",
    "bridge_receive_maximum",
    "bridge_session_expiry_interval",
    "bridge_tcp_keepalive",
    "bridge_tcp_user_timeout",
    "bridge_tls_use_os_certs",
    "disable_client_cert_date_checks",
    "enable_control_api",
    "enable_proxy_protocol",
    "global_max_clients",
    "global_max_connections",
    "global_plugin",
    "listener_allow_anonymous",
    "listener_auto_id_prefix",
    "max_topic_alias_broker",
    "packet_buffer_size",
    "packet_max_auth",
    "packet_max_connect",
    "packet_max_simple",
    "packet_max_sub",
    "plugin_load",
    "plugin_use",
    "proxy_protocol_v2_require_tls",
    "retain_expiry_interval",
    "sparkplug_aware",
    "websockets_origin",
    "log_dest_syslog_facility",
    "persistence_write_interval",
];

/// Whether a release knows a key.
pub fn is_known(key: &str, release: Release) -> bool {
    KEYS.contains(&key)
        || key.starts_with("plugin_opt_")
        || key.starts_with("auth_opt_")
        || (release == Release::V2_1 && KEYS_OF_2_1.contains(&key))
}

/// Settings of one listener. Those outside [`Release::V2_1`]'s list do not bring the
/// undeclared listener up there, they stop the broker.
pub fn is_of_listener(key: &str) -> bool {
    matches!(
        key,
        "bind_interface"
            | "cafile"
            | "capath"
            | "certfile"
            | "ciphers"
            | "ciphers_tls1.3"
            | "crlfile"
            | "disable_client_cert_date_checks"
            | "http_dir"
            | "keyfile"
            | "listener_allow_anonymous"
            | "max_connections"
            | "max_qos"
            | "maximum_qos"
            | "max_topic_alias"
            | "mount_point"
            | "protocol"
            | "psk_hint"
            | "require_certificate"
            | "socket_domain"
            | "tls_engine"
            | "tls_version"
            | "use_identity_as_username"
            | "use_subject_as_username"
            | "use_username_as_clientid"
    )
}

/// Settings of who may connect: of a listener with `per_listener_settings true`, else global.
pub fn is_of_security(key: &str) -> bool {
    matches!(
        key,
        "acl_file"
            | "allow_anonymous"
            | "allow_zero_length_clientid"
            | "auto_id_prefix"
            | "password_file"
            | "psk_file"
    )
}

/// Settings of one bridge.
pub fn is_of_bridge(key: &str) -> bool {
    key.starts_with("bridge_")
        || matches!(
            key,
            "address"
                | "addresses"
                | "cleansession"
                | "clientid"
                | "idle_timeout"
                | "keepalive_interval"
                | "local_cleansession"
                | "local_clientid"
                | "local_password"
                | "local_username"
                | "notification_topic"
                | "notifications"
                | "notifications_local_only"
                | "password"
                | "remote_clientid"
                | "remote_password"
                | "remote_username"
                | "restart_timeout"
                | "round_robin"
                | "start_type"
                | "threshold"
                | "try_private"
                | "username"
        )
}

/// What a second line of the same key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// It stands beside the first.
    Adds,
    /// It takes the place of the first.
    Replaces,
    /// The broker does not start.
    Refused,
}

/// What a second line of a key does, in the same listener, the same bridge, or outside of them
/// [2.0.11, every key tried].
pub fn again(key: &str, release: Release) -> Again {
    match key {
        "auth_plugin" | "connection" | "global_plugin" | "include_dir" | "listener"
        | "log_dest" | "log_type" | "plugin" | "plugin_load" | "plugin_use" | "topic" => {
            Again::Adds
        }
        _ if key.starts_with("plugin_opt_") || key.starts_with("auth_opt_") => Again::Adds,
        "acl_file" if release == Release::V2_1 => Again::Replaces,
        _ if TEXTS.contains(&key) => Again::Refused,
        _ => Again::Replaces,
    }
}

/// The name under which a key and its older or longer names are one.
pub fn canonical(key: &str) -> &str {
    match key {
        "addresses" => "address",
        "clientid" => "remote_clientid",
        "maximum_qos" => "max_qos",
        "password" => "remote_password",
        "username" => "remote_username",
        key => key,
    }
}

/// Keys with a text, of which the broker takes one.
const TEXTS: [&str; 47] = [
    "acl_file",
    "address",
    "addresses",
    "auto_id_prefix",
    "bind_address",
    "bind_interface",
    "bridge_alpn",
    "bridge_bind_address",
    "bridge_cafile",
    "bridge_capath",
    "bridge_certfile",
    "bridge_identity",
    "bridge_keyfile",
    "bridge_psk",
    "bridge_tls_version",
    "cafile",
    "capath",
    "certfile",
    "ciphers",
    "ciphers_tls1.3",
    "clientid",
    "clientid_prefixes",
    "crlfile",
    "dhparamfile",
    "http_dir",
    "keyfile",
    "local_clientid",
    "local_password",
    "local_username",
    "log_timestamp_format",
    "mount_point",
    "notification_topic",
    "password",
    "password_file",
    "persistence_file",
    "persistence_location",
    "pid_file",
    "psk_file",
    "psk_hint",
    "remote_clientid",
    "remote_password",
    "remote_username",
    "tls_engine",
    "tls_engine_kpass_sha1",
    "tls_version",
    "user",
    "username",
];

/// Guardrails that cannot be told if the value of a key cannot be.
pub fn guardrails(key: &str) -> &'static [Guardrail] {
    use Guardrail as G;
    match key {
        "allow_anonymous" | "listener_allow_anonymous" | "password_file" => &[G::Anonymous],
        "per_listener_settings" => &[G::Anonymous, G::Authorization],
        "acl_file" => &[G::Authorization],
        "certfile"
        | "keyfile"
        | "psk_hint"
        | "bridge_cafile"
        | "bridge_capath"
        | "bridge_tls_use_os_certs" => &[G::Tls],
        "tls_version" | "bridge_tls_version" => &[G::TlsVersion],
        "bridge_insecure" | "disable_client_cert_date_checks" => &[G::PeerVerification],
        "require_certificate" => &[G::Anonymous, G::IdentityMapping],
        "use_identity_as_username" | "use_subject_as_username" => &[G::IdentityMapping],
        "listener" | "port" | "bind_address" => &[G::Anonymous, G::Tls, G::Bind],
        "max_packet_size" => &[G::Limits],
        _ => &[],
    }
}
