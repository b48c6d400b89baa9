//! The probe of `broker_transport_posture`, in two modes.
//!
//! Decision mode settles the questions that rules ask, in at most [`MAX_CONNECTIONS`] connections,
//! and does not list everything there is. Full mode goes on from there and does, in at most
//! [`MAX_FULL_CONNECTIONS`].

use std::convert::Infallible;

use model::document::Endpoint;
use model::evidence::{
    BrokerTransportPosture, BrokerTransportPostureStable, BrokerTransportPostureVolatile, Evidence,
    Item, ProbeMode,
};
use model::request::{CheckRequest, Inputs};
use tokio::join;

use crate::Context;
use crate::net::{Dialer, Limits};
use crate::tls::names::{self, SSL3, TLS10, TLS11, TLS12, TLS13};
use crate::tls::suites::{self, Class};

mod full;
mod hello;
mod interview;
mod mode;
mod narrowing;
mod plain;
mod session;
mod verdict;
pub(crate) mod websocket;

use full::{Full, Unlisted};
use interview::Interview;
use mode::Mode;
use plain::Plain;

/// Connections that one document may cost in decision mode.
pub const MAX_CONNECTIONS: u32 = 12;

/// Connections that one document may cost in full mode. A server with everything on, five versions
/// and every suite of OpenSSL, takes less than 190; one that would take more is reported as
/// truncated.
pub const MAX_FULL_CONNECTIONS: u32 = 256;

/// Why a fact is missing; never observed.
type Missing = Item<Infallible>;

/// The item of a fact that is missing for this reason.
fn absent<T>(missing: &Missing) -> Item<T> {
    missing.clone().map(|never| match never {})
}

/// The value, or why it is missing.
fn known<T>(item: Item<T>) -> Result<T, Missing> {
    match item {
        Item::Observed { value } => Ok(value),
        Item::Refused { reason } => Err(Item::Refused { reason }),
        Item::Timeout { reason } => Err(Item::Timeout { reason }),
        Item::Error { reason } => Err(Item::Error { reason }),
        Item::Truncated { reason, .. } => Err(Item::Truncated { reason, value: None }),
        Item::NotAttempted { reason } => Err(Item::NotAttempted { reason }),
    }
}

/// A detail of a fact: `detail` where there is one, not attempted where the fact is known and has
/// none, and missing for the same reason where the fact itself is missing.
fn detail<T, U>(fact: Item<T>, detail: Option<U>, reason: &str) -> Item<U> {
    match (detail, known(fact)) {
        (Some(detail), _) => Item::observed(detail),
        (None, Ok(_)) => Item::not_attempted(reason),
        (None, Err(missing)) => absent(&missing),
    }
}

/// Collects one document of `broker_transport_posture.v1`.
pub async fn collect(context: &Context, request: &CheckRequest) -> Evidence {
    crate::document::<BrokerTransportPosture>(context, request, observe(request)).await
}

