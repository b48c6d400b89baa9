//! The verdict table: what the probe and the rules say of brokers that are not mosquitto, each told
//! the same. What a broker was told is the truth; whatever is not decided must say so.

use std::fmt::Debug;

use model::Verdict;
use model::document::{Allowance, Protocol};
use model::evidence::Evidence;
use serde_json::json;
use testkit::evidence::{expect, status, value};

use super::broker::{Plant, Publisher, audit, publish};
use super::others::{Kind, Other, Setup};
use super::{EVERYTHING_APART, OPEN, PAIR, fails, verdicts};

/// Rules that pass on this evidence, without the name of the check, sorted.
pub fn passes(evidence: &Evidence) -> Vec<String> {
    verdicts(evidence)
        .into_iter()
        .filter(|(_, verdict)| *verdict == Verdict::Pass)
        .map(|(rule, _)| rule)
        .collect()
}

pub const READ: &str = "wildcard_read_observed";

/// Rules that pass where a subscription to everything is refused.
pub const REFUSED: [&str; 4] =
    ["retained_data_exposed", "sys_topics_readable", READ, "wildcard_subscribe_granted"];

/// Rules that pass where two identities are kept apart, and everything shows it.
const ALL_APART: [&str; 6] = [
    "cross_device_read_observed",
    "publish_outside_scope_allowed",
    "retained_data_exposed",
    "sys_topics_readable",
    READ,
    "wildcard_subscribe_granted",
];

/// Rules that pass where every client logs in, and more. amqtt says nothing to a CONNECT of
/// MQTT 5, so what becomes of strangers there is not decided.
fn known<'a>(kind: Kind, more: &[&'a str]) -> Vec<&'a str> {
    let always = ["auth_error_oracle", "credentials_not_verified", "wrong_password_accepted"];
    let own: &[&str] = match kind {
        Kind::Amqtt => &["legacy_mqtt31_accepted"],
        Kind::Aedes | Kind::Mochi | Kind::HiveMq => &["anonymous_connect_allowed"],
    };
    [&always, own, more].concat()
}

/// One line of the table.
#[track_caller]
pub fn line(broker: impl Debug, told: &str, seen: &Evidence, failing: &[&str], passing: &[&str]) {
    assert_eq!((fails(seen), passes(seen)), (own(failing), own(passing)), "{broker:?}, {told}");
}

fn own(rules: &[&str]) -> Vec<String> {
    let mut rules: Vec<String> = rules.iter().map(|rule| (*rule).to_owned()).collect();
    rules.sort_unstable();
    rules
}

#[tokio::test]
async fn open_brokers_fail_for_what_they_show() {
    for kind in Kind::ALL {
        let broker = Other::start(kind, &Setup::default());
        publish(broker.port(), "plant/line-1/speed", b"1", true);
        let seen = audit(Protocol::Mqtt, broker.port()).await;
        let failing: &[&str] = match kind {
            Kind::Aedes => {
                &["legacy_mqtt31_accepted", "retained_data_exposed", "sys_topics_readable", READ]
            }
            // It publishes nothing below $SYS unless it is told to.
            Kind::Amqtt => &["retained_data_exposed", READ],
            Kind::Mochi => &[
                "legacy_mqtt31_accepted",
                "limits_unbounded",
                "retained_data_exposed",
                "sys_topics_readable",
                READ,
            ],
            // It has nothing below $SYS.
            Kind::HiveMq => {
                &["legacy_mqtt31_accepted", "limits_unbounded", "retained_data_exposed", READ]
            }
        };
        let passing: &[&str] = match kind {
            Kind::Amqtt => &["legacy_mqtt31_accepted", "wildcard_subscribe_granted"],
            Kind::Aedes | Kind::Mochi | Kind::HiveMq => &["wildcard_subscribe_granted"],
        };
        line(kind, "nothing", &seen, &[&OPEN, failing].concat(), passing);
    }
}

#[tokio::test]
async fn brokers_that_filter_what_strangers_read_never_fail_for_reading() {
    for kind in Kind::ALL {
        let rights = [("", "public/#"), ("", "plant/line-1/+")];
        let broker = Other::start(kind, &Setup { rights: Some(&rights), ..Setup::default() });
        let publisher = Publisher::start(broker.port(), "public/time");
        let seen = audit(Protocol::Mqtt, broker.port()).await;
        drop(publisher);
        let failing: &[&str] = match kind {
            Kind::Aedes => &["legacy_mqtt31_accepted"],
            Kind::Amqtt => &[],
            Kind::Mochi | Kind::HiveMq => &["legacy_mqtt31_accepted", "limits_unbounded"],
        };
        // All of them refuse the subscription itself.
        let mut passing = REFUSED.to_vec();
        if kind == Kind::Amqtt {
            passing.insert(0, "legacy_mqtt31_accepted");
        }
        line(kind, "rights", &seen, &[&OPEN, failing].concat(), &passing);
    }
}

