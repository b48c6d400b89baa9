//! What the built-in TLS profiles say of servers whose verdict is known.

use engine::expression::{Params, Scope};
use engine::judge::judge;
use engine::profile::{Part, Profile};
use engine::rule::{Filling, Rule, RuleSet, built_in};
use jiff::Timestamp;
use model::Verdict;
use model::evidence::{Item, Items};
use serde_json::{Value, json};

const TRANSPORT: &str = "broker_transport_posture.profile_";
const VERSIONS: [(&str, &str); 5] = [
    ("SSLv3", "/tls/sslv3/accepted"),
    ("TLSv1.0", "/tls/tls10/accepted"),
    ("TLSv1.1", "/tls/tls11/accepted"),
    ("TLSv1.2", "/tls/tls12/accepted"),
    ("TLSv1.3", "/tls/tls13/accepted"),
];

/// An endpoint and its certificate, both as evidence: what they accept, by pointer.
#[derive(Clone)]
struct Server(Items);

impl Server {
    /// Accepts what the profile lists by its whole name, and nothing else.
    fn of(profile: &Profile) -> Self {
        let mut server = Self(Items::new());
        server.observe("/policy/profile", json!(profile.id));
        server.observe("/endpoint/tls", json!(true));
        server.observe("/endpoint/address", json!("broker.local:8883"));
        for (version, pointer) in VERSIONS {
            let accepted = profile.versions.allowed.iter().any(|allowed| allowed == version);
            server.observe(pointer, json!(accepted));
        }
        for (part, pointer, field) in [
            (Part::Suites, "/tls/full/suites", "suite"),
            (Part::Groups, "/tls/full/groups", "group"),
            (Part::Signatures, "/tls/full/signatures", "scheme"),
        ] {
            let mut list = Vec::new();
            for version in &profile.versions.allowed {
                let allowed = profile.listed(part).map(|listed| &listed.allowed);
                let names = allowed.into_iter().flat_map(|allowed| {
                    [version.as_str(), "every"].map(|key| allowed.get(key)).into_iter().flatten()
                });
                for name in names.flatten().filter(|name| !name.contains('*')) {
                    list.push(json!({ "version": version, field: name }));
                }
            }
            server.observe(pointer, json!(list));
        }
        let bits = profile.dh.as_ref().map_or(4096, |dh| dh.min_bits);
        let prime = json!({ "version": "TLSv1.2", "suite": "TLS_DHE_RSA_WITH_X", "bits": bits });
        server.observe("/tls/full/dh_bits", json!([prime]));
        let key = profile.certificate_key.iter().flat_map(|keys| &keys.allowed).next();
        let key = key.map(|key| {
            let (algorithm, bits) = (&key.algorithm, key.min_bits);
            json!({ "position": 0, "algorithm": algorithm, "bits": bits, "tiny_exponent": false })
        });
        server.observe("/chain/keys", json!(Vec::from_iter(key)));
        let signature = profile.certificate_signature.iter().flat_map(|s| &s.allowed).next();
        let signature = signature.map(|name| json!({ "position": 0, "algorithm": name }));
        server.observe("/chain/signatures", json!(Vec::from_iter(signature)));
        let days = profile.certificate_lifetime.as_ref().map_or(90, |lifetime| lifetime.max_days);
        server.observe("/validity/leaf_days", json!(days));
        server
    }

    fn observe(&mut self, pointer: &str, value: Value) {
        self.0.insert(pointer.to_owned(), Item::observed(value));
    }

    /// The same with one element more in a list.
    fn with(mut self, pointer: &str, element: Value) -> Self {
        let Some(Item::Observed { value: Value::Array(list) }) = self.0.get_mut(pointer) else {
            panic!("{pointer} is no observed list");
        };
        list.push(element);
        self
    }

