#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use model::document::{Endpoint, Protocol, Trust};
use model::request::ProbePolicy;
use model::{CheckId, RunId, Subject, TargetKey};
use serde_json::{Value, json};
use testkit::evidence::{expect, status, value};
use testkit::peer::{Peer, Script};
use testkit::pki::{Authority, Leaf};
use testkit::tls;

use super::*;

mod pace;
mod thrown_out;

/// CONNACK of MQTT 3.1.1 and of MQTT 5 with this code.
fn connack(question: &[u8], code: u8) -> Vec<u8> {
    if is_v5(question) { vec![0x20, 3, 0, code, 0] } else { vec![0x20, 2, 0, code] }
}

/// A CONNECT of level 5; the name `MQTT` stands from the fourth byte on, where the length takes
/// one.
fn is_v5(question: &[u8]) -> bool {
    question.windows(5).any(|bytes| bytes == b"MQTT\x05")
}

fn has_login(question: &[u8]) -> bool {
    let level = question.windows(4).position(|bytes| bytes == b"MQTT").unwrap();
    question[level + 5] & 0x80 != 0
}

async fn audit_with(endpoint: Endpoint, params: Value, policy: ProbePolicy) -> Evidence {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let context = Context::new(RunId("run".to_owned()), ".".into());
    let mut all = json!({ "connectIntervalMilliseconds": 0, "listenMilliseconds": 50 });
    all.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
    let params: BTreeMap<_, _> = all.as_object().unwrap().clone().into_iter().collect();
    let request = CheckRequest {
        check: CheckId::MqttAccessControl,
        target: TargetKey("target".to_owned()),
        subject: Subject::endpoint("broker"),
        inputs: Inputs::Endpoint { endpoint, trust: Trust::default(), credentials: Vec::new() },
        policy,
        params,
    };
    let evidence = crate::collect(&context, &request).await;
    let connections = value(&evidence, "/connections").as_u64().unwrap();
    assert!(connections <= u64::from(MAX_CONNECTIONS), "{connections} connections");
    evidence
}

async fn audit(protocol: Protocol, port: u16) -> Evidence {
    let endpoint = Endpoint::new("broker", protocol, "127.0.0.1", port);
    let policy =
        ProbePolicy { connect_timeout_seconds: 1, deadline_seconds: 20, ..Default::default() };
    audit_with(endpoint, json!({}), policy).await
}

#[tokio::test]
async fn a_broker_that_denies_everybody_is_seen_to() {
    let peer = Peer::start(Script::respond(|question| {
        let code = if is_v5(question) { 0x87 } else { 5 };
        connack(question, code)
    }))
    .await;
    let seen = audit(Protocol::Mqtt, peer.port()).await;
    expect(
        &seen,
        &[
            ("/anonymous/access", json!("denied")),
            ("/anonymous/v5/reason", json!("0x87 not authorized")),
            ("/anonymous/v311/reason", json!("5 not authorized")),
            ("/random/access", json!("denied")),
            ("/plain/password_checked", json!(true)),
            ("/legacy31/spoken", json!(true)),
            ("/read/as", json!("nobody")),
            ("/halted", json!(false)),
            ("/connections", json!(5)),
        ],
    );
    assert_eq!(status(&seen, "/wildcard/foreign_delivered"), "not_attempted");
    assert_eq!(status(&seen, "/credential/access"), "not_attempted");
}

#[tokio::test]
async fn a_broker_of_3_1_1_alone_is_asked_with_a_password_in_its_own_version() {
    let peer = Peer::start(Script::respond(|question| {
        let old = question.windows(6).any(|bytes| bytes == b"MQIsdp");
        if is_v5(question) || old { vec![0x20, 2, 0, 1] } else { connack(question, 4) }
    }))
    .await;
    let seen = audit(Protocol::Mqtt, peer.port()).await;
    expect(
        &seen,
        &[
            ("/anonymous/access", json!("denied")),
            ("/anonymous/v5/reason", json!("1 unacceptable protocol version")),
            ("/random/reason", json!("4 bad user name or password")),
            ("/legacy31/spoken", json!(false)),
        ],
    );
    assert_eq!(status(&seen, "/limits/effective"), "not_attempted");
    let with_login: Vec<_> = peer
        .received()
        .into_iter()
        .filter(|question| question.windows(4).any(|bytes| bytes == b"MQTT") && has_login(question))
        .collect();
    assert!(with_login.len() == 1 && !is_v5(&with_login[0]), "{with_login:x?}");
}

