//! What every reconciler works with.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crds::{AuditRun, AuditRunStatus};
use engine::rule::RuleSet;
use futures::channel::mpsc::UnboundedSender;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::NamespaceResourceScope;
use kube::api::ListParams;
use kube::core::{DeserializeGuard, error_boundary::InvalidObject};
use kube::runtime::controller::Action;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::runtime::reflector::{ObjectRef, Store as Cache};
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use store::Store;
use tokio::sync::watch;

use crate::error::{Error, Result};
use crate::metrics::Metrics;
use crate::run::job::Shape;
use crate::run::queue::Caps;
use crate::schedule::Spread;
use crate::settings::Settings;

/// The name under which the operator writes.
pub const MANAGER: &str = "plumbline-operator";

/// How long after an error the same object is looked at again, at first and at most.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// How long after a write that came second the object is looked at again: the cache needs a moment.
const OUTRUN: Duration = Duration::from_millis(200);

/// How long a spread is remembered: a day is the longest delay of a target.
const SPREAD_LIFE: SignedDuration = SignedDuration::from_hours(48);

/// One database by two roles.
#[derive(Clone)]
pub struct Stores {
    /// Its owner.
    pub own: Store,
    /// Who may only add evidence and read it.
    pub ingest: Store,
}

/// The runs of what one controller watches.
struct Runs {
    cache: Cache<AuditRun>,
    calls: UnboundedSender<ObjectRef<AuditRun>>,
}

/// What every reconciler works with.
pub struct Context {
    /// The API server.
    pub client: Client,
    /// Runs and their evidence.
    pub store: Store,
    /// The same store, by a role that may only add evidence and read it.
    pub ingest_store: Store,
    /// The built-in rules.
    pub rules: RuleSet,
    /// What every Job has in common.
    pub shape: Shape,
    /// How many runs may be at work.
    pub caps: Caps,
    /// Age at which evidence is stale.
    pub max_evidence_age: Duration,
    /// PEM of the authority that the ingest's certificate comes from.
    pub authority: watch::Receiver<String>,
    /// Counters and gauges.
    pub metrics: Arc<Metrics>,
    recorder: Recorder,
    runs: Mutex<Vec<Runs>>,
    admitted: Mutex<BTreeMap<String, Timestamp>>,
    resting: Mutex<BTreeMap<String, Timestamp>>,
    failures: Mutex<BTreeMap<String, u32>>,
    generations: Mutex<BTreeMap<String, (i64, Timestamp)>>,
    spreads: Mutex<BTreeMap<String, Spread>>,
    counts: Mutex<BTreeMap<String, Timestamp>>,
}

impl Context {
    /// The context of one process.
    pub fn new(
        client: Client,
        stores: Stores,
        settings: &Settings,
        authority: watch::Receiver<String>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let reporter =
            Reporter { controller: MANAGER.to_owned(), instance: Some(settings.pod_name.clone()) };
        let recorder = Recorder::new(client.clone(), reporter);
        Self {
            client,
            store: stores.own,
            ingest_store: stores.ingest,
            rules: engine::rule::built_in(),
            shape: Shape::from(settings),
            caps: Caps {
                total: usize::try_from(settings.max_jobs).unwrap_or(usize::MAX),
                per_namespace: usize::try_from(settings.max_jobs_per_namespace)
                    .unwrap_or(usize::MAX),
            },
            max_evidence_age: Duration::from_secs(settings.max_evidence_age_seconds.into()),
            authority,
            metrics,
            recorder,
            runs: Mutex::default(),
            admitted: Mutex::default(),
            resting: Mutex::default(),
            failures: Mutex::default(),
            generations: Mutex::default(),
            spreads: Mutex::default(),
            counts: Mutex::default(),
        }
    }

