//! What Telegraf does to a file before it is TOML: variables may stand outside quotes.

/// The text with each variable outside quotes turned into a string of the same length, so that
/// TOML can be read and every place stays what it is. The string still holds the variable.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['"', '\'', '#', '$']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = match rest.as_bytes()[0] {
            b'#' => rest.find('\n').unwrap_or(rest.len()),
            b'$' => match variable(rest) {
                Some((length, string)) => {
                    out.push_str(&string);
                    rest = &rest[length..];
                    continue;
                }
                None => 1,
            },
            quote => string(rest, char::from(quote)),
        };
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out.push_str(rest);
    out
}

/// Length of the string at the start of a text; to its end where nothing closes it.
fn string(text: &str, quote: char) -> usize {
    let long: String = std::iter::repeat_n(quote, 3).collect();
    if let Some(body) = text.strip_prefix(&long) {
        return body.find(&long).map_or(text.len(), |at| at + 6);
    }
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\n' => return at,
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Length of the variable at the start of a text, and the string that stands for it.
fn variable(text: &str) -> Option<(usize, String)> {
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if let Some(body) = text.strip_prefix("${") {
        // Another one begins before it ends: a search to the end of the file for each would take as long
        // as the square of its length.
        let end = body.find(['}', '\n', '"', '\\', '$'])?;
        return body[end..].starts_with('}').then(|| (end + 3, format!("\"${}\"", &body[..end])));
    }
    let body = &text[1..];
    let end = body.find(|c| !name(c)).unwrap_or(body.len());
    (end > 0).then(|| (end + 1, format!("\"${}\"", &body[..end.saturating_sub(2).max(1)])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_outside_quotes_become_strings_of_the_same_length() {
        let cases = [
            ("port = ${PORT} # ${X}\n", "port = \"$PORT\" # ${X}\n"),
            ("a = $NAME\n", "a = \"$NA\"\n"),
            ("a = \"${X}\"\n", "a = \"${X}\"\n"),
            ("a = '$X'\nb = ${Y}", "a = '$X'\nb = \"$Y\""),
            ("a = \"\"\"\n${X}\"\"\"\nb = ${Y}", "a = \"\"\"\n${X}\"\"\"\nb = \"$Y\""),
            ("a = \"x\\\"${Y}\"", "a = \"x\\\"${Y}\""),
            ("a = ${OPEN\n", "a = ${OPEN\n"),
            ("a = ${${X}", "a = ${\"$X\""),
        ];
        for (text, expected) in cases {
            assert_eq!(quoted(text), expected, "{text}");
        }
    }

    #[test]
    fn variables_that_stay_open_take_no_longer_than_others() {
        let text = "${".repeat(2 * 1024 * 1024);
        assert_eq!(quoted(&text), text);
    }
}
