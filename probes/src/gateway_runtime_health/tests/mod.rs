mod hostile;

use model::document::Protocol;
use model::evidence::{
    ClockState, GatewayRuntimeHealth, HealthState, Item, MetricsFormat, ProcessAge,
};
use serde_json::json;
use testkit::gateway::{Fixture, Posture};
use testkit::peer::{Peer, Script};
use testkit::pki::{Authority, Leaf};
use testkit::tls;

use crate::asked;

/// Evidence as the probe's own types.
type Seen = asked::Seen<GatewayRuntimeHealth>;

/// What a test asks.
type Asked = asked::Asked<GatewayRuntimeHealth>;

const TOKEN: &str = "canary-secret-91be44";

/// A whole answer.
fn answer(status: u16, content: &str) -> Vec<u8> {
    let length = content.len();
    format!("HTTP/1.1 {status} Any\r\nContent-Length: {length}\r\n\r\n{content}").into_bytes()
}

/// The evidence of a plaintext gateway that says this to everybody.
async fn told(bytes: Vec<u8>) -> Seen {
    let dir = tempfile::tempdir().expect("folder");
    let peer = Peer::start(Script::Reply(bytes)).await;
    Asked::new(dir.path(), Protocol::Http, peer.port()).seen().await
}

#[tokio::test]
async fn the_reference_gateway_is_healthy_and_shows_its_metrics_to_who_may_read_them() {
    let Fixture { dir, site, gateway } = Fixture::start(Posture::Hardened).await;
    let token = site.token().expect("token");
    let asked = Asked::new(dir.path(), Protocol::Https, gateway.ingest().port())
        .param("readyPath", "/readyz")
        .param("metricsPath", "/metrics")
        .param("requiredSeries", json!(["gateway_readings_received_total", "gateway_wal_bytes"]));
    let evidence = asked.evidence().await;
    let text = serde_json::to_string(&evidence).expect("JSON");
    assert!(!text.contains(&token) && !format!("{evidence:?}").contains(&token));
    let Seen { stable, volatile, .. } = asked.seen().await;
    assert_eq!(stable.health_state, Item::observed(HealthState::Healthy));
    assert_eq!(stable.ready_state, Item::observed(HealthState::Healthy));
    assert_eq!(stable.metrics_public, Item::observed(false));
    assert_eq!(stable.metrics_anonymous_status, Item::observed(401));
    assert_eq!(stable.metrics_status, Item::observed(200));
    assert_eq!(stable.metrics_format, Item::observed(MetricsFormat::Prometheus));
    assert_eq!(stable.metrics_missing, Item::observed(vec!["gateway_wal_bytes".to_owned()]));
    assert_eq!(stable.clock_state, Item::observed(ClockState::Plausible));
    assert_eq!(stable.connections, Item::observed(4));
    assert!(volatile.process_started_at.value().is_some());
    let again = asked.evidence().await;
    assert_eq!(again.digest(), evidence.digest());
}

#[tokio::test]
async fn what_no_parameter_names_is_not_asked() {
    let Fixture { dir, gateway, .. } = Fixture::start(Posture::Exposed).await;
    let asked = Asked::new(dir.path(), Protocol::Http, gateway.ingest().port());
    let stable = asked.seen().await.stable;
    assert_eq!(stable.health_state, Item::observed(HealthState::Healthy));
    assert_eq!(stable.ready_declared, Item::observed(false));
    assert_eq!(stable.metrics_declared, Item::observed(false));
    assert_eq!(stable.metrics_public.status(), "not_attempted");
    assert_eq!(stable.process_declared, Item::observed(false));
    assert_eq!(stable.process_age.status(), "not_attempted");
    assert_eq!(stable.connections, Item::observed(1));
}

