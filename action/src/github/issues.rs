//! Issues and comments.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use engine::tracker::footer::without;
use engine::tracker::{Issue, Reason, State};
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Fault, GitHub, Repeat};

#[derive(Deserialize)]
struct Listed {
    number: u64,
    state: String,
    #[serde(default)]
    state_reason: Option<String>,
    #[serde(default)]
    title: String,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    labels: Vec<Label>,
    #[serde(default)]
    user: Option<User>,
    /// Lists hold pull requests, too.
    #[serde(default)]
    pull_request: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Label {
    Name(String),
    Whole { name: Option<String> },
}

#[derive(Deserialize)]
struct User {
    login: String,
}

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Its id.
    pub id: u64,
    /// Who wrote it.
    pub author: String,
    /// What it says.
    pub body: String,
}

#[derive(Deserialize)]
struct ListedComment {
    id: u64,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    user: Option<User>,
}

impl Listed {
    fn issue(self) -> Option<Issue> {
        if self.pull_request.is_some() {
            return None;
        }
        let state = if self.state == "open" {
            State::Open
        } else {
            State::Closed(match self.state_reason.as_deref() {
                Some("completed") => Some(Reason::Completed),
                Some("not_planned") => Some(Reason::NotPlanned),
                Some("duplicate") => Some(Reason::Duplicate),
                _ => None,
            })
        };
        let name = |label: Label| match label {
            Label::Name(name) => Some(name),
            Label::Whole { name } => name,
        };
        Some(Issue {
            number: self.number,
            state,
            title: self.title,
            // GitHub gives back what it was given, with its own ends of lines.
            body: self.body.unwrap_or_default().replace("\r\n", "\n"),
            labels: self.labels.into_iter().filter_map(name).collect::<BTreeSet<_>>(),
            author: self.user.map(|user| user.login).unwrap_or_default(),
        })
    }
}

impl From<ListedComment> for Comment {
    fn from(listed: ListedComment) -> Self {
        Self {
            id: listed.id,
            author: listed.user.map(|user| user.login).unwrap_or_default(),
            body: listed.body.unwrap_or_default().replace("\r\n", "\n"),
        }
    }
}

const fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Completed => "completed",
        Reason::NotPlanned => "not_planned",
        Reason::Duplicate => "duplicate",
    }
}

/// Whatever GitHub answers to a write that nobody reads.
type Ignored = Value;

impl GitHub {
    /// All issues with a label, open and closed.
    pub async fn issues(&mut self, label: &str) -> Result<Vec<Issue>, Fault> {
        let route = self.route(&format!(
            "/issues?labels={}&state=all&per_page=100&sort=created&direction=desc",
            percent(label)
        ));
        let listed: Vec<Listed> = self.list(&route).await?;
        let mut seen = BTreeSet::new();
        // What moves from one page to the next while they are read is listed twice.
        let issues = listed.into_iter().filter_map(Listed::issue);
        Ok(issues.filter(|issue| seen.insert(issue.number)).collect())
    }

    /// The newest issues with a label: one page.
    pub async fn newest_issues(&mut self, label: &str) -> Result<Vec<Issue>, Fault> {
        let route = self.route(&format!(
            "/issues?labels={}&state=all&per_page=100&sort=created&direction=desc",
            percent(label)
        ));
        let listed: Vec<Listed> = self.get(&route).await?;
        Ok(listed.into_iter().filter_map(Listed::issue).collect())
    }

    /// The newest issues that somebody opened: one page.
    pub async fn newest_issues_by(&mut self, author: &str) -> Result<Vec<Issue>, Fault> {
        let route = self.route(&format!(
            "/issues?creator={}&state=all&per_page=100&sort=created&direction=desc",
            percent(author)
        ));
        let listed: Vec<Listed> = self.get(&route).await?;
        Ok(listed.into_iter().filter_map(Listed::issue).collect())
    }

    /// One issue as it is now.
    pub async fn issue(&mut self, number: u64) -> Result<Issue, Fault> {
        let route = self.route(&format!("/issues/{number}"));
        let listed: Listed = self.get(&route).await?;
        listed.issue().ok_or(Fault::Missing)
    }

    /// Opens an issue, and gives its number. `same` finds it in a list, where the answer was lost.
    pub async fn open_issue(
        &mut self,
        title: &str,
        body: &str,
        label: &str,
        same: impl Fn(&Issue) -> bool,
    ) -> Result<u64, Fault> {
        let route = self.route("/issues");
        let wanted = json!({ "title": title, "body": body, "labels": [label] });
        for last in [false, true] {
            match self.send::<Listed>(Method::POST, &route, &wanted, Repeat::Never).await {
                Ok(listed) => return Ok(listed.number),
                Err(fault) if fault.is_lost() => {
                    let issues = self.newest_issues(label).await?;
                    if let Some(issue) = issues.iter().find(|issue| same(issue)) {
                        return Ok(issue.number);
                    }
                    if last {
                        return Err(fault);
                    }
                }
                Err(fault) => return Err(fault),
            }
        }
        unreachable!("the second time ends either way")
    }

