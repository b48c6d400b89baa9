//! Brokers of MQTT 3.1.1 that close the connection at what they do not take: a close is a refusal only
//! where nothing but the right can be the reason.

use model::document::Allowance;
use model::evidence::Evidence;
use serde_json::json;
use testkit::evidence::{expect, status, value};
use testkit::peer::{Peer, Script};
use testkit::tls;

use super::PAIR;
use super::broker::Plant;

/// What a client asks of the broker.
#[derive(Clone, Copy)]
enum Question<'q> {
    Subscribe(&'q str),
    Publish(&'q str),
}

/// One connection: who came, and how often something was asked.
#[derive(Default)]
struct Client {
    name: Option<&'static str>,
    subscribed: u32,
    published: u32,
}

/// What becomes of a question.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    /// It is taken.
    Yes,
    /// A subscription is refused in words.
    No,
    /// The connection is closed.
    Nothing,
}

type Takes = fn(&Client, Question<'_>) -> Said;

/// Whether it takes a connection of this name, of which so many came before.
type LetsIn = fn(&str, u32) -> bool;

impl Client {
    /// What the broker says to a packet; nothing where it closes.
    fn hear(&mut self, packet: &[u8], takes: Takes, lets_in: impl Fn(&str) -> bool) -> Vec<u8> {
        match packet {
            [0x10, ..] => {
                let is_old = packet.windows(5).any(|bytes| bytes == b"MQTT\x04");
                let has = |word: &str| packet.windows(word.len()).any(|w| w == word.as_bytes());
                self.name = PAIR.into_iter().find(|(_, word)| has(word)).map(|(name, _)| name);
                match self.name {
                    _ if !is_old => Vec::new(),
                    Some(name) if lets_in(name) => vec![0x20, 2, 0, 0],
                    Some(_) => vec![0x20, 2, 0, 3],
                    None => vec![0x20, 2, 0, 5],
                }
            }
            [0xc0, ..] => vec![0xd0, 0],
            [0x82, _, _, id, _, length, rest @ ..] => {
                let topic = std::str::from_utf8(&rest[..usize::from(*length)]).unwrap();
                let said = takes(self, Question::Subscribe(topic));
                self.subscribed += 1;
                match said {
                    Said::Yes => vec![0x90, 3, 0, *id, 0],
                    Said::No => vec![0x90, 3, 0, *id, 0x80],
                    Said::Nothing => Vec::new(),
                }
            }
            [0xa2, _, _, id, ..] => vec![0xb0, 2, 0, *id],
            [0x32, _, _, length, rest @ ..] => {
                let (topic, id) = rest.split_at(usize::from(*length));
                let said = takes(self, Question::Publish(std::str::from_utf8(topic).unwrap()));
                self.published += 1;
                let size = u8::try_from(topic.len()).unwrap();
                // It comes round to who sent it, who has subscribed to it.
                let round = [&[0x30, size + 2, 0, size], topic].concat();
                match said {
                    Said::Yes => [&[0x40, 2, id[0], id[1]], &round[..]].concat(),
                    Said::No | Said::Nothing => Vec::new(),
                }
            }
            _ => Vec::new(),
        }
    }
}

async fn audit(takes: Takes, lets_in: LetsIn) -> Evidence {
    heard(takes, lets_in, &[Allowance::CanaryWrite]).await.0
}

/// The same with what may be done, and what the broker heard.
async fn heard(takes: Takes, lets_in: LetsIn, allow: &[Allowance]) -> (Evidence, Vec<Vec<u8>>) {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let plant = Plant::new();
    plant.logins(&PAIR);
    let clients = tls::Clients::NotAsked;
    let config = tls::server_with(plant.identity(), &[], clients, rustls::ALL_VERSIONS);
    let came = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let all = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let packets = std::sync::Arc::clone(&all);
    let script = Script::remember(move || {
        let came = std::sync::Arc::clone(&came);
        let packets = std::sync::Arc::clone(&packets);
        let mut client = Client::default();
        move |packet: &[u8]| {
            packets.lock().unwrap().push(packet.to_vec());
            client.hear(packet, takes, |name| {
                let mut came = came.lock().unwrap();
                let before = came.iter().filter(|known| **known == name).count();
                came.push(name.to_owned());
                lets_in(name, u32::try_from(before).unwrap())
            })
        }
    });
    let peer = Peer::secured(config, script).await;
    let seen = plant.audit(peer.port(), allow).await;
    let packets = all.lock().unwrap().clone();
    (seen, packets)
}

/// Whether a broker with rights would take it.
fn is_own(client: &Client, question: Question<'_>) -> bool {
    let (Question::Subscribe(topic) | Question::Publish(topic)) = question;
    client.name.is_some_and(|name| topic.starts_with(&format!("devices/{name}/")))
}

fn by_right(client: &Client, question: Question<'_>) -> Said {
    if is_own(client, question) { Said::Yes } else { Said::Nothing }
}

#[tokio::test]
async fn no_message_goes_over_the_wire_where_writing_is_not_allowed() {
    const WILL: u8 = 0x04;
    for (allow, messages) in [(&[][..], 0), (&[Allowance::CanaryWrite], 3)] {
        let (seen, packets) = heard(|_, _| Said::Yes, |_, _| true, allow).await;
        expect(&seen, &[("/credential/access", json!("accepted"))]);
        // Whatever its flags are.
        let published: Vec<_> =
            packets.iter().filter(|p| matches!(p[..], [0x30..=0x3f, ..])).collect();
        assert_eq!(published.len(), messages, "{published:x?}");
        for packet in published {
            // QoS 1, not a copy, not retained; a topic and a packet id, and nothing behind them.
            assert_eq!(
                (packet[0], packet.len()),
                (0x32, usize::from(packet[3]) + 6),
                "{packet:x?}"
            );
        }
        for connect in packets.iter().filter(|packet| packet.first() == Some(&0x10)) {
            let name = connect.windows(2).position(|w| w == b"MQ").unwrap();
            let flags = name + usize::from(connect[name - 1]) + 1;
            assert_eq!(connect[flags] & WILL, 0, "{connect:x?}");
        }
    }
}

const DECIDED: [&str; 3] =
    ["/wildcard/foreign_delivered", "/cross_device/delivered", "/publish/outside_scope"];

const CLOSED: &str = "the broker closed the connection at this, and kept it open where the same was \
                      asked in the identity's own scope";

#[tokio::test]
async fn a_broker_that_closes_at_what_is_forbidden_alone_has_refused_it() {
    let seen = audit(by_right, |_, _| true).await;
    for pointer in DECIDED {
        assert_eq!(value(&seen, pointer), false, "{pointer}");
    }
    for pointer in ["/wildcard/reason", "/cross_device/reason", "/publish/reason"] {
        assert_eq!(value(&seen, pointer), CLOSED, "{pointer}");
    }
    // Both may be connected with one client id here, so that question has taken two, and the last one
    // was over the limit.
    expect(&seen, &[("/connections", json!(12))]);
    assert_eq!(status(&seen, "/oracle/tells"), "truncated");
    // Nothing was learned of what was not asked.
    for pointer in ["/retained/foreign_delivered", "/sys/delivered"] {
        assert_ne!(status(&seen, pointer), "observed", "{pointer}");
    }
}

#[tokio::test]
async fn a_broker_that_closes_at_the_second_question_whatever_it_is_has_refused_nothing() {
    let first_alone = |client: &Client, question: Question<'_>| match (question, client) {
        (Question::Subscribe(_), Client { subscribed: 0, .. })
        | (Question::Publish(_), Client { published: 0, .. }) => Said::Yes,
        _ => Said::Nothing,
    };
    let seen = audit(first_alone, |_, _| true).await;
    expect(&seen, &[("/credential/access", json!("accepted"))]);
    for pointer in DECIDED {
        assert_ne!(status(&seen, pointer), "observed", "{pointer}");
    }
}

