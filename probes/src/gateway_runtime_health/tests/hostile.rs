//! Gateways that try to keep a probe busy, or to fill its memory.

use std::time::Duration;

use model::evidence::GatewayRuntimeHealthStable;
use testkit::process::free_port;

use super::*;

/// Health and metrics of a gateway that plays one script.
async fn seen(script: Script) -> GatewayRuntimeHealthStable {
    let dir = tempfile::tempdir().expect("folder");
    let peer = Peer::start(script).await;
    let asked = Asked::new(dir.path(), Protocol::Http, peer.port())
        .param("metricsPath", "/metrics")
        .param("requiredSeries", json!(["up"]));
    asked.seen().await.stable
}

/// The statuses of what health and metrics say.
fn statuses(stable: &GatewayRuntimeHealthStable) -> [&'static str; 2] {
    [stable.health_state.status(), stable.metrics_missing.status()]
}

#[tokio::test]
async fn a_gateway_that_is_not_there_shows_nothing() {
    let dir = tempfile::tempdir().expect("folder");
    for protocol in [Protocol::Http, Protocol::Https] {
        let stable = Asked::new(dir.path(), protocol, free_port()).seen().await.stable;
        assert_eq!(stable.health_state.status(), "refused");
        assert_eq!(stable.clock_state.status(), "refused");
        assert_eq!(stable.connections, Item::observed(0));
    }
}

#[tokio::test]
async fn heads_and_contents_without_end_are_cut_off() {
    let headers = b"HTTP/1.1 200 OK\r\n".iter().copied().chain(b"x: 1\r\n".repeat(20_000));
    assert_eq!(statuses(&seen(Script::Reply(headers.collect())).await), ["truncated"; 2]);

    let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    endless.extend(b"up 1\n".repeat(2_000_000));
    assert_eq!(statuses(&seen(Script::Reply(endless)).await), ["truncated"; 2]);

    let mut chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    chunks.extend(b"5\r\nup 1\n\r\n".repeat(1_000_000));
    assert_eq!(statuses(&seen(Script::Reply(chunks)).await), ["truncated"; 2]);

    let claims = b"HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\nup 1\n".to_vec();
    assert_eq!(statuses(&seen(Script::ReplyAndHold(claims)).await), ["truncated"; 2]);
    let bomb = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFF\r\n".to_vec();
    assert_eq!(statuses(&seen(Script::ReplyAndHold(bomb)).await), ["truncated"; 2]);
}

#[tokio::test]
async fn an_answer_that_hangs_or_drips_is_a_timeout() {
    let drip = Script::Drip(b"HTTP/1.1 200 OK".to_vec(), Duration::from_millis(200));
    for script in [Script::Hang, drip] {
        assert_eq!(statuses(&seen(script).await), ["timeout"; 2]);
    }
    let held = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nup".to_vec();
    let stable = seen(Script::ReplyAndHold(held)).await;
    assert_eq!(stable.health_status, Item::observed(200));
    assert_eq!(statuses(&stable), ["timeout"; 2]);
}

#[tokio::test]
async fn what_is_packed_or_broken_is_not_read() {
    let packed =
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00";
    let twice = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nup 1\n";
    for bytes in [&packed[..], twice, b"\x15\x03\x01\x00\x02\x02\x16", b"HTTP/1.1 20"] {
        assert_eq!(statuses(&seen(Script::Reply(bytes.to_vec())).await), ["error"; 2]);
    }
    let not_text = [&b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"[..], &[0xff, 0xfe, 0, 0xc3]];
    assert_eq!(statuses(&seen(Script::Reply(not_text.concat())).await), ["observed", "error"]);
}
