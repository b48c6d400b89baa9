//! Documents that nobody wrote in good faith: the reader ends, in bounds, with a problem.

use model::document::{MAX_FILE_BYTES, Place, Problem, read, read_files};
use proptest::prelude::*;

const GOOD: &str = include_str!("../../docs/examples/gateway.yaml");
const HEAD: &str = "apiVersion: plumbline.dev/v1alpha1\nkind: AuditTarget\nmetadata: {name: a}\n";

fn refused(text: &str) -> Vec<Problem> {
    read("t.yaml", text, Place::Outside).expect_err("the document is refused")
}

#[test]
fn a_file_over_four_mebibytes_is_refused() {
    let mut text = format!("{HEAD}spec: {{path: mqtt}}\n#");
    text.push_str(&"x".repeat(MAX_FILE_BYTES - text.len()));
    assert!(read("t.yaml", &text, Place::Outside).is_ok(), "a file of the limit is read");
    text.push('x');
    insta::assert_snapshot!(refused(&text)[0], @"t.yaml:1:1: expected at most 4194304 bytes, found 4194305; split the file");
}

#[test]
fn an_alias_bomb_ends_at_the_budget() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..30 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    insta::assert_snapshot!(refused(&text)[0], @"t.yaml:6:5: a5: expected a file of ordinary size, found too many values, aliases written out; split the file or use fewer aliases");
}

#[test]
fn an_alias_of_long_text_ends_at_the_budget() {
    let aliases = "*a, ".repeat(100_000);
    let text = format!("a: &a {}\nb: [{aliases}]\n", "x".repeat(100_000));
    let problems = refused(&text);
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].line, 2);
}

#[test]
fn an_alias_inside_its_own_anchor_is_refused() {
    insta::assert_snapshot!(refused(&format!("{HEAD}spec: &a {{path: mqtt, checks: [*a]}}\n"))[0], @"t.yaml:4:32: spec.checks[0]: found an alias inside its own anchor; write the value out");
}

#[test]
fn deep_nesting_is_refused() {
    let flow = format!("{HEAD}spec: {}\n", "[".repeat(100_000));
    insta::assert_snapshot!(refused(&flow)[0], @"t.yaml:4:262: not valid YAML: expected at most 64 levels of nesting, found more; flatten it");
    let mut block = HEAD.to_owned();
    for level in 0..2_000 {
        block.push_str(&format!("{}a:\n", " ".repeat(level)));
    }
    insta::assert_snapshot!(refused(&block)[0], @"t.yaml:68:65: a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a: expected at most 64 levels of nesting, found more; flatten it");
}

#[test]
fn a_large_honest_file_is_read() {
    let mut text = String::new();
    for index in 0..2_000 {
        text.push_str(&GOOD.replace("gateway-7", &format!("gateway-{index}")));
        text.push_str("---\n");
    }
    assert!(text.len() > MAX_FILE_BYTES, "the limit is what stops it");
    text.truncate(MAX_FILE_BYTES);
    let end = text.rfind("---\n").expect("there are marks");
    let documents = read("t.yaml", &text[..end], Place::Outside).expect("all are good");
    assert!(documents.len() > 1_000, "{}", documents.len());
}

#[test]
fn a_mistake_at_the_end_of_a_file_stands_in_its_last_line() {
    for text in ["a: [1,", "a: {", "a: \"x", "a:\n- b\n? c\nd", "a: &x"] {
        check(text, &refused(text));
        assert!(!refused(text)[0].snippet(text).is_empty(), "{text}");
    }
}

#[test]
fn long_lists_of_mistakes_do_not_multiply() {
    // Hundreds of thousands of entries: anything quadratic would not end.
    let words: Vec<String> = (0..100_000).map(|index| format!("a{index}")).collect();
    let words = words.join(",");
    let text = format!(
        "{HEAD}spec: {{path: mqtt, endpoints: [{{name: a, protocol: tls, host: h, port: 1, credentials: [{words}]}}], trust: {{expectedIssuers: [{words}]}}}}\n"
    );
    assert_eq!(refused(&text).len(), 51);
    let same = "a: 1,".repeat(200_000);
    assert_eq!(refused(&format!("{HEAD}spec: {{{same}}}\n")).len(), 51);
}

#[test]
fn many_values_under_a_long_path_take_no_more_room_than_the_file() {
    let key = "k".repeat(60);
    let (open, close) = (format!("{{{key}: ").repeat(50), "}".repeat(50));
    let text = format!(
        "apiVersion: plumbline.dev/v1alpha1\nkind: AuditSchedule\nmetadata: {{name: a}}\n\
         spec: {{targetRefs: [{{name: a}}], schedule: 0 4 * * *, jobTemplate: {open}[{}]{close}}}\n",
        "1,".repeat(400_000)
    );
    let documents = read("t.yaml", &text, Place::Inside).expect("a template may hold anything");
    assert_eq!(documents.len(), 1);
}