    /// Objects of a kind beside `object`.
    pub fn beside<K>(&self, object: &impl Resource) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), object.meta().namespace.as_deref().unwrap_or_default())
    }

    /// Objects of a kind beside `object` that can be read.
    ///
    /// # Errors
    /// If the API server refuses.
    pub async fn list_beside<K>(&self, object: &impl Resource, by: &ListParams) -> Result<Vec<K>>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug,
    {
        let api: Api<DeserializeGuard<K>> = self.beside(object);
        Ok(api.list(by).await?.items.into_iter().filter_map(readable).collect())
    }

    /// Takes in a cache of runs, for whose turn it is, and the way to have one looked at.
    pub fn watch_runs(&self, cache: Cache<AuditRun>, calls: UnboundedSender<ObjectRef<AuditRun>>) {
        lock(&self.runs).push(Runs { cache, calls });
    }

    /// Has a run looked at now.
    pub fn wake(&self, run: &ObjectRef<AuditRun>) {
        for runs in lock(&self.runs).iter().filter(|runs| runs.cache.get(run).is_some()) {
            // Who listens no more leads no more.
            runs.calls.unbounded_send(run.clone()).ok();
        }
    }

    /// Lets go of the caches of an earlier leadership.
    pub fn forget_runs(&self) {
        lock(&self.runs).clear();
        self.admitted().clear();
        self.resting().clear();
        lock(&self.spreads).clear();
        lock(&self.counts).clear();
    }

    /// Every run that the caches hold.
    pub fn runs(&self) -> Vec<Arc<AuditRun>> {
        lock(&self.runs).iter().flat_map(|runs| runs.cache.state()).collect()
    }

    /// Those of them for which something holds.
    pub fn runs_where(&self, holds: impl Fn(&AuditRun) -> bool) -> Vec<Arc<AuditRun>> {
        lock(&self.runs).iter().flat_map(|runs| runs.cache.state_filter(&holds)).collect()
    }

    /// The runs that have not ended.
    pub fn live_runs(&self) -> Vec<Arc<AuditRun>> {
        self.runs_where(|run| !run.status.as_ref().is_some_and(AuditRunStatus::is_over))
    }

    /// Remembers which targets of a schedule have not had their turn. Those of schedules that are
    /// gone are forgotten once they would have.
    pub fn keep_spread(&self, schedule_uid: String, spread: Spread) {
        let mut spreads = lock(&self.spreads);
        spreads.insert(schedule_uid, spread);
        let now = Timestamp::now();
        spreads.retain(|_, spread| now.duration_since(spread.slot) < SPREAD_LIFE);
    }

    /// Takes what was remembered of a schedule.
    pub fn take_spread(&self, schedule_uid: &str) -> Option<Spread> {
        lock(&self.spreads).remove(schedule_uid)
    }

    /// Since when the number of runs at work that a schedule's status has is not the true one.
    pub fn miscounted(&self, schedule_uid: &str, now: Timestamp) -> Timestamp {
        *lock(&self.counts).entry(schedule_uid.to_owned()).or_insert(now)
    }

    /// Says that it is.
    pub fn counted(&self, schedule_uid: &str) {
        lock(&self.counts).remove(schedule_uid);
    }

    /// Runs that were let in and that the caches may not show at work yet, by uid.
    pub fn admitted(&self) -> MutexGuard<'_, BTreeMap<String, Timestamp>> {
        lock(&self.admitted)
    }

    /// Runs whose target must be left alone until a time, by uid. Who takes this and [`admitted`]
    /// takes this first.
    ///
    /// [`admitted`]: Self::admitted
    pub fn resting(&self) -> MutexGuard<'_, BTreeMap<String, Timestamp>> {
        lock(&self.resting)
    }

    /// Since when this process knows that an object has this generation.
    pub fn first_seen(&self, uid: &str, generation: i64, now: Timestamp) -> Timestamp {
        let mut generations = lock(&self.generations);
        let seen = generations.entry(uid.to_owned()).or_insert((generation, now));
        if seen.0 != generation {
            *seen = (generation, now);
        }
        seen.1
    }

    /// Writes what a status says otherwise than the object's own, if anything, onto just this
    /// version of the object: whoever saw an older one must look again.
    pub async fn patch_status<K, S>(&self, object: &K, old: Option<&S>, new: &S) -> Result<()>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug,
        S: Serialize + PartialEq,
    {
        if old == Some(new) {
            return Ok(());
        }
        let api: Api<K> = self.beside(object);
        let change = match old {
            Some(old) => difference(&json!(old), &json!(new)),
            None => json!(new),
        };
        let patch = kube::api::Patch::Merge(json!({
            "metadata": { "resourceVersion": object.resource_version() },
            "status": change,
        }));
        api.patch_status(&object.name_any(), &kube::api::PatchParams::apply(MANAGER), &patch)
            .await?;
        Ok(())
    }

    /// Tells people what happened to an object. Telling is not worth failing for.
    pub async fn tell<K>(&self, object: &K, kind: EventType, reason: &str, note: &str)
    where
        K: Resource<DynamicType = ()>,
    {
        let event = Event {
            type_: kind,
            reason: reason.to_owned(),
            note: Some(note.chars().take(900).collect()),
            action: "Reconcile".to_owned(),
            secondary: None,
        };
        if let Err(error) = self.recorder.publish(&event, &object.object_ref(&())).await {
            tracing::warn!(%error, reason, "an event could not be published");
        }
    }

    /// When to look at an object again after an error: later with every error in a row.
    pub fn retry<K: Resource<DynamicType = ()>>(&self, object: &K, error: &Error) -> Action {
        if matches!(error, Error::Kube(kube::Error::Api(status)) if status.is_conflict()) {
            return Action::requeue(OUTRUN);
        }
        let key = key(object);
        let mut failures = lock(&self.failures);
        let failed = failures.entry(key).or_default();
        let wait = RETRY.0.saturating_mul(1 << (*failed).min(6)).min(RETRY.1);
        *failed += 1;
        tracing::warn!(
            kind = %K::kind(&()), name = %object.name_any(), namespace = object.namespace(),
            %error, retry_seconds = wait.as_secs(), "could not reconcile"
        );
        Action::requeue(wait)
    }

    /// Forgets the errors of an object that was reconciled.
    pub fn reconciled<K: Resource<DynamicType = ()>>(&self, object: &K) {
        lock(&self.failures).remove(&key(object));
    }
}

