use std::collections::BTreeMap;

use model::document::{Endpoint, Protocol, Trust};
use model::evidence::Evidence;
use model::request::ProbePolicy;
use model::{CheckId, RunId, Subject, TargetKey};
use rustls::SupportedProtocolVersion;
use serde_json::json;
use testkit::evidence::{status, value};
use testkit::peer::{Peer, Script};
use testkit::pki::{Authority, Leaf};
use testkit::process::free_port;
use testkit::tls::{self, Clients};

use super::*;

/// An endpoint on loopback.
pub(super) fn endpoint(protocol: Protocol, port: u16) -> Endpoint {
    Endpoint {
        server_name: Some("localhost".to_owned()),
        ..Endpoint::new("broker", protocol, "127.0.0.1", port)
    }
}

/// Collects with three seconds of patience per answer.
async fn audit(protocol: Protocol, port: u16) -> Evidence {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let context = Context::new(RunId("run".to_owned()), ".".into());
    let request = CheckRequest {
        check: CheckId::BrokerTransportPosture,
        target: TargetKey("target".to_owned()),
        subject: Subject("endpoint/broker".to_owned()),
        inputs: Inputs::Endpoint {
            endpoint: endpoint(protocol, port),
            trust: Trust::default(),
            credentials: Vec::new(),
        },
        policy: ProbePolicy { connect_timeout_seconds: 3, ..ProbePolicy::default() },
        params: BTreeMap::new(),
    };
    collect(&context, &request).await
}

/// A broker that answers everybody inside TLS with CONNACK 5.
async fn broker(versions: &[&'static SupportedProtocolVersion], clients: Clients<'_>) -> Peer {
    let identity = Authority::new("Test").issue(&Leaf::default());
    let tls = tls::server_with(&identity, &[], clients, versions);
    Peer::secured(tls, Script::ReplyAndHold(vec![0x20, 2, 0, 5])).await
}

#[tokio::test]
async fn a_modern_broker_is_decided_in_every_item_that_rules_need() {
    let broker = broker(rustls::ALL_VERSIONS, Clients::NotAsked).await;
    let seen = audit(Protocol::Mqtts, broker.port()).await;
    for (pointer, expected) in [
        ("/endpoint/protocol", json!("mqtts")),
        ("/endpoint/tls", json!(true)),
        ("/plain/outcome", json!("not_spoken")),
        ("/tls/spoken", json!(true)),
        ("/tls/sslv3/accepted", json!(false)),
        ("/tls/tls10/accepted", json!(false)),
        ("/tls/tls11/accepted", json!(false)),
        ("/tls/tls12/accepted", json!(true)),
        ("/tls/tls13/accepted", json!(true)),
        ("/tls/tls13/group", json!("X25519MLKEM768")),
        ("/tls/tls13/pq_hybrid", json!(true)),
        ("/tls/clear/answered", json!(true)),
        ("/tls/clear/version", json!("TLSv1.2")),
        ("/tls/clear/secure_renegotiation", json!(true)),
        ("/tls/clear/compression", json!(false)),
        ("/tls/clear/extended_master_secret", json!(true)),
        ("/tls/clear/downgrade_sentinel", json!(true)),
        ("/tls/suites/null_or_anon/accepted", json!(false)),
        ("/tls/suites/export_or_sub112/accepted", json!(false)),
        ("/tls/suites/block64/accepted", json!(false)),
        ("/tls/suites/non_forward_secret/accepted", json!(false)),
        ("/tls/suites/ffdhe/accepted", json!(false)),
        ("/tls/suites/cbc/accepted", json!(false)),
        ("/tls/client_certificate", json!("not_requested")),
        ("/connections", json!(7)),
    ] {
        assert_eq!(value(&seen, pointer), expected, "{pointer}");
    }
}

#[tokio::test]
async fn two_audits_of_the_same_target_have_the_same_digest() {
    let devices = Authority::new("Devices");
    let broker = broker(rustls::ALL_VERSIONS, Clients::Asked(&devices)).await;
    let first = audit(Protocol::Mqtts, broker.port()).await;
    let second = audit(Protocol::Mqtts, broker.port()).await;
    assert_eq!(first.stable, second.stable);
    assert_eq!(first.digest(), second.digest());
}

#[tokio::test]
async fn a_broker_with_one_version_is_seen_as_that() {
    let old = broker(&[&rustls::version::TLS12], Clients::NotAsked).await;
    let seen = audit(Protocol::Mqtts, old.port()).await;
    assert_eq!(value(&seen, "/tls/tls12/accepted"), json!(true));
    assert_eq!(value(&seen, "/tls/tls13/accepted"), json!(false));
    assert_eq!(status(&seen, "/tls/tls13/pq_hybrid"), "not_attempted");
    assert_eq!(status(&seen, "/tls/clear/downgrade_sentinel"), "not_attempted");

    let new = broker(&[&rustls::version::TLS13], Clients::NotAsked).await;
    let seen = audit(Protocol::Mqtts, new.port()).await;
    assert_eq!(value(&seen, "/tls/tls12/accepted"), json!(false));
    assert_eq!(value(&seen, "/tls/tls13/accepted"), json!(true));
    assert_eq!(value(&seen, "/tls/clear/answered"), json!(false));
    assert_eq!(status(&seen, "/tls/clear/compression"), "not_attempted");
    assert_eq!(value(&seen, "/tls/suites/cbc/accepted"), json!(false));
}

#[tokio::test]
async fn client_certificates_are_told_apart_in_both_versions() {
    let devices = Authority::new("Devices");
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        for (clients, expected) in [
            (Clients::NotAsked, "not_requested"),
            (Clients::Asked(&devices), "requested"),
            (Clients::Needed(&devices), "required"),
        ] {
            let broker = broker(&[version], clients).await;
            let seen = audit(Protocol::Mqtts, broker.port()).await;
            assert_eq!(value(&seen, "/tls/client_certificate"), json!(expected), "{version:?}");
        }
    }
}