#[tokio::test]
async fn a_status_and_a_part_that_fails_decide_together() {
    use HealthState::{Absent, Degraded, Guarded, Healthy, Unhealthy};
    for (status, content, state) in [
        (200, "OK", Some(Healthy)),
        (200, r#"{"status":"ok","uplink":"down"}"#, Some(Degraded)),
        (204, "", Some(Healthy)),
        (503, r#"{"db":{"status":"DOWN"}}"#, Some(Unhealthy)),
        (404, "", Some(Absent)),
        (401, "", Some(Guarded)),
        (302, "", None),
        (429, "", None),
    ] {
        let stable = told(answer(status, content)).await.stable;
        assert_eq!(stable.health_state.value().copied(), state, "{status}");
        assert_eq!(stable.health_status, Item::observed(status));
    }
    let stable = told(answer(503, r#"{"db":{"status":"DOWN"}}"#)).await.stable;
    assert_eq!(stable.health_failing, Item::observed(vec!["/db/status".to_owned()]));
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_seen_with_its_error_bar() {
    let date =
        "HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2020 09:00:00 GMT\r\nContent-Length: 0\r\n\r\n";
    let Seen { stable, volatile, .. } = told(date.as_bytes().to_vec()).await;
    assert_eq!(stable.clock_state, Item::observed(ClockState::Off));
    assert!(volatile.clock_offset_ms.value().is_some_and(|ms| *ms < -1_000_000));
    assert!(volatile.clock_error_ms.value().is_some_and(|ms| *ms >= 500));
    assert_eq!(told(answer(200, "")).await.stable.clock_state.status(), "not_attempted");
}

#[tokio::test]
async fn a_process_that_began_a_short_time_ago_is_told_and_one_that_settled_stays_the_same() {
    let dir = tempfile::tempdir().expect("folder");
    let now = jiff::Timestamp::now().as_second();
    let seen = async |answer: Vec<u8>| {
        let peer = Peer::start(Script::Reply(answer)).await;
        let asked = Asked::new(dir.path(), Protocol::Http, peer.port())
            .param("metricsPath", "/metrics")
            .param("minUptimeMinutes", 15);
        asked.seen().await.stable
    };
    let began = |ago: i64| answer(200, &format!("process_start_time_seconds {}.5\n", now - ago));
    let settled = seen(began(16 * 60)).await;
    assert_eq!(settled.process_declared, Item::observed(true));
    assert_eq!(settled.process_min_uptime_minutes, Item::observed(15));
    assert_eq!(settled.process_age, Item::observed(ProcessAge::Settled));
    assert_eq!(settled.process_restarted_at, Item::observed(None));
    // It goes on running: nothing moves.
    let later = seen(began(99 * 60)).await;
    assert_eq!(later.process_restarted_at, settled.process_restarted_at);
    assert_eq!(later.process_age, settled.process_age);

    let recent = seen(began(5 * 60)).await;
    assert_eq!(recent.process_age, Item::observed(ProcessAge::Recent));
    let at = recent.process_restarted_at.value().copied().flatten().expect("when it began");
    assert_eq!(at.as_second(), (now - 5 * 60) / 60 * 60);
    let again = seen(began(2 * 60)).await;
    assert_ne!(again.process_restarted_at, recent.process_restarted_at, "it began anew");

    // By its own clock: one that is a day behind has not been running for a day.
    let behind = jiff::Timestamp::from_second(now - 86_400).expect("a time");
    let date = jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&behind)
        .expect("a date");
    let content = format!("process_start_time_seconds {}\n", now - 86_400 - 60);
    let length = content.len();
    let behind =
        format!("HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: {length}\r\n\r\n{content}");
    assert_eq!(seen(behind.into_bytes()).await.process_age, Item::observed(ProcessAge::Recent));

    for (content, status) in [
        ("up 1\n", "not_attempted"),
        ("process_start_time_seconds 12\n", "error"),
        ("process_start_time_seconds 9e10\n", "error"),
        ("<html>\n", "error"),
    ] {
        let stable = seen(answer(200, content)).await;
        assert_eq!(stable.process_age.status(), status, "{content}");
        assert_eq!(stable.process_restarted_at.status(), status, "{content}");
    }
}

#[tokio::test]
async fn metrics_that_anybody_can_read_are_read_without_the_token() {
    let authority = Authority::new("Gateway CA");
    let dir = tempfile::tempdir().expect("folder");
    std::fs::write(dir.path().join("ca.pem"), authority.pem()).expect("file");
    std::fs::write(dir.path().join("token"), TOKEN).expect("file");
    let tls = tls::server(&authority.issue(&Leaf::default()));
    let peer = Peer::secured(tls, Script::Reply(answer(200, "up 1\n"))).await;
    let asked =
        Asked::new(dir.path(), Protocol::Https, peer.port()).param("metricsPath", "/metrics");
    let stable = asked.seen().await.stable;
    assert_eq!(stable.metrics_public, Item::observed(true));
    assert_eq!(stable.metrics_status, Item::observed(200));
    assert_eq!(stable.connections, Item::observed(2));
    assert!(!peer.heard().contains(TOKEN));
}

#[tokio::test]
async fn the_token_goes_only_to_a_gateway_that_proves_who_it_is() {
    let dir = tempfile::tempdir().expect("folder");
    let (own, stranger) = (Authority::new("Gateway CA"), Authority::new("Stranger"));
    std::fs::write(dir.path().join("ca.pem"), own.pem()).expect("file");
    std::fs::write(dir.path().join("token"), TOKEN).expect("file");
    let guarded = || {
        Script::respond(|head| {
            let known = String::from_utf8_lossy(head).contains("Authorization");
            if known { answer(200, "up 1\n") } else { answer(401, "") }
        })
    };
    for (authority, protocol, status) in [
        (&own, Protocol::Https, "observed"),
        (&stranger, Protocol::Https, "error"),
        (&own, Protocol::Http, "not_attempted"),
    ] {
        let peer = match protocol {
            Protocol::Http => Peer::start(guarded()).await,
            _ => Peer::secured(tls::server(&authority.issue(&Leaf::default())), guarded()).await,
        };
        let asked = Asked::new(dir.path(), protocol, peer.port()).param("metricsPath", "/metrics");
        let evidence = asked.evidence().await;
        assert!(!serde_json::to_string(&evidence).expect("JSON").contains(TOKEN));
        let missing = evidence.item("/metrics/missing").expect("it is there");
        assert_eq!(missing.status(), status, "{missing:?}");
        assert_eq!(peer.heard().contains(TOKEN), status == "observed");
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_not_asked() {
    let dir = tempfile::tempdir().expect("folder");
    let peer = Peer::start(Script::Close).await;
    let asked = || Asked::new(dir.path(), Protocol::Http, peer.port());
    for asked in [
        asked().param("readyPath", "readyz"),
        asked().param("metricsPath", "/m\r\nX-Smuggled: 1"),
        asked().param("metricsPath", 7),
        asked().param("requiredSeries", "up"),
        asked().param("requiredSeries", json!([])),
        asked().param("requiredSeries", json!(["up", "up"])),
        asked().param("requiredSeries", json!(["no name"])),
        asked().param("minUptimeMinutes", 15),
        asked().param("metricsPath", "/m").param("minUptimeMinutes", 0),
        asked().param("metricsPath", "/m").param("minUptimeMinutes", 1e9),
        asked().param("metricsPath", "/m").param("minUptimeMinutes", "15"),
    ] {
        let stable = asked.seen().await.stable;
        assert_eq!(stable.health_state.status(), "not_attempted");
        assert_eq!(stable.connections, Item::observed(0));
    }
    assert_eq!(peer.accepted(), 0);
}
