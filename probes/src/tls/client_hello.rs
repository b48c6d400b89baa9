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

/// A value that nobody will ever give a meaning: a server passes over it (RFC 8701 section 2).
const GREASE: u16 = 0x7a7a;

/// Says that a hello is a fallback to a lower version (RFC 7507 section 2).
const FALLBACK_SCSV: u16 = 0x5600;

/// The base point of P-256, uncompressed (SEC 2 section 2.4.2): a share that every server takes,
/// and whose private key is 1.
const P256_SHARE: [u8; 65] = [
    0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40,
    0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2,
    0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e,
    0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51,
    0xf5,
];

/// The base point of X25519 (RFC 7748 section 4.1).
const X25519_SHARE: [u8; 32] = {
    let mut share = [0; 32];
    share[0] = 9;
    share
};

/// Application protocols that are asked for (RFC 7301), the preferred one first.
pub const ALPN: [&str; 3] = ["mqtt", "h2", "http/1.1"];

/// Groups of which a hello can hold a share.
pub const SHARED: [u16; 2] = [0x001d, 0x0017];

/// What a hello carries beyond what its version needs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extras {
    /// Values without a meaning among suites, groups and extensions.
    pub grease: bool,
    /// A version of the future before the real one: in `supported_versions` for TLS 1.3, as the
    /// hello's own version below.
    pub future: bool,
    /// The application protocols of [`ALPN`].
    pub alpn: bool,
    /// A wish for a stapled OCSP response (RFC 6066 section 8).
    pub staple: bool,
    /// An empty ticket, which asks for one (RFC 5077 section 3.2).
    pub ticket: bool,
    /// The signal that this is a fallback.
    pub fallback: bool,
    /// Key shares for TLS 1.3, for a server that does not answer a hello without any. The private
    /// keys are known to everybody: nothing is ever encrypted with them.
    pub shares: bool,
    /// No extensions at all, up to TLS 1.2: a server must do with such a hello as well (RFC 5246
    /// section 7.4.1.4).
    pub bare: bool,
    /// What the client's Finished said, in a hello that renegotiates (RFC 5746 section 3.5).
    pub verified: Option<[u8; 12]>,
}

/// A session that a hello wants to take up again, up to TLS 1.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resumption {
    /// Its id; beside a ticket one that the client makes up (RFC 5077 section 3.4). At most 32
    /// bytes.
    pub session_id: Vec<u8>,
    /// Its ticket.
    pub ticket: Option<Vec<u8>>,
}

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
    pub groups: Vec<u16>,
    /// Signature schemes offered, in order; TLS 1.2 and 1.3 send them.
    pub signatures: Vec<u16>,
    /// Name for SNI; left out for addresses and for SSL 3.0.
    server_name: Option<String>,
    /// What goes beyond that.
    pub extras: Extras,
    /// The session to take up again.
    resumption: Option<Resumption>,
}

impl ClientHello {
    /// A hello for TLS 1.0 to 1.2: servers answer with the best version up to `version`.
    pub fn up_to(version: u16, suites: Vec<u16>, server_name: Option<&str>) -> Self {
        debug_assert!((TLS10..=TLS12).contains(&version) && suites.len() <= MAX_SUITES);
        Self::of(version, suites, CURVES.to_vec(), SIGNATURES.to_vec(), server_name)
    }

    /// A bare hello of SSL 3.0: old servers stumble over extensions.
    pub fn ssl3(suites: Vec<u16>) -> Self {
        debug_assert!(suites.len() <= MAX_SUITES);
        Self::of(SSL3, suites, Vec::new(), Vec::new(), None)
    }

    /// A hello of any version from SSL 3.0 to TLS 1.3 that offers just this.
    pub fn of(
        version: u16,
        suites: Vec<u16>,
        groups: Vec<u16>,
        signatures: Vec<u16>,
        server_name: Option<&str>,
    ) -> Self {
        debug_assert!(suites.len() <= MAX_SUITES);
        let server_name = server_name.map(str::to_owned);
        let (extras, resumption) = (Extras::default(), None);
        Self { version, suites, groups, signatures, server_name, extras, resumption }
    }

    /// The same hello with more in it.
    #[must_use]
    pub fn with(mut self, extras: Extras) -> Self {
        self.extras = extras;
        self
    }

    /// Whether it has no extensions.
    fn is_bare(&self) -> bool {
        debug_assert!(self.version < TLS13 || !self.extras.bare, "TLS 1.3 is an extension itself");
        self.version == SSL3 || self.extras.bare
    }

    /// The same hello, to take a session up again.
    #[must_use]
    pub fn resuming(mut self, resumption: Resumption) -> Self {
        debug_assert!(self.version < TLS13 && resumption.session_id.len() <= 32);
        self.resumption = Some(resumption);
        self
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
        Self::of(TLS13, TLS13_SUITES.to_vec(), groups, SIGNATURES.to_vec(), server_name)
    }

