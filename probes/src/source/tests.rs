//! Addresses as sources: what comes of them, and what is sent to them.

use std::time::Duration;

use jiff::{Timestamp, ToSpan as _};
use model::RunId;
use model::evidence::TrustFault;
use rustls::RootCertStore;
use testkit::peer::{Peer, Script};
use testkit::pki::{Authority, Leaf};
use testkit::process::free_port;
use testkit::tls;

use super::*;
use crate::http::Failure;
use crate::net::{self, Limits};

const BODY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nlog = 1";

/// Limits of a short patience.
fn limits() -> Limits {
    Limits {
        connections: 1,
        at_once: 1,
        connect: Duration::from_secs(5),
        answer: Duration::from_millis(300),
        total: Duration::from_secs(30),
        bytes: 2 * MAX_BYTES,
    }
}

fn reply(answer: impl Into<Vec<u8>>) -> Script {
    Script::Reply(answer.into())
}

/// A server whose certificate `authority` has issued.
async fn secured(authority: &Authority, leaf: &Leaf, script: Script) -> Peer {
    provider();
    Peer::secured(tls::server(&authority.issue(leaf)), script).await
}

fn provider() {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
}

fn trusting(authority: &Authority) -> RootCertStore {
    let mut anchors = RootCertStore::empty();
    anchors.add(authority.der().into()).expect("anchor");
    anchors
}

/// Reads from a peer that is trusted and waited for as long as an answer may take.
async fn fetch(peer: &Peer, authority: &Authority) -> Result<Vec<u8>, WebError> {
    let limits = Limits { answer: Duration::from_secs(20), ..limits() };
    let url = format!("https://localhost:{}/gateway.toml?v=2", peer.port());
    web::read_within(&url, || trusting(authority), limits).await
}

/// Reads in plaintext, with little patience.
async fn plain(script: Script) -> Result<Vec<u8>, WebError> {
    let peer = Peer::start(script).await;
    let url = format!("http://127.0.0.1:{}/gateway.toml", peer.port());
    web::read_within(&url, RootCertStore::empty, limits()).await
}

fn network(failure: net::Failure) -> Result<Vec<u8>, WebError> {
    Err(failure.into())
}

#[tokio::test]
async fn the_content_at_an_address_is_read_and_nothing_but_the_address_is_sent() {
    let authority = Authority::new("Files CA");
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: identity\r\n\r\n7\r\nlog = 1\r\n0\r\n\r\n";
    for answer in [BODY, chunked] {
        let peer = secured(&authority, &Leaf::default(), reply(answer)).await;
        assert_eq!(fetch(&peer, &authority).await.as_deref(), Ok(&b"log = 1"[..]));
        assert_eq!(
            peer.heard(),
            format!(
                "GET /gateway.toml?v=2 HTTP/1.1\r\nHost: localhost:{}\r\nUser-Agent: plumbline\r\n\
                 Accept: */*\r\nConnection: close\r\n\r\n",
                peer.port()
            )
        );
        assert_eq!(peer.accepted(), 1);
    }
    assert_eq!(plain(reply(BODY)).await.as_deref(), Ok(&b"log = 1"[..]));
}

#[tokio::test]
async fn content_without_a_length_ends_with_the_session_and_not_with_the_connection() {
    let authority = Authority::new("Files CA");
    let open = b"HTTP/1.1 200 OK\r\n\r\nlog = 1";
    let closed = secured(&authority, &Leaf::default(), reply(open)).await;
    assert_eq!(fetch(&closed, &authority).await.as_deref(), Ok(&b"log = 1"[..]));
    // The last byte is said, and then the connection ends without `close_notify`.
    let cut = Script::Drip(open.to_vec(), Duration::ZERO);
    let cut = secured(&authority, &Leaf::default(), cut).await;
    assert!(fetch(&cut, &authority).await.is_err());
}

