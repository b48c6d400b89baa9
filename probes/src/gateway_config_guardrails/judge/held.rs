//! Secrets among the values: those that a setting names, and those that are told by their name or by
//! the address that they are part of.

use model::evidence::{Origin, SecretKind};

use super::{At, HIDDEN, Judge};
use crate::gateway_config_guardrails::interpolation::written_in_address;
use crate::gateway_config_guardrails::mapping::MappedSetting;
use crate::gateway_config_guardrails::secrets::{self, Traits, VARIABLE};
use crate::gateway_config_guardrails::tree::{Value, Variable};

impl Judge<'_> {
    /// A secret in every file, whether it counts there or not.
    pub(super) fn secrets(&mut self, setting: &MappedSetting) {
        for at in self.everywhere(&setting.path) {
            self.secret(&at, secrets::kind(&at.found.path).unwrap_or(SecretKind::Other));
        }
    }

    /// A secret in a value, where no setting says what the value is.
    pub(super) fn held(&mut self, at: &At<'_>, known: bool) {
        let (place, path) = (at.place(), &at.found.path);
        let value = &at.found.node.value;
        let inside = match value {
            Value::Variable(variable) => written_in_address(variable),
            Value::Scalar(text) => secrets::in_address(text),
            _ => None,
        };
        let filled = value.told().and_then(Result::ok);
        if let Some(password) = inside {
            self.review.secret(&place, path, SecretKind::UrlCredentials, Traits::of(password));
        } else if let Some(password) = filled.and_then(secrets::in_address) {
            let kind = SecretKind::UrlCredentials;
            self.review.filled_secret(&place, path, kind, Traits::of(password));
        } else if !known && (filled.is_some_and(holds_secret) || fallback(value).is_some()) {
            let name = path.rsplit('.').next().unwrap_or(path);
            if let Some(kind) = secrets::kind(name) {
                self.secret(at, kind);
            }
        }
    }

    fn secret(&mut self, at: &At<'_>, kind: SecretKind) {
        let place = at.place();
        let path = &at.found.path;
        match &at.found.node.value {
            Value::Scalar(secret) => {
                self.review.setting(&place, path, HIDDEN, Origin::Explicit);
                self.review.secret(&place, path, kind, Traits::of(secret));
            }
            Value::Unresolved(how) => {
                self.review.setting(&place, path, *how, Origin::Unresolved);
            }
            value @ Value::Variable(Variable { filled, .. }) => {
                let (shown, origin) = match filled {
                    Ok(_) => (VARIABLE, Origin::Explicit),
                    Err(how) => (*how, Origin::Unresolved),
                };
                self.review.setting(&place, path, shown, origin);
                if let Some(secret) = filled.as_deref().ok().filter(|text| !text.is_empty()) {
                    self.review.filled_secret(&place, path, kind, Traits::of(secret));
                }
                // A default stands in the file, and holds wherever nobody sets the variable.
                if let Some(secret) = fallback(value) {
                    self.review.secret(&place, path, kind, Traits::of(secret));
                }
            }
            Value::Null | Value::List(_) | Value::Table(_) => {}
        }
    }
}

/// The default of a value with variables, if it can be a secret.
fn fallback(value: &Value) -> Option<&str> {
    match value {
        Value::Variable(variable) => variable.fallback.as_deref().filter(|text| holds_secret(text)),
        _ => None,
    }
}

/// A value under the name of a secret that is no switch, no path and not empty.
pub fn holds_secret(text: &str) -> bool {
    let path = text.starts_with("file:") || (text.starts_with('/') && text[1..].contains('/'));
    !text.is_empty() && !path && !matches!(text, "true" | "false")
}
