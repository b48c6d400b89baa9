//! What first-class readers have in common: settings by path, with their place, in the order in
//! which the program takes them.
//!
//! A reader turns files into [`Settings`]: it sets one path after the other, from the weakest
//! layer to the strongest, and the last one counts. What a [`Program`] knows about its paths
//! stands in a table of [`Key`]s; what its settings mean is judged through a [`Case`].

mod case;
mod environment;
mod keys;
mod program;

use std::collections::BTreeMap;
use std::ops::Bound;

pub use case::{Case, Held};
pub use environment::Environment;
pub use keys::{DefaultIn, Key, Kind, always, key, since, until};
pub use program::{Named, Program, Schema, Words};

use super::guardrail::Place;
use super::includes::{Text, Unread};
use super::tree::{MAX_NODES, MAX_TEXT_BYTES, Node, Unreadable, Value};

/// Most steps of all paths that are set, together: what is set far down costs as much as it is deep.
const MAX_STEPS: usize = 1_000_000;

/// Most values that are kept though another one took their place. Evidence shows fewer.
const MAX_OVERRIDDEN: usize = 1_000;

/// One setting: a path with its value. Items of lists have numbers from 1 as steps of the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Steps of the path.
    pub path: Vec<String>,
    /// A scalar, an unresolved value, or a list or table in which nothing is.
    pub value: Value,
    /// Place of the key, of the item in a list.
    pub place: Place,
    /// When it was set, counted over all layers.
    order: usize,
}

/// Something that would be read here and is not in evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Where it is named.
    pub place: Place,
    /// Name of what is missing, as evidence shows it.
    pub name: String,
    /// Why it was not read, and what to do.
    pub reason: String,
    /// What it may set: everything below this path.
    below: Vec<String>,
    order: usize,
}

/// The settings of one configuration.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    in_force: BTreeMap<Vec<String>, Given>,
    overridden: Vec<Given>,
    gaps: Vec<Gap>,
    /// The highest number of an item, by list.
    last_item: BTreeMap<Vec<String>, usize>,
    texts: BTreeMap<String, Result<Text, Unread>>,
    order: usize,
    /// Steps of paths and bytes of values that were set so far, also where another one took their
    /// place.
    spent: (usize, usize),
    /// A path may have a value of its own and further ones below it.
    flat: bool,
}

/// The steps of a dotted path.
pub fn path(dotted: &str) -> Vec<String> {
    dotted.split('.').filter(|step| !step.is_empty()).map(str::to_owned).collect()
}

impl Settings {
    /// Settings in which a path may have a value of its own and further ones below it.
    pub fn flat() -> Self {
        Self { flat: true, ..Self::default() }
    }

    /// Sets a path. What was set there, below it, or as a plain value above it gives way.
    pub fn set(&mut self, path: Vec<String>, value: Value, place: Place) -> Result<(), Unreadable> {
        let bytes = if let Value::Scalar(text) = &value { text.len() } else { 0 };
        self.spend(path.len(), bytes)?;
        if !self.flat {
            self.clear_below(&path);
            self.clear_above(&path);
        }
        self.order += 1;
        for (at, step) in path.iter().enumerate() {
            if let Ok(number) = step.parse::<usize>() {
                self.spend(at, 0)?;
                let last = self.last_item.entry(path[..at].to_vec()).or_default();
                *last = number.max(*last);
            }
        }
        let given = Given { path: path.clone(), value, place, order: self.order };
        if let Some(old) = self.in_force.insert(path, given) {
            self.give_way(old);
        }
        if self.in_force.len() > MAX_NODES {
            return Err(Unreadable::Limit("100,000 values"));
        }
        Ok(())
    }

    /// Adds an item to the list at a path, for programs in which the same key adds up.
    pub fn append(
        &mut self,
        list: &[String],
        value: Value,
        place: Place,
    ) -> Result<(), Unreadable> {
        self.set(self.next_item(list), value, place)
    }

    /// The path of the item that comes next in a list.
    pub fn next_item(&self, list: &[String]) -> Vec<String> {
        let last = self.last_item.get(list).copied().unwrap_or(0);
        list.iter().cloned().chain([last.saturating_add(1).to_string()]).collect()
    }

    /// Takes everything at and below a path away, as a new list does with the items of the old.
    pub fn clear(&mut self, path: &[String]) {
        self.clear_below(path);
        self.last_item.remove(path);
        if let Some(old) = self.in_force.remove(path) {
            self.give_way(old);
        }
    }

    /// Takes everything at and below a path away as if it had never been set, for what is set
    /// under another name.
    pub fn forget(&mut self, path: &[String]) {
        let kept = self.overridden.len();
        self.clear(path);
        self.overridden.truncate(kept);
    }

    /// Sets everything that a tree holds, below `at`; tables merge, lists take the old one's place.
    pub fn set_tree(&mut self, at: &[String], node: &Node, file: &str) -> Result<(), Unreadable> {
        let place = |line, column| Place { file: file.to_owned(), line, column };
        self.set_node(at.to_vec(), node, place(node.line, node.column), &place)
    }

