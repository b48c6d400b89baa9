//! WCAG as far as axe-core can tell.

use std::path::PathBuf;

use serde_json::Value;
use tests::chromium::Browser;

use crate::pages;

/// The rules that a page breaks badly, each with the first elements that do.
const VIOLATIONS: &str = "
    axe.run(document, { resultTypes: ['violations'] }).then(result => result.violations
        .filter(rule => ['serious', 'critical'].includes(rule.impact))
        .map(rule => ({
            rule: rule.id,
            says: rule.help,
            at: rule.nodes.slice(0, 5).map(node => node.target.join(' ') + ': ' + node.failureSummary),
        })))";

fn axe() -> String {
    let file = std::env::var_os("PLUMBLINE_AXE").map(PathBuf::from).expect(
        "PLUMBLINE_AXE must name the file axe.min.js of axe-core; \
         `cargo xtask test --tier browser` brings it and sets the variable",
    );
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn violations(browser: &mut Browser, scheme: &str, name: &str, html: &str) -> Value {
    let mut page = browser.open(name, html);
    page.media("screen", scheme);
    page.evaluate("document.querySelectorAll('details').forEach(folded => folded.open = true)");
    page.evaluate(&format!("{};undefined", axe()));
    page.evaluate(VIOLATIONS)
}

fn assert_accessible(scheme: &str) {
    let mut browser = Browser::start();
    for sheet in pages::all() {
        let found = violations(&mut browser, scheme, &sheet.name, &sheet.html);
        assert_eq!(found, Value::Array(Vec::new()), "{}, {scheme}: {found:#}", sheet.name);
    }
}

#[test]
fn axe_finds_nothing_serious_in_light() {
    assert_accessible("light");
}

#[test]
fn axe_finds_nothing_serious_in_dark() {
    assert_accessible("dark");
}

#[test]
fn axe_would_find_grey_on_grey() {
    let html = "<!DOCTYPE html><html lang=en><title>x</title><main><h1>x</h1>\
                <p style='color:#999;background:#aaa'>unreadable</p></main>";
    let found = violations(&mut Browser::start(), "light", "grey", html);
    assert_eq!(found[0]["rule"], "color-contrast", "{found:#}");
}
