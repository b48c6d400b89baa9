//! As much of HPACK (RFC 7541) as one request and the status of one answer need: nothing is ever
//! put into a dynamic table, and nothing that depends on one is read.

use crate::http::Request;

/// Places in the static table (RFC 7541, appendix A).
mod place {
    pub const AUTHORITY: u8 = 1;
    pub const METHOD: u8 = 2;
    pub const PATH: u8 = 4;
    pub const SCHEME_HTTPS: u8 = 7;
    pub const STATUS: usize = 8;
    pub const ACCEPT: u8 = 19;
    pub const AUTHORIZATION: u8 = 23;
    pub const CONTENT_LENGTH: u8 = 28;
    pub const CONTENT_TYPE: u8 = 31;
    pub const USER_AGENT: u8 = 58;
}

/// Statuses that the static table holds whole, from place 8 on.
const STATUSES: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];

/// The field block of a request over `https`, every field a literal without indexing, and
/// `authorization` one that is never indexed (section 7.1.3).
pub fn request(request: &Request<'_>) -> Vec<u8> {
    let mut block = vec![0x80 | place::SCHEME_HTTPS];
    literal(&mut block, 0x00, place::METHOD, request.method);
    literal(&mut block, 0x00, place::AUTHORITY, request.host);
    literal(&mut block, 0x00, place::PATH, request.path);
    literal(&mut block, 0x00, place::USER_AGENT, "plumbline");
    literal(&mut block, 0x00, place::ACCEPT, "*/*");
    if let Some(value) = request.authorization {
        literal(&mut block, 0x10, place::AUTHORIZATION, value);
    }
    if let Some(body) = request.body {
        literal(&mut block, 0x00, place::CONTENT_TYPE, "application/json");
        literal(&mut block, 0x00, place::CONTENT_LENGTH, &body.len().to_string());
    }
    block
}

/// A literal with its name from the static table (section 6.2.2 and 6.2.3).
fn literal(block: &mut Vec<u8>, kind: u8, name: u8, value: &str) {
    integer(block, kind, 4, usize::from(name));
    integer(block, 0x00, 7, value.len());
    block.extend_from_slice(value.as_bytes());
}

/// An integer in the low `bits` of a byte and those that follow (section 5.1).
fn integer(block: &mut Vec<u8>, high: u8, bits: u8, value: usize) {
    let most = (1_usize << bits) - 1;
    let byte = |value: usize| u8::try_from(value).expect("the caller keeps it below 256");
    if value < most {
        return block.push(high | byte(value));
    }
    block.push(high | byte(most));
    let mut rest = value - most;
    while rest >= 0x80 {
        block.push(byte(rest % 0x80) | 0x80);
        rest /= 0x80;
    }
    block.push(byte(rest));
}

/// The status that a field block begins with, 100-599.
pub fn status(mut block: &[u8]) -> Option<u16> {
    // A block may begin with changes of the table's size (section 6.3), of which two make sense.
    for _ in 0..2 {
        if block.first()? & 0xe0 == 0x20 {
            take_integer(&mut block, 5)?;
        }
    }
    let first = *block.first()?;
    if first & 0x80 != 0 {
        let place = take_integer(&mut block, 7)?;
        return STATUSES.get(place.checked_sub(place::STATUS)?).copied();
    }
    let name = take_integer(&mut block, if first & 0x40 != 0 { 6 } else { 4 })?;
    if !(place::STATUS..place::STATUS + STATUSES.len()).contains(&name) {
        return None;
    }
    let packed = block.first()? & 0x80 != 0;
    let length = take_integer(&mut block, 7)?;
    let value = block.get(..length)?;
    let digits = if packed { unpacked(value)? } else { value.try_into().ok()? };
    let value = digits.iter().try_fold(0, |value: u16, digit| {
        digit.is_ascii_digit().then(|| value * 10 + u16::from(digit - b'0'))
    })?;
    (100..600).contains(&value).then_some(value)
}

