//! Laws that hold over every rule of every pack that is built in.

use engine::rule::{BUILT_IN, Expect, built_in, load, run_vectors};
use model::Verdict;
use model::evidence::Item;

#[test]
fn the_built_in_pack_loads_without_a_problem() {
    let problems = load(&[BUILT_IN.to_vec()]).err().unwrap_or_default();
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

#[test]
fn every_vector_of_every_rule_gives_the_verdict_that_it_names() {
    let (count, failures) = run_vectors(&built_in());
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(count >= 4 * built_in().rules().len());
}

/// Taking away any one required pointer, or turning it into any status but `observed`, leaves a
/// control undecided. A rule that does not apply may go on not applying, because `applies_when`
/// comes first; it never passes and never fails.
#[test]
fn a_rule_without_one_of_its_required_pointers_is_inconclusive() {
    let rules = built_in();
    let mut tried = 0;
    for rule in rules.rules() {
        for vector in rule.vectors.iter().filter(|vector| vector.skipped.is_none()) {
            for pointer in &rule.requires {
                let absent = None;
                let reason = || "taken away by the test".to_owned();
                let replacements = [
                    absent,
                    Some(Item::Refused { reason: reason() }),
                    Some(Item::Timeout { reason: reason() }),
                    Some(Item::Error { reason: reason() }),
                    Some(Item::Truncated { reason: reason(), value: Some(true.into()) }),
                    Some(Item::NotAttempted { reason: reason() }),
                ];
                for replacement in replacements {
                    let mut items = vector.items();
                    items.remove(pointer);
                    items.extend(replacement.map(|item| (pointer.clone(), item)));
                    let (verdict, _) = vector.judge(rule, &items);
                    let kept = vector.expect == Expect::NotApplicable
                        && matches!(verdict, Verdict::NotApplicable { .. });
                    assert!(
                        matches!(verdict, Verdict::Inconclusive { .. }) || kept,
                        "{} on `{}` without {pointer}: {verdict:?}",
                        rule.key,
                        vector.name
                    );
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > rules.rules().len() * 10, "only {tried} cases were tried");
}

/// Items that only evidence of earlier programs has observed.
const OLDER: [&str; 1] = ["/crls/seen"];

#[test]
fn no_rule_shows_or_reads_what_only_older_evidence_has() {
    for (file, text) in BUILT_IN {
        let found = OLDER.iter().find(|pointer| text.contains(**pointer));
        assert_eq!(found, None, "{file}");
    }
}

#[test]
fn the_four_keys_of_the_reference_case_are_exactly_these() {
    let rules = built_in();
    let expected = [
        ("gateway_config_guardrails.auth_enforcement_disabled", "high", "Identity & Cryptography"),
        (
            "gateway_config_guardrails.unsafe_defaults_not_observable",
            "medium",
            "Observability & Telemetry Trust",
        ),
        ("ingest_auth.insecure_transport", "high", "Data Protection"),
        ("ingest_auth.unauthenticated_ingest_allowed", "high", "Access Control"),
    ];
    for (key, severity, domain) in expected {
        let rule = rules.find(key).unwrap_or_else(|| panic!("{key} is missing"));
        assert_eq!(rule.key.as_str(), key);
        assert_eq!((rule.severity.as_str(), rule.domain.as_str()), (severity, domain));
        assert!(rule.mandatory);
    }
}

/// Keys are for ever: a key that is gone from this list was renamed or reused.
#[test]
fn issue_keys_are_frozen() {
    let rules = built_in();
    let keys: Vec<_> =
        rules.rules().iter().map(|rule| format!("{} {}", rule.key, rule.severity)).collect();
    insta::assert_snapshot!(keys.join("\n"));
}

/// Clauses are cited in one spelling per framework, and with the editions that were read.
#[test]
fn every_clause_names_a_known_framework_and_edition() {
    let known = [
        ("BSI-TR-02102-2", &["2026-01", "2025-01"][..]),
        ("CABF-TLS-BR", &["2.2.9 (2026-08)"]),
        ("EN-18031-1", &["2024"]),
        ("ETSI-EN-303645", &["V2.1.1 (2020-06)", "V3.1.3 (2024-09)"]),
        ("EU-CRA", &["Regulation (EU) 2024/2847, OJ L 20.11.2024"]),
        ("IEC-62443-4-2", &["2019 (Ed. 1.0)"]),
        ("MOZILLA-TLS", &["5.7", "5.8", "6.0"]),
        ("NIST-IR-8259A", &["2020-05"]),
        ("NIST-SP-800-213A", &["2021-11"]),
        ("NIST-SP-800-52", &["r2 (2019-08)"]),
        ("OWASP-IOT-TOP10", &["2018"]),
        ("OWASP-ISVS", &["1.0 (2025-10-04)"]),
    ];
    let rules = built_in();
    let mut unknown = Vec::new();
    for rule in rules.rules() {
        for clause in &rule.standards {
            let listed = known
                .iter()
                .find(|(framework, _)| *framework == clause.framework)
                .is_some_and(|(_, editions)| editions.contains(&clause.edition.as_str()));
            // An RFC is its own edition: the number, with or without the year.
            let rfc =
                clause.framework == "IETF-RFC" && clause.edition.starts_with(char::is_numeric);
            if !listed && !rfc {
                unknown.push(format!("{}: {} {}", rule.key, clause.framework, clause.edition));
            }
        }
    }
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}
