//! The files of a commit: written out to be read by probes, and nothing but files.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Component, Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;

use super::Checkout;
use crate::failure::Failure;

/// Files of one commit that are written out.
const MAX_FILES: usize = 100_000;
/// Bytes of one file. A larger one is left out, and what names it says that it is not there.
const MAX_FILE: u64 = 64 * 1024 * 1024;
/// Bytes of all files of one commit.
const MAX_BYTES: u64 = 1024 * 1024 * 1024;

/// The files of a commit.
#[derive(Debug)]
pub struct Tree {
    folder: TempDir,
    commit: String,
}

/// A file that git lists.
struct Blob {
    id: String,
    size: u64,
    path: PathBuf,
}

impl Tree {
    pub(super) fn export(checkout: &Checkout, commit: &str) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new()
            .prefix("plumbline-")
            .tempdir()
            .map_err(|error| Failure::new(format!("no temporary folder: {error}")))?;
        let blobs = list(checkout, commit)?;
        write(checkout, &blobs, folder.path())?;
        Ok(Self { folder, commit: commit.to_owned() })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// The commit.
    pub fn commit(&self) -> &str {
        &self.commit
    }

    /// The text of a file; none if there is no such file.
    pub fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Failure> {
        let path = self.root().join(inside(path)?);
        let Ok(file) = std::fs::File::open(&path) else { return Ok(None) };
        let mut bytes = Vec::new();
        file.take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())))?;
        if bytes.len() as u64 > limit {
            return Err(Failure::new(format!("{}: larger than {limit} bytes", path.display())));
        }
        Ok(Some(bytes))
    }

    /// Puts a file of another commit in the place of this one's.
    pub fn take(&self, from: &Self, path: &Path) -> Result<(), Failure> {
        let (from, to) = (from.root().join(path), self.root().join(path));
        if !from.is_file() {
            return Ok(());
        }
        to.parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::copy(&from, &to))
            .map(drop)
            .map_err(|error| Failure::new(format!("cannot write {}: {error}", to.display())))
    }

    /// True if something is there.
    pub fn has(&self, path: &Path) -> bool {
        self.root().join(path).exists()
    }
}

/// A path from the repository's root that stays in it, without any `.` or `..`.
pub fn inside(path: &str) -> Result<PathBuf, Failure> {
    let mut clean = PathBuf::new();
    for part in Path::new(path).components() {
        let stays = match part {
            Component::Normal(name) => {
                clean.push(name);
                true
            }
            Component::CurDir => true,
            Component::ParentDir => clean.pop(),
            Component::RootDir | Component::Prefix(_) => false,
        };
        if !stays {
            return Err(Failure::new(format!(
                "`{}` leads out of the repository; paths are relative and stay inside it",
                path.escape_debug()
            )));
        }
    }
    Ok(clean)
}

/// Plain files only: neither links, which could lead anywhere, nor other repositories.
fn list(checkout: &Checkout, commit: &str) -> Result<Vec<Blob>, Failure> {
    let listed = checkout.git(&["ls-tree", "-r", "-l", "-z", "--full-tree", commit])?;
    let mut blobs = Vec::new();
    let mut bytes = 0;
    for line in listed.split_terminator('\0') {
        let Some((meta, path)) = line.split_once('\t') else { continue };
        let mut words = meta.split_ascii_whitespace();
        let (mode, kind, id, size) = (words.next(), words.next(), words.next(), words.next());
        let (Some("100644" | "100755"), Some("blob"), Some(id)) = (mode, kind, id) else {
            continue;
        };
        let size: u64 = size.and_then(|size| size.parse().ok()).unwrap_or(u64::MAX);
        if size > MAX_FILE {
            continue;
        }
        bytes += size;
        let Ok(path) = inside(path) else { continue };
        blobs.push(Blob { id: id.to_owned(), size, path });
    }
    if blobs.len() > MAX_FILES || bytes > MAX_BYTES {
        return Err(Failure::new(format!(
            "commit {} has {} files with {bytes} bytes; at most {MAX_FILES} files and {MAX_BYTES} \
             bytes are read",
            &commit[..commit.len().min(12)],
            blobs.len()
        )));
    }
    Ok(blobs)
}

fn write(checkout: &Checkout, blobs: &[Blob], folder: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("cannot read from git: {error}"));
    let mut command = checkout.command();
    command.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut git = command.stderr(Stdio::null()).spawn().map_err(failed)?;
    let (mut asked, answered) =
        (git.stdin.take().expect("piped"), git.stdout.take().expect("piped"));
    let mut answered = BufReader::new(answered);
    // One at a time: neither side ever waits for a pipe that the other has filled.
    let mut seen: BTreeMap<&str, &Path> = BTreeMap::new();
    for blob in blobs {
        let path = folder.join(&blob.path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        if let Some(same) = seen.get(blob.id.as_str()) {
            std::fs::copy(folder.join(same), &path).map_err(failed)?;
            continue;
        }
        writeln!(asked, "{}", blob.id).and_then(|()| asked.flush()).map_err(failed)?;
        let mut head = String::new();
        answered.read_line(&mut head).map_err(failed)?;
        let size = head.trim_end().rsplit(' ').next().and_then(|size| size.parse::<u64>().ok());
        if size != Some(blob.size) {
            return Err(Failure::new(format!("git has no file {} any more", blob.path.display())));
        }
        let mut file = std::fs::File::create(&path).map_err(failed)?;
        std::io::copy(&mut (&mut answered).take(blob.size), &mut file).map_err(failed)?;
        answered.read_exact(&mut [0]).map_err(failed)?;
        seen.insert(&blob.id, &blob.path);
    }
    drop(asked);
    git.wait().map_err(failed)?;
    Ok(())
}
