//! A certificate factory: authorities, servers and devices, sound or wrong in one named way.

use std::io::{self, Write};
use std::net::IpAddr;

use jiff::{Timestamp, ToSpan as _};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    KeyIdMethod, KeyPair, KeyUsagePurpose, NameConstraints, RevokedCertParams, SanType,
    SerialNumber,
};

/// Certificates that no sound library makes any more, made by the `openssl` command: self-signed,
/// no authorities, valid for ten years from November 2026.
pub mod weak {
    /// RSA with 1024 bits, signed with SHA-1; `DNS:old-meter`.
    pub const RSA_1024_SHA1: &str = include_str!("../fixtures/certificates/rsa1024_sha1.pem");
    /// RSA with 2048 bits, signed with MD5.
    pub const RSA_2048_MD5: &str = include_str!("../fixtures/certificates/rsa2048_md5.pem");
    /// A key on the 192-bit prime curve.
    pub const EC_192: &str = include_str!("../fixtures/certificates/ec192.pem");
    /// Not weak: RSA with 2048 bits, signed with RSASSA-PSS and SHA-256.
    pub const RSA_2048_PSS: &str = include_str!("../fixtures/certificates/rsa2048_pss.pem");
    /// Not weak: Ed25519.
    pub const ED25519: &str = include_str!("../fixtures/certificates/ed25519.pem");
}

/// OCSP responses about one leaf, made by the `openssl` command on 2026-11-28: [`ocsp::LEAF`] under
/// [`ocsp::AUTHORITY`], which signed all that name nobody else.
pub mod ocsp {
    /// The authority, PEM.
    pub const AUTHORITY: &str = include_str!("../fixtures/ocsp/ca.pem");
    /// The leaf, PEM; it promises a staple (RFC 7633).
    pub const LEAF: &str = include_str!("../fixtures/ocsp/leaf.pem");
    /// It is good.
    pub const GOOD: &[u8] = include_bytes!("../fixtures/ocsp/good.der");
    /// It is revoked.
    pub const REVOKED: &[u8] = include_bytes!("../fixtures/ocsp/revoked.der");
    /// The responder does not know it.
    pub const UNKNOWN: &[u8] = include_bytes!("../fixtures/ocsp/unknown.der");
    /// It is good, says a responder that the authority certified.
    pub const DELEGATED: &[u8] = include_bytes!("../fixtures/ocsp/delegated.der");
    /// It is good, says a client that the authority certified for something else.
    pub const NOT_FOR_OCSP: &[u8] = include_bytes!("../fixtures/ocsp/not_for_ocsp.der");
    /// It is good, says a responder of another authority of the same name.
    pub const STRANGER: &[u8] = include_bytes!("../fixtures/ocsp/stranger.der");
    /// Another certificate of the authority is good.
    pub const OTHER_CERTIFICATE: &[u8] = include_bytes!("../fixtures/ocsp/other_certificate.der");
}

/// Key usages of [`Leaf::key_usages`] and [`Limits::key_usages`].
pub use rcgen::KeyUsagePurpose as KeyUsage;

/// Extended key usages of [`Leaf::usages`].
pub mod usage {
    use rcgen::ExtendedKeyUsagePurpose;

    /// A server of TLS.
    pub const SERVER: ExtendedKeyUsagePurpose = ExtendedKeyUsagePurpose::ServerAuth;
    /// A client of TLS.
    pub const CLIENT: ExtendedKeyUsagePurpose = ExtendedKeyUsagePurpose::ClientAuth;
    /// Everything.
    pub const ANY: ExtendedKeyUsagePurpose = ExtendedKeyUsagePurpose::Any;
    /// Signatures over programs.
    pub const CODE: ExtendedKeyUsagePurpose = ExtendedKeyUsagePurpose::CodeSigning;
}

/// A certificate authority with its key.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its chain and key.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate, PEM.
    pub cert_pem: String,
    /// The certificate, DER.
    pub cert_der: Vec<u8>,
    /// The private key, PKCS#8 PEM.
    pub key_pem: String,
}

