//! What an auditor takes home: judged again offline, to the same bytes, and broken by one flip.

use engine::report::{self, Format};
use testkit::gateway::Posture;
use tests::plumb::Bench;
use tests::site::Running;

/// A bench with one run of the exposed gateway in the store, in `bundle.json` and `page.html`.
fn audited() -> (Bench, Running) {
    let bench = Bench::new();
    let gateway = Running::start(&bench, Posture::Exposed);
    let target = gateway.target();
    let outputs = ["-o", "json=bundle.json", "-o", "html=page.html"];
    bench.plumb(&[&["run", "-f", target.to_str().unwrap()], &outputs[..]].concat()).expect(1);
    (bench, gateway)
}

#[test]
fn judging_a_bundle_again_gives_the_same_bytes() {
    let (bench, mut gateway) = audited();
    gateway.stop();
    let first = bench.plumb(&["assess", "bundle.json"]).expect(1);
    let second = bench.plumb(&["assess", "bundle.json"]).expect(1);
    assert_eq!(first.stdout, second.stdout);
    let record = bench.plumb(&["runs", "show", "last"]).expect(0).json();
    let stored = model::digest::canonical(&record["assessment"]);
    assert_eq!(first.stdout.trim_end().as_bytes(), stored);
}

#[test]
fn single_evidence_files_are_judged_with_their_target() {
    let (bench, _gateway) = audited();
    let target = "gateway/target.yaml";
    let check = "gateway_config_guardrails";
    bench.plumb(&["probe", check, "-f", target, "--out", "evidence.json"]).expect(0);
    let assessed = bench.plumb(&["assess", "evidence.json", "-f", target]).expect(1);
    let keys: Vec<_> = assessed.json()["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["key"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        keys,
        [
            "gateway_config_guardrails.auth_enforcement_disabled",
            "gateway_config_guardrails.unsafe_defaults_not_observable"
        ]
    );
    let alone = bench.plumb(&["assess", "evidence.json"]).expect(2);
    assert!(alone.stderr.contains("pass the target's file with -f"), "{}", alone.stderr);
}

#[test]
fn a_run_a_bundle_and_a_page_prove_themselves() {
    let (bench, mut gateway) = audited();
    gateway.stop();
    for subject in ["last", "bundle.json", "page.html"] {
        let verified = bench.plumb(&["verify", subject]).expect(0);
        assert!(verified.stdout.contains("byte for byte"), "{}", verified.stdout);
    }
}

#[test]
fn a_delta_page_proves_itself_too() {
    let (bench, gateway) = audited();
    let target = gateway.target();
    bench.plumb(&["run", "-f", target.to_str().unwrap()]).expect(1);
    bench.plumb(&["diff", "last~1", "last", "-o", "html=delta.html"]).expect(0);
    let verified = bench.plumb(&["verify", "delta.html"]).expect(0);
    assert!(verified.stdout.contains("the page is what its record renders to"), "{verified:?}");
    let page = bench.read("delta.html").replacen("unchanged", "improved", 1);
    bench.write("broken.html", page);
    bench.plumb(&["verify", "broken.html"]).expect(4);
}

#[test]
fn a_page_without_its_record_says_what_to_verify_instead() {
    let (bench, _gateway) = audited();
    let mut bundle: model::run::RunBundle =
        serde_json::from_str(&bench.read("bundle.json")).unwrap();
    bundle.record.document.spec.description = Some("a".repeat(3 * 1024 * 1024));
    let page = report::audit(&bundle, Format::Html).unwrap();
    bench.write("large.html", page);
    let refused = bench.plumb(&["verify", "large.html"]).expect(2);
    let run = &bundle.record.id.0;
    for said in [
        "large.html carries only the digests",
        "the page alone proves nothing",
        &format!("`plumb verify {run}`"),
        &format!("`plumb report {run} -o json=bundle.json`"),
    ] {
        assert!(refused.stderr.contains(said), "{said}: {}", refused.stderr);
    }
    bench.plumb(&["alerts", "-o", "html=alerts.html"]).expect(0);
    let refused = bench.plumb(&["verify", "alerts.html"]).expect(2);
    assert!(refused.stderr.contains("alerts.html carries no record"), "{}", refused.stderr);
}

