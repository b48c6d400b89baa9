//! Who leads: one replica at a time, by a Lease (coordination.k8s.io/v1) in the operator's own
//! namespace. A leader that stops gives the Lease back, so that the next one need not wait.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::Api;
use kube::api::PostParams;
use tokio::sync::watch;

use crate::metrics::Metrics;

/// Seconds after which a silent leader has lost the Lease; the value of Kubernetes' own
/// controllers.
const DURATION_SECONDS: i32 = 15;
/// How often the Lease is renewed, or looked at.
const RENEW: Duration = Duration::from_secs(3);
/// Seconds after its last renewal at which a leader takes itself for none: sooner than anybody
/// else may.
const GIVE_UP_SECONDS: i64 = 10;

/// The Lease, and whether this process holds it.
pub struct Leadership {
    api: Api<Lease>,
    name: String,
    holder: String,
    metrics: Arc<Metrics>,
}

impl Leadership {
    /// A Lease of that name, to be held under the name of this pod.
    pub const fn new(api: Api<Lease>, name: String, holder: String, metrics: Arc<Metrics>) -> Self {
        Self { api, name, holder, metrics }
    }

    /// Tries for the Lease and keeps it until `stop`, telling `leads` whether it is held.
    pub async fn campaign(self, leads: watch::Sender<bool>, mut stop: watch::Receiver<bool>) {
        let mut renewed = Timestamp::UNIX_EPOCH;
        while !*stop.borrow() {
            let now = Timestamp::now();
            match self.take(now).await {
                Ok(true) => renewed = now,
                Ok(false) => renewed = Timestamp::UNIX_EPOCH,
                Err(error) => {
                    tracing::warn!(%error, lease = %self.name, "the Lease could not be renewed")
                }
            }
            let held = Timestamp::now().duration_since(renewed).as_secs() < GIVE_UP_SECONDS;
            self.metrics.leader.set(i64::from(held));
            leads.send_if_modified(|leads| std::mem::replace(leads, held) != held);
            tokio::select! {
                () = tokio::time::sleep(RENEW) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Gives the Lease back, if it is held.
    pub async fn release(api: &Api<Lease>, name: &str, holder: &str) -> Result<(), kube::Error> {
        let Some(mut lease) = api.get_opt(name).await? else { return Ok(()) };
        let Some(spec) =
            lease.spec.as_mut().filter(|spec| spec.holder_identity.as_deref() == Some(holder))
        else {
            return Ok(());
        };
        spec.holder_identity = None;
        spec.renew_time = None;
        match api.replace(name, &PostParams::default(), &lease).await {
            // Somebody took it meanwhile.
            Err(kube::Error::Api(status)) if status.is_conflict() => Ok(()),
            other => other.map(drop),
        }
    }

    async fn take(&self, now: Timestamp) -> Result<bool, kube::Error> {
        let Some(mut lease) = self.api.get_opt(&self.name).await? else {
            let lease = Lease {
                metadata: ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() },
                spec: Some(self.claim(now, 0)),
            };
            return match self.api.create(&PostParams::default(), &lease).await {
                Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(false),
                other => other.map(|_| true),
            };
        };
        let spec = lease.spec.clone().unwrap_or_default();
        let own = spec.holder_identity.as_deref() == Some(self.holder.as_str());
        if !own && is_held(&spec, now) {
            return Ok(false);
        }
        let transitions = spec.lease_transitions.unwrap_or(0) + i32::from(!own);
        let mut claim = self.claim(now, transitions);
        if own {
            claim.acquire_time = spec.acquire_time;
        }
        lease.spec = Some(claim);
        // With the version that was read: who comes second loses.
        match self.api.replace(&self.name, &PostParams::default(), &lease).await {
            Err(kube::Error::Api(status)) if status.is_conflict() => Ok(false),
            other => other.map(|_| true),
        }
    }

    fn claim(&self, now: Timestamp, transitions: i32) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(self.holder.clone()),
            lease_duration_seconds: Some(DURATION_SECONDS),
            acquire_time: Some(MicroTime(now)),
            renew_time: Some(MicroTime(now)),
            lease_transitions: Some(transitions),
            ..LeaseSpec::default()
        }
    }
}

fn is_held(spec: &LeaseSpec, now: Timestamp) -> bool {
    let holder = spec.holder_identity.as_deref().unwrap_or_default();
    let Some(renewed) = &spec.renew_time else { return false };
    let duration = SignedDuration::from_secs(spec.lease_duration_seconds.unwrap_or(0).into());
    !holder.is_empty() && renewed.0.checked_add(duration).is_ok_and(|end| end > now)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_held_until_it_was_not_renewed_for_its_duration() {
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let spec = |seconds_ago: i64, holder: &str| LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: Some(15),
            renew_time: Some(MicroTime(now - SignedDuration::from_secs(seconds_ago))),
            ..LeaseSpec::default()
        };
        assert!(is_held(&spec(14, "a"), now));
        assert!(!is_held(&spec(15, "a"), now));
        assert!(!is_held(&spec(1, ""), now), "given back");
        assert!(!is_held(&LeaseSpec::default(), now));
    }
}
