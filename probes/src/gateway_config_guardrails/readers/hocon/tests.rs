//! HOCON by itself.

use proptest::prelude::*;

use super::*;
use crate::gateway_config_guardrails::settings::path;

/// The settings of a file without a folder, so that every include is missing.
fn read(text: &str) -> Result<Settings, Unreadable> {
    read_in(text, "")
}

fn read_in(text: &str, environment: &str) -> Result<Settings, Unreadable> {
    let named = |name: &str, content: &str| Text {
        name: name.to_owned(),
        content: content.to_owned(),
        marked: false,
    };
    let mut files = Files::none();
    let environment = match environment {
        "" => Environment::default(),
        text => Environment::read(&named("env", text)).unwrap(),
    };
    let mut hocon = Hocon::new(&mut files, &environment);
    hocon.read(&named("f", text))?;
    hocon.finish()
}

fn told(settings: &Settings, dotted: &str) -> String {
    match settings.get(&path(dotted)).map(|given| given.value.clone()) {
        Some(Value::Scalar(text)) => text,
        Some(Value::Unresolved(how)) => format!("<{how}>"),
        Some(other) => format!("{other:?}"),
        None => "absent".to_owned(),
    }
}

#[test]
fn every_way_to_write_a_value_is_read() {
    let cases = [
        ("a = b", "b"),
        ("a : b", "b"),
        ("a=\"b # c\" # d", "b # c"),
        ("a = b c  d // e", "b c  d"),
        ("a = 0.0.0.0:1883", "0.0.0.0:1883"),
        ("a = mqtt://h:1883/x", "mqtt://h:1883/x"),
        ("a = \"x\\n\\u0041\"", "x\nA"),
        ("a = \"\"\"x \"y\" \\n\"\"\"\"", "x \"y\" \\n\""),
        ("{ a = b }", "b"),
        ("\"a\" = b,", "b"),
        ("x=1,a=b\n,y=2", "b"),
        ("a = 1\na = b", "b"),
        ("x = b\na = ${x}", "b"),
        ("a = ${x}\nx = b", "b"),
        ("a = ${x}${y} c\nx = b\ny=d", "bd c"),
        ("\u{feff}a = b\r\n", "b"),
    ];
    for (text, expected) in cases {
        assert_eq!(told(&read(text).unwrap(), "a"), expected, "{text:?}");
    }
}

#[test]
fn objects_merge_and_lists_replace() {
    let settings = read(
        "a.b.c = 1\na { b { d = 2 }, e = [1, 2\n 3] }\na.e = [{x = 9}]\na.f = [] \na.g {}\na.e += 7\n",
    )
    .unwrap();
    assert_eq!(told(&settings, "a.b.c"), "1");
    assert_eq!(told(&settings, "a.b.d"), "2");
    assert_eq!(settings.names(&path("a.e")), ["1", "2"]);
    assert_eq!(told(&settings, "a.e.1.x"), "9");
    assert_eq!(told(&settings, "a.e.2"), "7");
    assert!(settings.has(&path("a.f")) && settings.has(&path("a.g")));
    let settings = read("base { x = 1, y = 2 }\na = ${base} { y = 3 }\nb = ${base}").unwrap();
    assert_eq!((told(&settings, "a.x"), told(&settings, "a.y")), ("1".into(), "3".into()));
    assert_eq!(told(&settings, "b.y"), "2");
}

#[test]
fn places_are_those_of_the_keys() {
    let settings = read("# é\na {\n  b.c = 1\n}\nl = [1,\n  2]\n").unwrap();
    let at = |dotted| {
        let place = &settings.get(&path(dotted)).unwrap().place;
        (place.line, place.column)
    };
    assert_eq!(at("a.b.c"), (3, 3));
    assert_eq!(at("l.2"), (6, 3));
}

#[test]
fn a_variable_is_filled_in_from_a_declared_environment_only() {
    // Every test process has a PATH of its own.
    assert!(told(&read("a = ${PATH}").unwrap(), "a").starts_with("<a variable"));
    assert!(told(&read("a = 1\na = ${?PATH}").unwrap(), "a").starts_with("<a variable"));
    assert_eq!(told(&read_in("a = ${X}", "X=b").unwrap(), "a"), "b");
    assert_eq!(told(&read_in("a = 1\na = ${?X}", "Y=b").unwrap(), "a"), "1");
    assert!(told(&read_in("a = ${X}", "Y=b").unwrap(), "a").starts_with("<a variable"));
    assert_eq!(told(&read("a = \"${X}\"").unwrap(), "a"), "${X}");
}

