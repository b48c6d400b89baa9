//! Names, application protocols, and more than one server behind an address.

use std::sync::Arc;

use super::*;

/// A broker of TLS 1.3 alone that speaks these application protocols.
async fn of_tls13(protocols: &[&str]) -> Peer {
    let identity = Authority::new("Test").issue(&Leaf::default());
    let tls = tls::server_with(&identity, &[], Clients::NotAsked, &[&rustls::version::TLS13]);
    let mut tls = rustls::ServerConfig::clone(&tls);
    tls.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Peer::secured(Arc::new(tls), Script::ReplyAndHold(vec![0x20, 2, 0, 5])).await
}

#[tokio::test]
async fn the_application_protocol_of_a_server_of_tls13_alone_is_read_in_a_session() {
    for (protocols, chosen) in [
        (&["http/1.1", "mqtt"][..], json!("http/1.1")),
        (&["mqtt"], json!("mqtt")),
        (&[], json!(null)),
        // It ends the handshake, by the book.
        (&["imap"], json!(null)),
    ] {
        let broker = of_tls13(protocols).await;
        let seen = enumerate(Protocol::Mqtts, broker.port()).await;
        assert_eq!(value(&seen, "/tls/full/versions"), json!(["TLSv1.3"]));
        assert_eq!(value(&seen, "/tls/features/alpn"), chosen, "{protocols:?}");
        assert_eq!(value(&seen, "/connections"), json!(broker.accepted()));
    }
}

#[tokio::test]
async fn who_sends_no_name_is_shown_the_only_certificate_and_no_other_name_is_tried() {
    for versions in [rustls::ALL_VERSIONS, &[&rustls::version::TLS13]] {
        let identity = Authority::new("Test").issue(&Leaf::default());
        let tls = tls::server_with(&identity, &[], Clients::NotAsked, versions);
        let broker = Peer::secured(tls, Script::ReplyAndHold(vec![0x20, 2, 0, 5])).await;
        let seen = enumerate(Protocol::Mqtts, broker.port()).await;
        assert_eq!(value(&seen, "/tls/features/without_name"), json!("same_certificate"));
        assert_eq!(status(&seen, "/tls/features/unknown_name"), "not_attempted");
        assert_eq!(value(&seen, "/tls/features/extension_tolerant"), json!(true));
    }
}

#[tokio::test]
async fn servers_with_a_certificate_each_are_a_fleet_whatever_else_they_share() {
    for versions in [rustls::ALL_VERSIONS, &[&rustls::version::TLS13]] {
        let authority = Authority::new("Test");
        let mut brokers = Vec::new();
        for _ in 0..2 {
            let identity = authority.issue(&Leaf::default());
            let tls = tls::server_with(&identity, &[], Clients::NotAsked, versions);
            let script = Script::ReplyAndHold(vec![0x20, 2, 0, 5]);
            brokers.push(Peer::secured(tls, script).await);
        }
        // The plaintext question, the session and the broad hello, before everything else.
        let mut turns = vec![Script::Forward(brokers[0].port()); 3];
        turns.push(Script::Forward(brokers[1].port()));
        let fleet = Peer::sequence(turns).await;
        let seen = enumerate(Protocol::Mqtts, fleet.port()).await;
        let listed = value(&seen, "/tls/full/inconsistent");
        let listed = listed.as_array().expect("a list");
        assert!(!listed.is_empty(), "{versions:?}: {:#?}", seen.volatile);
        assert!(listed.iter().all(|line| line.as_str().is_some_and(|l| l.contains("by SHA-256"))));
        // What they have in common is listed, and of the certificates those that were met.
        assert_eq!(status(&seen, "/tls/full/suites"), "observed");
        let certificates = seen.item("/tls/full/certificates").expect("an item");
        assert_eq!(certificates.status(), "truncated");
    }
}
