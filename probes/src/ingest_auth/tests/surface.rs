//! What an edge takes and tells beside the question of the credential.

use model::document::{Allowance, Protocol};
use model::evidence::{
    Access, CorsOrigin, IngestAuthStable, Intake, Item, Leak, RedirectTarget, Repetition,
};
use rustls::ServerConfig;
use std::sync::Arc;
use testkit::gateway::{Fixture, Posture};
use testkit::peer::{Peer, Script};
use testkit::pki::{Authority, Leaf};
use testkit::tls;

use super::Asked;

/// The evidence of a plaintext edge that answers by the head of a request, and what it heard.
async fn seen(answer: fn(&str) -> String) -> (IngestAuthStable, String) {
    ask(answer, |_| ()).await
}

async fn ask(
    answer: fn(&str) -> String,
    change: impl FnOnce(&mut Asked),
) -> (IngestAuthStable, String) {
    let dir = tempfile::tempdir().expect("folder");
    let script = Script::respond(move |head| answer(&String::from_utf8_lossy(head)).into_bytes());
    let peer = Peer::start(script).await;
    let mut asked = Asked::new(dir.path(), Protocol::Http, peer.port());
    change(&mut asked);
    (asked.seen().await.stable, peer.heard())
}

/// Asks for the body that is announced, and then says 202.
fn takes(head: &str) -> String {
    let asks = if head.contains("Expect: ") { "HTTP/1.1 100 Continue\r\n\r\n" } else { "" };
    format!("{asks}{}", says(202, ""))
}

fn says(status: u16, headers: &str) -> String {
    format!("HTTP/1.1 {status} Any\r\nContent-Length: 0\r\n{headers}\r\n")
}

#[tokio::test]
async fn the_reference_gateway_is_exemplary_beside_its_findings() {
    for (posture, protocol) in
        [(Posture::Exposed, Protocol::Http), (Posture::Hardened, Protocol::Https)]
    {
        let fixture = Fixture::start(posture).await;
        let port = fixture.gateway.ingest().port();
        let stable = Asked::new(fixture.dir.path(), protocol, port).seen().await.stable;
        assert_eq!(stable.payload_intake, Item::observed(Intake::Rejected));
        assert_eq!(stable.payload_status, Item::observed(400));
        assert_eq!(stable.oversize_intake, Item::observed(Intake::Rejected));
        assert_eq!(stable.oversize_status, Item::observed(413));
        assert_eq!(stable.methods_accepted, Item::observed(Vec::new()));
        assert_eq!(stable.rate_limit_observable, Item::observed(true));
        assert_eq!(stable.error_leaks, Item::observed(Vec::new()));
        assert_eq!(stable.cors_origin, Item::observed(CorsOrigin::None));
        assert_eq!(stable.replay_allowed, Item::observed(false));
        if protocol == Protocol::Https {
            assert_eq!(stable.hsts_max_age, Item::observed(Some(31_536_000)));
            assert_eq!(stable.redirect_target, Item::observed(RedirectTarget::None));
            assert_eq!(stable.http2_chosen, Item::observed(false));
        }
        assert_eq!(fixture.gateway.readings(), 0);
    }
}

#[tokio::test]
async fn an_edge_that_takes_everything_is_seen_to() {
    let (stable, heard) = seen(takes).await;
    assert_eq!(stable.payload_intake, Item::observed(Intake::Accepted));
    assert_eq!(stable.oversize_intake, Item::observed(Intake::Accepted));
    assert_eq!(stable.oversize_status, Item::observed(100));
    assert_eq!(stable.methods_accepted, Item::observed(vec!["TRACE".to_owned()]));
    assert_eq!(stable.rate_limit_observable, Item::observed(false));
    assert!(!heard.contains("PUT ") && !heard.contains("DELETE "), "writing was not allowed");
    assert!(heard.len() < 16 * 1024, "the length was claimed and not sent");
}

#[tokio::test]
async fn the_length_that_is_claimed_is_one_more_than_the_declared_limit() {
    let (stable, heard) = ask(
        |head| says(if head.contains("Content-Length: 1001") { 413 } else { 202 }, ""),
        |asked| {
            asked.request.params.insert("maxBodyBytes".to_owned(), 1000.into());
        },
    )
    .await;
    assert_eq!(stable.oversize_bytes, Item::observed(1001));
    assert_eq!(stable.oversize_intake, Item::observed(Intake::Rejected));
    assert!(heard.contains("Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n"));
}

