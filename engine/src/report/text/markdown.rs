//! Text that stays text in GitHub-flavoured Markdown.

use super::{Span, sentence, spans, visible};

/// A text as Markdown that is text and nothing else: no emphasis, link, HTML, table cell,
/// mention or reference to an issue. `&#8203;` keeps GitHub's own links from forming.
pub fn markdown(text: &str) -> String {
    const GAP: &str = "&#8203;";
    let text = sentence(text);
    let mut out = String::with_capacity(text.len() + 16);
    for (index, c) in text.char_indices() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' | '#' => {
                out.push(c);
                out.push_str(GAP);
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' | '!' => {
                out.push('\\');
                out.push(c);
            }
            ':' if text[index..].starts_with("://") => {
                out.push(':');
                out.push_str(GAP);
            }
            '.' if text[..index].to_ascii_lowercase().ends_with("www") => {
                out.push_str(GAP);
                out.push('.');
            }
            '-' if text[..index].to_ascii_lowercase().ends_with("gh") => {
                out.push_str(GAP);
                out.push('-');
            }
            c => out.push(c),
        }
    }
    // A line that starts like a list, a quote or a heading would become one.
    if out.starts_with(['-', '+', '=']) || starts_like_ordered_list(&out) {
        out.insert_str(0, GAP);
    }
    out
}

fn starts_like_ordered_list(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && text[digits..].starts_with(['.', ')'])
}

/// A sentence of ours with backticks as Markdown: what stands between backticks is code.
pub fn markdown_prose(text: &str) -> String {
    spans(&sentence(text))
        .into_iter()
        .map(|span| match span {
            Span::Text(text) => {
                let (lead, rest) = leading_space(text);
                let (body, tail) = trailing_space(rest);
                format!("{lead}{}{tail}", markdown(body))
            }
            Span::Code(code) => markdown_code(code),
        })
        .collect()
}

fn leading_space(text: &str) -> (&str, &str) {
    text.split_at(text.len() - text.trim_start().len())
}

fn trailing_space(text: &str) -> (&str, &str) {
    text.split_at(text.trim_end().len())
}

/// A text as a Markdown code span, whatever backticks it holds; a bar is escaped, because a table
/// would end its cell there.
pub fn markdown_code(text: &str) -> String {
    let text = visible(text).replace('|', "\\|");
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') || text.trim().is_empty() {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Lines of ours (a command, a configuration) as a fenced Markdown block.
pub fn markdown_block(language: &str, lines: &str) -> String {
    let lines: Vec<_> = lines.lines().map(visible).collect();
    let text = lines.join("\n");
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    format!("{fence}{language}\n{text}\n{fence}\n")
}

/// The longest run of backticks in a text.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_cannot_mention_link_or_inject() {
        let out = markdown("@ops #12 [x](http://e) <b> a|b www.e.example GH-7 `c`");
        assert_eq!(
            out,
            "@&#8203;ops #&#8203;12 \\[x\\](http:&#8203;//e) &lt;b&gt; a\\|b www&#8203;.e.example GH&#8203;-7 \\`c\\`"
        );
        assert_eq!(markdown("- a"), "&#8203;- a");
        assert_eq!(markdown("1. a"), "&#8203;1. a");
    }

    #[test]
    fn code_spans_hold_any_backticks() {
        assert_eq!(markdown_code("a``b"), "```a``b```");
        assert_eq!(markdown_code("`"), "`` ` ``");
        assert_eq!(markdown_code("a|b"), "`a\\|b`");
    }
}
