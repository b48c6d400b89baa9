//! The review: what readers find, gathered per guardrail and turned into evidence at the end.
//!
//! A setting that leaves a guardrail off for other machines decides it, whatever else is unknown.
//! Without one, a single setting that cannot be told leaves the guardrail undecided.

use std::collections::{BTreeMap, BTreeSet};

use model::evidence::{
    Guardrail, Item, LengthClass, MAX_ENTRIES, MAX_SETTINGS, Observation, Origin, Reach,
    SecretKind, SecretPlace, Setting, Undetermined,
};

use super::secrets::Traits;
use super::version::Version;

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// File as evidence names it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Place {
    /// The top of a file: where what is absent everywhere is said to be.
    pub fn top(file: &str) -> Self {
        Self { file: file.to_owned(), line: 1, column: 1 }
    }

    /// An observation at this place.
    pub fn observe(
        &self,
        setting: impl Into<String>,
        value: impl Into<String>,
        reach: Reach,
    ) -> Observation {
        Observation {
            file: self.file.clone(),
            line: self.line,
            column: self.column,
            setting: setting.into(),
            value: value.into(),
            reach,
        }
    }
}

/// What is known of one configuration.
#[derive(Debug, Clone, Default)]
pub struct Review {
    covered: BTreeSet<Guardrail>,
    found: BTreeMap<Guardrail, Found>,
    undecided: BTreeMap<Guardrail, String>,
    undetermined: BTreeMap<(String, Place), (BTreeSet<Guardrail>, String)>,
    secrets: BTreeMap<SecretPlace, Known>,
    repeated: BTreeSet<Observation>,
    overridden: BTreeSet<Observation>,
    settings: BTreeSet<Setting>,
}

/// What is known of a secret beside its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// On the public list of defaults.
    pub default: bool,
    /// Written in a file; else it is what the program takes where nothing is written, or what a
    /// variable holds.
    pub written: bool,
}

/// Settings that leave one guardrail off. What is reachable has room of its own, so that nothing
/// that is only local can crowd it out.
#[derive(Debug, Clone, Default)]
struct Found {
    reachable: BTreeSet<Observation>,
    local: BTreeSet<Observation>,
}

/// How far a guardrail is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    /// Nothing leaves it off.
    On,
    /// Left off, but only for this machine.
    OffLocally,
    /// Left off.
    Off,
    /// Not decided.
    Open,
}

impl Review {
    /// The configuration has settings for these guardrails.
    pub fn cover(&mut self, guardrails: &[Guardrail]) {
        self.covered.extend(guardrails);
    }

    /// A setting leaves a guardrail off.
    pub fn off(&mut self, guardrail: Guardrail, observation: Observation) {
        self.covered.insert(guardrail);
        let counts = observation.reach != Reach::Loopback;
        let found = self.found.entry(guardrail).or_default();
        let list = if counts { &mut found.reachable } else { &mut found.local };
        keep(list, observation);
    }

    /// The value in force of a setting cannot be told from the configuration.
    pub fn undetermined(
        &mut self,
        place: &Place,
        setting: impl Into<String>,
        guardrails: &[Guardrail],
        reason: impl Into<String>,
    ) {
        let (setting, reason) = (setting.into(), reason.into());
        for guardrail in guardrails
            .iter()
            .filter(|one| !self.undecided.contains_key(one))
            .copied()
            .collect::<Vec<_>>()
        {
            self.open(guardrail, format!("`{setting}`: {reason}"));
        }
        let entry = self
            .undetermined
            .entry((setting, place.clone()))
            .or_insert_with(|| (BTreeSet::new(), reason));
        entry.0.extend(guardrails);
        if self.undetermined.len() > MAX_SETTINGS {
            self.undetermined.pop_last();
        }
    }

    /// The configuration leaves the guardrail to something outside it.
    pub fn open(&mut self, guardrail: Guardrail, reason: impl Into<String>) {
        self.covered.insert(guardrail);
        self.undecided.entry(guardrail).or_insert_with(|| reason.into());
    }

