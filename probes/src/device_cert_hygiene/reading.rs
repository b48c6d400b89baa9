//! One file in, its certificates out: PEM, DER, PKCS#12 or an archive of these, told by ending and
//! content.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use model::evidence::Unreadable;
use p12_keystore::Pkcs12Archive;

use super::archive::{self, Member, Stop};
use super::files::{is_pkcs12, packing};
use crate::source::{MAX_BYTES, Secret};
use crate::x509::MAX_CERTIFICATE_BYTES;
use crate::x509::pem::{self, Block};

/// Most bytes of one PEM or CSV file; they are read as a stream. A million certificates are about
/// 1 GB of PEM.
const MAX_STREAM_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// Where in a file something stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// Name inside an archive, cut; empty for a file that is none.
    pub member: Box<str>,
    /// Which certificate of the file or the member, from 1.
    pub number: u32,
}

impl Spot {
    /// The spot as evidence names it, in a file of that place. The first certificate of a file goes
    /// by the file's own name.
    pub fn written(file: &str, member: &str, number: u32) -> String {
        let inside = if member.is_empty() { String::new() } else { format!("!{member}") };
        match number {
            0 | 1 => format!("{file}{inside}"),
            _ => format!("{file}{inside}#{number}"),
        }
    }
}

/// What a file gives, piece by piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A certificate's bytes, which may be anything, and where they stand.
    Certificate(Spot, Vec<u8>),
    /// Something that should have been a certificate.
    Unreadable(Unreadable),
    /// A limit of ours was reached; no set comes of it.
    Limit(String),
}

type Visit<'a> = dyn FnMut(Piece) -> bool + 'a;

/// Gives every piece of a file to `visit`, which says whether to go on; returns the bytes read.
pub fn read(path: &Path, place: &str, password: Option<&Secret>, visit: &mut Visit<'_>) -> u64 {
    let outcome = match packing(path) {
        Some(packing) => regular(path).map(|file| {
            let mut told = |name: &str, member: Member<'_>| {
                let from = From { place, member: name, path: Path::new(name), password };
                match member {
                    Member::File(reader) => from.read(reader, visit).1,
                    Member::Closed(reason) => visit(from.unreadable(reason)),
                }
            };
            match archive::read(file, packing, &mut told) {
                Ok(bytes) => bytes,
                Err(stop) => {
                    let from = From { place, member: "", path, password };
                    visit(match stop {
                        Stop::Broken(reason) => from.unreadable(&reason),
                        Stop::Limit(reason) => Piece::Limit(format!("`{place}`: {reason}")),
                    });
                    0
                }
            }
        }),
        None => open(path).map(|mut reader| {
            From { place, member: "", path, password }.read(&mut reader, visit).0
        }),
    };
    outcome.unwrap_or_else(|reason| {
        visit(From { place, member: "", path, password }.unreadable(&reason));
        0
    })
}

/// Opens a regular file as a bounded stream.
pub fn open(path: &Path) -> Result<impl BufRead + use<>, String> {
    let file = regular(path)?;
    let size = file.metadata().map_err(|error| error.kind().to_string())?.len();
    if size > MAX_STREAM_BYTES {
        return Err(format!("it has {size} bytes, more than the 4 GiB that are read"));
    }
    Ok(BufReader::with_capacity(64 * 1024, file.take(MAX_STREAM_BYTES)))
}

fn regular(path: &Path) -> Result<File, String> {
    let file = File::open(path).map_err(|error| error.kind().to_string())?;
    let metadata = file.metadata().map_err(|error| error.kind().to_string())?;
    if metadata.is_file() { Ok(file) } else { Err("it is not a regular file".to_owned()) }
}

/// A stream of certificates: a file, or a member of an archive.
struct From<'a> {
    place: &'a str,
    member: &'a str,
    /// Whose ending tells what it is.
    path: &'a Path,
    password: Option<&'a Secret>,
}

