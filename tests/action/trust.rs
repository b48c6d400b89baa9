//! A pull request cannot grade itself.

use serde_json::Value;
use tests::github::GitHub;

use crate::fixture::{HARDENED, TARGET, anonymous, change, open_pull, pull, repository};

/// The same change that lets everybody in, with something beside it that would hide it.
fn fails_with(beside: &[(&str, &str)]) -> String {
    let github = GitHub::start();
    let checkout = repository(HARDENED);
    let number = open_pull(&github, "sly");
    let (base, head) = change(&checkout, |c| {
        c.write("conf/mosquitto.conf", &anonymous());
        for (path, text) in beside {
            c.write(path, text);
        }
    });
    let event = pull(number, "opened", &base, &head);
    let ran = checkout.pull(&github.api, &github.writing(), &event).run().expect(1);
    assert!(ran.output("failed-reason").contains("brings 1 finding"), "{}", ran.summary);
    ran.summary
}

#[test]
fn its_own_exception_waives_nothing_and_is_shown() {
    let waived = format!(
        "{TARGET}---
apiVersion: plumbline.dev/v1alpha1
kind: AuditException
metadata: {{name: mine}}
spec:
  issueKeys: [gateway_config_guardrails.anonymous_allowed]
  reason: because
  approvedBy: me
  expiresAt: {}
",
        jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24)
    );
    let said = fails_with(&[("plumbline.yaml", &waived)]);
    assert!(said.contains("adds or changes 1"), "{said}");
    assert!(said.contains("1 finding would be waived on merge"), "{said}");
}

#[test]
fn its_own_severity_counts_from_the_merge_on() {
    let softened = format!(
        "{TARGET}  checks:
  - id: gateway_config_guardrails
    severityOverrides: {{gateway_config_guardrails.anonymous_allowed: info}}
"
    );
    let said = fails_with(&[("plumbline.yaml", &softened)]);
    assert!(said.contains("apply when this is merged"), "{said}");
}

#[test]
fn attributes_that_would_hide_a_file_from_git_hide_nothing() {
    fails_with(&[(".gitattributes", "conf/** export-ignore\n*.conf -diff filter=none\n")]);
}

#[test]
fn a_link_out_of_the_repository_is_not_followed() {
    let github = GitHub::start();
    let checkout = repository(HARDENED);
    let number = open_pull(&github, "link");
    let (base, head) = change(&checkout, |c| {
        let conf = c.root().join("conf/mosquitto.conf");
        std::fs::remove_file(&conf).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", &conf).unwrap();
    });
    let event = pull(number, "opened", &base, &head);
    let ran = checkout.pull(&github.api, &github.writing(), &event).run();
    assert_ne!(ran.ended.code, Some(0), "{}", ran.summary);
    let all = format!("{}{}{}", ran.summary, ran.ended.stderr, ran.ended.stdout);
    assert!(!all.contains("root:"), "{all}");
    assert!(ran.ended.stderr.contains("leads out of the repository"), "{}", ran.ended.stderr);
    let up = TARGET.replace("conf/mosquitto.conf", "../../../etc/passwd");
    let (base, head) = change(&checkout, |c| c.write("plumbline.yaml", &up));
    let event = pull(number, "opened", &base, &head);
    let ran = checkout.pull(&github.api, &github.writing(), &event).run().expect(2);
    assert!(ran.ended.stderr.contains("leads out of the repository"), "{}", ran.ended.stderr);
}

#[test]
fn a_configuration_that_can_no_longer_be_read_is_no_way_out() {
    let github = GitHub::start();
    let checkout = repository(HARDENED);
    let number = open_pull(&github, "gone");
    let (base, head) =
        change(&checkout, |c| std::fs::remove_file(c.root().join("conf/mosquitto.conf")).unwrap());
    let event = pull(number, "opened", &base, &head);
    let ran = checkout.pull(&github.api, &github.writing(), &event).run().expect(1);
    assert!(ran.output("failed-reason").contains("cannot be judged any more"), "{}", ran.summary);
}

