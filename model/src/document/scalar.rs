//! What a plain scalar means: YAML 1.2 core schema (section 10.3.2), with the traps of YAML 1.1.
//!
//! `kubectl` reads YAML 1.1: there `no` is a boolean and `0123` is octal. A document must mean the
//! same on the command line and in the cluster, so a scalar that the two read differently is
//! refused wherever it stands.

/// The meaning of a plain scalar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Plain {
    /// Nothing: empty, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A number with a fraction or an exponent.
    Float(f64),
    /// Text.
    Text,
    /// Readers differ; holds why, as a clause behind "found `x`, which".
    Trap(&'static str),
}

/// Reads a plain scalar.
pub(super) fn read(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Null,
        "true" | "True" | "TRUE" => return Plain::Bool(true),
        "false" | "False" | "FALSE" => return Plain::Bool(false),
        _ => {}
    }
    // Only short words can be booleans of YAML 1.1 (yaml.org/type/bool.html).
    if text.len() <= 3
        && ["y", "n", "yes", "no", "on", "off"].iter().any(|word| word.eq_ignore_ascii_case(text))
    {
        return Plain::Trap("kubectl reads as a boolean");
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    match unsigned.as_bytes() {
        [b'0'..=b'9', ..] => number(text, unsigned),
        [b'.', b'0'..=b'9', ..] => float(text).unwrap_or(Plain::Text),
        [b'.', ..] if [".inf", ".nan"].iter().any(|w| w.eq_ignore_ascii_case(unsigned)) => {
            Plain::Trap("is no finite number")
        }
        _ => Plain::Text,
    }
}

fn number(text: &str, unsigned: &str) -> Plain {
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    if digits(unsigned) {
        return match text.strip_prefix('+').unwrap_or(text).parse() {
            _ if unsigned.len() > 1 && unsigned.starts_with('0') => {
                Plain::Trap("kubectl reads as an octal number")
            }
            Ok(value) if (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&value) => {
                Plain::Int(value)
            }
            _ => Plain::Trap("does not fit into 64 bits"),
        };
    }
    let based = |prefix: &str, base: u32| {
        unsigned.strip_prefix(prefix).is_some_and(|rest| {
            !rest.is_empty() && rest.chars().all(|c| c.is_digit(base) || c == '_')
        })
    };
    if based("0x", 16) || based("0o", 8) || based("0b", 2) {
        return Plain::Trap("is a number in another base than ten");
    }
    if unsigned.contains('_') && unsigned.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
        return Plain::Trap("kubectl reads as a number");
    }
    float(text).unwrap_or(Plain::Text)
}

/// `[-+]? ( "." digits | digits [ "." digits? ] ) ( [eE] [-+]? digits )?`
fn float(text: &str) -> Option<Plain> {
    let shaped = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    let value: f64 = shaped.then(|| text.parse().ok())??;
    Some(if value.is_finite() { Plain::Float(value) } else { Plain::Trap("is no finite number") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_mean_what_the_core_schema_says() {
        for (text, meaning) in [
            ("", Plain::Null),
            ("~", Plain::Null),
            ("null", Plain::Null),
            ("nULL", Plain::Text),
            ("true", Plain::Bool(true)),
            ("False", Plain::Bool(false)),
            ("0", Plain::Int(0)),
            ("8883", Plain::Int(8883)),
            ("-7", Plain::Int(-7)),
            ("+7", Plain::Int(7)),
            ("18446744073709551615", Plain::Int(i128::from(u64::MAX))),
            ("1.10", Plain::Float(1.1)),
            (".5", Plain::Float(0.5)),
            ("1e3", Plain::Float(1000.0)),
            ("-", Plain::Text),
            ("1.2.3", Plain::Text),
            ("10.0.0.1", Plain::Text),
            ("2026-12-31T00:00:00Z", Plain::Text),
            ("80:80", Plain::Text),
            ("0x", Plain::Text),
            ("None", Plain::Text),
            ("1e", Plain::Text),
            ("inf", Plain::Text),
            ("é", Plain::Text),
        ] {
            assert_eq!(read(text), meaning, "{text}");
        }
    }

    #[test]
    fn scalars_that_readers_take_differently_are_traps() {
        for text in [
            "no",
            "Yes",
            "ON",
            "off",
            "y",
            "N",
            "0123",
            "-007",
            "0x1F",
            "0o17",
            "0b11",
            "1_000",
            ".inf",
            "-.INF",
            ".NaN",
            "1e999",
            "18446744073709551616",
            "0_1",
        ] {
            assert!(matches!(read(text), Plain::Trap(_)), "{text}: {:?}", read(text));
        }
    }
}
