//! Two identities on every way that MQTT takes, and what becomes of a session in the middle.

use model::document::{Allowance, CredentialKind, Protocol};
use serde_json::json;
use testkit::evidence::{expect, status, value};
use testkit::mosquitto::Setup;
use testkit::peer::{Peer, Script};
use testkit::pki::Authority;
use testkit::tls;

use super::broker::{Asked, Plant};
use super::others::{self, Kind, Other};
use super::{BY_NAME, EVERYBODY, EVERYTHING_APART, PAIR};

const WRITE: &[Allowance] = &[Allowance::CanaryWrite];

const APART: [(&str, bool); 3] = [
    ("/wildcard/foreign_delivered", false),
    ("/cross_device/delivered", false),
    ("/client_id/bound", true),
];

#[tokio::test]
async fn a_pair_is_asked_over_websockets_with_tls_as_over_tls() {
    for (acl, apart) in [(BY_NAME, true), (EVERYBODY, false)] {
        let plant = Plant::new();
        let lines: &[&str] = if apart { &["use_username_as_clientid true"] } else { &[] };
        let setup = Setup { websockets: true, lines, ..Setup::default() };
        let broker = plant.broker_of(&PAIR, acl, &setup);
        let asked = Asked { protocol: Protocol::Wss, ..Asked::default() };
        let seen = plant.ask(broker.port(), WRITE, &asked).await;
        expect(
            &seen,
            &[
                ("/credential/access", json!("accepted")),
                ("/publish/outside_scope", json!(!apart)),
                ("/cross_device/delivered", json!(!apart)),
                ("/client_id/bound", json!(apart)),
            ],
        );
    }
}

#[tokio::test]
async fn a_pair_of_client_certificates_is_a_pair_like_any_other() {
    let clients = Authority::new("Devices");
    for (acl, apart) in [(BY_NAME, true), (EVERYBODY, false)] {
        let plant = Plant::new();
        for name in ["device-a", "device-b"] {
            plant.client_certificate(&clients, &format!("{name}.pem"), name);
        }
        let mut lines = vec!["require_certificate true", "use_identity_as_username true"];
        lines.extend(apart.then_some("use_username_as_clientid true"));
        let client_authority = Some(clients.pem());
        let setup = Setup { client_authority, lines: &lines, ..Setup::default() };
        let broker = plant.broker_of(&[], acl, &setup);
        let kind = CredentialKind::ClientCertificate;
        let credentials = &[("device-a.pem", kind), ("device-b.pem", kind)];
        let asked = Asked { credentials, ..Asked::default() };
        let seen = plant.ask(broker.port(), WRITE, &asked).await;
        expect(
            &seen,
            &[
                ("/anonymous/access", json!("denied")),
                ("/credential/access", json!("accepted")),
                ("/identity/login", json!(false)),
                ("/publish/outside_scope", json!(!apart)),
                ("/cross_device/delivered", json!(!apart)),
                ("/client_id/bound", json!(apart)),
            ],
        );
        assert_eq!(status(&seen, "/oracle/tells"), "not_attempted");
        let text = serde_json::to_string(&seen).unwrap();
        assert!(!text.contains("PRIVATE KEY") && !text.contains("CERTIFICATE--"), "{text}");
    }
}

/// Brokers that speak MQTT 3.1.1 alone: a PUBACK decides nothing there; what came round does, and the
/// end of the connection at nothing but this message.
#[tokio::test]
async fn a_pair_is_asked_in_mqtt_3_1_1_where_the_broker_speaks_no_other() {
    for kind in [Kind::Aedes, Kind::Amqtt] {
        for apart in [true, false] {
            let plant = Plant::new();
            plant.logins(&PAIR);
            let setup = others::Setup {
                users: Some(&PAIR),
                rights: apart.then_some(&EVERYTHING_APART[..]),
                identity: Some(plant.identity()),
                ..others::Setup::default()
            };
            let broker = Other::start(kind, &setup);
            let seen = plant.audit(broker.port(), WRITE).await;
            let asked = seen.volatile["/asked"].value().unwrap().to_string();
            assert!(asked.contains("CONNECT of MQTT 3.1.1: the second identity"), "{asked}");
            assert_eq!(value(&seen, "/cross_device/delivered"), !apart, "{kind:?}");
            if apart {
                let taken = seen.item("/publish/outside_scope").unwrap().value();
                assert_eq!(taken, (kind == Kind::Aedes).then_some(&json!(false)), "{kind:?}");
            } else {
                expect(
                    &seen,
                    &[
                        ("/publish/outside_scope", json!(true)),
                        ("/publish/reason", json!("the canary came round to the second identity")),
                    ],
                );
                // amqtt lets both be connected with one client id, which says nothing about whose
                // it is; aedes closes the older one without a word, as MQTT 3.1.1 has it.
                let bound = seen.item("/client_id/bound").unwrap().value();
                assert_eq!(bound, (kind == Kind::Aedes).then_some(&json!(false)), "{kind:?}");
            }
        }
    }
}

/// A peer that says `Accepted` to every CONNECT, in the version it was asked in, and then this.
async fn accepting(plant: &Plant, behind: &'static [u8]) -> Peer {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let clients = tls::Clients::NotAsked;
    let config = tls::server_with(plant.identity(), &[], clients, rustls::ALL_VERSIONS);
    let script = Script::respond(move |question| {
        let is_v5 = question.windows(5).any(|bytes| bytes == b"MQTT\x05");
        let connack: &[u8] = if is_v5 { &[0x20, 3, 0, 0, 0] } else { &[0x20, 2, 0, 0] };
        [connack, behind].concat()
    });
    Peer::secured(config, script).await
}

#[tokio::test]
async fn a_broker_that_closes_in_the_middle_decides_nothing_about_a_pair() {
    // Behind the CONNACK: the end; a DISCONNECT with session taken over and busy; half a packet; a
    // packet that is none.
    let ends: [&'static [u8]; 5] =
        [b"", &[0xe0, 1, 0x8e], &[0xe0, 1, 0x89], &[0x90, 4, 0], &[0xf0, 0]];
    for behind in ends {
        let plant = Plant::new();
        plant.logins(&PAIR);
        let peer = accepting(&plant, behind).await;
        let asked = Asked { params: json!({ "staging": true }), ..Asked::default() };
        let seen = plant.ask(peer.port(), WRITE, &asked).await;
        expect(&seen, &[("/credential/access", json!("accepted"))]);
        for (pointer, _) in APART {
            assert_ne!(status(&seen, pointer), "observed", "{behind:x?}, {pointer}");
        }
        for pointer in ["/publish/outside_scope", "/staging/will_delivered"] {
            assert_ne!(status(&seen, pointer), "observed", "{behind:x?}, {pointer}");
        }
    }
}
