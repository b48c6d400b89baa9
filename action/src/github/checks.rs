//! Check runs.

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Fault, GitHub, Repeat};

/// Annotations in one request (GitHub, "Create a check run").
const AT_ONCE: usize = 50;
/// Characters of a summary (same source).
const SUMMARY: usize = 65_535;

/// A remark at a place of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Annotation {
    /// The file, from the repository's root.
    pub path: String,
    /// The line.
    pub start_line: u64,
    /// The line again.
    pub end_line: u64,
    /// `notice`, `warning` or `failure`.
    pub annotation_level: &'static str,
    /// One line.
    pub title: String,
    /// What is wrong.
    pub message: String,
}

/// A check run that has ended.
#[derive(Debug, Clone)]
pub struct CheckRun<'a> {
    /// The commit.
    pub commit: &'a str,
    /// `success`, `failure` or `neutral`.
    pub conclusion: &'static str,
    /// One line.
    pub title: String,
    /// Markdown.
    pub summary: String,
    /// Remarks.
    pub annotations: &'a [Annotation],
    /// The page with more.
    pub page: Option<&'a str>,
}

#[derive(Deserialize)]
struct Made {
    id: u64,
}

impl GitHub {
    /// Makes a check run.
    pub async fn check_run(&mut self, run: &CheckRun<'_>) -> Result<(), Fault> {
        let summary: String = run.summary.chars().take(SUMMARY).collect();
        let output = |annotations: &[Annotation]| json!({ "title": run.title, "summary": summary, "annotations": annotations });
        let mut chunks = run.annotations.chunks(AT_ONCE);
        let mut wanted = json!({
            "name": "Plumbline",
            "head_sha": run.commit,
            "status": "completed",
            "conclusion": run.conclusion,
            "output": output(chunks.next().unwrap_or_default()),
        });
        if let Some(page) = run.page {
            wanted["details_url"] = json!(page);
        }
        let route = self.route("/check-runs");
        let made: Made = self.send(Method::POST, &route, &wanted, Repeat::Never).await?;
        let route = self.route(&format!("/check-runs/{}", made.id));
        for chunk in chunks {
            // Annotations of an update are added: a second time would show them twice.
            let wanted = json!({ "output": output(chunk) });
            self.send::<Value>(Method::PATCH, &route, &wanted, Repeat::Never).await?;
        }
        Ok(())
    }
}
