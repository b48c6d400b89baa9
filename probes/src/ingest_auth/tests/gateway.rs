//! The reference gateway, before and after hardening.

use model::document::{Allowance, Protocol};
use model::evidence::{Access, DeviceBinding, Health, Item, PlainOutcome};
use testkit::gateway::{Fixture, Gateway, Ports, Posture, Site};
use testkit::peer::{Peer, Script};

use super::{Asked, typed};

/// A question to the ingest edge of a running gateway.
fn asked(fixture: &Fixture, protocol: Protocol) -> Asked {
    Asked::new(fixture.dir.path(), protocol, fixture.gateway.ingest().port())
}

#[tokio::test]
async fn the_exposed_gateway_is_seen_to_take_anything_in_plaintext() {
    let fixture = Fixture::start(Posture::Exposed).await;
    let seen = asked(&fixture, Protocol::Http).seen().await.stable;
    let accepted = Item::observed(Access::Accepted);
    assert_eq!(seen.anonymous_access, accepted);
    assert_eq!(seen.anonymous_status, Item::observed(202));
    assert_eq!(seen.malformed_access, accepted);
    assert_eq!(seen.wrong_scheme_access, accepted);
    assert_eq!(seen.random_access, accepted);
    assert_eq!(seen.plain_outcome, Item::observed(PlainOutcome::Accepted));
    assert_eq!(seen.plain_body_sent, Item::observed(true));
    assert_eq!(
        seen.credential_access,
        Item::not_attempted("a credential is never sent over plaintext")
    );
    assert_eq!(seen.health_before, Item::observed(Health::Healthy));
    assert_eq!(seen.health_after, Item::observed(Health::Healthy));
    assert_eq!(seen.connections, Item::observed(10));
    assert_eq!(fixture.gateway.readings(), 0, "the canary carries no reading");
}

#[tokio::test]
async fn the_hardened_gateway_is_seen_to_ask_for_its_token() {
    let fixture = Fixture::start(Posture::Hardened).await;
    let old = fixture.site.ports().http;
    let seen = asked(&fixture, Protocol::Https).param("plainPort", old).seen().await.stable;
    let denied = Item::observed(Access::Denied);
    assert_eq!(seen.anonymous_access, denied);
    assert_eq!(seen.anonymous_status, Item::observed(401));
    assert_eq!(seen.anonymous_challenge, Item::observed(Some("Bearer".to_owned())));
    assert_eq!(seen.anonymous_body_sent, Item::observed(false));
    assert_eq!(seen.malformed_access, denied);
    assert_eq!(seen.wrong_scheme_access, denied);
    assert_eq!(seen.random_access, denied);
    assert_eq!(seen.tls_trusted, Item::observed(true));
    assert_eq!(seen.tls_version, Item::observed("TLSv1.3".to_owned()));
    assert_eq!(seen.credential_access, Item::observed(Access::Accepted));
    assert_eq!(seen.credential_status, Item::observed(202));
    assert_eq!(seen.plain_outcome, Item::observed(PlainOutcome::NotSpoken));
    assert_eq!(seen.plain_address, Item::observed(format!("127.0.0.1:{old}")));
    assert_eq!(seen.plain_status, Item::refused("the connection was refused"));
    assert_eq!(seen.health_after, Item::observed(Health::Healthy));
    assert_eq!(seen.connections, Item::observed(13));
    assert_eq!(fixture.gateway.readings(), 0, "the canary carries no reading");
}

#[tokio::test]
async fn without_an_old_port_the_tls_port_answers_for_plaintext() {
    let fixture = Fixture::start(Posture::Hardened).await;
    let seen = asked(&fixture, Protocol::Https).seen().await.stable;
    assert_eq!(seen.plain_outcome, Item::observed(PlainOutcome::NotSpoken));
    assert_eq!(seen.plain_address, seen.endpoint_address);
    assert_eq!(
        seen.plain_status,
        Item::refused("the port speaks something else than plaintext HTTP")
    );
}

#[tokio::test]
async fn an_old_port_that_still_answers_is_the_one_that_is_reported() {
    let fixture = Fixture::start(Posture::Hardened).await;
    let forgotten = Peer::start(Script::Reply(b"HTTP/1.1 202 Accepted\r\n\r\n".to_vec())).await;
    let asked = asked(&fixture, Protocol::Https).param("plainPort", forgotten.port());
    let seen = asked.seen().await.stable;
    assert_eq!(seen.plain_outcome, Item::observed(PlainOutcome::Accepted));
    assert_eq!(seen.plain_address, Item::observed(format!("127.0.0.1:{}", forgotten.port())));
}

#[tokio::test]
async fn a_second_look_at_an_unchanged_gateway_is_the_same_evidence() {
    for (posture, protocol) in
        [(Posture::Exposed, Protocol::Http), (Posture::Hardened, Protocol::Https)]
    {
        let fixture = Fixture::start(posture).await;
        let asked = asked(&fixture, protocol);
        let (first, second) = (asked.evidence().await, asked.evidence().await);
        assert_eq!(first.stable, second.stable);
        assert_eq!(first.digest(), second.digest());
    }
}