#[tokio::test]
async fn other_methods_and_repetitions_are_tried_only_where_writing_is_allowed() {
    let allow = |asked: &mut Asked| asked.request.policy.allow = vec![Allowance::CanaryWrite];
    let (stable, heard) = ask(takes, allow).await;
    let all = ["DELETE", "PUT", "TRACE"].map(ToOwned::to_owned).to_vec();
    assert_eq!(stable.methods_asked, Item::observed(all.clone()));
    assert_eq!(stable.methods_accepted, Item::observed(all));
    assert_eq!(stable.replay_repetition, Item::observed(Repetition::Accepted));
    assert!(heard.contains("DELETE /v1/ingest/plumbline-canary HTTP/1.1\r\n"));
    assert_eq!(heard.matches("DELETE ").count(), 1);
    let ids: Vec<_> = heard.matches(r#"{"id":"plumbline-canary-"#).collect();
    assert_eq!(ids.len(), 2, "one message, twice");
}

#[tokio::test]
async fn an_answer_that_comes_before_the_body_says_nothing_of_it() {
    let allow = |asked: &mut Asked| asked.request.policy.allow = vec![Allowance::CanaryWrite];
    let (stable, _) = ask(|_| says(202, ""), allow).await;
    assert_eq!(stable.anonymous_access, Item::observed(Access::Accepted));
    assert_eq!(stable.payload_intake, Item::error("202 came before the body was sent"));
    assert_eq!(stable.replay_repetition, Item::error("202 came before the body was sent"));
}

#[tokio::test]
async fn nothing_is_tried_that_needs_to_be_let_in_where_nothing_was() {
    let (stable, heard) = seen(|_| says(401, "")).await;
    for intake in [&stable.payload_intake, &stable.oversize_intake] {
        assert_eq!(intake.status(), "not_attempted");
    }
    assert!(!heard.contains("67108865"));
}

#[tokio::test]
async fn limits_origins_and_methods_are_read_from_what_is_said() {
    let (stable, heard) = seen(|head| {
        let origin = "Access-Control-Allow-Origin: https://plumbline-canary.invalid\r\n\
                      Access-Control-Allow-Credentials: true\r\nAllow: POST, DELETE\r\n";
        match head.split(' ').next() {
            Some("OPTIONS") => says(204, origin),
            Some("TRACE") => says(405, ""),
            _ => says(429, "Retry-After: 9\r\nX-RateLimit-Limit: 5\r\n"),
        }
    })
    .await;
    assert_eq!(stable.cors_origin, Item::observed(CorsOrigin::Reflected));
    assert_eq!(stable.cors_credentials, Item::observed(true));
    assert_eq!(stable.methods_offered, Item::observed(Some("POST, DELETE".to_owned())));
    assert_eq!(stable.methods_accepted, Item::observed(Vec::new()));
    let signals = ["429", "x-ratelimit-limit"].map(ToOwned::to_owned).to_vec();
    assert_eq!(stable.rate_limit_signals, Item::observed(signals));
    assert!(heard.contains("Origin: https://plumbline-canary.invalid\r\n"));
}

#[tokio::test]
async fn what_an_error_tells_is_kept_as_a_class_and_a_digest() {
    let page = "Traceback (most recent call last):\n  File \"/srv/secret-name/edge.py\", line 3";
    let dir = tempfile::tempdir().expect("folder");
    let answer = format!("HTTP/1.1 500 No\r\nContent-Length: {}\r\n\r\n{page}", page.len());
    let peer = Peer::start(Script::Reply(answer.into_bytes())).await;
    let evidence = Asked::new(dir.path(), Protocol::Http, peer.port()).evidence().await;
    let json = serde_json::to_string(&evidence).expect("JSON");
    assert!(!json.contains("secret-name") && !json.contains("Traceback"));
    let seen = super::typed(evidence);
    let leaks = vec![Leak::StackTrace, Leak::FilePath];
    assert_eq!(seen.stable.error_leaks, Item::observed(leaks));
    let digest = model::Digest::of_bytes(page.as_bytes()).to_string();
    assert_eq!(seen.volatile.error_digest, Item::observed(Some(digest)));
}

/// An edge over TLS that chooses one of these protocols and says this.
async fn secured(protocols: &[&[u8]], bytes: Vec<u8>) -> IngestAuthStable {
    let authority = Authority::new("Edge CA");
    let dir = tempfile::tempdir().expect("folder");
    std::fs::write(dir.path().join("ca.pem"), authority.pem()).expect("file");
    std::fs::write(dir.path().join("token"), "canary").expect("file");
    let mut config: ServerConfig =
        Arc::unwrap_or_clone(tls::server(&authority.issue(&Leaf::default())));
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let script = Script::respond(move |head| {
        if head.starts_with(b"PRI * HTTP/2.0") {
            // SETTINGS, and a HEADERS frame whose status is 200.
            return b"\0\0\0\x04\0\0\0\0\0\0\0\x01\x01\x05\0\0\0\x01\x88".to_vec();
        }
        bytes.clone()
    });
    let peer = Peer::secured(Arc::new(config), script).await;
    Asked::new(dir.path(), Protocol::Https, peer.port()).seen().await.stable
}

#[tokio::test]
async fn a_second_version_of_http_is_asked_where_the_edge_chooses_it() {
    let refusal = || says(401, "").into_bytes();
    let both = secured(&[b"h2", b"http/1.1"], refusal()).await;
    assert_eq!(both.http2_chosen, Item::observed(true));
    assert_eq!(both.anonymous_access, Item::observed(Access::Denied));
    assert_eq!(both.http2_access, Item::observed(Access::Accepted));
    assert_eq!(both.http2_status, Item::observed(200));
    assert_eq!(both.connections, Item::observed(12), "one of them over HTTP/2");
    for protocols in [&[&b"http/1.1"[..]][..], &[]] {
        let one = secured(protocols, refusal()).await;
        assert_eq!(one.http2_chosen, Item::observed(false));
        assert_eq!(one.http2_access.status(), "not_attempted");
    }
}

#[tokio::test]
async fn a_redirect_is_told_by_where_it_leads_and_never_followed() {
    let elsewhere = Peer::start(Script::Close).await;
    let to = format!("Location: http://127.0.0.1:{}/in?ticket=7\r\n", elsewhere.port());
    let stable = secured(&[], says(307, &to).into_bytes()).await;
    assert_eq!(stable.redirect_target, Item::observed(RedirectTarget::Plaintext));
    let place = format!("http://127.0.0.1:{}/in", elsewhere.port());
    assert_eq!(stable.redirect_location, Item::observed(Some(place)));
    assert_eq!(elsewhere.accepted(), 0);

    let hsts = "Strict-Transport-Security: max-age=60\r\nLocation: /v2\r\n";
    let stable = secured(&[], says(308, hsts).into_bytes()).await;
    assert_eq!(stable.redirect_target, Item::observed(RedirectTarget::SameOrigin));
    assert_eq!(stable.hsts_max_age, Item::observed(Some(60)));
}
