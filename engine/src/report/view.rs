//! A run as the renderers look at it: the record, with indices over it and nothing new in it.

use std::collections::BTreeMap;

use model::assessment::{Assessment, ControlResult, Finding};
use model::delta::{ControlDelta, ControlSide, Delta, DeltaClass, PointerChange};
use model::evidence::{Evidence, Item};
use model::run::{RunBundle, RunRecord};
use model::{CheckId, Digest, IssueKey, Severity, Subject, Verdict};
use serde_json::Value;

use super::ReportError;
use super::anchor::Anchors;
use super::group::{Group, group};
use super::text::{self, Shown};

/// One assessed run.
#[derive(Debug)]
pub struct View<'a> {
    /// Everything.
    pub bundle: &'a RunBundle,
    /// The record.
    pub record: &'a RunRecord,
    /// The judgement in it.
    pub assessment: &'a Assessment,
    /// Evidence bodies of this run and of its baseline, by address.
    evidence: BTreeMap<Digest, &'a Evidence>,
    /// Addresses of the bodies of this run.
    own: Vec<Digest>,
    classes: BTreeMap<(&'a IssueKey, &'a Subject), DeltaClass>,
    failing: BTreeMap<(&'a IssueKey, &'a Subject), &'a Finding>,
    baseline: Option<Box<View<'a>>>,
    findings: Anchors,
    backlog: Anchors,
    controls: Anchors,
}

/// How the controls of one check ended.
#[derive(Debug, Clone)]
pub struct CheckRow<'a> {
    /// The check.
    pub check: CheckId,
    /// Controls that apply.
    pub selected: usize,
    /// Of those, passing.
    pub pass: usize,
    /// Of those, failing, waived or not.
    pub fail: usize,
    /// Of those, without a conclusive verdict.
    pub inconclusive: usize,
    /// Addresses of the evidence.
    pub evidence: Vec<&'a Digest>,
    /// Why the check asked nothing, where the target has no inputs for it.
    pub skipped: Option<&'a str>,
}

impl<'a> View<'a> {
    /// A view of a run that has ended.
    ///
    /// # Errors
    /// [`ReportError::NotAssessed`] if it has not.
    pub fn new(bundle: &'a RunBundle) -> Result<Self, ReportError> {
        let record = &bundle.record;
        let assessment = record.assessment.as_ref().ok_or_else(|| ReportError::NotAssessed {
            run: record.id.clone(),
            state: record.state,
        })?;
        let own: Vec<_> = bundle.evidence.iter().map(Evidence::digest).collect();
        let earlier = bundle.baseline.iter().flat_map(|baseline| &baseline.evidence);
        let evidence = std::iter::zip(own.iter().cloned(), &bundle.evidence)
            .chain(earlier.map(|body| (body.digest(), body)))
            .collect();
        let deltas = record.delta.iter().flat_map(|delta| &delta.controls);
        let keys = || assessment.findings.iter().map(|finding| finding.key.as_str());
        Ok(Self {
            bundle,
            record,
            assessment,
            evidence,
            own,
            classes: deltas.map(|c| ((&c.rule, &c.subject), c.class)).collect(),
            failing: assessment.findings.iter().map(|f| ((&f.key, &f.subject), f)).collect(),
            baseline: bundle
                .baseline
                .as_deref()
                .and_then(|baseline| View::new(baseline).ok())
                .map(Box::new),
            findings: Anchors::new("f", keys()),
            backlog: Anchors::new("b", keys()),
            controls: Anchors::new("c", assessment.controls.iter().map(|c| c.rule.as_str())),
        })
    }

