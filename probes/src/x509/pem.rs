//! PEM blocks out of a stream, bounded (RFC 7468, read leniently).

use std::io::{self, BufRead, Read as _};

use base64::Engine as _;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

use super::MAX_CERTIFICATE_BYTES;

/// Longest line that is read, in bytes: a whole certificate in one line.
const MAX_LINE: u64 = (MAX_CERTIFICATE_BYTES / 3 * 4) as u64 + 1024;

/// Most bytes of one block, in base64. Revocation lists grow larger than certificates.
const MAX_BLOCK: usize = 16 * 1024 * 1024;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A block, in the order of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// `CERTIFICATE`: the bytes, which may be anything.
    Certificate(Vec<u8>),
    /// `X509 CRL`: the bytes, which may be anything.
    Crl(Vec<u8>),
    /// Something else between markers, most often a key. Its content is not kept.
    Other,
    /// A block that does not hold together.
    Broken {
        /// Line that it begins in, from 1.
        line: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// Gives every block of a stream to `visit`, which says whether to go on. Text outside blocks is
/// passed over; a stream without blocks gives none.
pub fn blocks(mut reader: impl BufRead, mut visit: impl FnMut(Block) -> bool) -> io::Result<()> {
    let mut open: Option<Open> = None;
    let mut raw = Vec::new();
    let mut number = 0;
    loop {
        raw.clear();
        if reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut raw)? == 0 {
            break;
        }
        number += 1;
        let line = raw.trim_ascii();
        if let Some(label) = marker(line, b"-----BEGIN ") {
            let cut_off = open.replace(Open::new(label, number));
            if cut_off.is_some_and(|block| !visit(block.broken("it has no end"))) {
                return Ok(());
            }
        } else if let Some(label) = marker(line, b"-----END ") {
            if open.take().is_some_and(|block| !visit(block.close(label))) {
                return Ok(());
            }
        } else if let Some(block) = &mut open {
            block.push(line);
        }
    }
    if let Some(block) = open {
        visit(block.broken("it has no end"));
    }
    Ok(())
}

/// The blocks of a text in memory.
pub fn all(text: &[u8]) -> Vec<Block> {
    let mut found = Vec::new();
    blocks(text, |block| {
        found.push(block);
        true
    })
    .expect("reading from memory cannot fail");
    found
}

/// The label of a marker line; none for any other line.
fn marker<'a>(line: &'a [u8], begin: &[u8]) -> Option<&'a [u8]> {
    line.strip_prefix(begin)?.strip_suffix(b"-----")
}

/// A block that has begun.
struct Open {
    label: Vec<u8>,
    line: u64,
    body: Vec<u8>,
    too_large: bool,
}

impl Open {
    fn new(label: &[u8], line: u64) -> Self {
        Self { label: label.to_vec(), line, body: Vec::new(), too_large: false }
    }

    /// True for labels whose content is read; the content of others never enters memory for long.
    fn is_read(&self) -> bool {
        matches!(self.label.as_slice(), b"CERTIFICATE" | b"X509 CERTIFICATE" | b"X509 CRL")
    }

    fn push(&mut self, line: &[u8]) {
        if !self.is_read() || self.too_large {
            return;
        }
        self.too_large = self.body.len() + line.len() > MAX_BLOCK;
        if self.too_large {
            self.body = Vec::new();
        } else {
            self.body.extend_from_slice(line);
        }
    }

    fn broken(&self, reason: &'static str) -> Block {
        Block::Broken { line: self.line, reason }
    }

    fn close(self, label: &[u8]) -> Block {
        if self.label != label {
            return self.broken("its end carries another label than its beginning");
        }
        if !self.is_read() {
            return Block::Other;
        }
        if self.too_large {
            return self.broken("it is larger than 16 MiB");
        }
        match BASE64.decode(&self.body) {
            Ok(bytes) if self.label == b"X509 CRL" => Block::Crl(bytes),
            Ok(bytes) => Block::Certificate(bytes),
            Err(_) => self.broken("its content is not base64"),
        }
    }
}
