//! The job summary.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use engine::tracker::plan::Plan;
use jiff::{SignedDuration, Timestamp};

use super::comment::{self, Change};
use super::words::{count, effects, list};
use crate::audit::Audit;
use crate::failure::Failure;
use crate::gate::Gate;

/// Bytes of a step's summary that GitHub takes are 1 MiB (GitHub, "Workflow commands"); what is
/// longer is cut, or the whole upload fails.
const LIMIT: usize = 1_000_000;

/// How long before its end an exception is named: long enough to mend, or to ask again.
const NOTICE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What the summary says of issues.
pub struct Said<'a> {
    /// What was done, or would be.
    pub plan: &'a Plan,
    /// It was done.
    pub written: bool,
    /// What was left undone, and why nothing was.
    pub notes: &'a [String],
}

/// The summary of a pull request, or of a branch where there is no change.
pub fn summary(
    audit: &Audit,
    gate: &Gate,
    change: Option<&Change<'_>>,
    issues: &Said<'_>,
) -> Result<String, Failure> {
    let mut out = String::new();
    match (change, &gate.reason) {
        (Some(change), _) => out.push_str(&comment::change(change)),
        (None, Some(reason)) => {
            let _ = writeln!(out, "The check fails: {reason}.\n");
        }
        (None, None) => {}
    }
    for judged in &audit.targets {
        let text = engine::report::comment(&judged.bundle)
            .map_err(|error| Failure::new(error.to_string()))?;
        out.push_str(&text);
        out.push('\n');
    }
    if let Some(effects) = effects(issues.plan) {
        let head = if issues.written { "Issues: this run" } else { "Issues: a run that may write" };
        let _ = writeln!(out, "{head} {effects}.\n");
    }
    list(&mut out, "Exceptions that end within 14 days", &ending(audit));
    list(&mut out, "Issues", issues.notes);
    if out.len() > LIMIT {
        let end = (0..=LIMIT).rev().find(|end| out.is_char_boundary(*end)).unwrap_or(0);
        out.truncate(out[..end].rfind('\n').unwrap_or(end));
        out.push_str("\n\nThe rest is in the report.\n");
    }
    Ok(out)
}

/// The exceptions that end soon and still accept something, the first to end first.
fn ending(audit: &Audit) -> Vec<String> {
    let mut ending: BTreeMap<_, usize> = BTreeMap::new();
    let findings = audit.targets.iter().flat_map(|judged| &judged.assessment().findings);
    for waiver in findings.filter_map(|finding| finding.waiver.as_ref()) {
        if waiver.expires_at.duration_since(audit.observed_at) <= NOTICE {
            let key = (waiver.expires_at, &waiver.name, &waiver.approved_by);
            *ending.entry(key).or_default() += 1;
        }
    }
    let said = |((at, name, by), accepted): ((Timestamp, &String, &String), usize)| {
        let accepted = count(accepted, "finding", "findings");
        format!("{name}, approved by {by}, ends at {at}: it accepts {accepted}")
    };
    ending.into_iter().map(said).collect()
}