#[tokio::test]
async fn a_broker_that_closes_at_the_second_message_whatever_it_is_has_refused_no_message() {
    let takes = |client: &Client, question: Question<'_>| match question {
        Question::Subscribe(_) if is_own(client, question) => Said::Yes,
        Question::Subscribe(_) => Said::No,
        Question::Publish(_) if client.published == 0 => Said::Yes,
        Question::Publish(_) => Said::Nothing,
    };
    let seen = audit(takes, |_, _| true).await;
    expect(
        &seen,
        &[
            ("/wildcard/outcome", json!("denied")),
            ("/cross_device/delivered", json!(false)),
            ("/cross_device/reason", json!("SUBACK 0x80 failure")),
        ],
    );
    assert_ne!(status(&seen, "/publish/outside_scope"), "observed");
}

#[tokio::test]
async fn a_broker_that_closes_at_every_question_has_refused_nothing() {
    let seen = audit(|_, _| Said::Nothing, |_, _| true).await;
    expect(&seen, &[("/credential/access", json!("accepted"))]);
    for pointer in DECIDED {
        assert_ne!(status(&seen, pointer), "observed", "{pointer}");
    }
}

#[tokio::test]
async fn a_broker_that_closes_and_lets_nobody_in_again_has_refused_no_reading() {
    let seen = audit(by_right, |_, before| before == 0).await;
    expect(&seen, &[("/credential/access", json!("accepted"))]);
    for pointer in DECIDED {
        assert_ne!(status(&seen, pointer), "observed", "{pointer}");
    }
}
