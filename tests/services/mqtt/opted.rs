//! Questions that are asked only where the target asks for them, each in both directions.

use std::collections::BTreeSet;

use model::Verdict;
use model::document::{Allowance, CredentialKind, Protocol};
use model::evidence::Evidence;
use serde_json::{Value, json};
use testkit::evidence::{expect, status, value};
use testkit::mosquitto::{self, Broker};
use testkit::peer::{Peer, Script};
use testkit::tls;

use super::broker::{Asked, LOGINS, Plant, audit, audit_with};
use super::others::{Kind, Other, Setup};
use super::{BY_NAME, EVERYBODY, EVERYTHING_APART, PAIR, verdicts};

const WRITE: &[Allowance] = &[Allowance::CanaryWrite];

/// The rules of these questions.
const OPTED: [&str; 5] = [
    "default_credentials_accepted",
    "inherited_subscription",
    "sys_publish_allowed",
    "will_scope_unrestricted",
    "ws_origin_unchecked",
];

#[tokio::test]
async fn nothing_of_it_is_asked_and_no_row_is_unknown_where_the_target_does_not_ask() {
    let plant = Plant::new();
    let broker = plant.broker(&PAIR, BY_NAME, &[]);
    let with_identities = plant.audit(broker.port(), WRITE).await;
    let open = Broker::start(&mosquitto::Setup::default()).unwrap();
    let as_a_stranger = audit(Protocol::Mqtt, open.port()).await;
    for seen in [&with_identities, &as_a_stranger] {
        let verdicts = verdicts(seen);
        for rule in OPTED {
            assert!(matches!(verdicts[rule], Verdict::NotApplicable { .. }), "{rule}");
        }
    }
    assert!(matches!(verdicts(&as_a_stranger)["auth_error_oracle"], Verdict::NotApplicable { .. }));
    // Five as a stranger, two identities, one client id, one wrong password.
    expect(&with_identities, &[("/client_id/bound", json!(false)), ("/connections", json!(9))]);
}

async fn with_defaults(plant: &Plant, port: u16, files: &[&str]) -> Evidence {
    let mut credentials = LOGINS.to_vec();
    credentials.extend(files.iter().map(|file| (*file, CredentialKind::Mqtt)));
    let params = json!({ "defaultCredentials": files });
    let asked = Asked { credentials: &credentials, params, ..Asked::default() };
    plant.ask(port, &[], &asked).await
}

#[tokio::test]
async fn a_default_credential_that_is_let_in_fails_and_ends_the_search() {
    let users = [PAIR[0], PAIR[1], ("admin", "public")];
    let plant = Plant::new();
    let broker = plant.broker(&users, BY_NAME, &[]);
    plant.write("vendor-root", "root:root\n");
    plant.write("vendor-admin", "admin:public\n");
    plant.write("vendor-user", "user:user\n");
    let files = ["vendor-root", "vendor-admin", "vendor-user"];
    let seen = with_defaults(&plant, broker.port(), &files).await;
    expect(
        &seen,
        &[
            ("/defaults/listed", json!(3)),
            ("/defaults/accepted", json!(true)),
            ("/defaults/credential", json!("vendor-admin")),
            ("/defaults/reason", json!("0 accepted")),
            // The identities stay the first two.
            ("/credential/access", json!("accepted")),
        ],
    );
    assert_eq!(verdicts(&seen)["default_credentials_accepted"], Verdict::Fail);
    let text = serde_json::to_string(&seen).unwrap();
    assert!(!text.contains("vendor-user"), "asked after one was let in: {text}");
    assert!(!text.contains("public"), "{text}");
}

#[tokio::test]
async fn default_credentials_that_are_turned_away_pass_and_one_that_is_no_login_decides_nothing() {
    let plant = Plant::new();
    let broker = plant.broker(&PAIR, BY_NAME, &[]);
    plant.write("vendor-root", "root:root\n");
    plant.write("vendor-admin", "admin:public\n");
    let seen = with_defaults(&plant, broker.port(), &["vendor-root", "vendor-admin"]).await;
    expect(&seen, &[("/defaults/accepted", json!(false)), ("/connections", json!(11))]);
    assert_eq!(verdicts(&seen)["default_credentials_accepted"], Verdict::Pass);

    plant.write("vendor-root", "secret\n");
    let seen = with_defaults(&plant, broker.port(), &["vendor-root", "vendor-admin"]).await;
    assert_eq!(status(&seen, "/defaults/accepted"), "not_attempted");
    let text = serde_json::to_string(&seen).unwrap();
    assert!(!text.contains("secret"), "{text}");
}