    /// The hello without its record, as it goes into a session.
    pub fn message(&self, random: [u8; 32]) -> Vec<u8> {
        /// Type, version and length of a record.
        const HEADER: usize = 5;
        self.encode(random).split_off(HEADER)
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
        let future = self.extras.future && self.version < TLS13;
        // One above the newest that such a server knows.
        u16s(out, &[if future { TLS13 } else { self.version.min(TLS12) }]);
        out.extend(random);
        prefixed(out, 1, |out| {
            if self.version == TLS13 {
                out.extend(random);
            } else if let Some(resumption) = &self.resumption {
                out.extend(&resumption.session_id);
            }
        });
        prefixed(out, 2, |out| {
            if self.extras.grease {
                u16s(out, &[GREASE]);
            }
            u16s(out, &self.suites);
            if self.extras.fallback {
                u16s(out, &[FALLBACK_SCSV]);
            }
            if self.is_bare() {
                u16s(out, &[RENEGOTIATION_SCSV]);
            }
        });
        // Compression is offered (1 is DEFLATE, RFC 3749) where it exists, to see if it is taken.
        let compressions: &[u8] = if self.version == TLS13 { &[0] } else { &[1, 0] };
        prefixed(out, 1, |out| out.extend(compressions));
        if self.is_bare() {
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
        if self.extras.grease {
            extension(out, GREASE, |_| {});
        }
        let grease = (self.extras.grease || self.extras.shares).then_some(GREASE);
        if !self.groups.is_empty() {
            extension(out, 10, |out| {
                prefixed(out, 2, |out| {
                    u16s(out, grease.as_slice());
                    u16s(out, &self.groups);
                });
            });
        }
        if self.version >= TLS12 {
            extension(out, 13, |out| prefixed(out, 2, |out| u16s(out, &self.signatures)));
        }
        if self.extras.staple {
            // OCSP, any responder, no extensions.
            extension(out, 5, |out| out.extend([1, 0, 0, 0, 0]));
        }
        if self.extras.alpn {
            extension(out, 16, |out| {
                prefixed(out, 2, |out| {
                    for name in ALPN {
                        prefixed(out, 1, |out| out.extend(name.as_bytes()));
                    }
                });
            });
        }
        let ticket = self.resumption.as_ref().and_then(|session| session.ticket.as_ref());
        if self.extras.ticket || ticket.is_some() {
            extension(out, 35, |out| out.extend(ticket.into_iter().flatten()));
        }
        if self.version == TLS13 {
            extension(out, 43, |out| {
                prefixed(out, 1, |out| {
                    if self.extras.future {
                        u16s(out, &[GREASE, TLS13 + 1]);
                    }
                    u16s(out, &[TLS13]);
                });
            });
            // No share at all: the server must name the group it wants in a HelloRetryRequest
            // (RFC 8446 section 4.2.8), which costs no key of ours.
            extension(out, 51, |out| prefixed(out, 2, |out| self.shares(out)));
        } else {
            extension(out, 11, |out| prefixed(out, 1, |out| out.push(0)));
            extension(out, 22, |_| {});
            extension(out, 23, |_| {});
            let verified = self.extras.verified;
            extension(out, 0xff01, |out| {
                prefixed(out, 1, |out| out.extend(verified.iter().flatten()))
            });
        }
    }
}

impl ClientHello {
    fn shares(&self, out: &mut Vec<u8>) {
        if !self.extras.shares {
            return;
        }
        let known: [(u16, &[u8]); 2] = [(SHARED[0], &X25519_SHARE), (SHARED[1], &P256_SHARE)];
        // One without a meaning keeps the list from being empty where no other fits.
        u16s(out, &[GREASE]);
        prefixed(out, 2, |out| out.push(0));
        for (group, share) in known.iter().filter(|(group, _)| self.groups.contains(group)) {
            u16s(out, &[*group]);
            prefixed(out, 2, |out| out.extend(*share));
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
    fn a_hello_that_renegotiates_says_what_the_last_finished_said() {
        let extras = Extras { verified: Some([0xab; 12]), ..Extras::default() };
        let hello = ClientHello::up_to(TLS12, vec![0xc02f], None);
        let holds = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|w| w == part);
        let renegotiates = [&[0xff, 0x01, 0, 13, 12][..], &[0xab; 12]].concat();
        assert!(holds(&hello.clone().with(extras).message([7; 32]), &renegotiates));
        let message = hello.message([7; 32]);
        assert!(message[0] == 1 && holds(&message, &[0xff, 0x01, 0, 1, 0]));
    }

    #[test]
    fn a_hello_that_resumes_has_the_id_and_the_ticket_of_the_session() {
        let session = Resumption { session_id: vec![0xcd; 32], ticket: Some(vec![0xab; 7]) };
        let hello = ClientHello::up_to(TLS12, vec![0xc02f], None);
        let message = hello.clone().resuming(session).message([7; 32]);
        // Type, length, version and random.
        assert_eq!(message[38..71], [&[32][..], &[0xcd; 32]].concat());
        let ticket = [&[0, 35, 0, 7][..], &[0xab; 7]].concat();
        assert!(message.windows(ticket.len()).any(|window| window == ticket));
        assert_eq!(hello.message([7; 32])[38], 0, "and no other hello has one");
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
    fn a_hello_of_a_later_version_can_be_bare_as_well() {
        let hello = ClientHello::up_to(TLS12, vec![0x002f], Some("broker.example"));
        let bare = hello.with(Extras { bare: true, ..Extras::default() });
        let expected = [
            &[22, 3, 1, 0, 48, 1, 0, 0, 44, 3, 3][..],
            &[7; 32],
            &[0, 0, 4, 0, 0x2f, 0, 0xff, 2, 1, 0],
        ]
        .concat();
        assert_eq!(bare.encode([7; 32]), expected);
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
