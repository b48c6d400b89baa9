//! `plumb verify`: proves a run, from the store or from a file that somebody took home.

use std::path::Path;

use engine::integrity::verify;
use engine::report::{self, Format};
use model::run::RunBundle;

use crate::args::{Global, VerifyArgs};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Output, Tone, tame};
use crate::{files, stores};

/// Largest file that is read, in bytes.
const MAX_FILE: u64 = 512 * 1024 * 1024;

/// Checks everything again, and names the first thing that does not hold.
pub async fn run(args: VerifyArgs, global: &Global, output: &Output) -> Outcome {
    let rules = files::rules(&args.rules)?;
    let path = Path::new(&args.subject);
    let mut checks = Vec::new();
    let bundle = if path.is_file() {
        let bytes = files::read(path, MAX_FILE)?;
        if bytes.starts_with(b"<!DOCTYPE html>") {
            let bundle = embedded(path, &bytes)?;
            // A page says nothing that its record does not say: it is the record, rendered.
            let audit = report::audit(&bundle, Format::Html)
                .map_err(|error| Failure::integrity(error.to_string()))?;
            let delta = report::delta(&bundle, Format::Html).ok();
            let same = [Some(audit), delta].iter().flatten().any(|page| page.as_bytes() == bytes);
            checks.push((
                "the page is what its record renders to, byte for byte".to_owned(),
                (!same).then(|| "the page differs from its record".to_owned()),
            ));
            bundle
        } else {
            serde_json::from_slice(&bytes).map_err(|error| {
                Failure::usage(format!(
                    "{}: neither an HTML report nor a JSON bundle: {error}",
                    path.display()
                ))
            })?
        }
    } else {
        let store = stores::open_to_read(global).await?;
        let id = stores::find(&store, &args.subject, args.target.as_deref()).await?;
        store.bundle(&id, true, jiff::Timestamp::now()).await?
    };
    let proven = verify(&bundle, &rules);
    checks.extend(proven.into_iter().map(|check| (check.name, check.broken)));
    let mut first = None;
    for (name, broken) in &checks {
        match broken {
            None => {
                output.line(&format!("{} {}", output.paint("ok    ", Tone::Good), tame(name)))?
            }
            Some(reason) => {
                let word = output.paint("BROKEN", Tone::Bad);
                output.line(&format!("{word} {}: {}", tame(name), tame(reason)))?;
                first = first.or(Some(name));
            }
        }
    }
    match first {
        None => {
            output.line(&format!("{}: {} checks hold", bundle.record.id, checks.len()))?;
            Ok(Exit::Passed)
        }
        Some(name) => Err(Failure::integrity(format!(
            "{} does not hold; first broken: {}",
            tame(&bundle.record.id.0),
            tame(name)
        ))),
    }
}

/// The bundle inside an HTML report.
fn embedded(path: &Path, html: &[u8]) -> Result<RunBundle, Failure> {
    let text = std::str::from_utf8(html)
        .map_err(|_| Failure::integrity("the report is not UTF-8 text"))?;
    let Some(record) = data(text, "plumbline-bundle") else {
        return Err(Failure::usage(no_record(path, text)));
    };
    serde_json::from_str(record).map_err(|error| {
        Failure::integrity(format!("the record in the report is damaged: {error}"))
    })
}

/// Data inside a page, by its id.
fn data<'a>(html: &'a str, id: &str) -> Option<&'a str> {
    let start = format!(r#"<script type="application/json" id="{id}">"#);
    let (_, rest) = html.split_once(&start)?;
    rest.split_once("</script>").map(|(inner, _)| inner)
}

/// Why a page cannot be verified, and what can.
fn no_record(path: &Path, html: &str) -> String {
    let page = path.display();
    let digests = data(html, "plumbline-digests").map(serde_json::from_str::<serde_json::Value>);
    match digests {
        Some(digests) => {
            let run = digests.ok().and_then(|digests| Some(digests["run"].as_str()?.to_owned()));
            let run = run.map_or_else(|| "RUN".to_owned(), |run| tame(&run));
            format!(
                "{page} carries only the digests of its record, because the record is too large \
                 for a page; the page alone proves nothing. Verify the run in its store with \
                 `plumb verify {run}`, or write its record with `plumb report {run} -o \
                 json=bundle.json` and verify that file"
            )
        }
        None => format!(
            "{page} carries no record; an audit or delta report does, and so does the JSON bundle \
             of `plumb report RUN -o json=bundle.json`"
        ),
    }
}
