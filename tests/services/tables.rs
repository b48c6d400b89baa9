//! Device certificates in a real Postgres: what is read, what is told, and what never is.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use model::document::{DeviceCertificates, DeviceTable};
use model::evidence::{Evidence, Item};
use serde_json::json;
use testkit::evidence::value;
use testkit::peer::{Peer, Script};
use testkit::pki::{Authority, Leaf};
use testkit::postgres::{Database, PASSWORD};
use tests::plumb::{Bench, Ended};

use super::certificates::{Place, failing};

/// A database, a folder with its address, and the table that a target declares.
struct Fleet {
    database: Database,
    place: Place,
    table: DeviceTable,
}

impl Fleet {
    fn new(authority: &Authority, columns: &str) -> Self {
        let database = Database::create().unwrap();
        database.sql(&format!("CREATE TABLE devices ({columns})")).unwrap();
        let place = Place::trusting(&authority.pem());
        place.put("address", &database.url());
        let table = DeviceTable::new("devices", "id", "certificate");
        Self { database, place, table }
    }

    fn insert(&self, device: &str, certificate: &str) {
        let statement = format!("INSERT INTO devices VALUES ({device}, {certificate})");
        self.database.sql(&statement).unwrap();
    }

    async fn look(&self) -> Evidence {
        let certificates = DeviceCertificates {
            name: "fleet".to_owned(),
            path: Some("address".to_owned()),
            table: Some(self.table.clone()),
            ..DeviceCertificates::default()
        };
        let evidence = self.place.set(certificates).await;
        // The address is a secret in every outcome.
        let text = serde_json::to_string(&evidence).unwrap() + &format!("{evidence:?}");
        assert!(!text.contains(PASSWORD) && !text.contains("127.0.0.1"), "{text}");
        evidence
    }

    /// The set as it is counted, or how it was not.
    async fn counted(&self) -> Item<serde_json::Value> {
        self.look().await.item("/set/certificates").unwrap().clone()
    }
}

fn pem(authority: &Authority, name: &str) -> String {
    format!("'{}'", authority.issue(&Leaf::device(name)).cert_pem)
}

#[tokio::test]
async fn a_table_is_a_set_and_its_own_inventory() {
    let authority = Authority::new("Devices");
    let mut fleet = Fleet::new(&authority, "id text, certificate text, \"Site\" text");
    fleet.table.cohort = Some("Site".to_owned());
    for (device, site) in
        [("d-3", "'north'"), ("d-1", "'north'"), ("d-2", "'south'"), ("d-4", "NULL")]
    {
        let certificate = format!("{}, {site}", pem(&authority, device));
        fleet.insert(&format!("'{device}'"), &certificate);
    }
    let evidence = fleet.look().await;
    assert_eq!(value(&evidence, "/set/source"), json!("table devices of address"));
    assert_eq!(value(&evidence, "/set/certificates"), json!(4));
    assert_eq!(value(&evidence, "/inventory/devices"), json!(4));
    assert_eq!(value(&evidence, "/binding/unbound/count"), json!(0));
    assert_eq!(value(&evidence, "/binding/missing/count"), json!(0));
    let groups = value(&evidence, "/groups");
    let named = |place: usize| (groups[place]["name"].clone(), groups[place]["devices"].clone());
    assert_eq!(named(0), (json!("north"), json!(2)));
    assert_eq!(named(1), (json!("south"), json!(1)));
    assert_eq!(groups.as_array().unwrap().len(), 2);
    assert_eq!(failing(&evidence), [""; 0]);
    // Rows come in any order; the evidence has one.
    fleet.database.sql("UPDATE devices SET id = id WHERE id IN ('d-3', 'd-2')").unwrap();
    assert_eq!(fleet.look().await.digest(), evidence.digest());
}

