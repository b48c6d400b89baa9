//! Settings by themselves: order, overrides, gaps, tables of keys.

use model::document::ConfigFormat;
use model::evidence::{Guardrail, Item, Reach};

use super::*;
use crate::gateway_config_guardrails::version::Version;

fn at(line: u32) -> Place {
    Place { file: "f".to_owned(), line, column: 1 }
}

fn scalar(text: &str) -> Value {
    Value::Scalar(text.to_owned())
}

fn settings(given: &[(&str, &str)]) -> Settings {
    let mut settings = Settings::default();
    for (index, (dotted, value)) in given.iter().enumerate() {
        settings.set(path(dotted), scalar(value), at(u32::try_from(index).unwrap() + 1)).unwrap();
    }
    settings
}

fn text<'a>(settings: &'a Settings, dotted: &str) -> Option<&'a str> {
    match settings.get(&path(dotted)).map(|given| &given.value) {
        Some(Value::Scalar(text)) => Some(text),
        _ => None,
    }
}

#[test]
fn a_plain_value_gives_way_to_what_is_set_below_it_and_its_neighbours_do_not() {
    let settings =
        settings(&[("a", "1"), ("a-b", "2"), ("b", "3"), ("a.b.c", "4"), ("a.b.c.d.e", "5")]);
    assert_eq!((text(&settings, "a"), text(&settings, "a.b.c")), (None, None));
    assert_eq!((text(&settings, "a-b"), text(&settings, "b")), (Some("2"), Some("3")));
    assert_eq!(text(&settings, "a.b.c.d.e"), Some("5"));
    let lines: Vec<_> = settings.overridden().iter().map(|given| given.place.line).collect();
    assert_eq!(lines, [1, 4]);
}

#[test]
fn steps_and_bytes_are_counted_over_everything_that_was_set() {
    let mut settings = Settings::default();
    let deep = vec!["1".to_owned(); 500];
    // The lists above an item are remembered, too.
    let ends = (0..20).find(|_| settings.set(deep.clone(), scalar("x"), at(1)).is_err());
    assert_eq!(ends, Some(7));
    let mut settings = Settings::default();
    let long = "x".repeat(1024 * 1024);
    let ends = (0..40).find(|_| settings.set(path("a"), scalar(&long), at(1)).is_err());
    assert_eq!(ends, Some(32));
}

#[test]
fn the_last_value_counts_and_the_others_are_kept_with_their_places() {
    let settings = settings(&[("a.b", "1"), ("a.b", "2"), ("a", "3"), ("a.c", "4")]);
    assert_eq!((text(&settings, "a.b"), text(&settings, "a.c")), (None, Some("4")));
    let lines: Vec<_> = settings.overridden().iter().map(|given| given.place.line).collect();
    assert_eq!(lines, [1, 2, 3]);
}

#[test]
fn a_new_list_takes_the_place_of_the_old_one_and_tables_merge() {
    let mut settings = Settings::default();
    let read = crate::gateway_config_guardrails::readers::json::read;
    for text in [r#"{"a":{"x":1,"l":[1,2,3]}}"#, r#"{"a":{"y":2,"l":[9]}}"#] {
        settings.set_tree(&[], &read(text).unwrap(), "f").unwrap();
    }
    assert_eq!(settings.names(&path("a")), ["l", "x", "y"]);
    assert_eq!(settings.names(&path("a.l")), ["1"]);
    assert_eq!(text(&settings, "a.l.1"), Some("9"));
}

#[test]
fn items_that_add_up_are_numbered_in_their_order() {
    let mut settings = Settings::default();
    for number in 1..=11 {
        settings.append(&path("l"), scalar("x"), at(number)).unwrap();
    }
    let names = settings.names(&path("l"));
    assert_eq!((names[1].as_str(), names[10].as_str()), ("2", "11"));
}