    /// The body behind an address, if the bundle holds it.
    pub fn body(&self, digest: &Digest) -> Option<&'a Evidence> {
        self.evidence.get(digest).copied()
    }

    /// One side of a changed pointer as a reader sees it: a list or an object from its document, where
    /// the bundle holds that, and everything else as the comparison kept it. Of a long list only what
    /// the document of the other side does not have. None if it is absent.
    pub fn changed(
        &self,
        document: Option<&Digest>,
        other: Option<&Digest>,
        pointer: &str,
        kept: Option<&str>,
    ) -> Option<Shown> {
        let kept = kept?;
        let value = |document: Option<&Digest>| {
            let body = document.and_then(|digest| self.body(digest));
            body.and_then(|body| body.item(pointer)).and_then(Item::value)
        };
        match (value(document), value(other)) {
            (Some(here @ Value::Array(list)), Some(Value::Array(other))) => {
                text::only_here(list, other).or_else(|| Some(text::brief(here)))
            }
            (Some(value @ (Value::Array(_) | Value::Object(_))), _) => Some(text::brief(value)),
            _ => Some(text::hostile(kept)),
        }
    }

    /// The same, of a control that was compared.
    pub fn side_of_change(
        &self,
        before: bool,
        control: &ControlDelta,
        change: &PointerChange,
    ) -> Option<Shown> {
        let evidence =
            |side: &'_ Option<ControlSide>| side.as_ref().and_then(|s| s.evidence.clone());
        let (earlier, later) = (evidence(&control.before), evidence(&control.after));
        if before {
            let kept = change.before.as_deref();
            self.changed(earlier.as_ref(), later.as_ref(), &change.pointer, kept)
        } else {
            let kept = change.after.as_deref();
            self.changed(later.as_ref(), earlier.as_ref(), &change.pointer, kept)
        }
    }

    /// Every address that the record names, its baseline's included; sorted, each once.
    pub fn cited(&self) -> Vec<Digest> {
        let own = self.record.evidence.iter().map(|evidence| &evidence.digest);
        let controls = self.assessment.controls.iter().filter_map(|c| c.evidence.as_ref());
        let findings = self.assessment.findings.iter().map(|finding| &finding.evidence);
        let deltas = self.record.delta.iter().flat_map(|delta| &delta.controls).flat_map(|c| {
            let sides = [&c.before, &c.after];
            sides.into_iter().flatten().filter_map(|side| side.evidence.as_ref())
        });
        let mut cited: Vec<_> =
            own.chain(controls).chain(findings).chain(deltas).cloned().collect();
        cited.extend(self.evidence.keys().cloned());
        cited.sort();
        cited.dedup();
        cited
    }

    /// Addresses of this run's own evidence and of what its judgement rests on.
    pub fn cited_by_run(&self) -> Vec<Digest> {
        let own = self.record.evidence.iter().map(|evidence| &evidence.digest);
        let controls = self.assessment.controls.iter().filter_map(|c| c.evidence.as_ref());
        let findings = self.assessment.findings.iter().map(|finding| &finding.evidence);
        let mut cited: Vec<_> =
            own.chain(controls).chain(findings).chain(&self.own).cloned().collect();
        cited.sort();
        cited.dedup();
        cited
    }

    /// Findings that nobody has accepted, worst first.
    pub fn open(&self) -> Vec<&'a Finding> {
        self.assessment.open_findings().collect()
    }

    /// Findings that an exception covers, worst first.
    pub fn waived(&self) -> Vec<&'a Finding> {
        self.assessment.findings.iter().filter(|finding| !finding.is_open()).collect()
    }

    /// Open findings as the cards and backlog rows that they become.
    pub fn open_groups(&self) -> Vec<Group<'a>> {
        group(self.assessment.open_findings())
    }

    /// Id of a finding's card.
    pub fn finding_id(&self, finding: &Finding) -> String {
        self.findings.of(finding.key.as_str(), &finding.subject.0)
    }

    /// Id of a finding's backlog row.
    pub fn backlog_id(&self, finding: &Finding) -> String {
        self.backlog.of(finding.key.as_str(), &finding.subject.0)
    }

    /// Id of a control that did not fail.
    pub fn control_id(&self, control: &ControlResult) -> String {
        self.controls.of(control.rule.as_str(), &control.subject.0)
    }

    /// The finding of a control, if it fails.
    pub fn finding_of(&self, rule: &IssueKey, subject: &Subject) -> Option<&'a Finding> {
        self.failing.get(&(rule, subject)).copied()
    }

    /// How a finding's control compares with the baseline, where there is one.
    pub fn class_of(&self, finding: &Finding) -> Option<DeltaClass> {
        self.classes.get(&(&finding.key, &finding.subject)).copied()
    }

    /// Controls with this verdict word, in the order of the record.
    pub fn controls_that(&self, verdict: impl Fn(&Verdict) -> bool) -> Vec<&'a ControlResult> {
        self.assessment.controls.iter().filter(|control| verdict(&control.verdict)).collect()
    }

    /// Controls that apply and have no conclusive verdict: mandatory first, then worst first.
    pub fn unobserved(&self) -> Vec<&'a ControlResult> {
        let mut controls = self.controls_that(|verdict| {
            matches!(verdict, Verdict::Inconclusive { .. } | Verdict::NotRun { .. })
        });
        controls.sort_by_key(|c| (!c.mandatory, std::cmp::Reverse(c.severity)));
        controls
    }

    /// One row per selected check.
    pub fn checks(&self) -> Vec<CheckRow<'a>> {
        CheckId::ALL.into_iter().filter_map(|check| self.check(check)).collect()
    }

    fn check(&self, check: CheckId) -> Option<CheckRow<'a>> {
        let skipped = self.record.plan.skipped.iter().find(|skipped| skipped.check == check);
        let mut row = CheckRow {
            check,
            selected: 0,
            pass: 0,
            fail: 0,
            inconclusive: 0,
            evidence: self.evidence_of(check),
            skipped: skipped.map(|skipped| skipped.reason.as_str()),
        };
        let mut known = self.record.checks.contains(&check) || skipped.is_some();
        for control in self.assessment.controls.iter().filter(|c| c.rule.check() == check) {
            known = true;
            match control.verdict {
                Verdict::Pass => row.pass += 1,
                Verdict::Fail => row.fail += 1,
                Verdict::Inconclusive { .. } | Verdict::NotRun { .. } => row.inconclusive += 1,
                Verdict::NotApplicable { .. } => {}
            }
        }
        row.selected = row.pass + row.fail + row.inconclusive;
        known.then_some(row)
    }

    fn evidence_of(&self, check: CheckId) -> Vec<&'a Digest> {
        let of_check = self.record.evidence.iter().filter(|evidence| evidence.check == check);
        of_check.map(|evidence| &evidence.digest).collect()
    }

    /// The earlier run, where the bundle holds it and it was assessed.
    pub fn baseline(&self) -> Option<&View<'a>> {
        self.baseline.as_deref()
    }

    /// The file that commands of this run name: the one that the document came from, else the
    /// target's name with `.yaml`.
    pub fn file(&self) -> String {
        self.record.file.clone().unwrap_or_else(|| format!("{}.yaml", self.record.target))
    }
}

/// Controls of a delta in one class: worst severity first, then key and subject.
pub fn of_class(delta: &Delta, class: DeltaClass) -> Vec<&model::delta::ControlDelta> {
    let mut controls: Vec<_> = delta.controls.iter().filter(|c| c.class == class).collect();
    controls.sort_by_key(|control| std::cmp::Reverse::<Severity>(control.severity));
    controls
}
