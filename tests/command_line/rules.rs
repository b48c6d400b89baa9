//! Rules on the command line, built-in and of a user's own.

use tests::plumb::Bench;

const PACK: &str = "id: mine\nversion: 1.0.0\ntitle: Rules of my own\n";

/// A rule of a user's own: the built-in example under another name and severity.
fn own_rule(bench: &Bench) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let example = "rules/plumbline/ingest_auth/unauthenticated_ingest_allowed.yaml";
    let text = std::fs::read_to_string(root.join(example)).unwrap();
    let text = text
        .replace("ingest_auth.unauthenticated_ingest_allowed", "ingest_auth.no_guests")
        .replacen("severity: high", "severity: critical", 1);
    bench.write("mine/pack.yaml", PACK);
    bench.write("mine/ingest_auth/no_guests.yaml", text);
}

#[test]
fn the_built_in_pack_lists_shows_lints_and_passes_its_vectors() {
    let bench = Bench::new();
    let keys = bench.plumb(&["rules", "list", "--keys"]).expect(0).stdout;
    assert!(keys.lines().any(|key| key == "ingest_auth.insecure_transport"));
    for key in keys.lines() {
        let page = bench.plumb(&["rules", "show", key]).expect(0).stdout;
        assert!(page.contains(&format!("`{key}`")), "{page}");
        assert!(page.contains("## Standards"), "{page}");
    }
    let tested = bench.plumb(&["rules", "test"]).expect(0).stdout;
    assert!(tested.contains(" 0 failed"), "{tested}");
    bench.plumb(&["rules", "lint"]).expect(0);
    let unknown = bench.plumb(&["rules", "show", "ingest_auth.nothing"]).expect(2);
    assert!(unknown.stderr.contains("there is no rule"), "{}", unknown.stderr);
}

#[test]
fn profiles_are_listed_and_shown_by_every_word_that_stands_for_them() {
    let bench = Bench::new();
    let list = bench.plumb(&["rules", "profiles"]).expect(0).stdout;
    for word in ["mozilla-intermediate-5.7", "nist-sp-800-52r2", "bsi-tr-02102-2-2025-01"] {
        assert!(list.lines().any(|line| line.starts_with(word)), "{list}");
    }
    let by_name = bench.plumb(&["rules", "profiles", "bsi"]).expect(0).stdout;
    let by_id = bench.plumb(&["rules", "profiles", "bsi-tr-02102-2-2025-01"]).expect(0).stdout;
    assert_eq!(by_name, by_id);
    assert!(by_id.contains("BSI-TR-02102-2 2025-01, §3.6.1"), "{by_id}");
    let json = bench.plumb(&["rules", "profiles", "--json"]).expect(0).stdout;
    assert!(json.contains("\"id\":\"rfc-9325\""), "{json}");
    let unknown = bench.plumb(&["rules", "profiles", "mozilla"]).expect(2);
    assert!(unknown.stderr.contains("there is no TLS profile `mozilla`"), "{}", unknown.stderr);
}

#[test]
fn a_pack_of_ones_own_is_listed_beside_the_built_in_one() {
    let bench = Bench::new();
    own_rule(&bench);
    let list = bench.plumb(&["rules", "list", "--rules", "mine"]).expect(0).stdout;
    assert!(list.contains("critical ingest_auth.no_guests"), "{list}");
    assert!(list.contains("ingest_auth.insecure_transport"), "{list}");
    let tested = bench.plumb(&["rules", "test", "mine"]).expect(0).stdout;
    assert!(tested.starts_with("1 rules, "), "{tested}");
    assert!(tested.contains(" 0 failed"), "{tested}");
}

#[test]
fn a_vector_that_does_not_hold_fails_the_test_and_says_what_was_found() {
    let bench = Bench::new();
    own_rule(&bench);
    let text = bench.read("mine/ingest_auth/no_guests.yaml");
    let text = text.replacen("/anonymous/access: denied", "/anonymous/access: accepted", 1);
    bench.write("mine/ingest_auth/no_guests.yaml", text);
    let tested = bench.plumb(&["rules", "test", "mine"]).expect(1).stdout;
    assert!(tested.contains("expected pass, found fail"), "{tested}");
}

#[test]
fn a_bad_pack_is_refused_whole_with_file_line_and_reason() {
    let bench = Bench::new();
    own_rule(&bench);
    let text = bench.read("mine/ingest_auth/no_guests.yaml");
    let line = text.lines().position(|line| line.starts_with("fail_when")).unwrap() + 1;
    bench.write("mine/ingest_auth/no_guests.yaml", text.replace("== \"accepted\"", "=="));
    for arguments in [
        &["rules", "lint", "mine"][..],
        &["rules", "list", "--rules", "mine"],
        &["run", "-f", "none.yaml", "--rules", "mine"],
    ] {
        let refused = bench.plumb(arguments).expect(2);
        let place = format!("ingest_auth/no_guests.yaml:{line}:1: fail_when");
        assert!(refused.stderr.contains(&place), "{}", refused.stderr);
    }
    let missing = bench.plumb(&["rules", "lint", "nowhere"]).expect(2);
    assert!(missing.stderr.contains("cannot read folder nowhere"), "{}", missing.stderr);
}
