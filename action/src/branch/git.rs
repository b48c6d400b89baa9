//! git in a repository of its own. What is fetched and pushed meets neither the checkout nor its
//! settings, hooks, filters and index; what the machine says about proxies and trust anchors holds.

use std::ffi::OsStr;
use std::fmt;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::report::text::sentence;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use crate::github::Fault;

/// How long one command may take: two small files are far from that.
const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes that a command may say on standard error.
const SAID: u64 = 64 * 1024;
/// Characters of it that are shown.
const SHOWN: usize = 300;
/// Variables of git that say how a server is reached, or where git and its settings are. All others
/// would lead it somewhere else: to the checkout, to a program, into a log.
const KEPT: [&str; 7] = [
    "GIT_SSL_",
    "GIT_PROXY_SSL_",
    "GIT_HTTP_",
    "GIT_EXEC_PATH",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
];
/// Settings of every command, whatever the machine has.
const SETTINGS: [&str; 18] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    // Nothing but the token that is given, and that to nobody but the server that is named.
    "credential.helper=",
    "http.followRedirects=false",
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=60",
    // What a push takes along.
    "push.followTags=false",
    "push.gpgSign=false",
    "push.pushOption=",
    "push.recurseSubmodules=no",
    "fetch.recurseSubmodules=false",
    "fetch.writeCommitGraph=false",
    "i18n.commitEncoding=UTF-8",
    "i18n.logOutputEncoding=UTF-8",
    "gc.auto=0",
    "maintenance.auto=false",
    "color.ui=false",
];

/// A repository that ends with this value, and the server that it talks to.
pub struct Scratch {
    folder: TempDir,
    /// The repository on its server, `https://server/owner/name`.
    pub address: String,
    /// The token, and the header that it makes.
    sign_in: Option<(String, String)>,
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scratch").field("address", &self.address).finish_non_exhaustive()
    }
}

/// What a command left.
#[derive(Debug)]
pub struct Ended {
    /// It succeeded.
    pub ok: bool,
    /// Standard output.
    pub out: Vec<u8>,
    /// Standard error, which may hold what the server says.
    pub err: String,
}

impl Ended {
    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).trim_end().to_owned()
    }
}

impl Scratch {
    /// Makes one.
    pub async fn new(address: String, token: Option<&str>) -> Result<Self, Fault> {
        let folder = tempfile::Builder::new()
            .prefix("plumbline-")
            .tempdir()
            .map_err(|error| Fault::Odd(format!("no temporary folder: {error}")))?;
        // GitHub, "Authenticating as a GitHub App installation": any token goes by this name.
        let sign_in = token.map(|token| {
            let pair = STANDARD.encode(format!("x-access-token:{token}"));
            (token.to_owned(), pair)
        });
        let scratch = Self { folder, address, sign_in };
        let init = [
            "init",
            "--quiet",
            "--bare",
            "--template=",
            "--object-format=sha1",
            "--initial-branch=none",
        ];
        scratch.local(&init, b"").await?;
        Ok(scratch)
    }

    /// A command that asks nobody; a failure is a fault.
    pub async fn local(&self, args: &[&str], input: &[u8]) -> Result<Ended, Fault> {
        let mut command = self.command(args);
        let ended = self.end(&mut command, input, SAID).await?;
        self.succeeded(args, ended)
    }

    /// The same with variables of git's.
    pub async fn local_with(
        &self,
        args: &[&str],
        variables: &[(&str, &str)],
    ) -> Result<Ended, Fault> {
        let mut command = self.command(args);
        command.envs(variables.iter().copied());
        let ended = self.end(&mut command, b"", SAID).await?;
        self.succeeded(args, ended)
    }

    /// What a command gives, as far as it is at most so many bytes.
    pub async fn local_bytes(&self, args: &[&str], limit: u64) -> Result<Vec<u8>, Fault> {
        let mut command = self.command(args);
        let ended = self.end(&mut command, b"", limit).await?;
        self.succeeded(args, ended).map(|ended| ended.out)
    }

