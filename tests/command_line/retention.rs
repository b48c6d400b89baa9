//! `plumb runs prune`: what was kept long enough goes, and what is left still verifies.

use store::{OpenMode, Store, StoreUrl};
use tests::plumb::Bench;

const STORE: &str = "sqlite:plumbline-demo/runs.db";

fn runs(bench: &Bench) -> usize {
    bench.plumb(&["runs", "list", "--json", "--store", STORE]).expect(0).stdout.lines().count()
}

fn prune(bench: &Bench, arguments: &[&str]) -> String {
    let command = ["runs", "prune", "--store", STORE];
    bench.plumb(&[&command[..], arguments].concat()).expect(0).stdout
}

/// As if every run had begun so many days earlier.
fn age(bench: &Bench, sql: &str) {
    let url = StoreUrl::sqlite(bench.path("plumbline-demo/runs.db"));
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let store = Store::open(&url, OpenMode::ReadWrite).await.unwrap();
        store.tamper(sql).await.unwrap();
        store.close().await;
    });
}

#[test]
fn old_runs_go_and_what_is_left_still_verifies() {
    let bench = Bench::new();
    bench.plumb(&["demo"]).expect(0);
    assert_eq!(runs(&bench), 2);
    assert!(prune(&bench, &["--older-than", "1"]).starts_with("0 runs and 0 evidence documents"));

    // The first run is the baseline, and findings and certificates speak of it: it stays.
    let early = "UPDATE runs SET started_at = '2020' || substr(started_at, 5)";
    age(&bench, early);
    assert!(prune(&bench, &["--older-than", "1", "--keep", "1"]).starts_with("0 runs"));
    // Nothing speaks of it any more.
    age(
        &bench,
        "DELETE FROM baselines; DELETE FROM finding_events; DELETE FROM findings; \
         DELETE FROM certificates; DELETE FROM outbox",
    );
    let asked = ["--older-than", "1", "--keep", "1", "--dry-run"];
    let told = prune(&bench, &asked);
    assert!(told.starts_with("1 run and ") && told.contains("would be removed"), "{told}");
    assert_eq!(runs(&bench), 2);
    let elsewhere = prune(&bench, &["--older-than", "1", "--keep", "1", "--target", "nobody"]);
    assert!(elsewhere.starts_with("0 runs"), "{elsewhere}");
    let done = prune(&bench, &asked[..4]);
    assert_eq!(done, told.replace("would be removed", "removed"));
    assert_eq!(runs(&bench), 1);
    bench.plumb(&["verify", "last", "--store", STORE]).expect(0);
    bench.plumb(&["report", "last", "-o", "html=after.html", "--store", STORE]).expect(0);
}

#[test]
fn a_term_of_no_days_is_refused() {
    let bench = Bench::new();
    let refused = bench.plumb(&["runs", "prune", "--older-than", "0", "--store", STORE]).expect(2);
    assert!(refused.stderr.contains("1..=36500"), "{}", refused.stderr);
}