/// Reads an integer of at most two further bytes: no name or length here needs more.
fn take_integer(block: &mut &[u8], bits: u8) -> Option<usize> {
    let most = (1_usize << bits) - 1;
    let (first, mut rest) = block.split_first()?;
    let mut value = usize::from(*first) & most;
    if value == most {
        for shift in [0, 7, 14] {
            let (byte, after) = rest.split_first()?;
            rest = after;
            value += usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
            if shift == 14 {
                return None;
            }
        }
    }
    *block = rest;
    Some(value)
}

/// Three digits in the code of RFC 7541, appendix B: 0 to 2 have five bits, 00000 to 00010, and 3
/// to 9 have six, 011001 to 011111. What is left of the last byte is ones.
fn unpacked(bytes: &[u8]) -> Option<[u8; 3]> {
    if bytes.len() > 3 {
        return None;
    }
    let bits: u32 = bytes.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte));
    let mut left = 8 * bytes.len();
    let mut digits = [0; 3];
    for digit in &mut digits {
        let take = |count: usize| Some(bits >> left.checked_sub(count)? & ((1 << count) - 1));
        *digit = match take(5)? {
            short @ 0..=2 => {
                left -= 5;
                b'0' + u8::try_from(short).ok()?
            }
            _ => {
                let long = take(6)?.checked_sub(0b01_1001).filter(|long| *long < 7)?;
                left -= 6;
                b'3' + u8::try_from(long).ok()?
            }
        };
    }
    let padding = (1 << left) - 1;
    (left < 8 && bits & padding == padding).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The other way, for the test below alone.
    fn packed(status: u16) -> Vec<u8> {
        let (mut bits, mut count) = (0_u32, 0);
        for digit in status.to_string().bytes().map(|digit| u32::from(digit - b'0')) {
            let (code, length) = if digit < 3 { (digit, 5) } else { (0b01_1001 + digit - 3, 6) };
            bits = bits << length | code;
            count += length;
        }
        let padding = (8 - count % 8) % 8;
        bits = bits << padding | ((1 << padding) - 1);
        bits.to_be_bytes()[4 - ((count + padding) / 8) as usize..].to_vec()
    }

    #[test]
    fn a_status_is_read_in_every_form() {
        for (block, status_) in [
            (&b"\x88"[..], 200),
            (b"\x8e", 500),
            (b"\x48\x03302", 302),
            (b"\x08\x03401", 401),
            (b"\x18\x03403", 403),
            (b"\x0e\x03429", 429),
            (b"\x20\x3f\xe1\x1f\x8c", 400),
            // RFC 7541, appendix C.6.1: 302.
            (b"\x48\x82\x64\x02", 302),
        ] {
            assert_eq!(status(block), Some(status_), "{block:x?}");
        }
        for code in 100..600 {
            let value = packed(code);
            let length = 0x80 | u8::try_from(value.len()).expect("short");
            assert_eq!(status(&[&[0x48, length][..], &value].concat()), Some(code));
        }
    }

    #[test]
    fn anything_else_is_no_status() {
        for block in [
            &b""[..],
            b"\x20",
            b"\x20\x20\x20\x88",
            b"\x87",
            b"\x8f",
            b"\xbe",
            b"\xff\xff\xff\xff\xff",
            b"\x48\x03ab1",
            b"\x48\x03999",
            b"\x48\x0520000",
            b"\x48\x0340",
            b"\x48\x82\xff\xff",
            b"\x48\x83\x68\x4f\x80",
            b"\x48\x84\x64\x02\x64\x02",
            b"\x40\x07:status\x03200",
            b"\x7f",
        ] {
            assert_eq!(status(block), None, "{block:x?}");
        }
        for first in 0..=u8::MAX {
            for second in 0..=u8::MAX {
                status(&[first, second, 0x31, 0x32]);
            }
        }
    }

    #[test]
    fn a_request_begins_with_its_pseudo_fields() {
        let block = request(&Request {
            method: "PUT",
            path: &"/".repeat(200),
            host: "h",
            authorization: Some("Bearer x"),
            body: Some("{}"),
            headers: &[],
        });
        assert!(block.starts_with(b"\x87\x02\x03PUT\x01\x01h\x04\x7f\x49/"));
        assert!(block.windows(11).any(|part| part == b"\x1f\x08\x08Bearer x"));
        assert!(block.ends_with(b"\x0f\x10\x10application/json\x0f\x0d\x012"));
    }
}
