//! The verdict table of RabbitMQ. It speaks MQTT 3.1 and 3.1.1 here (5 came with 3.13), closes a
//! connection at whatever is not allowed, and keeps retained messages from wildcards: not everything can
//! be told, and nothing may be told wrongly. The lines are those of 3.10; another version, where a machine
//! has one, is held to that no verdict contradicts what the node was told.

use model::document::{Allowance, Protocol};
use model::evidence::Evidence;
use serde_json::json;
use testkit::evidence::{expect, status, value};

use super::broker::{Asked, Plant, Publisher, audit, publish};
use super::rabbit::{Node, Told};
use super::table::{self, READ};
use super::{EVERYTHING_APART, PAIR, fails};

/// What a version does with sessions is its own, and nothing that it is told.
const OWN: &str = "inherited_subscription";

/// One line of the table.
#[track_caller]
fn line(node: &Node, told: &str, seen: &Evidence, failing: &[&str], passing: &[&str]) {
    if node.is_known {
        return table::line("RabbitMQ", told, seen, failing, passing);
    }
    for rule in fails(seen) {
        assert!(!passing.contains(&rule.as_str()), "{told}: {rule} fails");
    }
    for rule in table::passes(seen) {
        assert!(rule == OWN || !failing.contains(&rule.as_str()), "{told}: {rule} passes");
    }
}

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
    // One after the other: a client id is one in the whole node, whatever the host.
    open(&node).await;
    public(&node).await;
    users(&node).await;
    together(&plant, &node, &asked).await;
    apart(&plant, &node, &asked).await;
}

async fn open(node: &Node) {
    publish(node.open, "plant/line-1/speed", b"1", true);
    let silent = audit(Protocol::Mqtt, node.open).await;
    expect(&silent, &[("/anonymous/access", json!("accepted"))]);
    if node.is_known {
        // A user that was made up is looked for, although nobody needs one.
        expect(&silent, &[("/random/reason", json!("4 bad user name or password"))]);
        assert_eq!(status(&silent, "/anonymous/v5/access"), "error");
        assert_eq!(status(&silent, "/limits/effective"), "not_attempted");
        // What it keeps goes to subscriptions without a wildcard alone.
        assert_eq!(status(&silent, "/retained/foreign_delivered"), "timeout");
    }
    let open = ["anonymous_connect_allowed", "legacy_mqtt31_accepted", "password_over_plaintext"];
    let silently = [&open[..], &["wildcard_subscribe_granted"]].concat();
    line(node, "nothing", &silent, &silently, &["credentials_not_verified"]);

    let publisher = Publisher::start(node.open, "plant/line-1/speed");
    let busy = audit(Protocol::Mqtt, node.open).await;
    drop(publisher);
    let read = [&open[..], &[READ]].concat();
    let passing = ["credentials_not_verified", "wildcard_subscribe_granted"];
    line(node, "nothing, and somebody publishes", &busy, &read, &passing);
}

async fn public(node: &Node) {
    let publisher = Publisher::start(node.public, "public/time");
    let seen = audit(Protocol::Mqtt, node.public).await;
    drop(publisher);
    let failing =
        ["anonymous_connect_allowed", "legacy_mqtt31_accepted", "password_over_plaintext"];
    line(node, "rights", &seen, &failing, &["credentials_not_verified"]);
    // A subscription that is not allowed ends the connection, which could have other reasons.
    let pointers = ["/wildcard/foreign_delivered", "/sys/delivered"];
    for pointer in pointers.into_iter().filter(|_| node.is_known) {
        assert_eq!(status(&seen, pointer), "error", "{pointer}");
    }
}

async fn users(node: &Node) {
    let passing = ["anonymous_connect_allowed", "credentials_not_verified"];
    let failing = ["legacy_mqtt31_accepted", "password_over_plaintext"];
    for (protocol, port) in [(Protocol::Mqtt, node.users), (Protocol::Ws, node.websocket)] {
        let seen = audit(protocol, port).await;
        line(node, &format!("users, {protocol:?}"), &seen, &failing, &passing);
    }
}

/// Rules that pass where users log in over TLS.
const KNOWN: [&str; 4] = [
    "anonymous_connect_allowed",
    "auth_error_oracle",
    "credentials_not_verified",
    "wrong_password_accepted",
];

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
    line(node, "users over TLS", &seen, &failing, &KNOWN);
}

async fn apart(plant: &Plant, node: &Node, asked: &Asked<'_>) {
    // What is forbidden closes the connection, and what is the identity's own, in its place, does not.
    let closed = [
        "cross_device_read_observed",
        "publish_outside_scope_allowed",
        READ,
        "wildcard_subscribe_granted",
    ];
    let seen = plant.audit(node.apart, &[Allowance::CanaryWrite]).await;
    let failing = ["client_id_not_bound", "legacy_mqtt31_accepted"];
    let passing = [&KNOWN[..], &closed].concat();
    line(node, "users and rights over TLS", &seen, &failing, &passing);
    let pointers = ["/wildcard/reason", "/cross_device/reason", "/publish/reason"];
    for pointer in pointers.into_iter().filter(|_| node.is_known) {
        let reason = value(&seen, pointer).as_str().unwrap().to_owned();
        assert!(reason.starts_with("the broker closed the connection at this"), "{reason}");
    }

    // The same on a broker for tests. It looks at the rights when a subscription is made, and never
    // again.
    let seen = plant.ask(node.apart, &[Allowance::CanaryWrite], asked).await;
    let failing = ["client_id_not_bound", "inherited_subscription", "legacy_mqtt31_accepted"];
    let passing = [&passing[..], &["will_scope_unrestricted"]].concat();
    line(node, "users and rights over TLS, and no live devices", &seen, &failing, &passing);
}
