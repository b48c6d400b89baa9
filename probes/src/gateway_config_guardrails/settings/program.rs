//! A program whose configuration is read first-class, and the way from its files to a review.

use model::document::ConfigFormat;
use model::evidence::{Guardrail, Origin, Reach, SecretKind};

use super::{Case, Environment, Given, Key, Kind, Settings};
use crate::gateway_config_guardrails::guardrail::{Place, Review};
use crate::gateway_config_guardrails::includes::{Files, Text};
use crate::gateway_config_guardrails::judge::{HIDDEN, key_mode};
use crate::gateway_config_guardrails::tree::{Unreadable, Value, shown};
use crate::gateway_config_guardrails::version::Version;
use crate::gateway_config_guardrails::{secrets, values};

/// Words of a program for true and false. Anything else is no truth value.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// True.
    pub on: &'static [&'static str],
    /// False.
    pub off: &'static [&'static str],
}

impl Words {
    /// `true` and `false`.
    pub const TRUE_FALSE: Self = Self { on: &["true"], off: &["false"] };

    /// `true`, `yes`, `on`, `1` and their opposites.
    pub const ANY: Self =
        Self { on: &["true", "yes", "on", "1"], off: &["false", "no", "off", "0"] };

    /// The truth value of a word.
    pub fn read(self, text: &str) -> Option<bool> {
        let among = |words: &[&str]| words.contains(&text);
        if among(self.on) { Some(true) } else { among(self.off).then_some(false) }
    }
}

/// How much of what a program knows stands in its table, and what it does with other keys.
#[derive(Debug, Clone, Copy)]
pub enum Schema {
    /// Every key; the program does this with others.
    Complete(&'static str),
    /// Only what matters here; a key that is none of these is taken for known, unless it is
    /// one of these but for a letter or two.
    Partial(&'static str),
}

/// How a configuration of a program is told from others.
#[derive(Debug, Clone, Copy)]
pub struct Named {
    /// Names of the file, in lower case.
    pub files: &'static [&'static str],
    /// Whether a text of any name looks like one.
    pub looks_like: fn(&str) -> bool,
}

/// A program whose configuration is read first-class.
pub struct Program {
    /// Name in evidence, of the format and of the program.
    pub name: &'static str,
    /// The format that selects it.
    pub format: ConfigFormat,
    /// How its configuration is told from others.
    pub named: Named,
    /// Reads the files, from the weakest layer to the strongest.
    pub read: fn(&Text, &mut Files, &Environment) -> Result<Settings, Unreadable>,
    /// What is known about its keys; the first one that names a path counts.
    pub keys: &'static [Key],
    /// How much of what it knows that is.
    pub schema: Schema,
    /// Its words for true and false.
    pub words: Words,
    /// One version for each span in which defaults are the same, oldest first, with the name of
    /// the span; empty where nothing changed.
    pub releases: &'static [(&'static str, Version)],
    /// Guardrails that it has settings for. Those of secrets are always among them.
    pub covers: &'static [Guardrail],
    /// Judges the settings as one version reads them.
    pub judge: fn(&mut Case<'_>),
}

impl Program {
    /// Reads and reviews a configuration; without a version under every release that differs.
    pub fn review(
        &self,
        main: &Text,
        version: Option<Version>,
        files: &mut Files,
        environment: &Environment,
    ) -> Result<Review, Unreadable> {
        let settings = (self.read)(main, files, environment)?;
        let top = Place::top(&main.name);
        let as_version = |version| {
            let mut case = Case::new(self, &settings, environment, version, top.clone());
            (self.judge)(&mut case);
            case.finish(self.covers)
        };
        let mut review = match (version, self.releases) {
            (None, releases) if !releases.is_empty() => {
                let each =
                    releases.iter().map(|(name, version)| (*name, as_version(Some(*version))));
                Review::agree(each.collect(), &top)
            }
            (version, _) => as_version(version),
        };
        review.cover(self.covers);
        review.cover(&[Guardrail::InlineSecret, Guardrail::DefaultSecret]);
        self.note(&mut review, &settings, files);
        Ok(review)
    }

