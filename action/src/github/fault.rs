//! Why GitHub did not do what it was asked.

use std::time::Duration;

use serde_json::Value;

/// Characters of an answer that are shown.
const SHOWN: usize = 300;

/// Why GitHub did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The token may not do this.
    #[error("not allowed: {0}")]
    Denied(String),
    /// It is not there, or the token may not see it.
    #[error("not found")]
    Missing,
    /// It was there, or is switched off.
    #[error("gone: {0}")]
    Gone(String),
    /// It is not what GitHub takes.
    #[error("refused: {0}")]
    Invalid(String),
    /// Too much was asked.
    #[error("rate limited: {message}; GitHub asks to wait {} s", wait.as_secs())]
    Limited {
        /// What GitHub said.
        message: String,
        /// How long it asks to wait.
        wait: Duration,
    },
    /// Nobody knows whether it was done.
    #[error("no answer: {0}")]
    Lost(String),
    /// Something that no rule covers.
    #[error("{0}")]
    Odd(String),
}

impl Fault {
    /// True if nobody knows whether it was done.
    pub const fn is_lost(&self) -> bool {
        matches!(self, Self::Lost(_))
    }

    pub(super) fn lost(error: &octocrab::Error) -> Self {
        // The error's own text may hold the address; never the token, which is a header.
        let mut text = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(error) = source {
            text = error.to_string();
            source = error.source();
        }
        Self::Lost(text.chars().take(SHOWN).collect())
    }

    /// What an answer says of itself: text of another program, cut and on one line.
    pub(super) fn message(said: &Value) -> String {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let mut parts: Vec<String> = said.get("message").and_then(text).into_iter().collect();
        let errors = said.get("errors").and_then(Value::as_array).into_iter().flatten();
        parts.extend(
            errors
                .take(5)
                .filter_map(|error| text(error).or_else(|| error.get("message").and_then(text))),
        );
        let shown = engine::report::text::sentence(&parts.join(": "));
        shown.chars().take(SHOWN).collect()
    }
}
