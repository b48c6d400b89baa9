//! As much of PromQL as it takes to see which series a query reads.

use std::collections::BTreeSet;

/// What the operator measures: name, labels, and whether it is a histogram.
pub const METRICS: &[(&str, &[&str], bool)] = &[
    ("audit_runs_total", &["result"], false),
    ("audit_run_duration_seconds", &[], true),
    ("audit_jobs_active", &[], false),
    ("audit_queue_depth", &[], false),
    ("audit_evidence_age_seconds", &["namespace", "target"], false),
    ("audit_findings", &["severity", "domain"], false),
    ("audit_ingest_rejected_total", &["reason"], false),
    ("audit_certificate_not_after_seconds", &["namespace", "target", "subject"], false),
    ("audit_leader", &[], false),
    ("audit_store_up", &[], false),
    ("audit_slots_skipped_total", &["reason"], false),
    ("audit_slot_delay_seconds", &[], true),
];

/// Labels that Prometheus adds when it scrapes.
const SCRAPE: &[&str] = &["job", "instance", "pod"];

/// Functions, operators and keywords that our queries use.
const WORDS: &[&str] = &[
    "sum",
    "max",
    "min",
    "topk",
    "bottomk",
    "by",
    "or",
    "rate",
    "increase",
    "time",
    "vector",
    "offset",
    "histogram_quantile",
    "min_over_time",
];

/// Checks a query and returns the metrics that it reads; an error says what is wrong with it.
pub fn metrics(query: &str) -> Result<BTreeSet<&'static str>, String> {
    balanced(query)?;
    let mut read = BTreeSet::new();
    let mut labels: BTreeSet<&str> = SCRAPE.iter().copied().collect();
    let names = words(&blank(query, '"', '"'));
    for name in names.iter().filter(|name| name.starts_with("audit_")) {
        let known = METRICS.iter().find(|(metric, _, histogram)| {
            name == metric || (*histogram && *name == format!("{metric}_bucket"))
        });
        let Some((metric, own, histogram)) = known else {
            return Err(format!("`{name}` is no metric of the operator: {query}"));
        };
        if *histogram && !name.ends_with("_bucket") {
            return Err(format!("`{name}` is a histogram; its series end in `_bucket`: {query}"));
        }
        labels.extend(own.iter());
        if *histogram {
            labels.insert("le");
        }
        read.insert(*metric);
    }
    if read.is_empty() {
        return Err(format!("no metric is read: {query}"));
    }
    for label in grouped(query).into_iter().chain(matched(query)) {
        if !labels.contains(label.as_str()) {
            return Err(format!("no metric of this query has the label `{label}`: {query}"));
        }
    }
    let outside = blank(&blank(&blank(query, '"', '"'), '{', '}'), '[', ']');
    for word in words(&outside) {
        let number = word.starts_with(|c: char| c.is_ascii_digit());
        if !number
            && !word.starts_with("audit_")
            && !labels.contains(word.as_str())
            && !WORDS.contains(&word.as_str())
        {
            return Err(format!("`{word}` is no function that is known here: {query}"));
        }
    }
    Ok(read)
}

/// The labels of every `by (...)`.
pub fn grouped(query: &str) -> Vec<String> {
    query
        .split("by (")
        .skip(1)
        .flat_map(|rest| words(rest.split(')').next().unwrap_or("")))
        .collect()
}

/// The labels that `{...}` matches on.
fn matched(query: &str) -> Vec<String> {
    let groups = query.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let matchers = groups.flat_map(|group| words(&blank(group, '"', '"')));
    matchers.collect()
}

fn balanced(query: &str) -> Result<(), String> {
    let mut open = Vec::new();
    for c in blank(query, '"', '"').chars() {
        match c {
            '(' | '{' | '[' => open.push(c),
            ')' | '}' | ']' => {
                let pair = matches!(
                    (open.pop(), c),
                    (Some('('), ')') | (Some('{'), '}') | (Some('['), ']')
                );
                if !pair {
                    return Err(format!("brackets do not match: {query}"));
                }
            }
            _ => {}
        }
    }
    if open.is_empty() { Ok(()) } else { Err(format!("brackets do not match: {query}")) }
}

/// The text with everything between two marks taken out.
fn blank(text: &str, open: char, close: char) -> String {
    let mut inside = false;
    let mut kept = String::new();
    for c in text.chars() {
        match inside {
            true if c == close => inside = false,
            true => continue,
            false if c == open => inside = true,
            false => {}
        }
        kept.push(c);
    }
    kept
}

fn words(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

#[test]
fn a_query_that_reads_something_else_is_noticed() {
    let good = r#"sum by (reason) (increase(audit_ingest_rejected_total{job="x"}[15m])) > 5"#;
    assert_eq!(metrics(good), Ok(BTreeSet::from(["audit_ingest_rejected_total"])));
    for (query, wrong) in [
        ("sum(audit_nothing)", "no metric of the operator"),
        ("rate(audit_slot_delay_seconds[5m])", "end in `_bucket`"),
        ("sum by (team) (audit_leader)", "label `team`"),
        (r#"audit_findings{result="a"}"#, "label `result`"),
        ("sum(audit_leader", "brackets"),
        ("summ(audit_leader)", "no function"),
        ("up", "no metric is read"),
    ] {
        assert!(metrics(query).is_err_and(|error| error.contains(wrong)), "{query}");
    }
}
