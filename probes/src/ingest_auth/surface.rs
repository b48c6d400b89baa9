//! What an edge offers to somebody without a credential: other methods, other origins, another
//! version of HTTP; and what its answers told in passing.

use std::collections::BTreeSet;

use model::document::Protocol;
use model::evidence::{CorsOrigin, IngestAuthStable, IngestAuthVolatile, Item};

use super::edge::{Edge, Way};
use super::question::{FOREIGN_ORIGIN, Question};
use super::reading::{self, Outcome};
use super::traces::Traces;
use crate::http::Answer;

/// Asks without a credential. `required` if nobody comes in without a client certificate.
pub async fn ask(
    stable: &mut IngestAuthStable,
    edge: &mut Edge<'_>,
    question: &Question,
    required: bool,
) {
    let preflight = edge.ask(&question.preflight()).await.outcome;
    stable.methods_offered = reading::header(&preflight, "allow");
    (stable.cors_origin, stable.cors_credentials) = cors(&preflight);

    let record = question.record();
    let mut methods = vec![("TRACE", question.path.as_str())];
    if question.may_write {
        let other = if question.method == "PUT" { "POST" } else { "PUT" };
        methods.extend([(other, question.path.as_str()), ("DELETE", record.as_str())]);
    }
    let mut outcomes = Vec::new();
    for (method, path) in methods {
        let reply = edge.ask_in(&question.method(method, path), Way::Excerpt).await;
        outcomes.push((method, reply.outcome));
    }
    let asked: BTreeSet<_> = outcomes.iter().map(|(method, _)| (*method).to_owned()).collect();
    stable.methods_asked = Item::observed(asked.into_iter().collect());
    stable.methods_accepted = accepted(&outcomes);

    match stable.http2_chosen.value() {
        Some(true) => {
            let reply = edge.ask_in(&question.request(None), Way::Http2).await;
            stable.http2_access = reading::access(&reply, required);
            stable.http2_status = reading::status(&reply.outcome);
        }
        _ => {
            let reason = "the endpoint did not choose HTTP/2";
            stable.http2_access = Item::not_attempted(reason);
            stable.http2_status = Item::not_attempted(reason);
        }
    }
}

/// Reads what the answers told in passing.
pub fn read(
    stable: &mut IngestAuthStable,
    volatile: &mut IngestAuthVolatile,
    protocol: Protocol,
    traces: &Traces,
) {
    (stable.rate_limit_observable, stable.rate_limit_signals) = traces.rate_limit();
    (stable.error_leaks, volatile.error_digest) = traces.errors();
    if protocol == Protocol::Https {
        stable.hsts_max_age = traces.hsts();
        (stable.redirect_target, stable.redirect_location) = traces.redirect();
    } else {
        let reason = "the endpoint is declared as plaintext";
        stable.hsts_max_age = Item::not_attempted(reason);
        stable.redirect_target = Item::not_attempted(reason);
        stable.redirect_location = Item::not_attempted(reason);
    }
}

/// What the answer to a preflight lets a foreign page do.
fn cors(preflight: &Outcome) -> (Item<CorsOrigin>, Item<bool>) {
    let answer = match preflight {
        Ok(answer) => answer,
        Err(failure) => return (failure.item(), failure.item()),
    };
    let origin = match answer.header("access-control-allow-origin") {
        None => CorsOrigin::None,
        Some(b"*") => CorsOrigin::Wildcard,
        Some(origin) if origin == FOREIGN_ORIGIN.as_bytes() => CorsOrigin::Reflected,
        Some(_) => CorsOrigin::Other,
    };
    // The one value that the Fetch Standard knows, section 3.3.3, with its case.
    let credentials = answer.header("access-control-allow-credentials") == Some(b"true");
    (Item::observed(origin), Item::observed(credentials))
}

/// The methods that were answered 2xx: known as soon as there is one, and otherwise only where
/// every method got an answer that decides.
fn accepted(outcomes: &[(&str, Outcome)]) -> Item<Vec<String>> {
    let is_accepted = |answer: &Answer| (200..300).contains(&answer.status);
    let accepted: BTreeSet<_> = outcomes
        .iter()
        .filter(|(_, outcome)| outcome.as_ref().is_ok_and(is_accepted))
        .map(|(method, _)| (*method).to_owned())
        .collect();
    if accepted.is_empty() {
        for (method, outcome) in outcomes {
            match outcome {
                Ok(answer) if matches!(answer.status, 429 | 502..=504) => {
                    let status = answer.status;
                    return Item::error(format!(
                        "{status} does not say whether {method} would be taken"
                    ));
                }
                Ok(_) => {}
                Err(failure) => return failure.item(),
            }
        }
    }
    Item::observed(accepted.into_iter().collect())
}
