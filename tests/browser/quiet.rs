//! Pages that fetch nothing, say nothing and need no script.

use serde_json::json;
use tests::chromium::Browser;

use crate::pages;

#[test]
fn a_page_asks_the_network_for_nothing_and_the_console_stays_empty() {
    let mut browser = Browser::start();
    for sheet in pages::all() {
        let mut page = browser.open(&sheet.name, &sheet.html);
        page.evaluate("document.fonts.ready.then(() => true)");
        assert_eq!(page.requests(), [""; 0], "{}", sheet.name);
        assert_eq!(page.console(), [""; 0], "{}", sheet.name);
    }
}

#[test]
fn requests_and_console_messages_would_be_seen() {
    let html = "<img src='missing.png'><script>console.log('here'); alert('there')</script>";
    let mut browser = Browser::start();
    let page = browser.open("loud", html);
    assert_eq!(page.requests().len(), 1);
    assert!(page.console().iter().any(|entry| entry.contains("here")));
    assert_eq!(page.dialogs(), ["there"]);
    drop(page);
    let page = browser.open_without_script("loud", html);
    assert_eq!(page.dialogs(), [""; 0]);
}

#[test]
fn a_page_reads_the_same_without_script() {
    const TEXT: &str = "document.body.innerText";
    let mut browser = Browser::start();
    for sheet in pages::all() {
        let with = browser.open(&sheet.name, &sheet.html).evaluate(TEXT);
        let without = browser.open_without_script(&sheet.name, &sheet.html).evaluate(TEXT);
        assert_ne!(with, json!(""), "{}", sheet.name);
        assert_eq!(with, without, "{}", sheet.name);
    }
}
