//! The workflow that a run is of.

use super::Repository;

/// A workflow, and where in it this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    /// Its file, from the repository's root.
    pub path: String,
    /// The id of its job.
    pub job: String,
    /// The repository of the Action, `owner/name`; empty where it is the workflow's own.
    pub action: String,
}

impl Workflow {
    /// Of `owner/name/.github/workflows/file.yml@refs/...`, as the runner says it.
    pub(super) fn of(
        said: &str,
        repository: &Repository,
        job: String,
        action: String,
    ) -> Option<Self> {
        let (path, _) = said.split_once("@refs/")?;
        let place = format!("{}/{}/", repository.owner, repository.name);
        let path = path.strip_prefix(&place)?;
        let is_one = path.starts_with(".github/workflows/") && !path.contains("..");
        is_one.then(|| Self { path: path.to_owned(), job, action })
    }

    /// True of what a step `uses` that is this Action, also a mirror of it.
    pub fn is_ours(&self, uses: &str) -> bool {
        let name = uses.split('@').next().unwrap_or_default();
        let named = !self.action.is_empty() && name == self.action;
        named || matches!(name, "./" | "plumbline/plumbline")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_is_a_file_of_this_repository() {
        let repository = Repository::parse("o/r").unwrap();
        let of = |said: &str| {
            let (job, action) = ("audit".to_owned(), String::new());
            Workflow::of(said, &repository, job, action).map(|workflow| workflow.path)
        };
        let path = ".github/workflows/a.yml";
        assert_eq!(of(&format!("o/r/{path}@refs/pull/7/merge")).as_deref(), Some(path));
        assert_eq!(of(&format!("o/r/{path}@refs/heads/a@refs/b")).as_deref(), Some(path));
        for bad in ["", path, "o/r/x.yml@refs/heads/main", "o/s/.github/workflows/a.yml@refs/x"] {
            assert_eq!(of(bad), None, "{bad}");
        }
        assert_eq!(of("o/r/.github/workflows/../../x@refs/heads/main"), None);
    }
}
