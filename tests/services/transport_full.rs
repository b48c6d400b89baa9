//! Full mode against servers whose flags say what they accept: the sets must be equal, and the
//! connections few.

use std::fs;

use model::document::Protocol;
use serde_json::json;
use tempfile::TempDir;
use testkit::evidence::{expect, status, value};
use testkit::openssl::{self, Cipher};
use testkit::peer::{Peer, Script};

use super::posture::{Pairs, connections, ec_identity, enumerate, pairs, rsa_identity, s_server};

/// What a server presents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keys {
    Rsa,
    Ec,
    Both,
}

impl Keys {
    const ALL: [Self; 3] = [Self::Rsa, Self::Ec, Self::Both];

    fn authenticate(self, cipher: &Cipher) -> bool {
        match cipher.authentication.as_str() {
            "None" => true,
            "RSA" => self != Self::Ec,
            "ECDSA" => self != Self::Rsa,
            _ => false,
        }
    }
}

/// Flags that choose versions, and the versions.
const VERSIONS: [(&[&str], &[&str]); 7] = [
    (&["-tls1_2"], &["TLSv1.2"]),
    (&[], &["TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"]),
    (&["-tls1_3"], &["TLSv1.3"]),
    (&["-no_tls1_1", "-no_tls1_3"], &["TLSv1.0", "TLSv1.2"]),
    (&["-no_tls1", "-no_tls1_1"], &["TLSv1.2", "TLSv1.3"]),
    (&["-tls1"], &["TLSv1.0"]),
    (&["-no_tls1_2"], &["TLSv1.0", "TLSv1.1", "TLSv1.3"]),
];

const LISTS: [&str; 5] = [
    "ECDHE+AESGCM:@SECLEVEL=0",
    "DEFAULT:@SECLEVEL=0",
    "ALL:COMPLEMENTOFALL:@SECLEVEL=0",
    "ECDHE+SHA1:kRSA:@SECLEVEL=0",
    "DHE:AES128-SHA:ECDHE+CHACHA20:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0",
];

/// For `-groups`, with what TLS 1.2 and TLS 1.3 make of it. TLS 1.3 has no Brainpool curves as
/// OpenSSL 3.0 has them, and TLS 1.2 no finite fields that anybody asks for.
const GROUPS: [(&str, &[&str], &[&str]); 4] = [
    ("P-256:X25519", &["secp256r1", "x25519"], &["secp256r1", "x25519"]),
    (
        "X25519:P-256:X448:P-521:P-384:ffdhe2048:ffdhe3072:ffdhe4096:ffdhe6144:ffdhe8192",
        &["x25519", "secp256r1", "x448", "secp521r1", "secp384r1"],
        &[
            "x25519",
            "secp256r1",
            "x448",
            "secp521r1",
            "secp384r1",
            "ffdhe2048",
            "ffdhe3072",
            "ffdhe4096",
            "ffdhe6144",
            "ffdhe8192",
        ],
    ),
    (
        "P-384:brainpoolP256r1:secp256k1:X448",
        &["secp384r1", "brainpoolP256r1", "secp256k1", "x448"],
        &["secp384r1", "x448"],
    ),
    ("P-521:sect283k1:P-224", &["secp521r1", "sect283k1", "secp224r1"], &["secp521r1"]),
];

const SUITES_13: [&str; 3] = [
    "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256",
    "TLS_AES_128_CCM_8_SHA256:TLS_AES_128_CCM_SHA256:TLS_AES_128_GCM_SHA256",
    "TLS_CHACHA20_POLY1305_SHA256",
];

/// One server and what its flags say.
struct Configuration {
    keys: Keys,
    flags: Vec<String>,
    suites: Pairs,
    groups: Pairs,
}

