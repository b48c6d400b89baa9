//! The broker as one release makes it of the lines: listeners, bridges, and what is global.

use model::evidence::{Guardrail, Reach};

use super::lines::Line;
use crate::gateway_config_guardrails::guardrail::Place;
use crate::gateway_config_guardrails::values::{Bound, bound};

/// Who may connect and what they may do: global, or of one listener with
/// `per_listener_settings true`.
#[derive(Debug, Clone, Default)]
pub struct Security {
    /// `allow_anonymous` where it is set.
    pub anonymous: Option<(bool, Place)>,
    /// `acl_file`.
    pub acl_file: Option<Line>,
    /// Whether `password_file` or `psk_file` is set.
    pub has_users: bool,
    /// Plugins.
    pub plugins: Vec<Line>,
}

/// A listener.
#[derive(Debug, Clone)]
pub struct Listener {
    /// Where it begins, or the line that brings the undeclared one up.
    pub place: Place,
    /// Port; 0 for a Unix socket.
    pub port: u16,
    /// Address that it is bound to.
    pub address: Option<String>,
    /// Interface that it is bound to.
    pub interface: Option<String>,
    /// Not declared by a `listener` line.
    pub implicit: bool,
    /// `certfile` and `keyfile`.
    pub certificate: (bool, bool),
    /// `psk_hint`.
    pub psk: bool,
    /// `tls_version`.
    pub tls_version: Option<Line>,
    /// `require_certificate`.
    pub require_certificate: bool,
    /// `use_identity_as_username` or `use_subject_as_username`, where true.
    pub identity: Option<Line>,
    /// `disable_client_cert_date_checks`, where true.
    pub dates_unchecked: Option<Line>,
    /// `max_connections`.
    pub max_connections: Option<i64>,
    /// `protocol http_api`.
    pub http_api: Option<Line>,
    /// `listener_allow_anonymous`.
    pub anonymous: Option<(bool, Place)>,
    /// Settings of its own.
    pub security: Security,
}

impl Listener {
    /// A listener as it is before any setting, on port 1883 of every interface.
    pub fn new(place: Place, implicit: bool) -> Self {
        Self {
            place,
            port: 1883,
            address: None,
            interface: None,
            implicit,
            certificate: (false, false),
            psk: false,
            tls_version: None,
            require_certificate: false,
            identity: None,
            dates_unchecked: None,
            max_connections: None,
            http_api: None,
            anonymous: None,
            security: Security::default(),
        }
    }

    /// TLS is on: a certificate with its key, or a pre-shared key. A port number says nothing,
    /// and neither does `cafile` or `require_certificate` alone.
    pub const fn has_tls(&self) -> bool {
        self.psk || (self.certificate.0 && self.certificate.1)
    }

    /// Nobody gets in without a certificate or a pre-shared key.
    pub const fn demands_key(&self) -> bool {
        self.psk || (self.has_tls() && self.require_certificate)
    }

    /// From where it can be reached.
    pub fn reach(&self) -> Reach {
        match (&self.address, self.interface.as_deref()) {
            _ if self.port == 0 => Reach::Loopback,
            (_, Some("lo")) => Reach::Loopback,
            (Some(address), _) => bound(address).reach(),
            _ => Reach::Network,
        }
    }

    /// Open on every interface.
    pub fn is_everywhere(&self) -> bool {
        let address = self.address.as_deref().map(bound);
        self.port != 0
            && self.interface.is_none()
            && address.is_none_or(|bound| bound == Bound::Wildcard)
    }

    /// How evidence names it.
    pub fn name(&self) -> String {
        match self.port {
            0 => "listener on a Unix socket".to_owned(),
            port if self.implicit => format!("undeclared listener {port}"),
            port => format!("listener {port}"),
        }
    }
}

/// A connection to another broker.
#[derive(Debug, Clone)]
pub struct Bridge {
    /// Where it begins.
    pub place: Place,
    /// Whether every address is on this machine.
    pub local: bool,
    /// It has trust anchors or a pre-shared key.
    pub has_tls: bool,
    /// `bridge_insecure`, where true.
    pub insecure: Option<Line>,
    /// `bridge_tls_version`.
    pub tls_version: Option<Line>,
}

/// A setting whose effect cannot be told.
#[derive(Debug, Clone)]
pub struct Doubt {
    /// Where.
    pub place: Place,
    /// Which setting.
    pub setting: String,
    /// What hangs on it.
    pub guardrails: Vec<Guardrail>,
    /// Why.
    pub reason: String,
}

/// Everything that one release makes of the lines.
#[derive(Debug, Clone, Default)]
pub struct Broker {
    /// Listeners that open.
    pub listeners: Vec<Listener>,
    /// No `listener`, `port` or `bind_address` anywhere.
    pub undeclared: bool,
    /// Only loopback addresses are opened because nothing else is declared.
    pub local_mode: bool,
    /// `per_listener_settings true`.
    pub per_listener: bool,
    /// Security outside listeners.
    pub global: Security,
    /// Bridges.
    pub bridges: Vec<Bridge>,
    /// Named plugins of `plugin_load`.
    pub loaded: Vec<(String, Line)>,
    /// `max_packet_size` or `message_size_limit` bounds a packet.
    pub packet_bound: bool,
    /// `max_queued_messages 0` where nothing else bounds a queue.
    pub queue_open: Option<Line>,
    /// `max_queued_bytes` bounds a queue.
    pub queue_bytes: bool,
    /// `global_max_connections` or `global_max_clients`.
    pub clients_bound: bool,
    /// The line that switches debug logging on.
    pub debug: Option<Line>,
    /// Lines that the release does not know.
    pub unknown: Vec<Line>,
    /// Lines whose place a later one took.
    pub overridden: Vec<Line>,
    /// Lines that say once more what may be said once.
    pub repeated: Vec<Line>,
    /// What cannot be told.
    pub doubts: Vec<Doubt>,
}
