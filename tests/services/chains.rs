//! Chains, sound and broken in one way each, judged by `openssl verify` and by the rules. Wherever
//! the two disagree, the case says who is right by which section.

use std::net::IpAddr;
use std::path::Path;
use std::process::Command;

use jiff::{Timestamp, ToSpan as _};
use serde_json::json;
use testkit::evidence::value;
use testkit::pki::{Authority, Extension, Identity, KeyUsage, Leaf, Limits, self_signed, usage};
use testkit::tls::{self, Clients};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::certificates::{Place, failing};

/// Rules that keep a strict client from trusting the endpoint. The others are hygiene: OpenSSL has no
/// opinion on them.
const TRUST: [&str; 10] = [
    "chain_incomplete",
    "chain_untrusted",
    "expired",
    "hostname_mismatch",
    "not_yet_valid",
    "path_constraint_violated",
    "revoked",
    "san_missing",
    "self_signed_leaf",
    "wrong_usage",
];

/// A chain and what is expected of it.
struct Case {
    name: &'static str,
    leaf: Identity,
    sent: Vec<Vec<u8>>,
    bundle: String,
    identity: &'static str,
    sound: bool,
    /// Why OpenSSL says otherwise; none where it agrees.
    disagrees: Option<&'static str>,
}

impl Case {
    fn new(name: &'static str, leaf: Identity, sent: &[&Authority], root: &Authority) -> Self {
        Self {
            name,
            leaf,
            sent: sent.iter().map(|authority| authority.der()).collect(),
            bundle: root.pem(),
            identity: "localhost",
            sound: true,
            disagrees: None,
        }
    }

    fn broken(self) -> Self {
        Self { sound: false, ..self }
    }

    fn openssl_disagrees(self, why: &'static str) -> Self {
        Self { disagrees: Some(why), ..self }
    }

    fn named(self, identity: &'static str) -> Self {
        Self { identity, ..self }
    }
}

fn local() -> Leaf {
    Leaf::server("localhost")
}

fn strange(critical: bool) -> Extension {
    Extension { oid: vec![1, 3, 9, 9, 9], critical, value: vec![5, 0] }
}

/// The identity with one octet of its signature changed.
fn forged(mut identity: Identity) -> Identity {
    if let Some(last) = identity.cert_der.last_mut() {
        *last ^= 1;
    }
    identity
}

/// What the leaf alone decides: it stands right below the root.
fn leaves(root: &Authority) -> Vec<Case> {
    let now = Timestamp::now();
    let direct = |name, leaf: Leaf| Case::new(name, root.issue(&leaf), &[], root);
    let names = |dns: &[&str]| dns.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let ip = |text: &str| vec![text.parse::<IpAddr>().unwrap()];
    let wild = |name, dns: &str| {
        direct(name, Leaf { dns: names(&[dns]), ..local() }).named("a.example.org")
    };
    let nameless = Leaf { dns: vec![], ..local() };
    vec![
        direct("sound", local()),
        direct("expired", Leaf { not_before: now - 480.hours(), not_after: now - 24.hours(), ..local() })
            .broken(),
        direct("not yet valid", Leaf { not_before: now + 24.hours(), ..local() }).broken(),
        direct("for clients", Leaf { usages: vec![usage::CLIENT], ..local() }).broken(),
        direct("for every use", Leaf { usages: vec![usage::ANY], ..local() }).openssl_disagrees(
            "RFC 5280 section 4.2.1.12: anyExtendedKeyUsage allows every use; OpenSSL wants serverAuth",
        ),
        direct("without a use", Leaf { usages: vec![], ..local() }),
        direct("whose key may not sign", Leaf { key_usages: vec![KeyUsage::KeyEncipherment], ..local() })
            .broken()
            .openssl_disagrees(
                "RFC 5280 section 4.2.1.3 and TLS 1.3: the server signs; OpenSSL also takes keys for RSA \
                 key transport, which TLS 1.3 has not",
            ),
        direct("without a key usage", Leaf { key_usages: vec![], ..local() }),
        direct("an authority", Leaf { is_ca: true, ..local() }).broken().openssl_disagrees(
            "RFC 5280 does not forbid it, and OpenSSL takes it; the rule says why a server should not \
             hold an authority's key",
        ),
        direct("an unknown critical extension", Leaf { extensions: vec![strange(true)], ..local() })
            .broken(),
        direct("an unknown extension", Leaf { extensions: vec![strange(false)], ..local() }),
        direct("another name", Leaf::server("broker.example")).broken(),
        direct("the name in other letters", Leaf::server("LocalHost")),
        wild("a wildcard for one label", "*.example.org"),
        wild("a wildcard for two labels", "*.org").broken(),
        wild("a wildcard further in", "a.*.org").broken(),
        wild("a wildcard for a part of a label", "a*.example.org").broken().openssl_disagrees(
            "RFC 9525 section 6.3: the wildcard is the whole left-most label; OpenSSL allows parts \
             unless X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS is set",
        ),
        wild("a wildcard of another domain", "*.example.com").broken(),
        direct("a common name only", nameless.clone()).broken().openssl_disagrees(
            "RFC 9525 section 1.3: the common name is not used; OpenSSL falls back to it",
        ),
        direct("an address", Leaf { ip: ip("192.0.2.7"), ..nameless.clone() }).named("192.0.2.7"),
        direct("an IPv6 address", Leaf { ip: ip("2001:db8::1"), ..nameless.clone() })
            .named("2001:db8:0::1"),
        direct("another address", Leaf { ip: ip("192.0.2.8"), ..nameless.clone() })
            .named("192.0.2.7")
            .broken(),
        direct("an address as a DNS name", Leaf { dns: names(&["192.0.2.7"]), ..local() })
            .named("192.0.2.7")
            .broken(),
        direct("a serial number of zero", Leaf { serial: Some(vec![0]), ..local() }),
        direct("a serial number of 21 octets", Leaf { serial: Some(vec![0x7f; 21]), ..local() }),
        direct("no end", Leaf { endless: true, ..local() }),
        Case::new("a forged signature", forged(root.issue(&local())), &[], root).broken(),
    ]
}

