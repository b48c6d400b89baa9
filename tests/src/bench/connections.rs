//! TCP connections that the TLS posture of a broker costs it, in decision mode.

use anyhow::Context as _;
use testkit::gateway::Posture;
use testkit::openssl::Server;
use testkit::pki::{Authority, Leaf};

use super::Row;
use crate::plumb::Bench;
use crate::site::Running;

/// Measures.
pub(super) fn measure() -> anyhow::Result<Vec<Row>> {
    let bench = Bench::new();
    let gateway = Running::start(&bench, Posture::Hardened);
    let target = gateway.target();
    let reference = connections(&bench, &["-f", &target.to_string_lossy()])?;
    let mut rows = vec![Row::new(
        "TCP connections of `broker_transport_posture`, the reference gateway's broker",
        reference.to_string(),
        "<= 12",
    )];
    let identity = Authority::new("Test").issue(&Leaf::default());
    for (what, flags) in [
        ("OpenSSL's `s_server` as it is", &[][..]),
        ("`s_server` with every suite", &["-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]),
    ] {
        let server = Server::start(&identity, flags)?;
        let url = format!("tls://127.0.0.1:{}", server.port());
        let count = connections(&bench, &["--endpoint", &url])?;
        rows.push(Row::new(format!("the same, {what}"), count.to_string(), "<= 12"));
    }
    Ok(rows)
}

fn connections(bench: &Bench, place: &[&str]) -> anyhow::Result<u64> {
    let ended = bench.plumb(&[&["probe", "broker_transport_posture"], place].concat());
    let evidence = ended.json();
    let value = &evidence["stable"]["/connections"]["value"];
    value.as_u64().with_context(|| format!("no /connections: {}", ended.stderr))
}
