//! Files, and what the runner reads: outputs and the step summary.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use engine::report::{self, Format};
use serde_json::{Value, json};

use crate::audit::Audit;
use crate::failure::Failure;

/// Reports as files.
#[derive(Debug, Default)]
pub struct Written {
    /// The folder.
    pub folder: PathBuf,
    /// Pages.
    pub html: Vec<PathBuf>,
    /// Text.
    pub md: Vec<PathBuf>,
    /// Record and evidence: enough to judge again.
    pub json: Vec<PathBuf>,
    /// SARIF, one run for each target.
    pub sarif: Option<PathBuf>,
    /// What SARIF says of each target.
    pub sarif_runs: Vec<Value>,
}

/// Writes the reports of every target.
pub fn reports(audit: &Audit, folder: &Path, sarif: bool) -> Result<Written, Failure> {
    fs::create_dir_all(folder).map_err(|error| wrong(folder, &error))?;
    let mut written = Written { folder: folder.to_owned(), ..Written::default() };
    for judged in &audit.targets {
        let bundle = &judged.bundle;
        let failed = |error: report::ReportError| Failure::new(error.to_string());
        let name = bundle.record.target.file_name();
        let file = |extension: &str| folder.join(format!("{name}.{extension}"));
        for (format, paths) in [
            (Format::Html, &mut written.html),
            (Format::Md, &mut written.md),
            (Format::Json, &mut written.json),
        ] {
            let path = file(format.extension());
            write(&path, &report::audit(bundle, format).map_err(failed)?)?;
            paths.push(path);
        }
        let text = report::audit_sarif(bundle, &judged.file).map_err(failed)?;
        let log: Value = serde_json::from_str(&text)
            .map_err(|error| Failure::new(format!("SARIF is no JSON: {error}")))?;
        written.sarif_runs.extend(log["runs"].as_array().into_iter().flatten().cloned());
    }
    if sarif {
        let path = folder.join("plumbline.sarif");
        write(&path, &sarif_log(&written.sarif_runs))?;
        written.sarif = Some(path);
    }
    Ok(written)
}

/// A log of these runs.
pub fn sarif_log(runs: &[Value]) -> String {
    let log = json!({ "$schema": report::SARIF_SCHEMA_URI, "version": "2.1.0", "runs": runs });
    format!("{log:#}\n")
}

/// Writes a file.
pub fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| wrong(path, &error))
}

fn wrong(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot write {}: {error}", path.display()))
}

/// Appends outputs to the file that the runner reads; nothing outside a workflow. A value of
/// several lines stands between two lines of a word that it cannot hold.
pub fn outputs(file: Option<&Path>, outputs: &[(&str, String)]) -> Result<(), Failure> {
    let Some(path) = file else { return Ok(()) };
    let mut text = String::new();
    for (name, value) in outputs {
        let word = format!("plumbline-{:032x}", rand::random::<u128>());
        text.push_str(&format!("{name}<<{word}\n{value}\n{word}\n"));
    }
    append(path, &text)
}

/// Appends the summary.
pub fn summary(file: Option<&Path>, text: &str) -> Result<(), Failure> {
    file.map_or(Ok(()), |path| append(path, text))
}

fn append(path: &Path, text: &str) -> Result<(), Failure> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| wrong(path, &error))
}

/// Paths, one per line.
pub fn lines(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join("\n")
}
