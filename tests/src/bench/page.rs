//! The HTML report of a run with 2,000 findings.

use std::time::Instant;

use anyhow::ensure;
use engine::assess::{Case, assess};
use engine::report::{self, Format};
use engine::rule::built_in;
use model::run::{EvidenceRef, RunBundle};
use model::{CheckId, Subject};

use super::rules::reference_run;
use super::{Row, grouped, median};
use crate::chromium::Browser;

/// Copies of the two documents that give two findings each.
const SUBJECTS: usize = 500;
/// Findings of the page.
const FINDINGS: usize = 2_000;
/// Times that the browser opens each page.
const VISITS: usize = 5;

/// Measures.
pub(super) fn measure() -> anyhow::Result<Vec<Row>> {
    let bundle = many_findings(reference_run()?)?;
    let mut times = Vec::new();
    let mut page = String::new();
    for _ in 0..VISITS {
        let clock = Instant::now();
        page = report::audit(&bundle, Format::Html)?;
        times.push(clock.elapsed().as_secs_f64() * 1e3);
    }
    let loading = in_browser(&page);
    Ok(vec![
        Row::aside(
            "HTML of a run with 2,000 findings",
            format!("{} bytes", grouped(page.len() as u64)),
        ),
        Row::aside("time to render it, median of 5", format!("{:.0} ms", median(&times))),
        Row::new(
            "time until Chromium has loaded, laid out and first painted it, median of 5",
            format!("{loading:.0} ms"),
            "< 2 s",
        ),
    ])
}

/// The run with its findings on many subjects in place of one.
fn many_findings(mut bundle: RunBundle) -> anyhow::Result<RunBundle> {
    let record = &mut bundle.record;
    let subject = |subject: &Subject, number| Subject(format!("{subject}-{number:03}"));
    let wanted = [CheckId::IngestAuth, CheckId::GatewayConfigGuardrails];
    record.plan.requests.retain(|request| wanted.contains(&request.check));
    bundle.evidence.retain(|document| wanted.contains(&document.check));
    let (requests, documents) = (record.plan.requests.clone(), bundle.evidence.clone());
    record.plan.requests.clear();
    bundle.evidence.clear();
    for number in 0..SUBJECTS {
        for (request, document) in requests.iter().zip(&documents) {
            let (mut request, mut document) = (request.clone(), document.clone());
            request.subject = subject(&request.subject, number);
            document.subject = request.subject.clone();
            record.plan.requests.push(request);
            bundle.evidence.push(document);
        }
    }
    record.evidence = bundle.evidence.iter().map(EvidenceRef::from).collect();
    let case = Case {
        target: &record.document,
        file: record.file.as_deref(),
        plan: &record.plan,
        evidence: &bundle.evidence,
    };
    let assessment = assess(&case, &built_in(), &[], record.started_at);
    ensure!(assessment.findings.len() == FINDINGS, "{} findings", assessment.findings.len());
    record.assessment = Some(assessment);
    record.integrity = engine::integrity::seal(record, None);
    Ok(bundle)
}

/// Milliseconds from the start of navigation until the page is loaded, laid out whole and first
/// painted, as the browser itself counts them.
fn in_browser(page: &str) -> f64 {
    const READY: &str = "(() => { \
        const load = performance.getEntriesByType('navigation')[0].loadEventEnd; \
        const paint = performance.getEntriesByType('paint').map(entry => entry.startTime); \
        const before = performance.now(); \
        const height = document.documentElement.scrollHeight; \
        return Math.max(load, ...paint) + (performance.now() - before) + 0 * height; })()";
    let mut times: Vec<f64> = Vec::new();
    for _ in 0..VISITS {
        let mut browser = Browser::start();
        let ready = browser.open("page", page).evaluate(READY);
        times.extend(ready.as_f64());
    }
    median(&times)
}
