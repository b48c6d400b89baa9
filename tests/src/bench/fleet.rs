//! `device_cert_hygiene` over 1,000,000 certificates: one PEM file, a folder, a tar.gz, a CSV, and a
//! table of Postgres.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::ToSpan as _;
use model::document::{DeviceCertificates, DeviceTable, Source, Trust};
use model::request::{CheckRequest, Inputs, ProbePolicy};
use model::{CheckId, RunId, Subject, TargetKey};
use probes::Context;
use testkit::pki::{Authority, Leaf, device};
use testkit::postgres::Database;

use super::resources::{forget_peak, mib, peak_resident, resident};
use super::{Row, grouped};

/// Certificates of the fleet.
const DEVICES: u32 = 1_000_000;
/// The variable that sets another number, for a short look.
const COUNT: &str = "PLUMBLINE_FLEET_DEVICES";

/// The variables that make a process read one source of a fleet that is there: its folder, and the
/// source. Each source has a process of its own, so that one's memory is not another's.
const FOLDER: &str = "PLUMBLINE_FLEET_FOLDER";
const SOURCE: &str = "PLUMBLINE_FLEET_SOURCE";

/// What is read of the folder, and how it is called in the table.
const SOURCES: [(&str, &str); 5] = [
    ("fleet.pem", "one PEM file"),
    (FILES, "a folder with a file for each"),
    ("fleet.tar.gz", "a tar.gz with a file for each"),
    ("fleet.csv", "a CSV that is its own inventory"),
    (ADDRESS, "a table of Postgres"),
];

/// The folder with a file for each certificate.
const FILES: &str = "fleet";

/// The file with the address of the database.
const ADDRESS: &str = "address";

/// The folder of the database's own files.
const DATABASE: &str = "database";

/// Measures.
pub(super) fn measure() -> anyhow::Result<Vec<Row>> {
    let devices = std::env::var(COUNT).ok().and_then(|count| count.parse().ok());
    let devices = devices.unwrap_or(DEVICES);
    if let (Some(folder), Ok(source)) = (std::env::var_os(FOLDER), std::env::var(SOURCE)) {
        let source = SOURCES.iter().find(|(path, _)| *path == source);
        let (path, name) = source.context("there is no such source of the fleet")?;
        return Ok(read(Path::new(&folder), path, name, devices)?.into());
    }
    // Beside the program: it takes gigabytes, which the folder for temporary files may not have.
    let folder = std::env::current_exe()?;
    let folder = tempfile::tempdir_in(folder.parent().context("a program is in a folder")?)?;
    let authority = Authority::new("Device CA");
    write(folder.path(), &authority, devices).context("cannot write the fleet")?;
    let _database = load(folder.path()).context("cannot write the fleet into a table")?;
    fs::write(folder.path().join("ca.pem"), authority.pem())?;
    for (path, name) in SOURCES {
        // Its rows go where ours go.
        let read = Command::new(std::env::current_exe()?)
            .args(std::env::args_os().skip(1))
            .env(FOLDER, folder.path())
            .env(SOURCE, path)
            .status()?;
        ensure!(read.success(), "{name} could not be read: {read}");
    }
    Ok(Vec::new())
}