#[test]
fn an_include_that_is_not_here_leaves_a_gap_where_it_stands() {
    for text in [
        "a { include \"x.conf\" }",
        "a { include required(file(\"x.conf\")) }",
        "a { include url(\"http://h/x.conf\") }",
    ] {
        let settings = read(text).unwrap();
        assert!(settings.gap_at(&path("a.b"), None).is_some(), "{text}");
        assert!(settings.gap_at(&path("b"), None).is_none(), "{text}");
    }
    assert_eq!(told(&read("include = 1").unwrap(), "include"), "1");
}

#[test]
fn broken_text_is_an_error_with_its_place_and_without_its_content() {
    for text in [
        "a = 1\nhunter2",
        "x=1\na = {",
        "x=1\na = [",
        "x=1\na = \"hunter2",
        "x=1\na = ${b",
        "x=1\n= hunter2",
        "x=1\na = ",
        "x=1\n}",
        "x=1\na = [1 } ]",
        "x=1\na = \"\\q\"",
        "x=1\na = \"\"\"hunter2\"",
        "x=1\n{a=1}{b=1}",
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains("line 2") || error.contains("line 3"), "{text:?}: {error}");
        assert!(!error.contains("hunter2"));
    }
}

#[test]
fn nesting_and_counts_have_bounds() {
    let limit = |text: String| matches!(read(&text), Err(Unreadable::Limit(_)));
    assert!(limit(format!("a={}", "[".repeat(100_000))));
    assert!(limit(format!("a={}", "{b=".repeat(100_000))));
    assert!(limit(format!("{}=1", "a.".repeat(100_000) + "b")));
    assert!(limit(format!("a=[{}1]", "1,".repeat(200_000))));
    assert!(limit("a=1\n".repeat(200_000)));
    assert!(limit("a+=1\n".repeat(200_000)));
    let doubling: String =
        (0..60).map(|n| format!("a{} {{ l = ${{a{n}}}, r = ${{a{n}}} }}\n", n + 1)).collect();
    let _ = read(&format!("a0 = {{ x = 1, y = 2 }}\n{doubling}"));
    let merges: String = (0..60)
        .map(|n| format!("a{} = {{ l = ${{a{n}}} {{}}, r = ${{a{n}}} {{}} }}\n", n + 1))
        .collect();
    assert!(limit(format!("a0 {{ x = 1, y = 2 }}\n{merges}")));
}

#[test]
fn variables_that_repeat_each_other_have_bounds() {
    let limit = |text: String| matches!(read(&text), Err(Unreadable::Limit(_)));
    let doubling: String = (0..24).map(|n| format!("a{} = ${{a{n}}}${{a{n}}}\n", n + 1)).collect();
    assert!(limit(format!("a0 = 0123456789\n{doubling}")));
    let long = "x".repeat(100_000);
    let each: String = (0..1_000).map(|n| format!("b{n} = ${{a}}\n")).collect();
    assert!(limit(format!("a = {long}\n{each}")));
    let copies: String = (0..1_000).map(|n| format!("b{n} = ${{a}} {{}}\n")).collect();
    assert!(limit(format!("a.x = {long}\n{copies}")));
    assert!(read(&format!("a = {long}\nb = ${{a}}${{a}}\n")).is_ok());
}

#[test]
fn many_values_far_down_have_bounds() {
    let fields: String = (0..20_000).map(|n| format!("b{n}=1,")).collect();
    let text = format!("{}{fields}{}", "a{".repeat(60), "}".repeat(60));
    assert!(matches!(read(&text), Err(Unreadable::Limit(_))));
    let doubling: String = (0..30)
        .map(|n| format!("a{} {{ l = ${{a{n}}} {{}}, r = ${{a{n}}} {{}} }}\n", n + 1))
        .collect();
    let repeated = Err(Unreadable::Limit("10,000 values that variables repeat"));
    assert_eq!(read(&format!("a0.x = 1\n{doubling}")).map(drop), repeated);
}

proptest! {
    #[test]
    fn nothing_panics_on_text(text in "\\PC{0,300}") {
        let _ = read(&text);
    }

    #[test]
    fn nothing_panics_on_what_looks_like_hocon(
        text in "([a-c]{0,2}(\\.|=|:|\\{|\\}|\\[|\\]|\"|\"\"\"|,|\\$\\{|\\?|#|//|\\+=| |\\n|include \"x\"|\\\\|é){0,3}){0,40}"
    ) {
        let _ = read(&text);
    }
}
