//! Revocation that is asked for online: of OpenSSL's responder, and of servers that answer otherwise.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jiff::{Timestamp, ToSpan as _};
use model::document::Allowance;
use model::evidence::{Evidence, Item};
use probes::x509::der::Reader;
use serde_json::{Value, json};
use testkit::openssl::Server;
use testkit::peer::{Peer, Script};
use testkit::process::free_port;

use super::certificates::{Place, failing};
use super::staple::Authority;

/// Nobody listens there.
const NOBODY: &str = "";

/// What the certificate names.
fn naming(responder: &str, list: &str) -> Authority {
    let mut extensions = String::new();
    if responder != NOBODY {
        extensions += &format!("authorityInfoAccess = OCSP;URI:{responder}\n");
    }
    if list != NOBODY {
        extensions += &format!("crlDistributionPoints = URI:{list}\n");
    }
    extensions += "[ca]\ndefault_ca = own\n[own]\ndatabase = index\ndefault_md = sha256\n";
    let authority = Authority::with(&extensions);
    authority.index(&good());
    authority
}

fn due() -> String {
    (Timestamp::now() + 1_000.hours()).strftime("%y%m%d%H%M%SZ").to_string()
}

fn good() -> String {
    format!("V\t{}\t\t4D01", due())
}

fn revoked() -> String {
    format!("R\t{}\t261101000000Z\t4D01", due())
}

/// OpenSSL's responder.
struct Responder(Child);

