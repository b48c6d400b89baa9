//! How fast a broker is connected to, as the broker sees it.

use std::sync::{Arc, Mutex};

use super::*;

/// Moments at which clients came, asked with these parameters.
async fn moments(params: Value) -> Vec<Instant> {
    let came = Arc::new(Mutex::new(Vec::new()));
    let clock = Arc::clone(&came);
    let peer = Peer::start(Script::respond(move |question| {
        clock.lock().unwrap().push(Instant::now());
        connack(question, 5)
    }))
    .await;
    let context = Context::new(RunId("run".to_owned()), ".".into());
    // A name of its own: hosts do not wait for each other, and other tests ask theirs without a pause.
    let endpoint = Endpoint::new("broker", Protocol::Mqtt, "localhost", peer.port());
    let request = CheckRequest {
        check: CheckId::MqttAccessControl,
        target: TargetKey("target".to_owned()),
        subject: Subject::endpoint("broker"),
        inputs: Inputs::Endpoint { endpoint, trust: Trust::default(), credentials: Vec::new() },
        policy: ProbePolicy::default(),
        params: params.as_object().unwrap().clone().into_iter().collect(),
    };
    let evidence = crate::collect(&context, &request).await;
    expect(&evidence, &[("/connections", json!(5))]);
    let came = came.lock().unwrap().clone();
    assert_eq!(came.len(), 5);
    came
}

#[tokio::test]
async fn a_broker_sees_one_connect_in_a_second_where_the_target_says_nothing_else() {
    // A connection takes a moment on its way, and each a little more or less than the one before.
    let slack = Duration::from_millis(100);
    let came = moments(json!({})).await;
    for pair in came.windows(2) {
        let apart = pair[1] - pair[0];
        assert!(apart + slack >= Duration::from_secs(1), "{apart:?}");
    }
    let came = moments(json!({ "connectIntervalMilliseconds": 0 })).await;
    assert!(came[4] - came[0] < Duration::from_secs(2), "{:?}", came[4] - came[0]);
}