    /// A secret stands in the file.
    pub fn secret(&mut self, place: &Place, setting: &str, kind: SecretKind, traits: Traits) {
        self.keep_secret(place, setting, kind, traits, true);
    }

    /// No secret stands in the file, and the program takes one that everybody knows.
    pub fn default_secret(
        &mut self,
        place: &Place,
        setting: &str,
        kind: SecretKind,
        traits: Traits,
    ) {
        self.keep_secret(place, setting, kind, traits, false);
    }

    /// A secret stands in the environment of the program, and a variable fills it in.
    pub fn filled_secret(
        &mut self,
        place: &Place,
        setting: &str,
        kind: SecretKind,
        traits: Traits,
    ) {
        self.keep_secret(place, setting, kind, traits, false);
    }

    fn keep_secret(
        &mut self,
        place: &Place,
        setting: &str,
        kind: SecretKind,
        traits: Traits,
        written: bool,
    ) {
        let secret = SecretPlace {
            file: place.file.clone(),
            line: place.line,
            column: place.column,
            setting: setting.to_owned(),
            kind,
            length: traits.length,
        };
        let known = self.secrets.entry(secret).or_insert(Known { default: false, written: false });
        known.default |= traits.known;
        known.written |= written;
        // A known default decides more than any other secret, so it is never the one to go.
        if self.secrets.len() > MAX_SETTINGS {
            let less = self.secrets.iter().rev().find(|(_, known)| !known.default);
            if let Some(less) = less.map(|(secret, _)| secret.clone()) {
                self.secrets.remove(&less);
            } else {
                self.secrets.pop_last();
            }
        }
    }

    /// A key is set more than once.
    pub fn repeated(&mut self, observation: Observation) {
        keep(&mut self.repeated, observation);
    }

    /// A value does not count because another one took its place.
    pub fn overridden(&mut self, observation: Observation) {
        keep(&mut self.overridden, observation);
    }

    /// A setting for the reader.
    pub fn setting(
        &mut self,
        place: &Place,
        setting: impl Into<String>,
        value: impl Into<String>,
        origin: Origin,
    ) {
        let setting = Setting {
            setting: setting.into(),
            value: value.into(),
            origin,
            file: place.file.clone(),
            line: place.line,
            column: place.column,
        };
        keep(&mut self.settings, setting);
    }