#[tokio::test]
async fn a_broker_that_wants_to_be_left_alone_is_left_alone() {
    for code in [0x8a, 0x9f] {
        let peer = Peer::start(Script::respond(move |question| connack(question, code))).await;
        let seen = audit(Protocol::Mqtt, peer.port()).await;
        expect(&seen, &[("/halted", json!(true)), ("/connections", json!(1))]);
        assert_eq!(status(&seen, "/anonymous/access"), "refused");
        assert_eq!(status(&seen, "/random/access"), "not_attempted");
        assert_eq!(peer.accepted(), 1);
    }
}

#[tokio::test]
async fn busy_hostile_and_silent_brokers_decide_nothing() {
    let answers: [&[u8]; 9] = [
        &[0x20, 3, 0, 0x88, 0],
        &[0x20, 3, 0, 0x97, 0],
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        &[0x20, 0xff, 0xff, 0xff, 0xff],
        &[0x20, 0xff, 0xff, 0xff, 0x7f],
        &[0x20, 2, 9, 0],
        &[0x20, 7, 0, 0, 4, 0x7f, 0x27, 0, 0],
        &[0x30, 3, 0, 1, b'x'],
        &[0x20, 2],
    ];
    for answer in answers {
        let peer = Peer::start(Script::Reply(answer.to_vec())).await;
        let seen = audit(Protocol::Mqtt, peer.port()).await;
        for pointer in ["/anonymous/access", "/random/access", "/wildcard/foreign_delivered"] {
            assert_ne!(status(&seen, pointer), "observed", "{answer:x?}, {pointer}");
        }
    }
    for script in [Script::Close, Script::Reset] {
        let peer = Peer::start(script).await;
        let seen = audit(Protocol::Mqtt, peer.port()).await;
        assert_ne!(status(&seen, "/anonymous/access"), "observed");
        expect(&seen, &[("/connections", json!(2))]);
    }
}

#[tokio::test]
async fn a_tarpit_costs_two_answers_and_no_more() {
    let byte_by_byte = Script::Drip(vec![0x20; 1000], Duration::from_millis(100));
    for script in [Script::Hang, byte_by_byte] {
        let peer = Peer::start(script).await;
        let clock = Instant::now();
        let seen = audit(Protocol::Mqtt, peer.port()).await;
        assert!(clock.elapsed() < Duration::from_secs(15), "{:?}", clock.elapsed());
        assert_ne!(status(&seen, "/anonymous/access"), "observed");
        expect(&seen, &[("/connections", json!(2))]);
    }
}

#[tokio::test]
async fn a_port_that_refuses_is_asked_once() {
    let port = testkit::process::free_port();
    let seen = audit(Protocol::Mqtt, port).await;
    assert_eq!(status(&seen, "/anonymous/access"), "refused");
    assert_eq!(status(&seen, "/random/access"), "not_attempted");
    let asked = &seen.volatile["/asked"].value().unwrap().as_array().unwrap().len();
    assert_eq!(*asked, 1);
}

/// A message of MQTT 5 with QoS 0.
fn message(topic: &str, payload: &[u8], retained: bool) -> Vec<u8> {
    let body = [&[0, u8::try_from(topic.len()).unwrap()], topic.as_bytes(), &[0], payload].concat();
    let length = u8::try_from(body.len()).unwrap();
    [&[0x30 | u8::from(retained), length], &body[..]].concat()
}

const PINGRESP: [u8; 2] = [0xd0, 0];

/// Lets everybody in, and says these bytes behind the CONNACK as if two PINGREQs had been answered and
/// the first SUBSCRIBE, whose packet id is 1, had been granted.
fn open_broker(behind: &[u8]) -> Script {
    let behind = behind.to_vec();
    Script::respond(move |question| {
        let granted = [&PINGRESP[..], &PINGRESP, &[0x90, 4, 0, 1, 0, 0]].concat();
        [connack(question, 0), granted, behind.clone()].concat()
    })
}