#[tokio::test]
async fn brokers_with_passwords_turn_strangers_away() {
    for kind in Kind::ALL {
        let broker = Other::start(kind, &Setup { users: Some(&PAIR), ..Setup::default() });
        let seen = audit(Protocol::Mqtt, broker.port()).await;
        let (failing, passing): (&[&str], &[&str]) = match kind {
            // It says nothing to a CONNECT of MQTT 5, so that is not decided.
            Kind::Amqtt => (
                &["password_over_plaintext"],
                &["credentials_not_verified", "legacy_mqtt31_accepted"],
            ),
            Kind::Aedes | Kind::Mochi | Kind::HiveMq => {
                (&["legacy_mqtt31_accepted", "password_over_plaintext"], &OPEN)
            }
        };
        line(kind, "passwords", &seen, failing, passing);
    }
}

#[tokio::test]
async fn pairs_that_are_not_kept_apart_fail_for_it() {
    for kind in Kind::ALL {
        let plant = Plant::new();
        plant.logins(&PAIR);
        let identity = Some(plant.identity());
        let setup = Setup { users: Some(&PAIR), identity, ..Setup::default() };
        let broker = Other::start(kind, &setup);
        let seen = plant.audit(broker.port(), &[Allowance::CanaryWrite]).await;
        expect(&seen, &[("/credential/access", json!("accepted"))]);
        let failing: &[&str] = match kind {
            Kind::Amqtt => &["cross_device_read_observed", "publish_outside_scope_allowed"],
            Kind::Aedes => &[
                "client_id_not_bound",
                "cross_device_read_observed",
                "legacy_mqtt31_accepted",
                "publish_outside_scope_allowed",
                "sys_topics_readable",
                "wildcard_subscribe_granted",
            ],
            Kind::Mochi => &[
                "client_id_not_bound",
                "cross_device_read_observed",
                "legacy_mqtt31_accepted",
                "limits_unbounded",
                "publish_outside_scope_allowed",
                "sys_topics_readable",
                "wildcard_subscribe_granted",
            ],
            Kind::HiveMq => &[
                "client_id_not_bound",
                "cross_device_read_observed",
                "legacy_mqtt31_accepted",
                "limits_unbounded",
                "publish_outside_scope_allowed",
                "wildcard_subscribe_granted",
            ],
        };
        line(kind, "passwords over TLS", &seen, failing, &known(kind, &[]));
    }
}

#[tokio::test]
async fn pairs_that_are_kept_apart_pass_by_what_came_round() {
    for kind in Kind::ALL {
        let plant = Plant::new();
        plant.logins(&PAIR);
        let identity = Some(plant.identity());
        let setup = Setup {
            users: Some(&PAIR),
            rights: Some(&EVERYTHING_APART),
            identity,
            ..Setup::default()
        };
        let broker = Other::start(kind, &setup);
        let seen = plant.audit(broker.port(), &[Allowance::CanaryWrite]).await;
        let (failing, apart): (&[&str], &[&str]) = match kind {
            // It closes the connection of a client that publishes where it may not, and at nothing else.
            Kind::Aedes => (&["client_id_not_bound", "legacy_mqtt31_accepted"], &ALL_APART),
            // A PUBACK of MQTT 3.1.1 decides nothing.
            Kind::Amqtt => (&[], &["cross_device_read_observed"]),
            Kind::Mochi | Kind::HiveMq => {
                (&["client_id_not_bound", "legacy_mqtt31_accepted", "limits_unbounded"], &ALL_APART)
            }
        };
        line(kind, "passwords and rights over TLS", &seen, failing, &known(kind, apart));
    }
}

#[tokio::test]
async fn brokers_are_asked_over_websockets_alike() {
    for kind in Kind::ALL {
        let setup = Setup { users: Some(&PAIR), websockets: true, ..Setup::default() };
        let broker = Other::start(kind, &setup);
        let seen = audit(Protocol::Ws, broker.port()).await;
        expect(&seen, &[("/anonymous/v311/access", json!("denied"))]);
        assert_ne!(status(&seen, "/wildcard/foreign_delivered"), "observed", "{kind:?}");
    }
}

#[tokio::test]
async fn limits_that_a_broker_was_told_are_seen() {
    let more = Some(("maximum_packet_size", json!(65_536)));
    let broker = Other::start(Kind::HiveMq, &Setup { more, ..Setup::default() });
    let seen = audit(Protocol::Mqtt, broker.port()).await;
    assert_eq!(verdicts(&seen)["limits_unbounded"], Verdict::Pass);
    assert_eq!(value(&seen, "/limits/effective")["maximum_packet_size"], 65_536);
}

#[tokio::test]
async fn a_client_id_that_a_broker_was_told_the_owner_of_is_seen_to_be_bound() {
    let plant = Plant::new();
    plant.logins(&PAIR);
    let setup = Setup {
        users: Some(&PAIR),
        rights: Some(&EVERYTHING_APART),
        identity: Some(plant.identity()),
        more: Some(("client_ids", json!({ "test-pair-b": "device-b" }))),
        ..Setup::default()
    };
    let broker = Other::start(Kind::HiveMq, &setup);
    let seen = plant.audit(broker.port(), &[Allowance::CanaryWrite]).await;
    expect(&seen, &[("/credential/access", json!("accepted")), ("/client_id/bound", json!(true))]);
    let passing = known(Kind::HiveMq, &[&ALL_APART[..], &["client_id_not_bound"]].concat());
    let failing = ["legacy_mqtt31_accepted", "limits_unbounded"];
    line(Kind::HiveMq, "the owner of a client id, too", &seen, &failing, &passing);
}
