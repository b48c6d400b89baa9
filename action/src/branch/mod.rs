//! A branch as the place of the dashboard: `README.md` says how the default branch stands, and
//! `record.json` has what the next run compares with. Its history is its own, a commit for each
//! change of what they say.

mod git;
mod name;

use jiff::Timestamp;

pub use name::BranchName;

use crate::dashboard::{Record, UNPACKED};
use crate::github::Fault;
use git::{Ended, Scratch};

/// The page.
const PAGE: &str = "README.md";
/// The record.
const RECORD: &str = "record.json";
/// Bytes of a list of the branch's files; ours are two.
const LISTED: u64 = 64 * 1024;
/// Where what was fetched is in the repository that it was fetched into.
const FETCHED: &str = "refs/heads/fetched";
/// Address of who workflows write as: <https://api.github.com/users/github-actions%5Bbot%5D>.
const WORKFLOWS: (&str, &str) =
    ("github-actions[bot]", "41898282+github-actions[bot]@users.noreply.github.com");

/// A branch of the repository on its server.
#[derive(Debug)]
pub struct Branch {
    git: Scratch,
    name: BranchName,
}

/// What a branch has.
#[derive(Debug)]
pub struct Kept {
    /// Its commit.
    pub commit: String,
    /// The page.
    pub page: Option<String>,
    /// The record; none if it is none that can be read.
    pub record: Option<Record>,
}

/// What a branch is to have.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// The page.
    pub page: &'a str,
    /// The record as JSON.
    pub record: &'a [u8],
    /// What the commit says.
    pub message: &'a str,
    /// Login of who writes.
    pub author: &'a str,
    /// When what it says was observed.
    pub at: Timestamp,
}

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The branch has it.
    Written,
    /// Another run has written since the branch was read.
    Overtaken,
}

/// What the server says of its branches.
struct Tips {
    /// The branch that is checked out where none is named.
    head: Option<String>,
    /// The commit of ours.
    ours: Option<String>,
}

impl Branch {
    /// A branch of the repository at an address, `https://server/owner/name`. Nothing is asked yet.
    pub async fn new(
        address: String,
        token: Option<&str>,
        name: BranchName,
    ) -> Result<Self, Fault> {
        Ok(Self { git: Scratch::new(address, token).await?, name })
    }

    /// Its name.
    pub const fn name(&self) -> &BranchName {
        &self.name
    }

    /// Where people see it.
    pub fn page(&self) -> String {
        format!("{}/tree/{}", self.git.address, self.name)
    }

    /// Where people see an issue.
    pub fn issue(&self, number: u64) -> String {
        format!("{}/issues/{number}", self.git.address)
    }

    /// Reads the branch; none if it is not there. A branch that has something else is a fault: what
    /// is written replaces all of its files.
    pub async fn read(&self) -> Result<Option<Kept>, Fault> {
        let tips = self.tips().await?;
        if tips.head.as_deref() == Some(self.name.full().as_str()) {
            return Err(Fault::Invalid(format!(
                "`{}` is the default branch; the dashboard takes a branch that nothing else uses",
                self.name
            )));
        }
        if tips.ours.is_none() {
            return Ok(None);
        }
        let refspec = format!("+{}:{FETCHED}", self.name.full());
        let ended = self
            .git
            .remote(&[
                "fetch",
                "--quiet",
                "--depth=1",
                "--no-tags",
                "--no-write-fetch-head",
                &self.git.address,
                &refspec,
            ])
            .await?;
        if !ended.ok {
            return Err(self.refused(&ended, "contents: read", "read"));
        }
        let commit = format!("{FETCHED}^{{commit}}");
        let commit = self.git.local(&["rev-parse", "--verify", "--quiet", &commit], b"").await?;
        let commit = commit.text();
        let (page, record) = self.files(&commit).await?;
        let page = page.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let record = record.and_then(|bytes| Record::of_json(&bytes));
        Ok(Some(Kept { commit, page, record }))
    }

