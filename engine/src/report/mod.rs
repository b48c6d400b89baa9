//! Renderings of one computed record; no renderer computes a number of its own.
//!
//! Each function here is pure: a record in, text out, and the same record gives the same bytes.
//! Times come from the record, colours and counts from its assessment. What a renderer does count
//! are the rows that it prints, so that a figure and its rows cannot disagree. Text that came
//! from a target goes through [`text`] in every format.

mod acceptance;
mod alerts;
mod anchor;
mod comparison;
mod csv;
mod group;
mod html;
mod json;
mod markdown;
mod opinion;
mod path;
mod proof;
mod sarif;
pub mod text;
mod view;
mod words;

use std::fmt;
use std::str::FromStr;

use model::RunId;
use model::delta::ControlDelta;
use model::run::{RunBundle, RunState};

pub use opinion::{Recommendation, recommend};
pub use sarif::SCHEMA_URI as SARIF_SCHEMA_URI;

/// A form that a report is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// One self-contained page: no script, nothing fetched.
    Html,
    /// GitHub-flavoured Markdown.
    Md,
    /// The record itself with its evidence: the only form that loses nothing.
    Json,
    /// The backlog, one row per finding (RFC 4180).
    Csv,
    /// SARIF 2.1.0 as code scanning reads it.
    Sarif,
}

impl Format {
    /// Every format, in the order of the documentation.
    pub const ALL: [Self; 5] = [Self::Html, Self::Md, Self::Json, Self::Csv, Self::Sarif];

    /// The word as users type it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Md => "md",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Sarif => "sarif",
        }
    }

    /// The usual end of a file's name, without the dot.
    pub const fn extension(self) -> &'static str {
        self.as_str()
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a format; known formats: html, md, json, csv, sarif")]
pub struct UnknownFormat(pub String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| UnknownFormat(text.chars().take(40).collect()))
    }
}

/// Why there is no report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// The run has not been judged.
    #[error(
        "run {run} has no assessment: its state is `{}`, and only a complete run can be reported; run it again",
        state.as_str()
    )]
    NotAssessed {
        /// The run.
        run: RunId,
        /// Where it stands.
        state: RunState,
    },
    /// The run was not compared with anything.
    #[error(
        "run {run} was compared with no earlier run; name one with `--baseline`, or use `plumb diff`"
    )]
    NoDelta {
        /// The run.
        run: RunId,
    },
    /// This report is not written in this format.
    #[error("the {report} report is written as html, md or json, not as {format}")]
    Unsupported {
        /// `delta` or `alerts`.
        report: &'static str,
        /// What was asked for.
        format: Format,
    },
}

/// The canonical report of one run.
///
/// SARIF results that rest on no file are left out here and named in a notification; use
/// [`audit_sarif`] to point them at the target's document.
///
/// # Errors
/// [`ReportError::NotAssessed`] if the run has not ended with an assessment.
pub fn audit(bundle: &RunBundle, format: Format) -> Result<String, ReportError> {
    let view = view::View::new(bundle)?;
    Ok(text::seal(match format {
        Format::Html => html::audit(&view),
        Format::Md => markdown::audit(&view),
        Format::Json => json::pretty(bundle),
        Format::Csv => csv::backlog(&view),
        Format::Sarif => sarif::audit(&view, None),
    }))
}

/// The canonical report as SARIF, with every finding that rests on no file placed in `artifact`:
/// the target's document, as a path relative to the repository's root.
///
/// # Errors
/// [`ReportError::NotAssessed`] if the run has not ended with an assessment.
pub fn audit_sarif(bundle: &RunBundle, artifact: &str) -> Result<String, ReportError> {
    Ok(text::seal(sarif::audit(&view::View::new(bundle)?, Some(artifact))))
}

/// The short Markdown form of a run, for a comment on a pull request: the call, what changed, and
/// the findings with their evidence; well below the 65,536 characters that GitHub takes.
///
/// # Errors
/// [`ReportError::NotAssessed`] if the run has not ended with an assessment.
pub fn comment(bundle: &RunBundle) -> Result<String, ReportError> {
    Ok(text::seal(markdown::comment(&view::View::new(bundle)?)))
}

/// Both sides of every pointer that changed, in the order of the delta's controls and their changes:
/// before, after, and none where that side has no such item. Of two long lists only what each has
/// alone.
///
/// # Errors
/// [`ReportError::NotAssessed`] and [`ReportError::NoDelta`] where there is nothing to tell.
pub fn changes(bundle: &RunBundle) -> Result<Vec<Vec<[Option<text::Shown>; 2]>>, ReportError> {
    let view = view::View::new(bundle)?;
    let delta = bundle.record.delta.as_ref();
    let delta = delta.ok_or_else(|| ReportError::NoDelta { run: bundle.record.id.clone() })?;
    let of = |control: &ControlDelta| {
        let changes = control.changes.iter();
        changes
            .map(|change| [true, false].map(|b| view.side_of_change(b, control, change)))
            .collect()
    };
    Ok(delta.controls.iter().map(of).collect())
}

/// The comparison of a run with its baseline.
///
/// # Errors
/// [`ReportError::NotAssessed`] and [`ReportError::NoDelta`] where there is nothing to render,
/// [`ReportError::Unsupported`] for `csv` and `sarif`.
pub fn delta(bundle: &RunBundle, format: Format) -> Result<String, ReportError> {
    let view = view::View::new(bundle)?;
    let run = || bundle.record.id.clone();
    let delta = bundle.record.delta.as_ref().ok_or_else(|| ReportError::NoDelta { run: run() })?;
    match format {
        Format::Html => Ok(text::seal(html::delta(&view, delta))),
        Format::Md => Ok(text::seal(markdown::delta(&view, delta))),
        Format::Json => Ok(json::delta(delta)),
        Format::Csv | Format::Sarif => Err(ReportError::Unsupported { report: "delta", format }),
    }
}

/// Critical regressions and expiring certificates of the latest run of each target.
///
/// # Errors
/// [`ReportError::NotAssessed`] if one of the runs has not ended with an assessment,
/// [`ReportError::Unsupported`] for `csv` and `sarif`.
pub fn alerts(bundles: &[RunBundle], format: Format) -> Result<String, ReportError> {
    let views = bundles.iter().map(view::View::new).collect::<Result<Vec<_>, _>>()?;
    match format {
        Format::Html => Ok(text::seal(html::alerts(&views))),
        Format::Md => Ok(text::seal(markdown::alerts(&views))),
        Format::Json => Ok(json::alerts(&views)),
        Format::Csv | Format::Sarif => Err(ReportError::Unsupported { report: "alerts", format }),
    }
}
