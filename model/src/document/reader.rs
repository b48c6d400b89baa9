//! Reading files of documents: everything that is wrong in them is reported in one go.

use std::collections::HashMap;

use super::deserialize::typed;
use super::location::{Field, Located, Position};
use super::problem::{Problem, quote};
use super::tree::{self, Content, MAX_PROBLEMS, Node};
use super::validate::validate;
use super::{API_VERSION, KINDS, Place, Resource, suggest, text};

/// Reads the documents of one file. `name` stands in front of every problem.
///
/// # Errors
/// Everything that is wrong, in the order of the file: at least one problem per document that
/// cannot be used. A file of which any part is wrong gives no documents at all.
pub fn read(name: &str, text: &str, place: Place) -> Result<Vec<Located<Resource>>, Vec<Problem>> {
    read_files(&[(name, text.as_bytes())], place)
}

/// Reads the documents of several files, given as name and content. No two documents of one kind
/// may have the same name, wherever they stand.
///
/// # Errors
/// Everything that is wrong, in the order of the files; see [`read`].
pub fn read_files(
    files: &[(&str, &[u8])],
    place: Place,
) -> Result<Vec<Located<Resource>>, Vec<Problem>> {
    let mut documents = Vec::new();
    let mut problems = Vec::new();
    for (name, bytes) in files {
        let mut found = Vec::new();
        match text::decode(name, bytes) {
            Ok(text) => documents.extend(file(name, text, place, &mut found)),
            Err(problem) => found.push(problem),
        }
        found.sort_by_key(|problem| (problem.line, problem.column));
        found.dedup();
        if found.len() > MAX_PROBLEMS {
            found.truncate(MAX_PROBLEMS);
            let last = found
                .last()
                .map_or(Position::START, |p| Position { line: p.line, column: p.column });
            let message = "more problems follow; they are listed once these are solved";
            found.push(Problem::new(name, last, &Field::default(), message));
        }
        problems.append(&mut found);
    }
    problems.extend(namesakes(&documents));
    if problems.is_empty() { Ok(documents) } else { Err(problems) }
}

fn file(
    name: &str,
    text: &str,
    place: Place,
    problems: &mut Vec<Problem>,
) -> Vec<Located<Resource>> {
    let roots = tree::documents(name, text, problems);
    if roots.is_empty() && problems.is_empty() {
        let message = format!(
            "expected at least one document of {API_VERSION}, found none; the file is empty or \
             holds only comments"
        );
        problems.push(Problem::new(name, Position::START, &Field::default(), message));
    }
    let mut documents = Vec::new();
    for mut root in roots {
        if problems.len() > MAX_PROBLEMS {
            break;
        }
        let Some(resource) = resource(name, &mut root, problems) else { continue };
        let document = Located::new(resource, name, root);
        let faults = validate(&document.value, place);
        problems.extend(faults.into_iter().map(|fault| document.problem(fault)));
        documents.push(document);
    }
    documents
}

fn resource(file: &str, root: &mut Node, problems: &mut Vec<Problem>) -> Option<Resource> {
    let kind = match kind(file, root) {
        Ok(kind) => kind,
        Err(problem) => {
            problems.push(problem);
            return None;
        }
    };
    if let Content::Map(entries) = &mut root.content {
        entries.retain(|entry| entry.key != "kind");
    }
    match kind {
        Kind::Target => typed(file, root, problems).map(Resource::AuditTarget),
        Kind::Schedule => typed(file, root, problems).map(Resource::AuditSchedule),
        Kind::Exception => typed(file, root, problems).map(Resource::AuditException),
    }
}

enum Kind {
    Target,
    Schedule,
    Exception,
}

/// Which of our kinds a document is. What stands beside our documents in a file is not skipped:
/// a document that was meant to be read and is not would be an audit that silently never happens.
fn kind(file: &str, root: &Node) -> Result<Kind, Problem> {
    let none = Field::default();
    if !matches!(root.content, Content::Map(_)) {
        let message = format!("expected a mapping with apiVersion {API_VERSION} and a kind");
        return Err(Problem::new(file, root.at, &none, message));
    }
    let field = |name: &str| {
        let entry = root.entry(name);
        match entry.map(|entry| (&entry.value.content, entry.value.at)) {
            Some((Content::Plain(text) | Content::Quoted(text), at)) => Ok((text.as_str(), at)),
            Some((_, at)) => {
                let message = "expected text, found a list or a mapping";
                Err(Problem::new(file, at, &Field::of(name), message))
            }
            None => {
                let message = format!(
                    "this field is required and missing; every document begins with apiVersion \
                     {API_VERSION} and a kind"
                );
                Err(Problem::new(file, root.at, &Field::of(name), message))
            }
        }
    };
    let (version, version_at) = field("apiVersion")?;
    let (kind, kind_at) = field("kind")?;
    let known = match kind {
        "AuditTarget" => Some(Kind::Target),
        "AuditSchedule" => Some(Kind::Schedule),
        "AuditException" => Some(Kind::Exception),
        _ => None,
    };
    let group = version.split('/').next().unwrap_or_default();
    let ours = known.is_some() || group == GROUP;
    if !ours {
        let advice = suggest::clause(kind, KINDS);
        let message = format!(
            "a {} of {} is no Plumbline document; keep it in another file{advice}",
            quote(kind),
            quote(version)
        );
        return Err(Problem::new(file, root.at, &none, message));
    }
    if version != API_VERSION {
        let message = format!("expected {API_VERSION}, found {}", quote(version));
        return Err(Problem::new(file, version_at, &Field::of("apiVersion"), message));
    }
    known.ok_or_else(|| {
        let message = if kind == "AuditRun" {
            "an AuditRun is created by the operator and not read from files; write an \
             AuditSchedule, or use `plumb run` for a run of your own"
                .to_owned()
        } else {
            let advice = suggest::clause(kind, KINDS);
            format!("expected {}, found {}{advice}", suggest::list(&KINDS, "or"), quote(kind))
        };
        Problem::new(file, kind_at, &Field::of("kind"), message)
    })
}

/// The group in front of [`API_VERSION`].
const GROUP: &str = "plumbline.dev";

/// Documents of one kind that have the same name. Findings are told apart by it.
fn namesakes(documents: &[Located<Resource>]) -> Vec<Problem> {
    let mut first = HashMap::new();
    let mut problems = Vec::new();
    for document in documents {
        let resource = &document.value;
        let name = &resource.metadata().name;
        match first.get(&(resource.kind(), name)) {
            None => {
                first.insert((resource.kind(), name), document);
            }
            Some(other) => {
                let field = Field::of("metadata").key("name");
                let message = format!(
                    "a second {} named {}; the first stands at {}:{}; give each its own name",
                    resource.kind(),
                    quote(name),
                    other.file,
                    other.at().line
                );
                let at = document.locate(&field);
                problems.push(Problem::new(&document.file, at, &field, message));
            }
        }
    }
    problems
}
