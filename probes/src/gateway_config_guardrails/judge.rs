//! A tree of values judged by a mapping.

use std::collections::HashSet;

use model::evidence::{Guardrail, Origin, Reach};

use super::guardrail::{Place, Review};
use super::includes::Files;
use super::mapping::{
    Absent, Condition, DefaultValue, Expected, Kind, MappedSetting, Mapping, TruthWords,
};
use super::tree::{Found, Node, Value, steps};
use super::version::Version;
use super::{secrets, values};

/// What evidence shows of a value that may be anything.
pub const HIDDEN: &str = "set, not shown";

/// Judges `tree`, read from `file`, by `mapping`.
pub fn review(
    tree: &Node,
    mapping: &Mapping,
    version: Option<Version>,
    file: &str,
    files: &Files,
) -> Review {
    let mut judge = Judge { tree, mapping, version, file, files, review: Review::default() };
    judge.review.cover(&[Guardrail::InlineSecret, Guardrail::DefaultSecret]);
    for setting in &mapping.settings {
        judge.setting(setting);
    }
    judge.unmapped();
    judge.review
}

/// Secrets, addresses with credentials, and keys set twice: what needs no mapping.
pub fn review_unmapped(tree: &Node, file: &str, files: &Files) -> Review {
    let mapping = Mapping {
        format: super::mapping::Format::Env,
        program: None,
        strict: false,
        settings: Vec::new(),
    };
    review(tree, &mapping, None, file, files)
}

/// A value as its kind reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Read {
    Bool(bool),
    Int(i64),
    Word(String),
}

/// What one value does to its guardrail.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Judgement {
    Keeps,
    LeavesOff,
    Unclear(String),
}

struct Judge<'a> {
    tree: &'a Node,
    mapping: &'a Mapping,
    version: Option<Version>,
    file: &'a str,
    files: &'a Files,
    review: Review,
}

impl<'a> Judge<'a> {
    fn setting(&mut self, setting: &MappedSetting) {
        if let Some(guardrail) = setting.guardrail {
            self.review.cover(&[guardrail]);
        }
        let met = |condition: &Condition| self.holds(condition);
        if setting.when.as_ref().is_some_and(|condition| !met(condition))
            || setting.unless.as_ref().is_some_and(met)
        {
            return;
        }
        let found = self.present(&setting.path);
        if found.is_empty() {
            return self.absent(setting);
        }
        let mut seen = HashSet::new();
        for at in &found {
            if seen.insert(at.path.clone()) {
                let same: Vec<_> = found.iter().filter(|other| other.path == at.path).collect();
                self.present_setting(setting, &same);
            }
        }
    }

