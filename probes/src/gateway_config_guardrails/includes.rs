//! The files of one configuration: the declared one, and those that it names, read inside one
//! folder only. Nothing outside that folder is opened, whatever a path or a symlink says.

use std::fs;
use std::path::{Component, Path, PathBuf};

use model::document::{GatewayConfig, Source};

use crate::{Context, source};

/// Largest file, in bytes.
pub const MAX_FILE_BYTES: usize = 4 * 1024 * 1024;

/// Most files of one configuration.
pub const MAX_FILES: usize = 256;

/// Most bytes over all files of one configuration.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// A file as text.
#[derive(Debug, Clone)]
pub struct Text {
    /// How evidence names the file.
    pub name: String,
    /// Its content without a byte order mark. Bytes that are no UTF-8 are taken as Latin-1.
    pub content: String,
    /// Whether it began with a byte order mark.
    pub marked: bool,
}

/// Why a file of the configuration could not be read. Never holds content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// The declared source cannot be read.
    #[error(transparent)]
    Source(#[from] source::SourceError),
    /// A file or folder that the configuration names is not in the folder that may be read.
    #[error("it is not beside the configuration; add it to the folder that the target names")]
    NotInEvidence,
    /// It is there, but leads out of the folder.
    #[error("it leads out of the folder that may be read")]
    OutsideFolder,
    /// A limit is reached.
    #[error("it goes beyond the limit of {0}")]
    Limit(&'static str),
    /// There is a NUL byte in it.
    #[error("it holds a NUL byte at line {line}, column {column}, so it is no text")]
    Nul {
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
    },
}

/// The files of one configuration.
#[derive(Debug)]
pub struct Files {
    folder: Option<Folder>,
    names: Vec<String>,
    bytes: usize,
}

/// The folder that may be read, and the place of the declared file in it; both canonical.
#[derive(Debug)]
struct Folder {
    root: PathBuf,
    beside: PathBuf,
}

impl Files {
    /// Reads the declared file. Further files are looked for in the folder of the document that
    /// declares it, or, where the file lies outside, in the folder of the file.
    pub async fn open(context: &Context, config: &GatewayConfig) -> Result<(Self, Text), Unread> {
        let declared = config.source();
        let content = source::bytes(context, &declared).await?;
        let folder = declared.path.as_deref().and_then(|path| Folder::of(context, path));
        let mut files = Self { folder, names: Vec::new(), bytes: 0 };
        let text = files.admit(source::place(&declared), content)?;
        Ok((files, text))
    }

    /// No folder: nothing that the configuration names is there.
    #[cfg(test)]
    pub const fn none() -> Self {
        Self { folder: None, names: Vec::new(), bytes: 0 }
    }

    /// Reads a further file that the target declares.
    pub async fn declared(&mut self, context: &Context, from: &Source) -> Result<Text, Unread> {
        let content = source::bytes(context, from).await?;
        self.admit(source::place(from), content)
    }

    /// Names of the files that were read, in order of reading.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The text of a file that the configuration names.
    pub fn read(&mut self, named: &str) -> Result<Text, Unread> {
        let path = self.locate(named)?;
        self.read_at(&path)
    }

    /// The files of a folder that the configuration names and whose names end in `suffix`, in the
    /// order that mosquitto reads them in: without regard to case.
    pub fn read_folder(&mut self, named: &str, suffix: &str) -> Result<Vec<Text>, Unread> {
        let folder = self.locate(named)?;
        let mut names = Vec::new();
        for entry in fs::read_dir(&folder).map_err(|_| Unread::NotInEvidence)?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(suffix) && name.len() > suffix.len() {
                names.push(name);
            }
            if names.len() > MAX_FILES {
                return Err(Unread::Limit("256 files"));
            }
        }
        names.sort_by_key(|name| (name.to_lowercase(), name.clone()));
        names.iter().map(|name| self.read_at(&self.inside(&folder.join(name))?)).collect()
    }

    /// Permission bits of a file that the configuration names, where it is here and is not a
    /// volume that Kubernetes projects (its bits say nothing about who may read it).
    #[cfg(unix)]
    pub fn mode(&self, named: &str) -> Option<u32> {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.locate(named).ok()?;
        let projected = path
            .components()
            .any(|part| matches!(part, Component::Normal(name) if name.to_string_lossy().starts_with("..")));
        let metadata = fs::metadata(&path).ok()?;
        (metadata.is_file() && !projected).then(|| metadata.permissions().mode() & 0o7777)
    }

    /// Permission bits mean nothing here.
    #[cfg(not(unix))]
    pub fn mode(&self, _named: &str) -> Option<u32> {
        None
    }

    /// The place of something that the configuration names: relative to the file, then relative
    /// to the folder. An absolute path counts as it stands if it lies inside, else from the
    /// folder as its root, else by its last name beside the file.
    fn locate(&self, named: &str) -> Result<PathBuf, Unread> {
        let folder = self.folder.as_ref().ok_or(Unread::NotInEvidence)?;
        let path = Path::new(named);
        let stripped: PathBuf =
            path.components().filter(|part| matches!(part, Component::Normal(_))).collect();
        let candidates = if path.is_absolute() {
            let last = path.file_name().map(|name| folder.beside.join(name));
            [
                Some(path.to_owned()).filter(|path| folder.holds(path)),
                Some(folder.root.join(stripped)),
                last,
            ]
        } else {
            [Some(folder.beside.join(path)), Some(folder.root.join(path)), None]
        };
        let found = candidates.into_iter().flatten().find(|path| path.exists());
        self.inside(&found.ok_or(Unread::NotInEvidence)?)
    }

    /// The canonical form of a path, if that lies inside the folder.
    fn inside(&self, path: &Path) -> Result<PathBuf, Unread> {
        let folder = self.folder.as_ref().ok_or(Unread::NotInEvidence)?;
        let canonical = fs::canonicalize(path).map_err(|_| Unread::NotInEvidence)?;
        if folder.holds(&canonical) { Ok(canonical) } else { Err(Unread::OutsideFolder) }
    }

    fn read_at(&mut self, path: &Path) -> Result<Text, Unread> {
        let name = self.folder.as_ref().map_or_else(
            || path.display().to_string(),
            |folder| path.strip_prefix(&folder.root).unwrap_or(path).display().to_string(),
        );
        let content = source::file(path, &name)?;
        self.admit(name, content)
    }

    fn admit(&mut self, name: String, content: Vec<u8>) -> Result<Text, Unread> {
        self.bytes += content.len();
        if content.len() > MAX_FILE_BYTES {
            return Err(Unread::Limit("4 MiB for one file"));
        }
        if self.bytes > MAX_BYTES {
            return Err(Unread::Limit("16 MiB for all files"));
        }
        if self.names.len() >= MAX_FILES {
            return Err(Unread::Limit("256 files"));
        }
        let text = decode(crate::text::cut(name.as_bytes()), content)?;
        self.names.push(text.name.clone());
        Ok(text)
    }
}