/// Writes the same fleet to three files and a folder; each certificate has a key of its own.
fn write(folder: &Path, authority: &Authority, devices: u32) -> anyhow::Result<()> {
    let create = |name: &str| anyhow::Ok(BufWriter::new(File::create(folder.join(name))?));
    let mut pem = create("fleet.pem")?;
    let mut csv = create("fleet.csv")?;
    let mut archive =
        tar::Builder::new(GzEncoder::new(create("fleet.tar.gz")?, Compression::fast()));
    writeln!(csv, "device_id,pem")?;
    fs::create_dir(folder.join(FILES))?;
    let first = Leaf::default().not_after;
    for number in 0..devices {
        let id = device(number);
        let hours = i64::from(number % (365 * 24));
        let leaf = Leaf { not_after: first + hours.hours(), ..Leaf::device(&id) };
        let identity = authority.issue(&leaf);
        pem.write_all(identity.cert_pem.as_bytes())?;
        writeln!(csv, "{id},\"{}\"", identity.cert_pem)?;
        let mut header = tar::Header::new_ustar();
        header.set_size(u64::try_from(identity.cert_pem.len())?);
        header.set_mode(0o644);
        let name = format!("{FILES}/{id}.pem");
        fs::write(folder.join(&name), &identity.cert_pem)?;
        archive.append_data(&mut header, name, identity.cert_pem.as_bytes())?;
    }
    pem.flush()?;
    csv.flush()?;
    archive.into_inner()?.finish()?.flush()?;
    Ok(())
}

/// Writes the fleet into a table, whose files are in the folder as the others are. Nothing of it is in
/// the log of the server, which would hold all of it once more.
fn load(folder: &Path) -> anyhow::Result<Database> {
    let place = folder.join(DATABASE);
    fs::create_dir(&place)?;
    // The server is somebody else, and goes through the folder to its own.
    fs::set_permissions(folder, Permissions::from_mode(0o711))?;
    let database = Database::create_in(&place)?;
    let columns = "device_id text, certificate text";
    database.sql(&format!("CREATE UNLOGGED TABLE devices ({columns})"))?;
    let csv = folder.join("fleet.csv");
    database.sql(&format!("\\copy devices FROM '{}' CSV HEADER", csv.display()))?;
    // What the server would do sooner or later, and not while it is measured.
    database.sql("VACUUM ANALYZE devices")?;
    fs::write(folder.join(ADDRESS), database.url())?;
    Ok(database)
}

/// The table behind the address; none for what is a file.
fn table(path: &str) -> Option<DeviceTable> {
    (path == ADDRESS).then(|| DeviceTable::new("devices", "device_id", "certificate"))
}

fn read(folder: &Path, path: &str, name: &str, devices: u32) -> anyhow::Result<[Row; 2]> {
    let request = CheckRequest {
        check: CheckId::DeviceCertHygiene,
        target: TargetKey("fleet".to_owned()),
        subject: Subject::certificates("fleet"),
        inputs: Inputs::DeviceCertificates {
            certificates: DeviceCertificates {
                name: "fleet".to_owned(),
                path: Some(path.to_owned()),
                table: table(path),
                ..DeviceCertificates::default()
            },
            trust: Trust { ca_bundle: Some(Source::path("ca.pem")), ..Trust::default() },
        },
        policy: ProbePolicy { deadline_seconds: 3_600, ..ProbePolicy::default() },
        params: BTreeMap::new(),
    };
    let context = Context::new(RunId("run".to_owned()), folder.to_owned())
        .with_tables(Arc::new(tables::Postgres));
    let runtime = tokio::runtime::Runtime::new()?;
    forget_peak()?;
    let held = resident()?;
    let clock = Instant::now();
    let evidence = runtime.block_on(probes::collect(&context, &request));
    let seconds = clock.elapsed().as_secs_f64();
    let peak = peak_resident()?;
    let counted = evidence.item("/set/certificates").and_then(|item| item.value()?.as_u64());
    ensure!(counted == Some(devices.into()), "of `{path}` {counted:?} certificates were counted");
    ensure!(peak >= held, "memory that was used is gone from the count");
    Ok([
        Row::new(
            format!("`device_cert_hygiene` over {} certificates, {name}", grouped(devices.into())),
            format!(
                "{seconds:.1} s, {} per second",
                grouped((f64::from(devices) / seconds) as u64)
            ),
            "< 60 s",
        ),
        Row::new(
            "its peak resident memory",
            format!("{} ({} before it began)", mib(peak), mib(held)),
            "< 512 MiB",
        ),
    ])
}
