//! The one stylesheet, minified, and the hash that lets it through the page's own policy.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// The stylesheet without comments, line breaks and indentation.
static MINIFIED: LazyLock<String> = LazyLock::new(|| minify(include_str!("style.css")));

/// The stylesheet of a page whose printed sheets carry `mark` at the foot, left of the page
/// number. The mark must hold neither quotation marks nor backslashes.
pub fn sheet(mark: &str) -> String {
    debug_assert!(!mark.contains(['"', '\\', '<', '\n']), "a mark is plain");
    const FONT: &str = "font:7pt monospace;color:#555a62";
    format!(
        "{}@page{{@bottom-left{{content:\"{mark}\";{FONT}}}@bottom-right{{content:counter(page) \" / \" counter(pages);{FONT}}}}}",
        *MINIFIED
    )
}

/// The source expression of a stylesheet for a Content-Security-Policy.
pub fn source(sheet: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(sheet.as_bytes())))
}

/// Every rule of the sheet ends its line, so lines can be joined as they are.
fn minify(css: &str) -> String {
    let mut out = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, behind)) = rest.split_once("/*") {
        out.push_str(before);
        rest = behind.split_once("*/").map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    out.lines().map(str::trim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_line_breaks_go() {
        assert_eq!(minify("/* a */\na{\n  b:c}\n"), "a{b:c}");
    }

    #[test]
    fn the_source_is_the_hash_of_the_whole_sheet() {
        // Ground truth: printf 'a{}' | openssl dgst -sha256 -binary | base64
        assert_eq!(source("a{}"), "'sha256-X1RutGBrXCt9KkSaXMK7tHftWiRscFHOhxsS8tv8hBk='");
    }

    #[test]
    fn the_sheet_fetches_nothing() {
        let sheet = sheet("run");
        assert!(!sheet.contains("url(") && !sheet.contains("@import"));
    }
}
