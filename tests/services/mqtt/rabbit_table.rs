//! The verdict table of RabbitMQ. It speaks MQTT 3.1 and 3.1.1 here (5 came with 3.13), closes a
//! connection at whatever is not allowed, and keeps retained messages from wildcards: much cannot be
//! told, and nothing may be told wrongly.

use model::document::{Allowance, Protocol};
use serde_json::json;
use testkit::evidence::{expect, status};

use super::broker::{Asked, Plant, Publisher, audit, publish};
use super::rabbit::{Node, Told};
use super::table::{READ, line};
use super::{EVERYTHING_APART, PAIR};

const NAME: &str = "RabbitMQ";

#[tokio::test]
async fn a_node_of_rabbitmq_is_judged_by_what_each_of_its_hosts_was_told() {
    let plant = Plant::new();
    plant.logins(&PAIR);
    let told = Told {
        users: &PAIR,
        apart: &EVERYTHING_APART,
        public: &["public/#", "plant/line-1/+"],
        identity: plant.identity(),
    };
    let node = Node::start(&told);
    let asked = Asked { params: json!({ "staging": true }), ..Asked::default() };
    // Client ids are the node's, whatever the host, so the pairs come one after the other.
    let pairs = async {
        together(&plant, &node, &asked).await;
        apart(&plant, &node, &asked).await;
    };
    tokio::join!(open(&node), public(&node), users(&node), pairs);
}

async fn open(node: &Node) {
    publish(node.open, "plant/line-1/speed", b"1", true);
    let silent = audit(Protocol::Mqtt, node.open).await;
    expect(
        &silent,
        &[
            ("/anonymous/access", json!("accepted")),
            ("/anonymous/v311/access", json!("accepted")),
            // A user that was made up is looked for, although nobody needs one.
            ("/random/reason", json!("4 bad user name or password")),
            ("/wildcard/outcome", json!("granted_silent")),
        ],
    );
    assert_eq!(status(&silent, "/anonymous/v5/access"), "error");
    assert_eq!(status(&silent, "/limits/effective"), "not_attempted");
    // What it keeps goes to subscriptions without a wildcard alone.
    assert_eq!(status(&silent, "/retained/foreign_delivered"), "timeout");
    let open = ["anonymous_connect_allowed", "legacy_mqtt31_accepted", "password_over_plaintext"];
    let silently = [&open[..], &["wildcard_subscribe_granted"]].concat();
    line(NAME, "nothing", &silent, &silently, &["credentials_not_verified"]);

    let publisher = Publisher::start(node.open, "plant/line-1/speed");
    let busy = audit(Protocol::Mqtt, node.open).await;
    drop(publisher);
    let read = [&open[..], &[READ]].concat();
    let passing = ["credentials_not_verified", "wildcard_subscribe_granted"];
    line(NAME, "nothing, and somebody publishes", &busy, &read, &passing);
}

async fn public(node: &Node) {
    let publisher = Publisher::start(node.public, "public/time");
    let seen = audit(Protocol::Mqtt, node.public).await;
    drop(publisher);
    let failing =
        ["anonymous_connect_allowed", "legacy_mqtt31_accepted", "password_over_plaintext"];
    line(NAME, "rights", &seen, &failing, &["credentials_not_verified"]);
    // A subscription that is not allowed ends the connection, which could have other reasons.
    for pointer in ["/wildcard/foreign_delivered", "/sys/delivered"] {
        assert_eq!(status(&seen, pointer), "error", "{pointer}");
    }
}

async fn users(node: &Node) {
    let passing = ["anonymous_connect_allowed", "credentials_not_verified"];
    let failing = ["legacy_mqtt31_accepted", "password_over_plaintext"];
    for (protocol, port) in [(Protocol::Mqtt, node.users), (Protocol::Ws, node.websocket)] {
        let seen = audit(protocol, port).await;
        line(NAME, &format!("users, {protocol:?}"), &seen, &failing, &passing);
    }
}

/// Rules that pass where users log in over TLS.
const KNOWN: [&str; 3] =
    ["anonymous_connect_allowed", "auth_error_oracle", "credentials_not_verified"];

async fn together(plant: &Plant, node: &Node, asked: &Asked<'_>) {
    let seen = plant.ask(node.together, &[Allowance::CanaryWrite], asked).await;
    let failing = [
        "client_id_not_bound",
        "cross_device_read_observed",
        "inherited_subscription",
        "legacy_mqtt31_accepted",
        "publish_outside_scope_allowed",
        "wildcard_subscribe_granted",
    ];
    line(NAME, "users over TLS", &seen, &failing, &KNOWN);
}

async fn apart(plant: &Plant, node: &Node, asked: &Asked<'_>) {
    let seen = plant.ask(node.apart, &[Allowance::CanaryWrite], asked).await;
    // It looks at the rights when a subscription is made, and never again.
    expect(&seen, &[("/staging/session_resumed", json!(true))]);
    let failing = ["inherited_subscription", "legacy_mqtt31_accepted"];
    line(NAME, "users and rights over TLS", &seen, &failing, &KNOWN);
}
