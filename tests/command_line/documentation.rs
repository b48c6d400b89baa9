//! Every command that the documentation shows runs, in an empty folder, in its order.

use std::path::Path;
use std::process::Command;

use tests::plumb::{Bench, program};

/// The `$ plumb ...` lines of every `console` block of a page. A line that ends in `# exits N`
/// must end so; every other one must end with 0.
fn commands(page: &str) -> Vec<(String, i32)> {
    let mut commands = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match line.trim() {
            "```console" => inside = true,
            "```" => inside = false,
            command if inside && command.starts_with("$ plumb") => {
                let text = command.trim_start_matches("$ ");
                let (text, code) = text.split_once("  # exits ").unwrap_or((text, "0"));
                commands.push((text.to_owned(), code.trim().parse().unwrap()));
            }
            _ => {}
        }
    }
    commands
}

#[test]
fn every_plumb_command_in_the_documentation_works_as_shown() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let pages = ["README.md", "docs/first-target.md", "docs/first-rule.md"];
    let mut ran = 0;
    for page in pages {
        let text = std::fs::read_to_string(root.join(page)).unwrap();
        let bench = Bench::new();
        let path = format!(
            "{}:{}",
            program().parent().unwrap().display(),
            std::env::var("PATH").unwrap_or_default()
        );
        for (name, content) in files(&text) {
            bench.write(&name, content);
        }
        for (command, code) in commands(&text) {
            let ended = Command::new("sh")
                .args(["-c", &command])
                .current_dir(bench.dir())
                .env_clear()
                .env("HOME", bench.dir())
                .env("PATH", &path)
                .output()
                .unwrap();
            let stderr = String::from_utf8_lossy(&ended.stderr);
            assert_eq!(ended.status.code(), Some(code), "{page}: `{command}`\n{stderr}");
            ran += 1;
        }
    }
    assert!(ran >= 12, "only {ran} commands were found in the documentation");
}

#[test]
fn every_example_document_is_accepted_with_its_parameters() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut checked = 0;
    for entry in std::fs::read_dir(root.join("docs/examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            Bench::new().plumb(&["targets", "check", path.to_str().unwrap()]).expect(0);
            checked += 1;
        }
    }
    assert!(checked >= 4, "only {checked} examples were found");
}

/// Files that a page tells the reader to write: a line `Save this as `NAME`:` and the next block.
fn files(page: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(rest) = line.strip_prefix("Save this as `") else { continue };
        let name = rest.split('`').next().unwrap().to_owned();
        let block = lines.by_ref().skip_while(|line| !line.starts_with("```")).skip(1);
        let content: Vec<_> = block.take_while(|line| *line != "```").collect();
        files.push((name, content.join("\n") + "\n"));
    }
    files
}

#[test]
fn every_file_that_the_documentation_links_to_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let pages = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "docs/first-target.md",
        "docs/first-rule.md",
        "docs/documents.md",
        "docs/mapping.md",
        "docs/benchmarks.md",
        "docs/operator/README.md",
        "docs/operator/install.md",
        "docs/operator/first-schedule.md",
        "docs/operator/alerts.md",
        "docs/rules/README.md",
    ];
    let mut checked = 0;
    for page in pages {
        let path = root.join(page);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{page} is missing"));
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap();
            if file.is_empty() || link.contains("://") {
                continue;
            }
            let target = path.parent().unwrap().join(file);
            assert!(target.exists(), "{page} links to {link}, which is not there");
            checked += 1;
        }
    }
    assert!(checked > 50, "only {checked} links were found");
}
