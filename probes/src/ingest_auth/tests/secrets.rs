//! Where the declared credential goes, and where it never goes.

use std::path::Path;

use jiff::{Timestamp, ToSpan as _};
use model::Digest;
use model::document::{CredentialKind, Protocol};
use model::evidence::{Access, Item, TrustFault};
use tempfile::TempDir;
use testkit::gateway::{Fixture, Posture};
use testkit::peer::{Peer, Script};
use testkit::pki::{Authority, Identity, Leaf, self_signed};
use testkit::tls;

use super::{Asked, typed};

const TOKEN: &str = "canary-secret-5b1c0f";
const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\n\r\n";

/// A folder with an anchor and the token.
fn folder(authority: &Authority) -> TempDir {
    let dir = tempfile::tempdir().expect("folder");
    write(dir.path(), "ca.pem", &authority.pem());
    write(dir.path(), "token", &format!("{TOKEN}\n"));
    dir
}

fn write(dir: &Path, name: &str, text: &str) {
    std::fs::write(dir.join(name), text).expect("file");
}

/// An edge with `identity` that answers 202 to everybody.
async fn accepting(identity: &Identity) -> Peer {
    Peer::secured(tls::server(identity), Script::ReplyAndHold(ACCEPTED.as_bytes().to_vec())).await
}

#[tokio::test]
async fn the_token_reaches_a_trusted_edge_and_appears_nowhere_else() {
    let Fixture { dir, site, gateway } = Fixture::start(Posture::Hardened).await;
    let token = site.token().expect("token");
    let asked = Asked::new(dir.path(), Protocol::Https, gateway.ingest().port());
    let evidence = asked.evidence().await;
    let json = serde_json::to_string(&evidence).expect("JSON");
    let debug = format!("{evidence:?} {:?} {:?}", asked.request, asked.context);
    assert_eq!(typed(evidence).stable.credential_access, Item::observed(Access::Accepted));
    assert!(!json.contains(&token) && !debug.contains(&token));
}

#[tokio::test]
async fn the_token_is_sent_to_an_edge_that_proves_who_it_is() {
    let authority = Authority::new("Edge CA");
    let dir = folder(&authority);
    let peer = accepting(&authority.issue(&Leaf::default())).await;
    let asked = Asked::new(dir.path(), Protocol::Https, peer.port());
    assert_eq!(asked.seen().await.stable.credential_access, Item::observed(Access::Accepted));
    assert!(peer.heard().contains(&format!("Authorization: Bearer {TOKEN}\r\n")));
}

#[tokio::test]
async fn a_login_is_sent_as_basic_to_an_edge_that_proves_who_it_is() {
    let authority = Authority::new("Edge CA");
    let dir = folder(&authority);
    write(dir.path(), "token", "gw-1:pass\n");
    let peer = accepting(&authority.issue(&Leaf::default())).await;
    let mut asked = Asked::new(dir.path(), Protocol::Https, peer.port());
    asked.credentials()[0].kind = CredentialKind::Basic;
    let seen = asked.seen().await.stable;
    assert_eq!(seen.credential_kind, Item::observed("basic".to_owned()));
    assert!(peer.heard().contains("Authorization: Basic Z3ctMTpwYXNz\r\n"));
}

#[tokio::test]
async fn the_token_is_never_sent_in_plaintext() {
    let dir = folder(&Authority::new("Edge CA"));
    let peer = Peer::start(Script::Reply(ACCEPTED.as_bytes().to_vec())).await;
    let asked = Asked::new(dir.path(), Protocol::Http, peer.port());
    let seen = asked.seen().await.stable;
    assert_eq!(seen.credential_access.status(), "not_attempted");
    let received = peer.received();
    assert_eq!(received.len(), 10);
    assert!(received.iter().all(|bytes| !String::from_utf8_lossy(bytes).contains(TOKEN)));
}

/// Asks an edge with `identity` that answers 202; it must not be given the token.
async fn withheld(identity: &Identity, change: impl FnOnce(&mut Asked, &TempDir)) -> Asked {
    let dir = folder(&Authority::new("Edge CA"));
    withheld_in(&dir, identity, change).await
}

async fn withheld_in(
    dir: &TempDir,
    identity: &Identity,
    change: impl FnOnce(&mut Asked, &TempDir),
) -> Asked {
    let peer = accepting(identity).await;
    let mut asked = Asked::new(dir.path(), Protocol::Https, peer.port());
    change(&mut asked, dir);
    let seen = asked.seen().await.stable;
    assert_eq!(seen.anonymous_access, Item::observed(Access::Accepted), "asked without a secret");
    assert_eq!(seen.credential_access.status(), "not_attempted");
    assert!(!peer.heard().contains(TOKEN), "the token was sent");
    asked
}

