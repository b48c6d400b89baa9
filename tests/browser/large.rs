//! A fleet on its first day.

use tests::chromium::Browser;

use crate::pages::{self, MANY, Sheet};

fn assert_complete(sheet: &Sheet) {
    let mut browser = Browser::start();
    let mut page = browser.open(&sheet.name, &sheet.html);
    let found = page.evaluate("document.querySelectorAll('#findings [id^=\"f/\"]').length");
    assert_eq!(found, MANY, "{}: findings", sheet.name);
    page.media("print", "light");
    let laid_out = page.evaluate(
        "[...document.querySelectorAll('#findings [id^=\"f/\"]')]
            .filter(finding => finding.checkVisibility()).length",
    );
    assert_eq!(laid_out, MANY, "{}: findings on paper", sheet.name);
}

#[test]
fn two_thousand_findings_of_twenty_rules_are_all_there() {
    assert_complete(pages::named("many-audit"));
}

#[test]
fn two_thousand_findings_that_share_nothing_are_all_there() {
    assert_complete(&pages::distinct());
}
