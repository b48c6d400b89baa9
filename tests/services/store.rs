//! The store's contract on a real Postgres, and what only a server can do.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::ops::Deref;

use store::contract_suite::{Place, concurrency, migration, sample};
use store::{Keep, OpenMode, Owner, Packed, Store, StoreError, StoreUrl};
use testkit::postgres::{Database, PASSWORD};
use testkit::process::free_port;

struct InDatabase {
    place: Place,
    database: Database,
}

impl Deref for InDatabase {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}

impl InDatabase {
    /// Ends every connection of the store, on the server's side.
    fn cut(&self) {
        self.database
            .sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE datname = current_database() AND application_name = 'plumbline'",
            )
            .unwrap();
    }
}

async fn fresh() -> InDatabase {
    let database = Database::create().unwrap();
    let url: StoreUrl = database.url().parse().unwrap();
    InDatabase { place: Place::create(url).await, database }
}

store::contract_suite!(fresh);

/// Opens the store as a role that may only ingest.
async fn ingest(place: &InDatabase) -> (Store, String) {
    let role = place.database.role("plumbline_ingest").unwrap();
    place.store.grant_ingest(&role).await.unwrap();
    place.store.grant_ingest(&role).await.unwrap();
    let url: StoreUrl = place.database.url_as(&role, PASSWORD).parse().unwrap();
    (Store::open(&url, OpenMode::ReadWrite).await.unwrap(), role)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ingest_role_adds_evidence_and_reads_it_back() {
    let place = fresh().await;
    let (ingest, _) = ingest(&place).await;
    let record = sample::running("edge", 0);
    place.store.begin(&record, &Owner::this_process(sample::at(60))).await.unwrap();
    let document = sample::evidence(&record, &sample::ingest(), "denied");
    let digest = ingest.append_evidence(&record.id, &document).await.unwrap();
    assert_eq!(ingest.append_evidence(&record.id, &document).await.unwrap(), digest);
    let raw = ingest.raw_evidence(&record.id).await.unwrap();
    assert_eq!(raw[0].evidence().unwrap().digest(), digest);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ingest_role_can_change_and_delete_nothing() {
    let place = fresh().await;
    let (ingest, _) = ingest(&place).await;
    let run = sample::run(&place.store, "edge", 0, Vec::new()).await;
    for sql in [
        "UPDATE evidence SET body = '{}'",
        "DELETE FROM evidence",
        "TRUNCATE evidence CASCADE",
        "UPDATE run_evidence SET envelope = '{}'",
        "DELETE FROM run_evidence",
        "UPDATE runs SET state = 'running'",
        "DELETE FROM runs",
        "INSERT INTO baselines (target, run, reason, set_at) \
         SELECT target, id, 'mine', now() FROM runs",
        "DROP TRIGGER evidence_is_insert_only ON evidence",
        "ALTER TABLE evidence DISABLE TRIGGER ALL",
        "CREATE TABLE mine (id INT)",
    ] {
        let refusal = ingest.tamper(sql).await.unwrap_err();
        assert!(matches!(refusal, StoreError::ReadOnly { .. }), "{sql}: {refusal}");
    }
    let bundle = place.store.bundle(&run.id, true, sample::at(5)).await.unwrap();
    assert_eq!(bundle.record, run);
}

/// A user who owns nothing but this database, as an operator has one, and may make roles or not.
async fn owner(database: &Database, may: &str) -> (Store, StoreUrl, String) {
    let name = database.role("owner").unwrap();
    database.sql(&format!("ALTER ROLE {name} {may}")).unwrap();
    database.sql(&format!("GRANT ALL ON SCHEMA public TO {name}")).unwrap();
    let url: StoreUrl = database.url_as(&name, PASSWORD).parse().unwrap();
    (Store::open(&url, OpenMode::ReadWrite).await.unwrap(), url, name)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_may_makes_the_ingest_role_and_acts_as_it() {
    let database = Database::create().unwrap();
    let (own, url, name) = owner(&database, "CREATEROLE").await;
    let role = format!("in_{name}");
    own.make_ingest_role(&role).await.unwrap();
    assert!(Store::open_as(&url, &role).await.is_err(), "it may not even look yet");
    for _ in 0..2 {
        own.make_ingest_role(&role).await.unwrap();
        own.grant_ingest(&role).await.unwrap();
    }
    let ingest = Store::open_as(&url, &role).await.unwrap();
    assert!(ingest.may_ingest().await.unwrap());
    let record = sample::running("edge", 0);
    own.begin(&record, &Owner::this_process(sample::at(60))).await.unwrap();
    let document = sample::evidence(&record, &sample::ingest(), "denied");
    ingest.append_evidence(&record.id, &document).await.unwrap();
    for sql in ["DELETE FROM run_evidence", "UPDATE runs SET state = 'complete'"] {
        let refusal = ingest.tamper(sql).await.unwrap_err();
        assert!(matches!(refusal, StoreError::ReadOnly { .. }), "{sql}: {refusal}");
    }
    let target = sample::target("edge");
    let keep = Keep { since: sample::at(1_000), newest: 1 };
    let refusal = ingest.prune(&target, keep, false).await.unwrap_err();
    assert!(matches!(refusal, StoreError::ReadOnly { .. }), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_may_not_make_roles_is_told_so() {
    let database = Database::create().unwrap();
    let (own, ..) = owner(&database, "NOCREATEROLE").await;
    let refusal = own.make_ingest_role("ingest_of_nobody").await.unwrap_err();
    assert!(matches!(refusal, StoreError::ReadOnly { .. }), "{refusal}");
    let refusal = own.make_ingest_role("x; DROP TABLE runs").await.unwrap_err();
    assert!(refusal.to_string().contains("is no name of a role"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn even_the_owner_cannot_truncate_evidence() {
    let place = fresh().await;
    sample::run(&place.store, "edge", 0, Vec::new()).await;
    let refusal = place.store.tamper("TRUNCATE evidence CASCADE").await.unwrap_err();
    assert!(refusal.to_string().contains("insert-only"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_does_not_exist_cannot_be_granted_anything() {
    let place = fresh().await;
    let hostile = "nobody\"; DROP TABLE outbox; --";
    assert!(place.store.grant_ingest(hostile).await.is_err());
    assert_eq!(place.store.count("SELECT count(*) AS count FROM outbox").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_without_rights_is_told_so() {
    let place = fresh().await;
    let stranger = place.database.role("stranger").unwrap();
    let url: StoreUrl = place.database.url_as(&stranger, PASSWORD).parse().unwrap();
    let refusal = Store::open(&url, OpenMode::ReadWrite).await.unwrap_err();
    assert!(matches!(refusal, StoreError::ReadOnly { .. }), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_be_used_is_named_without_the_password() {
    let database = Database::create().unwrap();
    let nobody_listens = format!("postgres://plumb:hunter2@127.0.0.1:{}/x", free_port());
    let wrong_password = database.url().replace(PASSWORD, "hunter2");
    let no_database = database.url_as("plumb", PASSWORD) + "_missing";
    for (text, place) in [
        (nobody_listens, "127.0.0.1"),
        (wrong_password, "postgres://plumb@127.0.0.1"),
        (no_database, "_missing"),
    ] {
        let url: StoreUrl = text.parse().unwrap();
        let error = Store::open(&url, OpenMode::ReadWrite).await.unwrap_err();
        let told = format!("{error} {error:?} {url} {url:?}");
        assert!(matches!(error, StoreError::Unreachable { .. }), "{told}");
        assert!(told.contains(place), "{told}");
        assert!(!told.contains("hunter2") && !told.contains(PASSWORD), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_database_opened_for_reading_is_left_empty() {
    let database = Database::create().unwrap();
    let url: StoreUrl = database.url().parse().unwrap();
    let error = Store::open(&url, OpenMode::ReadOnly).await.unwrap_err();
    assert!(matches!(error, StoreError::OlderSchema { found: 0, .. }), "{error}");
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(database.sql(tables).unwrap(), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_programs_may_open_an_empty_database_at_once() {
    let database = Database::create().unwrap();
    let url: StoreUrl = database.url().parse().unwrap();
    concurrency::open_at_once(&url, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_every_older_schema_opens_with_its_data() {
    for version in migration::versions() {
        let database = Database::create().unwrap();
        let url: StoreUrl = database.url().parse().unwrap();
        migration::create_old(&url, version).await;
        let store = Store::open(&url, OpenMode::ReadWrite).await.unwrap();
        migration::read_all(&store, version).await;
    }
}

/// Asks until a count is one.
fn until_one(database: &Database, count: &str) {
    for _ in 0..1_000 {
        if database.sql(count).unwrap() == "1" {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    panic!("never one: {count}");
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_that_meets_a_finish_waits_and_comes_too_late() {
    let place = fresh().await;
    let record = sample::running("edge", 0);
    place.store.begin(&record, &sample::elsewhere(sample::at(60))).await.unwrap();
    // Somebody finishes the run, as far as its locks go.
    let mut finishing = place.database.session().unwrap();
    finishing.send("BEGIN; SELECT id FROM runs FOR UPDATE;").unwrap();
    let store = place.store.clone();
    let late = sample::evidence(&record, &sample::ingest(), "denied");
    let run = record.id.clone();
    let locked = "SELECT count(*) FROM pg_locks \
                  WHERE relation = 'runs'::regclass AND mode = 'RowShareLock' AND granted";
    until_one(&place.database, locked);
    let appending = tokio::spawn(async move { store.append_evidence(&run, &late).await });
    let waiting = "SELECT count(*) FROM pg_stat_activity \
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until_one(&place.database, waiting);
    finishing.send("UPDATE runs SET state = 'complete'; COMMIT;").unwrap();
    let refusal = appending.await.unwrap().unwrap_err();
    assert!(matches!(refusal, StoreError::Conflict { .. }), "{refusal}");
    assert_eq!(place.store.count("SELECT count(*) AS count FROM evidence").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_connections_are_made_again() {
    let place = fresh().await;
    let run = sample::run(&place.store, "edge", 0, Vec::new()).await;
    place.cut();
    assert_eq!(place.store.run(&run.id.0, sample::at(5)).await.unwrap(), run);
}

/// An appender finds out by its documents, which are stored by another connection then.
#[tokio::test(flavor = "multi_thread")]
async fn an_appender_that_lost_its_connection_takes_another() {
    let place = fresh().await;
    let record = sample::running("edge", 0);
    place.store.begin(&record, &sample::elsewhere(sample::at(60))).await.unwrap();
    let packed = |endpoint: &str| {
        let subject = model::Subject::endpoint(endpoint);
        Packed::of(&record.id, &sample::evidence(&record, &subject, "denied")).unwrap()
    };
    let mut appender = place.store.appender();
    appender.append(&[packed("one")]).await.unwrap();
    place.cut();
    appender.append(&[packed("two")]).await.unwrap_err();
    appender.append(&[packed("two"), packed("three")]).await.unwrap();
    assert_eq!(place.store.raw_evidence(&record.id).await.unwrap().len(), 3);
}
