//! What GitHub says of the workflow run: its event, its repository and where it may be seen.

mod workflow;

use std::path::Path;

use serde::Deserialize;

use crate::failure::Failure;

pub use workflow::Workflow;

/// Largest event payload that is read, in bytes; GitHub's own limit for webhooks is 25 MB.
const MAX_PAYLOAD: u64 = 25 * 1024 * 1024;

/// `owner/name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// The owner.
    pub owner: String,
    /// The name.
    pub name: String,
}

impl Repository {
    /// Reads `owner/name`.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let plain = |part: &str| {
            !part.is_empty()
                && part != ".."
                && part != "."
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        match text.split_once('/') {
            Some((owner, name)) if plain(owner) && plain(name) => {
                Ok(Self { owner: owner.to_owned(), name: name.to_owned() })
            }
            _ => Err(Failure::new(format!(
                "GITHUB_REPOSITORY: expected owner/name, found `{}`",
                text.escape_debug()
            ))),
        }
    }
}

/// A pull request as its event has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// Tip of the branch that it goes into.
    pub base: String,
    /// Tip of its own branch.
    pub head: String,
    /// Its branch is in another repository: the token reads only.
    pub fork: bool,
    /// Who opened it has a token that reads only, like a fork's.
    pub dependabot: bool,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// A pull request was opened or changed.
    Pull(Pull),
    /// A pull request was closed, with what it had or without.
    PullClosed {
        /// The pull request.
        pull: Pull,
        /// Its changes are in the base now.
        merged: bool,
    },
    /// The default branch was pushed to, or looked at by schedule or by hand.
    DefaultBranch,
    /// Another branch, or an event that says nothing about either: plan and show only.
    Other,
}

/// The workflow run.
#[derive(Debug, Clone)]
pub struct Event {
    /// What happened.
    pub happened: Happened,
    /// The repository.
    pub repository: Repository,
    /// Where the API is, without a slash at its end.
    pub api: String,
    /// Where the repository is for git and for people, `https://server/owner/name`.
    pub address: String,
    /// Branches that are in use, and as what.
    pub branches: Vec<(String, &'static str)>,
    /// The page of this workflow run; none outside a workflow.
    pub run_page: Option<String>,
    /// The ref, as SARIF uploads name it.
    pub git_ref: String,
    /// Login of who caused the run.
    pub actor: String,
    /// The workflow of the repository that this is a run of; none outside a workflow.
    pub workflow: Option<Workflow>,
}

#[derive(Deserialize)]
struct Payload {
    #[serde(default)]
    action: Option<String>,
    #[serde(default)]
    pull_request: Option<PullPayload>,
    #[serde(default)]
    repository: Option<RepositoryPayload>,
}

#[derive(Deserialize)]
struct PullPayload {
    number: u64,
    #[serde(default)]
    merged: bool,
    base: Side,
    head: Side,
    #[serde(default)]
    user: Option<User>,
}

#[derive(Deserialize)]
struct Side {
    sha: String,
    #[serde(default, rename = "ref")]
    branch: Option<String>,
    #[serde(default)]
    repo: Option<RepositoryPayload>,
}

#[derive(Deserialize, PartialEq)]
struct RepositoryPayload {
    #[serde(default)]
    full_name: Option<String>,
    #[serde(default)]
    default_branch: Option<String>,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

/// Who opens pull requests whose token is like a fork's.
pub const DEPENDABOT: &str = "dependabot[bot]";

impl Event {
    /// Reads what the runner has set: `variable` is the environment.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let repository = given("GITHUB_REPOSITORY").ok_or_else(|| {
            Failure::new(
                "GITHUB_REPOSITORY is not set: run this in a workflow, or set it to owner/name",
            )
        })?;
        let repository = Repository::parse(&repository)?;
        let name = given("GITHUB_EVENT_NAME").unwrap_or_default();
        let payload = match given("GITHUB_EVENT_PATH") {
            Some(path) => payload(Path::new(&path))?,
            None => Payload { action: None, pull_request: None, repository: None },
        };
        let git_ref = given("GITHUB_REF").unwrap_or_default();
        let branches = branches(&payload, &git_ref);
        let happened = happened(&name, payload, &git_ref)?;
        let server = given("GITHUB_SERVER_URL").unwrap_or("https://github.com".to_owned());
        let server = server.trim_end_matches('/');
        let address = format!("{server}/{}/{}", repository.owner, repository.name);
        let run_page = given("GITHUB_RUN_ID").map(|id| format!("{address}/actions/runs/{id}"));
        let workflow = given("GITHUB_WORKFLOW_REF").and_then(|said| {
            let job = given("GITHUB_JOB").unwrap_or_default();
            let action = given("PLUMBLINE_ACTION_REPOSITORY").unwrap_or_default();
            Workflow::of(&said, &repository, job, action)
        });
        let api = given("GITHUB_API_URL").unwrap_or("https://api.github.com".to_owned());
        Ok(Self {
            happened,
            repository,
            api: api.trim_end_matches('/').to_owned(),
            address,
            branches,
            run_page,
            git_ref,
            actor: given("GITHUB_ACTOR").unwrap_or_default(),
            workflow,
        })
    }
}

