//! Packs: folders of rule files, loaded whole or refused whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Digest;
use model::assessment::PackRef;

use super::file::{compile, parse};
use super::lint::lint;
use super::names::names;
use super::{Pack, PackFile, Problem, Rule, RuleSet};
use crate::profile::{FOLDER, Profile, Profiles, lint as lint_profile};

/// Most files of one pack.
const MAX_FILES: usize = 2_000;
/// Largest rule file, in bytes.
const MAX_FILE: usize = 256 * 1024;

/// The built-in pack: files by relative path.
pub const BUILT_IN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/pack.rs"));

/// The built-in pack, alone.
///
/// # Panics
/// If the pack that was built in does not load, which a test of this crate excludes.
pub fn built_in() -> RuleSet {
    beside_built_in::<&str, &str>(&[]).unwrap_or_else(|problems| {
        let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
        panic!("the built-in pack must load:\n{}", lines.join("\n"))
    })
}

/// Loads packs as [`load`] does, with the built-in one beside them. That one is not linted again:
/// a test of this crate does it before it is built in.
pub fn beside_built_in<F: AsRef<str>, T: AsRef<str>>(
    packs: &[Vec<(F, T)>],
) -> Result<RuleSet, Vec<Problem>> {
    let loaded = packs.iter().map(|files| load_one(files, Lint::Run));
    assemble(std::iter::once(load_one(BUILT_IN, Lint::Skip)).chain(loaded), Vec::new())
}

/// Loads one pack as [`load`] does, with the profiles of the built-in one and none of its rules: what
/// its author tests and lints.
pub fn alone<F: AsRef<str>, T: AsRef<str>>(files: &[(F, T)]) -> Result<RuleSet, Vec<Problem>> {
    let (_, _, profiles) = load_one(BUILT_IN, Lint::Skip)?;
    assemble(std::iter::once(load_one(files, Lint::Run)), profiles)
}

/// Loads packs, each given as its files by relative path. A pack with any problem is refused
/// whole, and so is the set: judging by half a pack would hide what the other half says.
pub fn load<F: AsRef<str>, T: AsRef<str>>(packs: &[Vec<(F, T)>]) -> Result<RuleSet, Vec<Problem>> {
    assemble(packs.iter().map(|files| load_one(files, Lint::Run)), Vec::new())
}

/// Whether the rules of a pack are linted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lint {
    Run,
    Skip,
}

type Loaded = Result<(Pack, Vec<Rule>, Vec<Profile>), Vec<Problem>>;

fn assemble(
    packs: impl Iterator<Item = Loaded>,
    mut profiles: Vec<Profile>,
) -> Result<RuleSet, Vec<Problem>> {
    let mut set = RuleSet::default();
    let mut problems = Vec::new();
    for loaded in packs {
        match loaded {
            Ok((pack, rules, own)) => {
                set.packs.push(pack);
                set.rules.extend(rules);
                profiles.extend(own);
            }
            Err(found) => problems.extend(found),
        }
    }
    set.packs.sort_by(|a, b| a.reference.cmp(&b.reference));
    set.rules.sort_by(|a, b| a.key.cmp(&b.key));
    for pair in set.packs.windows(2) {
        if pair[0].reference.id == pair[1].reference.id {
            let id = &pair[0].reference.id;
            problems.push(Problem::of("pack.yaml", format!("two packs have the id `{id}`")));
        }
    }
    for pair in set.rules.windows(2) {
        if pair[0].key == pair[1].key {
            let (first, key) = (&pair[0], &pair[1].key);
            let message = format!("`{key}` is already a rule of pack `{}`", first.pack);
            problems.push(Problem::of(&pair[1].file, message));
        }
    }
    problems.extend(names(&set));
    problems.extend(words(&profiles));
    set.profiles = Arc::new(Profiles::new(profiles));
    for rule in &mut set.rules {
        rule.profiles = Arc::clone(&set.profiles);
    }
    if problems.is_empty() { Ok(set) } else { Err(problems) }
}

/// What is wrong with the words that stand for profiles, in all packs together.
fn words(profiles: &[Profile]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut taken = BTreeMap::new();
    for profile in profiles {
        for word in profile.words() {
            if let Some(first) = taken.insert(word, profile).filter(|f| !std::ptr::eq(*f, profile))
            {
                let (id, pack) = (&first.id, &first.pack);
                let message =
                    format!("`{word}` stands for profile `{id}` of pack `{pack}` already");
                problems.push(Problem::of(&profile.file, message));
            }
        }
    }
    problems
}

fn load_one<F: AsRef<str>, T: AsRef<str>>(files: &[(F, T)], how: Lint) -> Loaded {
    if files.len() > MAX_FILES {
        let message = format!("{} files; a pack has at most {MAX_FILES}", files.len());
        return Err(vec![Problem::of("pack.yaml", message)]);
    }
    let Some((name, text)) = files.iter().find(|(name, _)| name.as_ref() == "pack.yaml") else {
        let message = "there is no pack.yaml; a pack has one with `id`, `version` and `title`";
        return Err(vec![Problem::of("pack.yaml", message)]);
    };
    let head: PackFile = parse(name.as_ref(), text.as_ref()).map_err(|problem| vec![problem])?;
    let mut rules = Vec::new();
    let mut profiles = Vec::new();
    let mut problems = Vec::new();
    let mut contents = BTreeMap::new();
    for (name, text) in files {
        let (name, text) = (name.as_ref(), text.as_ref());
        if text.len() > MAX_FILE {
            let message = format!("{} bytes; a rule file has at most {MAX_FILE}", text.len());
            problems.push(Problem::of(name, message));
            continue;
        }
        let content = match parse::<serde_json::Value>(name, text) {
            Ok(content) => content,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        if name.starts_with(FOLDER) {
            // A tree has no lines and columns, so the text is read again.
            match parse::<Profile>(name, text) {
                Ok(profile) => {
                    let profile = profile.placed(&head.id, name);
                    if how == Lint::Run {
                        problems.extend(lint_profile(&profile, text));
                    }
                    profiles.push(profile);
                }
                Err(problem) => problems.push(problem),
            }
        } else if name != "pack.yaml" {
            match compile(&head.id, name, text, &content) {
                Ok(rule) => {
                    if how == Lint::Run {
                        problems.extend(lint(&rule, text));
                    }
                    rules.push(rule);
                }
                Err(found) => problems.extend(found),
            }
        }
        contents.insert(name, content);
    }
    if rules.is_empty() && profiles.is_empty() && problems.is_empty() {
        problems.push(Problem::of("pack.yaml", "the pack has no rules and no profiles"));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    // Over the parsed content, so that a comment or a line break does not make another pack.
    let digest = Digest::of(&contents);
    let reference = PackRef { id: head.id, version: head.version, digest };
    Ok((Pack { reference, title: head.title, retired: head.retired }, rules, profiles))
}
