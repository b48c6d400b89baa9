//! The probe of `broker_cert_identity`: what certificate chain does an endpoint present?
//!
//! It opens two connections, makes a handshake over each and sends nothing more. Both must show the
//! same chain: an endpoint that shows two is recorded as such and never judged by the better one.
//! An endpoint that refuses the handshake because it speaks nothing but old suites or versions is
//! asked once more by a hello of our own, whose answer shows the chain in clear.

mod evidence;
mod handshake;
mod revocation;
#[cfg(test)]
mod tests;

use model::document::Trust;
use model::evidence::{
    BrokerCertIdentity, BrokerCertIdentityStable, BrokerCertIdentityVolatile, Evidence, Item,
};
use model::request::{CheckRequest, Inputs};

use crate::Context;
use crate::net::{Dialer, Limits};
use crate::x509::Declared;
use handshake::Shown;

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
        let endpoint = Item::not_attempted(reason);
        return halves(shown, &declared, |presented| {
            evidence::stable(&endpoint, presented, &Trust::default(), &declared, 0)
        });
    };
    let dialer = Dialer::new(endpoint, Limits::new(&request.policy, CONNECTIONS));
    let shown = if endpoint.protocol.is_tls() {
        handshake::look(&dialer, endpoint.reference_identity()).await
    } else {
        let reason = format!("no certificate is presented over {}", endpoint.protocol.as_str());
        Shown::nothing(&Item::<()>::not_attempted(reason))
    };
    let declared = Declared::read(context, trust).await;
    halves(shown, &declared, |presented| {
        let endpoint = Item::observed(endpoint);
        evidence::stable(&endpoint, presented, trust, &declared, dialer.opened())
    })
}

fn halves(
    shown: Shown,
    declared: &Declared,
    stable: impl FnOnce(&Item<evidence::Presented>) -> BrokerCertIdentityStable,
) -> (BrokerCertIdentityStable, BrokerCertIdentityVolatile) {
    let volatile = BrokerCertIdentityVolatile {
        handshake_version: shown.version,
        handshake_failure: shown.failure,
        staple_this_update: revocation::staple(&shown.presented, declared)
            .map(|answer| answer.this_update),
    };
    (stable(&shown.presented), volatile)
}
