//! `plumb targets`

use crate::args::{TargetsArgs, TargetsCommand};
use crate::documents;
use crate::exit::{Exit, Failure, Outcome};
use crate::files;
use crate::output::Output;

/// Checks documents.
pub fn run(args: &TargetsArgs, output: &Output) -> Outcome {
    let TargetsCommand::Check { files } = &args.command;
    let documents = documents::read(files, output)?;
    let rules = files::rules(&[])?;
    for declared in &documents.targets {
        let key = declared.target.key();
        let plan = engine::plan::plan(&declared.target, None, &rules)
            .map_err(|error| Failure::usage(format!("{}: {key}: {error}", declared.file)))?;
        let mut checks: Vec<_> = plan.requests.iter().map(|request| request.check).collect();
        checks.dedup();
        let names: Vec<_> = checks.iter().map(|check| check.as_str()).collect();
        output.line(&format!("{}: AuditTarget {key}: {}", declared.file, list(&names)))?;
    }
    for exception in &documents.exceptions {
        output.line(&format!(
            "AuditException {}: {} until {}",
            exception.metadata.name,
            exception
                .spec
                .issue_keys
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", "),
            exception.spec.expires_at
        ))?;
    }
    if documents.schedules > 0 {
        output.line(&format!("{} AuditSchedule", documents.schedules))?;
    }
    Ok(Exit::Passed)
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "no check has its inputs declared".to_owned() } else { names.join(", ") }
}