#[test]
fn a_rule_that_it_weakens_judges_it_as_it_was() {
    const RULE: &str = "gateway_config_guardrails/own_anonymous.yaml";
    let built_in = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../rules/plumbline/gateway_config_guardrails/anonymous_allowed.yaml"
    );
    let own = std::fs::read_to_string(built_in).unwrap().replace(
        "id: gateway_config_guardrails.anonymous_allowed",
        "id: gateway_config_guardrails.own_anonymous",
    );
    let github = GitHub::start();
    let checkout = repository(HARDENED);
    checkout.write("compliance/pack.yaml", "id: own\nversion: 1.0.0\ntitle: Our own rules\n");
    checkout.write(&format!("compliance/{RULE}"), &own);
    checkout.commit();
    let number = open_pull(&github, "weaker");
    let fails = "fail_when: evidence.auth.anonymous.exists(o, o.reach != \"loopback\")";
    let weaker = own.replace("severity: high", "severity: low");
    assert!(own.contains(fails) && weaker != own);
    let (base, head) = change(&checkout, |c| {
        c.write("conf/mosquitto.conf", &anonymous());
        c.write(&format!("compliance/{RULE}"), &weaker);
    });
    let event = pull(number, "opened", &base, &head);
    let run = |trust: &str| {
        checkout
            .pull(&github.api, &github.writing(), &event)
            .with("PLUMBLINE_RULES", "compliance")
            .with("PLUMBLINE_TRUST_HEAD", trust)
            .run()
            .expect(1)
    };
    let ran = run("false");
    assert_eq!(ran.output("failed-reason"), "the change brings 2 findings of high or above");
    assert!(ran.summary.contains("changes the rules"), "{}", ran.summary);
    assert_eq!(run("true").output("failed-reason"), "the change brings 1 finding of high or above");
}

#[test]
fn a_file_that_is_not_declared_any_more_is_judged_once_more() {
    let another = TARGET.replace("conf/mosquitto.conf", "conf/other.conf");
    let another = another.replace("name: main", "name: other");
    for (target, other) in [
        // Under another name, and not at all.
        (TARGET.replace("name: main", "name: renamed"), None),
        (another, Some(HARDENED)),
        (TARGET.replace("metadata: {name: edge}", "metadata: {name: gateway}"), None),
    ] {
        let mut beside = vec![("plumbline.yaml", target.as_str())];
        beside.extend(other.map(|text| ("conf/other.conf", text)));
        let github = GitHub::start();
        let checkout = repository(HARDENED);
        let number = open_pull(&github, "hidden");
        let (base, head) = change(&checkout, |c| {
            c.write("conf/mosquitto.conf", &anonymous());
            for (path, text) in &beside {
                c.write(path, text);
            }
        });
        let event = pull(number, "opened", &base, &head);
        let ran = checkout.pull(&github.api, &github.writing(), &event).run().expect(1);
        assert!(ran.output("failed-reason").contains("the change brings"), "{}", ran.summary);
        // The same without the weaker file is no matter.
        let (base, head) = change(&checkout, |c| {
            for (path, text) in &beside {
                c.write(path, text);
            }
        });
        let event = pull(number, "synchronize", &base, &head);
        checkout.pull(&github.api, &github.writing(), &event).run().expect(0);
    }
}

#[test]
fn a_part_that_goes_with_its_declaration_may_go() {
    let github = GitHub::start();
    let checkout = repository(HARDENED);
    checkout.write("conf/old.conf", HARDENED);
    let two = format!("{TARGET}  - {{name: old, format: mosquitto, path: conf/old.conf}}\n");
    checkout.write("plumbline.yaml", &two);
    checkout.commit();
    let number = open_pull(&github, "retire");
    let (base, head) = change(&checkout, |c| {
        std::fs::remove_file(c.root().join("conf/old.conf")).unwrap();
        c.write("plumbline.yaml", TARGET);
    });
    let event = pull(number, "opened", &base, &head);
    checkout.pull(&github.api, &github.writing(), &event).run().expect(0);
}

/// A workflow of one job, whose step has these inputs.
fn workflow(inputs: &str) -> String {
    format!(
        "name: Plumbline\non: pull_request\njobs:\n  audit:\n    runs-on: ubuntu-24.04\n    steps:\n      \
         - uses: actions/checkout@v1\n      - uses: plumbline/plumbline@v1\n        with: {inputs}\n"
    )
}

