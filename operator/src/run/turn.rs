//! Whose turn it is among the runs that the caches know; and who is let in is called.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crds::AuditRun;
use jiff::Timestamp;
use kube::ResourceExt as _;
use kube::runtime::reflector::ObjectRef;

use super::begin::is_at_work;
use super::queue::{self, Waiting};
use crate::context::Context;

/// Seconds for which a run that was let in and that no cache knows may be too new for them.
const TOO_NEW_SECONDS: i64 = 60;

/// Whether this run may start. Everybody whose turn it is gets it at once, so that a long queue is
/// looked through once for all of them.
pub(super) fn has_come(context: &Context, run: &AuditRun, now: Timestamp) -> bool {
    let uid = run.uid().unwrap_or_default();
    context.resting().remove(&uid);
    if context.admitted().contains_key(&uid) {
        return true;
    }
    let namespace = run.metadata.namespace.as_deref().unwrap_or_default();
    let for_whom = Some((namespace, run.spec.target_ref.name.as_str()));
    let called = admit(context, now, for_whom);
    call(context, called.into_iter().filter(|(other, _)| *other != uid));
    context.admitted().contains_key(&uid)
}

/// Takes a run's place from it until its target may be probed again: who rests stands in nobody's
/// way.
pub(super) fn rest(context: &Context, uid: &str, now: Timestamp, until: Timestamp) {
    context.resting().insert(uid.to_owned(), until);
    over(context, uid, now);
}

/// Gives the place of a run, if it had one, to whoever waits for it.
pub fn over(context: &Context, uid: &str, now: Timestamp) {
    let had = context.admitted().remove(uid);
    if had.is_some() {
        call(context, admit(context, now, None));
    }
}

/// Keeps the place of a run that is at work, which an earlier leader may have let in.
pub(super) fn hold(context: &Context, run: &AuditRun, now: Timestamp) {
    context.admitted().entry(run.uid().unwrap_or_default()).or_insert(now);
}

fn call(context: &Context, called: impl IntoIterator<Item = (String, ObjectRef<AuditRun>)>) {
    for (_, run) in called {
        context.wake(&run);
    }
}

/// Lets in everybody whose turn has come, if there is room for this target or none is named; who
/// that was, by uid.
fn admit(
    context: &Context,
    now: Timestamp,
    for_whom: Option<(&str, &str)>,
) -> Vec<(String, ObjectRef<AuditRun>)> {
    let mut resting = context.resting();
    resting.retain(|_, until| *until > now);
    let mut admitted = context.admitted();
    let runs = context.live_runs();
    let known: HashSet<&str> = runs.iter().filter_map(|run| run.metadata.uid.as_deref()).collect();
    admitted.retain(|uid, since| {
        known.contains(uid.as_str()) || now.duration_since(*since).as_secs() < TOO_NEW_SECONDS
    });
    let (mut active, mut waiting) = (Vec::new(), Vec::new());
    let mut entries: BTreeMap<(&str, &str), &Arc<AuditRun>> = BTreeMap::new();
    for run in &runs {
        let metadata = &run.metadata;
        let (Some(namespace), Some(name), Some(uid)) =
            (metadata.namespace.as_deref(), metadata.name.as_deref(), metadata.uid.as_deref())
        else {
            continue;
        };
        let since = run.spec.not_before.as_ref().or(metadata.creation_timestamp.as_ref());
        let since = since.map_or(now, |time| time.0);
        let target = run.spec.target_ref.name.as_str();
        let entry = Waiting { since, namespace, name, target };
        if is_at_work(run) || admitted.contains_key(uid) {
            active.push(entry);
        } else if since <= now && !resting.contains_key(uid) {
            entries.insert((namespace, name), run);
            waiting.push(entry);
        }
    }
    let caps = context.caps;
    if for_whom
        .is_some_and(|(namespace, target)| !queue::has_room(&active, namespace, target, caps))
    {
        return Vec::new();
    }
    let turns = queue::admit(&active, &waiting, caps);
    let let_in = turns.iter().filter_map(|turn| entries.get(turn));
    let let_in: Vec<_> = let_in
        .map(|run| (run.uid().unwrap_or_default(), ObjectRef::from_obj(run.as_ref())))
        .collect();
    admitted.extend(let_in.iter().map(|(uid, _)| (uid.clone(), now)));
    let_in
}
