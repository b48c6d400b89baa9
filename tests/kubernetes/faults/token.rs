//! Tokens that the API server signed, or seems to have signed, and takes for good no more.

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::ingest::{Ingest, bytes, token_of};
use super::{AtWork, NEVER};
use crate::node::Node;
use crate::operator::{Installation, in_peace};

/// A token with other times in it, signed by the cluster's own key (RS256, RFC 7518, section 3.3).
/// The API server gives out none that lives for less than ten minutes.
fn signed_anew(node: &Node, token: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut parts = token.split('.');
    let (header, claims) = (parts.next().unwrap(), parts.next().unwrap());
    let mut claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    change(&mut claims);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut openssl = Command::new("openssl")
        .args(["dgst", "-sha256", "-sign"])
        .arg(node.path("pki/sa.key"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    openssl.stdin.take().unwrap().write_all(signed.as_bytes()).unwrap();
    let signature = openssl.wait_with_output().unwrap();
    assert!(signature.status.success());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.stdout))
}

#[test]
fn a_token_that_has_expired_opens_nothing() {
    let Some(node) = Node::ours() else { return };
    Installation::get();
    let _peace = in_peace();
    let ingest = Ingest::new();
    let at_work = AtWork::new("expired", NEVER, "{}");
    let good = token_of(&at_work);
    let now = Timestamp::now().as_second();
    let expired = signed_anew(&node, &good, |claims| {
        // The API server allows clocks to differ by a minute.
        claims["iat"] = json!(now - 700);
        claims["nbf"] = json!(now - 700);
        claims["exp"] = json!(now - 100);
    });
    let document = bytes(&ingest.document(&good));
    ingest.assert_refused(ingest.plan_request(Some(&expired)), 401, "token");
    ingest.assert_refused(ingest.upload(&expired, &document), 401, "token");
    let early = signed_anew(&node, &good, |claims| claims["nbf"] = json!(now + 300));
    ingest.assert_refused(ingest.plan_request(Some(&early)), 401, "token");
    assert_eq!(at_work.stored(), 1, "nothing of this was stored");

    // It was for its times, and not for our signature, that they were refused.
    let same = signed_anew(&node, &good, |_| ());
    let (status, _, body) = ingest.send(ingest.upload(&same, &document));
    assert_eq!(status, 200, "{body}");
}

#[test]
fn a_token_whose_signature_was_changed_opens_nothing() {
    Installation::get();
    let _peace = in_peace();
    let ingest = Ingest::new();
    let at_work = AtWork::new("forged", NEVER, "{}");
    let good = token_of(&at_work);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    signature[0] ^= 1;
    let forged = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
    ingest.assert_refused(ingest.plan_request(Some(&forged)), 401, "token");
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let unsigned = format!("{none}.{}.", signed.split_once('.').unwrap().1);
    ingest.assert_refused(ingest.plan_request(Some(&unsigned)), 401, "token");
    assert_eq!(at_work.stored(), 1, "nothing of this was stored");
}
