//! Edges that ask for a client certificate, and what they are shown.

use std::sync::Arc;

use model::document::{Credential, CredentialKind, Protocol};
use model::evidence::{Access, ClientCertificate, IngestAuthStable, Item};
use rustls::{ServerConfig, SupportedProtocolVersion};
use tempfile::TempDir;
use testkit::peer::{Peer, Script};
use testkit::pki::{Authority, Identity, Leaf};
use testkit::tls::{self, Clients};

use super::{Asked, typed};

const TOKEN: &str = "canary-secret-77aa01";
const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\n\r\n";
const UNAUTHORIZED: &str = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\n\r\n";
/// What nginx says to a client without a certificate where `ssl_verify_client` is `on`.
const NO_CERTIFICATE: &str = "HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n\
     <title>400 No required SSL certificate was sent</title>";

/// An authority for both sides, an edge, and a device with the certificate in `device.pem`.
struct Plant {
    authority: Authority,
    edge: Identity,
    dir: TempDir,
}

impl Plant {
    fn new() -> Self {
        let authority = Authority::new("Plant CA");
        let edge = authority.issue(&Leaf::default());
        let plant = Self { dir: tempfile::tempdir().expect("folder"), edge, authority };
        plant.write("ca.pem", &plant.authority.pem());
        plant.write("token", TOKEN);
        plant.write("device.pem", &pem(&plant.authority.issue(&Leaf::device("gw-1"))));
        plant
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.dir.path().join(name), text).expect("file");
    }

    fn asking(&self) -> Arc<ServerConfig> {
        let asked = Clients::Asked(&self.authority);
        tls::server_with(&self.edge, &[], asked, rustls::ALL_VERSIONS)
    }

    fn needing(&self, version: &'static SupportedProtocolVersion) -> Arc<ServerConfig> {
        tls::server_with(&self.edge, &[], Clients::Needed(&self.authority), &[version])
    }

    /// A question with these credentials, in this order.
    fn asked(&self, peer: &Peer, kinds: &[CredentialKind]) -> Asked {
        let mut asked = Asked::new(self.dir.path(), Protocol::Https, peer.port());
        let token = asked.credentials().remove(0);
        let credential = |kind: &CredentialKind| match kind {
            CredentialKind::ClientCertificate => {
                Credential { kind: *kind, path: Some("device.pem".to_owned()), ..token.clone() }
            }
            kind => Credential { kind: *kind, ..token.clone() },
        };
        *asked.credentials() = kinds.iter().map(credential).collect();
        asked
    }

    async fn seen(&self, peer: &Peer, kinds: &[CredentialKind]) -> IngestAuthStable {
        self.asked(peer, kinds).seen().await.stable
    }
}

use CredentialKind::{Bearer, ClientCertificate as Certificate};

fn pem(identity: &Identity) -> String {
    format!("{}{}", identity.key_pem, identity.cert_pem)
}

fn says(answer: &str) -> Script {
    Script::ReplyAndHold(answer.as_bytes().to_vec())
}

fn denied() -> Item<Access> {
    Item::observed(Access::Denied)
}

fn accepted() -> Item<Access> {
    Item::observed(Access::Accepted)
}

fn required() -> Item<ClientCertificate> {
    Item::observed(ClientCertificate::Required)
}

/// Everything that is asked without a certificate is turned away.
fn assert_all_denied(stable: &IngestAuthStable) {
    assert_eq!(stable.tls_client_certificate, required());
    assert_eq!(stable.tls_trusted, Item::observed(true));
    for access in [
        &stable.anonymous_access,
        &stable.malformed_access,
        &stable.wrong_scheme_access,
        &stable.random_access,
    ] {
        assert_eq!(*access, denied());
    }
}

#[tokio::test]
async fn an_alert_for_want_of_a_certificate_is_a_refusal_in_both_versions() {
    let plant = Plant::new();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let peer = Peer::secured(plant.needing(version), says(ACCEPTED)).await;
        let stable = plant.seen(&peer, &[]).await;
        assert_all_denied(&stable);
        assert_eq!(stable.anonymous_status.status(), "refused");
        assert_eq!(stable.credential_access.status(), "not_attempted");
        assert_eq!(peer.heard(), "");
    }
}

