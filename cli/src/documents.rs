//! Documents that people name: read, checked, and told apart.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use model::document::{self, AuditException, AuditTarget, Place, Resource};

use crate::exit::Failure;
use crate::files;
use crate::output::{Output, Tone};

/// Largest document file that is read, in bytes; the reader itself refuses above 4 MiB.
const MAX_FILE: u64 = 8 * 1024 * 1024;

/// Most targets that are named instead of a file that is not there.
const SHOWN: usize = 5;

/// Most entries of a folder, and files in it, that are looked at to find them.
const MAX_ENTRIES: usize = 2_000;
const MAX_LOOKED_INTO: usize = 100;

/// How much of each is looked at, in bytes.
const LOOKED_AT: u64 = 64 * 1024;

/// A target with the place that its relative paths start from.
#[derive(Debug, Clone)]
pub struct Declared {
    /// The target.
    pub target: AuditTarget,
    /// Its file, as it was given.
    pub path: String,
    /// Name of its file, without the folder.
    pub file: String,
    /// Folder of its file.
    pub base: PathBuf,
}

/// What a set of files declares.
#[derive(Debug, Default)]
pub struct Documents {
    /// Targets, in the order of files and documents.
    pub targets: Vec<Declared>,
    /// Exceptions, in the same order.
    pub exceptions: Vec<AuditException>,
    /// How many schedules there are; the command line reads them only to check them.
    pub schedules: usize,
}

/// Reads files of documents. Every problem of every file is shown before the command fails.
pub fn read(paths: &[PathBuf], output: &Output) -> Result<Documents, Failure> {
    let mut documents = Documents::default();
    let mut texts = Vec::new();
    for path in paths {
        let bytes = files::read(path, MAX_FILE).map_err(|failure| instead(path, failure))?;
        texts.push((path.display().to_string(), bytes));
    }
    let inputs: Vec<(&str, &[u8])> =
        texts.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let found = document::read_files(&inputs, Place::Outside).map_err(|problems| {
        for problem in &problems {
            output.problem(&problem.to_string());
            let text = texts.iter().find(|(name, _)| *name == problem.file);
            if let Some(text) = text.and_then(|(_, bytes)| std::str::from_utf8(bytes).ok()) {
                output.problem(problem.snippet(text).trim_end());
            }
        }
        let count = problems.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        Failure::usage(format!("{count} {noun} in {}", names(paths)))
    })?;
    for located in found {
        let path = Path::new(&located.file);
        match located.value {
            Resource::AuditTarget(target) => documents.targets.push(Declared {
                target,
                path: located.file.clone(),
                file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                base: base(path),
            }),
            Resource::AuditException(exception) => documents.exceptions.push(exception),
            Resource::AuditSchedule(_) => documents.schedules += 1,
        }
    }
    Ok(documents)
}

/// The failure with what to name instead, where the path is no file.
fn instead(path: &Path, failure: Failure) -> Failure {
    if path == Path::new("-") || path.is_file() {
        return failure;
    }
    let folder = if path.is_dir() { path.to_owned() } else { base(path) };
    let found = targets_in(&folder);
    let hint = match found.len() {
        0 => "no AuditTarget is declared beside it: docs/first-target.md shows how to write one, and \
              `plumb demo` tells the whole story without one"
            .to_owned(),
        count => {
            let more = if count > SHOWN { format!(" and {} more", count - SHOWN) } else { String::new() };
            format!("targets are declared in {}{more}", names(&found[..count.min(SHOWN)]))
        }
    };
    Failure { message: format!("{}\n  {hint}", failure.message), ..failure }
}

/// Files of a folder that declare a target, by name, as far as a look at the beginning of a hundred
/// of them tells.
fn targets_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().take(MAX_ENTRIES);
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths.retain(|path| {
        let ending = path.extension().and_then(|ending| ending.to_str());
        matches!(ending, Some("yaml" | "yml" | "json")) && is_plain(path) && path.is_file()
    });
    paths.truncate(MAX_LOOKED_INTO);
    paths.retain(|path| {
        let mut start = Vec::new();
        let read =
            std::fs::File::open(path).and_then(|file| file.take(LOOKED_AT).read_to_end(&mut start));
        let text = String::from_utf8_lossy(&start);
        read.is_ok() && text.contains("plumbline.dev/") && text.contains("AuditTarget")
    });
    // As it would be given: without the dot of the folder that one is in.
    paths.iter().map(|path| path.strip_prefix("./").unwrap_or(path).to_owned()).collect()
}

/// Whether a path may be shown as it is: a name in a folder is anybody's text.
fn is_plain(path: &Path) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "-_.+@ /\\:".contains(c);
    path.to_str().is_some_and(|path| path.chars().all(plain))
}

/// The same, for commands that need at least one target.
pub fn read_targets(paths: &[PathBuf], output: &Output) -> Result<Documents, Failure> {
    let documents = read(paths, output)?;
    if documents.targets.is_empty() {
        return Err(Failure::usage(format!(
            "{} declares no AuditTarget; a document with `kind: AuditTarget` says what to audit",
            names(paths)
        )));
    }
    Ok(documents)
}

/// Fails if an exception has a term that no exception may have.
pub fn in_force(exceptions: &[AuditException], now: jiff::Timestamp) -> Result<(), Failure> {
    document::in_force(exceptions, now).map_err(Failure::usage)
}

fn base(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn names(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

impl Output {
    /// A line about something that is wrong in a file.
    fn problem(&self, text: &str) {
        let (head, rest) = text.split_once('\n').unwrap_or((text, ""));
        let head = if rest.is_empty() { head.to_owned() } else { self.paint_err(head, Tone::Dim) };
        self.note_always(&if rest.is_empty() { head } else { format!("{head}\n{rest}") });
    }
}