/// What a leaf certificate says. `Default` is a sound server certificate for `localhost`.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// Common name of the subject.
    pub common_name: String,
    /// DNS names of the subject alternative name.
    pub dns: Vec<String>,
    /// IP addresses of the subject alternative name.
    pub ip: Vec<IpAddr>,
    /// Start of validity.
    pub not_before: Timestamp,
    /// End of validity.
    pub not_after: Timestamp,
    /// Extended key usages.
    pub usages: Vec<ExtendedKeyUsagePurpose>,
    /// Serial number; random where it is absent.
    pub serial: Option<Vec<u8>>,
    /// Key usages.
    pub key_usages: Vec<KeyUsagePurpose>,
    /// CA:TRUE, though it is meant for a server or a device.
    pub is_ca: bool,
    /// `not_after` is left aside for 9999-12-31T23:59:59Z: no end (RFC 5280 section 4.1.2.5).
    pub endless: bool,
    /// serialNumber attribute of the subject, as device identities of IEEE 802.1AR carry it.
    pub device_serial: Option<String>,
    /// Further extensions.
    pub extensions: Vec<Extension>,
}

/// An extension that the factory knows nothing of.
#[derive(Debug, Clone)]
pub struct Extension {
    /// Its object identifier.
    pub oid: Vec<u64>,
    /// Whether whoever does not know it must refuse the certificate.
    pub critical: bool,
    /// Its value in DER.
    pub value: Vec<u8>,
}

/// What an authority may do. `Default` sets no limit.
#[derive(Debug, Clone)]
pub struct Limits {
    /// False for a certificate that issues others and is marked CA:FALSE.
    pub is_ca: bool,
    /// Authorities that may follow below it.
    pub path_length: Option<u8>,
    /// Domains that its certificates must lie in.
    pub permitted: Vec<String>,
    /// Domains that its certificates must not lie in.
    pub excluded: Vec<String>,
    /// Key usages.
    pub key_usages: Vec<KeyUsagePurpose>,
    /// Extended key usages.
    pub usages: Vec<ExtendedKeyUsagePurpose>,
    /// Start of validity, in hours from now.
    pub from_hours: i64,
    /// End of validity, in hours from now.
    pub to_hours: i64,
    /// Further extensions.
    pub extensions: Vec<Extension>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            is_ca: true,
            path_length: None,
            permitted: Vec::new(),
            excluded: Vec::new(),
            key_usages: vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign],
            usages: Vec::new(),
            from_hours: -24,
            to_hours: 24 * 3_652,
            extensions: Vec::new(),
        }
    }
}

impl Default for Leaf {
    fn default() -> Self {
        let now = Timestamp::now();
        Self {
            common_name: "localhost".to_owned(),
            dns: vec!["localhost".to_owned()],
            ip: vec![IpAddr::from([127, 0, 0, 1])],
            not_before: now - 24.hours(),
            not_after: now + (24 * 71 + 12).hours(),
            usages: vec![ExtendedKeyUsagePurpose::ServerAuth],
            serial: None,
            key_usages: vec![KeyUsagePurpose::DigitalSignature],
            is_ca: false,
            endless: false,
            device_serial: None,
            extensions: Vec::new(),
        }
    }
}

impl Leaf {
    /// A sound server certificate for that DNS name and nothing else.
    pub fn server(name: &str) -> Self {
        Self {
            common_name: name.to_owned(),
            dns: vec![name.to_owned()],
            ip: Vec::new(),
            ..Self::default()
        }
    }

    /// A sound device certificate for the device of that name.
    pub fn device(name: &str) -> Self {
        Self {
            common_name: name.to_owned(),
            dns: vec![name.to_owned()],
            ip: Vec::new(),
            usages: vec![ExtendedKeyUsagePurpose::ClientAuth],
            ..Self::default()
        }
    }
}

impl Authority {
    /// A self-signed root of that name, valid for ten years.
    pub fn new(name: &str) -> Self {
        Self::limited(name, &Limits::default())
    }

    /// A self-signed root with limits.
    pub fn limited(name: &str, limits: &Limits) -> Self {
        let params = authority_params(name, limits);
        let key = KeyPair::generate().unwrap();
        Self { issuer: CertifiedIssuer::self_signed(params, key).unwrap() }
    }

    /// An intermediate authority under this one.
    pub fn intermediate(&self, name: &str) -> Self {
        self.limited_intermediate(name, &Limits::default())
    }

    /// An intermediate authority with limits under this one.
    pub fn limited_intermediate(&self, name: &str, limits: &Limits) -> Self {
        let params = authority_params(name, limits);
        let key = KeyPair::generate().unwrap();
        Self { issuer: CertifiedIssuer::signed_by(params, key, &self.issuer).unwrap() }
    }

    /// The authority's certificate, PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// The authority's certificate, DER.
    pub fn der(&self) -> Vec<u8> {
        self.issuer.der().to_vec()
    }

