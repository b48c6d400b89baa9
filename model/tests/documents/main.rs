//! Reading documents from the outside: what is refused, where, and in which words.

mod exceptions;
mod schedules;
mod several;
mod shape;
mod targets;

use model::document::{AuditTarget, Located, Place, Resource, read};

/// The problems of a file, one per line, without the file's name.
fn problems(text: &str) -> String {
    problems_in(text, Place::Outside)
}

fn problems_in(text: &str, place: Place) -> String {
    match read("t.yaml", text, place) {
        Ok(documents) => format!("no problem in {} documents", documents.len()),
        Err(problems) => lines(&problems),
    }
}

fn lines(problems: &[model::document::Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(|problem| problem.to_string()).collect();
    lines.join("\n").replace("t.yaml:", "")
}

/// A target whose `spec` begins in line 5 with the path and goes on with `rest`, indented by two.
fn target(rest: &str) -> String {
    document("AuditTarget", &format!("path: gateway\n{rest}"))
}

/// A schedule of one target whose `spec` goes on in line 7 with `rest`.
fn schedule(rest: &str) -> String {
    document("AuditSchedule", &format!("targetRefs: [{{name: a}}]\nschedule: 0 4 * * *\n{rest}"))
}

fn document(kind: &str, spec: &str) -> String {
    let spec = spec.replace('\n', "\n  ");
    format!(
        "apiVersion: plumbline.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: a}}\nspec:\n  {spec}\n"
    )
}

fn one_target(text: &str) -> Located<AuditTarget> {
    let documents = read("t.yaml", text, Place::Outside).expect("the document is good");
    let [document] = &documents[..] else { panic!("expected one document") };
    match &document.value {
        Resource::AuditTarget(target) => document.with(target.clone()),
        other => panic!("expected a target, found {}", other.kind()),
    }
}
