//! What a leader reads: one sentence, two or three that explain it, a recommendation, and the
//! three lists. Composed from the rules' own texts; nothing here judges anything.

use std::collections::{BTreeMap, BTreeSet};

use model::assessment::{Assessment, ControlResult, DomainPosture, Finding};
use model::{Digest, Posture, Severity, Status, Subject, Verdict};

use super::path::Hop;
use super::view::View;
use super::words::{self, capital, count, list, spelled};

/// Lines of "what is solid".
const SOLID_LINES: usize = 4;
/// Lines of "what is exposed"; more stand behind a link.
pub const EXPOSED_LINES: usize = 6;
/// Lines of "what must change first".
const FIRST_LINES: usize = 3;

/// What to do with the path as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recommendation {
    /// The owners fix what there is beside their other work.
    FixInternally,
    /// A focused sprint on this path, with a rerun as proof.
    RunSprint,
    /// Nothing that matters should rest on this path yet.
    Hold,
}

impl Recommendation {
    /// Every recommendation, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::FixInternally, Self::RunSprint, Self::Hold];

    /// The words as they are written everywhere.
    pub const fn title(self) -> &'static str {
        match self {
            Self::FixInternally => "Fix internally",
            Self::RunSprint => "Run a focused sprint",
            Self::Hold => "Pause or hold",
        }
    }

    /// When it would be the one, for the two that are not.
    pub const fn condition(self) -> &'static str {
        match self {
            Self::FixInternally => "Enough when nothing high is open.",
            Self::RunSprint => "Warranted when a high finding is open.",
            Self::Hold => "Needed if a critical finding appears, or nothing can be observed.",
        }
    }
}

/// The recommendation for a run, by one rule: nothing evaluated or a critical finding open means
/// hold; a high finding open means a sprint; everything else can be fixed internally.
pub fn recommend(assessment: &Assessment) -> Recommendation {
    match assessment.open_findings().map(|finding| finding.severity).max() {
        _ if assessment.coverage.evaluated == 0 => Recommendation::Hold,
        Some(Severity::Critical) => Recommendation::Hold,
        Some(Severity::High) => Recommendation::RunSprint,
        _ => Recommendation::FixInternally,
    }
}

/// One line of "what is solid".
#[derive(Debug, Clone)]
pub struct Solid<'a> {
    /// The sentences of passing controls.
    pub text: String,
    /// What they rest on.
    pub evidence: Option<&'a Digest>,
}

/// The executive summary of one run.
#[derive(Debug, Clone)]
pub struct Summary<'a> {
    /// One sentence.
    pub opinion: String,
    /// Two or three that explain it.
    pub why: Vec<String>,
    /// What to do.
    pub recommendation: Recommendation,
    /// Why that.
    pub because: String,
    /// What holds.
    pub solid: Vec<Solid<'a>>,
    /// Open findings whose sentence is not said yet, worst first.
    pub exposed: Vec<&'a Finding>,
    /// What to begin with.
    pub first: Vec<String>,
}

/// Composes the summary of a run.
pub fn summary<'a>(view: &View<'a>, hops: &[Hop<'_>]) -> Summary<'a> {
    let ranked = view.open();
    let open = spoken(ranked.clone());
    let recommendation = recommend(view.assessment);
    Summary {
        opinion: opinion(view, &open),
        why: why(view, &open, hops),
        recommendation,
        because: because(view, recommendation),
        solid: solid(view),
        exposed: distinct(&ranked, |finding| &finding.says.exposed),
        first: distinct(&ranked, |finding| &finding.says.first)
            .into_iter()
            .take(FIRST_LINES)
            .map(|finding| finding.says.first.clone())
            .collect(),
    }
}

/// Findings in the order in which the opinion speaks of them: worst first, then what was seen in
/// operation before what was read in a file, then by domain, then the record's order.
fn spoken(mut open: Vec<&Finding>) -> Vec<&Finding> {
    open.sort_by_key(|finding| {
        (std::cmp::Reverse(finding.severity), finding.subject.kind() != "endpoint", finding.domain)
    });
    open
}

/// The findings whose text was not said by one before; empty texts are left out.
fn distinct<'a>(findings: &[&'a Finding], text: impl Fn(&Finding) -> &str) -> Vec<&'a Finding> {
    let mut said = BTreeSet::new();
    let new =
        |finding: &&&Finding| !text(finding).is_empty() && said.insert(text(finding).to_owned());
    findings.iter().filter(new).copied().collect()
}

/// The one sentence.
fn opinion(view: &View<'_>, open: &[&Finding]) -> String {
    let assessment = view.assessment;
    if assessment.coverage.evaluated == 0 {
        return "Nothing on this path could be observed.".to_owned();
    }
    let gating: Vec<_> = open.iter().copied().filter(|f| f.severity >= Severity::Medium).collect();
    let clauses = distinct(&gating, |finding| &finding.says.opinion);
    match (clauses.as_slice(), assessment.status) {
        ([], Status::Fail) => {
            format!(
                "{} on this path.",
                capital(&count(open.len(), "finding is open", "findings are open"))
            )
        }
        ([one], _) => format!("{}.", capital(&one.says.opinion)),
        ([one, two, ..], _) => {
            format!("{}, and {}.", capital(&one.says.opinion), two.says.opinion)
        }
        ([], Status::Incomplete) => {
            format!("What was observed holds, but {} could not be observed.", missing(assessment))
        }
        ([], Status::Pass) => held(view, open),
    }
}

