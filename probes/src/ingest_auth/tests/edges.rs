//! Edges that behave badly in one named way.

use std::time::Duration;

use model::document::Protocol;
use model::evidence::{Access, Health, IngestAuthStable, Item, PlainOutcome};
use testkit::peer::{Peer, Script};
use testkit::pki::{Authority, Leaf};
use testkit::process::free_port;
use testkit::tls::{self, Clients};

use super::Asked;
use super::peers::PatientPeer;

/// The evidence of a plaintext edge that plays one script.
async fn seen(script: Script) -> IngestAuthStable {
    let dir = tempfile::tempdir().expect("folder");
    let peer = Peer::start(script).await;
    Asked::new(dir.path(), Protocol::Http, peer.port()).seen().await.stable
}

/// The evidence of a plaintext edge that says this to everybody and closes.
async fn told(answer: impl Into<Vec<u8>>) -> IngestAuthStable {
    seen(Script::Reply(answer.into())).await
}

/// Which of the seven statuses of an item, for what is undecided.
fn undecided(stable: &IngestAuthStable) -> [&'static str; 2] {
    assert_eq!(stable.random_access.value(), None);
    [stable.anonymous_access.status(), stable.plain_outcome.status()]
}

#[tokio::test]
async fn an_edge_that_is_not_there_shows_nothing() {
    let dir = tempfile::tempdir().expect("folder");
    for protocol in [Protocol::Http, Protocol::Https] {
        let stable = Asked::new(dir.path(), protocol, free_port()).seen().await.stable;
        assert_eq!(undecided(&stable), ["refused", "not_attempted"]);
        assert_eq!(stable.health_after.status(), "refused");
        assert_eq!(stable.connections, Item::observed(0));
    }
}

#[tokio::test]
async fn an_edge_that_hangs_is_a_timeout_and_is_not_asked_on() {
    let dir = tempfile::tempdir().expect("folder");
    let peer = Peer::start(Script::Hang).await;
    let stable = Asked::new(dir.path(), Protocol::Http, peer.port()).seen().await.stable;
    assert_eq!(undecided(&stable), ["timeout", "not_attempted"]);
    assert_eq!(peer.accepted(), 3, "health, one request, health");
}

#[tokio::test]
async fn an_edge_that_drips_bytes_is_a_timeout() {
    let drip = Script::Drip(b"HTTP/1.1 202 Accepted".to_vec(), Duration::from_millis(200));
    assert_eq!(undecided(&seen(drip).await), ["timeout", "not_attempted"]);
}

#[tokio::test]
async fn an_edge_that_ends_the_connection_shows_nothing() {
    assert_eq!(undecided(&seen(Script::Close).await), ["error", "not_attempted"]);
    assert_eq!(undecided(&seen(Script::Reset).await), ["error", "not_attempted"]);
}

#[tokio::test]
async fn bytes_that_are_no_http_show_nothing() {
    for bytes in [&b"\x15\x03\x01\x00\x02\x02\x16"[..], b"SSH-2.0-edge\r\n", b"HTTP/1.1 20"] {
        assert_eq!(undecided(&told(bytes).await), ["error", "not_attempted"]);
    }
}

#[tokio::test]
async fn bytes_without_end_are_cut_off() {
    let garbage = seen(Script::Endless(vec![b'A'; 4096])).await;
    assert_eq!(undecided(&garbage), ["error", "not_attempted"]);
    let headers = b"HTTP/1.1 200 OK\r\n".iter().copied().chain(b"x: 1\r\n".repeat(20_000));
    assert_eq!(
        undecided(&told(headers.collect::<Vec<u8>>()).await),
        ["truncated", "not_attempted"]
    );
}

#[tokio::test]
async fn the_body_of_an_answer_is_not_waited_for() {
    let large = b"HTTP/1.1 401 No\r\nContent-Length: 1073741824\r\n\r\nxxxx".to_vec();
    let stable = seen(Script::ReplyAndHold(large)).await;
    assert_eq!(stable.anonymous_access, Item::observed(Access::Denied));
    let nonsense = b"HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n-1\r\n".to_vec();
    let stable = seen(Script::ReplyAndHold(nonsense)).await;
    assert_eq!(stable.anonymous_access, Item::observed(Access::Denied));
}

#[tokio::test]
async fn an_answer_of_http_1_0_decides_like_any_other() {
    let stable = told("HTTP/1.0 200 OK\r\n\r\n").await;
    assert_eq!(stable.anonymous_access, Item::observed(Access::Accepted));
}

#[tokio::test]
async fn a_status_decides_only_what_it_says() {
    use PlainOutcome::{Accepted, Challenged, Redirected, Rejected};
    for (status, access, plain) in [
        (200, Some(Access::Accepted), Some(Accepted)),
        (204, Some(Access::Accepted), Some(Accepted)),
        (308, Some(Access::Redirected), Some(Redirected)),
        (400, None, None),
        (401, Some(Access::Denied), Some(Challenged)),
        (403, Some(Access::Denied), Some(Challenged)),
        (404, None, Some(Rejected)),
        (405, None, Some(Rejected)),
        (422, None, None),
        (426, None, Some(Rejected)),
        (429, None, None),
        (500, None, None),
        (503, None, None),
    ] {
        let stable = told(format!("HTTP/1.1 {status} Any\r\n\r\n")).await;
        assert_eq!(stable.anonymous_access.value().copied(), access, "{status}");
        assert_eq!(stable.plain_outcome.value().copied(), plain, "{status}");
        assert_eq!(stable.anonymous_status, Item::observed(status));
    }
}

