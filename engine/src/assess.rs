//! Evidence and rules in, the whole judgement of a run out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::assessment::{Assessment, ControlResult, Defect, Finding, JudgedRule, StandardRef};
use model::document::{AuditException, AuditTarget};
use model::evidence::Evidence;
use model::request::{CheckRequest, Plan};
use model::{CheckId, Digest, Domain, FindingId, Severity, Subject, Verdict};

use crate::expression::{Params, Scope};
use crate::judge::judge_in;
use crate::profile::Named;
use crate::rule::{Filling, Rule, RuleSet};
use crate::score;
use crate::waiver::Waivers;

/// What is judged.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The target as declared.
    pub target: &'a AuditTarget,
    /// Name of the file that it was declared in, for the commands that findings print.
    pub file: Option<&'a str>,
    /// What was asked.
    pub plan: &'a Plan,
    /// What was collected, admitted by [`crate::contract`].
    pub evidence: &'a [Evidence],
}

/// Judges one run. The same arguments give the same bytes.
pub fn assess(
    case: &Case<'_>,
    rules: &RuleSet,
    exceptions: &[AuditException],
    now: Timestamp,
) -> Assessment {
    let mut evidence = BTreeMap::new();
    for document in case.evidence {
        evidence.entry((document.check, &document.subject)).or_insert(document);
    }
    let mut bench = Bench {
        case,
        evidence,
        waivers: Waivers::new(exceptions, &case.target.metadata.labels, now),
        now,
        controls: Vec::new(),
        findings: Vec::new(),
        defects: Vec::new(),
        judged: BTreeMap::new(),
    };
    for skipped in &case.plan.skipped {
        for rule in rules.of(skipped.check) {
            let verdict = Verdict::NotApplicable { reason: skipped.reason.clone() };
            bench.record(rule, rule.severity, Subject::target(), verdict, None);
        }
    }
    for request in &case.plan.requests {
        bench.judge(request, rules);
    }
    bench.finish(rules)
}

struct Bench<'a> {
    case: &'a Case<'a>,
    /// The first document of each check and subject.
    evidence: BTreeMap<(CheckId, &'a Subject), &'a Evidence>,
    waivers: Waivers<'a>,
    now: Timestamp,
    controls: Vec<ControlResult>,
    findings: Vec<Finding>,
    defects: Vec<Defect>,
    judged: BTreeMap<&'a str, JudgedRule>,
}

impl<'a> Bench<'a> {
    fn judge(&mut self, request: &CheckRequest, rules: &'a RuleSet) {
        let evidence = self.evidence.get(&(request.check, &request.subject)).copied();
        let seen = evidence.map(|evidence| Seen {
            evidence,
            digest: evidence.digest(),
            scope: Scope::under(&evidence.stable, rules.profiles(), self.now),
        });
        for rule in rules.of(request.check) {
            let severity = self.severity(rule);
            let subject = request.subject.clone();
            let Some(seen) = &seen else {
                let reason = "no evidence arrived for this subject".to_owned();
                self.record(rule, severity, subject, Verdict::NotRun { reason }, None);
                continue;
            };
            let own = own_params(rule, request).map(|params| (Params::new(&params), params));
            let (compiled, params) =
                own.as_ref().map_or((&rule.defaults, &rule.params), |(ready, own)| (ready, own));
            let (verdict, error) = judge_in(rule, &seen.evidence.stable, &seen.scope, compiled);
            self.defects.extend(error.map(|error| Defect {
                rule: rule.key.clone(),
                subject: subject.clone(),
                error,
            }));
            let fails = verdict == Verdict::Fail;
            let at = self.record(rule, severity, subject, verdict, Some(seen.digest.clone()));
            if fails {
                let filling = Filling {
                    items: &seen.evidence.stable,
                    scope: &seen.scope,
                    params,
                    compiled,
                    now: self.now,
                };
                self.find(rule, at, &seen.digest, &filling);
            }
        }
    }

    fn severity(&self, rule: &Rule) -> Severity {
        let selections = &self.case.target.spec.checks;
        selections
            .iter()
            .find_map(|selection| selection.severity_overrides.get(&rule.key).copied())
            .unwrap_or(rule.severity)
    }

    fn record(
        &mut self,
        rule: &'a Rule,
        severity: Severity,
        subject: Subject,
        verdict: Verdict,
        evidence: Option<Digest>,
    ) -> usize {
        self.judged.entry(rule.key.as_str()).or_insert_with(|| JudgedRule {
            rule: rule.key.clone(),
            version: rule.version,
            pointers: rule.pointers().to_vec(),
        });
        self.controls.push(ControlResult {
            rule: rule.key.clone(),
            rule_version: rule.version,
            subject,
            title: rule.control.clone(),
            domain: rule.domain,
            severity,
            mandatory: rule.mandatory,
            solid: if verdict == Verdict::Pass { rule.says.solid.clone() } else { String::new() },
            verdict,
            waived_by: None,
            evidence,
        });
        self.controls.len() - 1
    }

