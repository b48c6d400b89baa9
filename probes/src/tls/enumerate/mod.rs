//! Everything that a server accepts, found by elimination: each answer takes out of the next offer
//! what it proves, so that a version costs one hello per suite and one for the refusal.
//!
//! Pure: a machine says what to offer next and takes what came back. What is found was chosen by
//! the server; what is refused was refused while everything else on offer was at its fullest, since
//! a refusal of one dimension says nothing while another one is cut short.

pub mod legacy;
mod log;
pub mod modern;
#[cfg(test)]
mod simulated;

use super::suites;

pub use log::Preference;

/// Groups of versions up to TLS 1.2: elliptic curves alone. With a finite-field group in the list a
/// server would pick its DHE prime from it instead of showing its own (RFC 7919 section 4).
pub const CURVES: [u16; 34] = [
    0x001d, 0x0017, 0x0018, 0x0019, 0x001e, 0x001a, 0x001b, 0x001c, 0x0016, 0x0015, 0x0014, 0x0013,
    0x0012, 0x0011, 0x0010, 0x000f, 0x000e, 0x000d, 0x000c, 0x000b, 0x000a, 0x0009, 0x0008, 0x0007,
    0x0006, 0x0005, 0x0004, 0x0003, 0x0002, 0x0001, 0x001f, 0x0020, 0x0021, 0x0029,
];

/// Groups of TLS 1.3: the hybrids and their drafts, ML-KEM, curves, finite fields (RFC 8446 section
/// 4.2.7, RFC 8734, RFC 10024).
pub const GROUPS: [u16; 25] = [
    0x11ec, 0x11eb, 0x11ed, 0x11ee, 0x6399, 0x639a, 0x0200, 0x0201, 0x0202, 0x001d, 0x0017, 0x0018,
    0x0019, 0x001e, 0x001f, 0x0020, 0x0021, 0x0029, 0x0016, 0x001a, 0x0100, 0x0101, 0x0102, 0x0103,
    0x0104,
];

/// Suites of TLS 1.3: those of RFC 8446 appendix B.4, then SM4 (RFC 8998) and the two without
/// encryption (RFC 9150).
pub const TLS13_SUITES: [u16; 9] =
    [0x1301, 0x1302, 0x1303, 0x1304, 0x1305, 0x00c6, 0x00c7, 0xc0b4, 0xc0b5];

/// Signature schemes of TLS 1.2 and the pairs of hash and key that it had before them.
pub const SIGNATURES: [u16; 32] = [
    0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0603, 0x0806, 0x0601, 0x0807, 0x0808, 0x0809,
    0x080a, 0x080b, 0x0402, 0x0502, 0x0602, 0x0708, 0x081a, 0x081b, 0x081c, 0x0904, 0x0905, 0x0906,
    0x0301, 0x0302, 0x0303, 0x0201, 0x0202, 0x0203, 0x0101, 0x0103,
];

/// What a hello asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Suites and groups of TLS 1.3 at once.
    Pairs,
    /// Suites.
    Suites,
    /// Groups.
    Groups,
    /// Whether the server goes by the client's order of groups.
    GroupOrder,
    /// Signature schemes.
    Signatures,
    /// Something that was accepted before, again.
    Confirm,
}

/// What to offer next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// What it asks about.
    pub ask: Ask,
    /// Suites, in order.
    pub suites: Vec<u16>,
    /// Groups, in order.
    pub groups: Vec<u16>,
    /// Signature schemes, in order.
    pub signatures: Vec<u16>,
}

/// What a server made of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// It chose from it.
    Chosen(Chosen),
    /// It refused it.
    Refused,
    /// It does not have the version, whatever was offered.
    NoVersion,
}

/// What a server chose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Chosen {
    /// The suite.
    pub suite: u16,
    /// The group, where the suite has one.
    pub group: Option<u16>,
    /// The scheme of the signature, where the version tells it.
    pub signature: Option<u16>,
    /// The curve of an ECDSA certificate that came with it.
    pub curve: Option<u16>,
}

/// One dimension of what may be offered.
#[derive(Debug, Clone, Default)]
struct Dimension {
    /// Not known yet, in the order of the offer.
    open: Vec<u16>,
    /// Chosen by the server, in the order in which it did.
    found: Vec<u16>,
}

impl Dimension {
    fn of(all: &[u16]) -> Self {
        Self { open: all.to_vec(), found: Vec::new() }
    }

    /// Takes what the server chose; false if that was known, or was never on offer.
    fn find(&mut self, value: u16) -> bool {
        let before = self.open.len();
        self.open.retain(|open| *open != value);
        let new = self.open.len() < before;
        if new {
            self.found.push(value);
        }
        new
    }

    fn refuse(&mut self, values: &[u16]) {
        self.open.retain(|open| !values.contains(open));
    }

    /// Everything that may be accepted, what is not known yet first: a server that goes by the
    /// client's order then shows something new each time, and no other one is misled.
    fn open_first(&self) -> Vec<u16> {
        [&self.open[..], &self.found[..]].concat()
    }

    fn sorted(&self) -> Vec<u16> {
        let mut found = self.found.clone();
        found.sort_unstable();
        found
    }
}

/// Whether the key exchange of a suite needs a group from the hello.
fn needs_group(code: u16) -> bool {
    suites::suite(code)
        .is_some_and(|suite| suite.name.contains("_ECDHE_") || suite.name.contains("_ECDH_anon_"))
}

/// Whether a suite is authenticated by an ECDSA certificate.
pub fn by_ecdsa(code: u16) -> bool {
    suites::suite(code).is_some_and(|suite| suite.name.contains("_ECDSA_"))
}

/// Whether the server signs its key exchange.
fn is_signed(code: u16) -> bool {
    use suites::Exchange::{Dhe, Ecdhe};
    suites::suite(code).is_some_and(|suite| {
        matches!(suite.exchange(), Dhe { signed: true } | Ecdhe { signed: true })
    })
}
