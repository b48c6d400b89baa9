//! Links inside a page.

use serde_json::{Value, json};
use tests::chromium::Browser;

use crate::pages;

const BROKEN: &str = "[...document.querySelectorAll('a[href^=\"#\"]')]
    .map(link => link.getAttribute('href'))
    .filter(href => !document.getElementById(decodeURIComponent(href.slice(1))))";

const TWICE: &str = "[...document.querySelectorAll('[id]')].map(element => element.id)
    .filter((id, at, all) => all.indexOf(id) !== at)";

#[test]
fn every_link_inside_a_page_leads_somewhere_and_every_id_is_one() {
    let mut browser = Browser::start();
    for sheet in pages::all() {
        let mut page = browser.open(&sheet.name, &sheet.html);
        let links = page.evaluate("document.querySelectorAll('a[href^=\"#\"]').length");
        assert!(links.as_u64().unwrap() > 1, "{}: {links} links", sheet.name);
        assert_eq!(page.evaluate(BROKEN), Value::Array(Vec::new()), "{}", sheet.name);
        assert_eq!(page.evaluate(TWICE), Value::Array(Vec::new()), "{}", sheet.name);
    }
}

#[test]
fn a_link_to_a_finding_brings_it_into_view() {
    let mut browser = Browser::start();
    let sheet = pages::named("before-audit");
    let mut page = browser.open(&sheet.name, &sheet.html);
    let seen = page.evaluate(
        "(() => {
            const finding = [...document.querySelectorAll('[id^=\"f/\"]')].at(-1);
            const top = () => Math.round(finding.getBoundingClientRect().top);
            const before = top();
            document.querySelector(`a[href=\"#${CSS.escape(finding.id)}\"], a[href=\"#${finding.id}\"]`).click();
            return [before > innerHeight, top() >= 0 && top() < innerHeight];
        })()",
    );
    assert_eq!(seen, json!([true, true]));
}

#[test]
fn a_link_into_a_folded_part_opens_it() {
    let mut browser = Browser::start();
    let sheet = pages::named("fleet-audit");
    let mut page = browser.open(&sheet.name, &sheet.html);
    for (folded, link) in [
        ("#subjects", r##"a[href="#s/1"]"##),
        ("article.evidence", r##"#coverage a[href^="#e/"]"##),
    ] {
        let seen = page.evaluate(&format!(
            "(() => {{
                const link = [...document.querySelectorAll('{link}')].find(a => a.checkVisibility());
                const id = decodeURIComponent(link.getAttribute('href').slice(1));
                const there = document.getElementById(id);
                const shown = () => there.checkVisibility({{ contentVisibilityAuto: true }});
                const before = shown();
                link.click();
                const top = there.getBoundingClientRect().top;
                return [there.closest('{folded}') !== null, before, shown(), top >= 0 && top < innerHeight];
            }})()"
        ));
        assert_eq!(seen, json!([true, false, true, true]), "{link}");
    }
}