/// What the authorities above decide.
fn authorities(root: &Authority) -> Vec<Case> {
    let below = |name, change: &dyn Fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        let middle = root.limited_intermediate("Middle", &limits);
        Case::new(name, middle.issue(&local()), &[&middle], root)
    };
    let under = |name, change: &dyn Fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        let own = Authority::limited("Own root", &limits);
        Case::new(name, own.issue(&local()), &[], &own)
    };
    let names = |name: &str| vec![name.to_owned()];
    let anchor = "RFC 5280 section 6.1.1 (d): of an anchor only name and key are input; OpenSSL also \
                  validates its other fields";
    let middle = root.intermediate("Middle");
    let lower = middle.intermediate("Lower");
    let narrow = |length| Limits { path_length: Some(length), ..Limits::default() };
    let (none, one) = (
        root.limited_intermediate("None below", &narrow(0)),
        root.limited_intermediate("One below", &narrow(1)),
    );
    let (below_none, below_one) = (none.intermediate("Lower"), one.intermediate("Lower"));
    let short = Authority::limited("Short root", &narrow(0));
    let below_short = short.intermediate("Middle");
    let (twin, stranger) = (Authority::new("Root"), Authority::new("Stranger"));
    let own = self_signed(&local());
    let mut cases = vec![
        Case::new("an intermediate", middle.issue(&local()), &[&middle], root),
        Case::new("two intermediates", lower.issue(&local()), &[&lower, &middle], root),
        Case::new("two in the wrong order", lower.issue(&local()), &[&middle, &lower], root),
        Case::new("the root sent as well", middle.issue(&local()), &[&middle, root], root),
        Case::new("a stranger among them", middle.issue(&local()), &[&stranger, &middle], root),
        Case::new("a missing intermediate", middle.issue(&local()), &[], root).broken(),
        Case::new("one of two missing", lower.issue(&local()), &[&lower], root).broken(),
        Case::new("another root of the same name", twin.issue(&local()), &[], root).broken(),
        Case::new("another root", stranger.issue(&local()), &[&stranger], root).broken(),
        Case::new("it vouches for itself", own.clone(), &[], root).broken(),
        Case { bundle: own.cert_pem.clone(), ..Case::new("it is declared itself", own, &[], root) },
        Case::new("no authority may follow, and none does", none.issue(&local()), &[&none], root),
        Case::new(
            "no authority may follow, and one does",
            below_none.issue(&local()),
            &[&below_none, &none],
            root,
        )
        .broken(),
        Case::new(
            "one authority may follow, and does",
            below_one.issue(&local()),
            &[&below_one, &one],
            root,
        ),
        Case::new(
            "a root with a path length",
            below_short.issue(&local()),
            &[&below_short],
            &short,
        )
        .openssl_disagrees(anchor),
    ];
    cases.extend([
        below("names inside", &|limits| limits.permitted = names("localhost")),
        below("names outside", &|limits| limits.permitted = names("example")).broken(),
        below("names left out", &|limits| limits.excluded = names("localhost")).broken(),
        below("other names left out", &|limits| limits.excluded = names("example")),
        below("no authority", &|limits| limits.is_ca = false).broken(),
        below("may not certify", &|limits| limits.key_usages = vec![KeyUsage::CrlSign]).broken(),
        below("without a key usage", &|limits| limits.key_usages = vec![]),
        below("for clients", &|limits| limits.usages = vec![usage::CLIENT]).broken(),
        below("for servers", &|limits| limits.usages = vec![usage::SERVER]),
        below("for every use", &|limits| limits.usages = vec![usage::ANY]).openssl_disagrees(
            "RFC 5280 section 4.2.1.12: anyExtendedKeyUsage allows every use; OpenSSL wants serverAuth",
        ),
        below("an unknown critical extension", &|l| l.extensions = vec![strange(true)]).broken(),
        below("an unknown extension", &|limits| limits.extensions = vec![strange(false)]),
        below("expired", &|limits| (limits.from_hours, limits.to_hours) = (-480, -12)).broken(),
        below("not yet valid", &|limits| limits.from_hours = 12).broken(),
        under("a root with names inside", &|limits| limits.permitted = names("localhost")),
        under("a root with names outside", &|limits| limits.permitted = names("example")).broken(),
        under("an expired root", &|limits| (limits.from_hours, limits.to_hours) = (-480, -12))
            .openssl_disagrees(anchor),
        under("a root for clients", &|limits| limits.usages = vec![usage::CLIENT])
            .openssl_disagrees(anchor),
        under("a root that may not certify", &|l| l.key_usages = vec![KeyUsage::CrlSign])
            .openssl_disagrees(anchor),
    ]);
    cases
}

