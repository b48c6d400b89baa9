//! `-o FORMAT=PATH`: parsed and proven writable before anything is probed.

use std::fs::OpenOptions;
use std::path::{Component, Path, PathBuf};

use engine::report::{self, Format};
use model::run::RunBundle;

use crate::exit::Failure;
use crate::output::Output;

/// One wanted report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The format.
    pub format: Format,
    /// The file; `-` is stdout. `{target}` stands for the target's key.
    pub path: String,
}

/// Parses `FORMAT=PATH` options.
pub fn parse(options: &[String], allowed: &[Format]) -> Result<Vec<Wanted>, Failure> {
    options
        .iter()
        .map(|option| {
            let known = || allowed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let (format, path) = option.split_once('=').ok_or_else(|| {
                Failure::usage(format!(
                    "-o {option}: expected FORMAT=PATH with a format of {}",
                    known()
                ))
            })?;
            let format = format.parse::<Format>().ok().filter(|f| allowed.contains(f));
            let format = format.ok_or_else(|| {
                Failure::usage(format!("-o {option}: the format is one of {}", known()))
            })?;
            if path.is_empty() {
                return Err(Failure::usage(format!("-o {option}: the path is empty")));
            }
            Ok(Wanted { format, path: path.to_owned() })
        })
        .collect()
}

/// The report of one run. `artifact` is the file that findings without a place of their own are
/// put into where the format needs a file.
pub fn render(bundle: &RunBundle, format: Format, artifact: &str) -> Result<String, Failure> {
    let rendered = match format {
        Format::Sarif => report::audit_sarif(bundle, &from_here(artifact)),
        _ => report::audit(bundle, format),
    };
    rendered.map_err(|error| Failure::usage(error.to_string()))
}

/// A path as SARIF names it: from the folder where the command runs, in a pipeline the root of the
/// repository; what lies outside of that folder by its whole path.
fn from_here(path: &str) -> String {
    let below = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    if Path::new(path).components().all(below) {
        return path.to_owned();
    }
    let here = std::env::current_dir().and_then(std::fs::canonicalize);
    match (std::fs::canonicalize(path), here) {
        (Ok(whole), Ok(here)) => whole.strip_prefix(here).unwrap_or(&whole).display().to_string(),
        _ => path.to_owned(),
    }
}

impl Wanted {
    /// Whether the report goes to stdout.
    pub fn is_stdout(&self) -> bool {
        self.path == "-"
    }

    /// The file for one target.
    pub fn file(&self, target: &str) -> PathBuf {
        PathBuf::from(self.path.replace("{target}", target))
    }

    /// Writes the report of one target.
    pub fn write(&self, target: &str, bytes: &[u8], output: &Output) -> Result<(), Failure> {
        if self.is_stdout() {
            return output.data(bytes);
        }
        let file = self.file(target);
        std::fs::write(&file, bytes).map_err(|error| cannot_write(&file, &error))?;
        output.note(&format!("wrote {}", file.display()));
        Ok(())
    }
}

/// Fails unless every report can be written for every target, and none of them over another.
pub fn prove_writable(wanted: &[Wanted], targets: &[impl AsRef<str>]) -> Result<(), Failure> {
    let mut files: Vec<PathBuf> = Vec::new();
    for report in wanted.iter().filter(|report| !report.is_stdout()) {
        for target in targets {
            let file = report.file(target.as_ref());
            if files.contains(&file) {
                return Err(Failure::usage(format!(
                    "{} would be written twice; with several targets put `{{target}}` into the path",
                    file.display()
                )));
            }
            let existed = file.exists();
            // Opened without truncation: what is there stays until the report is ready.
            let opened = OpenOptions::new().write(true).create(true).truncate(false).open(&file);
            opened.map_err(|error| cannot_write(&file, &error))?;
            if !existed {
                std::fs::remove_file(&file).ok();
            }
            files.push(file);
        }
    }
    let to_stdout = wanted.iter().filter(|report| report.is_stdout()).count() * targets.len();
    if to_stdout > 1 {
        return Err(Failure::usage("only one report can go to stdout"));
    }
    Ok(())
}

fn cannot_write(file: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("cannot write {}: {error}", file.display()))
}