async fn observe(
    request: &CheckRequest,
) -> (BrokerTransportPostureStable, BrokerTransportPostureVolatile) {
    let Inputs::Endpoint { endpoint, trust, .. } = &request.inputs else {
        let missing = Item::error("this check was planned without an endpoint");
        return (stable(None, &missing, &missing, None, None), volatile(None, None, None));
    };
    let mode = mode::of(request, trust.profile);
    let policy_mode = match &mode {
        Ok(Mode::Full) => Item::observed(ProbeMode::Full),
        Ok(Mode::Decision) => Item::observed(ProbeMode::Decision),
        Err(unknown) => absent(unknown),
    };
    let connections = match mode {
        Ok(Mode::Full) => MAX_FULL_CONNECTIONS,
        _ => MAX_CONNECTIONS,
    };
    let dialer = Dialer::new(endpoint, Limits::new(&request.policy, connections));
    let (plain, tls) = join!(plain::observe(&dialer, endpoint), async {
        if !endpoint.protocol.is_tls() {
            return None;
        }
        let interview =
            interview::hold(&dialer, endpoint, *mode.as_ref().unwrap_or(&Mode::Decision)).await;
        let full = match mode {
            Ok(Mode::Full) => full::enumerate(&dialer, endpoint, &interview).await,
            Ok(Mode::Decision) => {
                let reason = "decision mode; ask with --full or params.mode: full";
                Err(Unlisted::from(Item::not_attempted(reason)))
            }
            Err(unknown) => Err(Unlisted::from(unknown)),
        };
        Some((interview, full))
    });
    let missing = Item::not_attempted("the endpoint is declared without TLS");
    let (interview, full) = tls.unzip();
    let full = full.unwrap_or_else(|| Err(Unlisted::from(missing.clone())));
    let unasked = full.as_ref().err().map_or(&missing, |unlisted| &unlisted.missing);
    let mut stable = stable(Some(endpoint), &missing, unasked, Some(&plain), interview.as_ref());
    match (&full, &interview) {
        (Ok(full), Some(interview)) => full.fill(interview, &mut stable),
        (Err(unlisted), Some(_)) => stable.sslv2_accepted = unlisted.sslv2(),
        (_, None) => {}
    }
    if let Some(profile) = trust.profile {
        stable.policy_profile = Item::observed(profile.as_str().to_owned());
    }
    stable.policy_mode = policy_mode;
    stable.connections = Item::observed(dialer.opened());
    (stable, volatile(Some(plain), interview.as_ref(), Some(&full)))
}