    /// What is known of the key of a path.
    pub fn key(&self, path: &[String]) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.names(path))
    }

    /// Notes what holds for the settings themselves, whichever version reads them.
    fn note(&self, review: &mut Review, settings: &Settings, files: &Files) {
        for gap in settings.gaps() {
            review.undetermined(&gap.place, &gap.name, &[], gap.reason.clone());
        }
        for given in settings.all().filter(|given| given.value != Value::Null) {
            self.note_setting(review, given, files);
            self.note_unknown(review, given);
        }
        for given in settings.overridden() {
            let key = self.key(&given.path).copied();
            let value = self.shown(key.map_or(Kind::Text, |key| key.kind), &given.value);
            review.overridden(given.place.observe(dotted(&given.path), value, Reach::Unstated));
            self.note_secret(review, given, key.map_or(Kind::Text, |key| key.kind));
        }
    }

    fn note_setting(&self, review: &mut Review, given: &Given, files: &Files) {
        let kind = self.key(&given.path).map_or(Kind::Text, |key| key.kind);
        let name = dotted(&given.path);
        if let (Kind::KeyFile, Value::Scalar(path)) = (kind, &given.value)
            && let Some(mode) = files.mode(path)
        {
            key_mode(review, &given.place, &name, mode);
        }
        self.note_secret(review, given, kind);
        let known = self.key(&given.path).is_some_and(|key| !key.path.ends_with("**"));
        if known {
            let origin = match given.value {
                Value::Unresolved(_) => Origin::Unresolved,
                _ => Origin::Explicit,
            };
            review.setting(&given.place, name, self.shown(kind, &given.value), origin);
        }
    }

    fn note_secret(&self, review: &mut Review, given: &Given, kind: Kind) {
        let Value::Scalar(text) = &given.value else { return };
        let name = given.path.iter().rev().find(|step| step.parse::<usize>().is_err());
        let held = match kind {
            Kind::Secret(kind) => Some((text.as_str(), kind)),
            Kind::Text => secrets::in_address(text).map(|held| (held, SecretKind::UrlCredentials)),
            _ => None,
        };
        let held = held.or_else(|| {
            let told =
                kind == Kind::Text && !text.is_empty() && values::truth(text, None).is_none();
            let path = text.starts_with('/') || text.starts_with("file:");
            let named = name.and_then(|name| secrets::kind(name)).filter(|_| told && !path);
            named.map(|kind| (text.as_str(), kind))
        });
        if let Some((secret, kind)) = held {
            let name = dotted(&given.path);
            review.secret(&given.place, &name, kind, secrets::Traits::of(secret));
        }
    }

    fn note_unknown(&self, review: &mut Review, given: &Given) {
        let family = self.key(&given.path).map(|key| key.path.ends_with("**"));
        if !self.covers.contains(&Guardrail::UnknownKey) || family == Some(false) {
            return;
        }
        let (says, near) = match self.schema {
            Schema::Complete(says) if family.is_none() => (says, self.near(&given.path)),
            Schema::Complete(says) | Schema::Partial(says) => match self.near(&given.path) {
                Some(near) => (says, Some(near)),
                None => return,
            },
        };
        let value = match near {
            Some(near) => format!("not a known key, perhaps `{near}`: {says}"),
            None => format!("not a known key: {says}"),
        };
        let unknown = given.place.observe(dotted(&given.path), value, Reach::Unstated);
        review.off(Guardrail::UnknownKey, unknown);
    }

    /// The known key that a path is but for a letter or two of one step.
    fn near(&self, path: &[String]) -> Option<&'static str> {
        self.keys.iter().map(|key| key.path).find(|known| is_near(known, path))
    }

    fn shown(&self, kind: Kind, value: &Value) -> String {
        match value {
            Value::Scalar(text) => kind.shown(text, self.words),
            Value::Unresolved(how) => (*how).to_owned(),
            Value::Variable(_) => secrets::VARIABLE.to_owned(),
            Value::List(_) => "an empty list".to_owned(),
            Value::Table(_) | Value::Null => HIDDEN.to_owned(),
        }
    }
}

/// A path as evidence shows it.
pub fn dotted(path: &[String]) -> String {
    path.iter().map(|step| shown(step)).collect::<Vec<_>>().join(".")
}

/// True if a path has the steps of a pattern but for one, which is a letter or two away.
fn is_near(pattern: &str, path: &[String]) -> bool {
    let mut misspelt = 0;
    let mut steps = path.iter();
    for known in pattern.split('.') {
        if known == "**" {
            return misspelt == 1;
        }
        match steps.next() {
            Some(step) if known == "*" || known == step => {}
            Some(step) if known.len() > 4 && is_slip(known, step) => misspelt += 1,
            _ => return false,
        }
    }
    misspelt == 1 && steps.next().is_none()
}

/// True if a word becomes another by one or two letters more, less or other.
fn is_slip(known: &str, word: &str) -> bool {
    // A character has up to four bytes.
    if known.len().abs_diff(word.len()) > 8 {
        return false;
    }
    let (known, word): (Vec<_>, Vec<_>) = (known.chars().collect(), word.chars().collect());
    if known.len().abs_diff(word.len()) > 2 {
        return false;
    }
    let mut row: Vec<usize> = (0..=word.len()).collect();
    for (index, letter) in known.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (at, other) in word.iter().enumerate() {
            let cost = diagonal + usize::from(letter != other);
            diagonal = row[at + 1];
            row[at + 1] = cost.min(row[at] + 1).min(diagonal + 1);
        }
    }
    row[word.len()] <= 2
}