#[tokio::test]
async fn plaintext_mqtt_is_a_connack_with_any_code() {
    for code in [0, 5] {
        let peer = Peer::start(Script::ReplyAndHold(vec![0x20, 2, 0, code])).await;
        let seen = audit(Protocol::Mqtt, peer.port()).await;
        assert_eq!(value(&seen, "/plain/outcome"), json!("connack"));
        assert_eq!(value(&seen, "/plain/connack_code"), json!(code));
        assert_eq!(status(&seen, "/tls/spoken"), "not_attempted");
        assert_eq!(status(&seen, "/websocket/outcome"), "not_attempted");
        assert_eq!((value(&seen, "/connections"), peer.accepted()), (json!(1), 1));
    }
}

#[tokio::test]
async fn a_connect_carries_a_marked_random_id_and_no_credential() {
    let peer = Peer::start(Script::Reply(vec![0x20, 2, 0, 5])).await;
    audit(Protocol::Mqtt, peer.port()).await;
    audit(Protocol::Mqtt, peer.port()).await;
    let sent = peer.received();
    assert_ne!(sent[0], sent[1]);
    for packet in sent {
        assert_eq!(&packet[..14], [0x10, 34, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 10, 0, 22]);
        assert!(packet[14..].starts_with(b"plumb-"));
    }
}

