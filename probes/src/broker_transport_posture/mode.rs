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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(params: Value) -> CheckRequest {
        serde_json::from_value(json!({
            "check": "broker_transport_posture",
            "target": "gw",
            "subject": "config/main",
            "inputs": {
                "kind": "config",
                "config": { "name": "main", "format": "auto", "path": "gateway.toml" },
            },
            "policy": model::request::ProbePolicy::default(),
            "params": params,
        }))
        .expect("a request")
    }

    #[test]
    fn a_declared_profile_asks_for_everything_unless_the_parameter_says_otherwise() {
        let profile = Some(Profile::Nist);
        assert_eq!(of(&request(json!({})), None), Ok(Mode::Decision));
        assert_eq!(of(&request(json!({})), profile), Ok(Mode::Full));
        assert_eq!(of(&request(json!({ "mode": "decision" })), profile), Ok(Mode::Decision));
        assert_eq!(of(&request(json!({ "mode": "full" })), None), Ok(Mode::Full));
    }

    #[test]
    fn another_word_is_an_error_that_names_both() {
        for wrong in [json!("Full"), json!(true), json!(null)] {
            let missing = of(&request(json!({ "mode": wrong })), None).unwrap_err();
            assert_eq!(missing, Item::error("params.mode is neither `full` nor `decision`"));
        }
    }
}
