//! The probe of `ingest_auth`: how an ingest edge answers with and without a credential.
//!
//! It posts the same small body without a token, with a malformed header, with another scheme,
//! with a random token, and with the declared credential; it asks for health before and after;
//! and it tries the request in plaintext. Then, by the way that was let in, it sends a body that
//! breaks off and claims a length that it does not send; and without a credential it asks by
//! `OPTIONS`, by `TRACE`, and over HTTP/2 where the edge chooses it. At most 14 requests, and as
//! many more as parameters and allowances name; none of them parallel.
//!
//! **The body is harmless.** By default it is a telemetry envelope from `plumbline-canary` that
//! carries no reading: an edge that lets it in has nothing to store, and still answers 2xx. A body
//! that is invalid on purpose would be answered 400 or 422 by most edges whether they ask for a
//! credential or not, so it would decide nothing. A target's own body (`params.body`) may store a
//! record and is sent only where `probePolicy.allow` names `canaryWrite`.
//!
//! **The credential stays with its owner.** It is sent over TLS only, to an endpoint that has
//! proved its name and chain against the target's own anchors in that same handshake; never in
//! plaintext, never along a redirect. Everything sent in plaintext is made up. A client certificate
//! is shown with the requests that carry a credential, and with no other.
//!
//! **Nothing of somebody else's is touched.** A message is repeated, and `PUT` and `DELETE` are
//! tried, only where `canaryWrite` is allowed; `DELETE` names the canary's own record and nothing
//! else. A length is claimed and never sent, and no limit is ever reached by flooding.
//!
//! Parameters: `method` (`POST` or `PUT`), `path`, `body` (a string, or JSON), `plainPort`, a port
//! where the edge used to speak plaintext, which is then asked as well; `expiredToken` and
//! `wrongAudienceToken`, names of credentials that must not be let in; `queryParameter`, the
//! parameter in which the edge may take a token; `maxBodyBytes`, the declared limit; and `deviceId`
//! and `otherDeviceId`, two devices of the owner's, under both of which the canary goes out with the
//! credential of the first, where `canaryWrite` is allowed.

mod binding;
pub(crate) mod credential;
mod edge;
mod intake;
mod leaks;
mod question;
mod reading;
mod surface;
#[cfg(test)]
mod tests;
mod tokens;
mod traces;
pub(crate) mod trust;
mod unseen;

use model::document::{Endpoint, Protocol};
use model::evidence::{
    ClientCertificate, Evidence, Health, IngestAuth, IngestAuthStable, IngestAuthVolatile, Item,
};
use model::request::{CheckRequest, Inputs};

use crate::Context;
use crate::http::CONTINUE_PATIENCE;
use crate::net::{Dialer, Limits};
pub(crate) use credential::Presented;
use edge::{Edge, Place, Way};
use question::{Fakes, Question};
use reading::{Plain, PlainPort};
pub(crate) use trust::verifier;
use unseen::unseen;

/// Connections to the endpoint, the plaintext one included: a handshake or two, 13 requests, and
/// one of them again without `Expect`. Parameters and allowances add theirs.
const MAX_CONNECTIONS: u32 = 16;

/// Connections to the port that used to speak plaintext: the request, and once more without
/// `Expect`.
const MAX_PLAIN_CONNECTIONS: u32 = 2;

/// Collects one document of `ingest_auth.v1`.
pub async fn collect(context: &Context, request: &CheckRequest) -> Evidence {
    crate::document::<IngestAuth>(context, request, observe(context, request)).await
}

