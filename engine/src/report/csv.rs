//! The backlog as CSV: RFC 4180 quoting, line feeds, one row per finding.

use model::assessment::Finding;

use super::text::{csv_cell, sentence};
use super::view::View;
use super::words::iso;

/// The columns, in their order. Spreadsheets and issue imports rely on the names.
pub const COLUMNS: [&str; 15] = [
    "rank",
    "issue_key",
    "title",
    "severity",
    "domain",
    "target",
    "subject",
    "status",
    "owner",
    "action",
    "acceptance_criteria",
    "verify_command",
    "evidence",
    "finding_id",
    "waived_until",
];

/// Every finding of a run: open ones ranked in order of work, accepted ones behind them.
pub fn backlog(view: &View<'_>) -> String {
    let mut writer = ::csv::WriterBuilder::new()
        .terminator(::csv::Terminator::Any(b'\n'))
        .from_writer(Vec::new());
    let invariant = "writing to memory cannot fail, and every row has every column";
    writer.write_record(COLUMNS).expect(invariant);
    let findings = view.open().into_iter().chain(view.waived());
    for (index, finding) in findings.enumerate() {
        writer.write_record(row(view, index + 1, finding)).expect(invariant);
    }
    let bytes = writer.into_inner().expect(invariant);
    String::from_utf8(bytes).expect("every cell was text")
}

fn row(view: &View<'_>, rank: usize, finding: &Finding) -> [String; COLUMNS.len()] {
    let declared = view.record.document.spec.owner.as_deref();
    let owner = finding.remediation.owner.as_deref().or(declared).unwrap_or_default();
    let waived = finding.waiver.as_ref().map(|waiver| iso(waiver.expires_at));
    [
        rank.to_string(),
        finding.key.to_string(),
        sentence(&finding.title),
        finding.severity.to_string(),
        finding.domain.to_string(),
        view.record.target.to_string(),
        finding.subject.to_string(),
        if finding.is_open() { "open" } else { "waived" }.to_owned(),
        owner.to_owned(),
        sentence(&finding.remediation.action),
        finding.acceptance.iter().map(|c| sentence(c)).collect::<Vec<_>>().join("; "),
        finding.verify.clone(),
        finding.evidence.to_string(),
        finding.id.to_string(),
        waived.unwrap_or_default(),
    ]
    .map(|cell| csv_cell(&cell))
}
