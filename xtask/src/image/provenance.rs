//! Which commit an image is made of, and when.

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use jiff::Timestamp;

use crate::shell::capture;

/// Where the sources stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// The commit, with `-dirty` behind it if files differ from it; none outside of git.
    pub revision: Option<String>,
    /// Time of the image: `SOURCE_DATE_EPOCH`, else the commit's, else 1970. Never now.
    pub created: Timestamp,
}

/// Asks git, and the environment.
pub fn of(root: &Path) -> anyhow::Result<Provenance> {
    let git = |arguments: &[&str]| capture(Command::new("git").current_dir(root).args(arguments));
    // A source archive has no git, and is built all the same.
    let commit = git(&["log", "-1", "--format=%H %ct"]).ok();
    let commit = commit.as_deref().and_then(|line| line.trim().split_once(' '));
    let revision = match commit {
        Some((hash, _)) if git(&["status", "--porcelain"])?.is_empty() => Some(hash.to_owned()),
        Some((hash, _)) => Some(format!("{hash}-dirty")),
        None => None,
    };
    let epoch = std::env::var("SOURCE_DATE_EPOCH").ok();
    let created = created(epoch.as_deref(), commit.map(|(_, seconds)| seconds))?;
    Ok(Provenance { revision, created })
}

fn created(epoch: Option<&str>, commit: Option<&str>) -> anyhow::Result<Timestamp> {
    let seconds = match (epoch, commit) {
        (Some(epoch), _) => epoch.parse().with_context(|| {
            format!("SOURCE_DATE_EPOCH is `{epoch}`: expected whole seconds since 1970")
        })?,
        (None, Some(commit)) => commit.parse().context("git gave a commit without a time")?,
        (None, None) => 0,
    };
    Timestamp::from_second(seconds).context("the time of the image is out of range")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_comes_before_the_commit_and_the_commit_before_1970() {
        let text = |epoch, commit| created(epoch, commit).unwrap().to_string();
        assert_eq!(text(Some("1700000000"), Some("1")), "2023-11-14T22:13:20Z");
        assert_eq!(text(None, Some("1")), "1970-01-01T00:00:01Z");
        assert_eq!(text(None, None), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn a_time_that_is_no_number_is_an_error_that_names_the_variable() {
        let error = created(Some("yesterday"), None).unwrap_err().to_string();
        assert!(error.contains("SOURCE_DATE_EPOCH is `yesterday`"), "{error}");
        assert!(created(Some("99999999999999"), None).is_err());
    }
}
