use std::collections::BTreeMap;

use model::document::{Protocol, Trust};
use model::evidence::Evidence;
use model::request::{CheckRequest, Inputs, ProbePolicy};
use model::{CheckId, RunId, Subject, TargetKey};
use serde_json::json;
use testkit::evidence::{status, value};
use testkit::peer::{Peer, Script};
use testkit::pki::{Authority, Leaf};
use testkit::tls::{self, Clients};

use crate::Context;
use crate::broker_transport_posture::collect;
use crate::broker_transport_posture::tests::endpoint;

const LISTS: [&str; 8] = [
    "/tls/full/versions",
    "/tls/full/suites",
    "/tls/full/groups",
    "/tls/full/signatures",
    "/tls/full/preference",
    "/tls/full/inconsistent",
    "/tls/full/certificates",
    "/tls/sslv2/accepted",
];

/// Full mode with a second of patience per answer.
pub(super) async fn enumerate(protocol: Protocol, port: u16) -> Evidence {
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
        policy: ProbePolicy { connect_timeout_seconds: 1, ..ProbePolicy::default() },
        params: BTreeMap::from([("mode".to_owned(), json!("full"))]),
    };
    collect(&context, &request).await
}

async fn broker() -> Peer {
    let identity = Authority::new("Test").issue(&Leaf::default());
    let tls = tls::server_with(&identity, &[], Clients::NotAsked, rustls::ALL_VERSIONS);
    Peer::secured(tls, Script::ReplyAndHold(vec![0x20, 2, 0, 5])).await
}

#[tokio::test]
async fn a_modern_broker_is_listed_whole_with_its_hybrid_group() {
    let broker = broker().await;
    let seen = enumerate(Protocol::Mqtts, broker.port()).await;
    assert_eq!(value(&seen, "/tls/full/versions"), json!(["TLSv1.2", "TLSv1.3"]));
    let suites = value(&seen, "/tls/full/suites");
    let names: Vec<_> = suites.as_array().expect("a list").iter().map(|s| &s["suite"]).collect();
    assert_eq!(
        names,
        [
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
            "TLS_AES_128_GCM_SHA256",
            "TLS_AES_256_GCM_SHA384",
            "TLS_CHACHA20_POLY1305_SHA256",
        ]
    );
    let groups = value(&seen, "/tls/full/groups");
    let modern: Vec<_> = groups
        .as_array()
        .expect("a list")
        .iter()
        .filter(|entry| entry["version"] == "TLSv1.3")
        .map(|entry| &entry["group"])
        .collect();
    assert!(modern.iter().any(|group| **group == "X25519MLKEM768"), "{modern:?}");
    assert!(modern.iter().any(|group| **group == "x25519"), "{modern:?}");
    assert_eq!(value(&seen, "/tls/tls13/pq_hybrid"), json!(true));
    assert_eq!(value(&seen, "/tls/full/inconsistent"), json!([]));
    assert_eq!(value(&seen, "/tls/sslv2/accepted"), json!(false));
    assert_eq!(value(&seen, "/connections"), json!(broker.accepted()));
}

/// A ServerHello of SSL 3.0 or TLS 1.0 with a suite, or an alert.
fn answer(minor: u8, suite: Result<u16, u8>) -> Vec<u8> {
    let body = match suite {
        Err(alert) => return vec![21, 3, minor, 0, 2, 2, alert],
        Ok(suite) => {
            let [high, low] = suite.to_be_bytes();
            [&[3, minor][..], &[7; 32], &[0, high, low, 0]].concat()
        }
    };
    let length = u8::try_from(body.len()).expect("it is short");
    let message = [&[2, 0, 0, length][..], &body, &[14, 0, 0, 0]].concat();
    let length = u8::try_from(message.len()).expect("it is short");
    [&[22, 3, minor, 0, length][..], &message].concat()
}

/// The suites of a hello that stands alone in its record.
fn offered(hello: &[u8]) -> Vec<u16> {
    let at = 44 + usize::from(hello[43]);
    let length = usize::from(u16::from_be_bytes([hello[at], hello[at + 1]]));
    let pairs = hello[at + 2..at + 2 + length].chunks_exact(2);
    pairs.map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
}