fn configuration(turn: usize) -> Configuration {
    let (flags, versions) = VERSIONS[turn % VERSIONS.len()];
    let list = LISTS[turn % LISTS.len()];
    let (groups, clear, encrypted) = GROUPS[turn % GROUPS.len()];
    let suites_13 = SUITES_13[turn / 2 % SUITES_13.len()];
    let keys = Keys::ALL[turn % Keys::ALL.len()];
    let mut all: Vec<&str> = flags.to_vec();
    all.extend(["-cipher", list, "-groups", groups, "-ciphersuites", suites_13]);
    if turn % 4 == 1 {
        all.push("-serverpref");
    }
    let mut suites = Pairs::new();
    let mut expected = Pairs::new();
    for version in versions {
        let flag = match *version {
            "TLSv1.0" => "-tls1",
            "TLSv1.1" => "-tls1_1",
            "TLSv1.2" => "-tls1_2",
            _ => {
                suites.extend(suites_13.split(':').map(|s| ((*version).to_owned(), s.to_owned())));
                let groups = encrypted.iter().map(|g| ((*version).to_owned(), (*g).to_owned()));
                expected.extend(groups);
                continue;
            }
        };
        let accepted = openssl::accepted(flag, list).expect("openssl ciphers");
        let accepted: Vec<_> = accepted.iter().filter(|c| keys.authenticate(c)).collect();
        if accepted.iter().any(|cipher| cipher.exchange == "ECDH") {
            expected.extend(clear.iter().map(|g| ((*version).to_owned(), (*g).to_owned())));
        }
        suites.extend(accepted.iter().map(|c| ((*version).to_owned(), c.standard_name.clone())));
    }
    let flags = all.into_iter().map(str::to_owned).collect();
    Configuration { keys, flags, suites, groups: expected }
}

#[tokio::test]
async fn what_is_enumerated_is_what_the_flags_of_the_server_say() {
    let (rsa, ec) = (rsa_identity(), ec_identity());
    let folder = TempDir::new().expect("a folder");
    let second = folder.path().join("second.pem");
    fs::write(&second, format!("{}{}", ec.cert_pem, ec.key_pem)).expect("written");
    let mut tried = 0;
    for turn in 0..30 {
        let Configuration { keys, mut flags, suites, groups } = configuration(turn);
        // With a hole in its versions, OpenSSL refuses everybody where the curve of its certificate
        // is none of its groups; its own client is told so, too.
        let curve_is_a_group = flags.iter().any(|flag| flag.contains("P-256"));
        let has_hole = flags.iter().any(|flag| flag == "-no_tls1_1");
        if suites.is_empty() || (keys == Keys::Ec && has_hole && !curve_is_a_group) {
            continue;
        }
        if keys == Keys::Both {
            let path = second.display().to_string();
            flags.extend(["-dcert".to_owned(), path.clone(), "-dkey".to_owned(), path]);
        }
        let identity = if keys == Keys::Ec { &ec } else { &rsa };
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let server = s_server(identity, &flags);
        let seen = enumerate(Protocol::Tls, server.port()).await;
        let about = format!("turn {turn}, {keys:?}, {flags:?}");
        // With a hole in its versions and no suite of an old one, OpenSSL refuses its own client, too.
        if status(&seen, "/tls/full/suites") == "refused" {
            assert!(has_hole || flags.contains(&"-no_tls1_2"), "{about}");
            let address = format!("127.0.0.1:{}", server.port());
            let client = std::process::Command::new("openssl")
                .args(["s_client", "-connect", &address])
                .stdin(std::process::Stdio::null())
                .output()
                .expect("openssl s_client");
            let said = String::from_utf8_lossy(&client.stdout).into_owned();
            assert!(said.contains("Cipher is (NONE)"), "{about}: {said}");
            continue;
        }
        assert_eq!(pairs(&seen, "/tls/full/suites", "suite"), suites, "{about}");
        // What hides behind the curve of the certificate is nobody's to know.
        let hidden = pairs(&seen, "/tls/full/hidden_groups", "group");
        assert!(hidden.is_empty() || flags.contains(&"-serverpref"), "{about}: {hidden:?}");
        let shown: Pairs = groups.difference(&hidden).cloned().collect();
        assert_eq!(pairs(&seen, "/tls/full/groups", "group"), shown, "{about}");
        expect(
            &seen,
            &[("/tls/full/inconsistent", json!([])), ("/tls/sslv2/accepted", json!(false))],
        );
        let by = if flags.contains(&"-serverpref") { "server" } else { "client" };
        for (version, preference) in pairs(&seen, "/tls/full/preference", "by") {
            let single = suites.iter().filter(|(v, _)| *v == version).count() == 1;
            assert_eq!(preference, if single { "single" } else { by }, "{about}, {version}");
        }
        tried += 1;
    }
    assert!(tried >= 25, "only {tried} configurations were tried");
}

