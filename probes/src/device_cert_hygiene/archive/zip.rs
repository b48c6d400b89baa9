//! Zip (PKWARE APPNOTE 6.3.10): the central directory is read as a stream, each member where it
//! stands. Stored and deflated members are read; encrypted ones and other methods are told.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek as _, SeekFrom};

use flate2::bufread::DeflateDecoder;

use super::bounds::{Bounded, MAX_ENTRIES, MAX_UNPACKED_BYTES, allowance, stop, too_many};
use super::{Member, Named, Stop, Visit, named};

/// Signatures of the records (APPNOTE sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16).
const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END64_LOCATOR: u32 = 0x0706_4b50;
const END64: u32 = 0x0606_4b50;

/// The end record with the longest comment (section 4.3.16).
const MAX_END: u64 = 22 + 0xffff;

/// A member as the central directory tells it.
struct Entry {
    encrypted: bool,
    method: u16,
    packed: u64,
    offset: u64,
    name: Vec<u8>,
}

/// Gives every member to `visit`; returns the bytes that were unpacked.
pub fn read(file: &File, visit: &mut Visit<'_>) -> Result<u64, Stop> {
    let size = file.metadata().map_err(|error| stop(&error))?.len();
    let (mut at, entries) = directory(file, size)?;
    if entries > MAX_ENTRIES {
        return Err(too_many());
    }
    let mut unpacked = 0;
    let mut central = Window::new(file);
    let mut content = Window::new(file);
    for _ in 0..entries {
        let (entry, length) = entry(&mut central, at)?;
        at += length;
        let go_on = match named(&entry.name) {
            Named::PassOver => true,
            Named::Tell(name, reason) => visit(&name, Member::Closed(reason)),
            Named::Read(name) if entry.encrypted => visit(
                &name,
                Member::Closed("it is encrypted, and archives are opened without a password"),
            ),
            Named::Read(name) => {
                start(&mut content, &entry)?;
                // One member after another shares what the whole archive may unpack to, and none
                // may unpack to more than its own packed bytes allow.
                let most = allowance(entry.packed).min(MAX_UNPACKED_BYTES.saturating_sub(unpacked));
                let packed = (&mut content).take(entry.packed);
                let mut member: Bounded<Box<dyn BufRead + '_>> = match entry.method {
                    0 => Bounded::new(Box::new(packed), most),
                    8 => Bounded::new(
                        Box::new(BufReader::with_capacity(8 * 1024, DeflateDecoder::new(packed))),
                        most,
                    ),
                    _ => {
                        if !visit(
                            &name,
                            Member::Closed("it is packed by a method other than deflate"),
                        ) {
                            return Ok(unpacked);
                        }
                        continue;
                    }
                };
                let go_on = visit(&name, Member::File(&mut member));
                // What the visitor left is not unpacked for nothing, but a limit must be told.
                if let Err(error) = member.fill_buf()
                    && error.kind() == io::ErrorKind::FileTooLarge
                {
                    return Err(stop(&error));
                }
                unpacked += member.given();
                go_on
            }
        };
        if !go_on {
            break;
        }
    }
    Ok(unpacked)
}

/// Where the central directory begins, and how many members it lists.
fn directory(file: &File, size: u64) -> Result<(u64, u64), Stop> {
    let broken = || Stop::Broken("it is no zip archive, or its directory is broken".to_owned());
    let tail_at = size.saturating_sub(MAX_END);
    let tail = piece(file, tail_at, size - tail_at)?;
    let end = (0..tail.len().saturating_sub(21))
        .rev()
        .find(|at| number(&tail, *at, 4) == Some(END.into()))
        .ok_or_else(broken)?;
    let plain = (
        number(&tail, end + 16, 4).ok_or_else(broken)?,
        number(&tail, end + 10, 2).ok_or_else(broken)?,
    );
    let locator =
        end.checked_sub(20).filter(|at| number(&tail, *at, 4) == Some(END64_LOCATOR.into()));
    let found = match locator {
        Some(locator) if plain.0 == 0xffff_ffff || plain.1 == 0xffff => {
            let at = number(&tail, locator + 8, 8).ok_or_else(broken)?;
            let record = piece(file, at, 56)?;
            if number(&record, 0, 4) != Some(END64.into()) {
                return Err(broken());
            }
            (number(&record, 48, 8).ok_or_else(broken)?, number(&record, 32, 8).ok_or_else(broken)?)
        }
        _ => plain,
    };
    if found.0 > size { Err(broken()) } else { Ok(found) }
}