/// Branches that are in use: a fork's are in another repository.
fn branches(payload: &Payload, git_ref: &str) -> Vec<(String, &'static str)> {
    let default = payload.repository.as_ref().and_then(|is| is.default_branch.clone());
    let own = git_ref.strip_prefix("refs/heads/").map(str::to_owned);
    let pull = payload.pull_request.as_ref();
    let base = pull.and_then(|pull| pull.base.branch.clone());
    let head = pull.filter(|pull| pull.head.repo == pull.base.repo);
    let head = head.and_then(|pull| pull.head.branch.clone());
    [
        (default, "the default branch"),
        (base, "the branch that this pull request goes into"),
        (head, "the branch of this pull request"),
        (own, "the branch that this workflow runs on"),
    ]
    .into_iter()
    .filter_map(|(name, is)| Some((name?, is)))
    .collect()
}

fn payload(path: &Path) -> Result<Payload, Failure> {
    let shown = path.display();
    let size = std::fs::metadata(path)
        .map_err(|error| Failure::new(format!("cannot read GITHUB_EVENT_PATH {shown}: {error}")))?
        .len();
    if size > MAX_PAYLOAD {
        return Err(Failure::new(format!("{shown}: larger than {MAX_PAYLOAD} bytes")));
    }
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::new(format!("cannot read GITHUB_EVENT_PATH {shown}: {error}")))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Failure::new(format!("{shown}: is no event payload: {error}")))
}

fn happened(name: &str, payload: Payload, git_ref: &str) -> Result<Happened, Failure> {
    match name {
        "pull_request_target" => Err(Failure::new(
            "this workflow runs on pull_request_target, whose token may write while the code is a \
             stranger's; use `on: pull_request`",
        )),
        "pull_request" => {
            let Some(found) = payload.pull_request else {
                return Err(Failure::new(
                    "the event pull_request has no pull request in its payload",
                ));
            };
            let merged = found.merged;
            let pull = pull(found)?;
            Ok(if payload.action.as_deref() == Some("closed") {
                Happened::PullClosed { pull, merged }
            } else {
                Happened::Pull(pull)
            })
        }
        "push" | "schedule" | "workflow_dispatch" => {
            let default = payload.repository.and_then(|repository| repository.default_branch);
            let branch = git_ref.strip_prefix("refs/heads/");
            // A schedule runs on the default branch, and its payload does not name it.
            let ours = match (default.as_deref(), branch) {
                (Some(default), Some(branch)) => default == branch,
                (None, Some(_)) => name == "schedule",
                _ => false,
            };
            Ok(if ours { Happened::DefaultBranch } else { Happened::Other })
        }
        _ => Ok(Happened::Other),
    }
}

