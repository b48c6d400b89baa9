//! Bad input gets a clear error, and nothing is lost.

use testkit::gateway::Posture;
use tests::plumb::Bench;
use tests::site::Running;

const HEAD: &str =
    "apiVersion: plumbline.dev/v1alpha1\nkind: AuditTarget\nmetadata: {name: gw}\nspec:\n";

/// The error of checking a target document.
fn refused(document: &str) -> String {
    let bench = Bench::new();
    bench.write("target.yaml", document);
    bench.plumb(&["targets", "check", "target.yaml"]).expect(2).stderr
}

#[test]
fn an_unknown_field_is_named_with_file_line_and_column() {
    let error = refused(&format!("{HEAD}  path: gateway\n  endpionts: []\n"));
    assert!(error.contains("target.yaml:6:3"), "{error}");
    assert!(error.contains("endpionts") && error.contains("endpoints"), "{error}");
}

#[test]
fn two_sources_and_none_are_named() {
    let body = "  path: gateway\n  gatewayConfig:\n    - {name: a, path: x, env: TOKEN}\n    - {name: b}\n";
    let error = refused(&format!("{HEAD}{body}"));
    assert!(error.contains("exactly one of"), "{error}");
    assert!(error.contains("gatewayConfig[0]") && error.contains("gatewayConfig[1]"), "{error}");
}

#[test]
fn a_cluster_reference_on_the_command_line_is_refused() {
    let body = "  path: gateway\n  gatewayConfig:\n    - {name: a, configMapRef: {name: cm}}\n";
    let error = refused(&format!("{HEAD}{body}"));
    assert!(error.contains("configMapRef"), "{error}");
    assert!(error.contains("inside the cluster"), "{error}");
}

#[test]
fn malformed_huge_and_exploding_yaml_is_refused() {
    assert!(refused("a: [").contains("target.yaml:"));
    assert!(refused(&"x".repeat(5_000_000)).contains("4194304"));
    let mut bomb = String::from("a: &a [x,x,x,x,x,x,x,x,x]\n");
    for (name, before) in
        ["b", "c", "d", "e", "f", "g", "h", "i", "j"].iter().zip("abcdefghi".chars())
    {
        bomb.push_str(&format!("{name}: &{name} [{}]\n", vec![format!("*{before}"); 9].join(",")));
    }
    let error = refused(&bomb);
    assert!(error.len() < 4_000, "{} bytes of error", error.len());
}

#[test]
fn hostile_text_in_a_document_reaches_no_terminal() {
    let error = refused(&format!("{HEAD}  path: \"\\u001b[31mred\\u202e\"\n"));
    assert!(!error.contains('\u{1b}') && !error.contains('\u{202e}'), "{error:?}");
}

#[test]
fn a_file_that_is_not_there_or_not_text_is_named() {
    let bench = Bench::new();
    let missing = bench.plumb(&["run", "-f", "nowhere.yaml"]).expect(2);
    assert!(missing.stderr.contains("cannot read nowhere.yaml"), "{}", missing.stderr);
    bench.write("binary.yaml", [0xff, 0xfe, 0x00]);
    bench.plumb(&["run", "-f", "binary.yaml"]).expect(2);
    bench.write("empty.yaml", "# nothing\n");
    let empty = bench.plumb(&["run", "-f", "empty.yaml"]).expect(2);
    assert!(empty.stderr.contains("empty.yaml"), "{}", empty.stderr);
}