#[tokio::test]
async fn the_declared_certificate_is_shown_where_it_is_asked_for() {
    let plant = Plant::new();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let peer = Peer::secured(plant.needing(version), says(ACCEPTED)).await;
        let stable = plant.seen(&peer, &[Certificate]).await;
        assert_all_denied(&stable);
        assert_eq!(stable.credential_kind, Item::observed("clientCertificate".to_owned()));
        assert_eq!(stable.credential_access, accepted());
        assert_eq!(stable.credential_status, Item::observed(202));
        assert_eq!(peer.received().len(), 3, "the requests that carry it had a certificate");
        assert!(!peer.heard().contains("Authorization"));
    }
}

#[tokio::test]
async fn a_certificate_and_a_token_go_together() {
    let plant = Plant::new();
    let peer = Peer::gated(plant.asking(), says(NO_CERTIFICATE), says(ACCEPTED)).await;
    for kinds in [[Bearer, Certificate], [Certificate, Bearer]] {
        let stable = plant.seen(&peer, &kinds).await;
        assert_all_denied(&stable);
        assert_eq!(
            stable.credential_kind,
            Item::observed("bearer and clientCertificate".to_owned())
        );
        assert_eq!(stable.credential_access, accepted());
    }
    assert_eq!(peer.heard().matches(TOKEN).count(), 6);
}

#[tokio::test]
async fn a_certificate_that_the_edge_does_not_know_is_turned_away() {
    let plant = Plant::new();
    plant.write("device.pem", &pem(&Authority::new("Stranger").issue(&Leaf::device("gw-1"))));
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let peer = Peer::secured(plant.needing(version), says(ACCEPTED)).await;
        let stable = plant.seen(&peer, &[Certificate]).await;
        assert_eq!(stable.credential_access, denied(), "{version:?}");
    }
}

#[tokio::test]
async fn a_400_before_the_body_is_a_refusal_where_a_certificate_was_asked_for() {
    let plant = Plant::new();
    let peer = Peer::secured(plant.asking(), says(NO_CERTIFICATE)).await;
    let stable = plant.seen(&peer, &[]).await;
    assert_all_denied(&stable);
    assert_eq!(stable.anonymous_status, Item::observed(400));
    assert_eq!(stable.anonymous_body_sent, Item::observed(false));
    let again = plant.seen(&peer, &[]).await;
    assert_eq!(again, stable);
}

#[tokio::test]
async fn a_status_about_the_certificate_is_a_refusal_where_one_was_asked_for() {
    let plant = Plant::new();
    for status in [495, 496] {
        let answer = format!("HTTP/1.1 {status} SSL Certificate\r\n\r\n");
        let peer = Peer::secured(plant.asking(), says(&answer)).await;
        assert_all_denied(&plant.seen(&peer, &[]).await);
        let peer = Peer::secured(tls::server(&plant.edge), says(&answer)).await;
        assert_eq!(plant.seen(&peer, &[]).await.anonymous_access.status(), "error");
    }
}

#[tokio::test]
async fn a_400_stays_undecided_where_something_else_may_have_said_it() {
    let plant = Plant::new();
    let after_the_body = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 Bad Request\r\n\r\n";
    let taken = Peer::secured(plant.asking(), says(after_the_body)).await;
    let stable = plant.seen(&taken, &[]).await;
    assert_eq!(stable.anonymous_body_sent, Item::observed(true));
    assert_eq!(stable.anonymous_access.status(), "error");
    assert_eq!(stable.tls_client_certificate.status(), "error");

    let not_asked = Peer::secured(tls::server(&plant.edge), says(NO_CERTIFICATE)).await;
    let stable = plant.seen(&not_asked, &[]).await;
    assert_eq!(stable.anonymous_access.status(), "error");
    assert_eq!(stable.tls_client_certificate, Item::observed(ClientCertificate::NotRequested));

    // A certificate is asked for and not needed: the 400 is about the header.
    let header = Peer::secured(
        plant.asking(),
        Script::respond(|head| {
            let malformed = String::from_utf8_lossy(head).contains("Authorization: Bearer\r\n");
            let answer = if malformed { NO_CERTIFICATE } else { UNAUTHORIZED };
            answer.as_bytes().to_vec()
        }),
    )
    .await;
    let stable = plant.seen(&header, &[]).await;
    assert_eq!(stable.tls_client_certificate, Item::observed(ClientCertificate::Requested));
    assert_eq!(stable.anonymous_access, denied());
    assert_eq!(stable.malformed_status, Item::observed(400));
    assert_eq!(stable.malformed_access.status(), "error");
}

