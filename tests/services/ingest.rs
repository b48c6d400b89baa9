//! An ingest edge that somebody else wrote: client certificates with OpenSSL's `s_server`, and
//! HTTP/2 with Node.

use std::collections::BTreeMap;
use std::path::Path;

use model::document::{Credential, CredentialKind, Endpoint, Protocol, Source, Trust};
use model::evidence::Evidence;
use model::request::{CheckRequest, Inputs, ProbePolicy};
use model::{CheckId, RunId, Subject, TargetKey};
use probes::Context;
use serde_json::json;
use testkit::evidence::value;
use testkit::openssl::Server;
use testkit::pki::{Authority, Identity, Leaf};

/// Asks an edge on loopback with the certificate in `device.pem`.
async fn ask(folder: &Path, port: u16) -> Evidence {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let certificate = Credential {
        name: "device".to_owned(),
        kind: CredentialKind::ClientCertificate,
        path: Some("device.pem".to_owned()),
        env: None,
        config_map_ref: None,
        secret_ref: None,
        url: None,
    };
    let request = CheckRequest {
        check: CheckId::IngestAuth,
        target: TargetKey("target".to_owned()),
        subject: Subject::endpoint("ingest"),
        inputs: Inputs::Endpoint {
            endpoint: Endpoint::new("ingest", Protocol::Https, "localhost", port),
            trust: Trust { ca_bundle: Some(Source::path("ca.pem")), ..Trust::default() },
            credentials: vec![certificate],
        },
        policy: ProbePolicy { connect_timeout_seconds: 2, ..ProbePolicy::default() },
        params: BTreeMap::new(),
    };
    let context = Context::new(RunId("run".to_owned()), folder.to_owned());
    probes::collect(&context, &request).await
}

fn write(folder: &Path, name: &str, identity: &Identity) {
    let pem = format!("{}{}", identity.cert_pem, identity.key_pem);
    std::fs::write(folder.join(name), pem).unwrap();
}

#[tokio::test]
async fn ingest_behind_openssl_refuses_who_has_no_certificate_and_knows_who_has_one() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("Plant CA");
    let anchors = folder.path().join("ca.pem");
    std::fs::write(&anchors, authority.pem()).unwrap();
    let edge = authority.issue(&Leaf::default());
    for version in ["-tls1_2", "-tls1_3"] {
        let flags =
            ["-Verify", "1", "-verify_return_error", "-CAfile", anchors.to_str().unwrap(), version];
        let server = Server::start(&edge, &flags).expect("openssl s_server");

        write(folder.path(), "device.pem", &authority.issue(&Leaf::device("gw-1")));
        let known = ask(folder.path(), server.port()).await;
        assert_eq!(value(&known, "/tls/trusted"), json!(true), "{version}");
        assert_eq!(value(&known, "/tls/client_certificate"), json!("required"), "{version}");
        assert_eq!(value(&known, "/anonymous/access"), json!("denied"), "{version}");
        assert_eq!(value(&known, "/random/access"), json!("denied"), "{version}");
        // It takes the certificate, and then has nothing to say to a POST.
        assert_eq!(value(&known, "/credential/kind"), json!("clientCertificate"), "{version}");
        let access = known.item("/credential/access").unwrap();
        assert_eq!(access.status(), "timeout", "{version}: {access:?}");

        let stranger = Authority::new("Stranger").issue(&Leaf::device("gw-1"));
        write(folder.path(), "device.pem", &stranger);
        let unknown = ask(folder.path(), server.port()).await;
        assert_eq!(value(&unknown, "/credential/access"), json!("denied"), "{version}");
    }
}

/// An edge on Node that asks for a credential over HTTP/1.1 alone, and chooses HTTP/2.
const TWO_DOORS: &str = r"
const { readFileSync } = require('node:fs');
const pem = readFileSync('server.pem');
const server = require('node:http2').createSecureServer({ key: pem, cert: pem, allowHTTP1: true });
server.on('request', (request, response) => {
  const open = request.httpVersionMajor === 2 || request.headers.authorization === 'Bearer good';
  response.writeHead(open ? 202 : 401);
  response.end();
});
server.listen(Number(process.argv[1]), '127.0.0.1');
";

#[tokio::test]
async fn a_second_door_over_http_2_is_found_on_a_real_server() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("Plant CA");
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    write(folder.path(), "server.pem", &authority.issue(&Leaf::default()));
    write(folder.path(), "device.pem", &authority.issue(&Leaf::device("gw-1")));
    let port = testkit::process::free_port();
    let mut command = std::process::Command::new("node");
    command.args(["-e", TWO_DOORS, &port.to_string()]).current_dir(folder.path());
    let mut server = testkit::process::Running::start("node", &mut command).expect("node");
    server.wait_for_port(port).unwrap();

    let seen = ask(folder.path(), port).await;
    assert_eq!(value(&seen, "/tls/trusted"), json!(true));
    assert_eq!(value(&seen, "/anonymous/access"), json!("denied"));
    assert_eq!(value(&seen, "/http2/chosen"), json!(true));
    assert_eq!(value(&seen, "/http2/access"), json!("accepted"));
    assert_eq!(value(&seen, "/http2/response/status"), json!(202));
}