#[tokio::test]
async fn a_default_credential_needs_no_identity_and_never_goes_over_plaintext() {
    let plant = Plant::new();
    let broker = plant.broker(&[("admin", "public")], BY_NAME, &[]);
    let credentials = &[("login-0", CredentialKind::Mqtt)];
    let params = json!({ "defaultCredentials": ["login-0"] });
    let asked = Asked { credentials, params: params.clone(), ..Asked::default() };
    let seen = plant.ask(broker.port(), &[], &asked).await;
    expect(&seen, &[("/defaults/accepted", json!(true)), ("/identity/login", json!(false))]);
    assert_eq!(status(&seen, "/credential/access"), "not_attempted");

    let setup = mosquitto::Setup { password: Some(("admin", "public")), ..Default::default() };
    let plain = Broker::start(&setup).unwrap();
    let asked = Asked { protocol: Protocol::Mqtt, ..asked };
    let seen = plant.ask(plain.port(), &[], &asked).await;
    let reason = seen.item("/defaults/accepted").unwrap().reason().unwrap().to_owned();
    assert!(reason.contains("plaintext"), "{reason}");
    expect(&seen, &[("/connections", json!(5))]);
}

#[tokio::test]
async fn a_broker_that_answers_wrong_passwords_alike_keeps_its_user_names() {
    let plant = Plant::new();
    let broker = plant.broker(&PAIR, BY_NAME, &[]);
    let seen = plant.audit(broker.port(), &[]).await;
    expect(
        &seen,
        &[
            ("/identity/login", json!(true)),
            ("/oracle/tells", json!(false)),
            ("/oracle/unknown_user", json!("0x87 not authorized")),
            ("/oracle/wrong_password", json!("0x87 not authorized")),
        ],
    );
    assert_eq!(verdicts(&seen)["auth_error_oracle"], Verdict::Pass);

    for (tells, known) in [(true, "4 bad user name or password"), (false, "5 not authorized")] {
        let setup = Setup {
            users: Some(&PAIR),
            identity: Some(plant.identity()),
            more: Some(("tells", json!(tells))),
            ..Setup::default()
        };
        let broker = Other::start(Kind::Aedes, &setup);
        let seen = plant.audit(broker.port(), &[]).await;
        expect(&seen, &[("/oracle/tells", json!(tells)), ("/oracle/wrong_password", json!(known))]);
    }
}

#[tokio::test]
async fn a_broker_that_everybody_passes_or_that_wants_a_certificate_first_is_asked_in_its_own_way()
{
    // Everybody passes: nothing is known about user names.
    let plant = Plant::new();
    plant.logins(&PAIR);
    let setup = Setup { identity: Some(plant.identity()), ..Setup::default() };
    let broker = Other::start(Kind::Mochi, &setup);
    let seen = plant.audit(broker.port(), &[]).await;
    assert_eq!(status(&seen, "/oracle/tells"), "not_attempted");

    // A certificate first: the made-up user is asked again with one.
    let clients = testkit::pki::Authority::new("Devices");
    plant.client_certificate(&clients, "site.pem", "site");
    let client_authority = Some(clients.pem());
    let setup = mosquitto::Setup {
        client_authority,
        lines: &["require_certificate true"],
        ..mosquitto::Setup::default()
    };
    let broker = plant.broker_of(&PAIR, BY_NAME, &setup);
    let credentials = &[LOGINS[0], LOGINS[1], ("site.pem", CredentialKind::ClientCertificate)];
    let asked = Asked { credentials, ..Asked::default() };
    let seen = plant.ask(broker.port(), &[], &asked).await;
    expect(
        &seen,
        &[
            ("/credential/access", json!("accepted")),
            ("/oracle/tells", json!(false)),
            ("/oracle/unknown_user", json!("0x87 not authorized")),
        ],
    );
}

async fn staged(plant: &Plant, port: u16, allow: &[Allowance]) -> Evidence {
    let asked = Asked { params: json!({ "staging": true }), ..Asked::default() };
    plant.ask(port, allow, &asked).await
}

