//! HOCON into settings: objects merge, the last value of a path counts, `include` is followed
//! inside the folder that may be read, `${...}` is filled in from the configuration itself and
//! from the environment that the target declares.

mod scan;
mod syntax;
#[cfg(test)]
mod tests;

use syntax::{At, Item, Piece};

use crate::gateway_config_guardrails::guardrail::Place;
use crate::gateway_config_guardrails::includes::{Files, Text};
use crate::gateway_config_guardrails::secrets::VARIABLE;
use crate::gateway_config_guardrails::settings::{Environment, Settings};
use crate::gateway_config_guardrails::tree::{MAX_SCALAR_BYTES, Unreadable, Value};

/// Deepest chain of `include`.
const MAX_INCLUDES: usize = 8;

/// Most values that are there once more because a variable names the object that they are in.
const MAX_FILLED: usize = 10_000;

/// Names of the outermost fields of a text, if it is HOCON; for telling whose it is.
pub fn sections(text: &str) -> Vec<String> {
    let items = syntax::parse(text).unwrap_or_default();
    let names = items.into_iter().filter_map(|item| match item {
        Item::Field { path, .. } => path.into_iter().next(),
        Item::Include { .. } => None,
    });
    let mut names: Vec<_> = names.collect();
    names.sort();
    names.dedup();
    names
}

/// A configuration in the making.
pub struct Hocon<'a> {
    settings: Settings,
    files: &'a mut Files,
    environment: &'a Environment,
    /// Values to be filled in once everything is read, with the place that they have then.
    waiting: Vec<(Vec<String>, Vec<Piece>, Place)>,
    /// Names of the files that are being read, the outermost first.
    open: Vec<String>,
    filled: usize,
}

impl<'a> Hocon<'a> {
    /// Nothing yet.
    pub fn new(files: &'a mut Files, environment: &'a Environment) -> Self {
        let settings = Settings::default();
        Self { settings, files, environment, waiting: Vec::new(), open: Vec::new(), filled: 0 }
    }

    /// Reads one file over what was read before.
    pub fn read(&mut self, text: &Text) -> Result<(), Unreadable> {
        let items = syntax::parse(&text.content)?;
        self.open.push(text.name.clone());
        let outcome = self.items(items, &[], &text.name);
        self.open.pop();
        outcome
    }

