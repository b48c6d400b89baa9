//! The files and variables that make one configuration together, each with what of it counts.
//!
//! Trees are not merged: a value keeps its file and its place. What a stronger layer replaces is
//! taken out of the weaker one and kept beside it, because a secret stays in a file whether it
//! counts or not.

use std::collections::HashMap;

use model::evidence::Guardrail;

use crate::gateway_config_guardrails::guardrail::{Place, Review};
use crate::gateway_config_guardrails::includes::{Files, Text, Unread, by_name};
use crate::gateway_config_guardrails::judge::ReadText;
use crate::gateway_config_guardrails::mapping::{Case, Mapping, Merge, MoreFiles, Variables};
use crate::gateway_config_guardrails::settings::Environment;
use crate::gateway_config_guardrails::tree::{Entry, Found, Node, Value};

/// One file, or the variables of one.
#[derive(Debug)]
pub(super) struct Layer {
    pub file: String,
    /// What counts.
    pub tree: Node,
    /// What something stronger took the place of.
    pub replaced: Node,
}

/// A value and the file that it stands in.
#[derive(Debug, Clone)]
pub(super) struct At<'a> {
    pub file: &'a str,
    pub found: Found<'a>,
}

impl At<'_> {
    pub fn place(&self) -> Place {
        self.found.place(self.file)
    }
}

impl Layer {
    fn of(file: String, tree: Node) -> Self {
        Self { file, tree, replaced: table(Vec::new()) }
    }

    /// Values of a tree of this layer, with the file.
    pub fn at<'a>(&'a self, found: Vec<Found<'a>>) -> impl Iterator<Item = At<'a>> {
        found.into_iter().map(|found| At { file: &self.file, found })
    }
}

/// Reads what belongs to a declared file, strongest first. What cannot be read leaves open
/// what it could change.
pub(super) fn read(
    review: &mut Review,
    main: (&str, Node),
    mapping: &Mapping,
    read: &ReadText<'_>,
    files: &mut Files,
    environment: &Environment,
) -> Vec<Layer> {
    let (name, tree) = main;
    let mut layers = vec![Layer::of(name.to_owned(), tree)];
    for more in &mapping.files {
        match texts(more, files) {
            Ok(texts) => {
                for text in texts {
                    match read(&text.content) {
                        Ok(tree) => layers.push(Layer::of(text.name, tree)),
                        Err(error) => {
                            open(review, mapping, &text.name, &more.path, &error.to_string());
                        }
                    }
                }
            }
            Err(Unread::NotInEvidence) if more.optional => {}
            Err(error) => open(review, mapping, name, &more.path, &error.to_string()),
        }
    }
    if mapping.merge != Merge::FirstWins {
        layers.reverse();
    }
    if let Some(variables) = &mapping.environment {
        if !environment.is_declared() {
            let reason = "variables can stand for keys, and the target does not declare them";
            review.undetermined(&Place::top(name), "environment", &[], reason);
        }
        let set = from_variables(variables, environment);
        let at = if variables.weaker { layers.len() } else { 0 };
        layers.splice(at..at, set);
    }
    overrule(&mut layers, mapping.merge == Merge::Append);
    layers
}

/// The texts of a pattern, in the order of their names.
fn texts(more: &MoreFiles, files: &mut Files) -> Result<Vec<Text>, Unread> {
    let (folder, name) = more.path.rsplit_once('/').unwrap_or((".", &more.path));
    match name.strip_prefix('*') {
        None => Ok(vec![files.read(&more.path)?]),
        Some(ending) => files.read_folder(folder, ending).map(by_name),
    }
}

fn open(review: &mut Review, mapping: &Mapping, file: &str, path: &str, reason: &str) {
    let mut guardrails = mapping.guardrails();
    guardrails.extend([Guardrail::InlineSecret, Guardrail::DefaultSecret]);
    review.undetermined(&Place::top(file), path, &guardrails, reason);
}

