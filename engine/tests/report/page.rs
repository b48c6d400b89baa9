//! A page as a browser would take it apart: ids, links, counts, policy.

use std::collections::BTreeSet;

use base64::Engine as _;
use engine::report::{self, Format};
use model::run::RunBundle;
use sha2::Digest as _;

use crate::fixture;

/// Every page of every fixture, by name.
pub fn pages() -> Vec<(String, String)> {
    let mut bundles = fixture::named();
    bundles.push(("many", fixture::many(400, false)));
    bundles.push(("distinct", fixture::many(60, true)));
    bundles.push(("fleet", fixture::fleet(60)));
    let mut pages = Vec::new();
    for (name, bundle) in bundles {
        pages.push((format!("{name} audit"), report::audit(&bundle, Format::Html).unwrap()));
        if bundle.record.delta.is_some() {
            pages.push((format!("{name} delta"), report::delta(&bundle, Format::Html).unwrap()));
        }
        pages.push((format!("{name} alerts"), report::alerts(&[bundle], Format::Html).unwrap()));
    }
    pages.push(("no runs".to_owned(), report::alerts(&[], Format::Html).unwrap()));
    pages
}

/// Values of an attribute, in order.
pub fn attribute<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    let values = page.split(&start).skip(1);
    values.filter_map(|rest| rest.split_once('"')).map(|(value, _)| value).collect()
}

/// The page without what is never shown: stylesheet and embedded record.
pub fn shown(page: &str) -> String {
    let (head, rest) = page.split_once("<style>").unwrap();
    let (_, body) = rest.split_once("</style>").unwrap();
    let body = match body.split_once("<script") {
        Some((body, _)) => body,
        None => body,
    };
    format!("{head}{body}")
}

#[test]
fn every_internal_link_leads_to_exactly_one_id() {
    for (name, page) in pages() {
        let ids = attribute(&page, "id");
        let unique: BTreeSet<_> = ids.iter().collect();
        assert_eq!(ids.len(), unique.len(), "{name}: an id comes twice");
        for href in attribute(&page, "href") {
            match href.strip_prefix('#') {
                Some(id) => assert!(unique.contains(&id), "{name}: nothing has the id `{id}`"),
                None => assert!(href.starts_with("https://"), "{name}: `{href}` is no plain link"),
            }
        }
        for id in attribute(&page, "aria-labelledby") {
            assert!(unique.contains(&id), "{name}: nothing is labelled by `{id}`");
        }
    }
}

#[test]
fn the_policy_lets_through_this_stylesheet_and_nothing_else() {
    for (name, page) in pages() {
        let sheet = page.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>"));
        let hash = sha2::Sha256::digest(sheet.unwrap().0.as_bytes());
        let hash = base64::engine::general_purpose::STANDARD.encode(hash);
        let policy = format!("default-src 'none'; img-src data:; style-src 'sha256-{hash}'");
        assert!(page.contains(&format!("content=\"{policy}\"")), "{name}");
        assert_eq!(page.matches("<style").count(), 1, "{name}: one stylesheet");
        assert!(!page.contains(" style=\""), "{name}: an inline style would be blocked");
        for script in page.split("<script").skip(1) {
            assert!(script.starts_with(" type=\"application/json\""), "{name}: a script that runs");
        }
        for loads in [" src=\"", "<link", "<iframe", "<object", "<form", "url("] {
            assert!(!shown(&page).contains(loads), "{name}: `{loads}` would fetch");
        }
    }
}

#[test]
fn a_page_has_one_main_one_h1_and_skips_no_heading_level() {
    for (name, page) in pages() {
        let page = shown(&page);
        assert_eq!(page.matches("<h1").count(), 1, "{name}");
        assert_eq!(page.matches("<main").count(), 1, "{name}");
        let mut level = 0;
        for heading in page.match_indices("<h").filter_map(|(at, _)| page[at + 2..].chars().next())
        {
            let Some(next) = heading.to_digit(10) else { continue };
            assert!(next <= level + 1, "{name}: h{level} is followed by h{next}");
            level = next;
        }
    }
}

#[test]
fn every_table_has_a_caption_and_scoped_heads() {
    for (name, page) in pages() {
        let page = shown(&page);
        assert_eq!(page.matches("<table").count(), page.matches("<caption").count(), "{name}");
        for head in page.match_indices("<th").map(|(at, _)| &page[at..]) {
            if head.starts_with("<thead") {
                continue;
            }
            let tag = head.split_once('>').unwrap().0;
            assert!(tag.contains("scope="), "{name}: `{tag}` has no scope");
        }
    }
}

/// What the figure with this id says.
fn figure(page: &str, name: &str) -> usize {
    let (_, rest) = page.split_once(&format!("id=\"n/{name}\">")).unwrap();
    let text = rest.split_once("</dd>").unwrap().0;
    let number: String = strip(text)
        .chars()
        .skip_while(|c| !c.is_ascii_digit())
        .take_while(|c| c.is_ascii_digit() || *c == ',')
        .collect();
    number.replace(',', "").parse().unwrap()
}

