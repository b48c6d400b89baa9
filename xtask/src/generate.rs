//! Generated files: written from the program itself, committed, and checked for drift.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::shell::{capture, cargo};

/// Folders that hold nothing but generated files.
const FOLDERS: &[&str] =
    &["model/schemas", "docs/rules", "docs/completions", "docs/man", "charts/plumbline/files/crds"];

/// Writes every generated file, or with `check` fails if one differs from what is committed.
pub fn run(root: &Path, check: bool) -> anyhow::Result<()> {
    println!("\n$ generate schemas, rule pages, completions and the man page");
    let files = files(root)?;
    let mut drift = Vec::new();
    for (name, content) in &files {
        let path = root.join(name);
        if fs::read_to_string(&path).ok().as_ref() == Some(content) {
            continue;
        }
        drift.push(name.display().to_string());
        if !check {
            let folder = path.parent().context("a generated file is in a folder")?;
            fs::create_dir_all(folder)?;
            fs::write(&path, content)?;
        }
    }
    for folder in FOLDERS {
        for entry in fs::read_dir(root.join(folder)).into_iter().flatten() {
            let path = entry?.path();
            let name = path.strip_prefix(root)?.to_owned();
            if !files.contains_key(&name) {
                drift.push(format!("{} (not generated any more)", name.display()));
                if !check {
                    fs::remove_file(&path)?;
                }
            }
        }
    }
    match (check, drift.is_empty()) {
        (_, true) => println!("{} files are as generated", files.len()),
        (false, false) => println!("wrote {}", drift.join(", ")),
        (true, false) => bail!("run `cargo xtask gen` and commit: {}", drift.join(", ")),
    }
    Ok(())
}

fn files(root: &Path) -> anyhow::Result<BTreeMap<PathBuf, String>> {
    let plumb = build(root)?;
    let operator = plumb.with_file_name("plumbline-operator");
    let ask = |arguments: &[&str]| capture(Command::new(&plumb).args(arguments));
    let mut files = BTreeMap::new();
    for name in ask(&["schema", "list"])?.lines() {
        let schema = ask(&["schema", "show", name])?;
        files.insert(PathBuf::from(format!("model/schemas/{name}.json")), schema);
    }
    files.insert("docs/rules/README.md".into(), ask(&["rules", "list", "--markdown"])?);
    for line in ask(&["rules", "list", "--keys"])?.lines() {
        files.insert(format!("docs/rules/{line}.md").into(), ask(&["rules", "show", line])?);
    }
    files.insert("docs/rules/profiles.md".into(), ask(&["rules", "profiles", "--markdown"])?);
    for line in ask(&["rules", "profiles", "--keys"])?.lines() {
        let page = ask(&["rules", "profiles", line])?;
        files.insert(format!("docs/rules/profile.{line}.md").into(), page);
    }
    for (shell, name) in [("bash", "plumb.bash"), ("zsh", "_plumb"), ("fish", "plumb.fish")] {
        files.insert(format!("docs/completions/{name}").into(), ask(&["completions", shell])?);
    }
    files.insert("docs/man/plumb.1".into(), ask(&["completions", "man"])?);
    let definitions = capture(Command::new(operator).arg("crds"))?;
    for definition in definitions.split("---\n").filter(|text| !text.is_empty()) {
        let (_, rest) = definition.split_once("\n  name: ").context("a definition has a name")?;
        let (plural, _) = rest.split_once('.').context("a definition is named plural.group")?;
        for folder in ["crds", "charts/plumbline/files/crds"] {
            files.insert(format!("{folder}/{plural}.yaml").into(), definition.to_owned());
        }
    }
    Ok(files)
}

/// Builds the whole workspace's way, so that nothing is built twice, and finds the program.
fn build(root: &Path) -> anyhow::Result<PathBuf> {
    let messages = capture(cargo(root).args([
        "build",
        "--workspace",
        "--bins",
        "--message-format",
        "json-render-diagnostics",
    ]))?;
    messages
        .lines()
        .filter(|line| line.contains(r#""name":"plumb""#))
        .filter_map(|line| line.split(r#""executable":""#).nth(1)?.split('"').next())
        .map(PathBuf::from)
        .next_back()
        .context("cargo built no `plumb`")
}
