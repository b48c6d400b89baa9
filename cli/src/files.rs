//! Files that people name: documents, rule packs, and places to write to.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use engine::rule::{self, RuleSet};

use crate::exit::Failure;

/// Largest file of a rule pack that is read, in bytes.
const MAX_RULE_FILE: u64 = 1024 * 1024;

/// The built-in pack with the packs of these folders beside it.
pub fn rules(dirs: &[PathBuf]) -> Result<RuleSet, Failure> {
    let packs = dirs.iter().map(|dir| pack(dir)).collect::<Result<Vec<_>, _>>()?;
    rule::beside_built_in(&packs).map_err(|problems| refused(&problems))
}

/// The pack of one folder, without the rules of another; the built-in one where there is none.
pub fn only(dir: Option<&Path>) -> Result<RuleSet, Failure> {
    match dir {
        None => rule::load(&[rule::BUILT_IN.to_vec()]),
        Some(dir) => rule::alone(&pack(dir)?),
    }
    .map_err(|problems| refused(&problems))
}

fn refused(problems: &[rule::Problem]) -> Failure {
    let lines: Vec<_> = problems.iter().map(|problem| format!("  {problem}")).collect();
    Failure::usage(format!("the rule pack is refused:\n{}", lines.join("\n")))
}

/// Every `.yaml` file below a folder, by relative path, sorted.
fn pack(dir: &Path) -> Result<Vec<(String, String)>, Failure> {
    let mut paths = Vec::new();
    walk(dir, 0, &mut paths)?;
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(dir).unwrap_or(&path).to_string_lossy().into_owned();
            let bytes = read(&path, MAX_RULE_FILE)?;
            let text = String::from_utf8(bytes)
                .map_err(|_| Failure::usage(format!("{}: is not UTF-8 text", path.display())))?;
            Ok((name, text))
        })
        .collect()
}

fn walk(dir: &Path, depth: u8, paths: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |error| Failure::usage(format!("cannot read folder {}: {error}", dir.display()));
    if depth > 4 {
        return Err(Failure::usage(format!("{}: folders nest deeper than 4", dir.display())));
    }
    for entry in fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
        if kind.is_dir() {
            walk(&path, depth + 1, paths)?;
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "yaml") {
            paths.push(path);
        }
        if paths.len() > 2_000 {
            return Err(Failure::usage(format!("{}: more than 2,000 rule files", dir.display())));
        }
    }
    Ok(())
}

/// The bytes of a file, at most `limit`; `-` is standard input.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::usage(format!("cannot read {}: {error}", path.display()));
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        fs::File::open(path)
            .map_err(failed)?
            .take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
    }
    if u64::try_from(bytes.len()).is_ok_and(|size| size > limit) {
        let message = format!("{}: larger than {limit} bytes", path.display());
        return Err(Failure::usage(message));
    }
    Ok(bytes)
}
