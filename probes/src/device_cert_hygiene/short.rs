//! Digests cut to 16 octets, the keys of everything that is compared across a whole set.
//!
//! Of a million different values the odds that any two share such a digest are below 2^-88. Somebody
//! who wants two certificates to look like copies of one has to try about 2^64 times; what that would
//! gain is that one of the two is not counted.

use sha2::{Digest as _, Sha256};

/// The first 16 octets of a SHA-256.
pub type Short = [u8; 16];

/// A whole digest, cut.
pub fn cut(digest: &[u8; 32]) -> Short {
    let (short, _) = digest.split_first_chunk().expect("32 octets begin with 16");
    *short
}

/// The digest of several parts; no two lists of parts give the same octets.
pub fn of(kind: u8, parts: &[&[u8]]) -> Short {
    let mut hash = Sha256::new();
    hash.update([kind]);
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    cut(&hash.finalize().into())
}
