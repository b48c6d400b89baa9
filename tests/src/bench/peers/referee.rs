//! Whether a server takes a suite, asked of `openssl s_client`: one handshake, nothing offered but
//! this suite and this version.

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
        let flag = match version {
            0x0301 => "-tls1",
            0x0302 => "-tls1_1",
            0x0303 => "-tls1_2",
            0x0304 => "-tls1_3",
            _ => return None,
        };
        let mut command = Command::new("openssl");
        command.env("OPENSSL_CONF", "/dev/null");
        command.args(["s_client", flag, "-connect", &format!("127.0.0.1:{port}")]);
        if version == 0x0304 {
            command.args(["-ciphersuites", &probes::tls::suites::name(suite)]);
        } else {
            let name = self.0.get(&suite)?;
            // The groups of every client are wide, so that none of them decides.
            let groups = "X25519:P-256:X448:P-521:P-384:brainpoolP256r1";
            command.args(["-cipher", &format!("{name}:@SECLEVEL=0"), "-groups", groups]);
        }
        let output = command.stdin(Stdio::null()).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Some(text.contains("New, ") && !text.contains("Cipher is (NONE)"))
    }
}
