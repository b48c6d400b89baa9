//! acl.conf: Erlang tuples, of which the first that matches decides.

use crate::gateway_config_guardrails::guardrail::Place;
use crate::gateway_config_guardrails::includes::Text;
use crate::gateway_config_guardrails::readers::erlang::{self, Kind, Term};

/// What the rules do with a client that none before the last one names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rest {
    /// Everything is allowed, by the rule at this place.
    Allowed(Place),
    /// Everything is denied.
    Denied,
    /// Nothing is said; the next source decides.
    Unsaid,
    /// The file cannot be read.
    Unreadable(String),
}

/// The name of a file of rules without the folder, which is one of the machine that EMQX runs on.
pub fn file_name(written: &str) -> &str {
    written.rsplit('/').next().unwrap_or(written)
}

/// What is left for clients that no narrower rule names.
pub fn rest(text: &Text) -> Rest {
    let rules = match erlang::read(&text.content) {
        Ok(rules) => rules,
        Err(error) => return Rest::Unreadable(error.to_string()),
    };
    for rule in &rules {
        match verdict(rule) {
            Some(true) => {
                let file = text.name.clone();
                return Rest::Allowed(Place { file, line: rule.line, column: rule.column });
            }
            Some(false) => return Rest::Denied,
            None => {}
        }
    }
    Rest::Unsaid
}

/// Whether a rule for everybody and every topic allows.
fn verdict(rule: &Term) -> Option<bool> {
    let Kind::Tuple(parts) = &rule.kind else { return None };
    let word = |at: usize| parts.get(at).and_then(Term::text);
    let whole = match parts.get(3).map(|topics| &topics.kind) {
        None => parts.len() == 2,
        Some(Kind::List(topics)) => {
            topics.iter().any(|topic| topic.text() == Some("#")) && word(2) == Some("all")
        }
        Some(_) => false,
    };
    match word(0)? {
        "allow" if whole && word(1) == Some("all") => Some(true),
        "deny" if whole && word(1) == Some("all") => Some(false),
        _ => None,
    }
}