    fn find(&mut self, rule: &Rule, control: usize, evidence: &Digest, with: &Filling<'_>) {
        let verify = self.verify(rule);
        let control = &mut self.controls[control];
        let id = FindingId::new(&self.case.target.key(), &rule.key, &control.subject);
        let waiver = self.waivers.cover(&id, &rule.key, &control.subject, evidence);
        control.waived_by = waiver.as_ref().map(|waiver| waiver.name.clone());
        let all = |templates: &[crate::rule::Template]| {
            templates.iter().map(|template| template.fill(with)).collect()
        };
        self.findings.push(Finding {
            id,
            key: rule.key.clone(),
            rule_version: rule.version,
            subject: control.subject.clone(),
            severity: control.severity,
            domain: rule.domain,
            title: rule.title.clone(),
            what: rule.texts.message.say(with),
            why: rule.texts.why.fill(with),
            observed: all(&rule.texts.observed),
            expected: all(&rule.texts.expected),
            evidence: evidence.clone(),
            pointers: rule.evidence.clone(),
            remediation: rule.remediation.clone(),
            acceptance: all(&rule.texts.acceptance),
            verify,
            standards: standards(rule, with.scope.named()),
            references: rule.references.clone(),
            waived_by: control.waived_by.clone(),
            waiver,
            says: rule.says.clone(),
        });
    }

    /// The command that asks the same question again: on a target of the cluster its label, on a
    /// file the command line.
    fn verify(&self, rule: &Rule) -> String {
        let metadata = &self.case.target.metadata;
        if let (Some(namespace), None) = (&metadata.namespace, self.case.file) {
            return format!(
                "kubectl --namespace {namespace} label audittarget {} \
                 plumbline.dev/run-now=verify --overwrite",
                metadata.name
            );
        }
        let default = format!("{}.yaml", self.case.target.key());
        let file = self.case.file.unwrap_or(&default);
        format!("plumb run -f {file} --check {}", rule.key.check())
    }

    fn finish(mut self, rules: &RuleSet) -> Assessment {
        self.controls.sort_by(|a, b| (&a.rule, &a.subject).cmp(&(&b.rule, &b.subject)));
        self.findings.sort_by(|a, b| rank(a).cmp(&rank(b)));
        self.defects.sort();
        let domains: Vec<_> =
            Domain::ALL.into_iter().map(|d| score::domain(d, &self.controls)).collect();
        let posture = score::overall(domains.iter().map(|d| (d.posture, d.coverage)));
        let coverage = score::coverage(&self.controls);
        let points = score::points(&self.controls);
        Assessment {
            target: self.case.target.key(),
            assessed_at: self.now,
            packs: rules.packs().iter().map(|pack| pack.reference.clone()).collect(),
            rules: self.judged.into_values().collect(),
            status: score::status(&self.controls, posture),
            posture,
            risk_score: (coverage.evaluated > 0).then(|| score::risk_score(points)),
            points,
            coverage,
            domains,
            controls: self.controls,
            findings: self.findings,
            exceptions: self.waivers.uses(),
            defects: self.defects,
        }
    }
}

/// The clauses that a finding touches: first those of the profile that was broken.
fn standards(rule: &Rule, named: Named<'_>) -> Vec<StandardRef> {
    let mut clauses = Vec::new();
    if let Named::Held(profile) = named {
        let own = rule.profile.iter().filter_map(|part| profile.clauses(*part)).flatten();
        clauses.extend(own.cloned());
    }
    for clause in &rule.standards {
        if !clauses.contains(clause) {
            clauses.push(clause.clone());
        }
    }
    clauses
}

/// One document on the bench.
struct Seen<'a> {
    evidence: &'a Evidence,
    digest: Digest,
    scope: Scope<'a>,
}

/// The rule's defaults with what the target says over them; none where it says nothing about them.
/// Parameters of other rules of the check stay out.
fn own_params(rule: &Rule, request: &CheckRequest) -> Option<BTreeMap<String, serde_json::Value>> {
    if !rule.params.keys().any(|name| request.params.contains_key(name)) {
        return None;
    }
    let mut params = rule.params.clone();
    for (name, value) in &mut params {
        if let Some(own) = request.params.get(name) {
            *value = own.clone();
        }
    }
    Some(params)
}

/// Open before waived, then worst severity, then key, then subject.
fn rank(finding: &Finding) -> impl Ord + use<'_> {
    (
        !finding.is_open(),
        std::cmp::Reverse(finding.severity),
        finding.key.as_str(),
        finding.subject.0.as_str(),
    )
}