#[tokio::test]
async fn what_is_no_plaintext_mqtt_is_not_spoken() {
    for script in [
        Script::Close,
        Script::Reset,
        Script::Reply(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        Script::Reply(vec![21, 3, 3, 0, 2, 2, 10]),
    ] {
        let peer = Peer::start(script).await;
        let seen = audit(Protocol::Mqtt, peer.port()).await;
        assert_eq!(value(&seen, "/plain/outcome"), json!("not_spoken"));
    }
    let seen = audit(Protocol::Mqtt, free_port()).await;
    assert_eq!(value(&seen, "/plain/outcome"), json!("not_spoken"));
    assert_eq!(value(&seen, "/connections"), json!(0));
}

#[tokio::test]
async fn silence_and_garbage_on_a_plaintext_port_decide_nothing() {
    for (script, expected) in
        [(Script::Hang, "timeout"), (Script::Reply(b"SSH-2.0-x\r\n".to_vec()), "error")]
    {
        let peer = Peer::start(script).await;
        let seen = audit(Protocol::Mqtt, peer.port()).await;
        assert_eq!(status(&seen, "/plain/outcome"), expected);
        assert_eq!(status(&seen, "/plain/connack_code"), expected);
    }
}

#[tokio::test]
async fn a_plaintext_websocket_is_told_by_its_upgrade() {
    let upgraded = "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n";
    for (answer, expected) in [
        (upgraded, json!("upgraded")),
        ("HTTP/1.1 101 Switching Protocols\r\n\r\n", json!("declined")),
        ("HTTP/1.1 301 Moved\r\nLocation: https://x/\r\n\r\n", json!("declined")),
    ] {
        let peer = Peer::start(Script::Reply(answer.into())).await;
        let seen = audit(Protocol::Ws, peer.port()).await;
        assert_eq!(value(&seen, "/websocket/outcome"), expected);
        assert_eq!(status(&seen, "/plain/outcome"), "not_attempted");
        assert_eq!(peer.accepted(), 1);
    }
    let busy = Peer::start(Script::Reply(b"HTTP/1.1 503 Busy\r\n\r\n".to_vec())).await;
    let seen = audit(Protocol::Ws, busy.port()).await;
    assert_eq!(status(&seen, "/websocket/outcome"), "error");
    assert_eq!(value(&seen, "/websocket/status"), json!(503));
}

#[tokio::test]
async fn a_port_that_is_closed_leaves_every_tls_question_refused() {
    let seen = audit(Protocol::Mqtts, free_port()).await;
    for pointer in ["/tls/spoken", "/tls/tls12/accepted", "/tls/suites/cbc/accepted"] {
        assert_eq!(status(&seen, pointer), "refused", "{pointer}");
    }
    assert_eq!(status(&seen, "/tls/client_certificate"), "refused");
}

#[tokio::test]
async fn a_tls_port_that_hangs_is_given_up_after_the_first_questions() {
    let peer = Peer::start(Script::Hang).await;
    let seen = audit(Protocol::Mqtts, peer.port()).await;
    for pointer in ["/tls/spoken", "/tls/sslv3/accepted", "/tls/suites/null_or_anon/accepted"] {
        assert_eq!(status(&seen, pointer), "timeout", "{pointer}");
    }
    assert_eq!(peer.accepted(), 3);
}

#[tokio::test]
async fn a_port_that_speaks_something_else_does_not_speak_tls() {
    for script in [
        Script::Close,
        Script::Reset,
        Script::Reply(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        Script::Endless(b"log line\n".repeat(500)),
    ] {
        let peer = Peer::start(script).await;
        let seen = audit(Protocol::Mqtts, peer.port()).await;
        assert_eq!(value(&seen, "/tls/spoken"), json!(false));
        assert_eq!(seen.item("/tls/tls12/accepted").and_then(|item| item.value()), None);
        assert_eq!(seen.item("/tls/sslv3/accepted").and_then(|item| item.value()), None);
        assert!(peer.accepted() <= MAX_CONNECTIONS);
    }
}

#[tokio::test]
async fn a_target_that_alerts_at_everybody_speaks_tls_and_decides_nothing_else() {
    let peer = Peer::start(Script::Reply(vec![21, 3, 3, 0, 2, 2, 112])).await;
    let seen = audit(Protocol::Mqtts, peer.port()).await;
    assert_eq!(value(&seen, "/tls/spoken"), json!(true));
    for pointer in ["/tls/sslv3/accepted", "/tls/tls13/accepted", "/tls/suites/cbc/accepted"] {
        assert_eq!(status(&seen, pointer), "refused", "{pointer}");
    }
    assert!(peer.accepted() <= MAX_CONNECTIONS);
}

/// A record with one handshake message.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).expect("short");
    let record = (length + 4).to_be_bytes();
    let length = length.to_be_bytes();
    [&[22, 3, 3, record[0], record[1], kind, 0, length[0], length[1]], body].concat()
}

/// A ServerHello of TLS 1.2 that chooses `suite`, and the end of the flight.
fn choosing(suite: [u8; 2]) -> Vec<u8> {
    let body = [&[3, 3][..], &[1; 32], &[0], &suite, &[0]].concat();
    [message(2, &body), message(14, &[])].concat()
}

#[tokio::test]
async fn a_server_that_chooses_what_nobody_offered_has_accepted_nothing() {
    let peer = Peer::start(Script::Reply(choosing([0xfa, 0xfa]))).await;
    let seen = audit(Protocol::Mqtts, peer.port()).await;
    assert_eq!(value(&seen, "/tls/spoken"), json!(true));
    for pointer in [
        "/tls/tls10/accepted",
        "/tls/tls12/accepted",
        "/tls/suites/null_or_anon/accepted",
        "/tls/suites/cbc/accepted",
    ] {
        assert_eq!(value(&seen, pointer), json!(false), "{pointer}");
    }
    let asked = serde_json::to_string(&seen.volatile).expect("JSON");
    assert!(asked.contains("0xfafa, which was not offered"), "{asked}");
}

#[tokio::test]
async fn a_giant_message_and_a_flood_of_records_are_cut_off_and_decide_nothing() {
    let giant = vec![22, 3, 3, 0, 4, 2, 0xff, 0xff, 0xff];
    let flood = [22, 3, 3, 0, 0].repeat(1000);
    for script in [Script::Reply(giant), Script::Endless(flood)] {
        let peer = Peer::start(script).await;
        let seen = audit(Protocol::Mqtts, peer.port()).await;
        assert_eq!(seen.item("/tls/spoken").and_then(|item| item.value()), None);
        assert_eq!(seen.item("/tls/tls12/accepted").and_then(|item| item.value()), None);
        assert!(peer.accepted() <= MAX_CONNECTIONS);
    }
}

#[tokio::test]
async fn a_flight_that_stalls_keeps_what_its_hello_decided() {
    let hello = choosing([0xc0, 0x2b]);
    let whole = hello.len() - message(14, &[]).len();
    let peer = Peer::start(Script::ReplyAndHold(hello[..whole].to_vec())).await;
    let seen = audit(Protocol::Tls, peer.port()).await;
    assert_eq!(value(&seen, "/tls/tls12/accepted"), json!(true));
    assert_eq!(status(&seen, "/tls/clear/group"), "error");
    assert_eq!(value(&seen, "/tls/clear/secure_renegotiation"), json!(false));
}

/// What a hello offers, as far as a scripted server must know it.
struct Offer {
    version: u16,
    suites: Vec<u16>,
}

impl Offer {
    /// An MQTT CONNECT, which TLS ports are sent too, offers nothing.
    fn read(record: &[u8]) -> Self {
        if record.first() != Some(&22) {
            return Self { version: 0, suites: Vec::new() };
        }
        let pair = |at: usize| u16::from_be_bytes([record[at], record[at + 1]]);
        let session = 44 + usize::from(record[43]);
        let suites = usize::from(pair(session)) / 2;
        let only_tls13 = record.windows(7).any(|window| window == [0, 43, 0, 3, 2, 3, 4]);
        Self {
            version: if only_tls13 { 0x0304 } else { pair(9) },
            suites: (1..=suites).map(|at| pair(session + 2 * at)).collect(),
        }
    }
}

fn alert(number: u8) -> Vec<u8> {
    vec![21, 3, 1, 0, 2, 2, number]
}

/// A ServerHello of a version up to TLS 1.2 without extensions, and the end of the flight.
fn hello(version: u16, suite: u16, compression: u8) -> Vec<u8> {
    let (version, suite) = (version.to_be_bytes(), suite.to_be_bytes());
    let body = [&version[..], &[1; 32], &[0], &suite, &[compression]].concat();
    [message(2, &body), message(14, &[])].concat()
}

#[tokio::test]
async fn a_server_of_the_nineties_is_seen_with_every_fault() {
    let peer = Peer::start(Script::respond(|bytes| match Offer::read(bytes) {
        Offer { version: 0x0300, .. } => hello(0x0300, 0x0005, 1),
        Offer { version: 0x0304, .. } => alert(40),
        // Every other hello is answered with the best version there is.
        Offer { suites, .. } if suites.contains(&0x0005) => hello(0x0300, 0x0005, 1),
        _ => alert(40),
    }))
    .await;
    let seen = audit(Protocol::Tls, peer.port()).await;
    for (pointer, expected) in [
        ("/tls/sslv3/accepted", json!(true)),
        ("/tls/tls10/accepted", json!(false)),
        ("/tls/tls11/accepted", json!(false)),
        ("/tls/tls12/accepted", json!(false)),
        ("/tls/tls13/accepted", json!(false)),
        ("/tls/clear/version", json!("SSLv3")),
        ("/tls/clear/compression", json!(true)),
        ("/tls/clear/secure_renegotiation", json!(false)),
        ("/tls/clear/extended_master_secret", json!(false)),
        ("/tls/suites/export_or_sub112/accepted", json!(true)),
        ("/tls/suites/export_or_sub112/witness", json!("TLS_RSA_WITH_RC4_128_SHA")),
        ("/tls/suites/non_forward_secret/accepted", json!(true)),
        ("/tls/suites/ffdhe/accepted", json!(false)),
        ("/tls/client_certificate", json!("not_requested")),
    ] {
        assert_eq!(value(&seen, pointer), expected, "{pointer}, {:?}", seen.volatile);
    }
}

#[tokio::test]
async fn a_target_with_too_many_faults_for_the_budget_keeps_the_worst_and_truncates_the_rest() {
    // One suite per class, answered one at a time; RC4, 3DES and CBC also in old versions.
    const PREFERRED: [u16; 7] = [0xc02b, 0xc013, 0x00a6, 0xc011, 0xc012, 0x009c, 0x009e];
    let peer = Peer::start(Script::respond(|bytes| {
        let offer = Offer::read(bytes);
        match (offer.version, PREFERRED.into_iter().find(|code| offer.suites.contains(code))) {
            // A HelloRetryRequest for X25519, but not to a hello with hybrid groups alone.
            (0x0304, _) if bytes.windows(2).any(|window| window == [0, 0x1d]) => {
                let random = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c";
                let random: Vec<u8> = (0..32)
                    .map(|at| u8::from_str_radix(&random[2 * at..2 * at + 2], 16).expect("hex"))
                    .collect();
                let extensions = [0, 12, 0, 43, 0, 2, 3, 4, 0, 51, 0, 2, 0, 0x1d];
                message(2, &[&[3, 3], &random[..], &[0, 0x13, 1, 0], &extensions].concat())
            }
            (0x0301..=0x0303, Some(suite)) => hello(offer.version, suite, 0),
            _ => alert(40),
        }
    }))
    .await;
    let seen = audit(Protocol::Tls, peer.port()).await;
    for class in ["null_or_anon", "export_or_sub112", "block64", "non_forward_secret", "cbc"] {
        let pointer = format!("/tls/suites/{class}/accepted");
        assert_eq!(value(&seen, &pointer), json!(true), "{class}, {:?}", seen.volatile);
    }
    assert_eq!(status(&seen, "/tls/suites/ffdhe/accepted"), "truncated", "{:?}", seen.volatile);
    assert_eq!(value(&seen, "/tls/tls13/pq_hybrid"), json!(false));
    assert_eq!(value(&seen, "/connections"), json!(MAX_CONNECTIONS));
    assert_eq!(peer.accepted(), MAX_CONNECTIONS);
}

#[tokio::test]
async fn a_request_without_an_endpoint_is_an_error_in_every_item() {
    let request = CheckRequest {
        check: CheckId::BrokerTransportPosture,
        target: TargetKey("target".to_owned()),
        subject: Subject("config/main".to_owned()),
        inputs: Inputs::Config {
            config: serde_json::from_value(json!({"name": "main", "path": "x"})).expect("config"),
        },
        policy: ProbePolicy::default(),
        params: BTreeMap::new(),
    };
    let (stable, _) = observe(&request).await;
    assert_eq!(stable.tls_spoken.status(), "error");
    assert_eq!(stable.connections.value(), Some(&0));
}