    /// Page and record of a commit, as far as they are plain files of a size that is read.
    async fn files(&self, commit: &str) -> Result<(Option<Vec<u8>>, Option<Vec<u8>>), Fault> {
        let strange = || {
            Fault::Invalid(format!(
                "the branch `{}` has other files than {PAGE} and {RECORD}, and they would be lost; \
                 name a branch that nothing else uses",
                self.name
            ))
        };
        let args = ["ls-tree", "-l", "-z", "--full-tree", commit];
        let listed = self.git.local_bytes(&args, LISTED).await.map_err(|fault| match fault {
            Fault::Invalid(_) => strange(),
            fault => fault,
        })?;
        let listed = String::from_utf8_lossy(&listed).into_owned();
        let (mut page, mut record) = (None, None);
        for line in listed.split_terminator('\0') {
            let (meta, name) = line.split_once('\t').ok_or_else(strange)?;
            let place = match name {
                PAGE => &mut page,
                RECORD => &mut record,
                _ => return Err(strange()),
            };
            let words: Vec<&str> = meta.split_ascii_whitespace().collect();
            if let ["100644", "blob", id, size] = words[..]
                && size.parse::<u64>().is_ok_and(|size| size <= UNPACKED)
            {
                *place = Some(self.git.local_bytes(&["cat-file", "blob", id], UNPACKED).await?);
            }
        }
        Ok((page, record))
    }

    async fn tips(&self) -> Result<Tips, Fault> {
        let full = self.name.full();
        let args = ["ls-remote", "--quiet", "--symref", &self.git.address, "HEAD", &full];
        let ended = self.git.remote(&args).await?;
        if !ended.ok {
            return Err(self.refused(&ended, "contents: read", "read"));
        }
        let text = ended.text();
        // A pattern is also found at the end of longer names.
        let lines = || text.lines().filter_map(|line| line.split_once('\t'));
        let head =
            lines().find_map(|(is, name)| is.strip_prefix("ref: ").filter(|_| name == "HEAD"));
        let ours = lines().find(|(_, name)| *name == full).map(|(is, _)| is.to_owned());
        Ok(Tips { head: head.map(str::to_owned), ours })
    }

    /// Commits what is wanted on top of what was read, and pushes it if nobody else has meanwhile.
    pub async fn write(&self, before: Option<&str>, wanted: &Wanted<'_>) -> Result<Outcome, Fault> {
        let commit = self.commit(before, wanted).await?;
        let full = self.name.full();
        // An empty one expects that there is no such branch.
        let lease = format!("--force-with-lease={full}:{}", before.unwrap_or_default());
        let refspec = format!("{commit}:{full}");
        let args = ["push", "--porcelain", "--no-verify", &lease, &self.git.address, &refspec];
        let ended = self.git.remote(&args).await?;
        if ended.ok {
            return Ok(Outcome::Written);
        }
        // What the server has decides, and not the words that it declined with.
        match self.tips().await {
            Ok(tips) if tips.ours.as_deref() == Some(commit.as_str()) => Ok(Outcome::Written),
            Ok(tips) if tips.ours.as_deref() != before => Ok(Outcome::Overtaken),
            _ => Err(self.refused(&ended, "contents: write", "written")),
        }
    }

    async fn commit(&self, before: Option<&str>, wanted: &Wanted<'_>) -> Result<String, Fault> {
        let mut tree = String::new();
        for (name, bytes) in [(PAGE, wanted.page.as_bytes()), (RECORD, wanted.record)] {
            let blob =
                self.git.local(&["hash-object", "-w", "--no-filters", "--stdin"], bytes).await?;
            tree.push_str(&format!("100644 blob {}\t{name}\n", blob.text()));
        }
        let tree = self.git.local(&["mktree"], tree.as_bytes()).await?.text();
        let mut args = vec!["commit-tree", &tree, "-m", wanted.message];
        args.extend(before.iter().flat_map(|parent| ["-p", parent]));
        let address = match wanted.author {
            name if name == WORKFLOWS.0 => WORKFLOWS.1.to_owned(),
            name => format!("{name}@users.noreply.github.com"),
        };
        let at = format!("@{} +0000", wanted.at.as_second());
        let who = [
            ("GIT_AUTHOR_NAME", wanted.author),
            ("GIT_AUTHOR_EMAIL", &address),
            ("GIT_AUTHOR_DATE", &at),
            ("GIT_COMMITTER_NAME", wanted.author),
            ("GIT_COMMITTER_EMAIL", &address),
            ("GIT_COMMITTER_DATE", &at),
        ];
        Ok(self.git.local_with(&args, &who).await?.text())
    }

