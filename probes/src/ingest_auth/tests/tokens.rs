//! Tokens that must not be let in, and where they go.

use model::document::{Credential, CredentialKind, Protocol};
use model::evidence::{Access, Item};
use tempfile::TempDir;
use testkit::peer::{Peer, Script};
use testkit::pki::{Authority, Leaf};
use testkit::tls;

use super::{Asked, typed};

const TOKEN: &str = "canary-good-1f/a+b";
const OLD: &str = "canary-expired-2e";
const STRAY: &str = "canary-stray-3d";

/// A folder with three tokens, and an edge that lets in requests which `lets_in` says.
async fn edge(lets_in: fn(&str) -> bool) -> (TempDir, Peer) {
    let authority = Authority::new("Edge CA");
    let dir = tempfile::tempdir().expect("folder");
    for (name, text) in
        [("ca.pem", authority.pem().as_str()), ("token", TOKEN), ("old", OLD), ("stray", STRAY)]
    {
        std::fs::write(dir.path().join(name), text).expect("file");
    }
    let script = Script::respond(move |head| {
        let status = if lets_in(&String::from_utf8_lossy(head)) { 202 } else { 401 };
        format!("HTTP/1.1 {status} Any\r\nContent-Length: 0\r\n\r\n").into_bytes()
    });
    let identity = authority.issue(&Leaf::default());
    (dir, Peer::secured(tls::server(&identity), script).await)
}

/// A question that names all three tokens.
fn asked(dir: &TempDir, port: u16, protocol: Protocol) -> Asked {
    let mut asked = Asked::new(dir.path(), protocol, port)
        .param("expiredToken", "old")
        .param("wrongAudienceToken", "stray")
        .param("queryParameter", "access_token");
    let token = asked.credentials()[0].clone();
    for name in ["old", "stray"] {
        let path = Some(name.to_owned());
        asked.credentials().insert(0, Credential { name: name.to_owned(), path, ..token.clone() });
    }
    asked
}

#[tokio::test]
async fn an_edge_that_only_looks_for_a_token_lets_every_one_in() {
    let (dir, peer) = edge(|head| head.contains("canary-")).await;
    let evidence = asked(&dir, peer.port(), Protocol::Https).evidence().await;
    let json = serde_json::to_string(&evidence).expect("JSON");
    for secret in [TOKEN, OLD, STRAY, "canary-good", "access_token="] {
        assert!(!json.contains(secret) && !format!("{evidence:?}").contains(secret), "{secret}");
    }
    let stable = typed(evidence).stable;
    for access in [&stable.expired_access, &stable.wrong_audience_access] {
        assert_eq!(*access, Item::observed(Access::Accepted));
    }
    assert_eq!(stable.query_token_access, Item::observed(Access::Accepted));
    assert_eq!(stable.query_token_status, Item::observed(202));
    assert_eq!(stable.anonymous_access, Item::observed(Access::Denied));
    let heard = peer.heard();
    assert!(heard.contains("POST /v1/ingest?access_token=canary-good-1f%2Fa%2Bb HTTP/1.1\r\n"));
    for (secret, times) in [(TOKEN, 3), (OLD, 1), (STRAY, 1)] {
        assert_eq!(heard.matches(secret).count(), times, "{secret}");
    }
}

#[tokio::test]
async fn an_edge_that_verifies_turns_all_but_the_good_one_away() {
    let (dir, peer) = edge(|head| head.contains("Authorization: Bearer canary-good")).await;
    let stable = asked(&dir, peer.port(), Protocol::Https).seen().await.stable;
    assert_eq!(stable.credential_access, Item::observed(Access::Accepted));
    for access in
        [&stable.expired_access, &stable.wrong_audience_access, &stable.query_token_access]
    {
        assert_eq!(*access, Item::observed(Access::Denied));
    }
    assert_eq!(stable.expired_declared, Item::observed(true));
}

#[tokio::test]
async fn no_token_is_sent_in_plaintext_or_to_a_stranger() {
    let (dir, _) = edge(|_| true).await;
    let accepted = || Script::Reply(b"HTTP/1.1 202 Accepted\r\n\r\n".to_vec());
    let stranger = Authority::new("Stranger").issue(&Leaf::default());
    for (protocol, peer) in [
        (Protocol::Http, Peer::start(accepted()).await),
        (Protocol::Https, Peer::secured(tls::server(&stranger), accepted()).await),
    ] {
        let stable = asked(&dir, peer.port(), protocol).seen().await.stable;
        assert_eq!(stable.anonymous_access, Item::observed(Access::Accepted));
        for access in
            [&stable.expired_access, &stable.wrong_audience_access, &stable.query_token_access]
        {
            assert_eq!(access.status(), "not_attempted");
        }
        for secret in ["canary-good", OLD, STRAY] {
            assert!(!peer.heard().contains(secret), "{secret} was sent");
        }
    }
}

#[tokio::test]
async fn a_token_that_is_not_declared_is_said_to_be_so() {
    let (dir, peer) = edge(|head| head.contains("canary-good")).await;
    let mut asked = asked(&dir, peer.port(), Protocol::Https);
    asked.credentials().retain(|credential| credential.name != "old");
    asked.credentials()[0].kind = CredentialKind::Basic;
    let stable = asked.seen().await.stable;
    let reason = "the target declares no credential `old`";
    assert_eq!(stable.expired_access, Item::not_attempted(reason));
    let reason = "the credential `stray` must be of kind bearer, found basic";
    assert_eq!(stable.wrong_audience_access, Item::not_attempted(reason));
    assert!(!peer.heard().contains(STRAY));

    let plain = Asked::new(dir.path(), Protocol::Https, peer.port());
    let stable = plain.seen().await.stable;
    for declared in
        [&stable.expired_declared, &stable.wrong_audience_declared, &stable.query_token_declared]
    {
        assert_eq!(*declared, Item::observed(false));
    }
}
