//! Which mode is asked for.

use model::document::Profile;
use model::evidence::Item;
use model::request::CheckRequest;
use serde_json::Value;

use super::Missing;

/// How much is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// What rules need to decide.
    Decision,
    /// Everything there is.
    Full,
}

/// The mode of a request: its parameter `mode`; without one, full where a profile is declared, whose
/// rules judge everything that is accepted, else decision. Another word is a mistake that is said,
/// and decision mode goes ahead.
pub(super) fn of(request: &CheckRequest, profile: Option<Profile>) -> Result<Mode, Missing> {
    match request.params.get("mode") {
        None => Ok(if profile.is_some() { Mode::Full } else { Mode::Decision }),
        Some(Value::String(word)) if word == "full" => Ok(Mode::Full),
        Some(Value::String(word)) if word == "decision" => Ok(Mode::Decision),
        Some(_) => Err(Item::error("params.mode is neither `full` nor `decision`")),
    }
}
