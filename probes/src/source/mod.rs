//! Reading a SOURCE: bounded, with errors that name the place and never the content.

#[cfg(test)]
mod tests;
mod web;

use std::fmt;
use std::path::{Path, PathBuf};

use model::document::{Source, without_secrets};

pub use web::WebError;

use crate::Context;
use crate::text::cut;

/// Most bytes that are read for one source.
pub const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// A secret in memory. It has no `Serialize`, and its `Debug` does not show it.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The secret, for the one place that presents it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// Why a source could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The file cannot be opened or read.
    #[error("cannot read `{path}`: {reason}")]
    Unreadable {
        /// As declared.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// The file is larger than [`MAX_BYTES`].
    #[error("`{path}` has {bytes} bytes, more than the {MAX_BYTES} that are read")]
    TooLarge {
        /// As declared.
        path: String,
        /// Its size.
        bytes: u64,
    },
    /// The variable is not set, or is not text.
    #[error("environment variable `{0}` is not set")]
    NoVariable(String),
    /// The file is no text.
    #[error("`{0}` is not UTF-8 text")]
    NotText(String),
    /// The address gives nothing.
    #[error("cannot read `{place}`: {error}")]
    Web {
        /// As declared, without what may be a secret.
        place: String,
        /// What went wrong.
        error: WebError,
    },
    /// A kind of source that this process cannot read.
    #[error("a source of kind `{0}` cannot be read here")]
    Unsupported(&'static str),
    /// No field is set.
    #[error("the source names nothing")]
    Empty,
}

/// The place of a declared path, relative to the document that names it.
pub fn resolve(context: &Context, path: &str) -> PathBuf {
    context.base.join(path)
}

/// How a source is named in evidence: its kind and name, never its content, and of an address
/// nothing that may be a secret.
pub fn place(source: &Source) -> String {
    if let Some(path) = &source.path {
        return path.clone();
    }
    if let Some(name) = &source.env {
        return format!("env {name}");
    }
    if let Some(reference) = &source.secret_ref {
        return format!("secret {}", reference.name);
    }
    if let Some(reference) = &source.config_map_ref {
        return format!("configMap {}", reference.name);
    }
    match &source.url {
        Some(url) => cut(without_secrets(url).as_bytes()),
        None => "nothing".to_owned(),
    }
}

/// The bytes behind a source.
pub async fn bytes(context: &Context, source: &Source) -> Result<Vec<u8>, SourceError> {
    if let Some(path) = &source.path {
        return file(&resolve(context, path), path);
    }
    if let Some(name) = &source.env {
        return std::env::var(name)
            .map(String::into_bytes)
            .map_err(|_| SourceError::NoVariable(name.clone()));
    }
    if let Some(url) = &source.url {
        let failed = |error| SourceError::Web { place: place(source), error };
        return web::read(url).await.map_err(failed);
    }
    match source.set_fields().first() {
        Some(field) => Err(SourceError::Unsupported(field)),
        None => Err(SourceError::Empty),
    }
}

/// The text behind a source.
pub async fn text(context: &Context, source: &Source) -> Result<String, SourceError> {
    String::from_utf8(bytes(context, source).await?)
        .map_err(|_| SourceError::NotText(place(source)))
}

/// The secret behind a source, with the line break that editors add taken off.
pub async fn secret(context: &Context, source: &Source) -> Result<Secret, SourceError> {
    Ok(Secret(text(context, source).await?.trim_end_matches(['\r', '\n']).to_owned()))
}

/// The bytes of one file, at most [`MAX_BYTES`]; `declared` is how errors name it.
pub fn file(path: &Path, declared: &str) -> Result<Vec<u8>, SourceError> {
    use std::io::Read as _;
    let unreadable = |error: std::io::Error| SourceError::Unreadable {
        path: declared.to_owned(),
        reason: reason(&error),
    };
    let handle = std::fs::File::open(path).map_err(unreadable)?;
    let metadata = handle.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(SourceError::Unreadable {
            path: declared.to_owned(),
            reason: "it is not a regular file".to_owned(),
        });
    }
    let mut content = Vec::new();
    handle.take(MAX_BYTES + 1).read_to_end(&mut content).map_err(unreadable)?;
    let size = u64::try_from(content.len()).unwrap_or(u64::MAX);
    if size > MAX_BYTES {
        return Err(SourceError::TooLarge {
            path: declared.to_owned(),
            bytes: metadata.len().max(size),
        });
    }
    Ok(content)
}

/// An I/O error in words that do not change between systems.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        kind => kind.to_string(),
    }
}
