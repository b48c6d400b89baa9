//! Text from targets: seen, and never obeyed.

use serde_json::{Value, json};
use tests::chromium::Browser;

use crate::pages;

/// Whatever a page of ours never has.
const ALIVE: &str = "[...document.querySelectorAll('*')]
    .filter(element =>
        element.matches('img, iframe, object, embed, link, form, base, video, audio, input') ||
        element.matches('script:not([type=\"application/json\"])') ||
        element.matches('a[href]:not([href^=\"#\"]):not([href^=\"https://\"])') ||
        [...element.attributes].some(attribute => attribute.name.startsWith('on')))
    .map(element => element.outerHTML.slice(0, 200))";

#[test]
fn hostile_text_is_shown_as_text() {
    let mut browser = Browser::start();
    let hostile = pages::all().iter().filter(|sheet| sheet.name.starts_with("hostile-"));
    let names: Vec<_> = hostile.clone().map(|sheet| sheet.name.as_str()).collect();
    assert_eq!(names, ["hostile-audit", "hostile-alerts", "hostile-delta"]);
    for sheet in hostile {
        let mut page = browser.open(&sheet.name, &sheet.html);
        page.evaluate("document.querySelectorAll('details').forEach(folded => folded.open = true)");
        let text = page.evaluate("document.body.innerText");
        let text = text.as_str().unwrap();
        for shown in ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\\u202e"] {
            assert!(text.contains(shown), "{}: `{shown}` is not to be seen", sheet.name);
        }
        assert_eq!(page.dialogs(), [""; 0], "{}", sheet.name);
        assert_eq!(page.requests(), [""; 0], "{}", sheet.name);
    }
}

#[test]
fn no_page_holds_anything_that_acts() {
    let mut browser = Browser::start();
    for sheet in pages::all() {
        let mut page = browser.open(&sheet.name, &sheet.html);
        assert_eq!(page.evaluate(ALIVE), Value::Array(Vec::new()), "{}", sheet.name);
        let embedded = "document.scripts.length > 0 && [...document.scripts]
            .every(script => JSON.parse(script.text) !== null)";
        assert_eq!(page.evaluate(embedded), json!(true), "{}", sheet.name);
    }
}
