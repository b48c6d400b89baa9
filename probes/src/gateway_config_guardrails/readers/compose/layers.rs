//! The files of a Compose project, and a service as they make it together.

use std::collections::BTreeSet;
use std::rc::Rc;

use model::evidence::Origin;

use super::COVERED;
use crate::gateway_config_guardrails::guardrail::{Place, Review};
use crate::gateway_config_guardrails::includes::{Files, Text};
use crate::gateway_config_guardrails::readers::tables::{entries, entry, items, text};
use crate::gateway_config_guardrails::readers::yaml::{self, Tagged};
use crate::gateway_config_guardrails::tree::{Entry, Node, Unreadable, Value, shown};

/// Deepest chain of files that include or extend one another.
const MAX_DEPTH: usize = 8;

/// Most files that one project is made of.
const MAX_LAYERS: usize = 64;

/// Tags by which a later file takes away what earlier ones say of a key, or takes its place
/// (Compose specification, "Merge": reset value, replace value).
const TAGS: &[&str] = &["reset", "override"];

/// Files in the order in which they merge: later ones win.
pub struct Layers {
    documents: Vec<Document>,
}

/// One file.
struct Document {
    name: String,
    node: Node,
    tagged: Rc<Tagged>,
}

/// What one file says of a service.
pub struct Layer {
    file: String,
    entry: Entry,
    tagged: Rc<Tagged>,
}

/// One service in every file that speaks of it, the strongest last.
pub struct Service {
    /// Its name as evidence shows it.
    pub name: String,
    /// What each file says of it.
    pub layers: Vec<Layer>,
}

/// Entries of one key, each with its place.
type Entries<'a> = Vec<(Place, &'a Entry)>;

impl Layers {
    /// Reads the declared file, what it includes, and the override beside it.
    pub fn read(main: &Text, files: &mut Files, review: &mut Review) -> Result<Self, String> {
        let document = Document::read(main).map_err(|error| format!("`{}`: {error}", main.name))?;
        let mut layers = Self { documents: Vec::new() };
        let mut seen = BTreeSet::from([main.name.clone()]);
        layers.add(document, files, review, &mut seen, 0);
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
        self.documents.iter().map(|one| (one.name.as_str(), &one.node))
    }

    /// Names of all services.
    pub fn services(&self) -> BTreeSet<&str> {
        let services = self.documents.iter().filter_map(|one| entry(&one.node, "services"));
        services.flat_map(|all| entries(&all.node)).map(|one| one.key.as_str()).collect()
    }

    /// One service with what it extends.
    pub fn service(&self, name: &str, files: &mut Files, review: &mut Review) -> Service {
        let mut service = Service { name: shown(name), layers: Vec::new() };
        let mut seen = BTreeSet::new();
        for document in &self.documents {
            document.extend(&mut service, name, files, review, &mut seen);
        }
        service
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
        match Document::read(file) {
            Ok(document) => self.add(document, files, review, seen, depth),
            Err(error) => review.undetermined(place, "include", &COVERED, error.to_string()),
        }
    }

    fn add(
        &mut self,
        document: Document,
        files: &mut Files,
        review: &mut Review,
        seen: &mut BTreeSet<String>,
        depth: usize,
    ) {
        if let Some(include) = entry(&document.node, "include") {
            for item in items(&include.node) {
                let place =
                    Place { file: document.name.clone(), line: item.line, column: item.column };
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
        self.documents.push(document);
    }
}

impl Document {
    fn read(text: &Text) -> Result<Self, Unreadable> {
        let (node, tagged) = yaml::read_tagged(&text.content, TAGS)?;
        Ok(Self { name: text.name.clone(), node, tagged: Rc::new(tagged) })
    }

    /// Adds what the file says of a service, behind what that extends.
    fn extend(
        &self,
        service: &mut Service,
        name: &str,
        files: &mut Files,
        review: &mut Review,
        seen: &mut BTreeSet<(String, String)>,
    ) {
        let file = self.name.as_str();
        let found = entry(&self.node, "services").and_then(|all| entry(&all.node, name));
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
                    self.extend(service, &base, files, review, seen);
                }
                (Some(base), Some(other)) => {
                    let text = files.read(other).map_err(|error| error.to_string());
                    match text.and_then(|text| Self::read(&text).map_err(|e| e.to_string())) {
                        Ok(document) => {
                            let base = base.to_owned();
                            document.extend(service, &base, files, review, seen);
                        }
                        Err(reason) => review.undetermined(&place, &setting, &COVERED, reason),
                    }
                }
            }
        }
        let tagged = Rc::clone(&self.tagged);
        service.layers.push(Layer { file: file.to_owned(), entry: found.clone(), tagged });
    }
}

impl Service {
    /// The entry of a key that counts: the last one.
    pub fn last(&self, key: &str) -> Option<(Place, &Entry)> {
        self.all(key).pop()
    }

    /// Every entry of a key, for keys whose lists are appended; what a tag takes away is gone.
    pub fn all(&self, key: &str) -> Entries<'_> {
        self.sorted(key).0
    }

    /// The entries of a key that a tag of a later file takes away.
    pub fn taken_away(&self, key: &str) -> Entries<'_> {
        self.sorted(key).1
    }

    fn sorted(&self, key: &str) -> (Entries<'_>, Entries<'_>) {
        let (mut kept, mut gone) = (Vec::new(), Vec::new());
        for layer in &self.layers {
            let Some(entry) = entry(&layer.entry.node, key) else { continue };
            let tag = layer.tagged.get(&(entry.node.line, entry.node.column)).copied();
            if tag.is_some() {
                gone.append(&mut kept);
            }
            if tag != Some("reset") {
                let Entry { line, column, .. } = *entry;
                kept.push((Place { file: layer.file.clone(), line, column }, entry));
            }
        }
        (kept, gone)
    }

    /// Where the service is declared last.
    pub fn place(&self) -> Place {
        self.layers.last().map_or_else(
            || Place::top(""),
            |Layer { file, entry, .. }| Place {
                file: file.clone(),
                line: entry.line,
                column: entry.column,
            },
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