    /// Why a server did not do what it was asked: `right` is the permission that it takes.
    fn refused(&self, ended: &Ended, right: &str, done: &str) -> Fault {
        // A push that was understood and declined says why in its list of refs.
        let out = ended.text();
        let declined = out.lines().find(|line| line.starts_with('!'));
        let declined = declined.and_then(|line| line.rsplit('\t').next());
        let remote = ended.err.lines().filter(|line| line.starts_with("remote: "));
        let fatal = ended.err.lines().filter(|line| line.starts_with("fatal: "));
        let said: Vec<&str> = declined.into_iter().chain(remote).chain(fatal).collect();
        let said = self.git.shown(&said.join(" "));
        // The words of git (http.c, remote-curl.c) for 401, 403 and 404.
        let signs = ["error: 401", "error: 403", "could not read Username", "not found"];
        let denied = declined.is_some()
            || signs.iter().any(|sign| ended.err.contains(sign))
            || ended.err.contains("Authentication failed");
        if !denied {
            return Fault::Lost(said);
        }
        Fault::Denied(format!(
            "the branch `{}` cannot be {done}, which takes `{right}` in the permissions of the job: \
             {said}",
            self.name
        ))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use super::*;

    async fn refused(out: &str, err: &str) -> Fault {
        let address = "https://github.example/o/r".to_owned();
        let branch = Branch::new(address, Some("secret-token"), BranchName::default()).await;
        let ended = Ended { ok: false, out: out.as_bytes().to_vec(), err: err.to_owned() };
        branch.unwrap().refused(&ended, "contents: write", "written")
    }

    #[tokio::test]
    async fn who_may_not_push_is_told_what_it_takes_and_a_server_that_is_away_is_no_refusal() {
        for (out, err) in [
            ("", "fatal: unable to access 'https://x/': The requested URL returned error: 403\n"),
            ("", "fatal: could not read Username for 'https://x': terminal prompts disabled\n"),
            ("", "remote: Repository not found.\nfatal: repository 'https://x/' not found\n"),
            ("To x\n!\tabc:refs/heads/d\t[remote rejected] (protected branch hook declined)\n", ""),
        ] {
            let fault = refused(out, err).await;
            assert!(
                matches!(&fault, Fault::Denied(said) if said.contains("`contents: write`")),
                "{fault}"
            );
        }
        for err in [
            "fatal: unable to access 'https://x/': Could not resolve host: x\n",
            "fatal: unable to access 'https://x/': The requested URL returned error: 503\n",
            "",
        ] {
            assert!(matches!(refused("", err).await, Fault::Lost(_)), "{err}");
        }
    }

    #[tokio::test]
    async fn what_a_server_says_is_one_line_without_the_token() {
        let said =
            "remote: secret-token eC1hY2Nlc3MtdG9rZW46c2VjcmV0LXRva2Vu\u{1b}[2J\nremote: @all\n";
        let fault = refused("", &format!("{said}fatal: returned error: 403")).await.to_string();
        assert!(!fault.contains("secret-token") && !fault.contains(['\n', '\u{1b}']), "{fault}");
        assert!(fault.contains("@all"), "{fault}");
        let shown =
            format!("{:?}", Scratch::new("https://x/o/r".into(), Some("tok")).await.unwrap());
        assert!(!shown.contains("tok") && shown.contains("https://x/o/r"), "{shown}");
    }
}