    /// A command that asks the server.
    pub async fn remote(&self, args: &[&str]) -> Result<Ended, Fault> {
        let mut command = self.command(args);
        if let Some((_, pair)) = &self.sign_in {
            // By the environment, because a command line can be read by every user of the machine.
            // The empty value takes away what the machine's settings send to that server.
            let key = format!("http.{}.extraHeader", self.address);
            command
                .env("GIT_CONFIG_COUNT", "2")
                .env("GIT_CONFIG_KEY_0", &key)
                .env("GIT_CONFIG_VALUE_0", "")
                .env("GIT_CONFIG_KEY_1", &key)
                .env("GIT_CONFIG_VALUE_1", format!("Authorization: Basic {pair}"));
        }
        self.end(&mut command, b"", SAID).await
    }

    fn succeeded(&self, args: &[&str], ended: Ended) -> Result<Ended, Fault> {
        if ended.ok {
            return Ok(ended);
        }
        Err(Fault::Odd(format!("git {}: {}", args[0], self.shown(&ended.err))))
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        for (name, _) in std::env::vars_os() {
            if meddles(&name) {
                command.env_remove(name);
            }
        }
        command
            .current_dir(self.folder.path())
            .arg("--git-dir=.")
            .args(SETTINGS.iter().flat_map(|setting| ["-c", setting]))
            .args(args)
            // An empty program is one that is not asked.
            .env("GIT_ASKPASS", "")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ALLOW_PROTOCOL", "http:https")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("LC_ALL", "C")
            .kill_on_drop(true);
        command
    }

    async fn end(&self, command: &mut Command, input: &[u8], limit: u64) -> Result<Ended, Fault> {
        let failed = |error: std::io::Error| Fault::Odd(format!("git cannot be run: {error}"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut git = command.spawn().map_err(failed)?;
        let (mut stdin, stdout, stderr) = (
            git.stdin.take().expect("piped"),
            git.stdout.take().expect("piped"),
            git.stderr.take().expect("piped"),
        );
        let work = async {
            let give = async {
                // A program that ended before says why by its code.
                stdin.write_all(input).await.ok();
                drop(stdin);
            };
            let ((), out, err) =
                tokio::join!(give, bounded(stdout, limit + 1), bounded(stderr, SAID));
            let (out, err) = (out.map_err(failed)?, err.map_err(failed)?);
            if out.len() as u64 > limit {
                return Err(Fault::Invalid(format!("git gives more than {limit} bytes")));
            }
            let status = git.wait().await.map_err(failed)?;
            let err = String::from_utf8_lossy(&err).into_owned();
            Ok(Ended { ok: status.success(), out, err })
        };
        tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| {
            Err(Fault::Lost(format!("git has not ended after {} s", PATIENCE.as_secs())))
        })
    }

    /// What a command said, on one line: what the server says in it is another program's text.
    pub fn shown(&self, said: &str) -> String {
        let said = match &self.sign_in {
            Some((token, pair)) => said.replace(token, "***").replace(pair, "***"),
            None => said.to_owned(),
        };
        let text = sentence(&said);
        if text.is_empty() {
            return "no reason given".to_owned();
        }
        text.chars().take(SHOWN).collect()
    }
}

/// The begin of what a program says. Its pipe is closed then: nobody listens to the rest.
async fn bounded(pipe: impl AsyncRead + Unpin, limit: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    pipe.take(limit).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// True of a variable that would lead git somewhere else.
fn meddles(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    name.starts_with("GIT_") && !KEPT.iter().any(|kept| name.starts_with(kept))
        || name == "SSH_ASKPASS"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_git_somewhere_else_is_not_handed_on() {
        for name in [
            "GIT_DIR",
            "GIT_WORK_TREE",
            "GIT_INDEX_FILE",
            "GIT_OBJECT_DIRECTORY",
            "GIT_CONFIG_COUNT",
            "GIT_CONFIG_KEY_0",
            "GIT_CONFIG_PARAMETERS",
            "GIT_SSH_COMMAND",
            "GIT_PROXY_COMMAND",
            "GIT_ASKPASS",
            "GIT_TRACE_CURL",
            "GIT_CURL_VERBOSE",
            "GIT_TRACE_REDACT",
            "SSH_ASKPASS",
        ] {
            assert!(meddles(OsStr::new(name)), "{name}");
        }
        for name in ["GIT_SSL_CAINFO", "GIT_CONFIG_GLOBAL", "HTTPS_PROXY", "PATH", "HOME"] {
            assert!(!meddles(OsStr::new(name)), "{name}");
        }
    }
}
