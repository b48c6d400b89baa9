//! Variables in a text: `$NAME`, `${NAME}`, `${NAME:-default}` and their kin, as Compose and
//! Telegraf write them. No environment is asked: a variable is never replaced, only seen.

use crate::gateway_config_guardrails::interpolation::closing;

/// A text as far as it can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filled {
    /// No variable is in it; doubled dollars are undone.
    Text(String),
    /// A variable is in it.
    Variable {
        /// What the text is where no variable is set, if every one has a default.
        fallback: Option<String>,
    },
}

/// Reads a text.
pub fn fill(text: &str) -> Filled {
    let mut out = String::new();
    let (mut seen, mut whole) = (false, true);
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(body) = rest.strip_prefix('{') {
            seen = true;
            let Some(end) = closing(body) else {
                whole = false;
                break;
            };
            match default_of(&body[..end]) {
                Some(default) => out.push_str(default),
                None => whole = false,
            }
            rest = &body[end + 1..];
        } else {
            let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let end = rest.find(|c| !name(c)).unwrap_or(rest.len());
            if end == 0 || rest.starts_with(|c: char| c.is_ascii_digit()) {
                out.push('$');
            } else {
                (seen, whole) = (true, false);
                rest = &rest[end..];
            }
        }
    }
    out.push_str(rest);
    if seen { Filled::Variable { fallback: whole.then_some(out) } } else { Filled::Text(out) }
}

/// The default of `NAME:-default` or `NAME-default`, unless a variable is in that again.
fn default_of(body: &str) -> Option<&str> {
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let behind = body.trim_start_matches(name);
    let default = behind.strip_prefix(":-").or_else(|| behind.strip_prefix('-'))?;
    (!default.contains('$')).then_some(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_and_their_defaults_are_told() {
        let variable =
            |fallback: Option<&str>| Filled::Variable { fallback: fallback.map(str::to_owned) };
        let cases = [
            ("plain", Filled::Text("plain".to_owned())),
            ("a$$b", Filled::Text("a$b".to_owned())),
            ("cost $5", Filled::Text("cost $5".to_owned())),
            ("$X", variable(None)),
            ("a${X}b", variable(None)),
            ("a${X:-d}b", variable(Some("adb"))),
            ("${X-d}${Y:-e}", variable(Some("de"))),
            ("${X:-d}${Y}", variable(None)),
            ("${X:-${Y:-d}}", variable(None)),
            ("${X:?must be set}", variable(None)),
            ("${X", variable(None)),
        ];
        for (text, expected) in cases {
            assert_eq!(fill(text), expected, "{text}");
        }
    }
}
