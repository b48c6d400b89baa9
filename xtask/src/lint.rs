//! What runs in workflows is linted: `action.yml`, our own workflows, and those that the Action's
//! documentation shows. Each of the three linters finds what the others do not look at, and each
//! fails where there is nothing to look at.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::shell::{run, target};
use crate::tools;

/// How the documentation names the Action; its reader puts a commit there.
const ACTION: &str = "plumbline/plumbline@0000000000000000000000000000000000000000";

/// What stands around steps that the documentation shows by themselves.
const AROUND_STEPS: &str = "name: Plumbline
on:
  push:
    branches: [main]
permissions: {}
concurrency:
  group: plumbline
  cancel-in-progress: false
jobs:
  audit:
    runs-on: ubuntu-24.04
    timeout-minutes: 15
    permissions:
      contents: read
    steps:
";

/// Lints everything; `github` is the folder whose packages have action-validator.
pub fn workflows(root: &Path, github: &Path) -> anyhow::Result<()> {
    let zizmor = tools::zizmor(root)?;
    let actionlint = tools::actionlint(root)?;
    let validator = github.join("node_modules/.bin/action-validator");
    let audit = |folder: &Path, what: &[&str]| {
        let flags = ["--offline", "--min-severity", "medium"];
        run(Command::new(&zizmor).current_dir(folder).args(flags).args(what))
    };
    audit(root, &["action.yml", ".github"])?;
    run(Command::new(&actionlint).current_dir(root))?;
    // Not the workflows: its schema does not know newer permissions, and actionlint looks at them.
    run(Command::new(validator).current_dir(root).arg("action.yml"))?;

    let shown = shown(&root.join("docs/action"))?;
    let repository = Repository::new(root)?;
    repository.fill(&shown, str::to_owned)?;
    audit(&repository.0, &[".github"])?;
    // actionlint knows the inputs and outputs of an action that is in the repository.
    std::fs::copy(root.join("action.yml"), repository.0.join("action.yml"))?;
    repository.fill(&shown, |text| text.replace(ACTION, "./"))?;
    run(Command::new(&actionlint).current_dir(&repository.0))
}

/// A repository whose workflows are those of the documentation.
struct Repository(PathBuf);

impl Repository {
    fn new(root: &Path) -> anyhow::Result<Self> {
        let folder = target(root).join("documented-workflows");
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(folder.join(".github/workflows"))?;
        run(Command::new("git").current_dir(&folder).args(["init", "--quiet"]))?;
        Ok(Self(folder))
    }

    fn fill(&self, shown: &[Shown], change: impl Fn(&str) -> String) -> anyhow::Result<()> {
        for Shown { name, text } in shown {
            std::fs::write(self.0.join(".github/workflows").join(name), change(text))?;
        }
        Ok(())
    }
}

/// A workflow that the documentation shows.
#[derive(Debug)]
struct Shown {
    /// The page and the line that it begins on, so that a linter's complaint names both.
    name: String,
    text: String,
}

/// The workflows of all pages of a folder; steps that stand by themselves are made one.
fn shown(folder: &Path) -> anyhow::Result<Vec<Shown>> {
    let mut all = Vec::new();
    for entry in folder.read_dir().with_context(|| folder.display().to_string())? {
        let page = entry?.path();
        if page.extension().is_some_and(|extension| extension == "md") {
            let stem = page.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&page)?;
            for (line, text) in of_page(&text) {
                all.push(Shown { name: format!("{stem}-line-{line}.yml"), text });
            }
        }
    }
    if all.is_empty() {
        bail!("no page of {} shows a workflow", folder.display());
    }
    Ok(all)
}

fn of_page(page: &str) -> Vec<(usize, String)> {
    let mut all = Vec::new();
    let mut lines = page.lines().zip(1..);
    while let Some((fence, line)) = lines.next() {
        if fence != "```yaml" {
            continue;
        }
        let inside = lines.by_ref().map(|(text, _)| text).take_while(|text| *text != "```");
        let inside: String = inside.flat_map(|text| [text, "\n"]).collect();
        if inside.lines().any(|text| text == "jobs:") {
            all.push((line + 1, inside));
        } else if inside.starts_with("      - ") {
            all.push((line + 1, format!("{AROUND_STEPS}{inside}")));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workflows_and_steps_of_a_page_are_found_and_documents_are_not() {
        let page = "# Page\n\n```yaml\nkind: AuditTarget\n```\n\n```yaml\non: push\njobs:\n  a:\n```\n\
                    ```yaml\n      - run: true\n```\n```console\njobs:\n```\n";
        let found = of_page(page);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0], (8, "on: push\njobs:\n  a:\n".to_owned()));
        assert_eq!(found[1], (13, format!("{AROUND_STEPS}      - run: true\n")));
    }
}
