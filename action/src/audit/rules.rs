//! Rule packs of a commit, beside the built-in one.

use std::fs;
use std::path::{Path, PathBuf};

use engine::rule::{self, RuleSet};

use crate::checkout::{Tree, inside};
use crate::failure::Failure;

/// Largest file of a rule pack, in bytes.
const MAX_FILE: u64 = 1024 * 1024;
/// Files of one pack.
const MAX_FILES: usize = 2_000;
/// Folders below the pack's own.
const MAX_DEPTH: usize = 4;

/// The built-in pack with those of these folders beside it.
pub fn load(tree: &Tree, folders: &[String]) -> Result<RuleSet, Failure> {
    let packs = folders.iter().map(|folder| pack(tree, folder)).collect::<Result<Vec<_>, _>>()?;
    rule::beside_built_in(&packs).map_err(|problems| {
        let lines: Vec<_> = problems.iter().map(|problem| format!("  {problem}")).collect();
        Failure::new(format!("the rule pack is refused:\n{}", lines.join("\n")))
    })
}

/// Every `.yaml` file below a folder, by relative path, sorted.
fn pack(tree: &Tree, folder: &str) -> Result<Vec<(String, String)>, Failure> {
    let root = tree.root().join(inside(folder)?);
    let mut paths = Vec::new();
    walk(&root, folder, 0, &mut paths)?;
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().into_owned();
            let failed = |what: &dyn std::fmt::Display| {
                Failure::new(format!("rules: {folder}/{name}: {what}"))
            };
            let size = fs::metadata(&path).map_err(|error| failed(&error))?.len();
            if size > MAX_FILE {
                return Err(failed(&format!("larger than {MAX_FILE} bytes")));
            }
            Ok((name.clone(), fs::read_to_string(&path).map_err(|error| failed(&error))?))
        })
        .collect()
}

fn walk(dir: &Path, shown: &str, depth: usize, paths: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |error| Failure::new(format!("rules: cannot read folder {shown}: {error}"));
    if depth > MAX_DEPTH || paths.len() > MAX_FILES {
        return Err(Failure::new(format!(
            "rules: {shown} has more than {MAX_FILES} files, or folders deeper than {MAX_DEPTH}"
        )));
    }
    for entry in fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
        if kind.is_dir() {
            walk(&path, shown, depth + 1, paths)?;
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "yaml") {
            paths.push(path);
        }
    }
    Ok(())
}
