//! Profiles of a user's pack: taken beside the built-in ones, or refused with the place of what is wrong.

use engine::rule::{alone, beside_built_in};

const PACK: &str = "id: mine\nversion: 1.0.0\ntitle: Rules of my own\n";
const PROFILE: &str = r#"id: plant-7
title: TLS in plant 7
framework: PLANT-7-SECURITY
edition: "3"
names: [own]
versions:
  clauses: [{framework: PLANT-7-SECURITY, edition: "3", clause: "4.1"}]
  allowed: [TLSv1.2, TLSv1.3]
  required: [TLSv1.3]
suites:
  clauses: [{framework: PLANT-7-SECURITY, edition: "3", clause: "4.2"}]
  unlisted: forbidden
  allowed:
    TLSv1.2: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]
    TLSv1.3: [TLS_AES_128_GCM_SHA256]
  forbidden: ["*_CBC_*"]
groups:
  clauses: [{framework: PLANT-7-SECURITY, edition: "3", clause: "4.3"}]
  unlisted: allowed
dh:
  clauses: [{framework: PLANT-7-SECURITY, edition: "3", clause: "4.4"}]
  min_bits: 3072
certificate_key:
  clauses: [{framework: PLANT-7-SECURITY, edition: "3", clause: "4.5"}]
  allowed: [{algorithm: ec, min_bits: 256, bits: [256, 384]}]
certificate_lifetime:
  clauses: [{framework: PLANT-7-SECURITY, edition: "3", clause: "4.6"}]
  max_days: 90
"#;