    /// Reads a further layer, if it is beside the configuration; names the first of `names` that
    /// is. False if none is.
    pub fn read_beside(&mut self, names: &[&str]) -> Result<bool, Unreadable> {
        for name in names {
            if let Ok(text) = self.files.read(name) {
                if self.read(&text).is_err() {
                    let reason = "it is not readable as HOCON";
                    self.settings.gap(Vec::new(), Place::top(&text.name), *name, reason);
                }
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Sets a path from one value, as an environment variable does. What is no HOCON is text.
    pub fn overrule(
        &mut self,
        path: Vec<String>,
        text: &str,
        place: &Place,
    ) -> Result<(), Unreadable> {
        let pieces =
            syntax::parse_value(text).unwrap_or_else(|_| vec![Piece::Text(text.to_owned())]);
        self.value(path, pieces, place, &place.file)
    }

    /// The settings so far, for gaps and values that are no HOCON.
    pub const fn settings(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// Everything that was read, with what waited filled in.
    pub fn finish(mut self) -> Result<Settings, Unreadable> {
        for (path, pieces, place) in std::mem::take(&mut self.waiting) {
            let still = self.settings.get(&path).is_some_and(|given| given.place == place);
            if still && let Some(value) = self.text_of(&pieces)? {
                self.settings.fill(&path, value)?;
            } else if still
                && let [Piece::Filled { path: from, .. }] = pieces.as_slice()
                && self.settings.get(from).is_none()
            {
                self.copy(from, &path, &place)?;
            }
        }
        Ok(self.settings)
    }

    fn items(&mut self, items: Vec<Item>, at: &[String], file: &str) -> Result<(), Unreadable> {
        for item in items {
            match item {
                Item::Include { named, at: place } => {
                    self.include(named, at, &here(file, place))?;
                }
                Item::Field { path, at: place, adds, value } => {
                    let place = here(file, place);
                    let mut path: Vec<_> = at.iter().cloned().chain(path).collect();
                    if adds {
                        path = self.settings.next_item(&path);
                    }
                    self.value(path, value, &place, file)?;
                }
            }
        }
        Ok(())
    }

    fn value(
        &mut self,
        path: Vec<String>,
        mut pieces: Vec<Piece>,
        place: &Place,
        file: &str,
    ) -> Result<(), Unreadable> {
        let merged = pieces.iter().any(|piece| matches!(piece, Piece::Object(_)));
        let listed = pieces.iter().any(|piece| matches!(piece, Piece::List(_)));
        if merged {
            return self.merge(&path, pieces, place, file);
        }
        if listed {
            self.settings.clear(&path);
            let mut count = 0;
            for piece in pieces {
                let Piece::List(items) = piece else {
                    let reason = format!("{VARIABLE}, and that is not in evidence");
                    self.settings.gap(path.clone(), place.clone(), "${...}", reason);
                    continue;
                };
                for (at, item) in items {
                    count += 1;
                    let step = path.iter().cloned().chain([count.to_string()]).collect();
                    self.value(step, item, &here(file, at), file)?;
                }
            }
            if count == 0 {
                self.settings.set(path, Value::List(Vec::new()), place.clone())?;
            }
            return Ok(());
        }
        let value = match pieces.as_mut_slice() {
            [Piece::Null] => Value::Null,
            [Piece::Text(text)] => Value::Scalar(std::mem::take(text)),
            [Piece::Filled { path: from, optional: true }] if self.is_absent(from) => return Ok(()),
            _ => {
                self.waiting.push((path.clone(), pieces, place.clone()));
                Value::Unresolved(VARIABLE)
            }
        };
        self.settings.set(path, value, place.clone())
    }

    /// Objects side by side; an empty one says that the path is there.
    fn merge(
        &mut self,
        path: &[String],
        pieces: Vec<Piece>,
        place: &Place,
        file: &str,
    ) -> Result<(), Unreadable> {
        for piece in pieces {
            match piece {
                Piece::Object(items) => self.items(items, path, file)?,
                Piece::Filled { path: from, .. } if !self.copy(&from, path, place)? => {
                    let reason = format!("{VARIABLE}, and that is not in evidence");
                    self.settings.gap(path.to_vec(), place.clone(), "${...}", reason);
                }
                _ => {}
            }
        }
        if !path.is_empty() && !self.settings.has(path) {
            self.settings.set(path.to_vec(), Value::Table(Vec::new()), place.clone())?;
        }
        Ok(())
    }

    /// Copies everything below a path to another; false if there is nothing.
    fn copy(&mut self, from: &[String], to: &[String], place: &Place) -> Result<bool, Unreadable> {
        if to.starts_with(from) {
            return Ok(false);
        }
        let copied: Vec<_> = self
            .settings
            .below(from)
            .map(|given| (given.path[from.len()..].to_vec(), given.value.clone()))
            .collect();
        self.filled += copied.len();
        if self.filled > MAX_FILLED {
            return Err(Unreadable::Limit("10,000 values that variables repeat"));
        }
        let any = !copied.is_empty();
        for (rest, value) in copied {
            let path = to.iter().cloned().chain(rest).collect();
            self.settings.set(path, value, place.clone())?;
        }
        Ok(any)
    }

    fn include(
        &mut self,
        named: Option<String>,
        at: &[String],
        place: &Place,
    ) -> Result<(), Unreadable> {
        let mut missing = |reason: &str| {
            let reason = format!("the file behind it was not read: {reason}");
            self.settings.gap(at.to_vec(), place.clone(), "include", reason);
        };
        let Some(named) = named else {
            missing("it is fetched from elsewhere");
            return Ok(());
        };
        if self.open.len() > MAX_INCLUDES {
            missing("it is included more than 8 files deep");
            return Ok(());
        }
        let text = match self.files.read(&named) {
            Ok(text) => text,
            Err(reason) => {
                missing(&reason.to_string());
                return Ok(());
            }
        };
        if self.open.contains(&text.name) {
            missing("it includes itself");
            return Ok(());
        }
        match syntax::parse(&text.content) {
            Err(reason) => missing(&reason.to_string()),
            Ok(items) => {
                self.open.push(text.name.clone());
                let outcome = self.items(items, at, &text.name);
                self.open.pop();
                outcome?;
            }
        }
        Ok(())
    }

    /// True if nothing fills `${?path}` in, for sure.
    fn is_absent(&self, path: &[String]) -> bool {
        self.environment.is_declared()
            && self.environment.get(&path.join(".")).is_none()
            && !self.settings.has(path)
    }

    /// The text of values side by side, if everything in it is told.
    fn text_of(&self, pieces: &[Piece]) -> Result<Option<String>, Unreadable> {
        let mut text = String::new();
        for piece in pieces {
            let part = match piece {
                Piece::Text(part) => Some(part.as_str()),
                Piece::Filled { path, .. } => self.filled(path),
                _ => None,
            };
            let Some(part) = part else { return Ok(None) };
            text.push_str(part);
            // Each line may double what the one before it says.
            if text.len() > MAX_SCALAR_BYTES {
                return Err(Unreadable::Limit("1 MiB for one value"));
            }
        }
        Ok(Some(text))
    }

    /// What a variable stands for, if that is told.
    fn filled(&self, path: &[String]) -> Option<&str> {
        match self.settings.get(path).map(|given| &given.value) {
            Some(Value::Scalar(part)) => Some(part),
            None => self.environment.text(&path.join(".")),
            Some(_) => None,
        }
    }
}

fn here(file: &str, (line, column): At) -> Place {
    Place { file: file.to_owned(), line, column }
}