/// What keeps a run from being complete: mandatory controls, or domains of which nothing was
/// seen.
fn missing(assessment: &Assessment) -> String {
    if assessment.coverage.mandatory_inconclusive > 0 {
        return mandatory(assessment.coverage.mandatory_inconclusive as usize);
    }
    let dark =
        |domain: &&DomainPosture| domain.coverage.selected > 0 && domain.coverage.evaluated == 0;
    let dark = assessment.domains.iter().filter(dark);
    list(&dark.map(|domain| domain.domain.to_string()).collect::<Vec<_>>())
}

fn mandatory(n: usize) -> String {
    format!("{} mandatory {}", spelled(n), if n == 1 { "control" } else { "controls" })
}

/// The sentence for a path on which nothing of weight is open.
fn held(view: &View<'_>, open: &[&Finding]) -> String {
    let waived = view.waived();
    match (open.len(), waived.len()) {
        (0, 0) => "Every mandatory control on this path was observed and holds.".to_owned(),
        (0, 1) => "The one finding on this path is accepted for a while; no other control fails."
            .to_owned(),
        (0, many) => format!(
            "All {} findings on this path are accepted for a while; no other control fails.",
            spelled(many)
        ),
        (few, _) => format!(
            "Every mandatory control on this path was observed, and {} of low weight {} open.",
            spelled_findings(few),
            if few == 1 { "is" } else { "are" }
        ),
    }
}

fn spelled_findings(n: usize) -> String {
    format!("{} {}", spelled(n), if n == 1 { "finding" } else { "findings" })
}

/// The sentences that explain the one.
fn why(view: &View<'_>, open: &[&Finding], hops: &[Hop<'_>]) -> Vec<String> {
    let coverage = view.assessment.coverage;
    let mut why = Vec::new();
    why.extend(on_the_path(hops));
    let also = distinct(open, |finding| &finding.says.opinion);
    if let [_, _, rest @ ..] = also.as_slice()
        && let Some(third) = rest.first()
    {
        why.push(format!("Besides, {}.", third.says.opinion));
    }
    if !open.is_empty() {
        let owners: BTreeSet<_> =
            open.iter().filter_map(|finding| finding.remediation.owner.as_deref()).collect();
        let by = match owners.len() {
            0 => String::new(),
            n => format!(", with {}", count(n, "owner", "owners")),
        };
        let verb = if open.len() == 1 { "is" } else { "are" };
        why.push(format!(
            "{} {verb} open: {}{by}.",
            capital(&spelled_findings(open.len())),
            words::severities(open.iter().copied()),
        ));
    }
    if coverage.inconclusive > 0 {
        why.push(match (coverage.inconclusive, coverage.mandatory_inconclusive) {
            (1, 0) => "One optional control could not be observed.".to_owned(),
            (1, _) => "One mandatory control could not be observed.".to_owned(),
            (all, mandatory) => format!(
                "{} could not be observed, {}.",
                capital(&control_count(all as usize)),
                not_mandatory(all, mandatory)
            ),
        });
    } else if open.is_empty() && coverage.evaluated > 0 {
        why.push(format!(
            "All {} that apply were observed.",
            count(coverage.selected as usize, "control", "controls")
        ));
    }
    if coverage.evaluated == 0 {
        why.extend(commonest_reason(view));
    }
    why.extend(accepted(view));
    why
}

fn control_count(n: usize) -> String {
    format!("{} {}", spelled(n), if n == 1 { "control" } else { "controls" })
}

/// "neither mandatory", "2 of them mandatory".
pub fn not_mandatory(all: u32, mandatory: u32) -> String {
    match (all, mandatory) {
        (1, 0) => "not mandatory".to_owned(),
        (1, _) => "mandatory".to_owned(),
        (2, 0) => "neither mandatory".to_owned(),
        (_, 0) => "none mandatory".to_owned(),
        (all, some) if all == some => "all of them mandatory".to_owned(),
        (_, some) => format!("{} of them mandatory", words::number(some)),
    }
}

/// The reason that most controls have for their missing verdict.
fn commonest_reason(view: &View<'_>) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in view.unobserved().into_iter().filter_map(|control| control.verdict.reason()) {
        *counts.entry(reason).or_default() += 1;
    }
    let most = counts.into_iter().max_by(|(a, n), (b, m)| n.cmp(m).then_with(|| b.cmp(a)));
    most.map(|(reason, _)| format!("Most often: {reason}"))
}

