//! Access control of real brokers, set up in each way that has a known answer: a table of
//! verdicts without a false fail.

mod broker;
mod closing;
mod opted;
mod others;
mod pairs;
mod rabbit;
mod rabbit_table;
mod table;

use std::collections::BTreeMap;

use engine::rule::built_in;
use model::document::{Allowance, Protocol};
use model::evidence::Evidence;
use model::{CheckId, Verdict};
use serde_json::json;
use testkit::evidence::{expect, status, value};
use testkit::mosquitto::{Broker, Setup};
use testkit::pki::{Authority, Leaf};

use broker::{Plant, Publisher, audit, publish};

/// Rules of the check that fail on this evidence, without the name of the check, sorted.
fn fails(evidence: &Evidence) -> Vec<String> {
    verdicts(evidence)
        .into_iter()
        .filter(|(_, verdict)| *verdict == Verdict::Fail)
        .map(|(rule, _)| rule)
        .collect()
}

fn verdicts(evidence: &Evidence) -> BTreeMap<String, Verdict> {
    let now = evidence.started_at;
    let rules = built_in();
    let judged = rules.of(CheckId::MqttAccessControl).map(|rule| {
        let (verdict, defect) = engine::judge::judge(rule, &evidence.stable, &rule.params, now);
        assert_eq!(defect, None, "{}", rule.key);
        let (_, name) = rule.key.as_str().split_once('.').unwrap();
        (name.to_owned(), verdict)
    });
    judged.collect()
}

const OPEN: [&str; 2] = ["anonymous_connect_allowed", "credentials_not_verified"];

#[tokio::test]
async fn an_open_broker_fails_for_what_it_shows_and_for_nothing_else() {
    let broker = Broker::start(&Setup::default()).unwrap();
    let seen = audit(Protocol::Mqtt, broker.port()).await;
    let quiet = [
        &OPEN[..],
        &["legacy_mqtt31_accepted", "limits_unbounded", "sys_topics_readable"],
        &["wildcard_subscribe_granted"],
    ];
    assert_eq!(fails(&seen), quiet.concat());
    expect(
        &seen,
        &[
            ("/read/as", json!("anonymous")),
            ("/wildcard/outcome", json!("granted_silent")),
            ("/sys/version_disclosed", json!(true)),
            ("/empty_client_id/access", json!("accepted")),
            ("/connections", json!(5)),
        ],
    );
    let limits = value(&seen, "/limits/effective");
    assert_eq!(limits["receive_maximum"], 20);
}

#[tokio::test]
async fn what_an_open_broker_keeps_and_delivers_is_proof_and_is_not_kept() {
    let broker = Broker::start(&Setup::default()).unwrap();
    publish(broker.port(), "plant/line-1/s3cr3t", b"p4yl0ad", true);
    let seen = audit(Protocol::Mqtt, broker.port()).await;
    assert_eq!(
        fails(&seen),
        [
            &OPEN[..],
            &["legacy_mqtt31_accepted", "limits_unbounded", "retained_data_exposed"],
            &["sys_topics_readable", "wildcard_read_observed"],
        ]
        .concat()
    );
    let text = serde_json::to_string(&seen).unwrap();
    assert!(!text.contains("s3cr3t") && !text.contains("p4yl0ad"), "{text}");

    // The same without anything kept: live messages alone.
    let broker = Broker::start(&Setup::default()).unwrap();
    let publisher = Publisher::start(broker.port(), "plant/line-1/speed");
    let seen = audit(Protocol::Mqtt, broker.port()).await;
    drop(publisher);
    expect(&seen, &[("/wildcard/foreign_delivered", json!(true))]);
    assert_ne!(status(&seen, "/retained/foreign_delivered"), "observed");
}

