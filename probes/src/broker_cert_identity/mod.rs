//! The probe of `broker_cert_identity`: what certificate chain does an endpoint present?
//!
//! It opens two connections, makes a handshake over each and sends nothing more. Both must show the
//! same chain: an endpoint that shows two is recorded as such and never judged by the better one.
//! An endpoint that refuses the handshake because it speaks nothing but old suites or versions is
//! asked once more by a hello of our own, whose answer shows the chain in clear.
//!
//! Nobody else is contacted, unless the target allows to ask whom the certificate names whether it
//! was revoked: see [`online`].

mod evidence;
mod handshake;
mod online;
mod revocation;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use model::document::{Endpoint, Trust};
use model::evidence::{
    BrokerCertIdentity, BrokerCertIdentityStable, BrokerCertIdentityVolatile, Evidence, Item,
};
use model::request::{CheckRequest, Inputs};

use crate::Context;
use crate::net::{Dialer, Limits};
use crate::x509::Declared;
use evidence::Looked;
use handshake::Shown;
use online::Online;

/// Connections of one check.
const CONNECTIONS: u32 = 3;

/// Collects one document of `broker_cert_identity.v1`.
pub async fn collect(context: &Context, request: &CheckRequest) -> Evidence {
    crate::document::<BrokerCertIdentity>(context, request, observe(context, request)).await
}

async fn observe(
    context: &Context,
    request: &CheckRequest,
) -> (BrokerCertIdentityStable, BrokerCertIdentityVolatile) {
    let Inputs::Endpoint { endpoint, trust, .. } = &request.inputs else {
        let reason = "this check needs an endpoint, and the request names none";
        let declared = Declared::read(context, &Trust::default()).await;
        let shown = Shown::nothing(&Item::<()>::not_attempted(reason));
        let (endpoint, trust) = (Item::not_attempted(reason), Trust::default());
        let online = Online { allowed: false, said: Item::not_attempted(reason) };
        return halves(&endpoint, shown, &trust, &declared, &online, 0);
    };
    let dialer = Dialer::new(endpoint, Limits::new(&request.policy, CONNECTIONS));
    let shown = if endpoint.protocol.is_tls() {
        handshake::look(&dialer, endpoint.reference_identity()).await
    } else {
        let reason = format!("no certificate is presented over {}", endpoint.protocol.as_str());
        Shown::nothing(&Item::<()>::not_attempted(reason))
    };
    let declared = Declared::read(context, trust).await;
    let online = Online::ask(&request.policy, trust, &shown.presented, &declared).await;
    halves(&Item::observed(endpoint), shown, trust, &declared, &online, dialer.opened())
}

fn halves(
    endpoint: &Item<&Endpoint>,
    shown: Shown,
    trust: &Trust,
    declared: &Declared,
    online: &Online,
    connections: u32,
) -> (BrokerCertIdentityStable, BrokerCertIdentityVolatile) {
    let looked = Looked { trust, declared, online, connections, now: Timestamp::now() };
    let stable = evidence::stable(endpoint, &shown.presented, &looked);
    let staple = revocation::staple(&shown.presented, declared);
    let volatile = BrokerCertIdentityVolatile {
        handshake_version: shown.version,
        handshake_failure: shown.failure,
        staple_this_update: staple.as_ref().map(|answer| answer.this_update),
        staple_due: staple.map(|answer| answer.next_update),
        revocation_due: evidence::lists_due(&shown.presented, declared),
        online_this_update: online.said.as_ref().map(|said| said.this_update),
        online_due: online.said.as_ref().map(|said| said.due),
    };
    (stable, volatile)
}