/// Texts in the order of the bytes of their names, as programs read them that sort like `ls` does in
/// the locale C.
pub fn by_name(mut texts: Vec<Text>) -> Vec<Text> {
    texts.sort_by(|one, other| one.name.cmp(&other.name));
    texts
}

impl Folder {
    fn of(context: &Context, declared: &str) -> Option<Self> {
        let base = fs::canonicalize(&context.base).ok()?;
        let path = source::resolve(context, declared);
        let beside = fs::canonicalize(path.parent()?).ok()?;
        let root = if beside.starts_with(&base) { base } else { beside.clone() };
        Some(Self { root, beside })
    }

    fn holds(&self, path: &Path) -> bool {
        path.starts_with(&self.root)
            && !path.components().any(|part| matches!(part, Component::ParentDir))
    }
}

/// Bytes as text: UTF-8, else Latin-1, in which every byte is a character.
fn decode(name: String, content: Vec<u8>) -> Result<Text, Unread> {
    if let Some(at) = content.iter().position(|byte| *byte == 0) {
        let before = &content[..at];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        return Err(Unread::Nul { line, column });
    }
    let content = String::from_utf8(content)
        .unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect());
    let unmarked = content.strip_prefix('\u{feff}').map(str::to_owned);
    Ok(Text { name, marked: unmarked.is_some(), content: unmarked.unwrap_or(content) })
}