    /// One review out of several under different versions of the program, the newest last: where
    /// they agree, the newest speaks; where they do not, the version is what is missing.
    pub fn agree(reviews: Vec<(&'static str, Self)>, top: &Place) -> Self {
        let mut differing = BTreeSet::new();
        for guardrail in Guardrail::ALL {
            let decisions: Vec<_> =
                reviews.iter().map(|(_, review)| review.decision(guardrail)).collect();
            if decisions.windows(2).any(|pair| pair[0] != pair[1]) {
                differing.insert(guardrail);
            }
        }
        let versions: Vec<_> = reviews.iter().map(|(version, _)| *version).collect();
        let mut reviews = reviews.into_iter().map(|(_, review)| review).rev();
        let mut agreed = reviews.next().unwrap_or_default();
        for other in reviews {
            for (key, (guardrails, reason)) in other.undetermined {
                let entry = agreed.undetermined.entry(key).or_insert((guardrails.clone(), reason));
                entry.0.extend(guardrails);
            }
        }
        for guardrail in &differing {
            agreed.found.remove(guardrail);
        }
        if !differing.is_empty() {
            let guardrails: Vec<_> = differing.into_iter().collect();
            let reason = format!(
                "versions {} of the program read this file differently; declare `programVersion` on the target",
                versions.join(", ")
            );
            agreed.undetermined(top, "programVersion", &guardrails, reason);
        }
        agreed
    }

    /// A review under a version, where something that matters changed in `changed`: as before (false),
    /// or as since then (true). Without a version, what both agree on.
    pub fn by_release(
        version: Option<Version>,
        changed: Version,
        names: [&'static str; 2],
        top: &Place,
        review: impl Fn(bool) -> Self,
    ) -> Self {
        match version {
            Some(version) => review(version >= changed),
            None => Self::agree(names.into_iter().zip([false, true].map(review)).collect(), top),
        }
    }

    fn decision(&self, guardrail: Guardrail) -> Decision {
        let found = self.found.get(&guardrail);
        if found.is_some_and(|found| !found.reachable.is_empty()) {
            Decision::Off
        } else if self.undecided.contains_key(&guardrail) {
            Decision::Open
        } else if found.is_some() {
            Decision::OffLocally
        } else {
            Decision::On
        }
    }

    /// The list of one guardrail.
    pub fn item(&self, guardrail: Guardrail) -> Item<Vec<Observation>> {
        if !self.covered.contains(&guardrail) {
            return Item::not_attempted("this configuration has no setting for it");
        }
        match (self.decision(guardrail), self.undecided.get(&guardrail)) {
            (Decision::Open, Some(reason)) => Item::not_attempted(reason.clone()),
            _ => {
                let found = self.found.get(&guardrail).into_iter();
                let mut list = first(
                    found.flat_map(|found| found.reachable.iter().chain(&found.local)).cloned(),
                );
                list.sort();
                Item::observed(list)
            }
        }
    }

    /// The secrets that `select` picks by what is known of them.
    pub fn secrets(
        &self,
        guardrail: Guardrail,
        select: impl Fn(&SecretPlace, Known) -> bool,
    ) -> Item<Vec<SecretPlace>> {
        let chosen = self.secrets.iter().filter(|(secret, known)| select(secret, **known));
        let chosen = first(chosen.map(|(secret, _)| secret.clone()));
        match self.undecided.get(&guardrail) {
            Some(reason) if chosen.is_empty() => Item::not_attempted(reason.clone()),
            _ if !self.covered.contains(&guardrail) => {
                Item::not_attempted("this configuration has no setting for it")
            }
            _ => Item::observed(chosen),
        }
    }

    /// Guardrails that the configuration has settings for.
    pub fn guardrails(&self) -> Item<Vec<Guardrail>> {
        Item::observed(self.covered.iter().copied().collect())
    }

    /// Settings whose value in force cannot be told.
    pub fn undetermined_items(&self) -> Item<Vec<Undetermined>> {
        let entries =
            self.undetermined.iter().map(|((setting, place), (guardrails, reason))| Undetermined {
                setting: setting.clone(),
                guardrails: guardrails.iter().copied().collect(),
                reason: reason.clone(),
                file: place.file.clone(),
                line: place.line,
                column: place.column,
            });
        Item::observed(first(entries))
    }

    /// Settings that bear on a guardrail.
    pub fn settings(&self) -> Item<Vec<Setting>> {
        Item::observed(self.settings.iter().take(MAX_SETTINGS).cloned().collect())
    }

    /// Keys that are set more than once.
    pub fn repeated_items(&self) -> Item<Vec<Observation>> {
        Item::observed(first(self.repeated.iter().cloned()))
    }

    /// Values that do not count because another one took their place.
    pub fn overridden_items(&self) -> Item<Vec<Observation>> {
        Item::observed(first(self.overridden.iter().cloned()))
    }
}

/// A secret of fewer than 16 characters.
pub fn is_short(secret: &SecretPlace) -> bool {
    secret.length != LengthClass::From16
}

/// Adds an entry to a set that holds no more than evidence ever shows of it, the first ones in
/// the order of places.
fn keep<T: Ord>(set: &mut BTreeSet<T>, entry: T) {
    set.insert(entry);
    if set.len() > MAX_SETTINGS {
        set.pop_last();
    }
}

fn first<T>(entries: impl Iterator<Item = T>) -> Vec<T> {
    entries.take(MAX_ENTRIES).collect()
}