/// A tree of the variables that begin like those of the program.
fn from_variables(variables: &Variables, environment: &Environment) -> Option<Layer> {
    let mut layer: Option<Layer> = None;
    for (name, value, place) in environment.all() {
        let Some(rest) = name.strip_prefix(&variables.prefix) else { continue };
        let rest = match variables.case {
            Case::Lower => rest.to_ascii_lowercase(),
            Case::Keep => rest.to_owned(),
        };
        let separator = match variables.case {
            Case::Lower => variables.separator.to_ascii_lowercase(),
            Case::Keep => variables.separator.clone(),
        };
        let layer = layer.get_or_insert_with(|| Layer::of(place.file.clone(), table(Vec::new())));
        let steps: Vec<_> = rest.split(separator.as_str()).collect();
        set(&mut layer.tree, &steps, value, place);
    }
    layer
}

/// Sets a value at some steps. No recursion, however many there are.
fn set(tree: &mut Node, steps: &[&str], value: &Value, place: &Place) {
    let mut node = tree;
    let Some((last, above)) = steps.split_last() else { return };
    let entry = |key: &str, value: Value| {
        let (line, column) = (place.line, place.column);
        Entry { key: key.to_owned(), line, column, node: Node { line, column, value } }
    };
    // A name with more steps than a file may have levels is no key of it.
    for step in above.iter().take(crate::gateway_config_guardrails::tree::MAX_DEPTH) {
        let Value::Table(entries) = &mut node.value else { return };
        let is_table =
            |entry: &Entry| entry.key == **step && matches!(entry.node.value, Value::Table(_));
        let at = entries.iter().position(is_table).unwrap_or_else(|| {
            entries.push(entry(step, Value::Table(Vec::new())));
            entries.len() - 1
        });
        node = &mut entries[at].node;
    }
    if let Value::Table(entries) = &mut node.value {
        entries.push(entry(last, value.clone()));
    }
}

/// The keys of everything stronger.
enum Shape {
    Table(HashMap<String, Self>),
    List,
    Value,
}

impl Shape {
    fn of(node: &Node) -> Self {
        match &node.value {
            Value::Table(_) => {
                let mut shape = Self::Table(HashMap::new());
                shape.learn(node);
                shape
            }
            Value::List(_) => Self::List,
            _ => Self::Value,
        }
    }

    fn learn(&mut self, node: &Node) {
        let (Self::Table(keys), Value::Table(entries)) = (self, &node.value) else { return };
        for entry in entries {
            match keys.get_mut(&entry.key) {
                Some(shape) => shape.learn(&entry.node),
                None => {
                    keys.insert(entry.key.clone(), Self::of(&entry.node));
                }
            }
        }
    }
}

/// Takes out of every layer what a stronger one replaces.
fn overrule(layers: &mut [Layer], append: bool) {
    let mut stronger = Shape::Table(HashMap::new());
    for layer in layers {
        let Value::Table(_) = &layer.tree.value else { continue };
        if let Value::Table(replaced) = &mut layer.replaced.value {
            cut(&mut layer.tree, &stronger, append, replaced);
        }
        stronger.learn(&layer.tree);
    }
}

fn cut(node: &mut Node, stronger: &Shape, append: bool, replaced: &mut Vec<Entry>) {
    let (Value::Table(entries), Shape::Table(keys)) = (&mut node.value, stronger) else { return };
    let all = std::mem::take(entries);
    for mut entry in all {
        match (keys.get(&entry.key), &entry.node.value) {
            (None, _) => entries.push(entry),
            (Some(Shape::List), Value::List(_)) if append => entries.push(entry),
            (Some(shape @ Shape::Table(_)), Value::Table(_)) => {
                let mut below = Vec::new();
                cut(&mut entry.node, shape, append, &mut below);
                if !below.is_empty() {
                    let node = Node { value: Value::Table(below), ..entry.node };
                    replaced.push(Entry { key: entry.key.clone(), node, ..entry });
                }
                entries.push(entry);
            }
            (Some(_), _) => replaced.push(entry),
        }
    }
}

const fn table(entries: Vec<Entry>) -> Node {
    Node { line: 1, column: 1, value: Value::Table(entries) }
}
