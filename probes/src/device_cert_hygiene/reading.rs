//! One file in, its certificates out: PEM, DER or PKCS#12, told by ending and content.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

use model::evidence::Unreadable;
use p12_keystore::Pkcs12Archive;

use super::files::{Found, is_pkcs12};
use crate::source::{self, Secret};
use crate::x509::MAX_CERTIFICATE_BYTES;
use crate::x509::pem::{self, Block};

/// Most bytes of one PEM or CSV file; they are read as a stream.
const MAX_STREAM_BYTES: u64 = 1024 * 1024 * 1024;

/// What a file gives, piece by piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A certificate's bytes, which may be anything, and where they stand.
    Certificate {
        /// File, with the number of the certificate where there are several.
        place: String,
        /// The bytes.
        der: Vec<u8>,
    },
    /// Something that should have been a certificate.
    Unreadable(Unreadable),
}

/// Gives every piece of a file to `visit`, which says whether to go on; returns the bytes read.
pub fn read(found: &Found, password: Option<&Secret>, visit: &mut dyn FnMut(Piece) -> bool) -> u64 {
    let outcome =
        if is_pkcs12(&found.path) { pkcs12(found, password, visit) } else { stream(found, visit) };
    outcome.unwrap_or_else(|reason| {
        visit(unreadable(found.place.clone(), reason));
        0
    })
}

/// Opens a regular file as a bounded stream.
pub fn open(path: &Path) -> Result<impl BufRead + use<>, String> {
    let file = File::open(path).map_err(|error| error.kind().to_string())?;
    let metadata = file.metadata().map_err(|error| error.kind().to_string())?;
    if !metadata.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    if metadata.len() > MAX_STREAM_BYTES {
        return Err(format!("it has {} bytes, more than the 1 GiB that are read", metadata.len()));
    }
    Ok(BufReader::with_capacity(64 * 1024, file.take(MAX_STREAM_BYTES)))
}

fn stream(found: &Found, visit: &mut dyn FnMut(Piece) -> bool) -> Result<u64, String> {
    let mut reader = open(&found.path)?;
    let first = reader.fill_buf().map_err(|error| error.kind().to_string())?.first().copied();
    match first {
        None => Err("it is empty".to_owned()),
        Some(0x30) => der(found, reader, visit),
        Some(_) => pem_blocks(found, reader, visit),
    }
}

fn der(
    found: &Found,
    reader: impl BufRead,
    visit: &mut dyn FnMut(Piece) -> bool,
) -> Result<u64, String> {
    let mut der = Vec::new();
    let limit = u64::try_from(MAX_CERTIFICATE_BYTES).unwrap_or(u64::MAX);
    reader.take(limit + 1).read_to_end(&mut der).map_err(|error| error.kind().to_string())?;
    let size = u64::try_from(der.len()).unwrap_or(u64::MAX);
    visit(Piece::Certificate { place: found.place.clone(), der });
    Ok(size)
}

fn pem_blocks(
    found: &Found,
    reader: impl BufRead,
    visit: &mut dyn FnMut(Piece) -> bool,
) -> Result<u64, String> {
    let mut counted = Counted { inner: reader, bytes: 0 };
    let mut number = 0_u32;
    let mut blocks = 0_u32;
    pem::blocks(&mut counted, |block| {
        blocks += 1;
        match block {
            Block::Certificate(der) => {
                number += 1;
                // The first certificate of a file goes by the file's own name.
                let place = match number {
                    1 => found.place.clone(),
                    _ => format!("{}#{number}", found.place),
                };
                visit(Piece::Certificate { place, der })
            }
            Block::Broken { line, reason } => {
                visit(unreadable(format!("{}:{line}", found.place), reason.to_owned()))
            }
            Block::Crl(_) | Block::Other => true,
        }
    })
    .map_err(|error| error.kind().to_string())?;
    if blocks == 0 {
        return Err("it is neither PEM nor DER".to_owned());
    }
    Ok(counted.bytes)
}

fn pkcs12(
    found: &Found,
    password: Option<&Secret>,
    visit: &mut dyn FnMut(Piece) -> bool,
) -> Result<u64, String> {
    let bytes = source::file(&found.path, &found.place).map_err(|error| error.to_string())?;
    let secret = password.map(Secret::expose).unwrap_or_default();
    // The library's own message may speak of what is inside; ours tells only the two ways to fail.
    let archive = Pkcs12Archive::from_pkcs12(&bytes, secret).map_err(|error| match error {
        p12_keystore::error::Error::MacError(_) if password.is_some() => {
            "the declared password does not open it"
        }
        p12_keystore::error::Error::MacError(_) => "it needs a password, and none is declared",
        _ => "it is no PKCS#12 file that can be read",
    })?;
    if archive.certs.is_empty() {
        return Err("it holds no certificate".to_owned());
    }
    for (number, bag) in (1_u32..).zip(&archive.certs) {
        let place = match number {
            1 => found.place.clone(),
            _ => format!("{}#{number}", found.place),
        };
        if !visit(Piece::Certificate { place, der: bag.cert.as_der().to_vec() }) {
            break;
        }
    }
    Ok(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
}

fn unreadable(place: String, reason: String) -> Piece {
    Piece::Unreadable(Unreadable { place, reason })
}

/// Counts the bytes that go through.
struct Counted<R> {
    inner: R,
    bytes: u64,
}

impl<R: BufRead> std::io::Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes += u64::try_from(read).unwrap_or(u64::MAX);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.bytes += u64::try_from(amount).unwrap_or(u64::MAX);
        self.inner.consume(amount);
    }
}