#[tokio::test]
async fn a_hardened_server_costs_at_most_24_connections() {
    let flags = ["-no_tls1", "-no_tls1_1", "-cipher", "ECDHE+AESGCM", "-groups", "X25519:P-256"];
    let server = s_server(&ec_identity(), &flags);
    let proxy = Peer::start(Script::Forward(server.port())).await;
    let seen = enumerate(Protocol::Tls, proxy.port()).await;
    assert_eq!(connections(&seen), u64::from(proxy.accepted()));
    assert!(connections(&seen) <= 24, "{} connections: {:#?}", connections(&seen), seen.volatile);
    expect(
        &seen,
        &[
            ("/tls/full/versions", json!(["TLSv1.2", "TLSv1.3"])),
            (
                "/tls/full/signatures",
                json!([
                    // TLS 1.2 ties no hash to a curve.
                    { "version": "TLSv1.2", "scheme": "ecdsa_sha224" },
                    { "version": "TLSv1.2", "scheme": "ecdsa_secp256r1_sha256" },
                    { "version": "TLSv1.2", "scheme": "ecdsa_secp384r1_sha384" },
                    { "version": "TLSv1.2", "scheme": "ecdsa_secp521r1_sha512" },
                    { "version": "TLSv1.3", "scheme": "ecdsa_secp256r1_sha256" },
                ]),
            ),
            ("/tls/full/dh_bits", json!([])),
            ("/tls/features/without_name", json!("same_certificate")),
            ("/tls/features/resumption", json!("ticket")),
            ("/tls/features/psk_resumption", json!(true)),
            ("/tls/features/grease_tolerant", json!(true)),
            ("/tls/features/version_tolerant", json!(true)),
            ("/tls/features/ocsp_stapled", json!(false)),
            ("/tls/features/session_ticket", json!(true)),
        ],
    );
}

#[tokio::test]
async fn a_needless_fallback_is_tried_only_where_a_client_may_need_the_signal() {
    const FALLBACK: &str = "/tls/features/fallback_scsv";
    let old = ["-no_tls1_3", "-cipher", "ALL:@SECLEVEL=0"];
    let server = s_server(&rsa_identity(), &old);
    let seen = enumerate(Protocol::Tls, server.port()).await;
    assert_eq!(value(&seen, FALLBACK), json!(true));
    let server = s_server(&rsa_identity(), &[]);
    let seen = enumerate(Protocol::Tls, server.port()).await;
    assert_eq!(value(&seen, "/tls/clear/downgrade_sentinel"), json!(true));
    assert_eq!(status(&seen, FALLBACK), "not_attempted");
}

#[tokio::test]
async fn the_defaults_of_openssl_cost_at_most_48_connections() {
    let server = s_server(&rsa_identity(), &[]);
    let seen = enumerate(Protocol::Tls, server.port()).await;
    assert!(connections(&seen) <= 48, "{} connections: {:#?}", connections(&seen), seen.volatile);
}

#[tokio::test]
async fn everything_that_openssl_has_costs_at_most_190_connections() {
    let flags = ["-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"];
    let server = s_server(&rsa_identity(), &flags);
    let seen = enumerate(Protocol::Tls, server.port()).await;
    let count = value(&seen, "/tls/full/suites").as_array().expect("a list").len();
    assert!(connections(&seen) <= 190, "{} connections", connections(&seen));
    assert!(count > 100, "{count} suites");
    assert_eq!(value(&seen, "/tls/full/inconsistent"), json!([]));
}

#[tokio::test]
async fn a_second_enumeration_has_the_same_digest() {
    let server = s_server(&rsa_identity(), &[]);
    let (first, second) = (
        enumerate(Protocol::Tls, server.port()).await,
        enumerate(Protocol::Tls, server.port()).await,
    );
    assert_eq!(first.stable, second.stable);
    assert_eq!(first.digest(), second.digest());
}

