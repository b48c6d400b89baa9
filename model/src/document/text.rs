//! The bytes of a file before anybody parses them: size, encoding, lines.

use super::location::{Field, Position};
use super::problem::Problem;

/// Largest file that is read, in bytes. A fleet of thousands of targets fits.
pub const MAX_FILE_BYTES: usize = 4 * 1024 * 1024;

/// The text of a file without its byte order mark, or the reason why it is no text.
pub(super) fn decode<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, Problem> {
    let refuse = |at, message: String| Err(Problem::new(file, at, &Field::default(), message));
    if bytes.len() > MAX_FILE_BYTES {
        let message = format!(
            "expected at most {MAX_FILE_BYTES} bytes, found {}; split the file",
            bytes.len()
        );
        return refuse(Position::START, message);
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return refuse(Position::START, "expected UTF-8, found UTF-16; save it as UTF-8".into());
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(error) => {
            let end = error.valid_up_to();
            let before = std::str::from_utf8(&bytes[..end]).unwrap_or_default();
            let message =
                format!("expected UTF-8, found byte 0x{:02x}; save the file as UTF-8", bytes[end]);
            return refuse(end_of(before), message);
        }
    };
    // YAML 1.2.2 section 5.1: of the C0 controls only tab and the line breaks are printable. NUL
    // would also end the parser's input and hide what follows.
    let control = |c: char| matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\x7f');
    match text.find(control) {
        Some(end) => {
            let code = u32::from(text.as_bytes()[end]);
            refuse(
                end_of(&text[..end]),
                format!("expected text, found the control character U+{code:04X}; remove it"),
            )
        }
        None => Ok(text),
    }
}

/// The position right behind a text.
pub(super) fn end_of(text: &str) -> Position {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (line, last) = lines(text).enumerate().last().unwrap_or((0, ""));
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Position { line: count(line + 1), column: count(last.chars().count() + 1) }
}

/// The lines of a text without their breaks. A break is `\n`, `\r\n` or `\r`, as in YAML; a text
/// that ends in a break has an empty last line.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    starts(text).map(|start| {
        let rest = &text[start..];
        rest.find(['\n', '\r']).map_or(rest, |end| &rest[..end])
    })
}

/// The byte at which each line begins.
pub(super) fn starts(text: &str) -> impl Iterator<Item = usize> {
    let bytes = text.as_bytes();
    let breaks = bytes.iter().enumerate().filter_map(move |(index, byte)| match byte {
        b'\n' => Some(index + 1),
        b'\r' if bytes.get(index + 1) != Some(&b'\n') => Some(index + 1),
        _ => None,
    });
    std::iter::once(0).chain(breaks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(bytes: &[u8]) -> String {
        decode("t.yaml", bytes).expect_err("it is no text").to_string()
    }

    #[test]
    fn every_kind_of_line_break_ends_a_line() {
        assert_eq!(lines("a\nb\r\nc\rd\n").collect::<Vec<_>>(), ["a", "b", "c", "d", ""]);
        assert_eq!(lines("").collect::<Vec<_>>(), [""]);
    }

    #[test]
    fn a_byte_order_mark_is_taken_off() {
        assert_eq!(decode("t.yaml", "\u{feff}kind: X".as_bytes()), Ok("kind: X"));
    }

    #[test]
    fn a_file_over_the_limit_is_refused_before_it_is_parsed() {
        assert!(decode("t.yaml", &vec![b' '; MAX_FILE_BYTES]).is_ok());
        insta::assert_snapshot!(refusal(&vec![b' '; MAX_FILE_BYTES + 1]), @"t.yaml:1:1: expected at most 4194304 bytes, found 4194305; split the file");
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_with_their_place() {
        insta::assert_snapshot!(refusal(b"a: 1\nb: \xe9t\xe9\n"), @"t.yaml:2:4: expected UTF-8, found byte 0xe9; save the file as UTF-8");
        insta::assert_snapshot!(refusal(b"\xff\xfea\0"), @"t.yaml:1:1: expected UTF-8, found UTF-16; save it as UTF-8");
        insta::assert_snapshot!(refusal(b"\xef\xbb\xbfa\0: 1"), @"t.yaml:1:2: expected text, found the control character U+0000; remove it");
        insta::assert_snapshot!(refusal(b"a: 1\r\n\x1b[31m"), @"t.yaml:2:1: expected text, found the control character U+001B; remove it");
    }
}
