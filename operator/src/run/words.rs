//! Why a Job brought less than was planned, in the words of those who know.
//!
//! First its pods, then whoever could not make or start one: the namespace's quota, its rules for
//! pods, the scheduler, the registry. Of those nothing is left but events once the Job is over.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::events::v1::Event;
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};

use super::Step;
use crate::error::Result;

/// Most events that are looked at.
const EVENTS: u32 = 200;

impl Step<'_> {
    /// One line, if anybody said anything.
    pub(super) async fn last_words(&self) -> Result<Option<String>> {
        let pods: Api<Pod> = self.context.beside(self.run);
        let name = self.run.name_any();
        let of_job = ListParams::default().labels(&format!("batch.kubernetes.io/job-name={name}"));
        let pods = pods.list(&of_job).await?.items;
        if let Some(words) = pods.iter().filter_map(of_pod).next_back() {
            return Ok(Some(format!("its pod said: {}", printable(&words))));
        }
        let refused = self.events(&format!("regarding.kind=Job,regarding.name={name}")).await?;
        let refused =
            refused.into_iter().filter(|event| event.reason.as_deref() == Some("FailedCreate"));
        if let Some(words) = newest(refused) {
            return Ok(Some(format!("it got no pod: {}", printable(&words))));
        }
        let held_up = self.events("regarding.kind=Pod,type=Warning").await?;
        let held_up = held_up.into_iter().filter(|event| is_of_pod(event, &name));
        Ok(newest(held_up).map(|words| format!("its pod was held up: {}", printable(&words))))
    }

    /// Events of the run's namespace.
    async fn events(&self, fields: &str) -> Result<Vec<Event>> {
        let events: Api<Event> = self.context.beside(self.run);
        Ok(events.list(&ListParams::default().fields(fields).limit(EVENTS)).await?.items)
    }
}

/// What a pod wrote when it ended, or why it could not start.
fn of_pod(pod: &Pod) -> Option<String> {
    let state = pod.status.as_ref()?.container_statuses.as_ref()?.first()?.state.as_ref()?;
    let terminated = state.terminated.as_ref().and_then(|t| t.message.clone().or(t.reason.clone()));
    let waiting = || state.waiting.as_ref().and_then(|w| w.message.clone().or(w.reason.clone()));
    terminated.or_else(waiting)
}

/// True for a pod that the Job's controller named: the Job's name and five characters.
fn is_of_pod(event: &Event, job: &str) -> bool {
    let name = event.regarding.as_ref().and_then(|object| object.name.as_deref());
    let end = name.and_then(|name| name.strip_prefix(job)?.strip_prefix('-'));
    end.is_some_and(|end| end.len() == 5 && !end.contains('-'))
}

fn newest(events: impl Iterator<Item = Event>) -> Option<String> {
    let when = |event: &Event| {
        let last = event.deprecated_last_timestamp.as_ref().map(|time| time.0);
        let made = event.event_time.as_ref().map(|time| time.0);
        last.or(made).or_else(|| event.creation_timestamp().map(|time| time.0))
    };
    events.max_by_key(when)?.note
}

/// One line of what somebody wrote: it may be anybody's text.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(pod: &str, at: &str, note: &str) -> Event {
        serde_json::from_value(json!({
            "metadata": { "name": "e" },
            "eventTime": null,
            "deprecatedLastTimestamp": at,
            "regarding": { "kind": "Pod", "name": pod },
            "note": note,
        }))
        .unwrap()
    }

    #[test]
    fn what_somebody_wrote_is_one_short_line() {
        assert_eq!(printable("a\nb\u{1b}[31m"), "a b [31m");
        assert_eq!(printable(&"x".repeat(5_000)).len(), 200);
    }

    #[test]
    fn the_newest_event_of_the_own_pods_is_what_counts() {
        let events = [
            event("gw-aaaaa", "2026-11-21T10:00:00Z", "first"),
            event("gw-bbbbb", "2026-11-21T10:00:02Z", "last"),
            event("gw-2-ccccc", "2026-11-21T10:00:03Z", "another Job's"),
            event("other", "2026-11-21T10:00:03Z", "a stranger's"),
        ];
        let own = events.into_iter().filter(|event| is_of_pod(event, "gw"));
        assert_eq!(newest(own).as_deref(), Some("last"));
    }
}