    /// One key, with every value that it is given.
    fn present_setting(&mut self, setting: &MappedSetting, given: &[&Found<'a>]) {
        let Some(at) = given.last() else { return };
        let place = at.place(self.file);
        match setting.kind {
            Kind::Secret => return self.secret(at, secrets::kind(&at.path)),
            Kind::KeyFile => self.key_file(at),
            _ => {}
        }
        let (shown, origin) = show(setting, at.node);
        self.review.setting(&place, &at.path, &shown, origin);
        let Some(guardrail) = setting.guardrail else { return };
        let mut judgements: Vec<_> = given.iter().map(|at| judge(setting, at.node)).collect();
        judgements.dedup();
        match judgements.as_slice() {
            [Judgement::Keeps] => {}
            [Judgement::LeavesOff] => {
                self.review.off(guardrail, place.observe(&at.path, shown, Reach::Unstated));
            }
            [Judgement::Unclear(reason)] => {
                self.review.undetermined(&place, &at.path, &[guardrail], reason.clone());
            }
            _ => self.review.undetermined(
                &place,
                &at.path,
                &[guardrail],
                "it is set more than once with different values, and programs differ in which counts",
            ),
        }
    }

    fn absent(&mut self, setting: &MappedSetting) {
        let Some(guardrail) = setting.guardrail else { return };
        let place = self.nearest(&setting.path);
        let reason = setting.reason.clone().unwrap_or_else(|| {
            "the file does not set it, and its default is the program's own".to_owned()
        });
        match setting.absent() {
            Absent::Ignore => {}
            Absent::Outside => self.review.open(guardrail, format!("`{}`: {reason}", setting.path)),
            Absent::Undetermined => {
                self.review.undetermined(&place, &setting.path, &[guardrail], reason);
            }
            Absent::Unsafe => {
                self.review.off(guardrail, place.observe(&setting.path, "absent", Reach::Unstated));
            }
            Absent::Default => self.default(setting, guardrail, &place),
        }
    }

    fn default(&mut self, setting: &MappedSetting, guardrail: Guardrail, place: &Place) {
        let candidates = self.defaults(setting);
        let mut judgements: Vec<_> = candidates
            .iter()
            .map(|default| judgement(setting, &read_default(&default.value)))
            .collect();
        judgements.dedup();
        match (judgements.as_slice(), candidates.first()) {
            ([judgement], Some(default)) => {
                let shown = format!("{} (default)", expected_text(&default.value));
                self.review.setting(place, &setting.path, &shown, Origin::Default);
                if *judgement == Judgement::LeavesOff {
                    let off = place.observe(&setting.path, shown, Reach::Unstated);
                    self.review.off(guardrail, off);
                }
            }
            ([], _) => self.review.undetermined(
                place,
                &setting.path,
                &[guardrail],
                "it is absent, and no default is known for this version of the program",
            ),
            _ => self.review.undetermined(
                place,
                &setting.path,
                &[guardrail],
                "it is absent, and its default differs between versions; declare `programVersion`",
            ),
        }
    }

    /// Defaults of the declared version; all of them where none is declared.
    fn defaults<'s>(&self, setting: &'s MappedSetting) -> Vec<&'s DefaultValue> {
        let covers = |default: &&DefaultValue| {
            self.version.is_none_or(|version| {
                let bound = |text: &Option<String>| text.as_deref().and_then(Version::parse);
                bound(&default.since).is_none_or(|since| version >= since)
                    && bound(&default.until).is_none_or(|until| version < until)
            })
        };
        setting.default.iter().filter(covers).collect()
    }

    fn holds(&self, condition: &Condition) -> bool {
        let Some(setting) = self.mapping.settings.iter().find(|s| s.path == condition.path) else {
            return false;
        };
        let value = match self.present(&condition.path).last() {
            Some(at) => read(setting.kind, at.node, setting.words.as_ref()).ok(),
            None => match self.defaults(setting).as_slice() {
                [default] => Some(read_default(&default.value)),
                _ => None,
            },
        };
        value.is_some_and(|value| condition.is.iter().any(|expected| is(&value, expected)))
    }

    fn present(&self, path: &str) -> Vec<Found<'a>> {
        let mut found = self.tree.find(&steps(path));
        found.retain(|at| at.node.value != Value::Null);
        found
    }

    /// The place of the innermost table that is there on the way to a path.
    fn nearest(&self, path: &str) -> Place {
        let steps = steps(path);
        (1..steps.len())
            .rev()
            .find_map(|end| Some(self.tree.find(&steps[..end]).first()?.place(self.file)))
            .unwrap_or_else(|| Place::top(self.file))
    }

    fn key_file(&mut self, at: &Found<'_>) {
        let Value::Scalar(path) = &at.node.value else { return };
        if let Some(mode) = self.files.mode(path) {
            key_mode(&mut self.review, &at.place(self.file), &at.path, mode);
        }
    }

    fn secret(&mut self, at: &Found<'_>, kind: Option<model::evidence::SecretKind>) {
        let place = at.place(self.file);
        let kind = kind.unwrap_or(model::evidence::SecretKind::Other);
        match &at.node.value {
            Value::Scalar(secret) => {
                self.review.setting(&place, &at.path, HIDDEN, Origin::Explicit);
                self.review.secret(&place, &at.path, kind, secrets::Traits::of(secret));
            }
            Value::Unresolved(how) => {
                self.review.setting(&place, &at.path, *how, Origin::Unresolved);
            }
            _ => {}
        }
    }

    /// Values that no setting of the mapping names, and what holds for every value.
    fn unmapped(&mut self) {
        let mut mapped: HashSet<*const Node> = HashSet::new();
        for setting in &self.mapping.settings {
            for at in self.tree.find(&steps(&setting.path)) {
                mapped.extend(at.node.leaves().iter().map(|leaf| std::ptr::from_ref(leaf.node)));
            }
        }
        if self.mapping.strict {
            self.review.cover(&[Guardrail::UnknownKey]);
        }
        for leaf in self.tree.leaves() {
            let known = mapped.contains(&std::ptr::from_ref(leaf.node));
            if self.mapping.strict && !known {
                let unknown =
                    leaf.place(self.file).observe(&leaf.path, "not a known key", Reach::Unstated);
                self.review.off(Guardrail::UnknownKey, unknown);
            }
            let Value::Scalar(text) = &leaf.node.value else { continue };
            if let Some(password) = secrets::in_address(text) {
                let traits = secrets::Traits::of(password);
                let kind = model::evidence::SecretKind::UrlCredentials;
                self.review.secret(&leaf.place(self.file), &leaf.path, kind, traits);
            } else if !known && holds_secret(text) {
                let name = leaf.path.rsplit('.').next().unwrap_or(&leaf.path);
                if let Some(kind) = secrets::kind(name) {
                    self.secret(&leaf, Some(kind));
                }
            }
        }
        for entry in self.tree.repeated() {
            let place = entry.place(self.file);
            let again = place.observe(&entry.path, "set more than once", Reach::Unstated);
            self.review.repeated(again);
        }
    }
}

