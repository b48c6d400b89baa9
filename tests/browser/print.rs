//! Pages on paper: nothing stays folded.

use serde_json::json;
use tests::chromium::Browser;

use crate::pages;

/// The folded parts: all of them, and those that are not shown.
const FOLDED: &str = "(() => {
    const parts = [...document.querySelectorAll('details')].flatMap(folded =>
        [...folded.children].filter(part => part.localName !== 'summary'));
    const hidden = parts.filter(part => !part.checkVisibility() || part.offsetHeight === 0);
    return [parts.length, hidden.length];
})()";

#[test]
fn what_is_folded_on_the_screen_is_on_paper() {
    let mut browser = Browser::start();
    for sheet in pages::all() {
        let mut page = browser.open(&sheet.name, &sheet.html);
        let screen = page.evaluate(FOLDED);
        page.media("print", "light");
        let paper = page.evaluate(FOLDED);
        assert_eq!(paper, json!([screen[0], 0]), "{}", sheet.name);
        if sheet.name == "before-audit" {
            assert_ne!(screen[1], 0, "nothing is folded, so nothing was tested");
        }
    }
}

#[test]
fn every_evidence_digest_is_on_paper() {
    let mut browser = Browser::start();
    let bundle = crate::fixture::before();
    let sheet = pages::named("before-audit");
    let mut page = browser.open(&sheet.name, &sheet.html);
    page.media("print", "light");
    let text = page.evaluate("document.body.innerText");
    for evidence in &bundle.record.evidence {
        assert!(text.as_str().unwrap().contains(evidence.digest.hex()), "{}", evidence.digest);
    }
}

#[test]
fn a_page_prints_and_what_is_folded_takes_paper() {
    let mut browser = Browser::start();
    let sheet = pages::named("demo-audit");
    let whole = sheets(&browser.open(&sheet.name, &sheet.html).pdf());
    let mut page = browser.open(&sheet.name, &sheet.html);
    page.evaluate(
        "document.querySelectorAll('details > :not(summary)').forEach(part => part.remove())",
    );
    let without = sheets(&page.pdf());
    assert!(without > 0 && whole > without, "{whole} sheets, {without} without what is folded");
}

#[test]
fn every_page_prints() {
    let mut browser = Browser::start();
    for sheet in pages::all() {
        let pdf = browser.open(&sheet.name, &sheet.html).pdf();
        assert!(sheets(&pdf) > 0, "{}: {} bytes", sheet.name, pdf.len());
    }
}

/// Sheets of paper in a PDF document. Its page objects are not compressed.
fn sheets(pdf: &[u8]) -> usize {
    assert!(pdf.starts_with(b"%PDF-"));
    let text = String::from_utf8_lossy(pdf);
    text.matches("/Type /Page\n").count()
}
