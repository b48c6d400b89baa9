//! Archives, read as streams: nothing is written to disk, nothing is followed, everything is bounded.

mod bounds;
mod tar;
mod zip;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Component, Path};

use flate2::bufread::MultiGzDecoder;

use super::files::{self, Packing};
use bounds::Bounded;

/// Bytes that are buffered on each side of a decoder.
const BUFFER: usize = 64 * 1024;

/// Why an archive was not read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// It is broken there, or of a kind that is not read.
    Broken(String),
    /// A limit of ours was reached.
    Limit(String),
}

/// What an archive holds under one name.
pub enum Member<'a> {
    /// A file that may hold certificates.
    File(&'a mut dyn BufRead),
    /// Something that is not opened, and why.
    Closed(&'static str),
}

/// Takes members by name, and says whether to go on.
pub type Visit<'a> = dyn FnMut(&str, Member<'_>) -> bool + 'a;

/// Gives every member that may hold certificates to `visit`; returns the bytes that were unpacked.
/// Members of other kinds are passed over, as in a folder.
pub fn read(file: File, packing: Packing, visit: &mut Visit<'_>) -> Result<u64, Stop> {
    let size = file.metadata().map_err(|error| bounds::stop(&error))?.len();
    let packed = BufReader::with_capacity(BUFFER, file);
    match packing {
        Packing::Zip => zip::read(packed.get_ref(), visit),
        Packing::Tar => {
            let mut reader = Bounded::new(packed, bounds::MAX_UNPACKED_BYTES);
            tar::read(&mut reader, visit)?;
            Ok(reader.given())
        }
        Packing::TarGz => {
            let unpacked = BufReader::with_capacity(BUFFER, MultiGzDecoder::new(packed));
            let mut reader = Bounded::new(unpacked, bounds::allowance(size));
            tar::read(&mut reader, visit)?;
            Ok(reader.given())
        }
    }
}

/// What is to be done with a member, told by its name.
enum Named {
    /// It is none of ours.
    PassOver,
    /// It may hold certificates.
    Read(String),
    /// It is told, and not opened.
    Tell(String, &'static str),
}

/// Judges a member's name, which is hostile. Nothing is ever written under it; a name that leads out
/// says that somebody built the archive to be dangerous to others, so it is told.
fn named(name: &[u8]) -> Named {
    let name = String::from_utf8_lossy(name);
    let path = Path::new(name.as_ref());
    let shown = || crate::text::cut(name.trim_start_matches("./").as_bytes());
    let nested = files::packing(path).is_some();
    if !files::is_certificate(path) && !nested {
        return Named::PassOver;
    }
    let inside =
        path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !inside || name.contains('\\') {
        return Named::Tell(shown(), "its name leads out of the archive");
    }
    if nested {
        return Named::Tell(shown(), "it is an archive inside an archive");
    }
    Named::Read(shown())
}