#[tokio::test]
async fn an_answer_that_is_not_the_content_is_an_error_that_says_so() {
    for (answer, error) in [
        (&b"HTTP/1.1 404 Not Found\r\n\r\n"[..], WebError::Status(404)),
        (b"HTTP/1.1 206 Partial Content\r\n\r\nlog", WebError::Status(206)),
        (b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\n\r\n", WebError::Status(401)),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b",
            WebError::Packed("gzip".to_owned()),
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nlog", WebError::Http(Failure::ContentCut)),
        (b"SSH-2.0-files\r\n", WebError::Http(Failure::NotHttp("no HTTP/1 version"))),
    ] {
        assert_eq!(plain(reply(answer)).await, Err(error));
    }
}

#[tokio::test]
async fn a_redirect_is_told_and_not_followed() {
    let elsewhere = Peer::start(reply(BODY)).await;
    let to = format!("http://127.0.0.1:{}/{}", elsewhere.port(), "x".repeat(1_000));
    let answer = format!("HTTP/1.1 302 Found\r\nLocation: {to}?sig=s3cr3t\r\n\r\n");
    let error = plain(reply(answer)).await.expect_err("a redirect").to_string();
    assert!(error.starts_with("it answers 302 and points to `http://127.0.0.1:"), "{error}");
    assert!(error.contains("[first 160 of ") && !error.contains("s3cr3t"), "{error}");
    assert_eq!(elsewhere.accepted(), 0);
    let nowhere = plain(reply(b"HTTP/1.1 304 Not Modified\r\n\r\n")).await;
    assert_eq!(nowhere, Err(WebError::Redirect { status: 304, to: String::new() }));
}

#[tokio::test]
async fn more_than_a_file_may_hold_is_given_up() {
    let too_long = Err(WebError::Http(Failure::ContentTooLong(MAX_BYTES)));
    let said = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", MAX_BYTES + 1);
    assert_eq!(plain(Script::ReplyAndHold(said.into_bytes())).await, too_long);
    let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    endless.resize(256 * 1024, b'a');
    let peer = Peer::start(Script::Endless(endless)).await;
    let url = format!("http://127.0.0.1:{}/", peer.port());
    let patient = Limits { answer: Duration::from_secs(20), ..limits() };
    assert_eq!(web::read_within(&url, RootCertStore::empty, patient).await, too_long);
    let tight = Limits { bytes: 64 * 1024, ..patient };
    let cut = web::read_within(&url, RootCertStore::empty, tight).await;
    assert_eq!(cut, network(net::Failure::TooManyBytes(64 * 1024)));
}

#[tokio::test]
async fn a_server_that_says_little_or_nothing_is_not_waited_for() {
    let late = network(net::Failure::AnswerTimeout(limits().answer));
    assert_eq!(plain(Script::Hang).await, late);
    let slow = Script::Drip(BODY.to_vec(), Duration::from_millis(100));
    assert_eq!(plain(slow).await, late);
    for script in [Script::Close, Script::Reset] {
        let error = plain(script).await.expect_err("an end");
        let ends = [net::Failure::Closed, net::Failure::Reset]
            .map(|end| Err(error.clone()) == network(end));
        assert!(ends.contains(&true), "{error}");
    }
    let url = format!("http://127.0.0.1:{}/", free_port());
    let refused = web::read_within(&url, RootCertStore::empty, limits()).await;
    assert_eq!(refused, network(net::Failure::Refused));
}

#[tokio::test]
async fn a_server_that_does_not_prove_who_it_is_is_asked_nothing() {
    let now = Timestamp::now();
    let authority = Authority::new("Files CA");
    let expired = Leaf { not_after: now - 1.hours(), ..Leaf::default() };
    let early = Leaf { not_before: now + 1.hours(), ..Leaf::default() };
    let stranger = Authority::new("Stranger");
    for (issuer, leaf, fault) in [
        (&stranger, Leaf::default(), TrustFault::UnknownIssuer),
        (&authority, Leaf::server("other.example"), TrustFault::WrongName),
        (&authority, expired, TrustFault::Expired),
        (&authority, early, TrustFault::NotYetValid),
    ] {
        let peer = secured(issuer, &leaf, reply(BODY)).await;
        assert_eq!(fetch(&peer, &authority).await, Err(WebError::Untrusted(fault)));
        assert_eq!(peer.heard(), "");
    }
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_an_error() {
    provider();
    let peer = Peer::start(reply("HTTP/1.1 400 Bad Request\r\n\r\n")).await;
    let error = fetch(&peer, &Authority::new("Files CA")).await.expect_err("no TLS");
    assert!(error.to_string().starts_with("the handshake failed"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_trusted_or_is_no_address_is_not_contacted() {
    provider();
    let peer = Peer::start(Script::Close).await;
    let read = async |url: &str| {
        let url = url.replace("PORT", &peer.port().to_string());
        web::read_within(&url, RootCertStore::empty, limits()).await.expect_err("no content")
    };
    assert_eq!(read("https://127.0.0.1:PORT/x").await, WebError::NoAnchors);
    for url in
        ["http://gateway.example:PORT/x", "https://u:p@127.0.0.1:PORT/x", "ftp://127.0.0.1:PORT/"]
    {
        assert!(matches!(read(url).await, WebError::Address(_)), "{url}");
    }
    assert_eq!(peer.accepted(), 0);
}

#[tokio::test]
async fn an_error_names_the_address_without_what_may_be_a_secret() {
    let context = Context::new(RunId("run".to_owned()), ".".into());
    let peer = Peer::start(reply("HTTP/1.1 403 Forbidden\r\n\r\n")).await;
    let url = format!("http://127.0.0.1:{}/fleet.pem?sig=s3cr3t", peer.port());
    let source = Source { url: Some(url), ..Source::default() };
    let error = bytes(&context, &source).await.expect_err("403").to_string();
    let place = format!("http://127.0.0.1:{}/fleet.pem", peer.port());
    assert_eq!(error, format!("cannot read `{place}`: it answers 403, expected 200"));
    assert!(peer.heard().contains("GET /fleet.pem?sig=s3cr3t "));

    let password = Source { url: Some("https://u:s3cr3t@h/x".to_owned()), ..Source::default() };
    let error = bytes(&context, &password).await.expect_err("no address").to_string();
    assert!(error.starts_with("cannot read `https://h/x`") && !error.contains("s3cr3t"), "{error}");
}

#[tokio::test]
async fn a_secret_may_come_from_an_address() {
    let context = Context::new(RunId("run".to_owned()), ".".into());
    let peer = Peer::start(reply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ntok1\n")).await;
    let url = format!("http://127.0.0.1:{}/token", peer.port());
    let source = Source { url: Some(url), ..Source::default() };
    let secret = secret(&context, &source).await.expect("a secret");
    assert_eq!(secret.expose(), "tok1");
    assert_eq!(format!("{secret:?}"), "Secret(hidden)");
}
