//! Text from targets: cut, and kept apart from our own.

/// Bytes of a target's text that are kept in evidence; the rest is counted.
pub const KEPT_BYTES: usize = 160;

/// Hostile text cut to [`KEPT_BYTES`] at a character boundary. Invalid UTF-8 is replaced; control
/// characters stay, because renderers escape them and the digest must see the difference.
pub fn cut(text: &[u8]) -> String {
    let whole = String::from_utf8_lossy(&text[..text.len().min(KEPT_BYTES * 4)]);
    if whole.len() <= KEPT_BYTES && text.len() <= KEPT_BYTES * 4 {
        return whole.into_owned();
    }
    let mut end = KEPT_BYTES.min(whole.len());
    while !whole.is_char_boundary(end) {
        end -= 1;
    }
    format!("{} [first {end} of {} bytes]", &whole[..end], text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_text_stays_as_it_is() {
        assert_eq!(cut(b"mosquitto/2.0"), "mosquitto/2.0");
    }

    #[test]
    fn long_text_is_cut_at_a_character_and_says_so() {
        let text = "é".repeat(1_000);
        let kept = cut(text.as_bytes());
        assert!(kept.ends_with("[first 160 of 2000 bytes]"), "{kept}");
        assert_eq!(kept.chars().filter(|c| *c == 'é').count(), 80);
    }

    #[test]
    fn bytes_that_are_no_text_do_not_panic() {
        assert!(cut(&[0xff; 5_000]).ends_with("of 5000 bytes]"));
    }
}
