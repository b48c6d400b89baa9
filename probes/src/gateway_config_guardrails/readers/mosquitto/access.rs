//! ACL files and the configuration of the dynamic security plugin, where they are in evidence:
//! do they leave everything open?

use std::collections::BTreeMap;

use model::evidence::MAX_ENTRIES;

use super::lines::{Line, Step};
use crate::gateway_config_guardrails::guardrail::Place;
use crate::gateway_config_guardrails::includes::{Files, Text};
use crate::gateway_config_guardrails::readers::{json, number};
use crate::gateway_config_guardrails::tree::{Value, steps as path};

/// Most plugin options that are looked through.
const MAX_OPTIONS: usize = 256;

/// Entries that open everything, by the path that the configuration names.
#[derive(Debug, Clone, Default)]
pub struct Access {
    open: BTreeMap<String, Vec<(Place, &'static str)>>,
    /// Configuration files of plugins, by the place of their option.
    options: Vec<Line>,
}

impl Access {
    /// Entries of a file that open everything.
    pub fn open(&self, named: &str) -> &[(Place, &'static str)] {
        self.open.get(named).map_or(&[], Vec::as_slice)
    }

    /// The `config_file` option of the plugin that a line loads: the next one behind it.
    pub fn option_of(&self, plugin: &Line) -> Option<&str> {
        let behind = |option: &&Line| {
            option.place.file == plugin.place.file && option.place.line > plugin.place.line
        };
        self.options.iter().find(behind).map(Line::text)
    }
}

/// Reads what the lines name.
pub fn read(steps: &[Step], files: &mut Files) -> Access {
    let mut access = Access::default();
    for step in steps {
        let Step::Line(line) = step else { continue };
        let entries = match line.key.as_str() {
            "acl_file" => files.read(line.text()).map(|text| open_entries(&text)),
            "plugin_opt_config_file" | "auth_opt_config_file" => {
                if access.options.len() < MAX_OPTIONS {
                    access.options.push(line.clone());
                }
                files.read(line.text()).map(|text| open_defaults(&text))
            }
            _ => continue,
        };
        access.open.insert(line.text().to_owned(), entries.unwrap_or_default());
    }
    access
}

/// `topic readwrite #` for clients without a name, or `pattern readwrite #` for all. Of them as many as
/// evidence shows: each is told of every listener.
fn open_entries(text: &Text) -> Vec<(Place, &'static str)> {
    let mut entries = Vec::new();
    let mut named = false;
    for (index, line) in text.content.lines().enumerate() {
        if entries.len() >= MAX_ENTRIES {
            break;
        }
        let mut words = line.split(' ').filter(|word| !word.is_empty());
        let (kind, rest) = (words.next().unwrap_or(""), words.collect::<Vec<_>>());
        named |= kind == "user";
        if matches!(rest.as_slice(), ["#"] | ["readwrite", "#"]) {
            let place = Place { file: text.name.clone(), line: number(index + 1), column: 1 };
            match kind {
                "pattern" => entries.push((place, "pattern readwrite #")),
                "topic" if !named => entries.push((place, "topic readwrite # for everybody")),
                _ => {}
            }
        }
    }
    entries
}

/// Defaults of dynamic security that let every client publish or subscribe.
fn open_defaults(text: &Text) -> Vec<(Place, &'static str)> {
    let Ok(tree) = json::read(&text.content) else { return Vec::new() };
    let defaults = [
        ("defaultACLAccess.publishClientSend", "publishClientSend true"),
        ("defaultACLAccess.subscribe", "subscribe true"),
    ];
    defaults
        .into_iter()
        .flat_map(|(steps, shown)| tree.find(&path(steps)).into_iter().map(move |at| (at, shown)))
        .filter(|(at, _)| at.node.value == Value::Scalar("true".to_owned()))
        .map(|(at, shown)| (at.place(&text.name), shown))
        .collect()
}