/// Notes the permission bits of a private key.
pub fn key_mode(review: &mut Review, place: &Place, setting: &str, mode: u32) {
    review.cover(&[Guardrail::KeyPermissions]);
    if mode & 0o077 != 0 {
        let open = place.observe(setting, format!("mode {mode:04o}"), Reach::Unstated);
        review.off(Guardrail::KeyPermissions, open);
    }
}

/// A value under the name of a secret that is no switch, no path and not empty.
pub fn holds_secret(text: &str) -> bool {
    let path = text.starts_with("file:") || (text.starts_with('/') && text[1..].contains('/'));
    !text.is_empty() && !path && !matches!(text, "true" | "false")
}

fn judge(setting: &MappedSetting, node: &Node) -> Judgement {
    match read(setting.kind, node, setting.words.as_ref()) {
        Ok(value) => judgement(setting, &value),
        Err(reason) => Judgement::Unclear(reason),
    }
}

fn judgement(setting: &MappedSetting, value: &Read) -> Judgement {
    let among = |expected: &[Expected]| expected.iter().any(|expected| is(value, expected));
    if among(&setting.unsafe_) {
        Judgement::LeavesOff
    } else if among(&setting.safe) || setting.safe.is_empty() {
        Judgement::Keeps
    } else if setting.unsafe_.is_empty() {
        Judgement::LeavesOff
    } else {
        Judgement::Unclear(
            "its value is neither one that keeps the guardrail nor one that does not".to_owned(),
        )
    }
}

fn is(value: &Read, expected: &Expected) -> bool {
    match (value, expected) {
        (Read::Bool(value), Expected::Bool(expected)) => value == expected,
        (Read::Int(value), Expected::Int(expected)) => value == expected,
        (Read::Int(value), Expected::Range { min, max }) => {
            min.is_none_or(|min| *value >= min) && max.is_none_or(|max| *value <= max)
        }
        (Read::Word(value), expected) => *value == expected_text(expected),
        _ => false,
    }
}

fn read(kind: Kind, node: &Node, words: Option<&TruthWords>) -> Result<Read, String> {
    let text = match (&node.value, kind) {
        (Value::List(items), Kind::Count) => {
            return Ok(Read::Int(i64::try_from(items.len()).unwrap_or(i64::MAX)));
        }
        (Value::Unresolved(how), _) => return Err(format!("{how}, and that is not in evidence")),
        (Value::Scalar(text), kind) if kind != Kind::Count => text,
        _ => return Err("its value has another shape than the setting takes".to_owned()),
    };
    let number = |value: Option<i64>| value.map(Read::Int);
    let read = match kind {
        Kind::Bool => {
            let words = words.map(|words| values::Words { on: &words.on, off: &words.off });
            values::truth(text, words).map(Read::Bool)
        }
        Kind::Int => number(values::integer(text)),
        Kind::Size => number(values::size(text)),
        Kind::Duration => number(values::duration(text)),
        Kind::Address => Some(Read::Word(values::bound(text).as_str().to_owned())),
        Kind::Url => values::scheme(text).map(|scheme| Read::Word(scheme.to_owned())),
        Kind::TlsVersion => values::tls_version(text).map(|version| Read::Word(version.to_owned())),
        Kind::Text | Kind::File | Kind::KeyFile | Kind::Secret | Kind::Count => {
            Some(Read::Word(text.clone()))
        }
    };
    read.ok_or_else(|| "its value cannot be read as what the setting takes".to_owned())
}

fn read_default(default: &Expected) -> Read {
    match default {
        Expected::Bool(value) => Read::Bool(*value),
        Expected::Int(value) => Read::Int(*value),
        other => Read::Word(expected_text(other)),
    }
}

fn expected_text(expected: &Expected) -> String {
    match expected {
        Expected::Bool(value) => value.to_string(),
        Expected::Int(value) => value.to_string(),
        Expected::Text(text) => text.clone(),
        Expected::Range { min, max } => format!("{min:?} to {max:?}"),
    }
}

/// What a reader sees of a value, and where it comes from.
fn show(setting: &MappedSetting, node: &Node) -> (String, Origin) {
    if let Value::Unresolved(how) = &node.value {
        return ((*how).to_owned(), Origin::Unresolved);
    }
    let listed =
        |word: &str| setting.safe.iter().chain(&setting.unsafe_).any(|e| expected_text(e) == word);
    let shown = match (read(setting.kind, node, setting.words.as_ref()), &node.value) {
        (Ok(Read::Bool(value)), _) => value.to_string(),
        (Ok(Read::Int(count)), _) if setting.kind == Kind::Count => format!("{count} items"),
        (Ok(Read::Int(value)), _) if setting.guardrail.is_some() => value.to_string(),
        (Ok(_), Value::Scalar(text)) if setting.kind == Kind::Address => {
            values::shown_address(text)
        }
        (Ok(Read::Word(word)), _) if setting.kind == Kind::Url => format!("{word} address"),
        (Ok(Read::Word(word)), _) if setting.kind == Kind::TlsVersion || listed(&word) => word,
        _ => HIDDEN.to_owned(),
    };
    (shown, Origin::Explicit)
}
