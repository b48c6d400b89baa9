//! Pages on wide and narrow screens, light and dark.

use std::path::PathBuf;

use serde_json::Value;
use tests::chromium::{Browser, Page};

use crate::pages;

/// Height from which on a picture is cut, in pixels.
const TALLEST: u64 = 12_000;

/// Texts that hang over the right edge of the column and are in no box that scrolls by itself.
const OVERHANGING: &str = "(() => {
    const main = document.querySelector('main');
    const edge = main.getBoundingClientRect().right - parseFloat(getComputedStyle(main).paddingRight);
    const texts = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
    const hanging = [];
    const range = document.createRange();
    for (let text = texts.nextNode(); text; text = texts.nextNode()) {
        range.selectNodeContents(text);
        if (range.getBoundingClientRect().right > edge + 0.5 &&
            text.textContent.trim() && !text.parentElement.closest('.scroll, .vh')) {
            hanging.push(text.textContent.slice(0, 200));
        }
    }
    return hanging;
})()";

/// Badges that reach beyond the box that they stand in, where they would lie on what is beside it.
const OVERLAPPING: &str = "[...document.querySelectorAll('.badge')]
    .filter(badge => badge.getBoundingClientRect().right >
        badge.parentElement.getBoundingClientRect().right + 0.5)
    .map(badge => badge.textContent)";

#[test]
fn no_page_scrolls_sideways_on_a_desk_or_in_a_hand() {
    let mut browser = Browser::start();
    for sheet in pages::all() {
        let name = &sheet.name;
        let mut page = browser.open(name, &sheet.html);
        for (width, scheme) in [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")] {
            page.media("screen", scheme);
            picture(&mut page, width, &format!("{name}-{width}-{scheme}"));
        }
        page.evaluate("document.querySelectorAll('details').forEach(folded => folded.open = true)");
        for (width, height) in [(1280, 900), (360, 800)] {
            page.viewport(width, height);
            let wide = page.evaluate("document.documentElement.scrollWidth");
            let wide = wide.as_u64().unwrap();
            assert!(wide <= u64::from(width), "{name}: {wide} pixels in a window of {width}");
            let hanging = page.evaluate(OVERHANGING);
            assert_eq!(hanging, Value::Array(Vec::new()), "{name}, {width} pixels");
            let overlapping = page.evaluate(OVERLAPPING);
            assert_eq!(overlapping, Value::Array(Vec::new()), "{name}, {width} pixels: badges");
        }
    }
}

#[test]
fn light_and_dark_differ_and_a_page_is_never_blank() {
    let mut browser = Browser::start();
    let sheet = pages::named("demo-audit");
    let mut page = browser.open(&sheet.name, &sheet.html);
    page.viewport(1280, 1500);
    let light = page.screenshot();
    page.media("screen", "dark");
    let dark = page.screenshot();
    assert_ne!(light, dark);
    drop(page);
    let blank = browser.open("blank", "<!DOCTYPE html><title>x</title>").screenshot();
    assert!(light.len() > 5 * blank.len(), "{} and {} bytes", light.len(), blank.len());
    save("report", &light);
}

/// The page from top to bottom, if pictures are wanted.
fn picture(page: &mut Page<'_>, width: u32, name: &str) {
    if folder().is_none() {
        return;
    }
    page.viewport(width, 800);
    let height = page.evaluate("document.documentElement.scrollHeight").as_u64().unwrap();
    page.viewport(width, u32::try_from(height.min(TALLEST)).unwrap());
    save(name, &page.screenshot());
}

fn save(name: &str, png: &[u8]) {
    if let Some(folder) = folder() {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), png).unwrap();
    }
}

fn folder() -> Option<PathBuf> {
    std::env::var_os("PLUMBLINE_SCREENSHOTS").map(PathBuf::from)
}