#[tokio::test]
async fn the_token_is_never_sent_to_an_edge_that_is_not_trusted() {
    let stranger = Authority::new("Stranger");
    for identity in [stranger.issue(&Leaf::default()), self_signed(&Leaf::default())] {
        withheld(&identity, |_, _| ()).await;
    }
}

#[tokio::test]
async fn the_token_is_never_sent_where_no_anchor_is_declared() {
    let identity = Authority::new("Edge CA").issue(&Leaf::default());
    withheld(&identity, |asked, _| asked.trust().ca_bundle = None).await;
    withheld(&identity, |_, dir| write(dir.path(), "ca.pem", "no certificate")).await;
}

#[tokio::test]
async fn the_reason_why_an_edge_is_not_trusted_is_told() {
    let now = Timestamp::now();
    let authority = Authority::new("Edge CA");
    let dir = folder(&authority);
    let other_name =
        Leaf { dns: vec!["other.example".to_owned()], ip: Vec::new(), ..Leaf::default() };
    let expired = Leaf { not_after: now - 1.hours(), ..Leaf::default() };
    let early = Leaf { not_before: now + 1.hours(), ..Leaf::default() };
    for (identity, fault) in [
        (Authority::new("Stranger").issue(&Leaf::default()), TrustFault::UnknownIssuer),
        (authority.issue(&other_name), TrustFault::WrongName),
        (authority.issue(&expired), TrustFault::Expired),
        (authority.issue(&early), TrustFault::NotYetValid),
    ] {
        let peer = accepting(&identity).await;
        let asked = Asked::new(dir.path(), Protocol::Https, peer.port());
        let seen = asked.seen().await.stable;
        assert_eq!(seen.tls_trusted, Item::observed(false));
        assert_eq!(seen.tls_fault, Item::observed(Some(fault)));
        assert_eq!(seen.tls_version, Item::observed("TLSv1.3".to_owned()));
        assert!(!peer.heard().contains(TOKEN), "the token was sent");
    }
}

#[tokio::test]
async fn a_pinned_key_is_the_only_one_that_is_trusted() {
    let authority = Authority::new("Edge CA");
    let dir = folder(&authority);
    let identity = authority.issue(&Leaf::default());
    let other = Digest::of_bytes(b"another key").as_str().to_owned();
    withheld_in(&dir, &identity, |asked, _| asked.trust().pinned_keys = vec![other]).await;

    let (_, certificate) =
        x509_parser::parse_x509_certificate(&identity.cert_der).expect("certificate");
    let pin = Digest::of_bytes(certificate.public_key().raw).as_str().to_owned();
    let peer = accepting(&identity).await;
    let mut asked = Asked::new(dir.path(), Protocol::Https, peer.port());
    asked.trust().pinned_keys = vec![pin];
    assert_eq!(asked.seen().await.stable.tls_trusted, Item::observed(true));
}

#[tokio::test]
async fn the_token_never_follows_a_redirect() {
    let authority = Authority::new("Edge CA");
    let dir = folder(&authority);
    let elsewhere = Peer::start(Script::Close).await;
    let answer =
        format!("HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:{}/\r\n\r\n", elsewhere.port());
    let tls = tls::server(&authority.issue(&Leaf::default()));
    let peer = Peer::secured(tls, Script::ReplyAndHold(answer.into_bytes())).await;
    let seen = Asked::new(dir.path(), Protocol::Https, peer.port()).seen().await.stable;
    assert_eq!(seen.credential_access, Item::observed(Access::Redirected));
    assert_eq!(elsewhere.accepted(), 0);
}

#[tokio::test]
async fn a_credential_that_a_header_cannot_carry_is_not_sent_and_not_told() {
    let authority = Authority::new("Edge CA");
    let dir = folder(&authority);
    let peer = accepting(&authority.issue(&Leaf::default())).await;
    let asked = Asked::new(dir.path(), Protocol::Https, peer.port());
    for content in [format!("{TOKEN}\r\nX-Smuggled: 1"), "\n".to_owned(), "t\u{f6}ken".to_owned()] {
        write(dir.path(), "token", &content);
        let evidence = asked.evidence().await;
        assert!(!serde_json::to_string(&evidence).expect("JSON").contains(TOKEN));
        assert_eq!(typed(evidence).stable.credential_access.status(), "not_attempted");
    }
    std::fs::remove_file(dir.path().join("token")).expect("removed");
    let reason = asked.seen().await.stable.credential_access;
    assert_eq!(
        reason.reason(),
        Some("the credential `ingest`: cannot read `token`: there is no such file")
    );
    assert!(!peer.heard().contains(TOKEN) && !peer.heard().contains("X-Smuggled"));
}