#[tokio::test]
async fn a_body_of_the_targets_own_is_sent_only_where_writing_is_allowed() {
    let fixture = Fixture::start(Posture::Exposed).await;
    let body = serde_json::json!({"device": "plumbline-canary", "readings": [{"canary": 1}]});
    let mut asked = asked(&fixture, Protocol::Http).param("body", body);
    let refused = typed(asked.evidence().await).stable;
    let reason = refused.anonymous_access.reason().unwrap_or_default();
    assert!(reason.contains("canaryWrite"), "{reason}");
    assert_eq!(refused.connections, Item::observed(0));
    assert_eq!(fixture.gateway.readings(), 0);

    asked.request.policy.allow = vec![Allowance::CanaryWrite];
    let allowed = asked.seen().await.stable;
    assert_eq!(allowed.anonymous_access, Item::observed(Access::Accepted));
    assert_eq!(fixture.gateway.readings(), 6, "four requests, and one message twice");
}

#[tokio::test]
async fn an_edge_that_does_not_take_the_body_leaves_the_question_open() {
    let fixture = Fixture::start(Posture::Exposed).await;
    let mut asked = asked(&fixture, Protocol::Http).param("body", "{\"other\": 1}");
    asked.request.policy.allow = vec![Allowance::CanaryWrite];
    let seen = asked.seen().await.stable;
    assert_eq!(seen.anonymous_status, Item::observed(422));
    assert_eq!(seen.anonymous_access.status(), "error");
    assert_eq!(seen.plain_outcome, Item::observed(PlainOutcome::Accepted), "the body was taken");
}

#[tokio::test]
async fn a_gateway_that_limits_requests_leaves_the_question_open() {
    let dir = tempfile::tempdir().expect("folder");
    let site = Site::create(dir.path(), Ports::free()).expect("site");
    let mut config = site.config(Posture::Exposed);
    config.ingest.limits = Some(testkit::gateway::config::Limits {
        max_body_bytes: None,
        requests_per_minute: Some(0),
    });
    config.write(dir.path(), "Nobody may ask.").expect("file");
    let gateway = Gateway::start(dir.path()).await.expect("gateway");
    let fixture = Fixture { dir, site, gateway };
    let seen = asked(&fixture, Protocol::Http).seen().await.stable;
    assert_eq!(seen.anonymous_access, Item::error("429: the edge asks to slow down"));
    assert_eq!(seen.plain_outcome.status(), "error");
    assert_eq!(seen.health_before, Item::observed(Health::Healthy));
}

/// A hardened gateway whose token stands for this device, or for any.
async fn standing_for(device: Option<&str>) -> Fixture {
    let dir = tempfile::tempdir().expect("folder");
    let site = Site::create(dir.path(), Ports::free()).expect("site");
    let mut config = site.config(Posture::Hardened);
    config.ingest.auth.as_mut().expect("authentication").device = device.map(ToOwned::to_owned);
    config.write(dir.path(), "The token is a device's.").expect("file");
    let gateway = Gateway::start(dir.path()).await.expect("gateway");
    Fixture { dir, site, gateway }
}

#[tokio::test]
async fn a_token_that_stands_for_one_device_writes_for_no_other() {
    use DeviceBinding::{Bound, NotBound};
    for (device, own, other, outcome) in [
        (Some("canary-a"), Some(202), Some(403), Some(Bound)),
        (None, Some(202), Some(202), Some(NotBound)),
        // Where it does not stand for the first either, nothing is known.
        (Some("canary-c"), Some(403), None, None),
    ] {
        let fixture = standing_for(device).await;
        let mut asked = asked(&fixture, Protocol::Https)
            .param("deviceId", "canary-a")
            .param("otherDeviceId", "canary-b");
        let before = asked.seen().await.stable;
        assert_eq!(before.device_binding_declared, Item::observed(false));
        assert_eq!(before.device_binding_own.status(), "not_attempted", "writing is not allowed");
        asked.request.policy.allow = vec![Allowance::CanaryWrite];
        let seen = asked.seen().await.stable;
        assert_eq!(seen.device_binding_declared, Item::observed(true));
        assert_eq!(seen.device_binding_own.value().copied(), own, "{device:?}");
        assert_eq!(seen.device_binding_other.value().copied(), other, "{device:?}");
        assert_eq!(seen.device_binding_outcome.value().copied(), outcome, "{device:?}");
        assert_eq!(fixture.gateway.readings(), 0, "the canary carries no reading");
    }
}

#[tokio::test]
async fn a_body_of_the_targets_own_names_its_device_where_it_says() {
    let fixture = standing_for(Some("canary-a")).await;
    let body = |device: &str| serde_json::json!({"device": device, "readings": []});
    let mut asked = asked(&fixture, Protocol::Https)
        .param("deviceId", "canary-a")
        .param("otherDeviceId", "canary-b")
        .param("body", body("canary-a"));
    asked.request.policy.allow = vec![Allowance::CanaryWrite];
    let seen = asked.seen().await.stable;
    let reason = seen.anonymous_access.reason().unwrap_or_default();
    assert!(reason.contains("{device}"), "{reason}");
    let asked = asked.param("body", body("{device}"));
    let seen = asked.seen().await.stable;
    assert_eq!(seen.credential_access, Item::observed(Access::Accepted));
    assert_eq!(seen.device_binding_outcome, Item::observed(DeviceBinding::Bound));
}