    fn set_node(
        &mut self,
        at: Vec<String>,
        node: &Node,
        key: Place,
        place: &impl Fn(u32, u32) -> Place,
    ) -> Result<(), Unreadable> {
        let step = |name: String| at.iter().cloned().chain([name]).collect::<Vec<_>>();
        match &node.value {
            Value::Table(entries) if !entries.is_empty() => {
                for entry in entries {
                    let key = place(entry.line, entry.column);
                    self.set_node(step(entry.key.clone()), &entry.node, key, place)?;
                }
                Ok(())
            }
            Value::List(items) if !items.is_empty() => {
                self.clear(&at);
                for (index, item) in items.iter().enumerate() {
                    let key = place(item.line, item.column);
                    self.set_node(step((index + 1).to_string()), item, key, place)?;
                }
                Ok(())
            }
            Value::Table(_) if self.has(&at) => Ok(()),
            value if at.is_empty() && matches!(value, Value::Table(_) | Value::Null) => Ok(()),
            value => self.set(at, value.clone(), key),
        }
    }

    /// Puts a value where one was unresolved, without a change of place or order.
    pub fn fill(&mut self, path: &[String], text: String) -> Result<(), Unreadable> {
        self.spend(0, text.len())?;
        if let Some(given) = self.in_force.get_mut(path) {
            given.value = Value::Scalar(text);
        }
        Ok(())
    }

    /// Something that may set what is below a path, at this point of the order, is not in
    /// evidence: what is set later stands, the rest is not known.
    pub fn gap(
        &mut self,
        below: Vec<String>,
        place: Place,
        name: impl Into<String>,
        reason: impl Into<String>,
    ) {
        self.order += 1;
        if self.gaps.len() < MAX_OVERRIDDEN {
            let (name, reason) = (name.into(), reason.into());
            self.gaps.push(Gap { place, name, reason, below, order: self.order });
        }
    }

    /// Keeps a further file for the judgement, under the name that the configuration gives it.
    pub fn attach(&mut self, named: impl Into<String>, text: Result<Text, Unread>) {
        self.texts.insert(named.into(), text);
    }

    /// A file that was attached.
    pub fn text(&self, named: &str) -> Option<&Result<Text, Unread>> {
        self.texts.get(named)
    }

    /// What is set at a path; `null` is as good as nothing.
    pub fn get(&self, path: &[String]) -> Option<&Given> {
        self.in_force.get(path).filter(|given| given.value != Value::Null)
    }

    /// True if anything is set at or below a path.
    pub fn has(&self, path: &[String]) -> bool {
        self.below(path).next().is_some()
    }

    /// What is set at and below a path, in the order of the paths.
    pub fn below<'a>(&'a self, path: &'a [String]) -> impl Iterator<Item = &'a Given> + 'a {
        let from = self.in_force.range(path.to_vec()..);
        from.map(|(_, given)| given)
            .take_while(move |given| given.path.starts_with(path))
            .filter(|given| given.value != Value::Null)
    }

    /// The steps that follow a path, sorted: names of listeners, numbers of items.
    pub fn names(&self, path: &[String]) -> Vec<String> {
        let mut names: Vec<_> =
            self.below(path).filter_map(|given| given.path.get(path.len()).cloned()).collect();
        names.dedup();
        names.sort_by_key(|name| (name.parse::<usize>().ok(), name.clone()));
        names
    }

    /// Everything that is set.
    pub fn all(&self) -> impl Iterator<Item = &Given> {
        self.in_force.values()
    }

    /// Values that another one took the place of, in the order in which that happened.
    pub fn overridden(&self) -> &[Given] {
        &self.overridden
    }

    /// What is missing and may set a path otherwise than `given` does.
    pub fn gap_at(&self, path: &[String], given: Option<&Given>) -> Option<&Gap> {
        self.gaps.iter().rev().find(|gap| {
            path.starts_with(&gap.below) && given.is_none_or(|given| given.order < gap.order)
        })
    }

    /// Everything that is missing.
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    fn spend(&mut self, steps: usize, bytes: usize) -> Result<(), Unreadable> {
        self.spent.0 += steps;
        self.spent.1 += bytes;
        if self.spent.0 > MAX_STEPS {
            return Err(Unreadable::Limit("1,000,000 steps of paths"));
        }
        if self.spent.1 > MAX_TEXT_BYTES {
            return Err(Unreadable::Limit("32 MiB of values, variables filled in"));
        }
        Ok(())
    }

    /// Takes the plain value above a path away. Nothing is set below such a value, so it is the one
    /// that comes before the path, or there is none.
    fn clear_above(&mut self, path: &[String]) {
        let before = self.in_force.range::<[String], _>((Bound::Unbounded, Bound::Excluded(path)));
        let above = before.map(|(at, _)| at).next_back();
        let above = above.filter(|at| !at.is_empty() && path.starts_with(at)).cloned();
        if let Some(old) = above.and_then(|above| self.in_force.remove(&above)) {
            self.give_way(old);
        }
    }

    fn clear_below(&mut self, path: &[String]) {
        let old: Vec<_> = self
            .in_force
            .range(path.to_vec()..)
            .take_while(|(at, _)| at.starts_with(path))
            .filter(|(at, _)| at.len() > path.len())
            .map(|(at, _)| at.clone())
            .collect();
        for at in old {
            if let Some(old) = self.in_force.remove(&at) {
                self.give_way(old);
            }
        }
    }

    fn give_way(&mut self, old: Given) {
        if self.overridden.len() < MAX_OVERRIDDEN
            && !matches!(old.value, Value::Null | Value::Table(_))
        {
            self.overridden.push(old);
        }
    }
}

#[cfg(test)]
mod tests;