#[tokio::test]
async fn the_brokers_own_topics_and_wills_are_asked_about_on_a_broker_for_tests() {
    let plant = Plant::new();
    let broker = plant.broker(&PAIR, BY_NAME, &[]);
    let seen = staged(&plant, broker.port(), WRITE).await;
    expect(
        &seen,
        &[
            ("/staging/asked", json!(true)),
            ("/staging/sys_publish", json!(false)),
            ("/staging/sys_reason", json!("PUBACK 0x87 not authorized")),
            ("/publish/outside_scope", json!(false)),
            // Let in with it, and kept back when the connection was gone.
            ("/staging/will_reason", json!("0 accepted")),
            ("/staging/will_delivered", json!(false)),
            // The session is handed over, and what is delivered in it is looked at.
            ("/staging/session_resumed", json!(true)),
            ("/staging/session_delivered", json!(false)),
        ],
    );
    let verdicts = verdicts(&seen);
    assert_eq!(verdicts["inherited_subscription"], Verdict::Pass);
    assert_eq!(verdicts["sys_publish_allowed"], Verdict::Pass);
    assert_eq!(verdicts["will_scope_unrestricted"], Verdict::Pass);

    let seen = staged(&plant, broker.port(), &[]).await;
    let pointers =
        ["/staging/sys_publish", "/staging/will_delivered", "/staging/session_delivered"];
    for pointer in pointers {
        let reason = seen.item(pointer).unwrap().reason().unwrap().to_owned();
        assert!(reason.contains("canaryWrite"), "{reason}");
    }
}

#[tokio::test]
async fn a_will_says_nothing_where_the_identity_may_write_there_anyway() {
    let plant = Plant::new();
    let broker = plant.broker(&PAIR, EVERYBODY, &[]);
    let seen = staged(&plant, broker.port(), WRITE).await;
    expect(&seen, &[("/publish/outside_scope", json!(true))]);
    assert_eq!(status(&seen, "/staging/will_delivered"), "not_attempted");
}

/// Another broker, with two identities whose rights are kept apart.
fn apart(plant: &Plant, kind: Kind) -> Other {
    plant.logins(&PAIR);
    let setup = Setup {
        users: Some(&PAIR),
        rights: Some(&EVERYTHING_APART),
        identity: Some(plant.identity()),
        ..Setup::default()
    };
    Other::start(kind, &setup)
}

#[tokio::test]
async fn wills_of_other_brokers_are_told_by_their_delivery() {
    let table = [
        // It closes the session that would hear an allowed one, for a PUBLISH without a right: there is
        // another one by then.
        (Kind::Aedes, Some(false)),
        // It sends wills without a look at the rights.
        (Kind::Amqtt, Some(true)),
        // It takes no will without payload.
        (Kind::Mochi, None),
        (Kind::HiveMq, Some(false)),
    ];
    for (kind, delivered) in table {
        let plant = Plant::new();
        let broker = apart(&plant, kind);
        let seen = staged(&plant, broker.port(), WRITE).await;
        let observed =
            seen.item("/staging/will_delivered").unwrap().value().and_then(Value::as_bool);
        assert_eq!(observed, delivered, "{kind:?}: {:?}", seen.item("/staging/will_delivered"));
    }
}

#[tokio::test]
async fn a_session_that_is_handed_to_another_identity_fails_where_something_comes_with_it() {
    let cases: [(&str, &[&str], bool, bool); 3] = [
        (EVERYBODY, &[], true, true),
        (BY_NAME, &[], true, false),
        (EVERYBODY, &["use_username_as_clientid true"], false, false),
    ];
    for (acl, lines, resumed, delivered) in cases {
        let plant = Plant::new();
        let broker = plant.broker(&PAIR, acl, lines);
        let seen = staged(&plant, broker.port(), WRITE).await;
        expect(
            &seen,
            &[
                ("/staging/session_resumed", json!(resumed)),
                ("/staging/session_delivered", json!(delivered)),
                ("/staging/session_reason", json!("0 accepted")),
            ],
        );
        let verdict = if delivered { Verdict::Fail } else { Verdict::Pass };
        assert_eq!(verdicts(&seen)["inherited_subscription"], verdict, "{acl} {lines:?}");
    }
}

