//! A DISCONNECT of MQTT 5 right behind the CONNACK that let a client in.

use super::*;

/// Lets everybody in who speaks MQTT 5, and throws them out with this code: at once, or when they ask
/// whether anybody is there. It does not speak MQTT 3.1.1.
fn broker_that_throws_out(code: u8, at_once: bool) -> Script {
    Script::converse(move |question| {
        let out = [0xe0, 1, code];
        match question {
            [0x10, ..] if !is_v5(question) => Vec::new(),
            [0x10, ..] if at_once => [connack(question, 0), out.to_vec()].concat(),
            [0x10, ..] => connack(question, 0),
            _ => out.to_vec(),
        }
    })
}

fn has_asked(peer: &Peer) -> bool {
    // The packet id of the first SUBSCRIBE, its properties, and the length of its filter.
    peer.received().iter().any(|heard| heard.windows(5).any(|w| w == b"\0\x01\0\0\x01"))
}

#[tokio::test]
async fn a_client_that_is_thrown_out_for_want_of_a_right_was_not_let_in() {
    for (code, name) in [(0x87, "not authorized"), (0x8c, "bad authentication method")] {
        for at_once in [true, false] {
            let peer = Peer::start(broker_that_throws_out(code, at_once)).await;
            let seen = audit(Protocol::Mqtt, peer.port()).await;
            let reason = format!("0x{code:x} {name}, by a DISCONNECT behind CONNACK 0");
            expect(
                &seen,
                &[
                    ("/anonymous/access", json!("denied")),
                    ("/anonymous/v5/access", json!("denied")),
                    ("/anonymous/v5/reason", json!(reason)),
                    ("/random/access", json!("denied")),
                    ("/random/reason", json!(reason)),
                    ("/read/as", json!("nobody")),
                    ("/halted", json!(false)),
                ],
            );
            assert_eq!(status(&seen, "/limits/announced"), "not_attempted");
            assert_eq!(status(&seen, "/plain/password_checked") == "observed", code == 0x87);
            for pointer in READS {
                assert_eq!(status(&seen, pointer), "not_attempted", "{pointer}");
            }
            let asked = &seen.volatile["/asked"].value().unwrap()[0]["answer"];
            assert_eq!(*asked, format!("CONNACK 0 accepted, and DISCONNECT 0x{code:x} {name}"));
            assert!(!has_asked(&peer), "a SUBSCRIBE went out: {:x?}", peer.received());
        }
    }
}

#[tokio::test]
async fn a_client_that_is_thrown_out_for_another_reason_was_let_in_and_refused_nothing() {
    for code in [0x89, 0x8b, 0x8e, 0x98] {
        let peer = Peer::start(broker_that_throws_out(code, true)).await;
        let seen = audit(Protocol::Mqtt, peer.port()).await;
        expect(
            &seen,
            &[
                ("/anonymous/v5/access", json!("accepted")),
                ("/anonymous/v5/reason", json!("0 accepted")),
                ("/read/as", json!("anonymous")),
            ],
        );
        for pointer in READS {
            assert_eq!(status(&seen, pointer), "refused", "{pointer}");
        }
        let reason = seen.item("/retained/foreign_delivered").unwrap().reason().unwrap().to_owned();
        let before = "the broker ended the session before it was asked: 0x";
        assert!(reason.starts_with(before), "{reason}");
        assert!(!has_asked(&peer), "a SUBSCRIBE went out: {:x?}", peer.received());
    }
}

#[tokio::test]
async fn a_broker_that_says_too_many_come_behind_its_connack_is_left_alone() {
    let peer = Peer::start(broker_that_throws_out(0x9f, true)).await;
    let seen = audit(Protocol::Mqtt, peer.port()).await;
    expect(&seen, &[("/halted", json!(true)), ("/connections", json!(1))]);
    assert_eq!(status(&seen, "/anonymous/access"), "refused");
    assert_eq!(peer.accepted(), 1);
}

#[tokio::test]
async fn what_comes_before_anything_was_asked_is_looked_at_with_the_first_question() {
    let peer = Peer::start(Script::converse(|question| match question {
        [0x10, ..] if is_v5(question) => {
            [connack(question, 0), message("plant/line-1", b"1", true)].concat()
        }
        [0xc0, ..] => PINGRESP.to_vec(),
        [0x82, _, _, id, ..] => vec![0x90, 4, 0, *id, 0, 0],
        [0xa2, _, _, id, ..] => vec![0xb0, 4, 0, *id, 0, 0],
        _ => Vec::new(),
    }))
    .await;
    let seen = audit(Protocol::Mqtt, peer.port()).await;
    expect(
        &seen,
        &[
            ("/anonymous/v5/access", json!("accepted")),
            ("/retained/foreign_delivered", json!(true)),
            ("/wildcard/outcome", json!("delivered")),
        ],
    );
    assert_eq!(seen.volatile["/messages_read"].value().unwrap(), 1);
}
