//! Archives whose bytes depend on nothing but what is in them.

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

/// Files by their path below the root of an archive, without a leading slash.
#[derive(Debug, Default, Clone)]
pub struct Files<'a>(BTreeMap<String, (u32, &'a [u8])>);

impl<'a> Files<'a> {
    /// With a file that everybody may read.
    pub fn file(mut self, path: impl Into<String>, content: &'a [u8]) -> Self {
        self.0.insert(path.into(), (0o644, content));
        self
    }

    /// With a file that everybody may read and execute.
    pub fn program(mut self, path: impl Into<String>, content: &'a [u8]) -> Self {
        self.0.insert(path.into(), (0o755, content));
        self
    }

    /// A tar archive: entries sorted by path, the folders they are in before them, owned by root,
    /// dated 1970.
    pub fn tar(&self) -> io::Result<Vec<u8>> {
        let mut entries: BTreeMap<String, Option<(u32, &[u8])>> = BTreeMap::new();
        for (path, file) in &self.0 {
            for (end, _) in path.match_indices('/') {
                entries.insert(path[..=end].to_owned(), None);
            }
            entries.insert(path.clone(), Some(*file));
        }
        let mut archive = Builder::new(Vec::new());
        for (path, entry) in entries {
            let (kind, mode, content) = match entry {
                Some((mode, content)) => (EntryType::Regular, mode, content),
                None => (EntryType::Directory, 0o755, &[][..]),
            };
            let mut header = Header::new_ustar();
            header.set_entry_type(kind);
            header.set_mode(mode);
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(0);
            header.set_size(content.len() as u64);
            archive.append_data(&mut header, path, content)?;
        }
        archive.into_inner()
    }
}

/// `content` in gzip, without a name, a time or a system in its header.
pub fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    /// "Unknown" (RFC 1952, section 2.3.1).
    const NO_SYSTEM: u8 = 255;
    let mut packed = GzBuilder::new()
        .mtime(0)
        .operating_system(NO_SYSTEM)
        .write(Vec::new(), Compression::default());
    packed.write_all(content)?;
    packed.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_sorted_with_their_folders_before_them_and_carry_no_owner_or_time() {
        let files = Files::default()
            .program("plumb", b"\x7fELF")
            .file("etc/ssl/certs/ca.crt", b"pem")
            .file("etc/passwd", b"root");
        let tar = files.tar().unwrap();
        let mut archive = tar::Archive::new(tar.as_slice());
        let mut listing = Vec::new();
        for entry in archive.entries().unwrap() {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            assert_eq!(header.mtime().unwrap(), 0);
            assert_eq!(header.username().unwrap(), Some(""));
            let path = entry.path().unwrap().display().to_string();
            listing.push(format!("{path} {:o} {}", header.mode().unwrap(), entry.size()));
        }
        assert_eq!(
            listing,
            [
                "etc/ 755 0",
                "etc/passwd 644 4",
                "etc/ssl/ 755 0",
                "etc/ssl/certs/ 755 0",
                "etc/ssl/certs/ca.crt 644 3",
                "plumb 755 4",
            ]
        );
    }

    #[test]
    fn gzip_gives_back_what_went_in_and_says_nothing_of_the_machine() {
        let packed = gzip(b"the same").unwrap();
        let mut read = String::new();
        io::Read::read_to_string(&mut flate2::read::GzDecoder::new(packed.as_slice()), &mut read)
            .unwrap();
        assert_eq!(read, "the same");
        // Flags, time, extra flags, system: RFC 1952, section 2.3.
        assert_eq!(packed[3..10], [0, 0, 0, 0, 0, 0, 255]);
    }
}