#[tokio::test]
async fn a_table_says_who_logs_in_with_one_user_name_as_a_csv_does() {
    let authority = Authority::new("Devices");
    let mut fleet = Fleet::new(&authority, "id text, certificate text, login varchar(40)");
    for (device, login) in [
        ("d-1", "'line-7'"),
        ("d-2", "' line-7 '"),
        ("d-3", "'Line-7'"),
        ("d-4", "''"),
        ("d-5", "NULL"),
    ] {
        fleet.insert(&format!("'{device}'"), &format!("{}, {login}", pem(&authority, device)));
    }
    let evidence = fleet.look().await;
    assert_eq!(value(&evidence, "/credentials/shared/count"), json!(0), "no column is declared");
    fleet.table.username = Some("login".to_owned());
    let evidence = fleet.look().await;
    assert_eq!(value(&evidence, "/credentials/devices"), json!(5), "each has a certificate");
    assert_eq!(
        value(&evidence, "/credentials/shared/sample"),
        json!([{"shown": "user_name", "count": 2, "devices": ["d-1", "d-2"]}])
    );
    assert_eq!(failing(&evidence), ["shared_fleet_credential"]);
    let text = serde_json::to_string(&evidence).unwrap().to_lowercase();
    assert!(!text.contains("line-7"), "user names stay in the table: {text}");
    fleet.table.username = Some("user".to_owned());
    let lacks = "the table `devices` lacks one of the declared columns `id`, `certificate`, `user`";
    assert_eq!(fleet.counted().await, Item::error(lacks));
}