#[test]
fn a_file_that_is_not_there_is_answered_with_what_to_name_instead() {
    let bench = Bench::new();
    let said = |path: &str| bench.plumb(&["run", "-f", path]).expect(2).stderr;
    insta::assert_snapshot!(said("nothing.yaml"), @r"
    error: cannot read nothing.yaml: No such file or directory (os error 2)
      no AuditTarget is declared beside it: docs/first-target.md shows how to write one, and `plumb demo` tells the whole story without one
    ");
    insta::assert_snapshot!(said("plant/nothing.yaml"), @r"
    error: cannot read plant/nothing.yaml: No such file or directory (os error 2)
      no AuditTarget is declared beside it: docs/first-target.md shows how to write one, and `plumb demo` tells the whole story without one
    ");
    std::fs::create_dir(bench.path("plant")).unwrap();
    for name in ["b.yaml", "a.yml", "plant/gateway.yaml"] {
        bench.write(name, format!("{HEAD}  path: gateway\n"));
    }
    bench.write("mapping.yaml", "format: toml\n");
    bench.write("notes.txt", format!("{HEAD}  path: gateway\n"));
    bench.write("binary.json", [0xff, 0x00]);
    insta::assert_snapshot!(said("nothing.yaml"), @r"
    error: cannot read nothing.yaml: No such file or directory (os error 2)
      targets are declared in a.yml, b.yaml
    ");
    insta::assert_snapshot!(said("plant/nothing.yaml"), @r"
    error: cannot read plant/nothing.yaml: No such file or directory (os error 2)
      targets are declared in plant/gateway.yaml
    ");
    insta::assert_snapshot!(said("plant"), @r"
    error: cannot read plant: Is a directory (os error 21)
      targets are declared in plant/gateway.yaml
    ");
    for number in 0..7 {
        bench.write(&format!("c{number}.yaml"), format!("{HEAD}  path: gateway\n"));
    }
    insta::assert_snapshot!(said("nothing.yaml"), @r"
    error: cannot read nothing.yaml: No such file or directory (os error 2)
      targets are declared in a.yml, b.yaml, c0.yaml, c1.yaml, c2.yaml and 4 more
    ");
    // A name is anybody's text.
    bench.write("a\u{1b}[31m.yaml", format!("{HEAD}  path: gateway\n"));
    assert!(!said("nothing.yaml").contains('\u{1b}'));
}

#[test]
fn an_output_that_cannot_be_written_fails_before_anything_is_probed() {
    let bench = Bench::new();
    let gateway = Running::start(&bench, Posture::Exposed);
    let target = gateway.target();
    let run = |output: &str| {
        let store = ["--store", "sqlite:runs.db"];
        let arguments = ["run", "-f", target.to_str().unwrap(), "-o", output];
        bench.plumb(&[&arguments[..], &store[..]].concat()).expect(2).stderr
    };
    assert!(run("html=no/such/folder/a.html").contains("cannot write"));
    assert!(run("pdf=a.pdf").contains("html, md, json, csv, sarif"));
    assert!(run("report.html").contains("expected FORMAT=PATH"));
    assert!(!bench.path("runs.db").exists(), "a run began");
}

#[test]
fn unknown_checks_bundles_runs_and_parameters_are_named() {
    let bench = Bench::new();
    let gateway = Running::start(&bench, Posture::Exposed);
    let target = gateway.target();
    let target = target.to_str().unwrap();
    let check = bench.plumb(&["run", "-f", target, "--check", "tls"]).expect(2);
    assert!(check.stderr.contains("known checks"), "{}", check.stderr);
    let bundle = bench.plumb(&["run", "-f", target, "--bundle", "all"]).expect(2);
    assert!(bundle.stderr.contains("audit-baseline"), "{}", bundle.stderr);
    let baseline = bench.plumb(&["run", "-f", target, "--baseline", "20200101"]).expect(2);
    assert!(baseline.stderr.contains("20200101"), "{}", baseline.stderr);
    let document = format!(
        "{HEAD}  path: gateway\n  gatewayConfig: [{{name: a, path: x.toml}}]\n  checks:\n    \
         - {{id: gateway_config_guardrails, params: {{colour: red}}}}\n"
    );
    bench.write("params.yaml", document);
    let params = bench.plumb(&["run", "-f", "params.yaml"]).expect(2);
    assert!(params.stderr.contains("params.colour"), "{}", params.stderr);
}

#[test]
fn a_store_that_cannot_be_used_says_why() {
    let bench = Bench::new();
    let store = |url: &str| bench.plumb(&["runs", "list", "--store", url]).expect(2).stderr;
    assert!(store("mysql://x").contains("sqlite:"));
    bench.write("garbage.db", "this is no database, whatever its name says".repeat(100));
    let error = store("sqlite:garbage.db");
    assert!(error.contains("garbage.db"), "{error}");
    assert_eq!(bench.read("garbage.db").len(), 43 * 100);
}

#[test]
fn an_exception_must_end_and_must_end_soon() {
    let exception = |expires: &str| {
        format!(
            "apiVersion: plumbline.dev/v1alpha1\nkind: AuditException\nmetadata: {{name: later}}\nspec:\n  \
             issueKeys: [ingest_auth.insecure_transport]\n  reason: moved next sprint\n  approvedBy: ops\n{expires}"
        )
    };
    let error = refused(&exception(""));
    assert!(error.contains("expiresAt"), "{error}");
    let bench = Bench::new();
    let gateway = Running::start(&bench, Posture::Exposed);
    bench.write("late.yaml", exception("  expiresAt: 2090-01-01T00:00:00Z\n"));
    let target = gateway.target();
    let run = bench.plumb(&["run", "-f", target.to_str().unwrap(), "-f", "late.yaml"]).expect(2);
    assert!(run.stderr.contains("180"), "{}", run.stderr);
}

#[test]
fn a_waived_finding_still_fails_its_control_and_is_shown() {
    let bench = Bench::new();
    let gateway = Running::start(&bench, Posture::Exposed);
    let target = gateway.target();
    let end = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
    let exception = format!(
        "apiVersion: plumbline.dev/v1alpha1\nkind: AuditException\nmetadata: {{name: accepted}}\nspec:\n  \
         issueKeys: [ingest_auth.insecure_transport]\n  reason: moved next sprint\n  approvedBy: ops\n  \
         expiresAt: {end}\n"
    );
    bench.write("accepted.yaml", exception);
    let arguments = ["run", "-f", target.to_str().unwrap(), "-f", "accepted.yaml"];
    let run = bench.plumb(&[&arguments[..], &["-o", "sarif=out.sarif"]].concat()).expect(1);
    assert!(run.stdout.contains("3 findings (2 high, 1 medium)"), "{}", run.stdout);
    assert!(run.stdout.contains("waived by accepted"), "{}", run.stdout);
    let record = bench.plumb(&["runs", "show", "last"]).expect(0).json();
    let controls = record["assessment"]["controls"].as_array().unwrap();
    let waived: Vec<_> = controls.iter().filter(|c| c["waived_by"] == "accepted").collect();
    assert_eq!(waived.len(), 1);
    assert_eq!(waived[0]["verdict"], "fail");
    assert!(!bench.read("out.sarif").contains("\"ruleId\": \"ingest_auth.insecure_transport\""));
    bench.plumb(&["verify", "last"]).expect(0);
}
