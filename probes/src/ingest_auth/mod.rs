//! The probe of `ingest_auth`: how an ingest edge answers with and without a credential.
//!
//! It posts the same small body without a token, with a malformed header, with another scheme,
//! with a random token, and with the declared credential; it asks for health before and after;
//! and it tries the request in plaintext. At most 14 connections, none of them parallel.
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
//! is shown with the one request that carries the credential, and with no other.
//!
//! Parameters: `method` (`POST` or `PUT`), `path`, `body` (a string, or JSON), and `plainPort`, a
//! port where the edge used to speak plaintext, which is then asked as well.

pub(crate) mod credential;
mod edge;
mod question;
mod reading;
#[cfg(test)]
mod tests;
pub(crate) mod trust;

use model::document::{Endpoint, Protocol};
use model::evidence::{
    ClientCertificate, Evidence, Health, IngestAuth, IngestAuthStable, IngestAuthVolatile, Item,
};
use model::request::{CheckRequest, Inputs};

use crate::Context;
use crate::http::CONTINUE_PATIENCE;
use crate::net::{Dialer, Limits};
use credential::Presented;
use edge::Edge;
use question::{Fakes, Question};
use reading::{Plain, PlainPort};

/// Connections to the endpoint, the plaintext one included.
const MAX_CONNECTIONS: u32 = 12;

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

    let dialer = Dialer::new(endpoint, limits(request, MAX_CONNECTIONS));
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
            edge
        }
        _ => {
            let reason = "the endpoint is declared as plaintext";
            stable.tls_version = Item::not_attempted(reason);
            stable.tls_trusted = Item::not_attempted(reason);
            stable.tls_fault = Item::not_attempted(reason);
            stable.tls_client_certificate = Item::not_attempted(reason);
            Edge::plain(&dialer)
        }
    };

    let before = edge.ask(&question.health()).await;
    stable.health_before = reading::health(&before.outcome, &question.health_path, false);
    let fakes = Fakes::new(credentials);
    let credential = Presented::read(context, credentials).await;

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
        let malformed = edge.ask(&question.request(Some(fakes.malformed))).await;
        stable.malformed_access = reading::access(&malformed, required);
        stable.malformed_status = reading::status(&malformed.outcome);

        let wrong_scheme = edge.ask(&question.request(Some(&fakes.wrong_scheme))).await;
        stable.wrong_scheme_access = reading::access(&wrong_scheme, required);
        stable.wrong_scheme_status = reading::status(&wrong_scheme.outcome);

        let random = edge.ask(&question.request(Some(&fakes.random))).await;
        stable.random_access = reading::access(&random, required);
        stable.random_status = reading::status(&random.outcome);
        let random = random.outcome;

        present(&mut stable, &mut edge, &question, credential).await;

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
    let old_opened = old.as_ref().map_or(0, |(_, dialer)| dialer.opened());
    stable.connections = Item::observed(dialer.opened() + old_opened);
    (stable, volatile)
}

/// The limits of the policy; an answer may also take the pause before an unasked body.
fn limits(request: &CheckRequest, connections: u32) -> Limits {
    let limits = Limits::new(&request.policy, connections);
    Limits { answer: limits.answer + CONTINUE_PATIENCE, ..limits }
}

/// Asks with the declared credential, where there is one and a channel for it.
async fn present(
    stable: &mut IngestAuthStable,
    edge: &mut Edge<'_>,
    question: &Question,
    credential: Result<Presented, String>,
) {
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
            return unseen(stable, &reason);
        }
    };
    stable.credential_kind = Item::observed(credential.kind());
    match edge.present(question, &credential).await {
        Ok(reply) => {
            stable.credential_access = reading::access(&reply, false);
            stable.credential_status = reading::status(&reply.outcome);
        }
        Err(reason) => unseen(stable, &reason),
    }
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

/// Nothing seen, for one reason.
fn unseen(reason: &str) -> (IngestAuthStable, IngestAuthVolatile) {
    let stable = IngestAuthStable {
        endpoint_protocol: Item::not_attempted(reason),
        endpoint_address: Item::not_attempted(reason),
        endpoint_method: Item::not_attempted(reason),
        endpoint_path: Item::not_attempted(reason),
        plain_address: Item::not_attempted(reason),
        plain_outcome: Item::not_attempted(reason),
        plain_status: Item::not_attempted(reason),
        plain_body_sent: Item::not_attempted(reason),
        plain_location: Item::not_attempted(reason),
        tls_version: Item::not_attempted(reason),
        tls_trusted: Item::not_attempted(reason),
        tls_fault: Item::not_attempted(reason),
        tls_client_certificate: Item::not_attempted(reason),
        anonymous_access: Item::not_attempted(reason),
        anonymous_status: Item::not_attempted(reason),
        anonymous_challenge: Item::not_attempted(reason),
        anonymous_body_sent: Item::not_attempted(reason),
        malformed_access: Item::not_attempted(reason),
        malformed_status: Item::not_attempted(reason),
        wrong_scheme_access: Item::not_attempted(reason),
        wrong_scheme_status: Item::not_attempted(reason),
        random_access: Item::not_attempted(reason),
        random_status: Item::not_attempted(reason),
        credential_kind: Item::not_attempted(reason),
        credential_access: Item::not_attempted(reason),
        credential_status: Item::not_attempted(reason),
        health_before: Item::not_attempted(reason),
        health_after: Item::not_attempted(reason),
        connections: Item::observed(0),
    };
    let volatile = IngestAuthVolatile {
        server: Item::not_attempted(reason),
        date: Item::not_attempted(reason),
    };
    (stable, volatile)
}