async fn observe(
    context: &Context,
    request: &CheckRequest,
) -> (IngestAuthStable, IngestAuthVolatile) {
    let Inputs::Endpoint { endpoint, trust, credentials } = &request.inputs else {
        return unseen("this check looks at an endpoint");
    };
    if !endpoint.protocol.is_http() {
        return unseen("this check looks at an http or https endpoint");
    }
    let question = match Question::new(endpoint, &request.params, &request.policy) {
        Ok(question) => question,
        Err(reason) => return unseen(&reason),
    };
    // What the edge is not asked for below stays as it is here.
    let (mut stable, mut volatile) = unseen("the request without a credential got no answer");
    stable.endpoint_protocol = Item::observed(endpoint.protocol.as_str().to_owned());
    stable.endpoint_address = Item::observed(endpoint.address());
    stable.endpoint_method = Item::observed(question.method.clone());
    stable.endpoint_path = Item::observed(question.path.clone());

    let dialer = Dialer::new(endpoint, limits(request, MAX_CONNECTIONS + question.further()));
    let old_endpoint = question.plain_port.map(|port| Endpoint { port, ..endpoint.clone() });
    let old = old_endpoint.as_ref().map(|endpoint| {
        (endpoint.address(), Dialer::new(endpoint, limits(request, MAX_PLAIN_CONNECTIONS)))
    });
    let mut edge = match endpoint.protocol {
        Protocol::Https => {
            let verifier = trust::verifier(context, endpoint, trust).await;
            let (edge, tls) = Edge::secured(&dialer, endpoint.reference_identity(), verifier).await;
            stable.tls_version = tls.version;
            stable.tls_trusted = tls.trusted;
            stable.tls_fault = tls.fault;
            stable.http2_chosen = tls.http2;
            edge
        }
        _ => {
            let reason = "the endpoint is declared as plaintext";
            stable.tls_version = Item::not_attempted(reason);
            stable.tls_trusted = Item::not_attempted(reason);
            stable.tls_fault = Item::not_attempted(reason);
            stable.tls_client_certificate = Item::not_attempted(reason);
            stable.http2_chosen = Item::not_attempted(reason);
            Edge::plain(&dialer)
        }
    };

    let before = edge.ask(&question.health()).await;
    stable.health_before = reading::health(&before.outcome, &question.health_path, false);
    // What must not be let in is not what the gateway is let in by.
    let own = tokens::own(credentials, &question);
    let fakes = Fakes::new(&own);
    let credential = Presented::read(context, &own).await;

    let anonymous = edge.ask(&question.request(None)).await;
    if endpoint.protocol == Protocol::Https {
        stable.tls_client_certificate = reading::client_certificate(&anonymous);
    }
    let required = stable.tls_client_certificate.value() == Some(&ClientCertificate::Required);
    stable.anonymous_access = reading::access(&anonymous, required);
    let anonymous = anonymous.outcome;
    stable.anonymous_status = reading::status(&anonymous);
    stable.anonymous_challenge = reading::challenge(&anonymous);
    stable.anonymous_body_sent = reading::body_sent(&anonymous);
    volatile.server = reading::header(&anonymous, "server");
    volatile.date = reading::header(&anonymous, "date");

    // An edge that did not answer the first request is not asked five more times.
    let answered = anonymous.is_ok() || stable.anonymous_access.value().is_some();
    if answered {
        let malformed = edge.ask_in(&question.request(Some(fakes.malformed)), Way::Excerpt).await;
        stable.malformed_access = reading::access(&malformed, required);
        stable.malformed_status = reading::status(&malformed.outcome);

        let wrong_scheme = edge.ask(&question.request(Some(&fakes.wrong_scheme))).await;
        stable.wrong_scheme_access = reading::access(&wrong_scheme, required);
        stable.wrong_scheme_status = reading::status(&wrong_scheme.outcome);

        let random = edge.ask(&question.request(Some(&fakes.random))).await;
        stable.random_access = reading::access(&random, required);
        stable.random_status = reading::status(&random.outcome);
        let random = random.outcome;

        let credential = present(&mut stable, &mut edge, &question, credential).await;
        tokens::refused(context, credentials, &mut stable, &mut edge, &question, &credential).await;
        binding::ask(&mut stable, &mut edge, &question, &credential).await;
        let way_in = intake::WayIn::of(&stable, &credential);
        intake::ask(&mut stable, &mut edge, &question, &way_in).await;
        surface::ask(&mut stable, &mut edge, &question, required).await;

        let plain = match endpoint.protocol {
            // The request with the random token was the plaintext request with a fake one.
            Protocol::Http => Plain::new(endpoint.address(), PlainPort::Endpoint, &random),
            _ => plain(endpoint, &dialer, old.as_ref(), &question, &fakes).await,
        };
        stable.plain_address = plain.address;
        stable.plain_outcome = plain.outcome;
        stable.plain_status = plain.status;
        stable.plain_body_sent = plain.body_sent;
        stable.plain_location = plain.location;
    }

    let was_healthy = stable.health_before.value() == Some(&Health::Healthy);
    let after = edge.ask(&question.health()).await;
    stable.health_after = reading::health(&after.outcome, &question.health_path, was_healthy);
    surface::read(&mut stable, &mut volatile, endpoint.protocol, &edge.traces);
    let old_opened = old.as_ref().map_or(0, |(_, dialer)| dialer.opened());
    stable.connections = Item::observed(dialer.opened() + old_opened);
    (stable, volatile)
}

/// The limits of the policy; an answer may also take the pause before an unasked body.
fn limits(request: &CheckRequest, connections: u32) -> Limits {
    let limits = Limits::new(&request.policy, connections);
    Limits { answer: limits.answer + CONTINUE_PATIENCE, ..limits }
}

/// Asks with the declared credential, where there is one and a channel for it; the credential as it
/// can be presented to this edge.
async fn present(
    stable: &mut IngestAuthStable,
    edge: &mut Edge<'_>,
    question: &Question,
    credential: Result<Presented, String>,
) -> Result<Presented, String> {
    let unseen = |stable: &mut IngestAuthStable, reason: &str| {
        stable.credential_access = Item::not_attempted(reason);
        stable.credential_status = Item::not_attempted(reason);
    };
    // Without the request for one, no certificate can be shown.
    let certificate = &stable.tls_client_certificate;
    let is_requested = certificate.value() != Some(&ClientCertificate::NotRequested);
    let credential = credential.and_then(|credential| {
        let shown = if is_requested { Some(credential) } else { credential.without_certificate() };
        shown.ok_or_else(|| {
            "the endpoint does not ask for a certificate, so the declared one was not shown"
                .to_owned()
        })
    });
    let credential = match credential {
        Ok(credential) => credential,
        Err(reason) => {
            stable.credential_kind = Item::not_attempted(&reason);
            unseen(stable, &reason);
            return Err(reason);
        }
    };
    stable.credential_kind = Item::observed(credential.kind());
    let request = question.request(None);
    match edge.present(&request, &credential, Place::Header, Way::Head).await {
        Ok(reply) => {
            stable.credential_access = reading::access(&reply, false);
            stable.credential_status = reading::status(&reply.outcome);
        }
        Err(reason) => unseen(stable, &reason),
    }
    Ok(credential)
}

/// Asks in plaintext with a fake token: at the TLS port, and at the old one where it is declared.
async fn plain(
    endpoint: &Endpoint,
    dialer: &Dialer,
    old: Option<&(String, Dialer)>,
    question: &Question,
    fakes: &Fakes,
) -> Plain {
    let request = question.request(Some(&fakes.random));
    let outcome = Edge::plain(dialer).ask(&request).await.outcome;
    let tls_port = Plain::new(endpoint.address(), PlainPort::Tls, &outcome);
    let Some((address, dialer)) = old else { return tls_port };
    let outcome = Edge::plain(dialer).ask(&request).await.outcome;
    tls_port.worse(Plain::new(address.clone(), PlainPort::Old, &outcome))
}