#[tokio::test]
async fn rows_in_another_order_are_the_same_evidence() {
    let authority = Authority::new("Devices");
    let mut fleet = Fleet::new(&authority, "id text, certificate text, site text");
    fleet.table.cohort = Some("site".to_owned());
    let (one, other) = (pem(&authority, "one"), pem(&authority, "other"));
    let mut rows: Vec<_> = ["d-7", "d-1", "e-5", "e-3", "e-9", "f-2", "f-1", "g-4"]
        .map(|id| (id, &one, "'east'"))
        .into();
    rows.extend(["d-6", "d-2", "d-4"].map(|id| (id, &other, "'west'")));
    let broken = "'no certificate'".to_owned();
    rows.extend([("d-9", &broken, "NULL"), ("d-8", &broken, "'east'")]);
    let mut seen = Vec::new();
    for _ in 0..2 {
        for (device, certificate, site) in &rows {
            fleet.insert(&format!("'{device}'"), &format!("{certificate}, {site}"));
        }
        seen.push(fleet.look().await.stable);
        fleet.database.sql("TRUNCATE devices").unwrap();
        rows.reverse();
    }
    assert_eq!(seen[0]["/keys/shared/devices"], Item::observed(json!(11)));
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn der_in_bytea_and_ids_of_any_type_are_read_from_a_view_in_a_schema() {
    let authority = Authority::new("Devices");
    let mut fleet = Fleet::new(&authority, "id int, certificate bytea");
    let der = authority.issue(&Leaf::device("seven")).cert_der;
    let hex: String = der.iter().map(|byte| format!("{byte:02x}")).collect();
    fleet.insert("7", &format!("'\\x{hex}'"));
    let view = "CREATE SCHEMA \"PKI; x\"; CREATE VIEW \"PKI; x\".\"in \"\"use\"\"\" AS SELECT * FROM devices";
    fleet.database.sql(view).unwrap();
    fleet.table.schema = Some("PKI; x".to_owned());
    fleet.table.name = "in \"use\"".to_owned();
    assert_eq!(fleet.counted().await, Item::observed(json!(1)));
}

#[tokio::test]
async fn rows_that_hold_no_certificate_are_told_by_their_device() {
    let authority = Authority::new("Devices");
    let fleet = Fleet::new(&authority, "id text, certificate text");
    fleet.insert("'good'", &pem(&authority, "good"));
    fleet.insert("'broken'", "'-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----'");
    fleet.insert("'huge'", "repeat('x', 10485760)");
    fleet.insert("'bare'", "NULL");
    fleet.insert("NULL", &pem(&authority, "nobody"));
    let junk = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----";
    fleet.insert("'junk'", &format!("'{junk}'"));
    let evidence = fleet.look().await;
    assert_eq!(value(&evidence, "/set/certificates"), json!(1));
    let place = "table devices of address";
    let told = value(&evidence, "/inventory/bad_rows/sample");
    assert_eq!(
        told,
        json!([
            {"place": place, "reason": "it names no device"},
            {"place": format!("{place}!broken"), "reason": "its certificate is neither PEM nor DER"},
            {"place": format!("{place}!huge"),
             "reason": "its certificate has 10485760 bytes, more than the 2097152 that are read"},
        ])
    );
    let unreadable = value(&evidence, "/unreadable/sample");
    assert_eq!(unreadable[0]["place"], json!(format!("{place}!junk")));
    assert_eq!(value(&evidence, "/binding/missing/sample"), json!(["bare", "junk"]));
}

#[tokio::test]
async fn what_is_declared_wrong_is_told_and_nothing_is_read() {
    let authority = Authority::new("Devices");
    let mut fleet = Fleet::new(&authority, "id text, certificate text, born date");
    fleet.insert("'d'", &format!("{}, NULL", pem(&authority, "d")));
    let good = fleet.table.clone();
    let error = |reason: &str| Item::error(reason);
    for (table, expected) in [
        (
            DeviceTable { name: "gadgets".to_owned(), ..good.clone() },
            error("there is no table `gadgets`"),
        ),
        (
            DeviceTable { schema: Some("pki".to_owned()), ..good.clone() },
            error("there is no table `pki.devices`"),
        ),
        (
            DeviceTable { device: "serial".to_owned(), ..good.clone() },
            error("the table `devices` lacks one of the declared columns `serial`, `certificate`"),
        ),
        (
            DeviceTable { certificate: "born".to_owned(), ..good.clone() },
            error("the column `born` is of type date; expected text, varchar or bytea"),
        ),
    ] {
        fleet.table = table;
        assert_eq!(fleet.counted().await, expected);
    }
    fleet.table = good;
    for (address, expected) in [
        (
            "mysql://u:p@127.0.0.1/d".to_owned(),
            error(
                "the source holds no address of a database; expected \
                 `postgres://USER:PASSWORD@HOST:PORT/DATABASE`",
            ),
        ),
        (
            fleet.database.url().replace(PASSWORD, "another"),
            Item::refused("the database refuses the user or the password"),
        ),
        (
            format!("postgres://u:p@127.0.0.1:{}/d", testkit::process::free_port()),
            Item::refused("the database refuses connections"),
        ),
        (
            fleet.database.url() + "?sslmode=require",
            error(
                "no TLS with the database: it offers none, or its certificate is not trusted (see \
                 `sslmode` and `sslrootcert` in its address)",
            ),
        ),
    ] {
        fleet.place.put("address", &address);
        assert_eq!(fleet.counted().await, expected);
    }
}

#[tokio::test]
async fn a_user_needs_to_read_the_table_and_nothing_more() {
    let authority = Authority::new("Devices");
    let fleet = Fleet::new(&authority, "id text, certificate text");
    fleet.insert("'d'", &pem(&authority, "d"));
    let reader = fleet.database.role("reader").unwrap();
    fleet.place.put("address", &fleet.database.url_as(&reader, PASSWORD));
    let refused = Item::refused("the user may not read the table `devices`");
    assert_eq!(fleet.counted().await, refused);
    fleet.database.sql(&format!("GRANT SELECT ON devices TO {reader}")).unwrap();
    assert_eq!(fleet.counted().await, Item::observed(json!(1)));
}

#[tokio::test]
async fn nothing_is_written_even_by_a_view_that_would() {
    let authority = Authority::new("Devices");
    let mut fleet = Fleet::new(&authority, "id text, certificate text");
    fleet.insert("'d'", &pem(&authority, "d"));
    let view = "CREATE TABLE seen (id text); \
                CREATE FUNCTION note(text) RETURNS text LANGUAGE sql AS \
                  $$INSERT INTO seen VALUES ($1) RETURNING id$$; \
                CREATE VIEW spying AS SELECT note(id) AS id, certificate FROM devices";
    fleet.database.sql(view).unwrap();
    fleet.table.name = "spying".to_owned();
    // 25006: read_only_sql_transaction.
    let refused = Item::error("the database answered with SQLSTATE 25006");
    assert_eq!(fleet.counted().await, refused);
    assert_eq!(fleet.database.sql("SELECT count(*) FROM seen").unwrap().trim(), "0");
}

#[tokio::test]
async fn a_database_that_is_slow_or_silent_ends_with_the_deadline() {
    let authority = Authority::new("Devices");
    let mut fleet = Fleet::new(&authority, "id text, certificate text");
    fleet.place.policy.deadline_seconds = 1;
    let view = "CREATE VIEW slow AS SELECT id, certificate FROM devices, pg_sleep(60)";
    fleet.database.sql(view).unwrap();
    fleet.insert("'d'", &pem(&authority, "d"));
    fleet.table.name = "slow".to_owned();
    let late = Item::timeout("the deadline of the check passed before the table was read");
    assert_eq!(fleet.counted().await, late);
    let silent = Peer::start(Script::Hang).await;
    fleet.place.put("address", &format!("postgres://u:p@127.0.0.1:{}/d", silent.port()));
    assert_eq!(fleet.counted().await.status(), "timeout");
}

#[tokio::test]
async fn a_password_of_this_process_is_not_offered_to_a_database_that_a_target_names() {
    let authority = Authority::new("Devices");
    let fleet = Fleet::new(&authority, "id text, certificate text");
    let bench = Bench::new();
    bench.write(
        "target.yaml",
        "apiVersion: plumbline.dev/v1alpha1
kind: AuditTarget
metadata: {name: fleet}
spec:
  path: identity
  deviceCertificates:
    - name: fleet
      env: FLEET
      table: {name: devices, device: id, certificate: certificate}
",
    );
    let pass = bench.write("pgpass", format!("*:*:*:*:{PASSWORD}\n"));
    std::fs::set_permissions(&pass, std::fs::Permissions::from_mode(0o600)).unwrap();
    let run = |address: String| {
        let mut command = bench.command(&["run", "-f", "target.yaml", "--baseline", "none"]);
        command.env("FLEET", address).env("PGPASSWORD", PASSWORD).env("PGPASSFILE", &pass);
        let ended = Ended::from(command.output().unwrap());
        let said = ended.stdout + &ended.stderr;
        assert!(!said.contains(PASSWORD), "{said}");
        said
    };
    let url = fleet.database.url();
    let without = url.replace(&format!(":{PASSWORD}"), "");
    let said = run(without);
    assert!(said.contains("refuses the user or the password"), "{said}");
    let said = run(url);
    assert!(said.contains("holds no device certificate in use"), "{said}");
}

/// In a process of its own: what other tests hold is none of the reader's.
#[test]
fn a_hundred_thousand_rows_need_little_memory() {
    let measured = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tables::rows_that_are_read_by_nobody_else", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&measured.stdout);
    assert!(measured.status.success() && said.contains("1 passed"), "{said}");
}

/// Rows of 4 kB, 400 MB together, of which none stays.
#[tokio::test]
#[ignore = "a test beside it runs it in a process of its own"]
async fn rows_that_are_read_by_nobody_else() {
    let authority = Authority::new("Devices");
    let mut fleet = Fleet::new(&authority, "id text, certificate text");
    fleet.place.policy.deadline_seconds = 600;
    // One certificate with a hundred thousand serial numbers: nobody verifies the set's signatures.
    let serial = vec![0x4d; 8];
    let der = authority.issue(&Leaf { serial: Some(serial), ..Leaf::device("d") }).cert_der;
    let hex: String = der.iter().map(|byte| format!("{byte:02x}")).collect();
    let rows = format!(
        "INSERT INTO devices SELECT 'd-' || n, '-----BEGIN CERTIFICATE-----' || chr(10) || encode( \
         decode(replace('{hex}', '4d4d4d4d4d4d4d4d', '4d' || lpad(to_hex(n), 14, '0')), 'hex'), 'base64') \
         || chr(10) || '-----END CERTIFICATE-----' || chr(10) || repeat('#', 3300) \
         FROM generate_series(1, 100000) n"
    );
    fleet.database.sql(&rows).unwrap();
    let before = resident();
    let watch = tokio::spawn(async {
        let mut most = 0;
        loop {
            most = most.max(resident());
            PEAK.store(most, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let clock = std::time::Instant::now();
    let evidence = fleet.look().await;
    watch.abort();
    println!("{:.1} s, {} KiB", clock.elapsed().as_secs_f64(), PEAK.load(Ordering::Relaxed));
    assert_eq!(value(&evidence, "/set/certificates"), json!(100_000));
    assert_eq!(value(&evidence, "/binding/unbound/count"), json!(0));
    assert_eq!(value(&evidence, "/inventory/devices"), json!(100_000));
    let most = PEAK.load(Ordering::Relaxed).saturating_sub(before);
    assert!(most < 100 * 1024, "{most} KiB more than before");
}

static PEAK: AtomicU64 = AtomicU64::new(0);

/// Memory of this process, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