fn pull(found: PullPayload) -> Result<Pull, Failure> {
    for sha in [&found.base.sha, &found.head.sha] {
        if !(sha.len() == 40 && sha.bytes().all(|b| b.is_ascii_hexdigit())) {
            return Err(Failure::new("the pull request's payload names a commit that is none"));
        }
    }
    Ok(Pull {
        number: found.number,
        // A fork that was deleted has no repository any more.
        fork: found.head.repo.is_none() || found.head.repo != found.base.repo,
        dependabot: found.user.is_some_and(|user| user.login == DEPENDABOT),
        base: found.base.sha,
        head: found.head.sha,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use super::*;

    const BASE: &str = "1111111111111111111111111111111111111111";
    const HEAD: &str = "2222222222222222222222222222222222222222";

    fn read(name: &str, payload: &str, git_ref: &str) -> Result<Happened, Failure> {
        happened(name, serde_json::from_str(payload).unwrap(), git_ref)
    }

    fn pull_payload(action: &str, head_repo: &str, merged: bool) -> String {
        format!(
            r#"{{"action": "{action}", "pull_request": {{"number": 7, "merged": {merged},
                "user": {{"login": "alice"}},
                "base": {{"sha": "{BASE}", "repo": {{"full_name": "o/r"}}}},
                "head": {{"sha": "{HEAD}", "repo": {head_repo}}}}}}}"#
        )
    }

    #[test]
    fn a_pull_request_of_another_repository_is_a_fork_and_so_is_one_whose_repository_is_gone() {
        for (repo, fork) in [
            (r#"{"full_name": "o/r"}"#, false),
            (r#"{"full_name": "mallory/r"}"#, true),
            ("null", true),
        ] {
            let found = read("pull_request", &pull_payload("opened", repo, false), "").unwrap();
            let Happened::Pull(pull) = found else { panic!("{found:?}") };
            assert_eq!((pull.number, pull.fork), (7, fork), "{repo}");
        }
    }

    #[test]
    fn a_closed_pull_request_says_whether_it_was_merged() {
        for merged in [true, false] {
            let payload = pull_payload("closed", r#"{"full_name": "o/r"}"#, merged);
            let found = read("pull_request", &payload, "").unwrap();
            assert!(
                matches!(found, Happened::PullClosed { merged: told, .. } if told == merged),
                "{found:?}"
            );
        }
    }

    #[test]
    fn only_the_default_branch_has_the_backlog() {
        let payload = r#"{"repository": {"default_branch": "main"}}"#;
        let found = |name, git_ref| read(name, payload, git_ref).unwrap();
        assert_eq!(found("push", "refs/heads/main"), Happened::DefaultBranch);
        assert_eq!(found("workflow_dispatch", "refs/heads/main"), Happened::DefaultBranch);
        assert_eq!(found("push", "refs/heads/topic"), Happened::Other);
        assert_eq!(found("push", "refs/tags/main"), Happened::Other);
        assert_eq!(read("schedule", "{}", "refs/heads/main").unwrap(), Happened::DefaultBranch);
        assert_eq!(read("push", "{}", "refs/heads/main").unwrap(), Happened::Other);
        assert_eq!(found("merge_group", "refs/heads/main"), Happened::Other);
    }

    #[test]
    fn branches_in_use_are_the_default_one_the_own_one_and_both_of_a_pull_request() {
        let named = |head_repo: &str, git_ref: &str| {
            let payload = format!(
                r#"{{"repository": {{"full_name": "o/r", "default_branch": "main"}},
                    "pull_request": {{"number": 7,
                    "base": {{"sha": "{BASE}", "ref": "next", "repo": {{"full_name": "o/r"}}}},
                    "head": {{"sha": "{HEAD}", "ref": "topic", "repo": {head_repo}}}}}}}"#
            );
            let found = branches(&serde_json::from_str(&payload).unwrap(), git_ref);
            found.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        let ours = r#"{"full_name": "o/r"}"#;
        assert_eq!(named(ours, "refs/pull/7/merge"), ["main", "next", "topic"]);
        assert_eq!(named("null", "refs/pull/7/merge"), ["main", "next"]);
        assert_eq!(named(r#"{"full_name": "m/r"}"#, "refs/heads/a/b"), ["main", "next", "a/b"]);
        assert_eq!(branches(&serde_json::from_str("{}").unwrap(), "refs/tags/v1"), []);
    }

    #[test]
    fn a_token_that_writes_never_meets_a_strangers_code() {
        let error = read("pull_request_target", "{}", "").unwrap_err();
        assert!(error.0.contains("use `on: pull_request`"), "{error}");
    }

    #[test]
    fn a_repository_is_two_plain_words() {
        assert!(Repository::parse("acme/gate.way-1").is_ok());
        for bad in ["", "acme", "acme/", "/x", "a/b/c", "a b/c", "../x", "a/..", "a/b?c"] {
            assert!(Repository::parse(bad).is_err(), "{bad}");
        }
    }
}
