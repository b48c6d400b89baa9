//! From a token to the one run that its pod may write.
//!
//! The API server says whether the token is good and which pod it is bound to; the pod's Job and
//! the Job's run are followed by owner and uid. A token of another audience, of a pod that is
//! gone, or of a pod that no run of ours owns opens nothing. An owner is what anybody may write
//! into a pod or Job of theirs; the run's label, which admission keeps for the operator's Jobs and
//! the Job controller's pods, is asked for beside it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, StatusCode, header};
use crds::{AuditRun, Phase, RUN_LABEL};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::PostParams;
use kube::{Api, Client, ResourceExt as _};
use model::{Digest, RunId};

use super::Refusal;
use crate::run;
use crate::run::job::{AUDIENCE, LAST_WORDS};

/// How long a token that was good is taken for good: a pod uploads several documents at once, and
/// a pod that is deleted must not write for long.
const TRUST: Duration = Duration::from_secs(5);
/// Longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 16 * 1024;

/// A pod at work for a run.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    /// The run.
    pub run: Arc<AuditRun>,
    /// Its name in the store.
    pub id: RunId,
    /// When the Job's deadline ends its pods, less a moment for their last words.
    pub ends: Option<Timestamp>,
}

/// Lets pods in.
pub(super) struct Gate {
    client: Client,
    known: Mutex<BTreeMap<Digest, (Instant, Visitor)>>,
}

impl Gate {
    pub(super) fn new(client: Client) -> Self {
        Self { client, known: Mutex::default() }
    }

    /// Whose request this is.
    pub(super) async fn visitor(&self, headers: &HeaderMap) -> Result<Visitor, Refusal> {
        let token = token(headers)?;
        let digest = Digest::of_bytes(token.as_bytes());
        let now = Instant::now();
        {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.retain(|_, (since, _)| now.duration_since(*since) < TRUST);
            if let Some((_, visitor)) = known.get(&digest) {
                return Ok(visitor.clone());
            }
        }
        let visitor = self.look_up(token).await?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(digest, (now, visitor.clone()));
        Ok(visitor)
    }

    async fn look_up(&self, token: &str) -> Result<Visitor, Refusal> {
        let pod = self.review(token).await?;
        let forbidden = |message: &str| Refusal::new(StatusCode::FORBIDDEN, "not_a_probe", message);
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &pod.namespace);
        let object = pods
            .get_opt(&pod.name)
            .await
            .map_err(unreachable)?
            .filter(|object| object.uid().as_ref() == Some(&pod.uid))
            .ok_or_else(|| forbidden("the token's pod is gone"))?;
        let owner = controller(object.owner_references(), "Job")
            .ok_or_else(|| forbidden("the token's pod belongs to no Job"))?;
        let jobs: Api<Job> = Api::namespaced(self.client.clone(), &pod.namespace);
        let job = jobs
            .get_opt(&owner.name)
            .await
            .map_err(unreachable)?
            .filter(|job| job.uid().as_ref() == Some(&owner.uid))
            .ok_or_else(|| forbidden("the token's Job is gone"))?;
        let owner = controller(job.owner_references(), "AuditRun")
            .ok_or_else(|| forbidden("the token's Job belongs to no AuditRun"))?;
        let runs: Api<AuditRun> = Api::namespaced(self.client.clone(), &pod.namespace);
        let run = runs
            .get_opt(&owner.name)
            .await
            .map_err(unreachable)?
            .filter(|run| run.uid().as_ref() == Some(&owner.uid))
            .ok_or_else(|| forbidden("the AuditRun is gone"))?;
        let name = run.name_any();
        if !(carries(object.labels(), &name) && carries(job.labels(), &name)) {
            return Err(forbidden(
                "the token's pod or its Job is not one that was made for the run",
            ));
        }
        // Only the operator writes a status: a Job that somebody else made for the run is none.
        let status = run.status.clone().unwrap_or_default();
        match status.phase {
            Some(Phase::Running) if status.job_name.as_deref() == Some(&job.name_any()) => {}
            None | Some(Phase::Queued) => {
                let message = "the run is about to start";
                return Err(Refusal::later(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "not_started",
                    1,
                    message,
                ));
            }
            _ => return Err(Refusal::new(StatusCode::CONFLICT, "over", "the run is over")),
        }
        let id = run::id(&run).map_err(|error| forbidden(&error.to_string()))?;
        Ok(Visitor { run: Arc::new(run), id, ends: ends(&job) })
    }

    /// Asks the API server whether the token is good for us, and whose it is.
    async fn review(&self, token: &str) -> Result<BoundPod, Refusal> {
        let reviews: Api<TokenReview> = Api::all(self.client.clone());
        let review = TokenReview {
            spec: TokenReviewSpec {
                audiences: Some(vec![AUDIENCE.to_owned()]),
                token: Some(token.to_owned()),
            },
            ..TokenReview::default()
        };
        let answer = reviews.create(&PostParams::default(), &review).await.map_err(unreachable)?;
        bound_pod(&answer).ok_or_else(|| {
            let message =
                "the token is not good here: expired, for another audience, or bound to no pod";
            Refusal::new(StatusCode::UNAUTHORIZED, "token", message)
        })
    }
}

