//! Canonical JSON (RFC 8785): sorted keys, shortest numbers, no white space.
//!
//! `serde_json` writes strings as RFC 8785 wants them and adds no white space, so what is left is
//! the order of members and the form of numbers. Both are set right in its text: nothing is parsed
//! into values, and a whole number needs no look at its value. Numbers that are not plainly whole
//! go through `serde_json_canonicalizer`, which is also what the tests compare with.

use serde::Serialize;

/// Digits of a whole number that is the same as a number of JavaScript (below 2^53) and as text.
const PLAIN_DIGITS: usize = 15;

/// The canonical JSON of a value.
///
/// # Errors
/// If the value cannot be JSON: a map with keys that are no text or number, or a number that is
/// not finite where its type says so itself.
pub fn to_vec(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let text = serde_json::to_vec(value)?;
    let mut out = Vec::with_capacity(text.len());
    copy(&text, &mut out);
    Ok(out)
}

/// Copies the value that the text begins with; what stands behind it.
fn copy<'a>(text: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    match text[0] {
        b'{' => object(&text[1..], out),
        b'[' => array(&text[1..], out),
        b'"' => whole(string(text), out),
        b'-' | b'0'..=b'9' => number(text, out),
        _ => {
            let end = text.iter().position(|byte| !byte.is_ascii_lowercase());
            whole(text.split_at(end.unwrap_or(text.len())), out)
        }
    }
}

fn whole<'a>((head, rest): (&[u8], &'a [u8]), out: &mut Vec<u8>) -> &'a [u8] {
    out.extend_from_slice(head);
    rest
}

/// A string with its quotation marks, and what stands behind it.
fn string(text: &[u8]) -> (&[u8], &[u8]) {
    let mut end = 1;
    while text[end] != b'"' {
        end += if text[end] == b'\\' { 2 } else { 1 };
    }
    text.split_at(end + 1)
}

fn number<'a>(text: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let of_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    let end = text.iter().position(|byte| !of_number(byte)).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let plain = digits.strip_prefix(b"-").unwrap_or(digits);
    if plain.len() <= PLAIN_DIGITS && plain.iter().all(u8::is_ascii_digit) {
        out.extend_from_slice(digits);
    } else {
        let number: f64 = std::str::from_utf8(digits)
            .ok()
            .and_then(|digits| digits.parse().ok())
            .expect("serde_json writes numbers as Rust reads them");
        let written = serde_json_canonicalizer::to_vec(&number).expect("JSON numbers are finite");
        out.extend_from_slice(&written);
    }
    rest
}

fn array<'a>(mut text: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    out.push(b'[');
    while text[0] != b']' {
        if text[0] == b',' {
            out.push(b',');
            text = &text[1..];
        }
        text = copy(text, out);
    }
    out.push(b']');
    &text[1..]
}

/// A member that has been copied: its key in the text, and where it stands in the output.
struct Member<'a> {
    key: &'a [u8],
    start: usize,
    end: usize,
}

fn object<'a>(mut text: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    out.push(b'{');
    let first = out.len();
    let mut members: Vec<Member<'_>> = Vec::new();
    while text[0] != b'}' {
        if text[0] == b',' {
            text = &text[1..];
            out.push(b',');
        }
        let (key, rest) = string(text);
        let start = out.len();
        out.extend_from_slice(key);
        out.push(b':');
        text = copy(&rest[1..], out);
        members.push(Member { key, start, end: out.len() });
    }
    if !members.is_sorted_by(|a, b| order(a.key, b.key).is_le()) {
        members.sort_by(|a, b| order(a.key, b.key));
        let copied = out.split_off(first);
        for (index, member) in members.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&copied[member.start - first..member.end - first]);
        }
    }
    out.push(b'}');
    &text[1..]
}

/// The order of two keys by their units of UTF-16. Bytes have the same order where both are ASCII
/// and nothing in them is escaped.
fn order(a: &[u8], b: &[u8]) -> std::cmp::Ordering {
    let plain = |key: &[u8]| key.iter().all(|byte| byte.is_ascii() && *byte != b'\\');
    if plain(a) && plain(b) {
        // The closing quotation mark is no part of the key: it would sort behind `!` and the space.
        return a[1..a.len() - 1].cmp(&b[1..b.len() - 1]);
    }
    let text = |key: &[u8]| -> String {
        serde_json::from_slice(key).expect("a key that serde_json wrote is a JSON string")
    };
    text(a).encode_utf16().cmp(text(b).encode_utf16())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn canonical(value: &impl Serialize) -> String {
        String::from_utf8(to_vec(value).unwrap()).unwrap()
    }

    #[test]
    fn members_are_sorted_by_utf16_at_every_depth() {
        // The keys of RFC 8785, section 3.2.3, in its order.
        let value = json!({
            "\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew Letter Dalet With Dagesh",
            "1": "One", "\u{1f600}": "Emoji: Grinning Face", "\u{80}": "Control", "\u{f6}": "Latin Small Letter O With Diaeresis",
        });
        let written = canonical(&value);
        let keys: Vec<_> = ["\\r", "1", "\u{80}", "\u{f6}", "\u{20ac}", "\u{1f600}", "\u{fb33}"]
            .iter()
            .map(|key| written.find(&format!("\"{key}\":")).unwrap())
            .collect();
        assert!(keys.is_sorted(), "{written}");
        assert_eq!(
            canonical(&json!([{ "b": { "z": 1, "a": [{ "y": 1, "x": 2 }] }, "a": 1 }])),
            r#"[{"a":1,"b":{"a":[{"x":2,"y":1}],"z":1}}]"#
        );
    }

    #[test]
    fn a_struct_is_sorted_whatever_its_order_of_fields() {
        #[derive(Serialize)]
        struct Later {
            status: &'static str,
            reason: Option<&'static str>,
            value: [u64; 2],
        }
        let later = Later { status: "x", reason: None, value: [1, u64::MAX] };
        assert_eq!(
            canonical(&later),
            r#"{"reason":null,"status":"x","value":[1,18446744073709552000]}"#
        );
    }

    #[test]
    fn a_key_is_not_longer_for_its_quotation_mark() {
        assert_eq!(canonical(&json!({ "a!": 1, "a": 2, "": 3 })), r#"{"":3,"a":2,"a!":1}"#);
    }

    #[test]
    fn numbers_are_those_of_javascript() {
        let numbers = [
            (json!(-0.0), "0"),
            (json!(1e21), "1e+21"),
            (json!(1e-7), "1e-7"),
            (json!(100.0), "100"),
            (json!(0.1), "0.1"),
            (json!(i64::MIN), "-9223372036854776000"),
            (json!(999_999_999_999_999_u64), "999999999999999"),
            (json!(9_007_199_254_740_993_u64), "9007199254740992"),
        ];
        for (number, written) in numbers {
            assert_eq!(canonical(&number), written);
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let text = prop_oneof![".*", "[a-c!\"\\\\ ]{0,3}", "[\u{7e}-\u{82}\u{ffff}\u{10000}]{0,2}"];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1_000_i64..1_000).prop_map(Value::from),
            any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
            text.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((text.clone(), inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn the_bytes_are_those_of_the_reference_implementation(value in any_json()) {
            let expected = serde_json_canonicalizer::to_vec(&value).unwrap();
            prop_assert_eq!(
                String::from_utf8(expected).unwrap(),
                String::from_utf8(to_vec(&value).unwrap()).unwrap()
            );
        }
    }
}