    /// A revocation list of this authority, PEM: serial numbers, and when the next one is due.
    pub fn crl(&self, serials: &[&[u8]], next_update: Timestamp) -> String {
        let begin = date(next_update - 240.hours());
        let revoked = |serial: &&[u8]| RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial),
            revocation_time: begin,
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: begin,
            next_update: date(next_update),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().pem().unwrap()
    }

    /// Writes sound certificates for so many devices as one PEM file, each with its own key; the
    /// n-th is for `device-00000n` and ends n hours later than the first, modulo a year.
    ///
    /// # Errors
    /// Whatever writing gives.
    pub fn write_fleet(&self, devices: u32, out: &mut impl Write) -> io::Result<()> {
        let first = Leaf::default().not_after;
        for number in 0..devices {
            let hours = i64::from(number % (365 * 24));
            let leaf = Leaf { not_after: first + hours.hours(), ..Leaf::device(&device(number)) };
            out.write_all(self.issue(&leaf).cert_pem.as_bytes())?;
        }
        Ok(())
    }

    /// A certificate with a new P-256 key.
    pub fn issue(&self, leaf: &Leaf) -> Identity {
        self.issue_for(leaf, &KeyPair::generate().unwrap())
    }

    /// A certificate for a key that already exists.
    pub fn issue_for(&self, leaf: &Leaf, key: &KeyPair) -> Identity {
        let certificate = leaf_params(leaf).signed_by(key, &self.issuer).unwrap();
        Identity {
            cert_pem: certificate.pem(),
            cert_der: certificate.der().to_vec(),
            key_pem: key.serialize_pem(),
        }
    }
}

/// The id of the n-th device of a fleet.
pub fn device(number: u32) -> String {
    format!("device-{number:06}")
}

/// A new P-256 key, for certificates that share it.
pub fn key() -> KeyPair {
    KeyPair::generate().unwrap()
}

/// A certificate that vouches for itself.
pub fn self_signed(leaf: &Leaf) -> Identity {
    let key = KeyPair::generate().unwrap();
    let certificate = leaf_params(leaf).self_signed(&key).unwrap();
    Identity {
        cert_pem: certificate.pem(),
        cert_der: certificate.der().to_vec(),
        key_pem: key.serialize_pem(),
    }
}

fn authority_params(name: &str, limits: &Limits) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(name);
    params.is_ca = match (limits.is_ca, limits.path_length) {
        (false, _) => IsCa::ExplicitNoCa,
        (true, None) => IsCa::Ca(BasicConstraints::Unconstrained),
        (true, Some(length)) => IsCa::Ca(BasicConstraints::Constrained(length)),
    };
    let domains = |names: &[String]| names.iter().cloned().map(GeneralSubtree::DnsName).collect();
    if !limits.permitted.is_empty() || !limits.excluded.is_empty() {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: domains(&limits.permitted),
            excluded_subtrees: domains(&limits.excluded),
        });
    }
    params.key_usages = limits.key_usages.clone();
    params.extended_key_usages = limits.usages.clone();
    params.custom_extensions = custom(&limits.extensions);
    let now = Timestamp::now();
    params.not_before = date(now + limits.from_hours.hours());
    params.not_after = date(now + limits.to_hours.hours());
    params
}

fn custom(extensions: &[Extension]) -> Vec<CustomExtension> {
    let custom = |extension: &Extension| {
        let mut custom = CustomExtension::from_oid_content(&extension.oid, extension.value.clone());
        custom.set_criticality(extension.critical);
        custom
    };
    extensions.iter().map(custom).collect()
}

fn leaf_params(leaf: &Leaf) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(&leaf.common_name);
    params.subject_alt_names = leaf
        .dns
        .iter()
        .map(|name| SanType::DnsName(name.as_str().try_into().unwrap()))
        .chain(leaf.ip.iter().map(|address| SanType::IpAddress(*address)))
        .collect();
    if let Some(serial) = &leaf.device_serial {
        let oid = DnType::CustomDnType(vec![2, 5, 4, 5]);
        params.distinguished_name.push(oid, serial.as_str());
    }
    if leaf.is_ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    params.key_usages = leaf.key_usages.clone();
    params.extended_key_usages = leaf.usages.clone();
    params.custom_extensions = custom(&leaf.extensions);
    params.use_authority_key_identifier_extension = true;
    params.serial_number = leaf.serial.as_deref().map(SerialNumber::from_slice);
    params.not_before = date(leaf.not_before);
    params.not_after = if leaf.endless {
        // Later than any `Timestamp`.
        time::OffsetDateTime::from_unix_timestamp(253_402_300_799).unwrap()
    } else {
        date(leaf.not_after)
    };
    params
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn date(at: Timestamp) -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp(at.as_second()).unwrap()
}
