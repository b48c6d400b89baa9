//! Text from targets in every output: seen, and never obeyed.

use engine::report::{self, Format};

use crate::fixture;
use crate::page::{attribute, shown};

/// Characters that no output may hold: controls but line feeds, and direction marks.
fn assert_plain(name: &str, text: &str) {
    let bad = text.chars().find(|c| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    });
    assert_eq!(bad, None, "{name}");
}

fn outputs() -> Vec<(String, String)> {
    let hostile = fixture::hostile();
    let mut outputs = Vec::new();
    for format in Format::ALL {
        outputs.push((format!("audit {format}"), report::audit(&hostile, format).unwrap()));
    }
    for format in [Format::Html, Format::Md, Format::Json] {
        outputs.push((format!("delta {format}"), report::delta(&hostile, format).unwrap()));
        let alerts = report::alerts(&[fixture::hostile(), fixture::regressed()], format).unwrap();
        outputs.push((format!("alerts {format}"), alerts));
    }
    outputs.push((
        "sarif with file".to_owned(),
        report::audit_sarif(&hostile, &fixture::nasty()).unwrap(),
    ));
    outputs.push(("comment md".to_owned(), report::comment(&hostile).unwrap()));
    outputs
}

#[test]
fn no_output_holds_a_control_or_direction_character() {
    for (name, text) in outputs() {
        assert_plain(&name, &text);
    }
}

#[test]
fn html_holds_no_markup_of_a_target() {
    for (name, page) in outputs().into_iter().filter(|(name, _)| name.ends_with("html")) {
        assert!(!page.contains("<script>"), "{name}");
        assert_eq!(page.matches("</script>").count(), page.matches("<script ").count(), "{name}");
        let page = shown(&page);
        assert!(!page.contains("<img") && !page.contains("onerror=\""), "{name}");
        assert!(page.contains("&lt;script&gt;"), "{name}: the text is there to be seen");
        assert!(page.contains("\\u202e") && page.contains("\\u001b"), "{name}: written out");
        for href in attribute(&page, "href") {
            assert!(href.starts_with('#'), "{name}: a live link `{href}`");
        }
    }
}

#[test]
fn html_cuts_long_text_and_says_so() {
    let page = report::audit(&fixture::hostile(), Format::Html).unwrap();
    let bytes = fixture::nasty().len();
    assert!(page.contains(&format!("(first 160 of {bytes} bytes)")));
}

#[test]
fn markdown_pings_nobody_and_links_nothing() {
    for (name, text) in outputs().into_iter().filter(|(name, _)| name.ends_with("md")) {
        let prose = outside_code(&text).replace("\\]", "");
        for bad in ["@everyone", "#1", "](javascript", "https://", "<script", "<img", "</"] {
            assert!(!prose.contains(bad), "{name}: `{bad}` outside of code");
        }
        for row in tables(&text) {
            let cells = |line: &str| line.replace("\\|", "").matches('|').count();
            let head = cells(row[0]);
            assert!(
                row.iter().all(|line| cells(line) == head),
                "{name}: a table is broken: {row:#?}"
            );
        }
    }
}

/// Markdown without code blocks and code spans.
fn outside_code(text: &str) -> String {
    let mut out = String::new();
    let mut fence: Option<&str> = None;
    for line in text.lines() {
        let ticks = &line[..line.len() - line.trim_start_matches('`').len()];
        match fence {
            Some(open) if line == open => fence = None,
            Some(_) => {}
            None if ticks.len() >= 3 && !line[ticks.len()..].contains('`') => fence = Some(ticks),
            None => {
                out.push_str(&without_spans(line));
                out.push('\n');
            }
        }
    }
    assert_eq!(fence, None, "a block never ends");
    out
}

fn without_spans(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('`') {
        if rest[..at].ends_with('\\') {
            out.push_str(&rest[..=at]);
            rest = &rest[at + 1..];
            continue;
        }
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let run = rest.len() - rest.trim_start_matches('`').len();
        let fence = &rest[..run];
        let mut behind = &rest[run..];
        // A span ends at a run of exactly the same length.
        loop {
            let Some(end) = behind.find(fence) else { return out };
            let length = behind[end..].len() - behind[end..].trim_start_matches('`').len();
            behind = &behind[end + length..];
            if length == run {
                break;
            }
        }
        rest = behind;
    }
    out + rest
}

fn tables(text: &str) -> Vec<Vec<&str>> {
    let mut tables: Vec<Vec<&str>> = vec![Vec::new()];
    for line in text.lines() {
        if line.starts_with('|') {
            tables.last_mut().unwrap().push(line);
        } else if !tables.last().unwrap().is_empty() {
            tables.push(Vec::new());
        }
    }
    tables.retain(|table| !table.is_empty());
    tables
}

#[test]
fn csv_holds_no_formula_and_one_line_per_finding() {
    let hostile = fixture::hostile();
    let text = report::audit(&hostile, Format::Csv).unwrap();
    assert_eq!(text.lines().count(), 5);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    for row in reader.records() {
        let row = row.unwrap();
        assert_eq!(row.len(), 15);
        for cell in &row {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "a formula: {cell}");
        }
    }
}

#[test]
fn a_comment_fits_into_a_comment() {
    for bundle in [fixture::hostile(), fixture::many(2_000, false), fixture::unknown()] {
        assert!(report::comment(&bundle).unwrap().len() < 65_536);
    }
}