#[tokio::test]
async fn a_redirect_before_the_body_and_one_after_it_are_told_apart() {
    let redirect = "HTTP/1.1 301 Moved\r\nLocation: https://edge.example/in?session=17#a\r\n\r\n";
    let before = told(redirect).await;
    assert_eq!(before.plain_outcome, Item::observed(PlainOutcome::Redirected));
    assert_eq!(before.plain_body_sent, Item::observed(false));
    assert_eq!(before.anonymous_access, Item::observed(Access::Redirected));
    let place = Some("https://edge.example/in".to_owned());
    assert_eq!(before.plain_location, Item::observed(place));

    let after = told(format!("HTTP/1.1 100 Continue\r\n\r\n{redirect}")).await;
    assert_eq!(after.plain_outcome, Item::observed(PlainOutcome::RedirectedAfterBody));
    assert_eq!(after.plain_body_sent, Item::observed(true));
    assert_eq!(after.anonymous_access.status(), "error");
}

#[tokio::test]
async fn an_edge_that_does_not_know_expect_is_asked_without_it() {
    let dir = tempfile::tempdir().expect("folder");
    let peer = Peer::start(Script::respond(|head| {
        let expects = String::from_utf8_lossy(head).contains("Expect: 100-continue");
        let status = if expects { "417 Expectation Failed" } else { "401 Unauthorized" };
        format!("HTTP/1.1 {status}\r\n\r\n").into_bytes()
    }))
    .await;
    let stable = Asked::new(dir.path(), Protocol::Http, peer.port()).seen().await.stable;
    assert_eq!(stable.anonymous_access, Item::observed(Access::Denied));
    assert_eq!(stable.random_access, Item::observed(Access::Denied));
    assert_eq!(stable.connections, Item::observed(9), "only the first request went out twice");
}

#[tokio::test]
async fn an_edge_that_waits_for_the_body_gets_it_and_is_seen_to_take_it() {
    let dir = tempfile::tempdir().expect("folder");
    let peer = PatientPeer::start("HTTP/1.0 401 Unauthorized\r\n\r\n").await;
    let stable = Asked::new(dir.path(), Protocol::Http, peer.port()).seen().await.stable;
    assert_eq!(stable.anonymous_access, Item::observed(Access::Denied));
    assert_eq!(stable.anonymous_body_sent, Item::observed(true));
    assert_eq!(stable.plain_outcome, Item::observed(PlainOutcome::Challenged));
}

#[tokio::test]
async fn hostile_header_text_is_cut_and_stays_text() {
    let long = "\u{e9}<script>".repeat(1_000);
    let stable = told(format!(
        "HTTP/1.1 401 No\r\nWWW-Authenticate: {long}\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\
         Location: {long}\r\n\r\n"
    ))
    .await;
    assert_eq!(stable.anonymous_challenge, Item::observed(Some("Basic".to_owned())));
    let location = stable.plain_location.value().cloned().flatten().unwrap_or_default();
    assert!(location.len() < 250 && location.contains("bytes]"), "{location}");
}

#[tokio::test]
async fn health_that_is_lost_during_the_check_is_seen() {
    let dir = tempfile::tempdir().expect("folder");
    let says = |status: u16| Script::Reply(format!("HTTP/1.1 {status} Any\r\n\r\n").into_bytes());
    let scripts = |last| vec![says(200), says(401), says(401), says(401), says(401), last];
    for last in [says(503), Script::Close] {
        let peer = Peer::sequence(scripts(last)).await;
        let stable = Asked::new(dir.path(), Protocol::Http, peer.port()).seen().await.stable;
        assert_eq!(stable.health_before, Item::observed(Health::Healthy));
        assert_eq!(stable.health_after, Item::observed(Health::Unhealthy));
    }
}

#[tokio::test]
async fn an_edge_without_a_health_path_leaves_health_open() {
    let stable = told("HTTP/1.1 404 Not Found\r\n\r\n").await;
    assert_eq!(stable.health_before, Item::not_attempted("nothing answers at `/healthz`"));
    assert_eq!(stable.health_after, Item::not_attempted("nothing answers at `/healthz`"));
}

#[tokio::test]
async fn an_edge_that_asks_for_a_client_certificate_turns_away_who_has_none() {
    let dir = tempfile::tempdir().expect("folder");
    let authority = Authority::new("Edge CA");
    std::fs::write(dir.path().join("ca.pem"), authority.pem()).expect("ca");
    let identity = authority.issue(&Leaf::default());
    let tls = tls::server_with(&identity, &[], Clients::Needed(&authority), rustls::ALL_VERSIONS);
    let accepted = Script::ReplyAndHold(b"HTTP/1.1 202 Accepted\r\n\r\n".to_vec());
    let peer = Peer::secured(tls, accepted).await;
    let stable = Asked::new(dir.path(), Protocol::Https, peer.port()).seen().await.stable;
    assert_eq!(stable.tls_trusted, Item::observed(true));
    assert_eq!(stable.anonymous_access, Item::observed(Access::Denied));
    assert_eq!(stable.anonymous_status.status(), "refused");
}

#[tokio::test]
async fn what_cannot_be_asked_is_not_asked() {
    let dir = tempfile::tempdir().expect("folder");
    let peer = Peer::start(Script::Close).await;
    let asked = || Asked::new(dir.path(), Protocol::Http, peer.port());
    for asked in [
        asked().param("method", "DELETE"),
        asked().param("path", "v1/ingest"),
        asked().param("path", "/a\r\nX-Smuggled: 1"),
        asked().param("plainPort", 0),
        asked().param("plainPort", 70_000),
        asked().param("path", 7),
    ] {
        let stable = asked.seen().await.stable;
        assert_eq!(stable.anonymous_access.status(), "not_attempted");
        assert_eq!(stable.connections, Item::observed(0));
    }
    assert_eq!(peer.accepted(), 0);
}
