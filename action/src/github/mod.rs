//! GitHub, asked gently: one request at a time, a second between two that write, and none that
//! creates something sent again before it was looked whether it is there.
//!
//! octocrab's own retries are off: they send a POST again after an answer that was lost.

mod app;
mod checks;
mod fault;
mod issues;
mod pulls;
mod sarif;

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, StatusCode, Uri};
use http_body_util::{BodyExt as _, Limited};
use octocrab::service::middleware::retry::RetryConfig;
use octocrab::{
    DefaultOctocrabBuilderConfig, NoAuth, NoSvc, NotLayerReady, Octocrab, OctocrabBuilder,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use app::{Installed, installed};
pub use checks::{Annotation, CheckRun};
pub use fault::Fault;
pub use pulls::Fate;

use crate::event::Repository;
use crate::failure::Failure;

/// How long a connection may take, and how long an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of one answer: a page of a hundred issues with full bodies has about seven million.
const MAX_ANSWER: usize = 32 * 1024 * 1024;
/// Times that a request is sent which may be repeated.
const TRIES: u32 = 4;
/// What all waiting for limits may take in one run. A workflow is better repeated than held.
const MAX_WAITING: Duration = Duration::from_secs(15 * 60);
/// The wait after a secondary limit that names none (GitHub, "Best practices for using the REST
/// API": at least one minute).
const UNNAMED: Duration = Duration::from_secs(60);
/// Pages of one list: 100 items each.
const MAX_PAGES: usize = 200;

/// A client that was told nothing yet.
type Builder = OctocrabBuilder<NoSvc, DefaultOctocrabBuilderConfig, NoAuth, NotLayerReady>;

/// Whether a request may be sent again when nobody knows what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeat {
    /// The second time changes nothing.
    Harmless,
    /// The second time would make a second one.
    Never,
}

/// A repository on GitHub.
pub struct GitHub {
    api: Octocrab,
    place: String,
    interval: Duration,
    last_write: Option<Instant>,
    waited: Duration,
    /// Requests that only read, so far.
    pub reads: u32,
    /// Requests that write, so far.
    pub writes: u32,
}

/// An answer.
struct Answer {
    status: StatusCode,
    headers: http::HeaderMap,
    body: Bytes,
}

impl GitHub {
    /// A client. `interval` is the least time between two writes.
    pub fn new(
        api: &str,
        repository: &Repository,
        token: &str,
        interval: Duration,
    ) -> Result<Self, Failure> {
        let sign_in = |builder: Builder| Ok(builder.personal_token(token.to_owned()));
        Self::with(api, repository, interval, sign_in)
    }

    fn with(
        api: &str,
        repository: &Repository,
        interval: Duration,
        sign_in: impl FnOnce(Builder) -> Result<Builder, Failure>,
    ) -> Result<Self, Failure> {
        let wrong = |error: &dyn std::fmt::Display| {
            Failure::new(format!("GITHUB_API_URL `{}` cannot be used: {error}", api.escape_debug()))
        };
        let api = sign_in(Octocrab::builder())?
            .base_uri(api)
            .map_err(|error| wrong(&error))?
            .add_retry_config(RetryConfig::None)
            .set_connect_timeout(Some(PATIENCE))
            .set_read_timeout(Some(PATIENCE))
            .set_write_timeout(Some(PATIENCE))
            .build()
            .map_err(|error| wrong(&error))?;
        Ok(Self {
            api,
            place: format!("/repos/{}/{}", repository.owner, repository.name),
            interval,
            last_write: None,
            waited: Duration::ZERO,
            reads: 0,
            writes: 0,
        })
    }

    fn route(&self, rest: &str) -> String {
        format!("{}{rest}", self.place)
    }

    async fn get<T: DeserializeOwned>(&mut self, route: &str) -> Result<T, Fault> {
        let answer = self.ask(Method::GET, route, None, Repeat::Harmless).await?;
        answer.json()
    }

    /// All pages of a list, at most `MAX_PAGES`.
    async fn list<T: DeserializeOwned>(&mut self, route: &str) -> Result<Vec<T>, Fault> {
        let mut all = Vec::new();
        let mut next = Some(route.to_owned());
        for _ in 0..MAX_PAGES {
            let Some(route) = next.take() else { return Ok(all) };
            let answer = self.ask(Method::GET, &route, None, Repeat::Harmless).await?;
            next = answer.next_page();
            let page: Vec<T> = answer.json()?;
            // A page that is announced and empty is a list that changes under our hands.
            if page.is_empty() && next.is_none() && !all.is_empty() {
                return Err(Fault::Odd("a page that was announced is empty".to_owned()));
            }
            all.extend(page);
        }
        if next.is_some() {
            return Err(Fault::Odd(format!("the list has more than {MAX_PAGES} pages")));
        }
        Ok(all)
    }

    async fn send<T: DeserializeOwned>(
        &mut self,
        method: Method,
        route: &str,
        body: &Value,
        repeat: Repeat,
    ) -> Result<T, Fault> {
        self.ask(method, route, Some(body), repeat).await?.json()
    }