fn refused(name: &str, text: &str) -> String {
    let pack = vec![("pack.yaml", PACK), (name, text)];
    let Err(problems) = beside_built_in(&[pack]) else { panic!("must be refused") };
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn damaged(from: &str, to: &str) -> String {
    assert!(PROFILE.contains(from), "the example has no `{from}`");
    refused("profiles/plant-7.yaml", &PROFILE.replacen(from, to, 1))
}

#[test]
fn a_pack_may_hold_nothing_but_a_profile_which_a_target_names_as_its_own() {
    let pack = vec![("pack.yaml", PACK), ("profiles/plant-7.yaml", PROFILE)];
    let rules = beside_built_in(std::slice::from_ref(&pack)).unwrap();
    let own = rules.profiles().find("own").unwrap();
    assert_eq!((own.id.as_str(), own.pack.as_str()), ("plant-7", "mine"));
    assert!(rules.profiles().find("bsi").is_some());
    assert!(alone(&pack).unwrap().profiles().find("bsi").is_some());
}

#[test]
fn a_change_of_a_profile_is_a_change_of_its_pack() {
    let digest = |text: &str| {
        let pack = vec![("pack.yaml", PACK), ("profiles/plant-7.yaml", text)];
        alone(&pack).unwrap().packs()[0].reference.digest.clone()
    };
    assert_eq!(digest(PROFILE), digest(&format!("# a comment\n{PROFILE}")));
    assert_ne!(digest(PROFILE), digest(&PROFILE.replace("min_bits: 3072", "min_bits: 4096")));
}

#[test]
fn a_word_that_stands_for_another_profile_is_refused() {
    let message = damaged("names: [own]", "names: [own, bsi]");
    assert!(message.contains("`bsi` stands for profile `bsi-tr-02102-2-2025-01`"), "{message}");
    let message = damaged("names: [own]", "names: []");
    assert!(message.contains("no target can name this profile"), "{message}");
}

#[test]
fn slips_of_the_pen_are_refused_with_file_line_and_reason() {
    let line = |field: &str| {
        PROFILE.lines().position(|line| line.starts_with(field)).expect("in the example") + 1
    };
    for (from, to, field, because) in [
        ("[TLSv1.2, TLSv1.3]", "[TLSv1.2, TLSv1.3, TLS1.1]", "versions", "found `TLS1.1`"),
        ("[TLSv1.2, TLSv1.3]", "[TLSv1.2]", "versions", "`TLSv1.3` is required and not allowed"),
        ("[TLSv1.2, TLSv1.3]", "[TLSv1.2, TLSv1.2, TLSv1.3]", "versions", "is given twice"),
        ("TLS_AES_128_GCM_SHA256", "TLS_AES128_GCM_SHA256", "suites", "of a suite of that version"),
        ("TLSv1.3: [TLS_AES_128_GCM_SHA256]", "TLSv1.3: []", "suites", "nothing is allowed in TLS"),
        (
            "[TLS_AES_128_GCM_SHA256]",
            "[TLS_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]",
            "suites",
            "is given twice",
        ),
        ("TLSv1.2: [TLS_E", "TLSv1.0: [TLS_E", "suites", "found `TLSv1.0`"),
        ("\"*_CBC_*\"", "\"*_GCM_*\"", "suites", "is allowed and forbidden"),
        ("unlisted: allowed", "unlisted: allowed\n  forbidden: [prime256v1]", "groups", "a group"),
        ("min_bits: 3072", "min_bits: 0", "dh", "expected 1 to"),
        ("min_bits: 256, bits", "min_bits: 400, bits", "certificate_key", "no size in `bits`"),
        ("max_days: 90", "max_days: 90\n  recommended_days: 91", "certificate_lifetime", "advised"),
        (
            "clauses: [{framework: PLANT-7-SECURITY, edition: \"3\", clause: \"4.4\"}]",
            "clauses: []",
            "dh",
            "at least one clause",
        ),
    ] {
        let message = damaged(from, to);
        let place = format!("profiles/plant-7.yaml:{}:1: {field}: ", line(field));
        assert!(message.contains(&place), "{to}: {message}");
        assert!(message.contains(because), "{to}: {message}");
    }
}

#[test]
fn unknown_fields_and_values_are_refused_with_line_and_column() {
    for (from, to, because) in [
        ("  unlisted: forbidden", "  unlisted: forbiden", "forbiden"),
        ("  min_bits: 3072", "  min_bit: 3072", "min_bit"),
        ("  min_bits: 3072", "  min_bits: -1", ""),
        ("  max_days: 90", "  max_days: 99999999999", ""),
        ("algorithm: ec", "algorithm: ecc", "ecc"),
        ("names: [own]", "names: [own]\nnames: [own]", "names"),
        ("names: [own]", "alias: [own]", "alias"),
        ("title: TLS in plant 7\n", "", "title"),
    ] {
        let message = damaged(from, to);
        assert!(message.starts_with("profiles/plant-7.yaml:"), "{to}: {message}");
        assert!(message.contains(because), "{to}: {message}");
    }
}

#[test]
fn hostile_files_are_refused_and_never_hang() {
    let message = refused("profiles/other.yaml", PROFILE);
    assert!(message.contains("belongs into profiles/plant-7.yaml"), "{message}");
    assert!(refused("profiles/plant-7.yaml", "[").starts_with("profiles/plant-7.yaml"));
    assert!(refused("profiles/plant-7.yaml", "").starts_with("profiles/plant-7.yaml"));
    assert!(damaged("id: plant-7", "id: ../../etc").contains("lower-case letters"));
    let many = vec!["x25519"; 513].join(", ");
    let message =
        damaged("unlisted: allowed", &format!("unlisted: allowed\n  forbidden: [{many}]"));
    assert!(message.contains("513 names; at most 512"), "{message}");
    let stars = "*".repeat(60_000);
    let message = damaged("\"*_CBC_*\"", &format!("\"{stars}a\""));
    assert!(message.contains("profiles/plant-7.yaml"), "{message}");
    let long = damaged("\"*_CBC_*\"", &format!("\"{}\"", "TLS_X".repeat(60_000)));
    assert!(long.contains("bytes; a rule file has at most"), "{long}");
    let mut bomb = String::from("a: &a [x,x,x,x,x,x,x,x,x]\n");
    for (name, before) in ["b", "c", "d", "e", "f", "g", "h", "i"].iter().zip("abcdefgh".chars()) {
        let list = vec![format!("*{before}"); 9].join(",");
        bomb.push_str(&format!("{name}: &{name} [{list}]\n"));
    }
    assert!(refused("profiles/plant-7.yaml", &bomb).starts_with("profiles/plant-7.yaml"));
}