    /// Changes title, body and state of an issue in one request.
    pub async fn change_issue(
        &mut self,
        number: u64,
        title: Option<&str>,
        body: Option<&str>,
        state: Option<State>,
    ) -> Result<(), Fault> {
        let mut wanted = Map::new();
        if let Some(title) = title {
            wanted.insert("title".to_owned(), json!(title));
        }
        if let Some(body) = body {
            wanted.insert("body".to_owned(), json!(body));
        }
        match state {
            Some(State::Open) => {
                wanted.insert("state".to_owned(), json!("open"));
            }
            Some(State::Closed(why)) => {
                wanted.insert("state".to_owned(), json!("closed"));
                if let Some(why) = why {
                    wanted.insert("state_reason".to_owned(), json!(reason(why)));
                }
            }
            None => {}
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let route = self.route(&format!("/issues/{number}"));
        self.send::<Ignored>(Method::PATCH, &route, &Value::Object(wanted), Repeat::Harmless)
            .await?;
        Ok(())
    }

    /// Closes an issue of which there is another.
    pub async fn close_duplicate(&mut self, number: u64) -> Result<(), Fault> {
        let route = self.route(&format!("/issues/{number}"));
        let wanted = json!({ "state": "closed", "state_reason": reason(Reason::Duplicate) });
        self.send::<Ignored>(Method::PATCH, &route, &wanted, Repeat::Harmless).await?;
        Ok(())
    }

    /// Writes an issue's body.
    pub async fn write_body(&mut self, number: u64, title: &str, body: &str) -> Result<(), Fault> {
        let route = self.route(&format!("/issues/{number}"));
        let wanted = json!({ "title": title, "body": body });
        self.send::<Ignored>(Method::PATCH, &route, &wanted, Repeat::Harmless).await?;
        Ok(())
    }

    /// Adds a label; the others stay.
    pub async fn add_label(&mut self, number: u64, label: &str) -> Result<(), Fault> {
        let route = self.route(&format!("/issues/{number}/labels"));
        let wanted = json!({ "labels": [label] });
        self.send::<Ignored>(Method::POST, &route, &wanted, Repeat::Harmless).await?;
        Ok(())
    }

    /// All comments of an issue or a pull request.
    pub async fn comments(&mut self, number: u64) -> Result<Vec<Comment>, Fault> {
        let route = self.route(&format!("/issues/{number}/comments?per_page=100"));
        let listed: Vec<ListedComment> = self.list(&route).await?;
        Ok(listed.into_iter().map(Comment::from).collect())
    }

    /// Writes a comment. Where the answer is lost, it is looked whether `author` has written it.
    pub async fn comment(&mut self, number: u64, author: &str, body: &str) -> Result<(), Fault> {
        let route = self.route(&format!("/issues/{number}/comments"));
        let wanted = json!({ "body": body });
        for last in [false, true] {
            match self.send::<Ignored>(Method::POST, &route, &wanted, Repeat::Never).await {
                Ok(_) => return Ok(()),
                Err(fault) if fault.is_lost() && !last => {
                    if self.has_comment(number, author, body).await? {
                        return Ok(());
                    }
                }
                Err(fault) => return Err(fault),
            }
        }
        unreachable!("the second time ends either way")
    }

    /// Whether an author's last comment says just this, whichever run it links.
    pub async fn has_comment(
        &mut self,
        number: u64,
        author: &str,
        body: &str,
    ) -> Result<bool, Fault> {
        let comments = self.comments(number).await?;
        let last = comments.iter().rev().find(|comment| comment.author == author);
        Ok(last.is_some_and(|comment| without(&comment.body) == without(body)))
    }

    /// Writes another text into a comment.
    pub async fn rewrite_comment(&mut self, id: u64, body: &str) -> Result<(), Fault> {
        let route = self.route(&format!("/issues/comments/{id}"));
        self.send::<Ignored>(Method::PATCH, &route, &json!({ "body": body }), Repeat::Harmless)
            .await?;
        Ok(())
    }
}

/// A value of a query (RFC 3986, section 2.3: what is not unreserved is encoded).
fn percent(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing into a text cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use super::*;

    fn read(json: Value) -> Option<Issue> {
        serde_json::from_value::<Listed>(json).unwrap().issue()
    }

    #[test]
    fn a_pull_request_in_a_list_of_issues_is_none() {
        let issue = json!({"number": 1, "state": "open", "pull_request": {"url": "x"}});
        assert_eq!(read(issue), None);
    }

    #[test]
    fn labels_come_as_words_or_whole_and_a_user_who_left_is_nobody() {
        let issue = read(json!({
            "number": 1, "state": "closed", "state_reason": "not_planned", "body": null,
            "labels": ["a", {"name": "b"}, {"name": null}], "user": null,
        }))
        .unwrap();
        assert_eq!(issue.labels, BTreeSet::from(["a".to_owned(), "b".to_owned()]));
        assert_eq!(issue.author, "");
        assert_eq!(issue.state, State::Closed(Some(Reason::NotPlanned)));
    }

    #[test]
    fn a_label_of_any_characters_is_one_value_of_the_query() {
        assert_eq!(percent("a b&c=d,\u{e9}"), "a%20b%26c%3Dd%2C%C3%A9");
    }
}