/// Lets everybody in and answers a PINGREQ, and says this to the SUBSCRIBE and the UNSUBSCRIBE of a
/// packet id.
fn broker_that_says(answer: impl Fn(u8, u8) -> Vec<u8> + Send + Sync + 'static) -> Script {
    Script::converse(move |question| match question {
        [0x10, ..] => connack(question, 0),
        [0xc0, ..] => PINGRESP.to_vec(),
        [packet @ (0x82 | 0xa2), _, _, id, ..] => answer(*packet, *id),
        _ => Vec::new(),
    })
}

const NOT_AUTHORIZED: [u8; 3] = [0xe0, 1, 0x87];

const READS: [&str; 4] = [
    "/wildcard/outcome",
    "/wildcard/foreign_delivered",
    "/retained/foreign_delivered",
    "/sys/delivered",
];

#[tokio::test]
async fn a_client_that_is_thrown_out_for_its_subscription_was_refused_it() {
    let peer = Peer::start(broker_that_says(|_, _| NOT_AUTHORIZED.to_vec())).await;
    let seen = audit(Protocol::Mqtt, peer.port()).await;
    expect(&seen, &[("/retained/foreign_delivered", json!(false))]);
}

#[tokio::test]
async fn a_client_that_is_thrown_out_between_two_questions_was_refused_neither() {
    let peer = Peer::start(broker_that_says(|packet, id| match packet {
        0x82 => vec![0x90, 4, 0, id, 0, 0],
        _ => [&[0xb0, 4, 0, id, 0, 0][..], &NOT_AUTHORIZED].concat(),
    }))
    .await;
    let seen = audit(Protocol::Mqtt, peer.port()).await;
    for pointer in READS {
        assert_ne!(status(&seen, pointer), "observed", "{pointer}");
    }
}

#[tokio::test]
async fn a_foreign_topic_is_told_by_its_delivery_and_kept_as_a_digest() {
    let peer = Peer::start(open_broker(&message("plant/s3cr3t", b"p4yl0ad", true))).await;
    let seen = audit(Protocol::Mqtt, peer.port()).await;
    expect(
        &seen,
        &[
            ("/read/as", json!("anonymous")),
            ("/wildcard/outcome", json!("delivered")),
            ("/wildcard/foreign_delivered", json!(true)),
            ("/retained/foreign_delivered", json!(true)),
        ],
    );
    let text = serde_json::to_string(&seen).unwrap();
    assert!(!text.contains("s3cr3t") && !text.contains("p4yl0ad"), "{text}");
    let messages = seen.volatile["/messages"].value().unwrap();
    assert_eq!(messages[0]["payload_bytes"], 7);
    assert_eq!(messages[0]["topic"], model::Digest::of_bytes(b"plant/s3cr3t").as_str());
}

#[tokio::test]
async fn a_grant_without_a_delivery_decides_no_read() {
    let peer = Peer::start(broker_that_says(|packet, id| match packet {
        0x82 => vec![0x90, 4, 0, id, 0, 0],
        _ => vec![0xb0, 4, 0, id, 0, 0],
    }))
    .await;
    let seen = audit(Protocol::Mqtt, peer.port()).await;
    expect(&seen, &[("/wildcard/outcome", json!("granted_silent"))]);
    for pointer in ["/wildcard/foreign_delivered", "/retained/foreign_delivered", "/sys/delivered"]
    {
        assert_ne!(status(&seen, pointer), "observed", "{pointer}");
    }
}

#[tokio::test]
async fn a_flood_of_messages_is_cut_and_the_rest_is_truncated() {
    // Topics of the broker's own count against the limit and are foreign to nobody.
    let flood = message("$SYS/x", &[b'x'; 100], false).repeat(5_000);
    let peer = Peer::start(open_broker(&flood)).await;
    let seen = audit(Protocol::Mqtt, peer.port()).await;
    assert_eq!(status(&seen, "/wildcard/foreign_delivered"), "truncated");
    assert_eq!(status(&seen, "/retained/foreign_delivered"), "truncated");
    let read = seen.volatile["/messages_read"].value().unwrap().as_u64().unwrap();
    assert_eq!(read, u64::from(session::MAX_MESSAGES));
}

