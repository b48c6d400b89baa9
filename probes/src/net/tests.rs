use model::document::Protocol;
use testkit::peer::{Peer, Script};
use testkit::process::free_port;
use tokio::io::AsyncWriteExt as _;

use super::*;

fn endpoint(port: u16) -> Endpoint {
    Endpoint::new("peer", Protocol::Tls, "127.0.0.1", port)
}

/// Short limits: what must end by itself ends soon.
fn limits() -> Limits {
    Limits {
        connections: 3,
        at_once: 2,
        connect: Duration::from_secs(5),
        answer: Duration::from_millis(100),
        total: Duration::from_secs(30),
        bytes: 64 * 1024,
    }
}

async fn drain(connection: &mut Connection) -> Failure {
    loop {
        if let Err(failure) = connection.receive(4096).await {
            return failure;
        }
    }
}

#[tokio::test]
async fn a_closed_port_is_refused_and_costs_no_connection() {
    let dialer = Dialer::new(&endpoint(free_port()), limits());
    assert_eq!(dialer.connect().await.err(), Some(Failure::Refused));
    assert_eq!(dialer.opened(), 0);
}

#[tokio::test]
async fn a_name_without_address_is_unresolved() {
    let mut nowhere = endpoint(1);
    nowhere.host = "no such host".to_owned();
    let dialer = Dialer::new(&nowhere, limits());
    assert!(matches!(dialer.connect().await.err(), Some(Failure::Unresolved(_))));
}

#[tokio::test]
async fn the_budget_of_connections_is_never_exceeded() {
    let peer = Peer::start(Script::Close).await;
    let dialer = Dialer::new(&endpoint(peer.port()), limits());
    for _ in 0..3 {
        let mut connection = dialer.connect().await.expect("within the budget");
        drain(&mut connection).await;
    }
    assert_eq!(dialer.connect().await.err(), Some(Failure::BudgetSpent(3)));
    assert_eq!((dialer.opened(), dialer.left(), peer.accepted()), (3, 0, 3));
}

#[tokio::test]
async fn a_third_connection_waits_until_one_of_two_slots_is_free() {
    let peer = Peer::start(Script::Hang).await;
    let dialer = Dialer::new(&endpoint(peer.port()), limits());
    let first = dialer.connect().await.expect("first slot");
    let _second = dialer.connect().await.expect("second slot");
    let mut third = Box::pin(dialer.connect());
    assert!(poll_once(&mut third).is_pending());
    drop(first);
    third.await.expect("the freed slot");
}

/// Polls once.
fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(std::task::Waker::noop()))
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_an_answer_timeout() {
    let peer = Peer::start(Script::Hang).await;
    let dialer = Dialer::new(&endpoint(peer.port()), limits());
    let mut connection = dialer.connect().await.expect("connection");
    assert_eq!(drain(&mut connection).await, Failure::AnswerTimeout(Duration::from_millis(100)));
}

#[tokio::test]
async fn a_peer_that_drips_bytes_cannot_escape_the_clock() {
    let peer = Peer::start(Script::Drip(vec![0; 1_000_000], Duration::from_millis(1))).await;
    let dialer = Dialer::new(&endpoint(peer.port()), limits());
    let mut connection = dialer.connect().await.expect("connection");
    assert!(drain(&mut connection).await.is_timeout());
}

#[tokio::test]
async fn a_peer_that_never_stops_sending_meets_the_byte_limit() {
    let peer = Peer::start(Script::Endless(vec![0x16; 4096])).await;
    let long = Limits { answer: Duration::from_secs(20), ..limits() };
    let dialer = Dialer::new(&endpoint(peer.port()), long);
    let mut connection = dialer.connect().await.expect("connection");
    assert_eq!(drain(&mut connection).await, Failure::TooManyBytes(64 * 1024));
}

#[tokio::test]
async fn the_deadline_of_the_whole_check_cuts_an_answer_short() {
    let peer = Peer::start(Script::Hang).await;
    let short =
        Limits { answer: Duration::from_secs(20), total: Duration::from_millis(100), ..limits() };
    let dialer = Dialer::new(&endpoint(peer.port()), short);
    let mut connection = dialer.connect().await.expect("connection");
    let late = Failure::Deadline(Duration::from_millis(100));
    assert_eq!(drain(&mut connection).await, late);
    drop(connection);
    assert_eq!(dialer.connect().await.err(), Some(late));
}

#[tokio::test]
async fn a_close_and_a_reset_are_told_apart() {
    let peer = Peer::start(Script::Close).await;
    let dialer = Dialer::new(&endpoint(peer.port()), limits());
    let mut connection = dialer.connect().await.expect("connection");
    assert_eq!(drain(&mut connection).await, Failure::Closed);

    let peer = Peer::start(Script::Reset).await;
    let dialer = Dialer::new(&endpoint(peer.port()), limits());
    let mut connection = dialer.connect().await.expect("connection");
    connection.write_all(b"hello").await.ok();
    assert_eq!(drain(&mut connection).await, Failure::Reset);
}

#[tokio::test]
async fn a_renewed_connection_answers_the_next_question() {
    let peer = Peer::start(Script::Hang).await;
    let dialer = Dialer::new(&endpoint(peer.port()), limits());
    let mut connection = dialer.connect().await.expect("connection");
    assert!(drain(&mut connection).await.is_timeout());
    connection.renew();
    connection.write_all(b"again").await.expect("the clock runs anew");
}