#[tokio::test]
async fn an_access_list_that_filters_delivery_never_fails_for_its_subacks() {
    let plant = Plant::new();
    let acl = plant.write("acl", "topic read public/#\ntopic write plant/#\n");
    let acl = format!("acl_file {acl}");
    let setup = Setup { lines: &[&acl, "max_packet_size 65536"], ..Setup::default() };
    let broker = Broker::start(&setup).unwrap();
    let publisher = Publisher::start(broker.port(), "plant/line-1/speed");
    let seen = audit(Protocol::Mqtt, broker.port()).await;
    drop(publisher);
    expect(&seen, &[("/wildcard/reason", json!("0 granted QoS 0"))]);
    let verdicts = verdicts(&seen);
    for rule in ["wildcard_read_observed", "retained_data_exposed", "sys_topics_readable"] {
        assert!(matches!(verdicts[rule], Verdict::Inconclusive { .. }), "{rule}");
    }
    assert_eq!(verdicts["limits_unbounded"], Verdict::Pass);
    let low = ["legacy_mqtt31_accepted", "wildcard_subscribe_granted"];
    assert_eq!(fails(&seen), [&OPEN[..], &low[..]].concat());
}

#[tokio::test]
async fn a_broker_with_passwords_turns_strangers_away_and_takes_passwords_in_plaintext() {
    let setup = Setup { password: Some(("gateway", "long")), ..Setup::default() };
    let broker = Broker::start(&setup).unwrap();
    let seen = audit(Protocol::Mqtt, broker.port()).await;
    assert_eq!(fails(&seen), ["legacy_mqtt31_accepted", "password_over_plaintext"]);
    expect(
        &seen,
        &[
            ("/anonymous/v5/reason", json!("0x87 not authorized")),
            ("/anonymous/v311/reason", json!("5 not authorized")),
            ("/read/as", json!("nobody")),
        ],
    );
}

#[tokio::test]
async fn a_password_file_beside_anonymous_clients_is_told_from_none() {
    let setup = Setup {
        password: Some(("gateway", "long")),
        lines: &["allow_anonymous true"],
        ..Setup::default()
    };
    let broker = Broker::start(&setup).unwrap();
    let seen = audit(Protocol::Mqtt, broker.port()).await;
    let verdicts = verdicts(&seen);
    assert_eq!(verdicts["anonymous_connect_allowed"], Verdict::Fail);
    assert_eq!(verdicts["credentials_not_verified"], Verdict::Pass);
    assert_eq!(verdicts["password_over_plaintext"], Verdict::Fail);
}

#[tokio::test]
async fn listeners_of_one_broker_are_judged_each_by_itself() {
    let port = testkit::process::free_port();
    let second = format!("listener {port} 127.0.0.1");
    let setup = Setup {
        password: Some(("gateway", "long")),
        global: &["per_listener_settings true"],
        lines: &[&second, "allow_anonymous true"],
        ..Setup::default()
    };
    let broker = Broker::start(&setup).unwrap();
    for (port, access) in [(broker.port(), "denied"), (port, "accepted")] {
        let seen = audit(Protocol::Mqtt, port).await;
        expect(&seen, &[("/anonymous/access", json!(access)), ("/random/access", json!(access))]);
    }
}

#[tokio::test]
async fn tls_and_client_certificates_are_seen_as_they_are() {
    let authority = Authority::new("Plant CA");
    let identity = authority.issue(&Leaf::default());
    let open = Setup { identity: Some(&identity), ..Setup::default() };
    let broker = Broker::start(&open).unwrap();
    let seen = audit(Protocol::Mqtts, broker.port()).await;
    expect(
        &seen,
        &[
            ("/tls/client_certificate", json!("not_requested")),
            ("/anonymous/access", json!("accepted")),
        ],
    );
    assert!(matches!(verdicts(&seen)["password_over_plaintext"], Verdict::NotApplicable { .. }));

    for version in ["tlsv1.2", "tlsv1.3"] {
        let version = format!("tls_version {version}");
        let mutual = Setup {
            client_authority: Some(authority.pem()),
            lines: &["require_certificate true", &version],
            ..open.clone()
        };
        let broker = Broker::start(&mutual).unwrap();
        let seen = audit(Protocol::Mqtts, broker.port()).await;
        expect(
            &seen,
            &[
                ("/tls/client_certificate", json!("required")),
                ("/anonymous/access", json!("denied")),
                ("/random/access", json!("denied")),
                ("/read/as", json!("nobody")),
            ],
        );
        assert_eq!(fails(&seen), [""; 0], "{version}");
    }
}

