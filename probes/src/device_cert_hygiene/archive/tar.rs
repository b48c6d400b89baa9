//! Tar: ustar headers (POSIX.1-1988), GNU long names, pax headers (POSIX.1-2001).

use std::io::{self, BufRead, Read as _};

use super::bounds::{MAX_ENTRIES, stop, too_many};
use super::{Member, Named, Stop, Visit, named};

/// Bytes of a header, and the unit that everything is padded to.
const BLOCK: usize = 512;

/// Longest name or pax header that is read; longer ones are passed over with their member's name
/// as the plain header has it.
const MAX_HEADER: u64 = 64 * 1024;

/// What a header says.
struct Header {
    name: Vec<u8>,
    size: u64,
    kind: u8,
}

/// What extension headers say about the next member.
#[derive(Default)]
struct Extended {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

/// Gives every member to `visit`.
pub fn read(reader: &mut dyn BufRead, visit: &mut Visit<'_>) -> Result<(), Stop> {
    let mut extended = Extended::default();
    for entries in 0.. {
        if entries >= MAX_ENTRIES {
            return Err(too_many());
        }
        let Some(mut header) = header(reader)? else { return Ok(()) };
        if matches!(header.kind, b'L' | b'x') {
            extend(reader, &header, &mut extended)?;
            continue;
        }
        let Extended { name, size } = std::mem::take(&mut extended);
        header.name = name.unwrap_or(header.name);
        header.size = size.unwrap_or(header.size);
        let mut content = reader.take(header.size);
        let go_on = match (named(&header.name), header.kind) {
            (Named::PassOver, _) | (_, b'g' | b'K' | b'5') => true,
            (Named::Tell(name, reason), _) => visit(&name, Member::Closed(reason)),
            (Named::Read(name), b'0' | 0 | b'7') => visit(&name, Member::File(&mut content)),
            (Named::Read(name), _) => {
                visit(&name, Member::Closed("it is a link or a device, which is not followed"))
            }
        };
        if !go_on {
            return Ok(());
        }
        io::copy(&mut content, &mut io::sink()).map_err(|error| stop(&error))?;
        if content.limit() > 0 {
            return Err(Stop::Broken("it ends too early".to_owned()));
        }
        skip(reader, padding(header.size))?;
    }
    Ok(())
}

/// The next header; none at the end, which is a block of zeros or nothing at all.
fn header(reader: &mut dyn BufRead) -> Result<Option<Header>, Stop> {
    if reader.fill_buf().map_err(|error| stop(&error))?.is_empty() {
        return Ok(None);
    }
    let mut block = [0; BLOCK];
    reader.read_exact(&mut block).map_err(|error| stop(&error))?;
    if block.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let broken = || Stop::Broken("it is no tar archive, or a header of it is broken".to_owned());
    // The sum over the header with its own field as blanks.
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    let own: u64 = block[148..156].iter().map(|byte| u64::from(*byte)).sum();
    if number(&block[148..156]) != Some(sum - own + 8 * u64::from(b' ')) {
        return Err(broken());
    }
    let size = number(&block[124..136]).ok_or_else(broken)?;
    let mut name = text(&block[..100]).to_vec();
    if &block[257..263] == b"ustar\0" && block[345] != 0 {
        name = [text(&block[345..500]), b"/", &name].concat();
    }
    Ok(Some(Header { name, size, kind: block[156] }))
}

/// Takes in a header that speaks about the next member.
fn extend(reader: &mut dyn BufRead, header: &Header, extended: &mut Extended) -> Result<(), Stop> {
    if header.size > MAX_HEADER {
        return skip(reader, header.size.saturating_add(padding(header.size)));
    }
    let mut content = Vec::new();
    reader.take(header.size).read_to_end(&mut content).map_err(|error| stop(&error))?;
    if header.kind == b'L' {
        extended.name = Some(text(&content).to_vec());
    } else {
        records(&content, extended);
    }
    skip(reader, padding(header.size))
}

/// The records of a pax header, `<length> <keyword>=<value>\n`; ends at the first broken one.
fn records(mut rest: &[u8], extended: &mut Extended) {
    while let Some(blank) = rest.iter().position(|byte| *byte == b' ') {
        let length = std::str::from_utf8(&rest[..blank]).ok().and_then(|text| text.parse().ok());
        let Some(length) = length.filter(|length| *length > blank && *length <= rest.len()) else {
            return;
        };
        let record = rest[blank + 1..length].strip_suffix(b"\n").unwrap_or_default();
        if let Some(path) = record.strip_prefix(b"path=") {
            extended.name = Some(path.to_vec());
        } else if let Some(size) = record.strip_prefix(b"size=") {
            extended.size = std::str::from_utf8(size).ok().and_then(|text| text.parse().ok());
        }
        rest = &rest[length..];
    }
}

/// A number: octal digits, or base 256 where the first bit is set, as GNU writes large ones.
fn number(field: &[u8]) -> Option<u64> {
    if let [0x80, rest @ ..] = field {
        let (high, low) = rest.split_at(rest.len().checked_sub(8)?);
        let low = u64::from_be_bytes(low.try_into().ok()?);
        return high.iter().all(|byte| *byte == 0).then_some(low);
    }
    let digits = std::str::from_utf8(field).ok()?.trim_matches(['\0', ' ']);
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

/// A field up to its first zero.
fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn padding(size: u64) -> u64 {
    let block = BLOCK as u64;
    (block - size % block) % block
}

fn skip(reader: &mut dyn BufRead, bytes: u64) -> Result<(), Stop> {
    let skipped =
        io::copy(&mut reader.take(bytes), &mut io::sink()).map_err(|error| stop(&error))?;
    if skipped < bytes {
        return Err(Stop::Broken("it ends too early".to_owned()));
    }
    Ok(())
}
