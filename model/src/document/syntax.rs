//! The YAML parser's complaints in words that say what to do.

/// What a complaint means for somebody who writes a document.
pub(super) fn explain(complaint: &str) -> String {
    let advice = ADVICE.iter().find(|(part, _)| complaint.contains(part));
    match advice {
        Some((_, advice)) => format!("not valid YAML: {advice}"),
        None => format!("not valid YAML: {complaint}"),
    }
}

/// Parts of complaints and what they mean, the more specific first.
const ADVICE: [(&str, &str); 16] = [
    ("tab", "found a tab where indentation is expected; indent with spaces"),
    ("recursion limit", "expected at most 64 levels of nesting, found more; flatten it"),
    ("did not find expected node content", "expected a value, found none that can begin here"),
    ("unexpected character", "found a character that cannot begin a value; put the text in quotes"),
    (
        "unknown escape",
        "found an escape that YAML does not have; write `\\\\` for a backslash, or use single quotes",
    ),
    ("unknown anchor", "found an alias whose anchor is not defined above it in this document"),
    (
        "mapping values are not allowed",
        "found `: ` where no value can begin; check the indentation, and put text that holds `: ` in quotes",
    ),
    (
        "simple key expect",
        "expected `name: value`, found a line without a colon and space; check the indentation",
    ),
    ("did not find expected key", "expected a key; check the indentation of this line"),
    ("did not find expected '-'", "expected `- `; check the indentation of this line"),
    ("invalid indentation", "the indentation does not fit the lines above"),
    (
        "block sequence entries are not allowed",
        "found `- ` where no list can begin; check the indentation",
    ),
    ("unexpected end of stream", "a quote is opened and never closed"),
    ("unexpected document indicator", "a quote is opened and not closed before the document ends"),
    ("flow sequence", "expected `,` or `]` in a list that began with `[`"),
    (
        "flow mapping",
        "expected `,` or `}` in a mapping that began with `{`; put text that begins with `{` in quotes",
    ),
];