#[tokio::test]
async fn two_certificates_are_both_listed_by_digest() {
    let (rsa, ec) = (rsa_identity(), ec_identity());
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("second.pem");
    fs::write(&path, format!("{}{}", ec.cert_pem, ec.key_pem)).expect("written");
    let path = path.display().to_string();
    for version in ["-tls1_2", "-tls1_3"] {
        let flags = [version, "-dcert", &path, "-dkey", &path];
        let server = s_server(&rsa, &flags);
        let seen = enumerate(Protocol::Tls, server.port()).await;
        let listed = value(&seen, "/tls/full/certificates");
        let leaves = listed.as_array().expect("a list").iter();
        let keys: Vec<&str> = leaves.map(|leaf| leaf["key"].as_str().expect("text")).collect();
        assert_eq!(keys.len(), 2, "{version}: {listed}");
        assert!(keys.contains(&"rsa2048") && keys.contains(&"ec256"), "{version}: {listed}");
    }
}

#[tokio::test]
async fn a_fleet_of_unlike_servers_is_inconsistent_and_lists_nothing() {
    let identity = rsa_identity();
    let [rich, poor] = ["ECDHE+AESGCM:AES128-SHA", "AES128-SHA"].map(|list| {
        let flags = ["-tls1_2", "-cipher", list];
        s_server(&identity, &flags)
    });
    // Whoever is asked first accepts more than everybody after.
    let mut turns = vec![Script::Forward(rich.port()); 3];
    turns.push(Script::Forward(poor.port()));
    let fleet = Peer::sequence(turns).await;
    let seen = enumerate(Protocol::Tls, fleet.port()).await;
    let listed = value(&seen, "/tls/full/inconsistent");
    assert!(!listed.as_array().expect("a list").is_empty(), "{:#?}", seen.volatile);
    assert_eq!(seen.item("/tls/full/suites").expect("an item").status(), "error");
}

#[tokio::test]
async fn a_fleet_that_differs_in_groups_alone_is_inconsistent_too() {
    let identity = rsa_identity();
    let [rich, poor] = ["X25519:P-256", "P-256"].map(|groups| {
        let flags = ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256", "-groups", groups];
        s_server(&identity, &flags)
    });
    let mut turns = vec![Script::Forward(rich.port()); 4];
    turns.push(Script::Forward(poor.port()));
    let fleet = Peer::sequence(turns).await;
    let seen = enumerate(Protocol::Tls, fleet.port()).await;
    let listed = value(&seen, "/tls/full/inconsistent");
    assert!(!listed.as_array().expect("a list").is_empty(), "{:#?}", seen.volatile);
    assert_eq!(seen.item("/tls/full/groups").expect("an item").status(), "error");
}

#[tokio::test]
async fn a_server_that_knows_its_names_shows_others_another_certificate_or_none() {
    let folder = TempDir::new().expect("a folder");
    let (named, other) = (rsa_identity(), rsa_identity());
    let path = folder.path().join("named.pem");
    fs::write(&path, format!("{}{}", named.cert_pem, named.key_pem)).expect("written");
    let path = path.display().to_string();
    for version in ["-tls1_2", "-tls1_3"] {
        let sni = ["-servername", "localhost", "-cert2", &path, "-key2", &path];
        for (fatal, unknown) in
            [(&[][..], json!("other_certificate")), (&["-servername_fatal"], json!("refused"))]
        {
            let flags = [&[version], &sni[..], fatal].concat();
            let server = s_server(&other, &flags);
            let seen = enumerate(Protocol::Tls, server.port()).await;
            expect(
                &seen,
                &[
                    ("/tls/features/without_name", json!("other_certificate")),
                    ("/tls/features/unknown_name", unknown),
                ],
            );
            // The list is of those that a client with the right name meets.
            let listed = value(&seen, "/tls/full/certificates");
            assert_eq!(listed.as_array().map(Vec::len), Some(1), "{version} {fatal:?}: {listed}");
        }
    }
}
