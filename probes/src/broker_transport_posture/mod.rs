//! The probe of `broker_transport_posture`, in decision mode: it settles the questions that rules
//! ask, in at most [`MAX_CONNECTIONS`] connections, and does not list everything there is.

use std::convert::Infallible;

use model::document::Endpoint;
use model::evidence::{
    BrokerTransportPosture, BrokerTransportPostureStable, BrokerTransportPostureVolatile, Evidence,
    Item,
};
use model::request::{CheckRequest, Inputs};
use tokio::join;

use crate::Context;
use crate::net::{Dialer, Limits};
use crate::tls::names::{self, SSL3, TLS10, TLS11, TLS12, TLS13};
use crate::tls::suites::{self, Class};

mod hello;
mod interview;
mod narrowing;
mod plain;
mod session;
mod verdict;
pub(crate) mod websocket;

use interview::Interview;
use plain::Plain;

/// Connections that one document may cost.
pub const MAX_CONNECTIONS: u32 = 12;

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
    let Inputs::Endpoint { endpoint, .. } = &request.inputs else {
        let missing = Item::error("this check was planned without an endpoint");
        return (stable(None, &missing, None, None), volatile(None, None));
    };
    let dialer = Dialer::new(endpoint, Limits::new(&request.policy, MAX_CONNECTIONS));
    let (plain, interview) = join!(plain::observe(&dialer, endpoint), async {
        match endpoint.protocol.is_tls() {
            true => Some(interview::hold(&dialer, endpoint).await),
            false => None,
        }
    });
    let missing = Item::not_attempted("the endpoint is declared without TLS");
    let mut stable = stable(Some(endpoint), &missing, Some(&plain), interview.as_ref());
    stable.connections = Item::observed(dialer.opened());
    (stable, volatile(Some(plain), interview.as_ref()))
}

fn stable(
    endpoint: Option<&Endpoint>,
    missing: &Missing,
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

        connections: Item::observed(0),
    }
}

fn volatile(plain: Option<Plain>, tls: Option<&Interview>) -> BrokerTransportPostureVolatile {
    let plain = plain.map(|plain| plain.asked);
    let asked = plain.into_iter().chain(tls.into_iter().flat_map(Interview::asked)).collect();
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
