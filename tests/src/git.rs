//! A server of git as the forge has one: a bare repository behind git's own `http-backend`, and in
//! front of it what GitHub asks of a token.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::github::REPOSITORY;

/// What happens once, just before a request is answered whose path ends like this.
type Before = (&'static str, Box<dyn FnOnce(&Repository) + Send>);

/// The repository on the server.
#[derive(Debug, Clone)]
pub struct Repository(PathBuf);

/// A server; it ends with this value.
pub struct GitServer {
    _runtime: Runtime,
    _folder: TempDir,
    state: Arc<Served>,
    /// What `GITHUB_SERVER_URL` is.
    pub url: String,
}

/// What is served, and to whom.
struct Served {
    repository: Repository,
    /// Tokens and whether they may push.
    tokens: Mutex<Vec<(String, bool)>>,
    before: Mutex<Vec<Before>>,
    /// The path whose next request fails, and whether it is answered before that.
    failing: Mutex<Option<(&'static str, bool)>>,
    /// Where everybody is sent.
    elsewhere: Mutex<Option<String>>,
    /// Method, path and status of every request.
    log: Mutex<Vec<String>>,
}

impl Repository {
    /// Runs git in it.
    #[track_caller]
    pub fn git(&self, args: &[&str]) -> String {
        self.git_with(args, "")
    }

    /// The same with something on standard input.
    #[track_caller]
    pub fn git_with(&self, args: &[&str], input: &str) -> String {
        let mut git = Command::new("git")
            .current_dir(&self.0)
            .args(["-c", "user.name=Test", "-c", "user.email=test@example.invalid"])
            .args(args)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        git.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = git.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Somebody commits these files onto a branch, and nothing else; the commit.
    #[track_caller]
    pub fn put(&self, branch: &str, files: &[(&str, &str)]) -> String {
        let mut tree = String::new();
        for (name, text) in files {
            let blob = self.git_with(&["hash-object", "-w", "--stdin"], text);
            tree.push_str(&format!("100644 blob {blob}\t{name}\n"));
        }
        let tree = self.git_with(&["mktree"], &tree);
        let full = format!("refs/heads/{branch}");
        let before = self.tip(branch);
        let mut args = vec!["commit-tree", &tree, "-m", "by hand"];
        args.extend(before.iter().flat_map(|parent| ["-p", parent.as_str()]));
        let commit = self.git(&args);
        self.git(&["update-ref", &full, &commit]);
        commit
    }

    /// The commit of a branch; none if it is not there.
    pub fn tip(&self, branch: &str) -> Option<String> {
        let full = format!("refs/heads/{branch}");
        let refs = self.git(&["for-each-ref", "--format=%(objectname) %(refname)"]);
        let lines = refs.lines().filter_map(|line| line.split_once(' '));
        lines.filter(|(_, name)| *name == full).map(|(commit, _)| commit.to_owned()).next()
    }

    /// The text of a file of a branch.
    #[track_caller]
    pub fn file(&self, branch: &str, name: &str) -> String {
        self.git(&["cat-file", "blob", &format!("{branch}:{name}")])
    }

    /// Commits of a branch, the newest first.
    #[track_caller]
    pub fn commits(&self, branch: &str) -> usize {
        self.git(&["rev-list", "--count", branch]).parse().unwrap()
    }

    /// Makes a hook that runs this.
    pub fn hook(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.0.join("hooks").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

impl GitServer {
    /// A server that has the repository of the emulated GitHub, with a commit on `main`.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository(folder.path().join(REPOSITORY));
        std::fs::create_dir_all(&repository.0).unwrap();
        repository.git(&["init", "--quiet", "--bare", "--initial-branch=main"]);
        repository.git(&["config", "http.receivepack", "true"]);
        repository.put("main", &[("README.md", "The gateway.\n")]);
        let state = Arc::new(Served {
            repository,
            tokens: Mutex::default(),
            before: Mutex::default(),
            failing: Mutex::default(),
            elsewhere: Mutex::default(),
            log: Mutex::default(),
        });
        let runtime = Runtime::new().unwrap();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&state));
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { _runtime: runtime, _folder: folder, state, url }
    }

    /// The repository.
    pub fn repository(&self) -> &Repository {
        &self.state.repository
    }

    /// Lets a token in, to read or also to push.
    pub fn allow(&self, token: &str, push: bool) {
        self.state.tokens.lock().unwrap().push((token.to_owned(), push));
    }

    /// Does something once, just before a request is answered whose path and query end like this.
    pub fn before(&self, end: &'static str, act: impl FnOnce(&Repository) + Send + 'static) {
        self.state.before.lock().unwrap().push((end, Box::new(act)));
    }

    /// Answers the next request whose path and query end like this, and loses the answer.
    pub fn lose_answer(&self, end: &'static str) {
        *self.state.failing.lock().unwrap() = Some((end, true));
    }

    /// Fails at the next request whose path and query end like this.
    pub fn fail(&self, end: &'static str) {
        *self.state.failing.lock().unwrap() = Some((end, false));
    }

    /// Sends everybody to another server.
    pub fn redirect(&self, to: &str) {
        *self.state.elsewhere.lock().unwrap() = Some(to.to_owned());
    }

    /// Requests since the last time that this was asked: method, path with query, and status.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.log.lock().unwrap())
    }
}

/// A token as git presents it.
pub fn basic(token: &str) -> String {
    STANDARD.encode(format!("x-access-token:{token}"))
}

/// Requests of these that push.
pub fn pushes(requests: &[String]) -> usize {
    requests.iter().filter(|line| line.contains("POST") && line.contains("receive-pack")).count()
}

async fn answer(State(served): State<Arc<Served>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let answer = tokio::task::spawn_blocking(move || {
        let line = format!("{} {}", head.method, head.uri);
        let response = served.answer(&head, &body);
        served.log.lock().unwrap().push(format!("{line} {}", response.status().as_u16()));
        response
    });
    answer.await.unwrap()
}

impl Served {
    fn answer(&self, head: &axum::http::request::Parts, body: &Bytes) -> Response {
        let asked = head.uri.to_string();
        let due = {
            let mut before = self.before.lock().unwrap();
            before.iter().position(|(end, _)| asked.ends_with(end)).map(|at| before.remove(at))
        };
        if let Some((_, act)) = due {
            act(&self.repository);
        }
        if let Some(to) = &*self.elsewhere.lock().unwrap() {
            return Redirect::temporary(&format!("{to}{asked}")).into_response();
        }
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let tokens = self.tokens.lock().unwrap().clone();
        let token = tokens.iter().find(|(token, _)| {
            header("authorization") == Some(format!("Basic {}", basic(token)).as_str())
        });
        // What github.com says.
        match token {
            None => {
                let asks = [("www-authenticate", "Basic realm=\"GitHub\"")];
                return (StatusCode::UNAUTHORIZED, asks, "No anonymous access.").into_response();
            }
            Some((_, false)) if asked.ends_with("git-receive-pack") => {
                let text = format!("Permission to {REPOSITORY}.git denied to github-actions[bot].");
                return (StatusCode::FORBIDDEN, text).into_response();
            }
            Some(_) => {}
        }
        let root = self.repository.0.ancestors().nth(2).unwrap();
        let failing = self.failing.lock().unwrap().take_if(|(end, _)| asked.ends_with(*end));
        if failing.is_some_and(|(_, answers)| !answers) {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        let answer = backend(root, head, body).unwrap_or(StatusCode::NOT_FOUND.into_response());
        if failing.is_some() { StatusCode::BAD_GATEWAY.into_response() } else { answer }
    }
}

/// Asks `git http-backend`, which is a program of CGI (RFC 3875).
fn backend(root: &Path, head: &axum::http::request::Parts, body: &Bytes) -> Option<Response> {
    let header = |name: &str| {
        head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    };
    let mut git = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("PATH_INFO", head.uri.path())
        .env("QUERY_STRING", head.uri.query().unwrap_or_default())
        .env("REQUEST_METHOD", head.method.as_str())
        .env("REMOTE_USER", "token")
        .env("REMOTE_ADDR", "127.0.0.1")
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = git.stdin.take().unwrap();
    let body = body.clone();
    let give = std::thread::spawn(move || stdin.write_all(&body));
    let output = git.wait_with_output().unwrap().stdout;
    give.join().unwrap().ok();
    let end = output.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let mut response = Response::builder();
    for line in String::from_utf8_lossy(&output[..end]).lines() {
        let (name, value) = line.split_once(": ")?;
        response = match name {
            "Status" => response.status(value.split(' ').next()?),
            _ => response.header(name, value),
        };
    }
    response.body(output[end + 4..].to_vec().into()).ok()
}
