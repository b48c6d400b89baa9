//! The requests that prove a fix at the ingest edge, before and after.

use model::evidence::{Evidence, Item};
use model::{CheckId, Digest};
use serde_json::Value;

use super::text;
use super::view::View;
use super::words::http_reason;

/// One request, as it was answered in both runs.
#[derive(Debug, Clone)]
pub struct Proof {
    /// The request line.
    pub request: String,
    /// With what it was sent.
    pub with: String,
    /// The answer before; none where the earlier run has no such evidence.
    pub before: Option<String>,
    /// The answer after.
    pub after: String,
    /// What it has to be.
    pub required: &'static str,
    /// Whether it is; none where it was not observed.
    pub met: Option<bool>,
    /// Evidence after.
    pub evidence: Digest,
}

/// A request of the `ingest_auth` contract.
struct Question {
    request: Request,
    with: &'static str,
    /// The item that decides.
    decides: &'static str,
    /// The item that is shown.
    shows: &'static str,
    required: &'static str,
    holds: fn(&str) -> bool,
}

enum Request {
    Ingest,
    Health,
}

const QUESTIONS: [Question; 4] = [
    Question {
        request: Request::Ingest,
        with: "no credential",
        decides: "/anonymous/access",
        shows: "/anonymous/response/status",
        required: "401 or 403",
        holds: |access| access == "denied",
    },
    Question {
        request: Request::Ingest,
        with: "declared credential",
        decides: "/credential/access",
        shows: "/credential/response/status",
        required: "2xx",
        holds: |access| access == "accepted",
    },
    Question {
        request: Request::Ingest,
        with: "plaintext HTTP",
        decides: "/plain/outcome",
        shows: "/plain/response/status",
        required: "not accepted",
        holds: |outcome| outcome != "accepted",
    },
    Question {
        request: Request::Health,
        with: "after the requests",
        decides: "/health/after",
        shows: "/health/after",
        required: "healthy",
        holds: |health| health == "healthy",
    },
];

/// The proof rows of every ingest endpoint that this run has observed, in the order of the record.
pub fn rows(view: &View<'_>) -> Vec<Proof> {
    let ingest = view.bundle.evidence.iter().filter(|body| body.check == CheckId::IngestAuth);
    ingest.flat_map(|after| of_endpoint(view, after)).collect()
}

fn of_endpoint(view: &View<'_>, after: &Evidence) -> Vec<Proof> {
    let earlier = view.bundle.baseline.iter().flat_map(|baseline| &baseline.evidence);
    let before: Option<&Evidence> =
        earlier.into_iter().find(|body| body.check == after.check && body.subject == after.subject);
    let asked = |question: &&Question| {
        let attempted = |body: &Evidence| {
            !matches!(body.item(question.decides), None | Some(Item::NotAttempted { .. }))
        };
        attempted(after) || before.is_some_and(attempted)
    };
    QUESTIONS
        .iter()
        .filter(asked)
        .map(|question| Proof {
            request: request_line(view, after, question),
            with: question.with.to_owned(),
            before: before.map(|body| answer(body, question)),
            after: answer(after, question),
            required: question.required,
            met: word(after.item(question.decides)).map(question.holds),
            evidence: after.digest(),
        })
        .collect()
}

fn request_line(view: &View<'_>, body: &Evidence, question: &Question) -> String {
    match question.request {
        Request::Ingest => match word(body.item("/endpoint/path")) {
            Some(path) => format!("POST {path}"),
            None => "POST".to_owned(),
        },
        Request::Health => {
            let endpoints = &view.record.document.spec.endpoints;
            let declared = endpoints.iter().find(|e| e.name == body.subject.name());
            match declared.and_then(|endpoint| endpoint.health_path.as_deref()) {
                Some(path) => format!("GET {path}"),
                None => "GET health".to_owned(),
            }
        }
    }
}

/// The text value of an item.
fn word(item: Option<&Item<Value>>) -> Option<&str> {
    item.and_then(Item::value).and_then(Value::as_str)
}

/// "401 Unauthorized", "connection refused", "healthy", or why nothing was observed.
fn answer(body: &Evidence, question: &Question) -> String {
    if let Some(status) = body.item(question.shows).and_then(Item::value).and_then(Value::as_u64) {
        return format!("{status} {}", http_reason(status)).trim_end().to_owned();
    }
    match body.item(question.decides) {
        Some(Item::Observed { value }) => match value.as_str() {
            Some("not_spoken") => "no plaintext HTTP spoken".to_owned(),
            Some(word) => text::hostile(&word.replace('_', " ")).plain(),
            None => text::value(value).plain(),
        },
        Some(item) => format!("not observed: {}", text::item(item).plain()),
        None => "not observed".to_owned(),
    }
}
