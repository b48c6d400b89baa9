//! The files of a Compose project, and a service as they make it together.

use std::collections::BTreeSet;

use model::evidence::Origin;

use super::COVERED;
use crate::gateway_config_guardrails::guardrail::{Place, Review};
use crate::gateway_config_guardrails::includes::{Files, Text};
use crate::gateway_config_guardrails::readers::tables::{entries, entry, items, text};
use crate::gateway_config_guardrails::readers::yaml;
use crate::gateway_config_guardrails::tree::{Entry, Node, Value, shown};

/// Deepest chain of files that include or extend one another.
const MAX_DEPTH: usize = 8;

/// Most files that one project is made of.
const MAX_LAYERS: usize = 64;

/// Files in the order in which they merge: later ones win.
pub struct Layers {
    documents: Vec<(String, Node)>,
}

/// One service in every file that speaks of it, the strongest last.
pub struct Service {
    /// Its name as evidence shows it.
    pub name: String,
    /// The file and the entry.
    pub layers: Vec<(String, Entry)>,
}

impl Layers {
    /// Reads the declared file, what it includes, and the override beside it.
    pub fn read(main: &Text, files: &mut Files, review: &mut Review) -> Result<Self, String> {
        let document = yaml::read_written(&main.content)
            .map_err(|error| format!("`{}`: {error}", main.name))?;
        let mut layers = Self { documents: Vec::new() };
        let mut seen = BTreeSet::from([main.name.clone()]);
        layers.add(main.name.clone(), document, files, review, &mut seen, 0);
        let name = main.name.rsplit('/').next().unwrap_or(&main.name);
        let default = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];
        if default.contains(&name)
            && let Some((stem, ending)) = name.rsplit_once('.')
        {
            let mut endings = ["yaml", "yml"];
            endings.sort_by_key(|one| *one != ending);
            let beside =
                endings.iter().find_map(|end| files.read(&format!("{stem}.override.{end}")).ok());
            if let Some(beside) = beside {
                layers.add_text(&beside, &Place::top(&beside.name), files, review, &mut seen, 0);
            }
        }
        Ok(layers)
    }

    /// Files and what is in them.
    pub fn documents(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.documents.iter().map(|(file, node)| (file.as_str(), node))
    }

    /// Names of all services.
    pub fn services(&self) -> BTreeSet<&str> {
        let services = self.documents.iter().filter_map(|(_, node)| entry(node, "services"));
        services.flat_map(|all| entries(&all.node)).map(|one| one.key.as_str()).collect()
    }

    /// One service with what it extends.
    pub fn service(&self, name: &str, files: &mut Files, review: &mut Review) -> Service {
        let mut service = Service { name: shown(name), layers: Vec::new() };
        let mut seen = BTreeSet::new();
        for (file, document) in &self.documents {
            self.extend(&mut service, name, file, document, files, review, &mut seen);
        }
        service
    }

    #[expect(clippy::too_many_arguments, reason = "one recursion over files and services")]
    fn extend(
        &self,
        service: &mut Service,
        name: &str,
        file: &str,
        document: &Node,
        files: &mut Files,
        review: &mut Review,
        seen: &mut BTreeSet<(String, String)>,
    ) {
        let found = entry(document, "services").and_then(|all| entry(&all.node, name));
        let Some(found) = found else { return };
        if !seen.insert((file.to_owned(), name.to_owned())) {
            return;
        }
        if let Some(extends) = entry(&found.node, "extends") {
            let place = Place { file: file.to_owned(), line: extends.line, column: extends.column };
            let setting = format!("services.{}.extends", shown(name));
            let from = |key| entry(&extends.node, key).and_then(|entry| text(&entry.node));
            let base = from("service").or_else(|| text(&extends.node));
            match (base, from("file")) {
                _ if seen.len() > MAX_DEPTH => {
                    review.undetermined(&place, &setting, &COVERED, "it goes deeper than 8 levels");
                }
                (None, _) => {
                    review.undetermined(&place, &setting, &COVERED, "it names no service");
                }
                (Some(base), None) => {
                    let base = base.to_owned();
                    self.extend(service, &base, file, document, files, review, seen);
                }
                (Some(base), Some(other)) => {
                    match files.read(other).map_err(|error| error.to_string()).and_then(|text| {
                        let node = yaml::read_written(&text.content).map_err(|e| e.to_string())?;
                        Ok((text.name, node))
                    }) {
                        Ok((file, node)) => {
                            let base = base.to_owned();
                            self.extend(service, &base, &file, &node, files, review, seen);
                        }
                        Err(reason) => review.undetermined(&place, &setting, &COVERED, reason),
                    }
                }
            }
        }
        service.layers.push((file.to_owned(), found.clone()));
    }

    fn add_text(
        &mut self,
        file: &Text,
        place: &Place,
        files: &mut Files,
        review: &mut Review,
        seen: &mut BTreeSet<String>,
        depth: usize,
    ) {
        if !seen.insert(file.name.clone()) {
            return;
        }
        match yaml::read_written(&file.content) {
            Ok(node) => self.add(file.name.clone(), node, files, review, seen, depth),
            Err(error) => review.undetermined(place, "include", &COVERED, error.to_string()),
        }
    }

    fn add(
        &mut self,
        file: String,
        document: Node,
        files: &mut Files,
        review: &mut Review,
        seen: &mut BTreeSet<String>,
        depth: usize,
    ) {
        if let Some(include) = entry(&document, "include") {
            for item in items(&include.node) {
                let place = Place { file: file.clone(), line: item.line, column: item.column };
                let named = match &item.value {
                    Value::Table(_) => entry(item, "path").map(|path| &path.node),
                    _ => Some(item),
                };
                let paths = named.map_or(&[][..], |named| match &named.value {
                    Value::List(items) => items,
                    _ => std::slice::from_ref(named),
                });
                for path in paths {
                    if depth >= MAX_DEPTH || self.documents.len() >= MAX_LAYERS {
                        let reason = "it goes beyond the limit of 8 levels or 64 files";
                        review.undetermined(&place, "include", &COVERED, reason);
                        break;
                    }
                    match text(path).map(|path| files.read(path)) {
                        Some(Ok(text)) => {
                            self.add_text(&text, &place, files, review, seen, depth + 1);
                        }
                        Some(Err(error)) => {
                            review.undetermined(&place, "include", &COVERED, error.to_string());
                        }
                        None => {
                            review.undetermined(&place, "include", &COVERED, "it names no file");
                        }
                    }
                }
            }
        }
        self.documents.push((file, document));
    }
}

impl Service {
    /// The entry of a key that counts: the last one.
    pub fn last(&self, key: &str) -> Option<(Place, &Entry)> {
        self.all(key).pop()
    }

    /// Every entry of a key, for keys whose lists are appended.
    pub fn all(&self, key: &str) -> Vec<(Place, &Entry)> {
        let entries = self.layers.iter().filter_map(|(file, service)| {
            let entry = entry(&service.node, key)?;
            Some((Place { file: file.clone(), line: entry.line, column: entry.column }, entry))
        });
        entries.collect()
    }

    /// Where the service is declared last.
    pub fn place(&self) -> Place {
        self.layers.last().map_or_else(
            || Place::top(""),
            |(file, entry)| Place { file: file.clone(), line: entry.line, column: entry.column },
        )
    }

    /// The full name of one of its settings.
    pub fn setting(&self, key: &str) -> String {
        format!("services.{}.{key}", self.name)
    }
}

/// Notes what an absent key leaves to something outside the file.
pub fn note_default(review: &mut Review, service: &Service, key: &str, value: &str) {
    review.setting(&service.place(), service.setting(key), value, Origin::Default);
}