#[tokio::test]
async fn a_listener_that_wants_certificates_denies_those_without() {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let authority = Authority::new("Test");
    let identity = authority.issue(&Leaf::default());
    let clients = tls::Clients::Needed(&authority);
    let config = tls::server_with(&identity, &[], clients, rustls::ALL_VERSIONS);
    let peer = Peer::secured(config, Script::Close).await;
    let endpoint = Endpoint {
        server_name: Some("localhost".to_owned()),
        ..Endpoint::new("broker", Protocol::Mqtts, "127.0.0.1", peer.port())
    };
    let seen = audit_with(endpoint, json!({}), ProbePolicy::default()).await;
    expect(
        &seen,
        &[
            ("/tls/client_certificate", json!("required")),
            ("/anonymous/access", json!("denied")),
            ("/random/access", json!("denied")),
            ("/read/as", json!("nobody")),
        ],
    );
}

#[tokio::test]
async fn a_websocket_that_is_not_opened_denies_only_with_401_and_403() {
    for (answer, denied) in [("401 Unauthorized", true), ("404 Not Found", false)] {
        let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
        let peer = Peer::start(Script::Reply(answer.into_bytes())).await;
        let seen = audit(Protocol::Ws, peer.port()).await;
        assert_eq!(status(&seen, "/anonymous/access") == "observed", denied, "{seen:?}");
    }
}

/// A WebSocket that was opened.
const OPENED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                        Connection: Upgrade\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n";

#[tokio::test]
async fn a_websocket_that_is_closed_in_place_of_a_connack_denies_only_where_it_says_so() {
    for (closing, denied) in [
        (&b"\x03\xeaunauthenticated"[..], true),
        (b"\x0b\xb8", true),
        (b"\x03\xea", false),
        (b"\x03\xf3oops", false),
        (b"", false),
    ] {
        let length = u8::try_from(closing.len()).unwrap();
        let closing = [&[0x88, length], closing].concat();
        let peer = Peer::start(Script::converse(move |question| match question {
            [b'G', ..] => OPENED.to_vec(),
            _ => closing.clone(),
        }))
        .await;
        let seen = audit(Protocol::Ws, peer.port()).await;
        assert_eq!(status(&seen, "/anonymous/access") == "observed", denied, "{seen:?}");
        if denied {
            expect(
                &seen,
                &[
                    ("/anonymous/access", json!("denied")),
                    ("/random/access", json!("denied")),
                    ("/plain/password_checked", json!(true)),
                    ("/legacy31/spoken", json!(true)),
                    ("/read/as", json!("nobody")),
                ],
            );
            let reason = seen.item("/anonymous/v311/reason").unwrap().reason().unwrap().to_owned();
            assert!(reason.starts_with("the WebSocket was closed: "), "{reason}");
        }
    }
}

#[tokio::test]
async fn parameters_that_cannot_be_used_are_named_and_nothing_is_asked() {
    let peer = Peer::start(Script::Hang).await;
    let endpoint = Endpoint::new("broker", Protocol::Mqtt, "127.0.0.1", peer.port());
    let params = json!({ "scopeA": "a/#" });
    let seen = audit_with(endpoint, params, ProbePolicy::default()).await;
    assert!(seen.item("/anonymous/access").unwrap().reason().unwrap().contains("scopeA"));
    assert_eq!(peer.accepted(), 0);
}

#[tokio::test]
async fn every_connection_has_a_client_id_that_an_owner_can_tell_and_no_will() {
    let peer = Peer::start(Script::respond(|question| connack(question, 5))).await;
    audit(Protocol::Mqtt, peer.port()).await;
    let heard = peer.received();
    assert_eq!(heard.len(), 5);
    for question in heard {
        let name = question.iter().position(|byte| *byte == b'M').unwrap();
        let flags = question[name + usize::from(question[name - 1]) + 1];
        assert_eq!(flags & 0x3e, 0x02, "clean start, no will");
        let text = String::from_utf8_lossy(&question).into_owned();
        let empty = question.ends_with(&[0, 0]);
        assert!(text.contains("plumb-") || empty, "{text}");
    }
}
