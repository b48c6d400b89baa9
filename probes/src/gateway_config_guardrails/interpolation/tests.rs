//! What variables make of a text, in each style.

use super::*;
use crate::gateway_config_guardrails::includes::Text;

fn environment(content: &str) -> Environment {
    let text = Text { name: "e".to_owned(), content: content.to_owned(), marked: false };
    Environment::read(&text).unwrap()
}

fn filled(style: Style, text: &str, environment: &Environment) -> Option<String> {
    match Filler::new(style, environment).value(text) {
        Value::Scalar(text) => Some(text),
        Value::Variable(variable) => variable.filled.ok(),
        _ => None,
    }
}

#[test]
fn variables_are_filled_in_as_a_shell_does_it() {
    let environment = environment("A=a\nE=\nN=$A\nQ='${A}'\n");
    let cases = [
        ("plain", Some("plain")),
        ("$A-${A}", Some("a-a")),
        ("$$A $5 a$", Some("$A $5 a$")),
        ("${E}", Some("")),
        ("${E:-d}", Some("d")),
        ("${E-d}", Some("")),
        ("${X:-d}${X-e}", Some("de")),
        ("${A:-d}", Some("a")),
        ("${X:-${Y-${A}}}", Some("a")),
        ("${X:-}", Some("")),
        ("${A:+o}${X:+o}${E+o}${E:+p}", Some("oo")),
        ("${A:?must be set}", Some("a")),
        // Nobody declares it: the program may have it from elsewhere, or not start.
        ("$X", None),
        ("${X}", None),
        ("${X:?must be set}", None),
        ("${E:?must be set}", None),
        ("${X:-$Y}", None),
        // Declared, and itself filled in from elsewhere.
        ("${N}", None),
        ("${N:-d}", None),
        ("${Q}", Some("${A}")),
        // What is none of this style.
        ("${A", None),
        ("${}", None),
        ("${A.b}", None),
        ("${A:x}", None),
        ("${A:}", None),
        ("$(A)", None),
        ("$$(A)", Some("$(A)")),
        ("{{ $A }}", None),
        ("ENC[$A]", None),
    ];
    for (text, expected) in cases {
        assert_eq!(filled(Style::Shell, text, &environment).as_deref(), expected, "{text}");
    }
}

#[test]
fn without_a_declared_environment_no_default_counts() {
    let nothing = Environment::default();
    for text in ["$X", "${X:-d}", "${X-d}", "${X:+d}"] {
        assert_eq!(filled(Style::Shell, text, &nothing), None, "{text}");
    }
    assert_eq!(filled(Style::Spring, "${X:d}", &nothing), None);
    assert_eq!(filled(Style::Shell, "a$$b", &nothing).as_deref(), Some("a$b"));
}

#[test]
fn variables_are_filled_in_as_spring_does_it() {
    let environment = environment("A=a\nE=\nport=1\n");
    let cases = [
        ("$A $$ ${A}", Some("$A $$ a")),
        ("${X:0.0.0.0}:${P_1:1883}", Some("0.0.0.0:1883")),
        ("${E:d}", Some("")),
        ("${X:${Y:d}}", Some("d")),
        ("${X:-d}", Some("-d")),
        ("${X}", None),
        ("${port:1}", None),
        ("${server.port:1}", None),
        ("\\${A}", None),
    ];
    for (text, expected) in cases {
        assert_eq!(filled(Style::Spring, text, &environment).as_deref(), expected, "{text}");
    }
}

#[test]
fn what_stands_in_the_file_is_told_from_what_a_variable_holds() {
    let environment = environment("P=c4nary\nH=h\n");
    let filler = Filler::new(Style::Shell, &environment);
    let inside = |text: &str| match filler.value(text) {
        Value::Variable(variable) => written_in_address(&variable).map(str::to_owned),
        other => panic!("{other:?}"),
    };
    assert_eq!(inside("mqtt://u:pw@${H}").as_deref(), Some("pw"));
    assert_eq!(inside("mqtt://u:${P:-pw}@h").as_deref(), Some("pw"));
    assert_eq!(inside("mqtt://u:${P}@h"), None);
    assert_eq!(inside("${P}"), None);
    let Value::Variable(variable) = filler.value("${P:-d}") else { panic!("a variable") };
    assert_eq!(variable.fallback.as_deref(), Some("d"));
}

#[test]
fn nothing_grows_beyond_its_bounds() {
    let environment = environment(&format!("A={}\n", "x".repeat(1_000)));
    let filler = Filler::new(Style::Shell, &environment);
    let grown = |text: &str| match filler.value(text) {
        Value::Variable(variable) => variable.filled.map(|text| text.len()),
        other => panic!("{other:?}"),
    };
    assert_eq!(grown(&"$A".repeat(60)), Ok(60_000));
    assert_eq!(grown(&"$A".repeat(1_000_000)), Err(LONG));
    let deep = |levels: usize| format!("{}d{}", "${X:-".repeat(levels), "}".repeat(levels));
    assert_eq!(grown(&deep(8)), Ok(1));
    assert_eq!(grown(&deep(9)), Err(VARIABLE));
    assert_eq!(grown(&deep(100_000)), Err(VARIABLE));
    assert_eq!(grown(&"${".repeat(1_000_000)), Err(VARIABLE));
    // All values together.
    let most = MAX_FILLED / 60_000;
    let count = (0..2 * most).filter(|_| grown(&"$A".repeat(60)).is_ok()).count();
    assert_eq!(count, most - 1, "one was filled in above");
    // A long text without a variable is not held to what variables may make.
    let long = "$$".repeat(MAX_VALUE + 1);
    assert_eq!(filled(Style::Shell, &long, &environment).map(|t| t.len()), Some(MAX_VALUE + 1));
}
