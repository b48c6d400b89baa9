//! Endpoints of this process, sound or wrong in one way, and what evidence says of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::{Timestamp, ToSpan as _};
use model::document::{DeviceCertificates, Endpoint, Protocol, Source, Trust};
use model::evidence::{
    ChainRole, HandshakeOutcome, IssuerOutcome, NameOutcome, PathOutcome, PinOutcome,
    RevocationOutcome, UsageGrant,
};
use model::request::{CheckRequest, Inputs, ProbePolicy};
use model::{CheckId, RunId, Subject, TargetKey};
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use testkit::peer::{Peer, Script};
use testkit::pki::{Authority, Identity, Leaf, self_signed, usage, weak};
use testkit::tls::{self, Clients};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::x509::key;

mod policies;

/// A TLS server: the n-th connection gets the n-th configuration, and the last one stays.
async fn serve(configs: Vec<Arc<ServerConfig>>) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("port");
    let port = listener.local_addr().expect("address").port();
    let next = AtomicUsize::new(0);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let number = next.fetch_add(1, Ordering::SeqCst).min(configs.len() - 1);
            let acceptor = TlsAcceptor::from(Arc::clone(&configs[number]));
            tokio::spawn(async move { acceptor.accept(stream).await.map(drop) });
        }
    });
    port
}

fn provider() {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
}

/// A server configuration with a chain: the identity and further certificates in DER.
fn config(identity: &Identity, more: &[Vec<u8>]) -> Arc<ServerConfig> {
    provider();
    tls::server_with(identity, more, Clients::NotAsked, rustls::ALL_VERSIONS)
}

/// A folder with the files of one test, and the trust that names them.
struct Place {
    folder: tempfile::TempDir,
    trust: Trust,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("folder"), trust: Trust::default() }
    }

    fn trusting(bundle: &str) -> Self {
        let mut place = Self::new();
        place.trust.ca_bundle = Some(place.file("ca.pem", bundle));
        place
    }

    fn file(&self, name: &str, content: &str) -> Source {
        std::fs::write(self.folder.path().join(name), content).expect("file");
        Source::path(name)
    }

    async fn look(&self, endpoint: Endpoint) -> Seen {
        let request = CheckRequest {
            check: CheckId::BrokerCertIdentity,
            target: TargetKey("plant".into()),
            subject: Subject::endpoint("broker"),
            inputs: Inputs::Endpoint { endpoint, trust: self.trust.clone(), credentials: vec![] },
            policy: ProbePolicy::default(),
            params: BTreeMap::new(),
        };
        observe(&self.context(), &request).await
    }

    fn context(&self) -> Context {
        Context::new(RunId("r1".into()), self.folder.path().to_owned())
    }
}

type Seen = (BrokerCertIdentityStable, BrokerCertIdentityVolatile);

fn endpoint(protocol: Protocol, port: u16, server_name: Option<&str>) -> Endpoint {
    Endpoint {
        server_name: server_name.map(str::to_owned),
        ..Endpoint::new("broker", protocol, "127.0.0.1", port)
    }
}

fn mqtts(port: u16) -> Endpoint {
    endpoint(Protocol::Mqtts, port, Some("localhost"))
}

#[tokio::test]
async fn a_sound_endpoint_is_trusted_named_and_read_whole() {
    let root = Authority::new("Plant CA");
    let identity = root.issue(&Leaf::default());
    let port = serve(vec![config(&identity, &[])]).await;
    let place = Place::trusting(&root.pem());
    let (stable, volatile) = place.look(mqtts(port)).await;

    assert_eq!(stable.path_outcome, Item::observed(PathOutcome::Trusted));
    assert_eq!(stable.path_detail, Item::observed("it leads to `CN=Plant CA`".to_owned()));
    assert_eq!(stable.names_outcome, Item::observed(NameOutcome::DnsMatch));
    assert_eq!(stable.handshake_outcome, Item::observed(HandshakeOutcome::Completed));
    assert_eq!(stable.handshake_key_proven, Item::observed(true));
    assert_eq!(stable.leaf_server_auth, Item::observed(UsageGrant::Named));
    assert_eq!(stable.leaf_key_usage, Item::observed(vec!["digitalSignature".to_owned()]));
    assert_eq!(stable.validity_leaf_days, Item::observed(Some(73)));
    assert_eq!(stable.connections, Item::observed(2));
    assert_eq!(volatile.handshake_version, Item::observed("TLSv1.3".to_owned()));

    let seen = stable.certificates.value().expect("certificates");
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].subject.as_str(), seen[0].count), ("CN=localhost", 1));
    assert_eq!(Some(&seen[0].spki), stable.leaf_spki.value());
}

