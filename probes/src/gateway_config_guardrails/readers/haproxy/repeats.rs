//! What is set again later, and so does not count.

use std::collections::HashMap;

use model::evidence::Reach;

use super::parse::{Line, Section};
use crate::gateway_config_guardrails::guardrail::Review;
use crate::gateway_config_guardrails::tree::shown;

/// Directives of which the last in a section counts [2.6.12]. Those of `timeout` and `option` are
/// told apart by their second word.
const LAST: [&str; 8] = [
    "balance",
    "default_backend",
    "mode",
    "option",
    "ssl-default-bind-ciphers",
    "ssl-default-bind-ciphersuites",
    "ssl-server-verify",
    "timeout",
];

/// Words of a listener or a server of which the last counts.
const WORDS: [&str; 4] = ["ca-file", "ssl-max-ver", "ssl-min-ver", "verify"];

/// Notes what a section sets more than once.
pub fn review(review: &mut Review, section: &Section) {
    let mut seen: HashMap<(&str, &str), &Line> = HashMap::new();
    for line in &section.lines {
        let name = line.word(0);
        if LAST.contains(&name) {
            let second = if matches!(name, "timeout" | "option") { line.word(1) } else { "" };
            if let Some(gone) = seen.insert((name, second), line) {
                note(review, gone, name, second);
            }
        }
        if matches!(name, "bind" | "server" | "default-server" | "ssl-default-bind-options") {
            for word in WORDS.into_iter().filter(|word| line.each_behind(word).nth(1).is_some()) {
                note(review, line, name, word);
            }
        }
    }
    // Lines of options add up, and of a least version in two of them the last counts.
    let options = section.lines.iter().filter(|line| line.starts(&["ssl-default-bind-options"]));
    for word in ["ssl-min-ver", "ssl-max-ver"] {
        let mut all: Vec<_> = options.clone().filter(|line| line.has(word)).collect();
        all.pop();
        for gone in all {
            note(review, gone, gone.word(0), word);
        }
    }
}

fn note(review: &mut Review, gone: &Line, name: &str, second: &str) {
    let setting =
        if second.is_empty() { name.to_owned() } else { format!("{name} {}", shown(second)) };
    let seen = gone.place.observe(setting, "set again later", Reach::Unstated);
    review.overridden(seen);
}
