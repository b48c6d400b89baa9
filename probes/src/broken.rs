//! What is left of a probe that fell over itself: a document that says so in every item.

use std::future::Future;
use std::time::Instant;

use jiff::Timestamp;
use model::evidence::{Evidence, Item, Items};
use model::request::CheckRequest;
use tokio::task::JoinSet;

use crate::Context;

/// What every item says. Never what the probe said last: that may be anybody's text.
const REASON: &str = "the probe itself failed; this is a defect of plumb, and its log says where";

/// Runs a probe in a task of its own, so that its panic ends nothing else.
pub(crate) async fn guarded(
    context: &Context,
    request: &CheckRequest,
    probe: impl Future<Output = Evidence> + Send + 'static,
) -> Evidence {
    let (started_at, clock) = (Timestamp::now(), Instant::now());
    // A set ends its task when it is dropped, as a probe ends that nobody waits for.
    let mut task = JoinSet::new();
    task.spawn(probe);
    match task.join_next().await {
        Some(Ok(evidence)) => evidence,
        _ => broken(context, request, started_at, clock),
    }
}

fn broken(
    context: &Context,
    request: &CheckRequest,
    started_at: Timestamp,
    clock: Instant,
) -> Evidence {
    let contract = model::schema::newest(request.check);
    let items = |half: &[String]| -> Items {
        half.iter().map(|pointer| (pointer.clone(), Item::error(REASON))).collect()
    };
    Evidence {
        check: request.check,
        target: request.target.clone(),
        subject: request.subject.clone(),
        run: context.run.clone(),
        probe: context.probe.clone(),
        started_at,
        duration_ms: u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX),
        attempts: 1,
        stable: items(&contract.stable),
        volatile: items(&contract.volatile),
        schema: contract.schema,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use model::CheckId;
    use model::RunId;

    use super::*;

    fn request(check: CheckId) -> CheckRequest {
        serde_json::from_value(serde_json::json!({
            "check": check,
            "target": "gw",
            "subject": "config/main",
            "inputs": {
                "kind": "config",
                "config": { "name": "main", "format": "auto", "path": "gateway.toml" },
            },
            "policy": model::request::ProbePolicy::default(),
        }))
        .unwrap()
    }

    #[tokio::test]
    async fn a_probe_that_panics_leaves_a_document_that_says_so_and_follows_its_contract() {
        let context = Context::new(RunId("r".to_owned()), std::env::temp_dir());
        for check in CheckId::ALL {
            let request = request(check);
            let panics = async { panic!("hostile \u{1b}[31m text") };
            let evidence = guarded(&context, &request, panics).await;
            assert!(!evidence.stable.is_empty(), "{check}");
            for item in evidence.stable.values().chain(evidence.volatile.values()) {
                assert_eq!(item.reason(), Some(REASON), "{check}");
            }
            let schema = model::schema::evidence()
                .into_iter()
                .find(|named| named.name == evidence.schema)
                .unwrap();
            let validator = jsonschema::validator_for(&schema.schema).unwrap();
            let document = serde_json::to_value(&evidence).unwrap();
            let errors: Vec<_> =
                validator.iter_errors(&document).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{check}: {errors:?}");
        }
    }
}
