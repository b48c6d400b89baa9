//! OpenSSL as a peer: `openssl s_server` with flags that no careful server has, and `openssl ciphers`
//! as the word of somebody else on which suites there are.

use std::fs;
use std::io;
use std::process::Command;

use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use tempfile::TempDir;

use crate::pki::{Authority, Identity, KeyUsage, Leaf};
use crate::process::{Running, free_port};

/// A running `openssl s_server`, which answers HTTP inside; it ends with this value.
#[derive(Debug)]
pub struct Server {
    port: u16,
    _process: Running,
    _folder: TempDir,
}

impl Server {
    /// Starts a server with a certificate and further flags, and waits until it listens.
    pub fn start(identity: &Identity, flags: &[&str]) -> io::Result<Self> {
        let folder = TempDir::new()?;
        let certificate = folder.path().join("server.pem");
        fs::write(&certificate, format!("{}{}", identity.cert_pem, identity.key_pem))?;
        let port = free_port();
        let mut command = Command::new("openssl");
        command
            .args(["s_server", "-www", "-quiet", "-accept", &format!("127.0.0.1:{port}"), "-cert"])
            .arg(&certificate)
            .args(flags)
            .current_dir(folder.path());
        let mut process = Running::start("openssl s_server", &mut command)?;
        process.wait_for_port(port)?;
        Ok(Self { port, _process: process, _folder: folder })
    }

    /// The port it listens on.
    pub const fn port(&self) -> u16 {
        self.port
    }
}

/// A cipher suite as OpenSSL lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cipher {
    /// Code point.
    pub code: u16,
    /// IANA name.
    pub standard_name: String,
    /// OpenSSL's own name, for `-cipher`.
    pub name: String,
    /// Key exchange, such as `RSA`, `DH`, `ECDH`, `ECDHEPSK`.
    pub exchange: String,
    /// Authentication, such as `RSA`, `ECDSA`, `PSK`, `None`.
    pub authentication: String,
    /// Encryption, such as `AESGCM(128)`, `3DES(168)`, `None`.
    pub encryption: String,
    /// Message authentication, such as `SHA1`, `AEAD`.
    pub mac: String,
}

/// The suites up to TLS 1.2 that this build of OpenSSL has, weak ones included.
pub fn ciphers() -> io::Result<Vec<Cipher>> {
    let output = Command::new("openssl")
        .args(["ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"])
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let ciphers: Vec<Cipher> = text.lines().filter_map(cipher).collect();
    if ciphers.is_empty() {
        return Err(io::Error::other("`openssl ciphers` lists no suite"));
    }
    Ok(ciphers)
}

/// The suites that a server takes in one version up to TLS 1.2 (`-tls1_2`, `-tls1_1`, `-tls1`) with a
/// list for `-cipher`, whatever its certificate, and without PSK; none where no suite is left.
pub fn accepted(version: &str, list: &str) -> io::Result<Vec<Cipher>> {
    let output = Command::new("openssl")
        .args(["ciphers", "-s", "-V", "-stdname", version, list])
        .output()?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(cipher).collect())
}

/// `0xC0,0x2B - STANDARD_NAME - NAME TLSv1.2 Kx=ECDH Au=ECDSA Enc=AESGCM(128) Mac=AEAD`
fn cipher(line: &str) -> Option<Cipher> {
    let mut words = line.split_whitespace().filter(|word| *word != "-");
    let (high, low) = words.next()?.split_once(',')?;
    let byte = |text: &str| u8::from_str_radix(text.trim_start_matches("0x"), 16).ok();
    let code = u16::from_be_bytes([byte(high)?, byte(low)?]);
    let (standard_name, name, version) = (words.next()?, words.next()?, words.next()?);
    let mut field = |key: &str| words.next()?.strip_prefix(key).map(str::to_owned);
    (version != "TLSv1.3").then_some(())?;
    Some(Cipher {
        code,
        standard_name: standard_name.to_owned(),
        name: name.to_owned(),
        exchange: field("Kx=")?,
        authentication: field("Au=")?,
        encryption: field("Enc=")?,
        mac: field("Mac=")?,
    })
}

/// A server certificate with an RSA key of 2048 bits, as old suites need it.
///
/// Its key may also decrypt, as RSA key exchange needs: GnuTLS holds its own certificate to that.
pub fn rsa_identity(authority: &Authority) -> Identity {
    let key_usages = vec![KeyUsage::DigitalSignature, KeyUsage::KeyEncipherment];
    let leaf = Leaf { key_usages, ..Leaf::default() };
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    authority.issue_for(&leaf, &key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_listing_is_read_whole() {
        let line = " 0x00,0x0A - TLS_RSA_WITH_3DES_EDE_CBC_SHA - DES-CBC3-SHA  SSLv3 Kx=RSA \
                    Au=RSA  Enc=3DES(168) Mac=SHA1";
        let cipher = cipher(line).expect("a suite");
        assert_eq!((cipher.code, cipher.name.as_str()), (0x000a, "DES-CBC3-SHA"));
        assert_eq!((cipher.exchange.as_str(), cipher.encryption.as_str()), ("RSA", "3DES(168)"));
    }
}