#[test]
fn one_changed_character_breaks_the_proof_and_is_named() {
    let (bench, _gateway) = audited();
    let bundle = bench.read("bundle.json");
    let page = bench.read("page.html");
    let cases = [
        ("an observed value", bundle.replacen("\"value\": 202", "\"value\": 401", 1)),
        ("a verdict", bundle.replacen("\"verdict\": \"fail\"", "\"verdict\": \"pass\"", 1)),
        ("the score", bundle.replacen("\"risk_score\": 69", "\"risk_score\": 6", 1)),
        ("the page alone", page.replacen("posture red", "posture green", 1)),
    ];
    for (what, text) in cases {
        assert!(text != bundle && text != page, "{what}: nothing was changed");
        let name = if text.starts_with("<!DOCTYPE") { "broken.html" } else { "broken.json" };
        bench.write(name, &text);
        let verified = bench.plumb(&["verify", name]).expect(4);
        assert!(verified.stdout.contains("BROKEN"), "{what}: {}", verified.stdout);
        assert!(verified.stderr.contains("first broken"), "{what}: {}", verified.stderr);
    }
}

#[test]
fn a_report_rendered_again_is_the_same_file() {
    let (bench, _gateway) = audited();
    let args = ["report", "last", "-o", "html=again.html", "-o", "json=again.json"];
    bench.plumb(&args).expect(0);
    assert_eq!(bench.read("again.html"), bench.read("page.html"));
    assert_eq!(bench.read("again.json"), bench.read("bundle.json"));
}

#[test]
fn sarif_places_its_results_below_the_folder_it_was_made_in() {
    let bench = Bench::new();
    let gateway = Running::start(&bench, Posture::Exposed);
    let whole = gateway.target();
    let mut written = Vec::new();
    for target in
        ["gateway/target.yaml", "./gateway/../gateway/target.yaml", whole.to_str().unwrap()]
    {
        bench.plumb(&["run", "-f", target, "-o", "sarif=out.sarif"]).expect(1);
        let log: serde_json::Value = serde_json::from_str(&bench.read("out.sarif")).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap();
        let places: Vec<_> = results
            .iter()
            .map(|result| {
                let location = &result["locations"][0]["physicalLocation"]["artifactLocation"];
                assert_eq!(location["uriBaseId"], "%SRCROOT%", "{target}");
                location["uri"].as_str().unwrap().to_owned()
            })
            .collect();
        for place in &places {
            assert!(bench.path(place).is_file(), "{target}: there is no {place}");
        }
        written.push(places);
    }
    assert_eq!(written[0].len(), 4);
    assert!(written.iter().all(|places| *places == written[0]), "{written:#?}");
}

#[test]
fn evidence_that_breaks_its_contract_is_refused_with_the_place() {
    let (bench, _gateway) = audited();
    let target = "gateway/target.yaml";
    let check = "ingest_auth";
    bench.plumb(&["probe", check, "-f", target, "--out", "evidence.json"]).expect(0);
    let good = bench.read("evidence.json");
    let cases = [
        (good.replacen("\"/anonymous/access\"", "\"/anonymous/axess\"", 1), "/stable"),
        (good.replacen("ingest_auth.v1", "ingest_auth.v999", 1), "this version admits"),
        (good.replacen("\"observed\"", "\"certain\"", 1), "/stable"),
        ("{".to_owned(), "no JSON"),
        (format!("\"{}\"", "x".repeat(9_000_000)), "larger than"),
    ];
    for (text, expected) in cases {
        bench.write("broken.json", &text);
        let assessed = bench.plumb(&["assess", "broken.json", "-f", target]).expect(2);
        assert!(assessed.stderr.contains(expected), "{expected}: {}", assessed.stderr);
        assert!(assessed.stderr.len() < 4_000, "hostile evidence must not fill the terminal");
    }
}