#[tokio::test]
async fn two_looks_at_an_unchanged_endpoint_give_the_same_bytes() {
    let root = Authority::new("Plant CA");
    let port = serve(vec![config(&root.issue(&Leaf::default()), &[])]).await;
    let place = Place::trusting(&root.pem());
    let bytes = async || {
        let (stable, _) = place.look(mqtts(port)).await;
        model::digest::canonical(&stable)
    };
    assert_eq!(bytes().await, bytes().await);
}

#[tokio::test]
async fn an_expired_certificate_keeps_its_dates_and_its_path() {
    let root = Authority::new("Plant CA");
    let now = Timestamp::now();
    let leaf =
        Leaf { not_before: now - 480.hours(), not_after: now - 240.hours(), ..Leaf::default() };
    let port = serve(vec![config(&root.issue(&leaf), &[])]).await;
    let (stable, _) = Place::trusting(&root.pem()).look(mqtts(port)).await;
    let end = stable.validity_not_after.value().copied().flatten().expect("end");
    assert_eq!(end.as_second(), leaf.not_after.as_second());
    assert_eq!(stable.validity_lifetime_seconds, Item::observed(Some(240 * 3600)));
    assert_eq!(stable.path_outcome, Item::observed(PathOutcome::Trusted));
}

#[tokio::test]
async fn a_wrong_name_an_address_and_a_common_name_are_told_apart() {
    let root = Authority::new("Plant CA");
    let place = Place::trusting(&root.pem());
    let look = async |leaf: &Leaf, identity: Option<&str>| {
        let port = serve(vec![config(&root.issue(leaf), &[])]).await;
        let (stable, _) = place.look(endpoint(Protocol::Tls, port, identity)).await;
        stable.names_outcome
    };
    let sound = Leaf::default();
    assert_eq!(look(&sound, Some("other")).await, Item::observed(NameOutcome::Mismatch));
    assert_eq!(look(&sound, None).await, Item::observed(NameOutcome::IpMatch));
    let common_name_only = Leaf { dns: vec![], ip: vec![], ..Leaf::default() };
    let outcome = look(&common_name_only, Some("localhost")).await;
    assert_eq!(outcome, Item::observed(NameOutcome::NoNames));
    let wildcard = Leaf { dns: vec!["*.plant.example".into()], ..Leaf::default() };
    let outcome = look(&wildcard, Some("broker.plant.example")).await;
    assert_eq!(outcome, Item::observed(NameOutcome::WildcardMatch));
}

#[tokio::test]
async fn a_missing_intermediate_is_incomplete_and_a_sent_one_is_not() {
    let root = Authority::new("Root");
    let middle = root.intermediate("Middle");
    let identity = middle.issue(&Leaf::default());
    let place = Place::trusting(&(root.pem() + &middle.pem()));

    let port = serve(vec![config(&identity, &[])]).await;
    let (missing, _) = place.look(mqtts(port)).await;
    assert_eq!(missing.path_outcome, Item::observed(PathOutcome::Incomplete));
    assert_eq!(missing.trust_anchors, Item::observed(1));
    assert_eq!(missing.trust_intermediates, Item::observed(1));

    let port = serve(vec![config(&identity, &[middle.der(), root.der()])]).await;
    let (sent, _) = place.look(mqtts(port)).await;
    assert_eq!(sent.path_outcome, Item::observed(PathOutcome::Trusted));
    let roles: Vec<_> =
        sent.chain_certificates.value().expect("chain").iter().map(|c| c.role).collect();
    assert_eq!(roles, [ChainRole::Leaf, ChainRole::Intermediate, ChainRole::Anchor]);
    assert_eq!(sent.chain_signatures.value().expect("signatures").len(), 2);
    assert_eq!(sent.certificates.value().expect("certificates").len(), 2);
}

