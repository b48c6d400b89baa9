//! What holds a record together, and the proof that it still does.

use model::Digest;
use model::assessment::{Coverage, PackRef};
use model::key::{RunId, TargetKey};
use model::run::{EvidenceRef, Integrity, RunBundle, RunRecord};
use serde::Serialize;

use crate::assess::{Case, assess};
use crate::contract::admit_value;
use crate::rule::RuleSet;

/// The digests of a record that has its assessment. `previous` is the head of the target's chain:
/// the manifest of its last complete run and the number of runs up to it.
pub fn seal(record: &RunRecord, previous: Option<(Digest, u64)>) -> Option<Integrity> {
    #[derive(Serialize)]
    struct Manifest<'a> {
        run: &'a RunId,
        target: &'a TargetKey,
        evidence: &'a [EvidenceRef],
        packs: &'a [PackRef],
        coverage: Coverage,
        assessment: &'a Digest,
        previous: Option<&'a Digest>,
    }
    let judged = record.assessment.as_ref()?;
    let assessment = Digest::of(judged);
    let (previous, length) = previous.map_or((None, 0), |(head, length)| (Some(head), length));
    let manifest = Digest::of(&Manifest {
        run: &record.id,
        target: &record.target,
        evidence: &record.evidence,
        packs: &judged.packs,
        coverage: judged.coverage,
        assessment: &assessment,
        previous: previous.as_ref(),
    });
    Some(Integrity { manifest, assessment, previous, chain_length: length + 1 })
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked.
    pub name: String,
    /// Why it does not hold; none if it does.
    pub broken: Option<String>,
}

/// Checks a bundle from the ground up: every document against its schema and its two digests, the
/// assessment by judging the evidence again, and the manifest over all of it.
///
/// The assessment is judged again only by the very packs that judged it; with other packs that
/// check says so, because a difference would prove nothing.
pub fn verify(bundle: &RunBundle, rules: &RuleSet) -> Vec<Check> {
    let record = &bundle.record;
    let mut checks = Vec::new();
    let mut check = |name: String, broken: Option<String>| checks.push(Check { name, broken });
    let (named, present) = (record.evidence.len(), bundle.evidence.len());
    let count = (named != present)
        .then(|| format!("the record names {named} documents, {present} are present"));
    check(format!("{named} evidence documents present"), count);
    for (reference, evidence) in record.evidence.iter().zip(&bundle.evidence) {
        let name = format!("{} {}", reference.check, reference.subject);
        let found = EvidenceRef::from(evidence);
        check(
            format!("{name}: body is sha256 {}", reference.digest.short()),
            (found.digest != reference.digest).then(|| format!("the body is {}", found.digest)),
        );
        check(
            format!("{name}: document is sha256 {}", reference.document.short()),
            (found.document != reference.document)
                .then(|| format!("the document is {}", found.document)),
        );
        let admitted = serde_json::to_value(evidence)
            .map_err(|error| error.to_string())
            .and_then(|json| admit_value(&json).map_err(|rejection| rejection.to_string()));
        check(format!("{name}: follows {}", reference.schema), admitted.err());
    }
    let (Some(assessment), Some(integrity)) = (&record.assessment, &record.integrity) else {
        check("the run has ended".to_owned(), Some("it has no assessment".to_owned()));
        return checks;
    };
    let packs: Vec<_> = rules.packs().iter().map(|pack| pack.reference.clone()).collect();
    let again = if packs == assessment.packs {
        let case = Case {
            target: &record.document,
            file: record.file.as_deref(),
            plan: &record.plan,
            evidence: &bundle.evidence,
        };
        let again = assess(&case, rules, &bundle.exceptions, assessment.assessed_at);
        (model::digest::canonical(&again) != model::digest::canonical(assessment))
            .then(|| "judging the evidence again gives another assessment".to_owned())
    } else {
        let names = |packs: &[PackRef]| {
            let each = packs.iter().map(|p| format!("{} {} {}", p.id, p.version, p.digest.short()));
            each.collect::<Vec<_>>().join(", ")
        };
        Some(format!(
            "judged by {}, here are {}; pass the same packs with --rules",
            names(&assessment.packs),
            names(&packs)
        ))
    };
    check("the evidence gives this assessment, byte for byte".to_owned(), again);
    let previous =
        integrity.previous.clone().map(|head| (head, integrity.chain_length.saturating_sub(1)));
    let sealed = seal(record, previous).filter(|sealed| sealed == integrity);
    check(
        format!("manifest is sha256 {}", integrity.manifest.short()),
        sealed.is_none().then(|| "the manifest does not hold this record".to_owned()),
    );
    checks
}