/// Where on the path it is red, amber, green and dark.
fn on_the_path(hops: &[Hop<'_>]) -> Option<String> {
    let named = |posture| -> Vec<String> {
        let there = hops.iter().filter(|hop| hop.posture == posture && hop.selected > 0);
        there.map(|hop| hop.spoken.clone()).collect()
    };
    let parts: Vec<_> = [Posture::Red, Posture::Amber, Posture::Green]
        .into_iter()
        .filter_map(|posture| {
            let names = named(posture);
            let verb = if names.len() == 1 { "is" } else { "are" };
            (!names.is_empty()).then(|| format!("{} {verb} {posture}", list(&names)))
        })
        .collect();
    (!parts.is_empty()).then(|| format!("{}.", capital(&parts.join("; "))))
}

fn accepted(view: &View<'_>) -> Option<String> {
    let waived = view.waived();
    let first = waived.iter().filter_map(|f| f.waiver.as_ref()).map(|w| w.expires_at).min()?;
    let verb = if waived.len() == 1 { "is" } else { "are" };
    Some(format!(
        "{} {verb} accepted by exception, the first until {}.",
        capital(&spelled_findings(waived.len())),
        words::day(first)
    ))
}

fn because(view: &View<'_>, recommendation: Recommendation) -> String {
    let open = view.open();
    let coverage = view.assessment.coverage;
    match recommendation {
        Recommendation::Hold if coverage.evaluated == 0 => {
            "Nothing was evaluated. Make the path observable, then run the same checks again."
                .to_owned()
        }
        Recommendation::Hold | Recommendation::RunSprint => {
            let worst = open.iter().map(|finding| finding.severity).max();
            let gating = open.iter().filter(|finding| Some(finding.severity) == worst).count();
            let severity = worst.unwrap_or(Severity::High);
            let noun = if gating == 1 { "finding" } else { "findings" };
            let ask = if recommendation == Recommendation::Hold {
                "Let nothing new rest on this path until the rerun passes."
            } else {
                "Fix them on this one path and rerun the same checks as proof."
            };
            format!("{} {severity} {noun} open. {ask}", capital(&spelled(gating)))
        }
        Recommendation::FixInternally if open.is_empty() && coverage.mandatory_inconclusive > 0 => {
            format!(
                "Nothing is open. Make {} observable, then run again.",
                mandatory(coverage.mandatory_inconclusive as usize)
            )
        }
        Recommendation::FixInternally if open.is_empty() && !view.waived().is_empty() => {
            "Nothing is open. What is accepted opens again when its exception ends.".to_owned()
        }
        Recommendation::FixInternally if open.is_empty() => {
            "0 items required. Repeat the run on a schedule, so that it keeps holding.".to_owned()
        }
        Recommendation::FixInternally => {
            format!(
                "{} open, nothing high. Plan them with the owners.",
                capital(&spelled_findings(open.len()))
            )
        }
    }
}

/// What holds: per check and subject the sentences of its passing controls, places without any
/// failing control first, then by the weight of what passes there. What reads the same of several
/// places is one line.
fn solid<'a>(view: &View<'a>) -> Vec<Solid<'a>> {
    let mut places: BTreeMap<(&str, &Subject), (Vec<&'a ControlResult>, bool)> = BTreeMap::new();
    for control in &view.assessment.controls {
        let place = places.entry((control.rule.check().as_str(), &control.subject)).or_default();
        match control.verdict {
            Verdict::Pass => place.0.push(control),
            Verdict::Fail => place.1 = true,
            _ => {}
        }
    }
    let mut places: Vec<_> =
        places.into_iter().filter(|(_, (passing, _))| !passing.is_empty()).collect();
    for (_, (passing, _)) in &mut places {
        passing.sort_by_key(|c| (std::cmp::Reverse(c.mandatory), std::cmp::Reverse(c.severity)));
    }
    places.sort_by_key(|(_, (passing, failing))| (*failing, std::cmp::Reverse(passing.len())));
    let mut lines: Vec<(Solid<'a>, usize)> = Vec::new();
    for (_, (passing, _)) in places {
        let text = line(&passing);
        match lines.iter_mut().find(|(known, _)| known.text == text) {
            Some((_, places)) => *places += 1,
            None => lines.push((Solid { text, evidence: passing[0].evidence.as_ref() }, 1)),
        }
    }
    lines.truncate(SOLID_LINES);
    for (line, places) in lines.iter_mut().filter(|(_, places)| *places > 1) {
        line.text.push_str(&format!(" Seen on {} subjects.", words::number(*places)));
    }
    lines.into_iter().map(|(line, _)| line).collect()
}

/// What some passing controls of one check say, or how many they are.
fn line(passing: &[&ControlResult]) -> String {
    let mut said: Vec<&str> = Vec::new();
    for control in passing {
        if !control.solid.is_empty() && !said.contains(&control.solid.as_str()) && said.len() < 2 {
            said.push(&control.solid);
        }
    }
    if said.is_empty() {
        let held = count(passing.len(), "control holds", "controls hold");
        return format!("{}: {held}.", passing[0].rule.check().title());
    }
    said.join(" ")
}