#[tokio::test]
async fn a_server_that_fails_on_what_it_chose_is_asked_for_the_rest_without_it() {
    // As GnuTLS does without parameters: it takes DHE before static RSA, and then cannot do it. In
    // SSL 3.0 this one can.
    let peer = Peer::start(Script::respond(|hello: &[u8]| {
        if hello.len() < 46 || hello[0] != 22 {
            return answer(1, Err(70));
        }
        let (suites, minor) = (offered(hello), hello[10].min(1));
        if minor > 0 && suites.contains(&0x0033) {
            return answer(minor, Err(80));
        }
        let chosen = suites.into_iter().find(|suite| [0x002f, 0x0035].contains(suite));
        answer(minor, chosen.ok_or(40))
    }))
    .await;
    let seen = enumerate(Protocol::Tls, peer.port()).await;
    let suites = value(&seen, "/tls/full/suites");
    let names = ["TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_256_CBC_SHA"];
    let expected = ["SSLv3", "TLSv1.0"]
        .map(|version| names.map(|suite| json!({ "version": version, "suite": suite })));
    assert_eq!(suites, json!(expected.concat()));
    assert_eq!(status(&seen, "/tls/suites/ffdhe/accepted"), "error");
}

/// A SERVER-HELLO of SSL 2.0 with one kind of cipher and a certificate of two bytes.
const SSL2: [u8; 19] = [0x80, 17, 4, 0, 1, 0, 2, 0, 2, 0, 3, 0, 1, 0x30, 0, 1, 0, 0x80, 7];

/// A server that answers SSL 2.0, and everybody else with these bytes and the end.
async fn of_ssl2(others: &[u8]) -> Peer {
    let others = others.to_vec();
    Peer::start(Script::respond(move |hello: &[u8]| match hello {
        [0x80, 46, 1, 0, 2, ..] => SSL2.to_vec(),
        _ => others.clone(),
    }))
    .await
}

#[tokio::test]
async fn a_server_of_ssl2_alone_is_found_however_it_refuses_the_rest() {
    for others in [&[][..], &[21, 3, 1, 0, 2, 2, 40], &[0x80, 3, 0, 0, 1]] {
        let peer = of_ssl2(others).await;
        let seen = enumerate(Protocol::Tls, peer.port()).await;
        assert_eq!(value(&seen, "/tls/sslv2/accepted"), json!(true), "{others:?}");
        if others.first() == Some(&0x80) {
            // What this means to a client of TLS is not said, so nothing else is.
            assert_eq!(status(&seen, "/tls/full/versions"), "error");
            continue;
        }
        assert_eq!(value(&seen, "/tls/full/versions"), json!(["SSLv2"]), "{others:?}");
        let listed = json!([{ "version": "SSLv2", "suite": "SSL_CK_RC4_128_WITH_MD5" }]);
        assert_eq!(value(&seen, "/tls/full/suites"), listed);
        // Its certificate is listed, whatever it is.
        let certificates = value(&seen, "/tls/full/certificates");
        assert_eq!(certificates.as_array().map(Vec::len), Some(1), "{certificates}");
        assert_eq!(certificates[0]["key"], "unknown");
        assert_eq!(value(&seen, "/connections"), json!(peer.accepted()));
    }
}

#[tokio::test]
async fn a_server_of_ssl2_that_waits_for_the_rest_of_a_hello_of_tls_is_found() {
    // The questions in the order in which they come: three by decision mode, which then gives up.
    let hang = vec![Script::Hang; 3];
    let peer = Peer::sequence([hang, vec![Script::Reply(SSL2.to_vec())]].concat()).await;
    let seen = enumerate(Protocol::Tls, peer.port()).await;
    assert_eq!(value(&seen, "/tls/sslv2/accepted"), json!(true));
    assert_eq!(status(&seen, "/tls/full/suites"), "timeout");
    assert_eq!(status(&seen, "/tls/tls12/accepted"), "timeout");
}

