//! The name of a branch, as a workflow gives it.

use std::fmt;
use std::str::FromStr;

/// The branch where none is named.
const USUAL: &str = "plumbline-data";
/// Characters of a name. git has no limit of its own, a file system has 255 for a part.
const LONGEST: usize = 100;

/// A branch: parts of plain letters, as git takes them (git, `check-ref-format`) and as they stand
/// in an address and in Markdown without being escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchName(String);

impl BranchName {
    /// The name of the ref.
    pub fn full(&self) -> String {
        format!("refs/heads/{}", self.0)
    }
}

impl Default for BranchName {
    fn default() -> Self {
        Self(USUAL.to_owned())
    }
}

impl fmt::Display for BranchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for BranchName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |part: &str| {
            !part.is_empty()
                && !part.starts_with(['.', '-'])
                && !part.ends_with('.')
                && !part.ends_with(".lock")
                && !part.contains("..")
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        let is_name = text.len() <= LONGEST
            && text.split('/').all(plain)
            && text != "HEAD"
            && !text.starts_with("refs/");
        if is_name {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "expected the name of a branch: at most {LONGEST} letters, digits, `-`, `_`, `.` and `/`, as \
             in `{USUAL}`"
        ))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use super::*;

    #[test]
    fn a_branch_has_a_name_that_neither_git_nor_a_page_can_misread() {
        for good in ["plumbline-data", "audit/edge.v2", "a", "x_1", &"n".repeat(LONGEST)] {
            assert_eq!(good.parse::<BranchName>().unwrap().full(), format!("refs/heads/{good}"));
        }
        for bad in [
            "",
            "/",
            "a/",
            "/a",
            "a//b",
            ".a",
            "a/.b",
            "a.",
            "a..b",
            "a.lock",
            "a.lock/b",
            "-a",
            "--upload-pack=touch x",
            "a b",
            "a\nb",
            "a:b",
            "a~1",
            "a^",
            "a?",
            "a*",
            "a[b",
            "a\\b",
            "a@{0}",
            "@",
            "HEAD",
            "refs/heads/main",
            "a`b",
            "a\u{202e}b",
            &"n".repeat(LONGEST + 1),
        ] {
            assert!(bad.parse::<BranchName>().is_err(), "{bad}");
        }
    }
}
