//! Which files belong to a set: one file, or everything below a folder that looks like a
//! certificate, without following a link out of it.

use std::fs;
use std::path::{Path, PathBuf};

use model::evidence::Unreadable;

use crate::text;

/// Folders below the declared one that are looked into.
const MAX_DEPTH: usize = 16;

/// Most files of one set.
pub const MAX_FILES: usize = 1 << 20;

/// Endings of files in a folder or an archive that are read; others (keys, requests, notes) are
/// passed over.
const ENDINGS: [&str; 7] = ["pem", "crt", "cer", "der", "p12", "pfx", "cert"];

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// An archive of POSIX.1-1988 (ustar), POSIX.1-2001 (pax) or GNU.
    Tar,
    /// The same through gzip (RFC 1952).
    TarGz,
    /// An archive of PKWARE's APPNOTE 6.3.
    Zip,
}

/// The files of a set, sorted by path. A fleet may have a million of them, so only what lies below
/// the root is kept of each.
#[derive(Debug, Default)]
pub struct Files {
    root: PathBuf,
    /// How evidence names the root where it is one file.
    declared: Option<String>,
    below: Vec<Box<Path>>,
    /// Folders and links that were not entered, and why.
    pub skipped: Vec<Unreadable>,
    /// True if there are more than [`MAX_FILES`].
    pub too_many: bool,
}

impl Files {
    /// How many there are to read.
    pub fn len(&self) -> usize {
        self.below.len()
    }

    /// How evidence names a file: below the declared folder, with `/`, cut.
    pub fn place(&self, number: usize) -> String {
        match (&self.declared, self.below.get(number)) {
            (Some(declared), _) => text::cut(declared.as_bytes()),
            (None, Some(below)) => place(below),
            (None, None) => String::new(),
        }
    }

    /// Where a file is.
    pub fn path(&self, number: usize) -> Option<PathBuf> {
        let below = self.below.get(number)?;
        Some(if self.declared.is_some() { self.root.clone() } else { self.root.join(below) })
    }
}

/// Lists a file or a folder. The error says why there is nothing to list.
pub fn list(path: &Path, declared: &str) -> Result<Files, String> {
    let cannot = |error: &std::io::Error| format!("cannot read `{declared}`: {}", error.kind());
    let root = path.canonicalize().map_err(|error| cannot(&error))?;
    if root.is_file() {
        let declared = Some(declared.to_owned());
        return Ok(Files { root, declared, below: vec![Path::new("").into()], ..Files::default() });
    }
    // The first level must be readable; deeper ones are reported and passed over.
    fs::read_dir(&root).map_err(|error| cannot(&error))?;
    let mut walk = Walk { root: &root, files: Files::default() };
    walk.folder(&root, 0);
    let mut files = Files { root: root.clone(), ..walk.files };
    files.below.sort_unstable();
    files.skipped.sort();
    Ok(files)
}

/// True for a name whose ending says that it holds a certificate.
pub fn is_certificate(path: &Path) -> bool {
    ending(path).is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// How a file is packed, told by its ending.
pub fn packing(path: &Path) -> Option<Packing> {
    match ending(path)?.as_str() {
        "tar" => Some(Packing::Tar),
        "tgz" => Some(Packing::TarGz),
        "zip" => Some(Packing::Zip),
        "gz" if ending(path.file_stem()?.as_ref())? == "tar" => Some(Packing::TarGz),
        _ => None,
    }
}

/// True for a file whose ending says PKCS#12.
pub fn is_pkcs12(path: &Path) -> bool {
    matches!(ending(path).as_deref(), Some("p12" | "pfx"))
}

/// True for a file whose ending says CSV.
pub fn is_csv(path: &Path) -> bool {
    ending(path).as_deref() == Some("csv")
}

fn ending(path: &Path) -> Option<String> {
    path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase())
}

struct Walk<'a> {
    root: &'a Path,
    files: Files,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, depth: usize) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.skip(folder, &error.kind().to_string()),
        };
        for entry in entries {
            if self.files.too_many {
                return;
            }
            match entry {
                Ok(entry) => self.entry(&entry, depth),
                Err(error) => self.skip(folder, &error.kind().to_string()),
            }
        }
    }

    fn entry(&mut self, entry: &fs::DirEntry, depth: usize) {
        let path = entry.path();
        // `..data` and its like: the inside of a projected volume, whose files are linked beside it.
        if entry.file_name().as_encoded_bytes().starts_with(b"..") {
            return;
        }
        let Ok(kind) = entry.file_type() else {
            return self.skip(&path, "its kind cannot be told");
        };
        if kind.is_dir() {
            if depth < MAX_DEPTH {
                self.folder(&path, depth + 1);
            } else {
                self.skip(&path, "it lies deeper than 16 folders");
            }
        } else if is_certificate(&path) || packing(&path).is_some() {
            if kind.is_symlink() {
                self.link(&path);
            } else if kind.is_file() {
                self.file(&path);
            } else {
                self.skip(&path, "it is not a regular file");
            }
        }
    }

    /// A link to a file counts if it stays inside the set; a link to a folder is not followed.
    fn link(&mut self, path: &Path) {
        match path.canonicalize() {
            Ok(target) if !target.starts_with(self.root) => {
                self.skip(path, "it is a link that leads out of the folder");
            }
            Ok(target) if target.is_file() => self.file(path),
            Ok(_) => self.skip(path, "it is a link to something that is no file"),
            Err(_) => self.skip(path, "it is a link to nothing"),
        }
    }

    fn file(&mut self, path: &Path) {
        if self.files.below.len() >= MAX_FILES {
            self.files.too_many = true;
            return;
        }
        self.files.below.push(path.strip_prefix(self.root).unwrap_or(path).into());
    }

    fn skip(&mut self, path: &Path, reason: &str) {
        let place = place(path.strip_prefix(self.root).unwrap_or(path));
        self.files.skipped.push(Unreadable { place, reason: reason.to_owned() });
    }
}

fn place(below: &Path) -> String {
    let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
    text::cut(parts.join("/").as_bytes())
}