    fn judged<'r>(&self, rules: &'r RuleSet) -> Vec<(&'r Rule, Verdict)> {
        let about = rules.rules().iter().filter(|rule| !rule.profile.is_empty());
        let judged = about.map(|rule| {
            let (verdict, error) = judge(rule, &self.0, &rule.params, Timestamp::UNIX_EPOCH);
            assert_eq!(error, None, "{}", rule.key);
            (rule, verdict)
        });
        judged.collect()
    }

    /// The rules that fail, with what their findings say.
    fn failing(&self, rules: &RuleSet) -> Vec<(String, String)> {
        let judged = self.judged(rules).into_iter();
        let failing = judged.filter(|(_, verdict)| *verdict == Verdict::Fail).map(|(rule, _)| {
            let said = rule.texts.message.fill(&Filling {
                items: &self.0,
                scope: &Scope::under(&self.0, rules.profiles(), Timestamp::UNIX_EPOCH),
                params: &rule.params,
                compiled: &Params::new(&rule.params),
                now: Timestamp::UNIX_EPOCH,
            });
            (rule.key.to_string(), said)
        });
        failing.collect()
    }
}

/// A word means the same for good: a line that changes here moves targets that nobody touched.
#[test]
fn every_word_of_a_document_means_one_pinned_profile() {
    let rules = built_in();
    let words = model::document::Profile::ALL.into_iter().map(|word| {
        let written = serde_json::to_value(word).unwrap();
        assert_eq!(written, json!(word.as_str()));
        let id = rules.profiles().find(word.as_str()).map_or("-", |profile| &profile.id);
        format!("{} {id}", word.as_str())
    });
    insta::assert_snapshot!(words.collect::<Vec<_>>().join("\n"), @r"
    mozilla-intermediate mozilla-intermediate-6.0
    mozilla-modern mozilla-modern-6.0
    bsi bsi-tr-02102-2-2025-01
    nist nist-sp-800-52r2
    mozilla-modern-5.7 mozilla-modern-5.7
    mozilla-intermediate-5.7 mozilla-intermediate-5.7
    mozilla-old-5.7 mozilla-old-5.7
    mozilla-modern-5.8 mozilla-modern-5.8
    mozilla-intermediate-5.8 mozilla-intermediate-5.8
    mozilla-old-5.8 mozilla-old-5.8
    mozilla-modern-6.0 mozilla-modern-6.0
    mozilla-intermediate-6.0 mozilla-intermediate-6.0
    bsi-tr-02102-2-2025-01 bsi-tr-02102-2-2025-01
    nist-sp-800-52r2 nist-sp-800-52r2
    rfc-9325 rfc-9325
    own -
    ");
}

#[test]
fn a_server_that_is_hardened_to_exactly_its_profile_breaks_no_rule() {
    let rules = built_in();
    let mut passed = 0;
    for profile in rules.profiles().iter() {
        for (rule, verdict) in Server::of(profile).judged(&rules) {
            match verdict {
                Verdict::Pass => passed += 1,
                Verdict::NotApplicable { .. } => {}
                other => panic!("{}: {}: {other:?}", profile.id, rule.key),
            }
        }
    }
    assert!(passed > 60, "only {passed} rules passed");
}

#[test]
fn one_thing_more_breaks_one_rule_which_names_it_and_the_clause() {
    let suite = |suite: &str| ("/tls/full/suites", json!({ "version": "TLSv1.2", "suite": suite }));
    let suite13 =
        |suite: &str| ("/tls/full/suites", json!({ "version": "TLSv1.3", "suite": suite }));
    let group = |group: &str| ("/tls/full/groups", json!({ "version": "TLSv1.3", "group": group }));
    let scheme =
        |scheme: &str| ("/tls/full/signatures", json!({ "version": "TLSv1.2", "scheme": scheme }));
    let prime = |bits: u32| {
        ("/tls/full/dh_bits", json!({ "version": "TLSv1.2", "suite": "TLS_DHE_X", "bits": bits }))
    };
    let key = |algorithm: &str, bits: u32| {
        ("/chain/keys", json!({ "position": 0, "algorithm": algorithm, "bits": bits }))
    };
    let rules = built_in();
    for (profile, (pointer, more), rule, clause) in [
        (
            "mozilla-intermediate-5.7",
            suite("TLS_RSA_WITH_AES_128_GCM_SHA256"),
            "suite_violated",
            "MOZILLA-TLS 5.7, intermediate",
        ),
        (
            "mozilla-intermediate-5.8",
            suite("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"),
            "suite_violated",
            "MOZILLA-TLS 5.8, intermediate",
        ),
        (
            "mozilla-old-5.7",
            suite("TLS_DHE_RSA_WITH_AES_128_CBC_SHA"),
            "suite_violated",
            "MOZILLA-TLS 5.7, old",
        ),
        (
            "nist-sp-800-52r2",
            suite("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
            "suite_violated",
            "NIST-SP-800-52 r2 (2019-08), §3.3.1; §3.3.1.1.1",
        ),
        (
            "nist-sp-800-52r2",
            suite("TLS_RSA_WITH_AES_128_CBC_SHA"),
            "suite_violated",
            "NIST-SP-800-52 r2 (2019-08), §3.3.1",
        ),
        (
            "bsi",
            suite13("TLS_CHACHA20_POLY1305_SHA256"),
            "suite_not_recommended",
            "BSI-TR-02102-2 2025-01, §3.3.1.1",
        ),
        ("bsi", group("x25519"), "group_not_recommended", "BSI-TR-02102-2 2025-01, §3.4.2"),
        ("bsi", group("ffdhe2048"), "group_violated", "BSI-TR-02102-2 2025-01, §3.4.2; §3.6.1"),
        ("bsi", prime(2048), "dh_bits_violated", "BSI-TR-02102-2 2025-01, §3.6.1"),
        (
            "rfc-9325",
            suite("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"),
            "suite_violated",
            "IETF-RFC 10015 (2026-07), §2; §3; §4",
        ),
        (
            "rfc-9325",
            suite("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
            "suite_not_recommended",
            "IETF-RFC 9325 (2022-11), §4.1; §4.2",
        ),
        ("rfc-9325", scheme("ecdsa_sha1"), "signature_violated", "IETF-RFC 9325 (2022-11), §4.5"),
        (
            "mozilla-modern-5.7",
            group("X25519MLKEM768"),
            "group_violated",
            "MOZILLA-TLS 5.7, modern",
        ),
        (
            "mozilla-modern-6.0",
            key("rsa", 4096),
            "certificate_key_violated",
            "MOZILLA-TLS 6.0, modern",
        ),
        ("bsi", key("rsa", 2048), "certificate_key_violated", "BSI-TR-02102-2 2025-01, §3.6.1"),
    ] {
        let held = rules.profiles().find(profile).unwrap();
        let failing = Server::of(held).with(pointer, more.clone()).failing(&rules);
        let [(broken, said)] = &*failing else { panic!("{profile} {more}: {failing:?}") };
        assert!(broken.ends_with(&format!(".profile_{rule}")), "{profile} {more}: {broken}");
        assert!(said.contains(clause) && said.contains(&held.title), "{profile}: {said}");
        let named = ["suite", "group", "scheme", "algorithm"].map(|field| more[field].as_str());
        let named = named.into_iter().flatten().next().unwrap();
        assert!(said.contains(named), "{profile}: {said}");
    }
}

/// A finding cites what was broken: first the clauses of the profile, then those of the rule.
#[test]
fn a_finding_cites_the_clauses_of_the_profile_first() {
    let rules = built_in();
    let text = "apiVersion: plumbline.dev/v1alpha1\nkind: AuditTarget\nmetadata: {name: t}\nspec:\n  \
                path: mqtt\n  endpoints: [{name: b, protocol: mqtts, host: h, port: 8883}]\n";
    let documents = model::document::read("t.yaml", text, model::document::Place::Outside).unwrap();
    let model::document::Resource::AuditTarget(target) = documents[0].value.clone() else {
        panic!("the text is a target");
    };
    let check = model::CheckId::BrokerTransportPosture;
    let plan = engine::plan::plan(&target, Some(&[check]), &rules).unwrap();
    let suite = json!({ "version": "TLSv1.2", "suite": "TLS_RSA_WITH_AES_128_GCM_SHA256" });
    let server = Server::of(rules.profiles().find("nist").unwrap()).with("/tls/full/suites", suite);
    let evidence = model::evidence::Evidence {
        schema: "broker_transport_posture.v1".to_owned(),
        check,
        target: target.key(),
        subject: plan.requests[0].subject.clone(),
        run: model::RunId("run-1".to_owned()),
        probe: model::evidence::ProbeInfo { name: "test".into(), version: "0".into() },
        started_at: Timestamp::UNIX_EPOCH,
        duration_ms: 0,
        attempts: 1,
        stable: server.0,
        volatile: Items::new(),
    };
    let case =
        engine::assess::Case { target: &target, file: None, plan: &plan, evidence: &[evidence] };
    let assessment = engine::assess::assess(&case, &rules, &[], Timestamp::UNIX_EPOCH);
    let key = format!("{TRANSPORT}suite_violated");
    let finding = assessment.findings.iter().find(|finding| finding.key.as_str() == key).unwrap();
    let cited: Vec<_> =
        finding.standards.iter().take(4).map(|c| format!("{} {}", c.framework, c.clause)).collect();
    assert_eq!(
        cited,
        [
            "NIST-SP-800-52 §3.3.1",
            "NIST-SP-800-52 §3.3.1.1.1",
            "NIST-SP-800-52 §3.3.1.1.2",
            "ETSI-EN-303645 Provision 5.5-1"
        ]
    );
}

/// Absence from a list of recommendations is never more than a note.
#[test]
fn what_is_merely_not_recommended_raises_no_more_than_info() {
    let rules = built_in();
    let notes: Vec<_> =
        rules.rules().iter().filter(|rule| rule.key.name().ends_with("_not_recommended")).collect();
    assert_eq!(notes.len(), 3);
    assert!(notes.iter().all(|rule| rule.severity == model::Severity::Info));
    assert!(rules.rules().iter().filter(|r| !r.profile.is_empty()).all(|rule| !rule.mandatory));
}

#[test]
fn versions_are_judged_in_every_mode_and_what_was_not_enumerated_stays_open() {
    let rules = built_in();
    let mut server = Server::of(rules.profiles().find("nist").unwrap());
    server.observe("/tls/tls10/accepted", json!(true));
    for (pointer, item) in &mut server.0 {
        if pointer.starts_with("/tls/full/") {
            *item = Item::not_attempted("decision mode");
        }
    }
    let mut open = 0;
    for (rule, verdict) in server.judged(&rules) {
        let key = rule.key.as_str();
        match verdict {
            Verdict::Fail => assert_eq!(key, format!("{TRANSPORT}version_violated")),
            Verdict::Inconclusive { reason } => {
                assert!(reason.contains("decision mode"), "{key}: {reason}");
                open += 1;
            }
            Verdict::Pass => assert!(key.contains("certificate"), "{key}"),
            _ => {}
        }
    }
    assert_eq!(open, 5);
    let said = &server.failing(&rules)[0].1;
    assert!(said.contains("accepted and not allowed: TLSv1.0;"), "{said}");
}

#[test]
fn without_a_profile_no_rule_applies_and_with_an_unknown_one_none_is_decided() {
    let rules = built_in();
    let server = Server::of(rules.profiles().find("mozilla-modern").unwrap());
    for item in [
        None,
        Some(Item::not_attempted("no profile is declared")),
        Some(Item::observed(Value::Null)),
    ] {
        let mut server = server.clone();
        server.0.remove("/policy/profile");
        server.0.extend(item.map(|item| ("/policy/profile".to_owned(), item)));
        for (rule, verdict) in server.judged(&rules) {
            assert!(matches!(verdict, Verdict::NotApplicable { .. }), "{}: {verdict:?}", rule.key);
        }
    }
    for item in [
        Item::observed(json!("own")),
        Item::observed(json!(["mozilla-modern"])),
        Item::error("the document could not be read"),
    ] {
        let mut server = server.clone();
        server.0.insert("/policy/profile".to_owned(), item);
        for (rule, verdict) in server.judged(&rules) {
            assert!(matches!(verdict, Verdict::Inconclusive { .. }), "{}: {verdict:?}", rule.key);
        }
    }
}
