//! ClientHello messages for versions and suites that rustls does not have.
//!
//! Only the hello is ever sent: no key is agreed on and no certificate is trusted, so nothing here
//! needs cryptography.

use super::bytes::{prefixed, u16s};
use super::names::{HYBRID_GROUPS, SSL3, TLS10, TLS12, TLS13};

/// Most suites offered in one hello: some old servers fail on more than 128.
pub const MAX_SUITES: usize = 128;

/// Signals secure renegotiation where there are no extensions (RFC 5746 section 3.3).
const RENEGOTIATION_SCSV: u16 = 0x00ff;

/// Curves for TLS 1.2 and below. Servers also need their certificate's curve in this list, so the
/// small ones stand at its end. No finite-field group: with one in the list, a server would pick
/// its DHE prime from it instead of showing its own (RFC 7919 section 4).
const CURVES: [u16; 11] =
    [0x001d, 0x0017, 0x0018, 0x0019, 0x001e, 0x001a, 0x001b, 0x001c, 0x0016, 0x0015, 0x0013];

/// Groups for TLS 1.3 that are not hybrid.
const GROUPS: [u16; 7] = [0x001d, 0x0017, 0x0018, 0x0019, 0x001e, 0x0100, 0x0101];

/// Suites of TLS 1.3 (RFC 8446 appendix B.4).
const TLS13_SUITES: [u16; 5] = [0x1301, 0x1302, 0x1303, 0x1304, 0x1305];

/// Signature schemes, the good ones first; SHA-1 and DSA at the end for old certificates.
const SIGNATURES: [u16; 18] = [
    0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0603, 0x0806, 0x0601, 0x0807, 0x0808, 0x0809,
    0x080a, 0x080b, 0x0402, 0x0203, 0x0201, 0x0202,
];

/// A ClientHello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientHello {
    /// Highest version offered.
    pub version: u16,
    /// Suites offered, in order; at most [`MAX_SUITES`].
    pub suites: Vec<u16>,
    /// Groups offered, in order.
    groups: Vec<u16>,
    /// Name for SNI; left out for addresses and for SSL 3.0.
    server_name: Option<String>,
}

impl ClientHello {
    /// A hello for TLS 1.0 to 1.2: servers answer with the best version up to `version`.
    pub fn up_to(version: u16, suites: Vec<u16>, server_name: Option<&str>) -> Self {
        debug_assert!((TLS10..=TLS12).contains(&version) && suites.len() <= MAX_SUITES);
        let server_name = server_name.map(str::to_owned);
        Self { version, suites, groups: CURVES.to_vec(), server_name }
    }

    /// A bare hello of SSL 3.0: old servers stumble over extensions.
    pub fn ssl3(suites: Vec<u16>) -> Self {
        debug_assert!(suites.len() <= MAX_SUITES);
        Self { version: SSL3, suites, groups: Vec::new(), server_name: None }
    }

    /// A hello for TLS 1.3 alone, with every group, the hybrid ones first.
    pub fn tls13(server_name: Option<&str>) -> Self {
        Self::tls13_with([&HYBRID_GROUPS[..], &GROUPS[..]].concat(), server_name)
    }

    /// A hello for TLS 1.3 alone, with hybrid groups alone: a refusal shows that the server has none.
    pub fn tls13_hybrid(server_name: Option<&str>) -> Self {
        Self::tls13_with(HYBRID_GROUPS.to_vec(), server_name)
    }

    fn tls13_with(groups: Vec<u16>, server_name: Option<&str>) -> Self {
        let server_name = server_name.map(str::to_owned);
        Self { version: TLS13, suites: TLS13_SUITES.to_vec(), groups, server_name }
    }

    /// The hello as one record. `random` is the client random; for TLS 1.3 it also stands as the
    /// session id of the compatibility mode (RFC 8446 appendix D.4).
    pub fn encode(&self, random: [u8; 32]) -> Vec<u8> {
        let mut out = vec![22];
        u16s(&mut out, &[self.version.min(TLS10)]);
        prefixed(&mut out, 2, |out| {
            out.push(1);
            prefixed(out, 3, |out| self.body(out, random));
        });
        out
    }

    fn body(&self, out: &mut Vec<u8>, random: [u8; 32]) {
        let start = out.len();
        u16s(out, &[self.version.min(TLS12)]);
        out.extend(random);
        prefixed(out, 1, |out| {
            if self.version == TLS13 {
                out.extend(random);
            }
        });
        prefixed(out, 2, |out| {
            u16s(out, &self.suites);
            if self.version == SSL3 {
                u16s(out, &[RENEGOTIATION_SCSV]);
            }
        });
        // Compression is offered (1 is DEFLATE, RFC 3749) where it exists, to see if it is taken.
        let compressions: &[u8] = if self.version == TLS13 { &[0] } else { &[1, 0] };
        prefixed(out, 1, |out| out.extend(compressions));
        if self.version == SSL3 {
            return;
        }
        let mut extensions = Vec::new();
        self.extensions(&mut extensions);
        pad(&mut extensions, out.len() - start + 2);
        prefixed(out, 2, |out| out.append(&mut extensions));
    }

