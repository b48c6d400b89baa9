//! "Did you mean ...?"

/// The candidate that a word was probably meant to be: the same letters in another case or with
/// other separators, or few typing errors away.
pub(super) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    // No word of ours is longer, and the distance is quadratic.
    if word.len() > 80 {
        return None;
    }
    let wanted = fold(word);
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&wanted, &fold(candidate)), candidate))
        .filter(|(distance, candidate)| {
            *distance <= candidate.chars().count().div_ceil(3).min(3)
                && *distance < candidate.chars().count()
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `; did you mean ...?`, or nothing.
pub(super) fn clause<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
    nearest(word, candidates).map_or_else(String::new, |c| format!("; did you mean `{c}`?"))
}

/// `a, b or c`.
pub(super) fn list(words: &[&str], last: &str) -> String {
    match words {
        [] => "none".to_owned(),
        [one] => (*one).to_owned(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

fn fold(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_case_and_separators_are_seen_through() {
        let fields = ["name", "protocol", "host", "port", "path", "serverName"];
        for (word, meant) in [
            ("prot", Some("port")),
            ("protcol", Some("protocol")),
            ("server_name", Some("serverName")),
            ("Host", Some("host")),
            ("hots", Some("host")),
            ("colour", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, fields), meant, "{word}");
        }
    }

    #[test]
    fn a_huge_word_is_not_compared() {
        assert_eq!(nearest(&"port".repeat(1_000), ["port"]), None);
    }
}
