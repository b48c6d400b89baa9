//! Reading certificates and what vouches for them, offline.
//!
//! Everything here takes bytes that somebody else wrote and gives facts or a reason; nothing trusts
//! a certificate, asks the network or looks at the clock.

pub mod bundle;
pub mod crl;
pub mod declared;
pub mod der;
pub mod facts;
pub mod issuers;
pub mod key;
pub mod name;
pub mod ocsp;
pub mod path;
pub mod pem;
pub mod profile;
pub mod revocation_places;
pub mod signature;
pub mod subject_names;
#[cfg(test)]
mod tests;

pub use bundle::Bundle;
pub use crl::Crl;
pub use declared::Declared;
pub use facts::Facts;

/// Largest certificate that is read, in bytes. RFC 5280 sets none; TLS 1.3 allows 2^24 - 1 per
/// certificate (RFC 9846 section 4.5.1), and no stack accepts anywhere near this.
pub const MAX_CERTIFICATE_BYTES: usize = 1024 * 1024;