#[test]
fn its_own_workflow_decides_nothing_before_it_is_merged() {
    const FILE: &str = ".github/workflows/audit.yml";
    let run = |base: &str, head: &str, inputs: &[(&str, &str)], code| {
        let github = GitHub::start();
        let checkout = repository(HARDENED);
        checkout.write(FILE, &workflow(base));
        checkout.commit();
        let number = open_pull(&github, "gate");
        let (base, head) = change(&checkout, |c| {
            c.write("conf/mosquitto.conf", &anonymous());
            c.write("none.yaml", TARGET.replace("conf/mosquitto.conf", "none.conf").as_str());
            c.write("none.conf", HARDENED);
            c.write(FILE, &workflow(head));
        });
        let event = pull(number, "opened", &base, &head);
        let mut run = checkout
            .pull(&github.api, &github.writing(), &event)
            .with("GITHUB_WORKFLOW_REF", &format!("acme/gateway/{FILE}@refs/pull/{number}/merge"))
            .with("GITHUB_JOB", "audit");
        // What GitHub gives is what the pull request has.
        for (name, value) in inputs {
            run = run.with(name, value);
        }
        let ran = run.run().expect(code);
        let comments = github.upstream("GET", &format!("/issues/{number}/comments"), Value::Null);
        let said = comments[0]["body"].as_str().unwrap_or_default().to_owned();
        (ran.summary, said)
    };
    // A gate that is taken away, another document, and a pull request that trusts itself.
    for (head, inputs) in [
        ("{fail-on: never}", &[("PLUMBLINE_FAIL_ON", "never")][..]),
        ("{targets: none.yaml}", &[("PLUMBLINE_TARGETS", "none.yaml")]),
        ("{trust-head: true}", &[("PLUMBLINE_TRUST_HEAD", "true")]),
        (
            "{fail-on: never, trust-head: true, targets: none.yaml}",
            &[
                ("PLUMBLINE_FAIL_ON", "never"),
                ("PLUMBLINE_TRUST_HEAD", "true"),
                ("PLUMBLINE_TARGETS", "none.yaml"),
            ],
        ),
    ] {
        let (summary, comment) = run("{}", head, inputs, 1);
        for text in [summary.replace('\\', ""), comment.replace('\\', "")] {
            assert!(text.contains("the change brings 1 finding"), "{head}: {text}");
            let waits = format!("other inputs in {FILE} apply when this is merged");
            assert!(text.contains(&waits), "{head}: {text}");
        }
    }
    // The base may leave it to the pull request; and what does not change is not spoken of.
    run(
        "{trust-head: true}",
        "{trust-head: true, fail-on: never}",
        &[("PLUMBLINE_FAIL_ON", "never")],
        0,
    );
    let never = &[("PLUMBLINE_FAIL_ON", "never")];
    let (summary, _) = run("{fail-on: never}", "{fail-on: never}", never, 0);
    assert!(!summary.contains("other inputs"), "{summary}");
    // A workflow of another name takes the place of the one that the base has.
    let github = GitHub::start();
    let checkout = repository(HARDENED);
    checkout.write(FILE, &workflow("{fail-on: high}"));
    checkout
        .write(".github/workflows/build.yml", "on: push\njobs: {build: {steps: [{run: make}]}}\n");
    checkout.commit();
    let (base, head) = change(&checkout, |c| {
        c.write("conf/mosquitto.conf", &anonymous());
        std::fs::remove_file(c.root().join(FILE)).unwrap();
        c.write(".github/workflows/other.yml", &workflow("{fail-on: never}"));
    });
    let event = pull(open_pull(&github, "renamed"), "opened", &base, &head);
    let run_of = checkout.pull(&github.api, &github.writing(), &event);
    let place = "acme/gateway/.github/workflows/other.yml@refs/pull/1/merge";
    let run_of = run_of.with("GITHUB_WORKFLOW_REF", place).with("GITHUB_JOB", "audit");
    let ran = run_of.with("PLUMBLINE_FAIL_ON", "never").run().expect(1);
    assert!(ran.summary.contains("is merged: fail-on"), "{}", ran.summary);
    // One beside the base's is new, and its own.
    checkout.write(FILE, &workflow("{fail-on: high}"));
    let head = checkout.commit();
    let event = pull(8, "synchronize", &base, &head);
    let run_of = checkout.pull(&github.api, &github.reading(), &event);
    let run_of = run_of.with("GITHUB_WORKFLOW_REF", place).with("GITHUB_JOB", "audit");
    let ran = run_of.with("PLUMBLINE_FAIL_ON", "never").run().expect(0);
    assert!(!ran.summary.contains("other inputs"), "{}", ran.summary);
    // An expression is nobody's to know.
    let (summary, _) = run("{fail-on: '${{ vars.GATE }}'}", "{fail-on: never}", never, 0);
    assert!(summary.contains("apply already"), "{summary}");
}
