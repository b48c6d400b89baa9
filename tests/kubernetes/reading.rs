//! `plumb` reads what the operator stored: the store is one for both.

use testkit::postgres::{Database, PASSWORD};
use tests::plumb::Bench;

use crate::cluster::eventually;
use crate::operator::Installation;

/// Reads two runs of one target, the first red with four findings, the second green.
pub fn read_back(installation: &Installation, red: &str, green: &str) {
    let bench = Bench::new();
    let store = installation.store();
    let plumb = |words: &[&str]| bench.plumb(&[words, &["--store", &store]].concat());

    let target = plumb(&["runs", "show", green]).expect(0).json()["target"].clone();
    let target = target.as_str().unwrap();
    let list = plumb(&["runs", "list", "--target", target, "--json"]).expect(0).stdout;
    let list: Vec<serde_json::Value> =
        list.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (id, status, posture, risk) in [(red, "FAIL", "red", 69), (green, "PASS", "green", 0)] {
        let run = list.iter().find(|run| run["id"] == id).unwrap_or_else(|| panic!("{list:#?}"));
        assert_eq!(run["status"], status, "{run}");
        assert_eq!(run["posture"], posture, "{run}");
        assert_eq!(run["risk_score"], risk, "{run}");
    }
    let shown = plumb(&["runs", "show", green]).expect(0).json();
    assert_eq!(shown["delta"]["counts"]["improved"], 4, "{shown:#}");
    // What people read says the same.
    let table = plumb(&["runs", "list", "--target", target]).expect(0).stdout;
    let row = table.lines().find(|line| line.starts_with(red)).unwrap();
    assert!(row.contains("FAIL") && row.contains("red") && row.ends_with("69"), "{row}");

    let diff = plumb(&["diff", red, green]).expect(0).stdout;
    assert!(diff.starts_with("4 improved, 0 regressed"), "{diff}");
    assert_eq!(diff.lines().filter(|line| line.contains("fail -> pass")).count(), 4, "{diff}");
    let back = plumb(&["diff", green, red]).expect(1).stdout;
    assert!(back.contains("4 regressed"), "{back}");

    report(&plumb, &bench, red);
    for run in [red, green] {
        let verified = plumb(&["verify", run]).expect(0).stdout;
        assert!(verified.contains(&format!("{run}: ")) && verified.contains("hold"), "{verified}");
    }

    let alerts = plumb(&["alerts", "--target", target]).expect(0);
    assert!(alerts.stderr.contains("no alerts"), "{alerts:?}");

    refusals(&bench, &store, red);
}

/// The five formats of the red run, each with its four findings.
fn report(plumb: &dyn Fn(&[&str]) -> tests::plumb::Ended, bench: &Bench, red: &str) {
    const FINDING: &str = "ingest_auth.unauthenticated_ingest_allowed";
    let mut words = vec!["report", red];
    let files =
        ["html", "md", "json", "csv", "sarif"].map(|format| format!("{format}=run.{format}"));
    files.iter().for_each(|file| words.extend(["-o", file]));
    plumb(&words).expect(0);
    for format in ["html", "md", "json", "csv", "sarif"] {
        let text = bench.read(&format!("run.{format}"));
        assert!(text.contains(FINDING), "{format} does not name {FINDING}");
        assert!(!text.contains(PASSWORD), "{format} holds the store's password");
    }
    let json: serde_json::Value = serde_json::from_str(&bench.read("run.json")).unwrap();
    assert_eq!(json["record"]["id"], red);
    assert_eq!(json["record"]["assessment"]["findings"].as_array().unwrap().len(), 4);
    let sarif: serde_json::Value = serde_json::from_str(&bench.read("run.sarif")).unwrap();
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 4);
    assert!(bench.read("run.html").contains(red) && bench.read("run.md").contains("69"));
    // A report can be verified without the store.
    bench.plumb(&["verify", "run.json"]).expect(0);
    bench.plumb(&["verify", "run.html"]).expect(0);
}

/// What cannot be read is refused with one sentence, and without the password.
fn refusals(bench: &Bench, store: &str, run: &str) {
    let refused = |words: &[&str], store: &str, sentence: &str| {
        let ended = bench.plumb(&[words, &["--store", store]].concat()).expect(2);
        assert!(ended.stderr.contains(sentence), "{words:?}: {}", ended.stderr);
        assert!(ended.stdout.is_empty(), "{words:?}: {}", ended.stdout);
        for secret in [PASSWORD, "hunter2"] {
            assert!(!ended.stderr.contains(secret), "{words:?}: {}", ended.stderr);
        }
    };
    let unknown = "01980000000000000000000000";
    for words in [
        &["runs", "show", unknown][..],
        &["report", unknown, "-o", "md=-"],
        &["diff", run, unknown],
        &["verify", unknown],
    ] {
        refused(words, store, "not found in postgres://");
    }
    let wrong = store.replace(PASSWORD, "hunter2");
    for words in [&["runs", "list"][..], &["alerts"], &["verify", run]] {
        refused(words, &wrong, "cannot be reached: ");
    }
    // A database that nothing was stored in yet, and one that a newer program wrote.
    let other = Database::create().unwrap();
    refused(&["runs", "list"], &other.url(), "has schema 0, and this program needs ");
    refused(&["runs", "baseline", unknown], &other.url(), "not found in ");
    bench.plumb(&["runs", "list", "--store", &other.url()]).expect(0);
    sessions_were_ended(&other);
    other
        .sql(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (9999, 'of tomorrow', true, '', 0)",
        )
        .unwrap();
    for words in [&["runs", "list"][..], &["runs", "baseline", unknown]] {
        refused(words, &other.url(), "has schema 9999, and this program (");
    }
}

/// A client that goes without a word leaves a complaint in its server's log.
fn sessions_were_ended(database: &Database) {
    let count = |sql: &str| database.sql(sql).unwrap();
    eventually("the sessions of plumb to be over", || {
        let open = "SELECT count(*) FROM pg_stat_activity \
                    WHERE datname = current_database() AND application_name = 'plumbline'";
        (count(open) == "0").then_some(())
    });
    let lost = "SELECT sessions_abandoned FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(count(lost), "0");
}