#[tokio::test]
async fn without_a_bundle_nothing_is_trusted_and_nothing_is_untrusted() {
    let identity = self_signed(&Leaf::default());
    let port = serve(vec![config(&identity, &[])]).await;
    let (stable, _) = Place::new().look(mqtts(port)).await;
    assert_eq!(stable.path_outcome.status(), "not_attempted");
    assert_eq!(stable.trust_anchors.status(), "not_attempted");
    assert_eq!(stable.leaf_self_signed, Item::observed(true));
    assert_eq!(stable.revocation_outcome.status(), "not_attempted");
    assert_eq!(stable.pins_outcome.status(), "not_attempted");
    assert_eq!(stable.pins_declared, Item::observed(0));
}

#[tokio::test]
async fn a_bundle_that_cannot_be_read_is_an_error_with_its_place() {
    let port = serve(vec![config(&self_signed(&Leaf::default()), &[])]).await;
    let (garbage, _) = Place::trusting("no certificate").look(mqtts(port)).await;
    let reason = garbage.path_outcome.reason().expect("reason");
    assert_eq!(reason, "`ca.pem` holds no certificate that can be read");
    let mut place = Place::new();
    place.trust.ca_bundle = Some(Source::path("absent.pem"));
    let (absent, _) = place.look(mqtts(port)).await;
    assert_eq!(absent.path_outcome.status(), "error");
}

#[tokio::test]
async fn pins_issuers_and_revocation_lists_are_compared() {
    let root = Authority::new("Plant CA");
    let identity = root.issue(&Leaf { serial: Some(vec![0x4d]), ..Leaf::default() });
    let own = key::written(&crate::x509::Facts::read(&identity.cert_der).expect("facts").key_id);
    let port = serve(vec![config(&identity, &[])]).await;
    let due = Timestamp::now() + 24.hours();

    let mut place = Place::trusting(&root.pem());
    place.trust.pinned_keys = vec![format!("sha256:{}", "0".repeat(64)), own.to_uppercase()];
    place.trust.expected_issuers = vec!["Plant CA".into()];
    place.trust.crls = vec![place.file("crl.pem", &root.crl(&[&[0x11]], due))];
    let (stable, _) = place.look(mqtts(port)).await;
    assert_eq!(stable.pins_outcome, Item::observed(PinOutcome::Match));
    assert_eq!(stable.issuers_outcome, Item::observed(IssuerOutcome::Expected));
    assert_eq!(stable.revocation_outcome, Item::observed(RevocationOutcome::NotListed));

    place.trust.pinned_keys.pop();
    place.trust.expected_issuers = vec!["Other CA".into()];
    place.trust.crls = vec![place.file("crl.pem", &root.crl(&[&[0x4d]], due))];
    let (stable, _) = place.look(mqtts(port)).await;
    assert_eq!(stable.pins_outcome, Item::observed(PinOutcome::Mismatch));
    assert_eq!(stable.issuers_outcome, Item::observed(IssuerOutcome::Unexpected));
    assert_eq!(stable.revocation_outcome, Item::observed(RevocationOutcome::Revoked));

    let impostor = Authority::new("Plant CA");
    place.trust.crls = vec![place.file("crl.pem", &impostor.crl(&[&[0x4d]], due))];
    let (stable, _) = place.look(mqtts(port)).await;
    assert_eq!(stable.revocation_outcome.status(), "error", "an unverified list decides nothing");
}

#[tokio::test]
async fn a_server_that_wants_a_client_certificate_is_still_read() {
    provider();
    let root = Authority::new("Plant CA");
    let identity = root.issue(&Leaf::default());
    let needed = Clients::Needed(&root);
    let strict = tls::server_with(&identity, &[], needed, &[&rustls::version::TLS12]);
    let port = serve(vec![strict]).await;
    let (stable, volatile) = Place::trusting(&root.pem()).look(mqtts(port)).await;
    assert_eq!(stable.handshake_outcome, Item::observed(HandshakeOutcome::EndedAfterCertificate));
    assert_eq!(stable.path_outcome, Item::observed(PathOutcome::Trusted));
    assert!(volatile.handshake_failure.value().is_some_and(Option::is_some));
}

