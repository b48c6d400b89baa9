//! Names with `*` for any run of characters, such as `TLS_RSA_WITH_*`.

/// Whether one of the patterns is the name.
pub(super) fn any(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, name))
}

/// Whether the pattern is the name. Without backtracking: each piece takes the first place where it
/// fits, and the last one the end.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(head) else { return false };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    for piece in middle.split('*').filter(|piece| !piece.is_empty()) {
        let Some(at) = left.find(piece) else { return false };
        left = &left[at + piece.len()..];
    }
    left.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_run_of_characters_and_nothing_else_is_special() {
        for (pattern, name) in [
            ("TLS_RSA_WITH_*", "TLS_RSA_WITH_AES_128_CBC_SHA"),
            ("*_NULL_*", "TLS_RSA_WITH_NULL_SHA"),
            ("*_CBC_SHA", "TLS_RSA_WITH_AES_128_CBC_SHA"),
            ("TLS_*_WITH_*_SHA", "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"),
            ("x25519", "x25519"),
            ("*", ""),
            ("a*a", "aa"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("TLS_RSA_WITH_*", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
            ("*_CBC_SHA", "TLS_RSA_WITH_AES_128_CBC_SHA256"),
            ("x25519", "X25519"),
            ("a*a", "a"),
            ("a*b*b", "ab"),
            ("a.c", "abc"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
