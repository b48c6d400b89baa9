use std::sync::Arc;

use model::document::Protocol;
use model::evidence::Evidence;
use rustls::ServerConfig;
use rustls::server::ProducesTickets;
use rustls::version::{TLS12 as ONLY_12, TLS13 as ONLY_13};
use serde_json::{Value, json};
use testkit::evidence::{status, value};
use testkit::peer::{Peer, Script};
use testkit::pki::{Authority, Leaf};
use testkit::tls::{self, Clients};

use super::super::tests::enumerate;
use super::*;

const RESUMPTION: &str = "/tls/features/resumption";
const LIFETIME: &str = "/tls/features/ticket_lifetime";
const EARLY_DATA: &str = "/tls/features/early_data_max";
const RENEGOTIATION: &str = "/tls/features/client_renegotiation";

/// Makes tickets of a lifetime and takes none.
#[derive(Debug)]
struct Lasting(u32);

impl ProducesTickets for Lasting {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        self.0
    }

    fn encrypt(&self, _: &[u8]) -> Option<Vec<u8>> {
        Some(vec![7; 32])
    }

    fn decrypt(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

/// What full mode sees of a broker whose configuration was changed before.
async fn seen(
    versions: &[&'static SupportedProtocolVersion],
    clients: Clients<'_>,
    change: impl FnOnce(&mut ServerConfig),
) -> Evidence {
    let script = Script::ReplyAndHold(vec![0x20, 2, 0, 5]);
    let broker = Peer::secured(configuration(versions, clients, change), script).await;
    enumerate(Protocol::Mqtts, broker.port()).await
}

fn configuration(
    versions: &[&'static SupportedProtocolVersion],
    clients: Clients<'_>,
    change: impl FnOnce(&mut ServerConfig),
) -> Arc<ServerConfig> {
    let identity = Authority::new("Test").issue(&Leaf::default());
    let mut config = Arc::unwrap_or_clone(tls::server_with(&identity, &[], clients, versions));
    change(&mut config);
    Arc::new(config)
}

#[tokio::test]
async fn the_longest_ticket_of_both_versions_is_told_also_beyond_what_the_protocol_allows() {
    for versions in [&[&ONLY_12][..], &[&ONLY_13], rustls::ALL_VERSIONS] {
        // Three months: the library of a client would cut that to a week.
        let seen = seen(versions, Clients::NotAsked, |config| {
            config.ticketer = Arc::new(Lasting(7_776_000));
        })
        .await;
        assert_eq!(value(&seen, LIFETIME), json!(7_776_000), "{versions:?}");
    }
}

#[tokio::test]
async fn early_data_is_what_the_ticket_allows_and_nothing_without_a_ticket() {
    for (most, tickets, expected) in [(16_384, 2, 16_384), (16_384, 0, 0), (0, 1, 0)] {
        let seen = seen(&[&ONLY_13], Clients::NotAsked, |config| {
            config.max_early_data_size = most;
            config.send_tls13_tickets = tickets;
        })
        .await;
        assert_eq!(value(&seen, EARLY_DATA), json!(expected), "{most} with {tickets} tickets");
        let lifetime = value(&seen, LIFETIME);
        assert_eq!(lifetime == Value::Null, tickets == 0, "{lifetime}");
    }
}

#[tokio::test]
async fn a_server_that_never_leaves_is_believed_its_tickets_and_not_their_absence() {
    for (tickets, expected) in [(0, "timeout"), (2, "observed")] {
        let config = configuration(rustls::ALL_VERSIONS, Clients::NotAsked, |config| {
            config.send_tls13_tickets = tickets;
        });
        // It neither reads nor leaves before the test is long over.
        let script = Script::Drip(vec![0], Duration::from_secs(600));
        let broker = Peer::secured(config, script).await;
        let seen = enumerate(Protocol::Mqtts, broker.port()).await;
        for pointer in [LIFETIME, EARLY_DATA] {
            assert_eq!(status(&seen, pointer), expected, "{pointer} with {tickets} tickets");
        }
        assert_eq!(status(&seen, RENEGOTIATION), "timeout");
    }
}

#[tokio::test]
async fn a_version_that_is_not_there_has_no_say() {
    let only_13 = seen(&[&ONLY_13], Clients::NotAsked, |_| {}).await;
    assert_eq!(status(&only_13, RENEGOTIATION), "not_attempted");
    assert_eq!(status(&only_13, LIFETIME), "observed");
    let only_12 = seen(&[&ONLY_12], Clients::NotAsked, |_| {}).await;
    assert_eq!(status(&only_12, EARLY_DATA), "not_attempted");
    // The broker issues no tickets in TLS 1.2, and says so by sending none.
    assert_eq!(value(&only_12, LIFETIME), Value::Null);
}

#[tokio::test]
async fn a_session_goes_on_by_its_ticket_by_its_id_or_not_at_all() {
    let only_12 = [&ONLY_12];
    let by = async |change: fn(&mut ServerConfig)| {
        value(&seen(&only_12, Clients::NotAsked, change).await, RESUMPTION)
    };
    let tickets = |config: &mut ServerConfig| {
        config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().expect("a ticketer");
    };
    assert_eq!(by(tickets).await, "ticket");
    assert_eq!(by(|config| config.ticketer = Arc::new(Lasting(7))).await, "none");
    assert_eq!(by(|_| {}).await, "session_id", "the library remembers sessions by itself");
    let forgets = |config: &mut ServerConfig| {
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    };
    assert_eq!(by(forgets).await, "none");
    let only_13 = seen(&[&ONLY_13], Clients::NotAsked, |_| {}).await;
    assert_eq!(status(&only_13, RESUMPTION), "not_attempted");
}

#[tokio::test]
async fn a_broker_for_known_devices_shows_nothing_to_strangers() {
    let devices = Authority::new("Devices");
    let seen = seen(rustls::ALL_VERSIONS, Clients::Needed(&devices), |_| {}).await;
    for pointer in [RENEGOTIATION, RESUMPTION, LIFETIME, EARLY_DATA] {
        assert_eq!(status(&seen, pointer), "not_attempted", "{pointer}");
        let item = seen.item(pointer).expect("an item");
        let reason = item.reason().expect("a reason");
        assert!(reason.contains("client certificate"), "{pointer}: {reason}");
    }
}

fn sessions(clear: Result<Vec<Ticket>, Missing>, new: Result<Vec<Ticket>, Missing>) -> Sessions {
    let renegotiation = Item::observed(false);
    let resumption = Item::observed(Resumption::None);
    let psk_resumption = Item::observed(false);
    let asked = Vec::new();
    Sessions { renegotiation, resumption, psk_resumption, clear, encrypted: new, asked }
}

#[test]
fn what_is_missing_of_one_version_is_missing_of_the_whole_unless_it_is_not_there() {
    let ticket = |lifetime| Ticket { lifetime, early_data: 0 };
    let late = || Err(Failure::AnswerTimeout(Duration::from_secs(5)).item());
    let absent = || Err(Item::not_attempted("TLSv1.2 is not accepted"));
    let both = sessions(Ok(vec![ticket(5)]), Ok(vec![ticket(7), ticket(6)]));
    assert_eq!(both.ticket_lifetime(), Item::observed(Some(7)));
    assert_eq!(sessions(absent(), Ok(vec![ticket(5)])).ticket_lifetime(), Item::observed(Some(5)));
    assert_eq!(sessions(absent(), Ok(Vec::new())).ticket_lifetime(), Item::observed(None));
    assert_eq!(sessions(late(), Ok(vec![ticket(5)])).ticket_lifetime().status(), "timeout");
    assert_eq!(sessions(Ok(vec![ticket(5)]), late()).ticket_lifetime().status(), "timeout");
    assert_eq!(sessions(absent(), absent()).ticket_lifetime().status(), "not_attempted");
    assert_eq!(sessions(Ok(Vec::new()), late()).early_data_max().status(), "timeout");
}

#[test]
fn an_alert_about_the_record_is_no_answer_to_the_question() {
    assert_eq!(Answer::Accepted.item(), Item::observed(true));
    assert_eq!(Answer::Declined(100).item(), Item::observed(false));
    assert_eq!(Answer::Ended.item(), Item::observed(false));
    assert_eq!(Answer::Unclear(20).item().status(), "error");
}
