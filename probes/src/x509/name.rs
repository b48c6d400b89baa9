//! Distinguished names as RFC 4514 text.
//!
//! What a certificate puts into a name is hostile. The text is unambiguous (separators inside
//! values are escaped) and shows what cannot be seen: control characters and marks that turn the
//! direction of writing come out as the hex pairs that RFC 4514 section 2.4 allows for any byte.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use x509_parser::asn1_rs::{Oid, Tag};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// Short names of attribute types: RFC 4514 section 3, and the usual ones beside it.
const SHORT_NAMES: [(&str, &str); 12] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
    ("2.5.4.46", "dnQualifier"),
];

/// Digest over a name's DER: two names are the same if their bytes are.
pub type NameId = [u8; 32];

/// The identity of a name.
pub fn id(name: &X509Name<'_>) -> NameId {
    Sha256::digest(name.as_raw()).into()
}

/// The whole name, first component first as it stands in the certificate.
///
/// RFC 4514 writes the last one first; the order of the certificate is what `openssl x509` and
/// every console show, so a reader finds it again.
pub fn text(name: &X509Name<'_>) -> String {
    let mut out = String::new();
    for component in name.iter() {
        for (place, attribute) in component.iter().enumerate() {
            if !out.is_empty() {
                out.push_str(if place == 0 { ", " } else { " + " });
            }
            write_attribute(&mut out, attribute);
        }
    }
    out
}

/// The first value of an attribute type, unescaped.
pub fn first(name: &X509Name<'_>, oid: &str) -> Option<String> {
    name.iter_attributes()
        .find(|attribute| attribute.attr_type().to_id_string() == oid)
        .and_then(value)
}

/// The first common name, unescaped.
pub fn common_name(name: &X509Name<'_>) -> Option<String> {
    first(name, "2.5.4.3")
}

fn write_attribute(out: &mut String, attribute: &AttributeTypeAndValue<'_>) {
    out.push_str(&short_name(attribute.attr_type()));
    out.push('=');
    match value(attribute) {
        Some(text) => write_value(out, &text),
        None => {
            out.push('#');
            out.push_str(&model::digest::hex(attribute.as_slice()));
        }
    }
}

fn short_name(oid: &Oid<'_>) -> String {
    let dotted = oid.to_id_string();
    let known = SHORT_NAMES.iter().find(|(id, _)| *id == dotted);
    known.map_or(dotted, |(_, name)| (*name).to_owned())
}

/// The text of a value; none where it is no string, or its bytes do not fit its type.
fn value(attribute: &AttributeTypeAndValue<'_>) -> Option<String> {
    let bytes = attribute.as_slice();
    match attribute.attr_value().tag() {
        Tag::Utf8String
        | Tag::PrintableString
        | Tag::Ia5String
        | Tag::NumericString
        | Tag::VisibleString => String::from_utf8(bytes.to_vec()).ok(),
        // T.61 is read as Latin-1, which is how it is written in practice.
        Tag::T61String => Some(bytes.iter().copied().map(char::from).collect()),
        Tag::BmpString => utf16(bytes),
        _ => None,
    }
}

/// Big-endian UTF-16, whole and well-formed.
fn utf16(bytes: &[u8]) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
    if rest.is_empty() { char::decode_utf16(units).collect::<Result<_, _>>().ok() } else { None }
}

fn write_value(out: &mut String, value: &str) {
    let last = value.chars().count().saturating_sub(1);
    for (place, character) in value.chars().enumerate() {
        let edge =
            (place == 0 && matches!(character, ' ' | '#')) || (place == last && character == ' ');
        if edge || matches!(character, '"' | '+' | ',' | ';' | '<' | '>' | '\\' | '=') {
            out.push('\\');
            out.push(character);
        } else {
            write_visible(out, character);
        }
    }
}

/// Text with everything that cannot be seen as hex pairs, for names that have no other escaping.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|character| write_visible(&mut out, character));
    out
}

fn write_visible(out: &mut String, character: char) {
    if !(character.is_control() || turns_direction(character)) {
        out.push(character);
        return;
    }
    for byte in character.encode_utf8(&mut [0; 4]).bytes() {
        write!(out, "\\{byte:02X}").expect("writing to a string cannot fail");
    }
}

/// The directional formatting characters of Unicode Standard Annex 9.
const fn turns_direction(character: char) -> bool {
    matches!(character,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
