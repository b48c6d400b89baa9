//! Endpoints that never come to an end: every probe of an endpoint lets go of them, after a few
//! connections and with little in memory, and says what it could not see.

use std::process::Command;
use std::time::Duration;

use testkit::peer::{Peer, Script};
use tests::plumb::{Bench, Ended, program};

/// Kibibytes of address space that the program may have: what it reads has a bound.
const ADDRESS_SPACE: &str = "3000000";
/// Seconds after which a probe that still waits is ended, so that the test fails and does not hang.
const PATIENCE: &str = "120";

/// A record of TLS that promises a handshake message of 16 MiB (RFC 8446 sections 4 and 5.1).
fn promise() -> Vec<u8> {
    let mut record = vec![0x16, 3, 3, 0x40, 0, 2, 0xff, 0xff, 0xff];
    record.resize(5 + 0x4000, 0);
    record
}

/// Ways not to come to an end.
fn scripts() -> Vec<(&'static str, Script)> {
    vec![
        ("says nothing", Script::Hang),
        ("drips", Script::Drip(vec![0x16; 1_000_000], Duration::from_millis(20))),
        (
            "drips lines",
            Script::Drip(b"HTTP/1.1 200 OK\r\nA: ".repeat(9_999), Duration::from_millis(20)),
        ),
        ("repeats a promise", Script::Endless(promise())),
        ("repeats a line", Script::Endless(b"HTTP/1.1 200 OK\r\nX: y\r\n".repeat(100))),
        ("repeats a packet", Script::Endless([0x30, 0xff, 0xff, 0xff, 0x7f].repeat(100))),
    ]
}

fn probe(arguments: &[&str]) -> Ended {
    let bench = Bench::new();
    let output = Command::new("sh")
        .args(["-c", "ulimit -v \"$0\"; exec timeout \"$@\"", ADDRESS_SPACE, PATIENCE])
        .arg(program())
        .args(arguments)
        .current_dir(bench.dir())
        .env("HOME", bench.dir())
        .output()
        .unwrap();
    Ended::from(output)
}

/// A probe of every script, all at once: its document comes, and the peer was asked a few times at
/// most.
fn ends(arguments: &[&str], scheme: &str, most: u32) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    std::thread::scope(|scope| {
        for (name, script) in scripts() {
            let runtime = &runtime;
            scope.spawn(move || {
                let peer = runtime.block_on(Peer::start(script));
                let address = format!("{scheme}://127.0.0.1:{}/", peer.port());
                let ended = probe(&[&["probe"], arguments, &["--endpoint", &address]].concat());
                let document = ended.expect(0).json();
                let accepted = peer.accepted();
                assert!((1..=most).contains(&accepted), "{arguments:?} {name}: {accepted}");
                let mut items = document["stable"].as_object().unwrap().values();
                assert!(
                    items.any(|item| item["status"] != "observed"),
                    "{arguments:?} {name}: {document:#}"
                );
            });
        }
    });
}

#[test]
fn decision_mode_lets_go() {
    ends(&["broker_transport_posture"], "mqtts", 12);
}

#[test]
fn full_mode_lets_go() {
    ends(&["broker_transport_posture", "--full"], "mqtts", 24);
}

#[test]
fn the_probe_of_certificates_lets_go() {
    ends(&["broker_cert_identity"], "mqtts", 6);
}

#[test]
fn the_probe_of_brokers_lets_go() {
    ends(&["mqtt_access_control"], "mqtt", 12);
}

#[test]
fn the_probe_of_the_ingest_lets_go() {
    ends(&["ingest_auth"], "http", 14);
}

#[test]
fn the_probe_of_health_lets_go() {
    ends(&["gateway_runtime_health"], "http", 6);
}