#[tokio::test]
async fn two_different_chains_are_never_judged() {
    let root = Authority::new("Plant CA");
    let one = config(&root.issue(&Leaf::default()), &[]);
    let other = config(&root.issue(&Leaf::default()), &[]);
    let port = serve(vec![one, other]).await;
    let (stable, _) = Place::trusting(&root.pem()).look(mqtts(port)).await;
    for item in [stable.path_outcome.reason(), stable.leaf_spki.reason()] {
        assert_eq!(item, Some("two connections were shown different certificate chains"));
    }
}

#[tokio::test]
async fn an_endpoint_that_shows_nothing_is_told_by_how_it_does() {
    provider();
    let place = Place::new();
    let closed = place.look(mqtts(testkit::process::free_port())).await.0;
    assert_eq!(closed.leaf_spki.status(), "refused");
    assert_eq!(closed.connections, Item::observed(0));

    let plain = Peer::start(Script::Reply(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())).await;
    let text = place.look(mqtts(plain.port())).await.0;
    assert_eq!(text.leaf_spki.status(), "error");
    assert_eq!(text.handshake_outcome.status(), "error");

    // Alert 40, handshake_failure, in a record of TLS 1.2.
    let alert = Peer::start(Script::Reply(vec![0x15, 3, 3, 0, 2, 2, 40])).await;
    let refused = place.look(mqtts(alert.port())).await.0;
    assert_eq!(refused.leaf_spki.status(), "refused");
    assert_eq!(alert.accepted(), 2, "a refused handshake is followed by one hello for old servers");

    let mqtt = place.look(endpoint(Protocol::Mqtt, plain.port(), None)).await.0;
    assert_eq!(mqtt.leaf_spki.status(), "not_attempted");
    assert_eq!(mqtt.endpoint_protocol, Item::observed(Protocol::Mqtt));
}

#[tokio::test]
async fn a_request_without_an_endpoint_is_answered_and_asks_nobody() {
    let place = Place::new();
    let request = CheckRequest {
        check: CheckId::BrokerCertIdentity,
        target: TargetKey("plant".into()),
        subject: Subject::endpoint("broker"),
        inputs: Inputs::DeviceCertificates {
            certificates: DeviceCertificates {
                name: "fleet".into(),
                path: Some("fleet".into()),
                ..DeviceCertificates::default()
            },
            trust: Trust::default(),
        },
        policy: ProbePolicy::default(),
        params: BTreeMap::new(),
    };
    let evidence = collect(&place.context(), &request).await;
    assert_eq!(evidence.item("/endpoint/address").map(Item::status), Some("not_attempted"));
    assert_eq!(evidence.item("/connections").and_then(|i| i.value()), Some(&0.into()));
}

/// Evidence of a chain that no server of ours would present.
fn offline(chain: Vec<Vec<u8>>) -> BrokerCertIdentityStable {
    let declared = crate::x509::Declared {
        bundle: Item::not_attempted("none"),
        crls: Item::not_attempted("none"),
    };
    let presented = Item::observed(evidence::Presented {
        chain: chain.into_iter().map(CertificateDer::from).collect(),
        outcome: HandshakeOutcome::Completed,
        key_proven: false,
        staple: Some(Vec::new()),
    });
    let endpoint = mqtts(8883);
    let online = online::Online { allowed: false, said: Item::not_attempted("not allowed") };
    let (trust, now) = (Trust::default(), Timestamp::now());
    let (declared, online) = (&declared, &online);
    let looked = evidence::Looked { trust: &trust, declared, online, connections: 2, now };
    evidence::stable(&Item::observed(&endpoint), &presented, &looked)
}

fn der(pem: &str) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("certificate").to_vec()
}

