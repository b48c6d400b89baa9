//! The settings of one configuration as one version of its program reads them.

use std::cell::RefCell;
use std::collections::BTreeSet;

use model::evidence::{Guardrail, Origin, Reach};

use super::program::dotted;
use super::{Environment, Kind, Program, Settings, path};
use crate::gateway_config_guardrails::guardrail::{Place, Review};
use crate::gateway_config_guardrails::tree::Value;
use crate::gateway_config_guardrails::values;
use crate::gateway_config_guardrails::version::Version;

/// A value in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held<T> {
    /// The value.
    pub value: T,
    /// Where it is set; where it would be, if it is a default.
    pub place: Place,
    /// Written in the file, or a default.
    pub origin: Origin,
    /// The setting as evidence names it.
    pub setting: String,
    /// The value as evidence shows it.
    pub shown: String,
}

impl<T> Held<T> {
    /// The same with its value turned into another, where that can be.
    fn read<U>(self, read: impl FnOnce(&T) -> Option<U>) -> Result<Held<U>, Self> {
        match read(&self.value) {
            Some(value) => {
                let Self { place, origin, setting, shown, .. } = self;
                Ok(Held { value, place, origin, setting, shown })
            }
            None => Err(self),
        }
    }
}

/// What a program's judge has before it, and where it writes what it finds.
pub struct Case<'a> {
    /// The settings.
    pub settings: &'a Settings,
    /// The environment that the target declares.
    pub environment: &'a Environment,
    /// The version that reads them; none only where no default depends on it.
    pub version: Option<Version>,
    /// What is found.
    pub review: Review,
    program: &'a Program,
    top: Place,
    /// Paths below which there are more names than are followed.
    crowded: RefCell<BTreeSet<String>>,
}

/// Most names below one path that are followed. No broker has as many listeners; a file that
/// says so wants us to work.
const MAX_NAMES: usize = 256;

impl<'a> Case<'a> {
    /// A case of which nothing is judged yet; `top` is the place of what is absent everywhere.
    pub fn new(
        program: &'a Program,
        settings: &'a Settings,
        environment: &'a Environment,
        version: Option<Version>,
        top: Place,
    ) -> Self {
        let (review, crowded) = (Review::default(), RefCell::default());
        Self { settings, environment, version, review, program, top, crowded }
    }

    /// What was found. What stood below too many names to follow leaves everything open.
    pub fn finish(mut self, covers: &[Guardrail]) -> Review {
        for crowded in self.crowded.take() {
            let reason = "more than 256 entries below it are not followed";
            self.open_at(covers, &crowded, reason);
        }
        self.review
    }

    /// True if a version is read, and it is this one or a later one.
    pub fn is_since(&self, major: u32, minor: u32, patch: u32) -> bool {
        self.version.is_some_and(|version| version >= Version { major, minor, patch })
    }

    /// The value of a setting: as it is set, else its default. None where it has neither and where
    /// it cannot be told; in that case what hangs on it is open.
    pub fn value(&mut self, dotted_path: &str) -> Option<Held<String>> {
        let steps = path(dotted_path);
        let key = self.program.key(&steps);
        let (kind, guardrails) =
            key.map_or((Kind::Text, &[][..]), |key| (key.kind, key.guardrails));
        let setting = dotted(&steps);
        let given = self.settings.get(&steps);
        let gap = self.settings.gap_at(&steps, given);
        if let Some(gap) = gap {
            self.review.undetermined(&gap.place, &gap.name, guardrails, gap.reason.clone());
        }
        match given {
            Some(given) => match &given.value {
                Value::Scalar(text) => Some(Held {
                    value: text.clone(),
                    place: given.place.clone(),
                    origin: Origin::Explicit,
                    shown: kind.shown(text, self.program.words),
                    setting,
                }),
                Value::Unresolved(how) => {
                    let reason = format!("{how}, and that is not in evidence");
                    self.review.undetermined(&given.place, setting, guardrails, reason);
                    None
                }
                _ => None,
            },
            None if gap.is_some() => None,
            None => {
                let default = key?.defaults.iter().find(|default| default.holds(self.version))?;
                let place = self.place(dotted_path);
                let shown = format!("{} (default)", kind.shown(default.value, self.program.words));
                self.review.setting(&place, &setting, &shown, Origin::Default);
                let value = default.value.to_owned();
                Some(Held { value, place, origin: Origin::Default, setting, shown })
            }
        }
    }

