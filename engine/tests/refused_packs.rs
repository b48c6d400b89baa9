//! Packs that must be refused, with the place of what is wrong.

use engine::rule::{BUILT_IN, load};

const PACK: &str = "id: mine\nversion: 1.0.0\ntitle: Rules of my own\n";

/// The built-in rule file of the example, to be damaged.
fn rule() -> String {
    let name = "ingest_auth/unauthenticated_ingest_allowed.yaml";
    let (_, text) = BUILT_IN.iter().find(|(file, _)| *file == name).expect("the example rule");
    (*text).to_owned()
}

fn refused(file: &str, text: &str) -> String {
    let problems = load(&[vec![("pack.yaml", PACK), (file, text)]]).expect_err("must be refused");
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn damaged(from: &str, to: &str) -> String {
    let text = rule();
    assert!(text.contains(from), "the example has no `{from}`");
    refused("ingest_auth/unauthenticated_ingest_allowed.yaml", &text.replacen(from, to, 1))
}

fn line_of(needle: &str) -> usize {
    rule().lines().position(|line| line.starts_with(needle)).expect("in the example") + 1
}

#[test]
fn a_pack_without_its_head_is_refused() {
    let problems = load(&[vec![("a.yaml", "id: x\n")]]).expect_err("must be refused");
    assert!(problems[0].message.contains("no pack.yaml"), "{}", problems[0]);
}

#[test]
fn a_cel_error_is_named_with_file_line_and_field() {
    let message =
        damaged(r#"evidence.anonymous.access == "accepted""#, "evidence.anonymous.access ==");
    let line = line_of("fail_when");
    assert!(
        message.contains(&format!("unauthenticated_ingest_allowed.yaml:{line}:1: fail_when: ")),
        "{message}"
    );
    assert!(message.contains("not a CEL expression"), "{message}");
}

#[test]
fn nested_and_endless_expressions_are_refused_before_they_are_parsed() {
    let deep = format!("{}evidence.anonymous.access == \"a\"{}", "(".repeat(500), ")".repeat(500));
    let message = damaged(r#"evidence.anonymous.access == "accepted""#, &deep);
    assert!(message.contains("at most"), "{message}");
    let long = format!("evidence.anonymous.access == \"{}\"", "a".repeat(2_000));
    let message = damaged(r#"evidence.anonymous.access == "accepted""#, &long);
    assert!(message.contains("at most 1000 are allowed"), "{message}");
}

#[test]
fn a_pointer_that_the_expression_reads_and_requires_does_not_list_is_refused() {
    let message = damaged("requires: [/anonymous/access]", "requires: [/random/access]");
    assert!(
        message.contains("reads `/anonymous/access`, which `requires` does not list"),
        "{message}"
    );
}

#[test]
fn an_unknown_pointer_is_refused_with_a_hint() {
    let message = damaged("requires: [/anonymous/access]", "requires: [/anonymous/acces]");
    assert!(message.contains("did you mean `/anonymous/access`?"), "{message}");
}

#[test]
fn an_unknown_field_is_refused_with_its_place() {
    let message = damaged("severity: high", "severity: high\nseverty: low");
    let line = line_of("severity") + 1;
    assert!(message.contains(&format!(":{line}:")), "{message}");
    assert!(message.contains("severty"), "{message}");
}

#[test]
fn a_rule_without_a_vector_for_each_verdict_is_refused() {
    let message = damaged("expect: inconclusive", "expect: pass");
    assert!(message.contains("no vector that expects `inconclusive`"), "{message}");
}

#[test]
fn a_rule_in_the_folder_of_another_check_is_refused() {
    let message = refused("broker_cert_identity/x.yaml", &rule());
    assert!(
        message.contains("belongs into ingest_auth/unauthenticated_ingest_allowed.yaml"),
        "{message}"
    );
}

#[test]
fn a_key_that_another_pack_has_is_refused() {
    let text = rule();
    let own = vec![("pack.yaml", PACK), ("ingest_auth/unauthenticated_ingest_allowed.yaml", &text)];
    let problems = load(&[BUILT_IN.to_vec(), own]).expect_err("must be refused");
    let message = problems[0].to_string();
    assert!(message.contains("is already a rule of pack `"), "{message}");
}

#[test]
fn every_problem_of_a_pack_is_reported_at_once() {
    let text = rule().replace("title: Ingest accepts", "title:\nx: Ingest accepts");
    let problems =
        load(&[vec![("pack.yaml", PACK), ("a.yaml", text.as_str()), ("b.yaml", "id: [")]])
            .expect_err("must be refused");
    assert!(problems.iter().any(|problem| problem.file == "a.yaml"));
    assert!(problems.iter().any(|problem| problem.file == "b.yaml"));
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut text = String::from("a: &a [x,x,x,x,x,x,x,x,x]\n");
    for (name, before) in ["b", "c", "d", "e", "f", "g", "h", "i"].iter().zip("abcdefgh".chars()) {
        let list = vec![format!("*{before}"); 9].join(",");
        text.push_str(&format!("{name}: &{name} [{list}]\n"));
    }
    let message = refused("ingest_auth/bomb.yaml", &text);
    assert!(message.starts_with("ingest_auth/bomb.yaml"), "{message}");
}
