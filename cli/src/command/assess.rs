//! `plumb assess`: evidence in, assessment out, offline.

use std::path::PathBuf;

use engine::assess::{Case, assess};
use engine::{contract, plan};
use model::digest::canonical;
use model::evidence::Evidence;
use model::run::RunBundle;
use model::{CheckId, Status};

use crate::args::AssessArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;
use crate::{documents, files};

/// Largest bundle that is read, in bytes.
const MAX_BUNDLE: u64 = 512 * 1024 * 1024;

/// Judges evidence and prints the assessment as canonical JSON: the same evidence, rules, waivers
/// and time give the same bytes.
pub fn run(args: AssessArgs, output: &Output) -> Outcome {
    let rules = files::rules(&args.rules)?;
    if let [only] = args.evidence.as_slice() {
        let bytes = files::read(only, MAX_BUNDLE)?;
        if let Ok(bundle) = serde_json::from_slice::<RunBundle>(&bytes) {
            return again(&bundle, &args, &rules, output);
        }
    }
    if args.files.is_empty() {
        return Err(Failure::usage(
            "evidence alone does not say what it belongs to: pass the target's file with -f, or \
             give a bundle that `plumb report RUN -o json=FILE` wrote",
        ));
    }
    let documents = documents::read_targets(&args.files, output)?;
    let evidence = admit(&args.evidence)?;
    let Some(first) = evidence.first() else {
        return Err(Failure::usage("there is no evidence in the files"));
    };
    let declared = documents.targets.iter().find(|declared| declared.target.key() == first.target);
    let declared = declared.ok_or_else(|| {
        Failure::usage(format!("the evidence is of {}, which no file declares", first.target))
    })?;
    let mut checks: Vec<CheckId> = evidence.iter().map(|document| document.check).collect();
    checks.sort();
    checks.dedup();
    let plan = plan::plan(&declared.target, Some(&checks), &rules)
        .map_err(|error| Failure::usage(format!("{}: {error}", declared.file)))?;
    let at = args.at.or_else(|| evidence.iter().map(|document| document.started_at).max());
    let at = at.ok_or_else(|| Failure::usage("there is no evidence in the files"))?;
    documents::in_force(&documents.exceptions, at)?;
    let case = Case {
        target: &declared.target,
        file: Some(&declared.file),
        plan: &plan,
        evidence: &evidence,
    };
    print(&assess(&case, &rules, &documents.exceptions, at), output)
}

/// Judges the evidence of a stored run, under its own exceptions or under others.
fn again(
    bundle: &RunBundle,
    args: &AssessArgs,
    rules: &engine::rule::RuleSet,
    output: &Output,
) -> Outcome {
    let record = &bundle.record;
    let others = documents::read(&args.files, output)?.exceptions;
    let exceptions = if args.files.is_empty() { &bundle.exceptions } else { &others };
    for evidence in &bundle.evidence {
        let json = serde_json::to_value(evidence)
            .map_err(|error| Failure::integrity(error.to_string()))?;
        contract::admit_value(&json).map_err(|rejection| {
            Failure::integrity(format!("{} of {}: {rejection}", evidence.check, evidence.subject))
        })?;
    }
    let judged = record.assessment.as_ref().map(|assessment| assessment.assessed_at);
    let at = args.at.or(judged).unwrap_or(record.started_at);
    let case = Case {
        target: &record.document,
        file: record.file.as_deref(),
        plan: &record.plan,
        evidence: &bundle.evidence,
    };
    print(&assess(&case, rules, exceptions, at), output)
}

fn print(assessment: &model::assessment::Assessment, output: &Output) -> Outcome {
    let mut bytes = canonical(assessment);
    bytes.push(b'\n');
    output.data(&bytes)?;
    Ok(match assessment.status {
        Status::Pass => Exit::Passed,
        Status::Fail => Exit::Failed,
        Status::Incomplete => Exit::Incomplete,
    })
}

fn admit(paths: &[PathBuf]) -> Result<Vec<Evidence>, Failure> {
    let limit = u64::try_from(contract::MAX_DOCUMENT).unwrap_or(u64::MAX);
    paths
        .iter()
        .map(|path| {
            let bytes = files::read(path, limit)?;
            contract::admit(&bytes)
                .map_err(|rejection| Failure::usage(format!("{}: {rejection}", path.display())))
        })
        .collect()
}
