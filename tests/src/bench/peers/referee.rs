//! Whether a server takes a suite or a group, asked of `openssl s_client`: one handshake in which
//! nothing else is offered.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

/// The names that OpenSSL gives to suites, by code point.
#[derive(Debug, Default)]
pub(super) struct Referee(BTreeMap<u16, String>);

impl Referee {
    /// Asks OpenSSL for its names.
    pub(super) fn new() -> anyhow::Result<Self> {
        let ciphers = testkit::openssl::ciphers()?;
        Ok(Self(ciphers.into_iter().map(|cipher| (cipher.code, cipher.name)).collect()))
    }

    /// Whether the handshake came about; none where this OpenSSL cannot offer the pair.
    pub(super) fn accepts(&self, port: u16, (version, suite): (u16, u16)) -> Option<bool> {
        let offer = if version == 0x0304 {
            ["-ciphersuites".to_owned(), probes::tls::suites::name(suite)]
        } else {
            ["-cipher".to_owned(), format!("{}:@SECLEVEL=0", self.0.get(&suite)?)]
        };
        // The groups of every client are wide, so that none of them decides.
        let groups = "X25519:P-256:X448:P-521:P-384:brainpoolP256r1".to_owned();
        let text =
            handshake(port, version, &[&offer[..], &["-groups".to_owned(), groups]].concat())?;
        is_done(&text)
    }

    /// Whether the handshake came about with the group; none where this OpenSSL cannot offer it.
    pub(super) fn agrees_on(&self, port: u16, (version, group): (u16, u16)) -> Option<bool> {
        let own = match group {
            0x0017 => "prime256v1".to_owned(),
            0x001d => "X25519".to_owned(),
            0x001e => "X448".to_owned(),
            other => probes::tls::names::group(other),
        };
        // A server with a key on P-256 needs that curve in the list, too (RFC 8422 section 5.1).
        let groups = if group == 0x0017 { own.clone() } else { format!("{own}:P-256") };
        let suites = "ECDHE:AECDH:@SECLEVEL=0".to_owned();
        let words = ["-groups".to_owned(), groups, "-cipher".to_owned(), suites];
        let text = handshake(port, version, &words)?;
        let key = text.lines().find_map(|line| line.trim().strip_prefix("Server Temp Key: "));
        let own = key.is_some_and(|key| group == 0x0017 || !key.contains("prime256v1"));
        is_done(&text).map(|done| done && own)
    }
}

/// What s_client prints of one handshake in one version.
fn handshake(port: u16, version: u16, words: &[String]) -> Option<String> {
    let flag = match version {
        0x0301 => "-tls1",
        0x0302 => "-tls1_1",
        0x0303 => "-tls1_2",
        0x0304 => "-tls1_3",
        _ => return None,
    };
    let mut command = Command::new("openssl");
    command.env("OPENSSL_CONF", "/dev/null");
    command.args(["s_client", flag, "-connect", &format!("127.0.0.1:{port}")]).args(words);
    let output = command.stdin(Stdio::null()).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether it came to a handshake; none where s_client did not take its flags, and so never connected.
fn is_done(text: &str) -> Option<bool> {
    text.contains("CONNECTED(")
        .then(|| text.contains("New, ") && !text.contains("Cipher is (NONE)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_never_connected_decides_nothing() {
        assert_eq!(is_done("Error with command: \"-groups X25519MLKEM768\"\n"), None);
        assert_eq!(is_done("CONNECTED(00000003)\nNew, (NONE), Cipher is (NONE)\n"), Some(false));
        assert_eq!(is_done("CONNECTED(00000003)\nNew, TLSv1.2, Cipher is X\n"), Some(true));
    }
}