/// The pod that a token is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct BoundPod {
    namespace: String,
    name: String,
    uid: String,
}

/// The pod of a review; none unless it is authenticated for our audience and bound to a pod.
fn bound_pod(review: &TokenReview) -> Option<BoundPod> {
    let status = review.status.as_ref()?;
    let ours = status.audiences.iter().flatten().any(|audience| audience == AUDIENCE);
    if status.authenticated != Some(true) || !ours {
        return None;
    }
    let user = status.user.as_ref()?;
    // system:serviceaccount:<namespace>:<name>, by the authenticator of service accounts.
    let mut parts = user.username.as_deref()?.strip_prefix("system:serviceaccount:")?.split(':');
    let namespace = parts.next()?.to_owned();
    let extra = |name: &str| user.extra.as_ref()?.get(name)?.first().cloned();
    Some(BoundPod {
        namespace,
        name: extra("authentication.kubernetes.io/pod-name")?,
        uid: extra("authentication.kubernetes.io/pod-uid")?,
    })
}

fn ends(job: &Job) -> Option<Timestamp> {
    let started = job.status.as_ref()?.start_time.as_ref()?.0;
    let seconds = job.spec.as_ref()?.active_deadline_seconds? - LAST_WORDS;
    started.checked_add(SignedDuration::from_secs(seconds)).ok()
}

fn controller<'a>(owners: &'a [OwnerReference], kind: &str) -> Option<&'a OwnerReference> {
    owners.iter().find(|owner| owner.controller == Some(true) && owner.kind == kind)
}

/// The label that the operator puts on the Job and pods of a run.
fn carries(labels: &BTreeMap<String, String>, run: &str) -> bool {
    labels.get(RUN_LABEL).is_some_and(|name| name == run)
}

/// `Authorization: Bearer` of RFC 6750, section 2.1.
fn token(headers: &HeaderMap) -> Result<&str, Refusal> {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .filter(|token| !token.is_empty() && token.len() <= MAX_TOKEN)
        .ok_or_else(|| {
            Refusal::new(StatusCode::UNAUTHORIZED, "token", "a request needs Authorization: Bearer")
        })
}

fn unreachable(error: kube::Error) -> Refusal {
    tracing::warn!(%error, "the API server could not be asked");
    let message = "the API server cannot be asked";
    Refusal::later(StatusCode::SERVICE_UNAVAILABLE, "api_server", 2, message)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn review(changes: Value) -> TokenReview {
        let mut status = json!({
            "authenticated": true,
            "audiences": [AUDIENCE],
            "user": {
                "username": "system:serviceaccount:plant:default",
                "extra": {
                    "authentication.kubernetes.io/pod-name": ["probe-1"],
                    "authentication.kubernetes.io/pod-uid": ["u-1"],
                },
            },
        });
        for (key, value) in changes.as_object().unwrap() {
            status[key] = value.clone();
        }
        serde_json::from_value(json!({ "spec": {}, "status": status })).unwrap()
    }

    #[test]
    fn a_token_that_is_bound_to_a_pod_names_it() {
        let pod = bound_pod(&review(json!({}))).unwrap();
        assert_eq!(
            (pod.namespace.as_str(), pod.name.as_str(), pod.uid.as_str()),
            ("plant", "probe-1", "u-1")
        );
    }

    #[test]
    fn any_other_token_names_nobody() {
        for change in [
            json!({ "authenticated": false }),
            json!({ "audiences": ["https://kubernetes.default.svc"] }),
            json!({ "audiences": [] }),
            json!({ "user": { "username": "system:serviceaccount:plant:default" } }),
            json!({ "user": { "username": "admin", "extra": {
                "authentication.kubernetes.io/pod-name": ["probe-1"],
                "authentication.kubernetes.io/pod-uid": ["u-1"],
            } } }),
        ] {
            assert_eq!(bound_pod(&review(change.clone())), None, "{change}");
        }
    }
}
