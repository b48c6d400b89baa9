//! The repository as git has it. A pull request may change every file of the checkout, the
//! attributes of git among them: what is judged comes from the object store, never through a filter.

mod changed;
mod tree;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub use changed::Changed;
pub use tree::{Tree, inside};

use crate::event::Pull;
use crate::failure::Failure;

/// A checkout.
#[derive(Debug, Clone)]
pub struct Checkout {
    root: PathBuf,
}

/// The two commits that a pull request is judged by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commits {
    /// What would be there without it.
    pub base: String,
    /// What would be there with it.
    pub head: String,
}

impl Checkout {
    /// The checkout that a folder belongs to.
    pub fn find(folder: &Path) -> Result<Self, Failure> {
        let here = Self { root: folder.to_owned() };
        let root = here.git(&["rev-parse", "--show-toplevel"]).map_err(|error| {
            Failure::new(format!(
                "{} is no checkout of git ({error}); check the repository out before this step",
                folder.display()
            ))
        })?;
        Ok(Self { root: PathBuf::from(root.trim_end()) })
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The commit that is checked out.
    pub fn head(&self) -> Result<String, Failure> {
        self.commit("HEAD").ok_or_else(|| Failure::new("the checkout has no commit yet"))
    }

    fn commit(&self, name: &str) -> Option<String> {
        let name = format!("{name}^{{commit}}");
        self.git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &name])
            .ok()
            .map(|sha| sha.trim_end().to_owned())
    }

    /// What a pull request is judged by: what is checked out, and what it would be without the
    /// pull request's own commits.
    pub fn commits(&self, pull: &Pull) -> Result<Commits, Failure> {
        let head = self.head()?;
        // GitHub checks out the merge of the two tips: the first is what would be there anyway.
        if self.commit(&format!("{head}^2")).as_deref() == Some(pull.head.as_str()) {
            let base = self.commit(&format!("{head}^1")).ok_or_else(|| self.shallow(&pull.base))?;
            return Ok(Commits { base, head });
        }
        if self.commit(&pull.base).is_none() {
            return Err(self.shallow(&pull.base));
        }
        let base = self
            .git(&["merge-base", &pull.base, &head])
            .map_err(|_| self.shallow(&pull.base))?
            .trim_end()
            .to_owned();
        Ok(Commits { base, head })
    }

    /// The text of a file of a commit; none if it is not there, or is no text of such a size.
    pub fn text(&self, commit: &str, path: &str, limit: usize) -> Option<String> {
        let name = format!("{commit}:{path}");
        let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", &name];
        let id = self.git(&args).ok()?.trim_end().to_owned();
        let size: usize = self.git(&["cat-file", "-s", &id]).ok()?.trim_end().parse().ok()?;
        if size > limit { None } else { self.git(&["cat-file", "blob", &id]).ok() }
    }

    /// The files of a folder of a commit, from the repository's root; none where there is no such
    /// folder.
    pub fn files(&self, commit: &str, folder: &str) -> Vec<String> {
        let args = ["ls-tree", "-z", "--name-only", "--full-tree", commit, folder];
        let listed = self.git(&args).unwrap_or_default();
        listed.split_terminator('\0').map(str::to_owned).collect()
    }

    fn shallow(&self, base: &str) -> Failure {
        Failure::new(format!(
            "the checkout does not hold the base of this pull request ({}): give actions/checkout \
             `fetch-depth: 2`, or `fetch-depth: 0` with a `ref` of your own",
            &base[..base.len().min(12)]
        ))
    }

    /// The files of a commit, in a folder of their own.
    pub fn tree(&self, commit: &str) -> Result<Tree, Failure> {
        Tree::export(self, commit)
    }

    /// Lines that differ between two commits.
    pub fn changed(&self, commits: &Commits) -> Result<Changed, Failure> {
        Changed::between(self, commits)
    }

    /// A command of git, deaf to the machine's own settings.
    fn command(&self) -> Command {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(&self.root)
            .args(["-c", "core.quotePath=false", "-c", "core.fsmonitor=false"])
            .args(["-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null"])
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        command
    }

    fn git(&self, args: &[&str]) -> Result<String, Failure> {
        let output = self
            .command()
            .args(args)
            .output()
            .map_err(|error| Failure::new(format!("git cannot be run: {error}")))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said.lines().next().unwrap_or("no reason given").to_owned();
            return Err(Failure::new(format!("git {}: {said}", args[0])));
        }
        String::from_utf8(output.stdout)
            .map_err(|_| Failure::new(format!("git {}: its answer is not UTF-8", args[0])))
    }
}