#[tokio::test]
async fn a_400_to_the_declared_certificate_stays_undecided() {
    let plant = Plant::new();
    let peer = Peer::secured(plant.asking(), says(NO_CERTIFICATE)).await;
    let stable = plant.seen(&peer, &[Certificate]).await;
    assert_all_denied(&stable);
    assert_eq!(stable.credential_status, Item::observed(400));
    assert_eq!(stable.credential_access.status(), "error");
}

#[tokio::test]
async fn a_certificate_is_not_shown_to_an_edge_that_is_not_trusted_or_does_not_ask() {
    let plant = Plant::new();
    let stranger = Authority::new("Stranger").issue(&Leaf::default());
    let asked = Clients::Asked(&plant.authority);
    let untrusted = tls::server_with(&stranger, &[], asked, rustls::ALL_VERSIONS);
    let untrusted = Peer::gated(untrusted, says(UNAUTHORIZED), says(ACCEPTED)).await;
    let stable = plant.seen(&untrusted, &[Certificate]).await;
    assert_eq!(stable.anonymous_access, denied());
    assert_eq!(stable.tls_client_certificate, Item::observed(ClientCertificate::Requested));
    assert_eq!(stable.credential_access.status(), "not_attempted");

    let unpinned = Peer::gated(plant.asking(), says(UNAUTHORIZED), says(ACCEPTED)).await;
    let mut asked = plant.asked(&unpinned, &[Certificate]);
    asked.trust().pinned_keys = vec![model::Digest::of_bytes(b"another key").to_string()];
    let stable = asked.seen().await.stable;
    assert_eq!(stable.anonymous_access, denied());
    assert_eq!(stable.credential_access.status(), "not_attempted");

    let silent = Peer::secured(tls::server(&plant.edge), says(ACCEPTED)).await;
    let stable = plant.seen(&silent, &[Certificate]).await;
    let reason = "the endpoint does not ask for a certificate, so the declared one was not shown";
    assert_eq!(stable.credential_access, Item::not_attempted(reason));
    let stable = plant.seen(&silent, &[Certificate, Bearer]).await;
    assert_eq!(stable.credential_kind, Item::observed("bearer".to_owned()));
    assert_eq!(stable.credential_access, accepted());
}

#[tokio::test]
async fn a_file_that_is_no_certificate_with_its_key_is_not_shown_and_not_told() {
    let plant = Plant::new();
    let peer = Peer::gated(plant.asking(), says(UNAUTHORIZED), says(ACCEPTED)).await;
    let device = plant.authority.issue(&Leaf::device("gw-1"));
    let other = plant.authority.issue(&Leaf::device("gw-2"));
    for (content, why) in [
        (device.key_pem.clone(), "holds no certificate in PEM"),
        (device.cert_pem.clone(), "holds no private key in PEM without a password"),
        (device.cert_pem + &other.key_pem, "holds a key that does not fit its first certificate"),
        (TOKEN.to_owned(), "holds no certificate in PEM"),
    ] {
        plant.write("device.pem", &content);
        let evidence = plant.asked(&peer, &[Certificate]).evidence().await;
        let json = serde_json::to_string(&evidence).expect("JSON");
        assert!(!json.contains(TOKEN) && !json.contains("PRIVATE KEY"));
        let access = typed(evidence).stable.credential_access;
        let reason = access.reason().unwrap_or_default();
        assert_eq!(reason, format!("the credential `ingest` {why}"));
    }
}