#[test]
fn garbage_in_place_of_the_leaf_leaves_nothing_to_judge() {
    let stable = offline(vec![b"garbage".to_vec(), Authority::new("Root").der()]);
    assert_eq!(stable.chain_length, Item::observed(2));
    assert_eq!(stable.chain_unreadable, Item::observed(vec![0]));
    assert_eq!(stable.leaf_subject.status(), "error");
    assert_eq!(stable.validity_not_after.status(), "error");
    assert_eq!(stable.chain_keys.status(), "error");
}

#[test]
fn garbage_behind_the_leaf_leaves_the_leaf_readable() {
    let leaf = Authority::new("Root").issue(&Leaf::default());
    let stable = offline(vec![leaf.cert_der, vec![0x30, 0x80]]);
    assert_eq!(stable.chain_unreadable, Item::observed(vec![1]));
    assert_eq!(stable.leaf_subject, Item::observed("CN=localhost".to_owned()));
    assert_eq!(stable.chain_signatures.reason(), Some("certificate 1 of the chain cannot be read"));
}

#[test]
fn an_empty_chain_is_an_error_and_not_a_pass() {
    let stable = offline(vec![]);
    assert_eq!(stable.leaf_subject.reason(), Some("no certificate was presented"));
    assert_eq!(stable.validity_not_after.status(), "error");
}

#[test]
fn weak_keys_and_signatures_stand_in_the_chain() {
    let stable = offline(vec![der(weak::RSA_1024_SHA1)]);
    assert_eq!(stable.chain_keys.value().expect("keys")[0].bits, 1024);
    assert_eq!(stable.chain_signatures.value().expect("signatures")[0].hash, "sha1");
    assert_eq!(stable.handshake_key_proven.status(), "error");
}

#[test]
fn an_anchor_that_is_sent_along_has_a_key_and_no_signature() {
    let leaf = Authority::new("Root").issue(&Leaf::default());
    let stable = offline(vec![leaf.cert_der, der(weak::RSA_2048_MD5)]);
    assert_eq!(stable.chain_keys.value().expect("keys").len(), 2);
    assert_eq!(stable.chain_signatures.value().expect("signatures").len(), 1);
}

#[test]
fn a_chain_ends_with_its_first_certificate_and_begins_with_its_last() {
    let now = Timestamp::now();
    let root = Authority::new("Root");
    let early = Leaf { not_after: now + 24.hours(), is_ca: true, ..Leaf::server("early") };
    let late = Leaf { not_before: now - 1.hours(), ..Leaf::server("late") };
    let stable = offline(vec![root.issue(&late).cert_der, root.issue(&early).cert_der]);
    assert_eq!(stable.validity_ends_first, Item::observed("CN=early".to_owned()));
    let start = stable.validity_not_before.value().expect("start");
    assert_eq!(start.as_second(), late.not_before.as_second());
}

#[test]
fn a_certificate_without_an_end_has_no_end_in_evidence() {
    let endless = self_signed(&Leaf { endless: true, ..Leaf::default() });
    let stable = offline(vec![endless.cert_der]);
    assert_eq!(stable.validity_not_after, Item::observed(None));
    assert_eq!(stable.validity_leaf_days, Item::observed(None));
}

#[test]
fn more_names_than_are_kept_are_truncated_and_still_matched() {
    let dns = (0..150).map(|n| format!("n{n}.example")).chain(["localhost".to_owned()]).collect();
    let stable = offline(vec![self_signed(&Leaf { dns, ..Leaf::default() }).cert_der]);
    assert_eq!(stable.names_dns.status(), "truncated");
    assert_eq!(stable.names_outcome, Item::observed(NameOutcome::DnsMatch));
}

#[test]
fn hostile_text_is_cut_before_it_enters_evidence() {
    let leaf =
        Leaf { common_name: "<b>".repeat(3_000), usages: vec![usage::CODE], ..Leaf::default() };
    let stable = offline(vec![self_signed(&leaf).cert_der]);
    let subject = stable.leaf_subject.value().expect("subject");
    assert!(subject.len() < 200 && subject.ends_with("bytes]"), "{subject}");
    assert_eq!(stable.leaf_server_auth, Item::observed(UsageGrant::Excluded));
}