    /// A truth value.
    pub fn flag(&mut self, dotted_path: &str) -> Option<Held<bool>> {
        let words = self.program.words;
        self.read(dotted_path, |text| words.read(text))
    }

    /// A whole number, a number of bytes, or a span in seconds, as the key has it.
    pub fn number(&mut self, dotted_path: &str) -> Option<Held<i64>> {
        match self.program.key(&path(dotted_path)).map(|key| key.kind) {
            Some(Kind::Size) => self.read(dotted_path, |text| values::size(text)),
            Some(Kind::Duration) => self.read(dotted_path, |text| values::duration(text)),
            _ => self.read(dotted_path, |text| values::integer(text)),
        }
    }

    /// A truth value that holds `otherwise` where it is not set, for keys whose place has no row of
    /// its own in the table. None where it cannot be told.
    pub fn flag_or(
        &mut self,
        dotted_path: &str,
        otherwise: bool,
        guardrails: &[Guardrail],
    ) -> Option<bool> {
        if !self.has(dotted_path) {
            return Some(otherwise);
        }
        let told = self.flag(dotted_path).map(|flag| flag.value);
        if told.is_none() {
            self.open_at(guardrails, dotted_path, "its value cannot be told");
        }
        told
    }

    /// A bound, in the unit of its key; no value where it is one of the words for none.
    pub fn bound(&mut self, dotted_path: &str, none: &[&str]) -> Option<Held<Option<i64>>> {
        self.read(dotted_path, |text| {
            let text = text.trim();
            if none.contains(&text) { Some(None) } else { values::size(text).map(Some) }
        })
    }

    /// What is missing and may set a path otherwise.
    pub fn gap(&self, dotted_path: &str) -> Option<&'a super::Gap> {
        let steps = path(dotted_path);
        self.settings.gap_at(&steps, self.settings.get(&steps))
    }

    /// A value as `read` takes it; one that it cannot take leaves open what hangs on it.
    pub fn read<T>(
        &mut self,
        dotted_path: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<Held<T>> {
        match self.value(dotted_path)?.read(|text| read(text)) {
            Ok(held) => Some(held),
            Err(held) => {
                let guardrails =
                    self.program.key(&path(dotted_path)).map_or(&[][..], |key| key.guardrails);
                let reason = "its value cannot be read as what the setting takes";
                self.review.undetermined(&held.place, &held.setting, guardrails, reason);
                None
            }
        }
    }

    /// True if anything is set at or below a path.
    pub fn has(&self, dotted_path: &str) -> bool {
        self.settings.has(&path(dotted_path))
    }

    /// The steps that follow a path, at most 256 of them.
    pub fn names(&self, dotted_path: &str) -> Vec<String> {
        let mut names = self.settings.names(&path(dotted_path));
        if names.len() > MAX_NAMES {
            names.truncate(MAX_NAMES);
            self.crowded.borrow_mut().insert(dotted_path.to_owned());
        }
        names
    }

    /// The place of a path: where it is set, else of the first setting of the innermost part of
    /// it that is there, else the top of the file.
    pub fn place(&self, dotted_path: &str) -> Place {
        let steps = path(dotted_path);
        (1..=steps.len())
            .rev()
            .find_map(|end| {
                let places = self.settings.below(&steps[..end]).map(|given| given.place.clone());
                places.min()
            })
            .unwrap_or_else(|| self.top.clone())
    }

    /// The value leaves a guardrail off.
    pub fn off<T>(&mut self, guardrail: Guardrail, held: &Held<T>, reach: Reach) {
        self.review.off(guardrail, held.place.observe(&held.setting, &held.shown, reach));
    }

    /// A setting leaves a guardrail off in a way that needs words of its own.
    pub fn off_at(
        &mut self,
        guardrail: Guardrail,
        dotted_path: &str,
        value: impl Into<String>,
        reach: Reach,
    ) {
        let place = self.place(dotted_path);
        self.review.off(guardrail, place.observe(dotted(&path(dotted_path)), value, reach));
    }

    /// Whether a setting leaves these guardrails off cannot be told.
    pub fn open_at(
        &mut self,
        guardrails: &[Guardrail],
        dotted_path: &str,
        reason: impl Into<String>,
    ) {
        let place = self.place(dotted_path);
        self.review.undetermined(&place, dotted(&path(dotted_path)), guardrails, reason);
    }
}