/// The object, or nothing and a line in the log: one that somebody wrote in a way that passes the
/// definition and cannot be read must not keep the others from being looked at.
pub fn readable<K: Resource<DynamicType = ()>>(guard: DeserializeGuard<K>) -> Option<K> {
    let InvalidObject { error, metadata } = match guard.0 {
        Ok(object) => return Some(object),
        Err(invalid) => invalid,
    };
    let (name, namespace) = (metadata.name.unwrap_or_default(), metadata.namespace);
    tracing::warn!(kind = %K::kind(&()), name, namespace, error, "an object cannot be read");
    None
}

/// A panic while something was remembered leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn key<K: Resource<DynamicType = ()>>(object: &K) -> String {
    format!("{}/{}/{}", K::kind(&()), object.namespace().unwrap_or_default(), object.name_any())
}

/// Until `then`, and a moment more, so that it has come when it is looked at.
pub fn until(then: Timestamp, now: Timestamp) -> Duration {
    let left = then.duration_since(now).max(jiff::SignedDuration::ZERO);
    Duration::try_from(left).unwrap_or_default() + Duration::from_millis(20)
}

/// The merge patch (RFC 7396) from one document to another. A field goes only by a null.
fn difference(old: &Value, new: &Value) -> Value {
    let (Value::Object(old), Value::Object(new)) = (old, new) else { return new.clone() };
    let gone = old.keys().filter(|key| !new.contains_key(*key));
    let mut patch: Map<_, _> = gone.map(|key| (key.clone(), Value::Null)).collect();
    for (key, value) in new.iter().filter(|(key, value)| old.get(*key) != Some(value)) {
        let change = old.get(key).map_or_else(|| value.clone(), |old| difference(old, value));
        patch.insert(key.clone(), change);
    }
    Value::Object(patch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_left_out_and_the_rest_is_not() {
        let exception = |keys: Value| -> DeserializeGuard<crds::AuditException> {
            let object = json!({
                "apiVersion": "plumbline.dev/v1alpha1",
                "kind": "AuditException",
                "metadata": { "name": "e", "namespace": "n" },
                "spec": {
                    "issueKeys": keys,
                    "reason": "r",
                    "approvedBy": "a",
                    "expiresAt": "2027-01-01T00:00:00Z",
                },
            });
            serde_json::from_value(object).expect("a guard takes anything with metadata")
        };
        assert!(readable(exception(json!(["ingest_auth.insecure_transport"]))).is_some());
        assert!(readable(exception(json!(["nobody.knows"]))).is_none());
    }

    #[test]
    fn a_patch_has_what_changed_and_nulls_what_is_gone() {
        let old = json!({ "same": 1, "gone": 2, "deep": { "same": 1, "gone": 2 }, "list": [1, 2] });
        let new = json!({ "same": 1, "deep": { "same": 1, "new": 3 }, "list": [1] });
        let patch = json!({ "gone": null, "deep": { "gone": null, "new": 3 }, "list": [1] });
        assert_eq!(difference(&old, &new), patch);
        assert_eq!(difference(&new, &new), json!({}));
    }
}
