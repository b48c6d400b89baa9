//! The comment on a pull request: what this change does to the path, in ten seconds.

use std::fmt::Write as _;

use engine::report::text::{markdown, markdown_code};
use engine::tracker::plan::Plan;
use model::assessment::Finding;

use super::words::{Places, count, effects, list, severities, table};
use crate::audit::{Audit, Judged};
use crate::gate::Gate;

/// Tells our comment from those of others by the same author.
pub const MARK: &str = "<!-- plumbline-comment:1 -->";
/// Characters of a comment that GitHub takes, with air for the mark.
const LIMIT: usize = 65_000;

/// True if there is something to say about the change.
pub fn speaks(audit: &Audit) -> bool {
    let any = |judged: &Judged| {
        !judged.introduced.is_empty() || !judged.resolved.is_empty() || !judged.lost.is_empty()
    };
    audit.targets.iter().any(any) || !audit.waits.is_empty() || !audit.removed.is_empty()
}

/// What is said about a change.
pub struct Change<'a> {
    /// Both sides, judged.
    pub audit: &'a Audit,
    /// Whether the check fails.
    pub gate: &'a Gate,
    /// What would be done to issues when it is merged.
    pub on_merge: &'a Plan,
    /// Where findings are in files.
    pub places: &'a Places,
}

/// The comment. `page` is where the rest is.
pub fn comment(what: &Change<'_>, page: Option<&str>) -> String {
    let mut out = format!("{MARK}\n");
    out.push_str(&change(what));
    if let Some(page) = page {
        let _ = writeln!(out, "[The whole report]({page})");
    }
    match out.char_indices().nth(LIMIT) {
        Some((end, _)) => {
            let end = out[..end].rfind('\n').unwrap_or(end);
            format!("{}\n\nThe rest is in the report.\n", &out[..end])
        }
        None => out,
    }
}

/// What a comment becomes when there is nothing to say any more.
pub fn cleared(page: Option<&str>) -> String {
    let mut out = format!(
        "{MARK}\n### Plumbline: this change brings no findings\n\nWhat was said here before does \
         not hold any more.\n"
    );
    if let Some(page) = page {
        let _ = writeln!(out, "\n[The whole report]({page})");
    }
    out
}

/// The change, target by target.
pub fn change(what: &Change<'_>) -> String {
    let Change { audit, gate, on_merge, places } = *what;
    let introduced = || audit.targets.iter().flat_map(introduced);
    let resolved: usize = audit.targets.iter().map(|judged| judged.resolved.len()).sum();
    let mut out = String::new();
    let found = introduced().count();
    let mark = if gate.failed() { "\u{274c}" } else { "\u{2705}" };
    let said = match (found, resolved) {
        (0, 0) => "this change brings no findings".to_owned(),
        (0, _) => format!("this change resolves {}", count(resolved, "finding", "findings")),
        _ => format!(
            "this change brings {} ({})",
            count(found, "finding", "findings"),
            severities(introduced())
        ),
    };
    let _ = writeln!(out, "### {mark} Plumbline: {said}\n");
    if let Some(reason) = &gate.reason {
        let _ = writeln!(out, "{}\n", markdown(&format!("The check fails: {reason}.")));
    }
    for judged in &audit.targets {
        target(&mut out, judged, places);
    }
    if let Some(effects) = effects(on_merge) {
        let _ = writeln!(out, "On merge, as things stand: {effects}.\n");
    }
    let removed: Vec<_> =
        audit.removed.iter().map(|key| format!("{key} is not declared any more")).collect();
    list(&mut out, "Not audited any more once this is merged", &removed);
    list(&mut out, "Waits for the merge", &audit.waits);
    out
}

fn introduced(judged: &Judged) -> impl Iterator<Item = &Finding> {
    judged.assessment().open_findings().filter(|finding| judged.introduced.contains(&finding.id))
}

fn target(out: &mut String, judged: &Judged, places: &Places) {
    let record = &judged.bundle.record;
    let assessment = judged.assessment();
    let Some(delta) = &record.delta else { return };
    let score = |score: Option<u32>| score.map_or("none".to_owned(), |score| score.to_string());
    let _ = writeln!(
        out,
        "{}: posture {} \u{2192} **{}**, risk score {} \u{2192} {}, {} of {} controls observed\n",
        markdown_code(&record.target.0),
        delta.before.posture,
        delta.after.posture,
        score(delta.before.risk_score),
        score(delta.after.risk_score),
        assessment.coverage.evaluated,
        assessment.coverage.selected,
    );
    table(out, introduced(judged), places);
    let was = judged.bundle.baseline.as_deref().and_then(|b| b.record.assessment.as_ref());
    let resolved: Vec<_> = was
        .into_iter()
        .flat_map(|was| &was.findings)
        .filter(|finding| judged.resolved.contains(&finding.id))
        .map(|finding| format!("{} on {}", finding.key, finding.subject))
        .collect();
    list(out, "Resolved", &resolved);
    let lost: Vec<_> =
        judged.lost.iter().map(|(rule, subject)| format!("{rule} on {subject}")).collect();
    list(out, "Cannot be judged any more", &lost);
    let others = assessment.open_findings().filter(|f| !judged.introduced.contains(&f.id)).count();
    if others > 0 {
        let _ = writeln!(
            out,
            "{} {} not from this change.\n",
            count(others, "open finding", "open findings"),
            if others == 1 { "is" } else { "are" }
        );
    }
}