#[tokio::test]
async fn half_a_server_hello_of_ssl2_is_neither_yes_nor_no() {
    let peer = Peer::start(Script::respond(|hello: &[u8]| match hello {
        [0x80, 46, 1, ..] => SSL2[..12].to_vec(),
        _ => answer(1, Ok(0x002f)),
    }))
    .await;
    let seen = enumerate(Protocol::Tls, peer.port()).await;
    assert_eq!(status(&seen, "/tls/sslv2/accepted"), "error");
    assert_eq!(value(&seen, "/tls/tls10/accepted"), json!(true));
}

#[tokio::test]
async fn a_server_that_takes_a_bad_suite_alone_and_ends_all_else_without_a_word_is_found() {
    // TLS 1.2 with 3DES: no hello of a careful client has that.
    let peer = Peer::start(Script::respond(|hello: &[u8]| {
        let fits = hello.len() > 46 && hello[0] == 22 && hello[10] == 3;
        match fits && offered(hello).contains(&0x000a) {
            true => answer(3, Ok(0x000a)),
            false => Vec::new(),
        }
    }))
    .await;
    let seen = enumerate(Protocol::Tls, peer.port()).await;
    assert_eq!(value(&seen, "/tls/spoken"), json!(true));
    assert_eq!(value(&seen, "/tls/suites/block64/accepted"), json!(true));
    assert_eq!(value(&seen, "/tls/full/versions"), json!(["TLSv1.2"]));
    let listed = json!([{ "version": "TLSv1.2", "suite": "TLS_RSA_WITH_3DES_EDE_CBC_SHA" }]);
    assert_eq!(value(&seen, "/tls/full/suites"), listed);
}

#[tokio::test]
async fn authorities_that_a_request_names_are_counted_in_every_version() {
    let devices = Authority::new("Devices");
    let identity = Authority::new("Test").issue(&Leaf::default());
    for versions in [&[&rustls::version::TLS12][..], &[&rustls::version::TLS13]] {
        for (clients, names) in [(Clients::Needed(&devices), Some(1)), (Clients::NotAsked, None)] {
            let tls = tls::server_with(&identity, &[], clients, versions);
            let broker = Peer::secured(tls, Script::ReplyAndHold(vec![0x20, 2, 0, 5])).await;
            let seen = enumerate(Protocol::Mqtts, broker.port()).await;
            let pointer = "/tls/features/client_ca_names";
            match names {
                Some(names) => assert_eq!(value(&seen, pointer), json!(names), "{versions:?}"),
                None => assert_eq!(status(&seen, pointer), "not_attempted", "{versions:?}"),
            }
        }
    }
}

#[tokio::test]
async fn silence_and_garbage_list_nothing_and_cost_no_more_than_decision_mode() {
    for (script, expected) in
        [(Script::Hang, "timeout"), (Script::Reply(b"SSH-2.0-x\r\n".to_vec()), "error")]
    {
        let peer = Peer::start(script).await;
        let seen = enumerate(Protocol::Tls, peer.port()).await;
        for pointer in LISTS {
            assert_eq!(status(&seen, pointer), expected, "{pointer}");
        }
        assert!(peer.accepted() <= 12, "{} connections", peer.accepted());
    }
}

#[tokio::test]
async fn a_target_that_falls_silent_on_the_way_says_so_in_every_list() {
    let broker = broker().await;
    let mut scripts = vec![Script::Forward(broker.port()); 12];
    scripts.push(Script::Hang);
    let peer = Peer::sequence(scripts).await;
    let seen = enumerate(Protocol::Mqtts, peer.port()).await;
    for pointer in ["/tls/full/versions", "/tls/full/suites", "/tls/full/groups"] {
        assert_eq!(status(&seen, pointer), "timeout", "{pointer}");
    }
    assert_eq!(value(&seen, "/tls/spoken"), json!(true));
    assert!(peer.accepted() <= 40, "{} connections", peer.accepted());
}

#[tokio::test]
async fn an_endpoint_without_tls_has_nothing_to_list() {
    let peer = Peer::start(Script::Reply(vec![0x20, 2, 0, 0])).await;
    let seen = enumerate(Protocol::Mqtt, peer.port()).await;
    for pointer in LISTS {
        assert_eq!(status(&seen, pointer), "not_attempted", "{pointer}");
    }
}

mod old;
mod others;
