//! Stores of older schemas, with data in them.
//!
//! For every migration there is `migrations/samples/NNNN.sql`: rows as a program of that schema
//! wrote them, never touched again. Each must still be readable after all later migrations.

use model::Verdict;
use model::alert::{Alert, RegressionAlert};
use model::run::RunState;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::sample;
use crate::open::{postgres, sqlite};
use crate::url::Address;
use crate::{FindingEventKind, FindingState, Store, StoreUrl};

/// Version of a schema, and rows of that time. A new migration needs new rows: the ignored test
/// `write_the_sample_of_the_newest_schema` makes them.
const SAMPLES: [(i64, &str); 2] = [
    (1, include_str!("../../migrations/samples/0001.sql")),
    (2, include_str!("../../migrations/samples/0002.sql")),
];

/// Every schema that a store may have, the oldest first. Fails where a migration has no sample or
/// one backend lacks it.
pub fn versions() -> Vec<i64> {
    let samples: Vec<_> = SAMPLES.iter().map(|(version, _)| *version).collect();
    for migrations in [&sqlite::MIGRATIONS, &postgres::MIGRATIONS] {
        let known: Vec<_> = migrations.iter().map(|migration| migration.version).collect();
        assert_eq!(known, samples, "every migration needs both backends and a sample");
    }
    samples
}

/// Creates a store as a program of that schema left it.
pub async fn create_old(url: &StoreUrl, version: i64) {
    let (_, rows) = SAMPLES.iter().find(|(sample, _)| *sample == version).unwrap();
    match url.address() {
        Address::Sqlite(path) => {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
            let mut connection = options.create_if_missing(true).connect().await.unwrap();
            let migrated = sqlite::MIGRATIONS.run_direct(Some(version), &mut connection, false);
            migrated.await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(*rows)).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
        Address::Postgres(options) => {
            let mut connection = options.connect().await.unwrap();
            let migrated = postgres::MIGRATIONS.run_direct(Some(version), &mut connection, false);
            migrated.await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(*rows)).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
    }
}

/// Fills a store with something of everything: what the samples are made of.
pub async fn write_all(store: &Store) {
    let open = sample::control(sample::OPEN_INGEST, Verdict::Fail);
    let first = sample::run(store, "edge", 0, vec![open]).await;
    store.set_baseline(&first.id, "first audit", sample::at(2)).await.unwrap();

    let record = sample::running("edge", 10);
    store.begin(&record, &sample::elsewhere(sample::at(20))).await.unwrap();
    let document = sample::evidence(&record, &sample::ingest(), "denied");
    store.append_evidence(&record.id, &document).await.unwrap();
    let chain = Some((first.integrity.map(|integrity| integrity.manifest), 2));
    let controls = vec![sample::control(sample::OPEN_INGEST, Verdict::Pass)];
    let mut record = sample::complete(&record, &[document], controls, chain);
    record.alerts.push(Alert::Regression(RegressionAlert {
        target: record.target.clone(),
        rule: sample::rule(sample::GUARDRAIL),
        subject: sample::ingest(),
        severity: model::Severity::High,
        title: "Authentication is switched off".to_owned(),
        before: None,
        after: None,
    }));
    let exceptions = [sample::exception("accepted")];
    store.finish(&record, &exceptions, &[sample::certificate("CN=a")]).await.unwrap();

    let running = sample::running("edge", 20);
    store.begin(&running, &sample::elsewhere(sample::at(30))).await.unwrap();
    let document = sample::evidence(&running, &sample::ingest(), "accepted");
    store.append_evidence(&running.id, &document).await.unwrap();
}

/// Reads everything that [`write_all`] wrote, whichever schema it was written under.
pub async fn read_all(store: &Store, version: i64) {
    let target = sample::target("edge");
    let now = sample::at(100);
    let runs = store.runs(&crate::RunFilter::default(), now).await.unwrap();
    let states: Vec<_> = runs.iter().map(|run| run.state).collect();
    let expected = [RunState::Interrupted, RunState::Complete, RunState::Complete];
    assert_eq!(states, expected, "schema {version}");
    for run in &runs {
        let bundle = store.bundle(&run.id, true, now).await.unwrap();
        assert_eq!(bundle.evidence.len(), 1, "schema {version}");
        assert_eq!(bundle.exceptions.len(), usize::from(run.id == runs[1].id));
    }
    let findings = store.findings(&target).await.unwrap();
    assert_eq!(findings.iter().map(|it| it.state).collect::<Vec<_>>(), [FindingState::Resolved]);
    let history = store.finding_history(&target).await.unwrap();
    let events: Vec<_> = history.iter().map(|event| event.event).collect();
    assert_eq!(events, [FindingEventKind::Opened, FindingEventKind::Resolved]);
    let rule = sample::rule(sample::OPEN_INGEST);
    let points = store.control_history(&target, &rule, &sample::ingest(), 9).await.unwrap();
    assert_eq!(points.iter().map(|it| &*it.verdict).collect::<Vec<_>>(), ["pass", "fail"]);
    assert_eq!(store.baseline(&target).await.unwrap().as_ref(), Some(&runs[2].id));
    assert_eq!(store.chain_head(&target).await.unwrap().unwrap().length, 2);
    assert_eq!(store.outbox(9).await.unwrap().len(), 1);
    assert_eq!(store.certificates(Some(&target)).await.unwrap().len(), 1);
    // What was written then and what is written now live together.
    let open = sample::control(sample::OPEN_INGEST, Verdict::Fail);
    sample::run(store, "edge", 200, vec![open]).await;
    let findings = store.findings(&target).await.unwrap();
    assert_eq!(findings[0].state, FindingState::Open);
}