/// Text without tags.
pub fn strip(html: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out
}

fn ids(page: &str, prefix: &str) -> usize {
    attribute(page, "id").into_iter().filter(|id| id.starts_with(prefix)).count()
}

#[test]
fn every_count_of_an_audit_equals_its_rows() {
    for (name, bundle) in [
        ("before", fixture::before()),
        ("after", fixture::after()),
        ("unknown", fixture::unknown()),
        ("waived", fixture::waived()),
        ("incomplete", fixture::incomplete()),
        ("many", fixture::many(400, false)),
        ("distinct", fixture::many(60, true)),
    ] {
        let page = report::audit(&bundle, Format::Html).unwrap();
        let waived =
            bundle.record.assessment.as_ref().unwrap().findings.len() - figure(&page, "findings");
        assert_eq!(figure(&page, "findings") + waived, ids(&page, "f/"), "{name}: findings");
        assert_eq!(figure(&page, "backlog"), ids(&page, "b/"), "{name}: backlog");
        let observed = figure(&page, "coverage");
        let coverage = page.split_once("id=\"coverage\"").unwrap().1;
        let total = strip(
            coverage
                .split_once("<tfoot>")
                .unwrap()
                .1
                .split_once("</tfoot>")
                .unwrap()
                .0
                .replace("</", " </")
                .as_str(),
        );
        let numbers: Vec<usize> =
            total.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        assert_eq!(observed, numbers[1] + numbers[2], "{name}: pass and fail");
        assert_eq!(numbers[0], numbers[1] + numbers[2] + numbers[3], "{name}: selected");
        assert_eq!(
            numbers[1] + numbers[3],
            ids(&page, "c/") - not_applicable(&bundle),
            "{name}: controls"
        );
    }
}

fn not_applicable(bundle: &RunBundle) -> usize {
    bundle.record.assessment.as_ref().unwrap().coverage.not_applicable as usize
}

#[test]
fn every_compared_control_stands_on_the_delta_page_once() {
    for bundle in [fixture::after(), fixture::regressed()] {
        let page = report::delta(&bundle, Format::Html).unwrap();
        let delta = bundle.record.delta.as_ref().unwrap();
        assert_eq!(ids(&page, "d/"), delta.controls.len());
        for class in model::delta::DeltaClass::ALL {
            let name = class.as_str().replace('_', "-");
            assert_eq!(figure(&page, &name), delta.counts.of(class) as usize, "{name}");
        }
    }
}

#[test]
fn every_alert_is_a_row() {
    let page = report::alerts(&[fixture::regressed()], Format::Html).unwrap();
    assert_eq!(figure(&page, "regressions"), 1);
    assert_eq!(figure(&page, "certificates"), ids(&page, "k/"));
    assert_eq!(ids(&page, "k/"), 4);
    assert_eq!(figure(&page, "before-next-run"), 1);
}

#[test]
fn the_embedded_record_is_the_record() {
    for bundle in [fixture::before(), fixture::after(), fixture::hostile()] {
        let page = report::audit(&bundle, Format::Html).unwrap();
        let json = page.split_once("id=\"plumbline-bundle\">").unwrap().1;
        let json = json.split_once("</script>").unwrap().0;
        let read: RunBundle = serde_json::from_str(json).unwrap();
        assert_eq!(read, bundle);
    }
}

#[test]
fn a_large_record_is_embedded_as_digests_only() {
    let mut bundle = fixture::before();
    bundle.record.document.spec.description = Some("a".repeat(3 * 1024 * 1024));
    let page = report::audit(&bundle, Format::Html).unwrap();
    assert!(!page.contains("plumbline-bundle"));
    let (shown, digests) = page.split_once("id=\"plumbline-digests\">").unwrap();
    let foot = shown.split_once("id=\"integrity\"").unwrap().1;
    assert!(foot.contains("larger than 2 MiB: the page alone proves nothing"), "{foot}");
    assert!(!foot.contains("report.html"), "a command that cannot succeed");
    assert!(strip(foot).contains(&format!("plumb verify {}", bundle.record.id)), "{foot}");
    let manifest = bundle.record.integrity.unwrap().manifest;
    assert!(digests.contains(manifest.as_str()));
}

#[test]
fn two_thousand_findings_stay_readable() {
    let page = report::audit(&fixture::many(2_000, false), Format::Html).unwrap();
    let cards = page.matches("<article class=\"finding").count();
    assert_eq!(cards, 20, "one card per rule");
    assert_eq!(ids(&page, "f/"), 2_000);
    let shown = shown(&page).len();
    assert!(shown < 700_000, "{shown} bytes are shown");
    let distinct = report::audit(&fixture::many(2_000, true), Format::Html).unwrap();
    assert_eq!(distinct.matches("<article class=\"finding").count(), 2_000);
    let folded = distinct.matches("<summary><b>Details</b>").count();
    assert_eq!(folded, 2_000, "a card among many shows what was found and folds the rest");
}