/// The entry at a place of the central directory, and its length.
fn entry(window: &mut Window<'_>, at: u64) -> Result<(Entry, u64), Stop> {
    let broken = || Stop::Broken("an entry of its directory is broken".to_owned());
    let mut fixed = [0; 46];
    window.seek(at);
    window.read_exact(&mut fixed).map_err(|error| stop(&error))?;
    let field = |at, octets| number(&fixed, at, octets).ok_or_else(broken);
    if field(0, 4)? != u64::from(CENTRAL) {
        return Err(broken());
    }
    let (name, extra, comment) = (field(28, 2)?, field(30, 2)?, field(32, 2)?);
    let mut names = vec![0; usize::try_from(name + extra).unwrap_or_default()];
    window.read_exact(&mut names).map_err(|error| stop(&error))?;
    let extra_field = names.split_off(usize::try_from(name).unwrap_or_default());
    let (unpacked, packed, offset) = (field(24, 4)?, field(20, 4)?, field(42, 4)?);
    // Section 4.5.3: only what does not fit stands in the 64-bit field, in this order.
    let mut large = zip64(&extra_field);
    let mut whole = |plain: u64| match plain {
        0xffff_ffff => large.next().ok_or_else(broken),
        plain => Ok(plain),
    };
    whole(unpacked)?;
    let (packed, offset) = (whole(packed)?, whole(offset)?);
    let encrypted = field(8, 2)? & 1 == 1;
    let method = u16::try_from(field(10, 2)?).unwrap_or(u16::MAX);
    let length = 46 + name + extra + comment;
    Ok((Entry { encrypted, method, packed, offset, name: names }, length))
}

/// The numbers of the 64-bit field among the extra fields.
fn zip64(mut extra: &[u8]) -> impl Iterator<Item = u64> + use<> {
    let mut found = Vec::new();
    while let (Some(kind), Some(length)) = (number(extra, 0, 2), number(extra, 2, 2)) {
        let end = (4 + usize::try_from(length).unwrap_or_default()).min(extra.len());
        if kind == 1 {
            found = (4..end).step_by(8).filter_map(|at| number(&extra[..end], at, 8)).collect();
        }
        extra = &extra[end..];
    }
    found.into_iter()
}

/// Goes to the first byte of a member, which stands behind a header of its own.
fn start(window: &mut Window<'_>, entry: &Entry) -> Result<(), Stop> {
    let mut header = [0; 30];
    window.seek(entry.offset);
    window.read_exact(&mut header).map_err(|error| stop(&error))?;
    let broken = || Stop::Broken("the header of a member is broken".to_owned());
    if number(&header, 0, 4) != Some(LOCAL.into()) {
        return Err(broken());
    }
    let name = number(&header, 26, 2).ok_or_else(broken)?;
    let extra = number(&header, 28, 2).ok_or_else(broken)?;
    window.seek(entry.offset.saturating_add(30 + name + extra));
    Ok(())
}

/// A piece of the file; fewer bytes at its end.
fn piece(file: &File, at: u64, length: u64) -> Result<Vec<u8>, Stop> {
    let mut window = Window::new(file);
    window.seek(at);
    let mut bytes = Vec::new();
    window.take(length).read_to_end(&mut bytes).map_err(|error| stop(&error))?;
    Ok(bytes)
}

/// A little-endian number of so many octets; none beyond the end.
fn number(bytes: &[u8], at: usize, octets: usize) -> Option<u64> {
    let field = bytes.get(at..at.checked_add(octets)?)?;
    Some(field.iter().rev().fold(0, |number, octet| number << 8 | u64::from(*octet)))
}

/// A buffered view of the file with a place of its own, though all views share one handle.
struct Window<'a> {
    file: &'a File,
    buffer: Box<[u8]>,
    /// Where in the file the buffer begins.
    begins: u64,
    filled: usize,
    taken: usize,
}

impl<'a> Window<'a> {
    fn new(file: &'a File) -> Self {
        Self { file, buffer: vec![0; 64 * 1024].into(), begins: 0, filled: 0, taken: 0 }
    }

    fn seek(&mut self, at: u64) {
        let inside = at.checked_sub(self.begins).and_then(|skip| usize::try_from(skip).ok());
        match inside.filter(|skip| *skip <= self.filled) {
            Some(skip) => self.taken = skip,
            None => (self.begins, self.filled, self.taken) = (at, 0, 0),
        }
    }
}

impl Read for Window<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let size = ready.len().min(buffer.len());
        buffer[..size].copy_from_slice(&ready[..size]);
        self.consume(size);
        Ok(size)
    }
}

impl BufRead for Window<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken == self.filled {
            self.begins =
                self.begins.saturating_add(u64::try_from(self.filled).unwrap_or(u64::MAX));
            (self.filled, self.taken) = (0, 0);
            self.file.seek(SeekFrom::Start(self.begins))?;
            self.filled = self.file.read(&mut self.buffer)?;
        }
        Ok(&self.buffer[self.taken..self.filled])
    }

    fn consume(&mut self, amount: usize) {
        self.taken = (self.taken + amount).min(self.filled);
    }
}