impl Responder {
    fn start(authority: &Authority, port: u16) -> Self {
        let mut child = Command::new("openssl")
            .args(["ocsp", "-index", "index", "-CA", "ca.pem", "-rsigner", "ca.pem"])
            .args(["-rkey", "ca.key", "-ndays", "7", "-port", &port.to_string()])
            .current_dir(authority.path(""))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl is installed");
        // A connection that says nothing would keep it from all others.
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("ACCEPT") {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "openssl ocsp does not listen");
        }
        // Whoever closes its output ends it.
        child.stdout = Some(said.into_inner());
        Self(child)
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A target that allows to ask, and names this machine.
fn place(authority: &Authority) -> Place {
    let mut place = Place::trusting(&authority.text("ca.pem"));
    place.policy.allow = vec![Allowance::OnlineRevocation];
    place.policy.connect_timeout_seconds = 1;
    place.trust.revocation_hosts = vec!["127.0.0.1".to_owned()];
    place
}

async fn look(place: &Place, authority: &Authority) -> Evidence {
    let server = Server::start(&authority.identity(), &[]).unwrap();
    place.look_for(server.port(), "localhost").await
}

fn outcome(evidence: &Evidence) -> Item<Value> {
    evidence.item("/revocation/online/outcome").unwrap().clone()
}

/// Why nothing was decided.
fn undecided(evidence: &Evidence) -> String {
    assert_eq!(failing(evidence), [""; 0]);
    let outcome = outcome(evidence);
    assert!(outcome.value().is_none(), "{outcome:?}");
    outcome.reason().unwrap().to_owned()
}

fn http(content: &[u8]) -> Script {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", content.len());
    Script::Reply([head.as_bytes(), content].concat())
}

fn at(peer: &Peer) -> String {
    format!("http://127.0.0.1:{}/x", peer.port())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_responder_says_good_revoked_or_that_it_does_not_know() {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}/ocsp");
    let authority = naming(&url, NOBODY);
    for (line, expected, fails) in [
        (good(), "good", vec![]),
        (revoked(), "revoked", vec!["revoked_online"]),
        (good().replace("4D01", "4D02"), "unknown", vec!["revoked_online"]),
    ] {
        authority.index(&line);
        let _responder = Responder::start(&authority, port);
        let evidence = look(&place(&authority), &authority).await;
        assert_eq!(outcome(&evidence), Item::observed(json!(expected)), "{line}");
        let source = evidence.item("/revocation/online/source").unwrap();
        assert_eq!(*source, Item::observed(json!(format!("OCSP {url}"))));
        assert_eq!(failing(&evidence), fails, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_asked_for_again_is_the_same_evidence() {
    let port = free_port();
    let authority = naming(&format!("http://127.0.0.1:{port}/"), NOBODY);
    let _responder = Responder::start(&authority, port);
    let server = Server::start(&authority.identity(), &[]).unwrap();
    let place = place(&authority);
    let first = place.look_for(server.port(), "localhost").await;
    let second = place.look_for(server.port(), "localhost").await;
    assert_eq!(outcome(&first), Item::observed(json!("good")));
    assert_eq!(first.digest(), second.digest());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_says_whether_the_certificate_is_on_it() {
    for (line, days, expected) in [
        (good(), "-crldays 7", Ok("good")),
        (revoked(), "-crldays 7", Ok("revoked")),
        (good(), "-crlsec 1", Err("the answer is out of date")),
    ] {
        let (send, list) = std::sync::mpsc::channel::<Vec<u8>>();
        let list = std::sync::Mutex::new(list);
        let peer = Peer::start(Script::respond(move |_| {
            let content = list.lock().unwrap().recv().unwrap();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", content.len());
            [head.as_bytes(), &content].concat()
        }))
        .await;
        // The responder is away, so the list is asked.
        let authority = naming(&format!("http://127.0.0.1:{}/", free_port()), &at(&peer));
        authority.index(&line);
        authority.openssl(&format!(
            "ca -gencrl -config profiles -keyfile ca.key -cert ca.pem {days} -out ca.crl"
        ));
        authority.openssl("crl -in ca.crl -outform DER -out ca.der");
        let content = std::fs::read(authority.path("ca.der")).unwrap();
        if days == "-crlsec 1" {
            // It is asked for once its second has passed.
            std::thread::sleep(Duration::from_millis(1_100));
        }
        send.send(content).unwrap();
        let evidence = look(&place(&authority), &authority).await;
        match expected {
            Ok(expected) => {
                assert_eq!(outcome(&evidence), Item::observed(json!(expected)), "{line}");
                let source = evidence.item("/revocation/online/source").unwrap();
                assert_eq!(*source, Item::observed(json!(format!("CRL {}", at(&peer)))));
            }
            Err(why) => {
                let told = undecided(&evidence);
                assert!(told.contains("the connection was refused; CRL "), "{told}");
                assert!(told.ends_with(why), "{told}");
            }
        }
        assert!(peer.heard().starts_with("GET /x HTTP/1.1\r\n"), "{}", peer.heard());
    }
}

/// A response about the certificate of `authority`, signed by `signer`.
fn response(authority: &Authority, signer: &str, days: &str) -> Vec<u8> {
    authority.openssl(&format!(
        "ocsp -index index -CA ca.pem -rsigner {signer}.pem -rkey {signer}.key -issuer ca.pem \
         -cert server.pem {days} -respout response.der"
    ));
    std::fs::read(authority.path("response.der")).unwrap()
}

/// A response that was due to be replaced last year, by a responder that the authority certified.
///
/// OpenSSL makes none, so the year of the last date in a good one is changed and the whole signed
/// again: signatures of RSA (PKCS #1 v1.5) are the same each time and of one length.
fn overdue(authority: &Authority) -> Vec<u8> {
    authority.put("responder.ext", "extendedKeyUsage = OCSPSigning\n");
    authority.openssl("genrsa -out responder.key 2048");
    authority.openssl("req -new -key responder.key -subj /CN=Responder -out responder.csr");
    authority.openssl(
        "x509 -req -in responder.csr -CA ca.pem -CAkey ca.key -set_serial 0x7 -days 60 \
         -extfile responder.ext -out responder.pem",
    );
    let good = response(authority, "responder", "-ndays 7");
    let inside = |octets: &[u8], tag| Reader::new(octets).expect(tag).unwrap().content.to_vec();
    let whole = inside(&good, 0x30);
    let mut fields = Reader::new(&whole);
    fields.expect(0x0a).unwrap();
    let body = inside(fields.expect(0xa0).unwrap().content, 0x30);
    let mut body = Reader::new(&body);
    body.expect(0x06).unwrap();
    let basic = inside(body.expect(0x04).unwrap().content, 0x30);
    let signed = Reader::new(&basic).expect(0x30).unwrap().whole.to_vec();
    let mut changed = signed.clone();
    let date = changed.windows(2).rposition(|tag| tag == [0x18, 0x0f]).unwrap();
    changed[date + 2..date + 6].copy_from_slice(b"2025");
    let [old, new] = [&signed, &changed].map(|octets| {
        std::fs::write(authority.path("signed"), octets).unwrap();
        authority.openssl("dgst -sha256 -sign responder.key -out signature signed");
        std::fs::read(authority.path("signature")).unwrap()
    });
    replaced(&replaced(&good, &signed, &changed), &old, &new)
}

fn replaced(octets: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let place = octets.windows(old.len()).position(|part| part == old).unwrap();
    [&octets[..place], new, &octets[place + old.len()..]].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_count_leaves_the_question_open() {
    let (send, answers) = std::sync::mpsc::channel::<Vec<u8>>();
    let answers = std::sync::Mutex::new(answers);
    let peer = Peer::start(Script::respond(move |_| answers.lock().unwrap().recv().unwrap())).await;
    let authority = naming(&at(&peer), NOBODY);
    authority.openssl("ecparam -name prime256v1 -genkey -noout -out mallory.key");
    authority.openssl(
        "req -x509 -new -key mallory.key -subj /CN=Plant -days 90 -config profiles \
         -extensions authority -out mallory.pem",
    );
    let whole = |content: &[u8]| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", content.len());
        [head.as_bytes(), content].concat()
    };
    let elsewhere = Peer::start(http(&response(&authority, "ca", "-ndays 7"))).await;
    let redirect = format!("HTTP/1.1 307 No\r\nLocation: {}\r\n\r\n", at(&elsewhere));
    for (answer, why) in [
        (whole(&overdue(&authority)), "the answer is out of date"),
        (
            whole(&response(&authority, "mallory", "-ndays 7")),
            "the response is signed by a responder whom the issuer did not certify",
        ),
        (whole(&[0x30; 70_000]), "bytes"),
        (whole(b"<html>Welcome to the airport"), "it is no OCSP response in DER"),
        (whole(&[0x30, 3, 0x0a, 1, 3]), "the responder answered tryLater"),
        (redirect.into_bytes(), "it answers 307, and no redirect is followed"),
        (b"HTTP/1.1 404 No\r\n\r\n".to_vec(), "it answers 404, expected 200"),
    ] {
        send.send(answer).unwrap();
        let told = undecided(&look(&place(&authority), &authority).await);
        assert!(told.starts_with("OCSP http://127.0.0.1:") && told.contains(why), "{told}");
    }
    assert_eq!(elsewhere.accepted(), 0);
    assert!(peer.heard().contains("POST /x HTTP/1.1\r\n"));
    assert!(peer.heard().contains("Content-Type: application/ocsp-request\r\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_responder_that_does_not_end_its_answer_is_given_up() {
    let slow = Script::Drip(b"HTTP/1.1 200 OK\r\n\r\n0".repeat(40), Duration::from_millis(300));
    let endless = Script::Endless(b"HTTP/1.1 200 OK\r\n\r\n0000".to_vec());
    for (script, why) in
        [(Script::Hang, "no answer within 2000 ms"), (slow, "no answer within"), (endless, "")]
    {
        let peer = Peer::start(script).await;
        let authority = naming(&at(&peer), NOBODY);
        let clock = std::time::Instant::now();
        let told = undecided(&look(&place(&authority), &authority).await);
        assert!(told.contains(why), "{told}");
        assert!(clock.elapsed() < Duration::from_secs(20));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_whom_the_target_does_not_allow_to_ask() {
    let peer = Peer::start(Script::Hang).await;
    let authority = naming(&at(&peer), &at(&peer));
    let allowed = || place(&authority);
    let mut not_allowed = allowed();
    not_allowed.policy.allow.clear();
    let mut others = allowed();
    others.trust.revocation_hosts = vec!["ca.example".to_owned(), "127.0.0.1:1".to_owned()];
    let mut unnamed = allowed();
    unnamed.trust.revocation_hosts.clear();
    let stranger = Authority::with("");
    for (place, why) in [
        (not_allowed, "does not name `onlineRevocation`"),
        (others, "`trust.revocationHosts` does not name this host"),
        (unnamed, "is asked only of a host that `trust.revocationHosts` names"),
    ] {
        let told = undecided(&look(&place, &authority).await);
        assert!(told.contains(why), "{told}");
    }
    let evidence = look(&place(&stranger), &authority).await;
    assert_eq!(outcome(&evidence).status(), "not_attempted");
    assert_eq!(peer.accepted(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_names_nobody_leaves_the_question_open() {
    let authority = naming(NOBODY, NOBODY);
    let told = undecided(&look(&place(&authority), &authority).await);
    assert_eq!(told, "the certificate names neither a responder nor a distribution point");
}