impl From<'_> {
    /// The bytes that were read, and whether to go on.
    fn read(&self, reader: &mut dyn BufRead, visit: &mut Visit<'_>) -> (u64, bool) {
        let mut counted = Counted { inner: reader, bytes: 0 };
        let outcome = if is_pkcs12(self.path) {
            self.pkcs12(&mut counted, visit)
        } else {
            self.stream(&mut counted, visit)
        };
        let go_on = outcome.unwrap_or_else(|reason| visit(self.unreadable(&reason)));
        (counted.bytes, go_on)
    }

    fn stream(&self, mut reader: impl BufRead, visit: &mut Visit<'_>) -> Result<bool, String> {
        let first = reader.fill_buf().map_err(|error| reason(&error))?.first().copied();
        match first {
            None => Err("it is empty".to_owned()),
            Some(0x30) => self.der(reader, visit),
            Some(_) => self.pem(reader, visit),
        }
    }

    fn der(&self, reader: impl BufRead, visit: &mut Visit<'_>) -> Result<bool, String> {
        let mut der = Vec::new();
        let limit = u64::try_from(MAX_CERTIFICATE_BYTES).unwrap_or(u64::MAX);
        reader.take(limit + 1).read_to_end(&mut der).map_err(|error| reason(&error))?;
        Ok(visit(self.certificate(1, der)))
    }

    fn pem(&self, reader: impl BufRead, visit: &mut Visit<'_>) -> Result<bool, String> {
        let (mut number, mut blocks, mut go_on) = (0_u32, 0_u32, true);
        pem::blocks(reader, |block| {
            blocks = blocks.saturating_add(1);
            go_on = match block {
                Block::Certificate(der) => {
                    number = number.saturating_add(1);
                    visit(self.certificate(number, der))
                }
                Block::Broken { line, reason } => {
                    let place = format!("{}:{line}", Spot::written(self.place, self.member, 1));
                    visit(Piece::Unreadable(Unreadable { place, reason: reason.to_owned() }))
                }
                Block::Crl(_) | Block::Other => true,
            };
            go_on
        })
        .map_err(|error| reason(&error))?;
        if blocks == 0 { Err("it is neither PEM nor DER".to_owned()) } else { Ok(go_on) }
    }

    fn pkcs12(&self, reader: impl BufRead, visit: &mut Visit<'_>) -> Result<bool, String> {
        let mut bytes = Vec::new();
        reader.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| reason(&error))?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_BYTES {
            return Err(format!("it has more than the {MAX_BYTES} bytes that are read"));
        }
        let secret = self.password.map(Secret::expose).unwrap_or_default();
        // The library's own message may speak of what is inside; ours tells only the ways to fail.
        let archive = Pkcs12Archive::from_pkcs12(&bytes, secret).map_err(|error| match error {
            p12_keystore::error::Error::MacError(_) if self.password.is_some() => {
                "the declared password does not open it"
            }
            p12_keystore::error::Error::MacError(_) => "it needs a password, and none is declared",
            _ => "it is no PKCS#12 file that can be read",
        })?;
        if archive.certs.is_empty() {
            return Err("it holds no certificate".to_owned());
        }
        let mut bags = (1_u32..).zip(&archive.certs);
        Ok(bags.all(|(number, bag)| visit(self.certificate(number, bag.cert.as_der().to_vec()))))
    }

    fn certificate(&self, number: u32, der: Vec<u8>) -> Piece {
        Piece::Certificate(Spot { member: self.member.into(), number }, der)
    }

    fn unreadable(&self, reason: &str) -> Piece {
        let place = Spot::written(self.place, self.member, 1);
        Piece::Unreadable(Unreadable { place, reason: reason.to_owned() })
    }
}

/// Why a stream broke off.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            "its compressed data is broken".to_owned()
        }
        kind => kind.to_string(),
    }
}

/// Counts the bytes that go through.
struct Counted<R> {
    inner: R,
    bytes: u64,
}

impl<R: BufRead> io::Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes += u64::try_from(read).unwrap_or(u64::MAX);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.bytes += u64::try_from(amount).unwrap_or(u64::MAX);
        self.inner.consume(amount);
    }
}