    fn extensions(&self, out: &mut Vec<u8>) {
        if let Some(name) = &self.server_name {
            extension(out, 0, |out| {
                prefixed(out, 2, |out| {
                    out.push(0);
                    prefixed(out, 2, |out| out.extend(name.as_bytes()));
                });
            });
        }
        extension(out, 10, |out| prefixed(out, 2, |out| u16s(out, &self.groups)));
        if self.version >= TLS12 {
            extension(out, 13, |out| prefixed(out, 2, |out| u16s(out, &SIGNATURES)));
        }
        if self.version == TLS13 {
            extension(out, 43, |out| prefixed(out, 1, |out| u16s(out, &[TLS13])));
            // No share at all: the server must name the group it wants in a HelloRetryRequest
            // (RFC 8446 section 4.2.8), which costs no key of ours.
            extension(out, 51, |out| prefixed(out, 2, |_| {}));
        } else {
            extension(out, 11, |out| prefixed(out, 1, |out| out.push(0)));
            extension(out, 22, |_| {});
            extension(out, 23, |_| {});
            extension(out, 0xff01, |out| prefixed(out, 1, |_| {}));
        }
    }
}

fn extension(out: &mut Vec<u8>, kind: u16, body: impl FnOnce(&mut Vec<u8>)) {
    u16s(out, &[kind]);
    prefixed(out, 2, body);
}

/// Lifts a hello of 256 to 511 bytes to 512: some servers hang on that range (RFC 7685 section 4).
/// `before` is the length of the body before the extensions, the length field of these included.
fn pad(extensions: &mut Vec<u8>, before: usize) {
    /// Message header of a ClientHello.
    const HEADER: usize = 4;
    let length = HEADER + before + extensions.len();
    if (256..512).contains(&length) {
        let missing = 512 - length;
        extension(extensions, 21, |out| {
            out.resize(out.len() + missing.saturating_sub(4).max(1), 0)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::suites;
    use super::*;

    fn record_length(record: &[u8]) -> usize {
        usize::from(u16::from_be_bytes([record[3], record[4]]))
    }

    #[test]
    fn a_hello_is_one_record_with_the_right_lengths() {
        let hello = ClientHello::up_to(TLS12, vec![0xc02f, 0x002f], Some("broker.example"));
        let bytes = hello.encode([7; 32]);
        assert_eq!(&bytes[..3], [22, 3, 1]);
        assert_eq!(record_length(&bytes), bytes.len() - 5);
        assert_eq!(&bytes[5..7], [1, 0]);
        assert_eq!(&bytes[9..11], [3, 3]);
        assert!(bytes.windows(14).any(|window| window == b"broker.example"));
    }

    #[test]
    fn a_bare_hello_has_no_extensions_and_the_renegotiation_signal() {
        let bytes = ClientHello::ssl3(vec![0x000a]).encode([7; 32]);
        let expected = [
            &[22, 3, 0, 0, 48, 1, 0, 0, 44, 3, 0][..],
            &[7; 32],
            &[0, 0, 4, 0, 0x0a, 0, 0xff, 2, 1, 0],
        ]
        .concat();
        assert_eq!(bytes, expected);
    }

    #[test]
    fn no_hello_falls_into_the_range_that_old_servers_hang_on() {
        let all = suites::best_first(|_| true);
        for count in 1..=MAX_SUITES {
            let hello = ClientHello::up_to(TLS12, all[..count].to_vec(), Some("localhost"));
            let message = record_length(&hello.encode([0; 32]));
            assert!(!(256..512).contains(&message), "{count} suites: {message} bytes");
        }
    }

    #[test]
    fn a_hello_for_tls13_offers_no_share_and_no_older_version() {
        let bytes = ClientHello::tls13_hybrid(None).encode([7; 32]);
        let offers = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        assert!(offers(&[0, 51, 0, 2, 0, 0]), "an empty key_share");
        assert!(offers(&[0, 43, 0, 3, 2, 3, 4]), "TLS 1.3 as the only version");
        assert!(offers(&[0, 10, 0, 8, 0, 6, 0x11, 0xec, 0x11, 0xeb, 0x11, 0xed]), "hybrids only");
    }
}
