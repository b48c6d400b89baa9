//! What one archive may cost.

use std::io::{self, BufRead, Read};

use super::Stop;

/// Most members of one archive, of any kind.
pub const MAX_ENTRIES: u64 = 1 << 21;

/// Most bytes that one archive may unpack to.
pub const MAX_UNPACKED_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// Most bytes that one packed byte may become. Deflate (RFC 1951) reaches about 1,000;
/// certificates, half of which is keys and signatures, stay below 10 even in a padded tar.
const MAX_RATIO: u64 = 100;

/// Unpacked bytes that are free of the ratio.
const FREE_BYTES: u64 = 4 * 1024 * 1024;

/// What so many packed bytes may unpack to.
pub fn allowance(packed: u64) -> u64 {
    packed.saturating_mul(MAX_RATIO).saturating_add(FREE_BYTES).min(MAX_UNPACKED_BYTES)
}

/// A stream that is an error after so many bytes, where a plain limit would look like its end.
pub struct Bounded<R> {
    inner: R,
    left: u64,
    given: u64,
}

impl<R: BufRead> Bounded<R> {
    /// The stream, which may give `most` bytes.
    pub fn new(inner: R, most: u64) -> Self {
        Self { inner, left: most, given: 0 }
    }

    /// The bytes that were taken out of it.
    pub fn given(&self) -> u64 {
        self.given
    }
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let size = ready.len().min(buffer.len());
        buffer[..size].copy_from_slice(&ready[..size]);
        self.consume(size);
        Ok(size)
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let ready = self.inner.fill_buf()?;
        if self.left == 0 && !ready.is_empty() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        Ok(&ready[..ready.len().min(most)])
    }

    fn consume(&mut self, amount: usize) {
        let amount = amount.min(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.inner.consume(amount);
        let amount = u64::try_from(amount).unwrap_or(u64::MAX);
        self.left -= amount;
        self.given += amount;
    }
}

/// What an error of reading stands for.
pub fn stop(error: &io::Error) -> Stop {
    match error.kind() {
        io::ErrorKind::FileTooLarge => Stop::Limit(format!(
            "it unpacks to more than {MAX_RATIO} times its size or to more than 4 GiB"
        )),
        io::ErrorKind::UnexpectedEof => Stop::Broken("it ends too early".to_owned()),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            Stop::Broken("its compressed data is broken".to_owned())
        }
        kind => Stop::Broken(kind.to_string()),
    }
}

/// The stop of an archive with too many members.
pub fn too_many() -> Stop {
    Stop::Limit(format!("it has more than the {MAX_ENTRIES} entries that are read"))
}