#[test]
fn what_is_set_after_a_gap_stands_and_what_is_set_before_does_not() {
    let mut settings = settings(&[("a.before", "1")]);
    settings.gap(path("a"), at(2), "include", "gone");
    settings.set(path("a.after"), scalar("2"), at(3)).unwrap();
    let open = |dotted: &str| {
        settings.gap_at(&path(dotted), settings.get(&path(dotted))).map(|gap| gap.place.line)
    };
    assert_eq!(open("a.before"), Some(2));
    assert_eq!(open("a.absent"), Some(2));
    assert_eq!(open("a.after"), None);
    assert_eq!(open("b"), None);
}

#[test]
fn more_values_than_are_kept_are_refused() {
    let mut settings = Settings::default();
    let outcome = (0..200_000).try_for_each(|number: usize| {
        settings.set(path(&format!("k.{number}")), scalar("x"), at(1))
    });
    assert_eq!(outcome, Err(Unreadable::Limit("100,000 values")));
}

const TEST: Program = Program {
    name: "test",
    format: ConfigFormat::Auto,
    named: Named { files: &["test.conf"], looks_like: |_| false },
    read: |_, _, _| Ok(Settings::default()),
    keys: &[
        key("door.open", Kind::Flag)
            .on(&[Guardrail::Anonymous])
            .or(&[until(2, 0, "true"), since(2, 0, "false")]),
        key("level", Kind::Word(&["debug", "info"])),
        key("extra.**", Kind::Text),
    ],
    schema: Schema::Partial("it is ignored"),
    words: Words::TRUE_FALSE,
    releases: &[
        ("1", Version { major: 1, minor: 0, patch: 0 }),
        ("2", Version { major: 2, minor: 0, patch: 0 }),
    ],
    covers: &[Guardrail::Anonymous, Guardrail::UnknownKey],
    judge: |case| {
        if let Some(open) = case.flag("door.open").filter(|open| open.value) {
            case.off(Guardrail::Anonymous, &open, Reach::Network);
        }
    },
};

#[test]
fn a_default_is_that_of_the_version() {
    for (version, open) in [("1.9", true), ("2.0", false), ("3", false)] {
        let settings = Settings::default();
        let environment = Environment::default();
        let mut case = Case::new(&TEST, &settings, &environment, Version::parse(version), at(1));
        let held = case.flag("door.open").unwrap();
        assert_eq!((held.value, held.shown), (open, format!("{open} (default)")), "{version}");
    }
}

#[test]
fn a_value_that_is_no_truth_value_of_the_program_leaves_the_guardrail_open() {
    let settings = settings(&[("door.open", "on")]);
    let environment = Environment::default();
    let mut case = Case::new(&TEST, &settings, &environment, Version::parse("2"), at(1));
    case.review.cover(TEST.covers);
    assert_eq!(case.flag("door.open"), None);
    assert!(matches!(case.review.item(Guardrail::Anonymous), Item::NotAttempted { .. }));
}

#[test]
fn keys_are_named_by_patterns() {
    let names = |pattern: &'static str, dotted: &str| key(pattern, Kind::Text).names(&path(dotted));
    assert!(names("a.*.c", "a.b.c"));
    assert!(!names("a.*.c", "a.b.c.d") && !names("a.*", "a") && !names("a", "a.b"));
    assert!(names("a.**", "a") && names("a.**", "a.b.c"));
    assert!(TEST.key(&path("extra.b")).is_some() && TEST.key(&path("other")).is_none());
}

#[test]
fn evidence_shows_of_a_value_what_its_kind_allows() {
    let words = Words::TRUE_FALSE;
    assert_eq!(Kind::Flag.shown("true", words), "true");
    assert_eq!(Kind::Flag.shown("s3cret", words), "set, not shown");
    assert_eq!(Kind::Word(&["debug"]).shown("s3cret", words), "set, not shown");
    assert_eq!(Kind::Size.shown("1MB", words), "1MB");
    assert_eq!(Kind::Address.shown("0.0.0.0:1883", words), "port 1883 on 0.0.0.0");
    assert_eq!(Kind::Address.shown("1883", words), "port 1883");
    assert_eq!(Kind::Address.shown("s3cret", words), "specific address");
    assert_eq!(Kind::TlsVersions.shown("tlsv1.3,tlsv1.2", words), "1.3, 1.2");
}