    async fn ask(
        &mut self,
        method: Method,
        route: &str,
        body: Option<&Value>,
        repeat: Repeat,
    ) -> Result<Answer, Fault> {
        let writes = method != Method::GET;
        let mut tries = 0;
        loop {
            tries += 1;
            if writes {
                self.pace().await;
            }
            let outcome = self.once(&method, route, body).await;
            let (fault, wait) = match outcome {
                Ok(answer) if answer.status.is_success() => return Ok(answer),
                Ok(answer) => answer.refused(tries),
                Err(fault) => (fault, Some(Duration::from_secs(1 << tries.min(4)))),
            };
            // What was refused was not done; of what was lost nobody knows.
            let may = repeat == Repeat::Harmless || !fault.is_lost();
            let Some(wait) = wait.filter(|_| may && tries < TRIES) else { return Err(fault) };
            if !worth_waiting(self.waited, wait) {
                return Err(fault);
            }
            tracing::warn!(%fault, seconds = wait.as_secs(), "waits and asks again");
            self.waited += wait;
            tokio::time::sleep(wait).await;
        }
    }

    /// Leaves GitHub its time between two writes.
    async fn pace(&mut self) {
        if let Some(last) = self.last_write {
            tokio::time::sleep(self.interval.saturating_sub(last.elapsed())).await;
        }
        self.last_write = Some(Instant::now());
    }

    async fn once(
        &mut self,
        method: &Method,
        route: &str,
        body: Option<&Value>,
    ) -> Result<Answer, Fault> {
        if *method == Method::GET {
            self.reads += 1;
        } else {
            self.writes += 1;
        }
        let uri: Uri = route.parse().map_err(|_| Fault::Odd(format!("`{route}` is no address")))?;
        let response = match *method {
            Method::GET => self.api._get(uri).await,
            Method::POST => self.api._post(uri, body).await,
            Method::PATCH => self.api._patch(uri, body).await,
            _ => self.api._delete(uri, body).await,
        }
        .map_err(|error| Fault::lost(&error))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER)
            .collect()
            .await
            .map_err(|error| Fault::Lost(format!("the answer broke off: {error}")))?
            .to_bytes();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }
}

impl Answer {
    fn json<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        let body: &[u8] = if self.body.is_empty() { b"null" } else { &self.body };
        serde_json::from_slice(body)
            .map_err(|error| Fault::Odd(format!("an answer that cannot be read: {error}")))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn seconds(&self, name: &str) -> Option<u64> {
        self.header(name)?.trim().parse().ok()
    }

    /// The next page: path and query of `Link: <...>; rel="next"` (RFC 8288). Its host is not
    /// followed, so that no answer sends the token somewhere else.
    fn next_page(&self) -> Option<String> {
        let link = self.header("link")?;
        let next = link.split(',').find(|part| part.contains("rel=\"next\""))?;
        let (_, rest) = next.split_once('<')?;
        let (address, _) = rest.split_once('>')?;
        let uri: Uri = address.parse().ok()?;
        let path = uri.path_and_query()?.as_str();
        Some(path[path.find("/repos/").or_else(|| path.find("/repositories/"))?..].to_owned())
    }

    /// Why a request was refused, and how long to wait before it is sent again; none if it would be
    /// refused again.
    fn refused(&self, tries: u32) -> (Fault, Option<Duration>) {
        let said: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let message = Fault::message(&said);
        let status = self.status.as_u16();
        let limited = match status {
            429 => true,
            403 => {
                self.header("retry-after").is_some()
                    || self.header("x-ratelimit-remaining") == Some("0")
                    || message.to_lowercase().contains("rate limit")
            }
            _ => false,
        };
        if limited {
            let wait = self
                .seconds("retry-after")
                .map(Duration::from_secs)
                .or_else(|| {
                    let empty = self.header("x-ratelimit-remaining") == Some("0");
                    let reset = self.seconds("x-ratelimit-reset").filter(|_| empty)?;
                    let now = jiff::Timestamp::now().as_second();
                    let left = i64::try_from(reset).unwrap_or(i64::MAX).saturating_sub(now);
                    Some(Duration::from_secs(u64::try_from(left.saturating_add(1)).unwrap_or(1)))
                })
                .unwrap_or(UNNAMED * 2_u32.pow(tries.min(4) - 1));
            return (Fault::Limited { message, wait }, Some(wait));
        }
        if self.status.is_server_error() {
            let fault = Fault::Lost(format!("GitHub answered {status}"));
            return (fault, Some(Duration::from_secs(1 << tries.min(4))));
        }
        let fault = match status {
            401 | 403 => Fault::Denied(message),
            404 | 301 => Fault::Missing,
            410 => Fault::Gone(message),
            422 => Fault::Invalid(message),
            _ => Fault::Odd(format!("GitHub answered {status}: {message}")),
        };
        (fault, None)
    }
}

/// True if a run that has waited may wait so much more, which an answer says: it may be any number.
fn worth_waiting(waited: Duration, wait: Duration) -> bool {
    waited.checked_add(wait).is_some_and(|all| all <= MAX_WAITING)
}

#[cfg(test)]
mod tests;