fn stable(
    endpoint: Option<&Endpoint>,
    missing: &Missing,
    unasked: &Missing,
    plain: Option<&Plain>,
    interview: Option<&Interview>,
) -> BrokerTransportPostureStable {
    let declared = Of { source: endpoint, missing };
    let plain = Of { source: plain, missing };
    let tls = Of { source: interview, missing };
    let clear = |read: fn(&crate::tls::ServerFlight) -> bool| tls.item(|i| i.clear_fact(read));
    BrokerTransportPostureStable {
        endpoint_protocol: declared.item(|e| Item::observed(e.protocol.as_str().to_owned())),
        endpoint_address: declared.item(|e| Item::observed(e.address())),
        endpoint_tls: declared.item(|e| Item::observed(e.protocol.is_tls())),

        endpoint_named: declared.item(|e| Item::observed(hello::sni(e).is_some())),

        plain_outcome: plain.item(|p| p.outcome.clone()),
        plain_connack_code: plain.item(|p| p.connack_code.clone()),
        websocket_outcome: plain.item(|p| p.websocket.clone()),
        websocket_status: plain.item(|p| p.websocket_status.clone()),

        tls_spoken: tls.item(Interview::spoken),
        sslv3_accepted: tls.item(|i| i.version(SSL3)),
        tls10_accepted: tls.item(|i| i.version(TLS10)),
        tls11_accepted: tls.item(|i| i.version(TLS11)),
        tls12_accepted: tls.item(|i| i.version(TLS12)),
        tls13_accepted: tls.item(|i| i.version(TLS13)),
        tls13_suite: tls.item(Interview::tls13_suite),
        tls13_group: tls.item(Interview::tls13_group),
        tls13_pq_hybrid: tls.item(Interview::pq_hybrid),

        clear_answered: tls.item(Interview::clear_answered),
        clear_version: tls.item(|i| i.clear_fact(|f| names::version(f.version))),
        clear_suite: tls.item(|i| i.clear_fact(|f| suites::name(f.suite))),
        clear_group: tls.item(|i| i.clear_later(|f| f.group.map(names::group))),
        clear_signature: tls.item(|i| i.clear_later(|f| f.signature.map(names::signature))),
        clear_secure_renegotiation: clear(|f| f.secure_renegotiation()),
        clear_compression: clear(|f| f.compression),
        clear_extended_master_secret: clear(|f| f.extended_master_secret()),
        clear_downgrade_sentinel: tls.item(Interview::downgrade_sentinel),

        null_or_anon_accepted: tls.item(|i| i.class(Class::NullOrAnon)),
        null_or_anon_witness: tls.item(|i| i.narrowing.witness(Class::NullOrAnon)),
        export_or_sub112_accepted: tls.item(|i| i.class(Class::ExportOrSub112)),
        export_or_sub112_witness: tls.item(|i| i.narrowing.witness(Class::ExportOrSub112)),
        block64_accepted: tls.item(|i| i.class(Class::Block64)),
        block64_witness: tls.item(|i| i.narrowing.witness(Class::Block64)),
        non_forward_secret_accepted: tls.item(|i| i.class(Class::NonForwardSecret)),
        non_forward_secret_witness: tls.item(|i| i.narrowing.witness(Class::NonForwardSecret)),
        ffdhe_accepted: tls.item(|i| i.class(Class::Ffdhe)),
        ffdhe_witness: tls.item(|i| i.narrowing.witness(Class::Ffdhe)),
        ffdhe_dh_bits: tls.item(|i| i.narrowing.dh_bits()),
        cbc_accepted: tls.item(|i| i.class(Class::Cbc)),
        cbc_witness: tls.item(|i| i.narrowing.witness(Class::Cbc)),
        cbc_encrypt_then_mac: tls.item(|i| i.narrowing.encrypt_then_mac()),

        client_certificate: tls.item(|i| i.session.client_certificate(i.clear())),

        policy_mode: Item::error("this check was planned without an endpoint"),
        policy_profile: Item::not_attempted("no profile is declared"),

        full_versions: tls.item(|_| absent(unasked)),
        full_suites: tls.item(|_| absent(unasked)),
        full_groups: tls.item(|_| absent(unasked)),
        full_hidden_groups: tls.item(|_| absent(unasked)),
        full_signatures: tls.item(|_| absent(unasked)),
        full_dh_bits: tls.item(|_| absent(unasked)),
        full_preference: tls.item(|_| absent(unasked)),
        full_inconsistent: tls.item(|_| absent(unasked)),
        full_certificates: tls.item(|_| absent(unasked)),
        sslv2_accepted: tls.item(|_| absent(unasked)),
        features_session_id: tls.item(|_| absent(unasked)),
        features_session_ticket: tls.item(|_| absent(unasked)),
        features_resumption: tls.item(|_| absent(unasked)),
        features_psk_resumption: tls.item(|_| absent(unasked)),
        features_ticket_lifetime: tls.item(|_| absent(unasked)),
        features_early_data_max: tls.item(|_| absent(unasked)),
        features_alpn: tls.item(|_| absent(unasked)),
        features_ocsp_stapled: tls.item(|_| absent(unasked)),
        features_must_staple: tls.item(|_| absent(unasked)),
        features_without_name: tls.item(|_| absent(unasked)),
        features_unknown_name: tls.item(|_| absent(unasked)),
        features_fallback_scsv: tls.item(|_| absent(unasked)),
        features_client_renegotiation: tls.item(|_| absent(unasked)),
        features_version_tolerant: tls.item(|_| absent(unasked)),
        features_grease_tolerant: tls.item(|_| absent(unasked)),
        features_extension_tolerant: tls.item(Interview::extension_tolerant),
        features_client_ca_names: tls.item(|_| absent(unasked)),

        connections: Item::observed(0),
    }
}

fn volatile(
    plain: Option<Plain>,
    tls: Option<&Interview>,
    full: Option<&Result<Full, Unlisted>>,
) -> BrokerTransportPostureVolatile {
    let plain = plain.map(|plain| plain.asked);
    let decision = plain.into_iter().chain(tls.into_iter().flat_map(Interview::asked));
    let full = full.into_iter().flat_map(|full| match full {
        Ok(full) => full.asked(),
        Err(unlisted) => unlisted.asked().into_iter().collect(),
    });
    let asked = decision.chain(full).collect();
    BrokerTransportPostureVolatile { asked: Item::observed(asked) }
}

/// Facts of a source that may not be there at all.
#[derive(Clone, Copy)]
struct Of<'a, S> {
    source: Option<&'a S>,
    missing: &'a Missing,
}

impl<S> Of<'_, S> {
    fn item<T>(&self, read: impl FnOnce(&S) -> Item<T>) -> Item<T> {
        self.source.map_or_else(|| absent(self.missing), read)
    }
}

#[cfg(test)]
mod tests;
