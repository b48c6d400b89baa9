//! Operator pods that die, one after another and all at once. Nobody else counts on them
//! meanwhile.

use crate::cluster::{Kubectl, LIMIT, eventually, within};
use crate::operator::{Installation, OWN, alone};

use super::{AtWork, GIVES_UP, NEVER};

/// The installed operator is scaled to nothing until this is dropped. Hold [`alone`] meanwhile.
pub(super) struct Away(());

impl Away {
    pub(super) fn new() -> Self {
        scale("--replicas=0");
        eventually("no operator to be left", || pods().is_empty().then_some(()));
        Self(())
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        scale("--replicas=2");
        // A test that fails says why, and not that this took too long besides; but the next one
        // needs the operator all the same.
        if std::thread::panicking() {
            within(LIMIT, both_are_ready);
        } else {
            restored();
        }
    }
}

fn scale(replicas: &str) {
    own().run(&["scale", "deployment/plumbline", replicas]);
}

pub(super) fn own() -> Kubectl {
    Kubectl::new().in_namespace(OWN)
}

/// Who holds the Lease.
fn leader() -> String {
    eventually("a leader", || own().field("lease/plumbline-operator", ".spec.holderIdentity"))
}

/// The names of the operator's pods.
fn pods() -> Vec<String> {
    let pods = own().json("pods");
    let name = |pod: &serde_json::Value| pod["metadata"]["name"].as_str().map(str::to_owned);
    pods["items"].as_array().unwrap().iter().filter_map(name).collect()
}

fn kill(pods: &[String]) {
    for pod in pods {
        own().run(&["delete", "pod", pod, "--grace-period=0", "--force"]);
    }
}

/// Waits until both replicas are ready again.
pub(super) fn restored() {
    eventually("both replicas to be ready", both_are_ready);
}

fn both_are_ready() -> Option<()> {
    let ready = own().field("deployment/plumbline", ".status.readyReplicas")?;
    (ready == "2" && pods().len() == 2).then_some(())
}

#[test]
fn a_leader_that_is_killed_is_followed_by_the_other_and_its_run_ends_once() {
    Installation::get();
    let _alone = alone();
    let at_work = AtWork::new("leader", GIVES_UP, "{}");
    let before = leader();
    kill(std::slice::from_ref(&before));
    let status = at_work.over();
    assert_eq!(status["phase"], "Complete", "{status:#}");
    assert_eq!(status["evidence"]["stored"], status["evidence"]["planned"], "{status:#}");
    at_work.assert_stored_once();
    assert_ne!(leader(), before);
    restored();
}

#[test]
fn both_replicas_killed_lose_nothing() {
    Installation::get();
    let _alone = alone();
    let at_work = AtWork::new("both", GIVES_UP, "{}");
    kill(&pods());
    let status = at_work.over();
    assert_eq!(status["phase"], "Complete", "{status:#}");
    assert_eq!(status["evidence"]["stored"], status["evidence"]["planned"], "{status:#}");
    at_work.assert_stored_once();
    restored();
}

#[test]
fn what_happened_while_nobody_led_is_made_good_by_the_next_leader() {
    Installation::get();
    let _alone = alone();
    let at_work = AtWork::new("unseen", NEVER, "{}");
    let away = Away::new();
    at_work.namespace.run(&["delete", "job/slow", "--wait=false"]);
    at_work.namespace.wait_until_gone("job/slow");
    drop(away);
    let status = at_work.over();
    assert_eq!(status["status"], "INCOMPLETE", "{status:#}");
    assert!(status["message"].as_str().unwrap().contains("its Job was deleted"), "{status:#}");
    at_work.assert_stored_once();
}