/// What a problem about `text` must be, whatever the text is.
fn check(text: &str, problems: &[Problem]) {
    assert!(!problems.is_empty() && problems.len() <= 51);
    for problem in problems {
        let line = problem.to_string();
        assert!(!line.chars().any(char::is_control), "{line:?}");
        assert!(line.len() < 8_000, "{} bytes", line.len());
        assert!(problem.line >= 1 && problem.column >= 1, "{line}");
        let count = text.matches(['\n', '\r']).count() + 1;
        assert!(problem.line as usize <= count, "{line} of {count} lines");
        let snippet = problem.snippet(text);
        assert!(snippet.lines().count() == 3 || snippet.is_empty(), "{snippet}");
    }
}

fn survives(text: &str) {
    for place in [Place::Outside, Place::Inside] {
        if let Err(problems) = read("t.yaml", text, place) {
            check(text, &problems);
        }
    }
}

/// Pieces that mean something to a YAML parser.
const PIECES: [&str; 34] = [
    "\n",
    "\n  ",
    "\n    ",
    "- ",
    "? ",
    ": ",
    ":",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "#",
    " #",
    "&a ",
    "*a",
    "!t ",
    "!!str ",
    "|\n",
    ">-\n",
    "\"",
    "'",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "\t",
    "\r",
    "<<",
    "~",
    "\u{feff}",
    "\u{85}",
    "é",
    "0x1",
    "a",
];

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        if let Err(problems) = read_files(&[("t.yaml", &bytes)], Place::Outside) {
            check(&String::from_utf8_lossy(&bytes), &problems);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(?s).{0,200}") {
        survives(&text);
    }

    #[test]
    fn any_yaml_is_read_or_refused(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..60)) {
        survives(&pieces.concat());
    }

    #[test]
    fn a_document_with_a_piece_put_in_or_taken_out_is_read_or_refused(
        at in 0..GOOD.len(),
        length in 0..40usize,
        piece in prop::sample::select(&PIECES[..]),
    ) {
        let floor = |mut index: usize| {
            while !GOOD.is_char_boundary(index) {
                index -= 1;
            }
            index
        };
        let (begin, end) = (floor(at), floor((at + length).min(GOOD.len())));
        survives(&format!("{}{piece}{}", &GOOD[..begin], &GOOD[end..]));
    }

    #[test]
    fn an_unknown_field_is_reported_in_its_line(index in 0..100usize, name in "[a-z]{3,12}Zz") {
        // Behind every `name:` of the example another field can stand.
        let lines: Vec<&str> = GOOD.lines().collect();
        let names: Vec<usize> =
            (0..lines.len()).filter(|line| lines[*line].contains("name: ")).collect();
        let line = names[index % names.len()];
        let column = lines[line].find("name: ").expect("it is one of those lines");
        let mut text = lines[..=line].join("\n");
        text.push_str(&format!("\n{}{name}: {{x: [1]}}\n", " ".repeat(column)));
        text.push_str(&lines[line + 1..].join("\n"));
        let problems = refused(&text);
        prop_assert_eq!(problems.len(), 1, "{:?}", problems);
        prop_assert_eq!((problems[0].line as usize, problems[0].column as usize), (line + 2, column + 1));
        prop_assert!(problems[0].field.ends_with(&name) && problems[0].message.starts_with("unknown field"));
    }

    #[test]
    fn a_value_of_the_wrong_shape_is_reported_in_its_line(index in 0..100usize) {
        let lines: Vec<&str> = GOOD.lines().collect();
        let scalars: Vec<usize> = (0..lines.len())
            .filter(|line| lines[*line].contains(": ") && !lines[*line].trim_start().starts_with('#'))
            // A parameter may be anything; its probe or rule says what it must be.
            .filter(|line| !["kind:", "apiVersion:", "warning_days", "expiredToken", "maxBodyBytes", "readyPath", "metricsPath", "minUptimeMinutes"].iter().any(|f| lines[*line].contains(f)))
            .collect();
        let line = scalars[index % scalars.len()];
        let (key, _) = lines[line].split_once(": ").expect("it is one of those lines");
        let wrong = format!("{key}: {{\"a b\": [1]}}");
        let text = [&lines[..line], &[wrong.as_str()], &lines[line + 1..]].concat().join("\n");
        let problems = refused(&text);
        prop_assert_eq!(problems[0].line as usize, line + 1, "{:?}", problems);
        prop_assert_eq!(problems[0].column as usize, key.chars().count() + 3);
    }
}