/// Whether OpenSSL trusts the chain, and its words.
fn openssl(case: &Case, folder: &Path) -> (bool, String) {
    let pem = |der: &Vec<u8>| {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
    };
    let put = |name: &str, text: String| std::fs::write(folder.join(name), text).unwrap();
    put("leaf.der.pem", wrapped(&pem(&case.leaf.cert_der)));
    put("sent.pem", case.sent.iter().map(|der| wrapped(&pem(der))).collect());
    let check =
        if case.identity.parse::<IpAddr>().is_ok() { "-verify_ip" } else { "-verify_hostname" };
    let mut command = Command::new("openssl");
    command.current_dir(folder);
    command.args(["verify", "-no-CApath", "-no-CAstore", "-CAfile", "ca.pem"]);
    command.args(["-purpose", "sslserver", check, case.identity]);
    if !case.sent.is_empty() {
        command.args(["-untrusted", "sent.pem"]);
    }
    let output = command.arg("leaf.der.pem").output().expect("openssl is installed");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.success(), text)
}

/// PEM with lines of 64 characters, as OpenSSL wants them.
fn wrapped(pem: &str) -> String {
    let wrap = |line: &str| {
        let pieces: Vec<_> = line.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        pieces.join("\n") + "\n"
    };
    pem.lines().map(wrap).collect()
}

/// An endpoint of this process that presents the chain.
async fn present(case: &Case) -> u16 {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let config = tls::server_with(&case.leaf, &case.sent, Clients::NotAsked, rustls::ALL_VERSIONS);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(config);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move { acceptor.accept(stream).await.map(drop) });
        }
    });
    port
}

#[tokio::test]
async fn the_rules_trust_what_openssl_trusts_and_every_disagreement_is_explained() {
    let root = Authority::new("Root");
    let cases: Vec<_> = leaves(&root).into_iter().chain(authorities(&root)).collect();
    assert!(cases.len() >= 40, "{} chains", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let place = Place::trusting(&case.bundle);
        let evidence = place.look_for(present(case).await, case.identity).await;
        let failing: Vec<_> =
            failing(&evidence).into_iter().filter(|rule| TRUST.contains(&rule.as_str())).collect();
        // What is undecided is not trusted.
        let trusted = failing.is_empty() && value(&evidence, "/path/outcome") == json!("trusted");
        let (openssl, words) = openssl(case, place.folder());
        if trusted != case.sound {
            wrong.push(format!("{}: trusted {trusted}, failing {failing:?}", case.name));
        }
        if (openssl != trusted) != case.disagrees.is_some() {
            wrong.push(format!("{}: OpenSSL says {openssl}: {words}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