#[tokio::test]
async fn sessions_of_other_brokers_are_told_by_what_comes_with_them() {
    for (kind, delivered) in [
        (Kind::Aedes, Some(true)),
        (Kind::Amqtt, None),
        (Kind::Mochi, Some(true)),
        (Kind::HiveMq, Some(true)),
    ] {
        let plant = Plant::new();
        let broker = apart(&plant, kind);
        let seen = staged(&plant, broker.port(), WRITE).await;
        let item = seen.item("/staging/session_delivered").unwrap();
        assert_eq!(item.value().and_then(Value::as_bool), delivered, "{kind:?}: {item:?}");
    }
}

/// Client id and flags of a CONNECT whose client id the probe made up.
fn connect(packet: &[u8]) -> Option<(String, u8)> {
    let name = packet.windows(4).position(|bytes| bytes == b"MQTT")?;
    let text = String::from_utf8_lossy(packet);
    let id = text.split("plumb-").nth(1)?.get(..16)?;
    Some((id.to_owned(), packet[name + 5]))
}

#[tokio::test]
async fn a_session_is_left_under_one_made_up_client_id_and_ended_whatever_came_of_it() {
    const CLEAN: u8 = 0x02;
    let plant = Plant::new();
    plant.logins(&PAIR);
    // It takes everything, keeps nothing, and delivers nothing.
    let script = Script::converse(|question| match question {
        [0x10, ..] if question.windows(5).any(|bytes| bytes == b"MQTT\x05") => {
            vec![0x20, 3, 0, 0, 0]
        }
        [0x10, ..] => vec![0x20, 2, 0, 0],
        [0xc0, ..] => vec![0xd0, 0],
        [0x82, _, _, id, ..] => vec![0x90, 4, 0, *id, 0, 1],
        [0xa2, _, _, id, ..] => vec![0xb0, 4, 0, *id, 0, 0],
        [0x32, length, 0, topic, ..] if length > topic => {
            let id = usize::from(*topic) + 4;
            vec![0x40, 2, question[id], question[id + 1]]
        }
        _ => Vec::new(),
    });
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let clients = tls::Clients::NotAsked;
    let config = tls::server_with(plant.identity(), &[], clients, rustls::ALL_VERSIONS);
    let peer = Peer::secured(config, script).await;
    let seen = staged(&plant, peer.port(), WRITE).await;
    assert_eq!(status(&seen, "/staging/session_delivered"), "error");
    let came: Vec<_> = peer.received().iter().filter_map(|packet| connect(packet)).collect();
    let kept: BTreeSet<_> =
        came.iter().filter(|(_, flags)| flags & CLEAN == 0).map(|(id, _)| id).collect();
    assert_eq!(kept.len(), 1, "{came:?}");
    let (_, last) = came.iter().rfind(|(id, _)| kept.contains(id)).unwrap();
    assert_ne!(last & CLEAN, 0, "{came:?}");
}

async fn from_a_page(port: u16) -> Evidence {
    audit_with(Protocol::Ws, port, json!({ "browserClients": true })).await
}

#[tokio::test]
async fn an_origin_that_nobody_checks_fails_and_one_that_is_checked_passes() {
    let setup = mosquitto::Setup { websockets: true, ..mosquitto::Setup::default() };
    let open = Broker::start(&setup).unwrap();
    let seen = from_a_page(open.port()).await;
    expect(&seen, &[("/ws/foreign_origin", json!(true)), ("/connections", json!(6))]);
    assert_eq!(verdicts(&seen)["ws_origin_unchecked"], Verdict::Fail);

    for (origins, opened) in
        [(json!(["https://dashboard.plant.example"]), false), (Value::Null, true)]
    {
        let more = Some(("origins", origins));
        let setup = Setup { websockets: true, more, ..Setup::default() };
        let broker = Other::start(Kind::Aedes, &setup);
        let seen = from_a_page(broker.port()).await;
        assert_eq!(value(&seen, "/ws/foreign_origin"), opened);
        expect(&seen, &[("/anonymous/access", json!("accepted"))]);
    }
}

#[tokio::test]
async fn a_refusal_says_nothing_about_origins_where_no_websocket_was_opened_at_all() {
    for answer in ["404 Not Found", "403 Forbidden", "503 Service Unavailable"] {
        let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
        let peer = Peer::start(Script::Reply(answer.into_bytes())).await;
        let seen = from_a_page(peer.port()).await;
        assert_ne!(status(&seen, "/ws/foreign_origin"), "observed");
    }
}