#[tokio::test]
async fn websockets_are_asked_like_everything_else() {
    let authority = Authority::new("Plant CA");
    let identity = authority.issue(&Leaf::default());
    let plain = Setup { websockets: true, ..Setup::default() };
    let secured = Setup { identity: Some(&identity), ..plain.clone() };
    for (setup, protocol) in [(&plain, Protocol::Ws), (&secured, Protocol::Wss)] {
        let broker = Broker::start(setup).unwrap();
        let seen = audit(protocol, broker.port()).await;
        expect(
            &seen,
            &[
                ("/anonymous/v5/access", json!("accepted")),
                ("/anonymous/v311/access", json!("accepted")),
                ("/random/access", json!("accepted")),
                ("/sys/delivered", json!(true)),
            ],
        );
    }
}

const PAIR: [(&str, &str); 2] = [("device-a", "word-a"), ("device-b", "word-b")];

const BY_NAME: &str = "pattern readwrite devices/%u/#\n";

/// The same for brokers that are told so in filters.
const EVERYTHING_APART: [(&str, &str); 2] =
    [("device-a", "devices/device-a/#"), ("device-b", "devices/device-b/#")];

const EVERYBODY: &str = "topic readwrite #\nuser device-a\ntopic readwrite #\nuser device-b\n\
                         topic readwrite #\n";

#[tokio::test]
async fn a_pair_of_identities_that_is_kept_apart_passes_by_what_came_round() {
    let plant = Plant::new();
    let broker = plant.broker(&PAIR, BY_NAME, &["use_username_as_clientid true"]);
    let seen = plant.audit(broker.port(), &[Allowance::CanaryWrite]).await;
    expect(
        &seen,
        &[
            ("/anonymous/access", json!("denied")),
            ("/credential/access", json!("accepted")),
            ("/read/as", json!("declared_credential")),
            ("/wildcard/outcome", json!("granted_filtered")),
            ("/wildcard/foreign_delivered", json!(false)),
            ("/publish/outside_scope", json!(false)),
            ("/publish/reason", json!("PUBACK 0x87 not authorized")),
            ("/cross_device/delivered", json!(false)),
            ("/client_id/bound", json!(true)),
        ],
    );
    assert_eq!(fails(&seen), ["legacy_mqtt31_accepted", "limits_unbounded"]);
    let text = serde_json::to_string(&seen).unwrap();
    for secret in ["word-a", "word-b", "device-a", "device-b"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[tokio::test]
async fn a_pair_of_identities_that_is_not_kept_apart_fails_for_all_of_it() {
    let plant = Plant::new();
    let broker = plant.broker(&PAIR, EVERYBODY, &[]);
    let seen = plant.audit(broker.port(), &[Allowance::CanaryWrite]).await;
    expect(
        &seen,
        &[
            ("/publish/outside_scope", json!(true)),
            ("/cross_device/delivered", json!(true)),
            ("/client_id/bound", json!(false)),
        ],
    );
    let expected = ["client_id_not_bound", "cross_device_read_observed", "legacy_mqtt31_accepted"];
    assert_eq!(fails(&seen)[..3], expected);
    assert!(fails(&seen).contains(&"publish_outside_scope_allowed".to_owned()));
}

#[tokio::test]
async fn nothing_is_written_where_that_is_not_allowed_and_no_credential_goes_where_nobody_proved() {
    let plant = Plant::new();
    let broker = plant.broker(&PAIR, EVERYBODY, &[]);
    let seen = plant.audit(broker.port(), &[]).await;
    for pointer in ["/publish/outside_scope", "/cross_device/delivered"] {
        let reason = seen.item(pointer).unwrap().reason().unwrap().to_owned();
        assert!(reason.contains("canaryWrite"), "{reason}");
    }
    expect(&seen, &[("/credential/access", json!("accepted"))]);

    plant.write("ca.pem", &Authority::new("Another CA").pem());
    let seen = plant.audit(broker.port(), &[Allowance::CanaryWrite]).await;
    let item = seen.item("/credential/access").unwrap();
    assert!(item.reason().unwrap().contains("did not prove who it is"), "{item:?}");
}
