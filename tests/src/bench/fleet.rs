//! `device_cert_hygiene` over a file with 100,000 certificates.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write as _};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use model::document::{DeviceCertificates, Source, Trust};
use model::request::{CheckRequest, Inputs, ProbePolicy};
use model::{CheckId, RunId, Subject, TargetKey};
use probes::Context;
use testkit::pki::Authority;

use super::resources::{mib, peak_resident, resident};
use super::{Row, grouped};

/// Certificates in the file.
const DEVICES: u32 = 100_000;

/// Measures.
pub(super) fn measure() -> anyhow::Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let authority = Authority::new("Device CA");
    let mut file = BufWriter::new(std::fs::File::create(folder.path().join("fleet.pem"))?);
    authority.write_fleet(DEVICES, &mut file)?;
    file.flush()?;
    drop(file);
    std::fs::write(folder.path().join("ca.pem"), authority.pem())?;

    let named = |path: &str| Source { path: Some(path.to_owned()), ..Source::default() };
    let request = CheckRequest {
        check: CheckId::DeviceCertHygiene,
        target: TargetKey("fleet".to_owned()),
        subject: Subject::certificates("fleet"),
        inputs: Inputs::DeviceCertificates {
            certificates: DeviceCertificates {
                name: "fleet".to_owned(),
                password: None,
                inventory: None,
                path: Some("fleet.pem".to_owned()),
                env: None,
                config_map_ref: None,
                secret_ref: None,
                url: None,
            },
            trust: Trust { ca_bundle: Some(named("ca.pem")), ..Trust::default() },
        },
        policy: ProbePolicy { deadline_seconds: 3_600, ..ProbePolicy::default() },
        params: BTreeMap::new(),
    };
    let context = Context::new(RunId("run".to_owned()), folder.path().to_owned());
    let runtime = tokio::runtime::Runtime::new()?;
    let held = resident()?;
    let clock = Instant::now();
    let evidence = runtime.block_on(probes::collect(&context, &request));
    let seconds = clock.elapsed().as_secs_f64();
    let peak = peak_resident()?;
    let counted = evidence.stable.iter().find(|(_, item)| {
        item.value().and_then(serde_json::Value::as_u64) == Some(u64::from(DEVICES))
    });
    let (pointer, _) = counted.context("no item of the evidence counts every certificate")?;
    ensure!(peak >= held, "memory that was used is gone from the count");
    Ok(vec![
        Row::aside(
            format!("`device_cert_hygiene` over {} certificates", grouped(DEVICES.into())),
            format!(
                "{seconds:.2} s, {} per second",
                grouped((f64::from(DEVICES) / seconds) as u64)
            ),
        ),
        Row::aside(
            format!("its peak resident memory, all {pointer} in the evidence"),
            format!("{} ({} before it began)", mib(peak), mib(held)),
        ),
    ])
}
