//! A configuration judged by a mapping.

mod condition;
mod held;
mod layers;
mod reading;

use std::collections::{HashMap, HashSet};

use model::evidence::{Guardrail, Origin, Reach};

use super::guardrail::{Place, Review};
use super::includes::Files;
use super::mapping::{
    Absent, Condition, DefaultValue, Format, Kind, MappedSetting, Mapping, Merge,
};
use super::settings::Environment;
use super::tree::{Node, Unreadable, Value, steps};
use super::version::Version;
use condition::Truth;
pub use held::holds_secret;
use layers::{At, Layer};
use reading::{Judgement, expected_text, judge, judgement, read_default, show};

/// What evidence shows of a value that may be anything.
pub const HIDDEN: &str = "set, not shown";

/// Reads a text in the format of a configuration, with what is filled in.
pub type ReadText<'a> = dyn Fn(&str) -> Result<Node, Unreadable> + 'a;

/// A configuration to be judged: the declared file, and how others of its format are read.
pub struct Subject<'a> {
    /// The file as evidence names it.
    pub file: &'a str,
    /// What it holds.
    pub tree: Node,
    /// Reads a further file.
    pub read: &'a ReadText<'a>,
    /// Version of the program.
    pub version: Option<Version>,
}

/// Judges a configuration by `mapping`.
pub fn review(
    subject: Subject<'_>,
    mapping: &Mapping,
    files: &mut Files,
    environment: &Environment,
) -> Review {
    let Subject { file, tree, read, version } = subject;
    let mut review = Review::default();
    let main = (file, tree);
    let layers = layers::read(&mut review, main, mapping, read, files, environment);
    let mut judge = Judge { layers: &layers, mapping, version, file, files, review };
    judge.review.cover(&[Guardrail::InlineSecret, Guardrail::DefaultSecret]);
    for setting in &mapping.settings {
        judge.setting(setting);
    }
    for derived in &mapping.derive {
        judge.derived(derived);
    }
    judge.unmapped();
    judge.review
}

/// Secrets, addresses with credentials, and keys set twice: what needs no mapping.
pub fn review_unmapped(subject: Subject<'_>, files: &mut Files) -> Review {
    let mapping = Mapping {
        format: Format::Env,
        program: None,
        strict: false,
        files: Vec::new(),
        merge: Merge::LastWins,
        environment: None,
        interpolation: None,
        settings: Vec::new(),
        derive: Vec::new(),
    };
    review(subject, &mapping, files, &Environment::default())
}

struct Judge<'a> {
    /// Strongest first.
    layers: &'a [Layer],
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
        if setting.kind == Kind::Secret {
            return self.secrets(setting);
        }
        let when = setting.when.as_ref().map_or(Truth::Holds, |when| self.truth(when));
        let unless = setting.unless.as_ref().map_or(Truth::Fails, |unless| self.truth(unless));
        match (when, unless) {
            (Truth::Holds, Truth::Fails) => {}
            (Truth::Fails, _) | (_, Truth::Holds) => return,
            (Truth::Open(reason), _) | (_, Truth::Open(reason)) => {
                let place = self.nearest(&setting.path);
                let bears: Vec<_> = setting.guardrail.into_iter().collect();
                let reason = format!("whether it counts cannot be told: {reason}");
                return self.review.undetermined(&place, &setting.path, &bears, reason);
            }
        }
        let found = self.present(&setting.path);
        if found.is_empty() {
            return self.absent(setting);
        }
        // Values of one key stand behind each other.
        for given in found
            .chunk_by(|one, other| (one.file, &one.found.path) == (other.file, &other.found.path))
        {
            self.present_setting(setting, given);
        }
    }

    /// One key, with every value that it is given.
    fn present_setting(&mut self, setting: &MappedSetting, given: &[At<'a>]) {
        let Some(at) = given.last() else { return };
        let place = at.place();
        if setting.kind == Kind::KeyFile {
            self.key_file(at);
        }
        let (shown, origin) = show(setting, at.found.node);
        let path = &at.found.path;
        self.review.setting(&place, path, &shown, origin);
        let Some(guardrail) = setting.guardrail else { return };
        let mut judgements: Vec<_> = given.iter().map(|at| judge(setting, at.found.node)).collect();
        judgements.dedup();
        match judgements.as_slice() {
            [Judgement::Keeps] => {}
            [Judgement::LeavesOff] => {
                self.review.off(guardrail, place.observe(path, shown, Reach::Unstated));
            }
            [Judgement::Unclear(reason)] => {
                self.review.undetermined(&place, path, &[guardrail], reason.clone());
            }
            _ => self.review.undetermined(
                &place,
                path,
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

    /// Values of a path that count. Those of one key in one file stand behind each other.
    fn present(&self, path: &str) -> Vec<At<'a>> {
        let steps = steps(path);
        let layers = self.layers;
        let mut present: Vec<_> =
            layers.iter().flat_map(|layer| layer.at(layer.tree.find(&steps))).collect();
        present.retain(|at| at.found.node.value != Value::Null);
        let mut order = HashMap::new();
        for at in &present {
            let next = order.len();
            order.entry((at.file, at.found.path.clone())).or_insert(next);
        }
        present.sort_by_cached_key(|at| order.get(&(at.file, at.found.path.clone())).copied());
        present
    }

    /// Values of a path, whether they count or not.
    fn everywhere(&self, path: &str) -> Vec<At<'a>> {
        let steps = steps(path);
        let layers = self.layers;
        let trees =
            layers.iter().flat_map(|layer| [(layer, &layer.tree), (layer, &layer.replaced)]);
        trees.flat_map(|(layer, tree)| layer.at(tree.find(&steps))).collect()
    }

    /// The place of the innermost table that is there on the way to a path.
    fn nearest(&self, path: &str) -> Place {
        let steps = steps(path);
        let layers = self.layers;
        (1..steps.len())
            .rev()
            .find_map(|end| {
                let mut each = layers.iter();
                each.find_map(|layer| {
                    layer.at(layer.tree.find(&steps[..end])).next().map(|at| at.place())
                })
            })
            .unwrap_or_else(|| Place::top(self.file))
    }

    fn key_file(&mut self, at: &At<'_>) {
        let Some(Ok(path)) = at.found.node.value.told() else { return };
        if let Some(mode) = self.files.mode(path) {
            key_mode(&mut self.review, &at.place(), &at.found.path, mode);
        }
    }

    /// Values that no setting of the mapping names, and what holds for every value.
    fn unmapped(&mut self) {
        let mapping = self.mapping;
        let mapped = self.leaves(mapping.settings.iter().map(|setting| setting.path.as_str()));
        // A key that a condition asks about is known, and may be a secret all the same.
        let asked = self.leaves(mapping.conditions().flat_map(Condition::paths));
        if mapping.strict {
            self.review.cover(&[Guardrail::UnknownKey]);
        }
        for layer in self.layers {
            for (tree, counts) in [(&layer.tree, true), (&layer.replaced, false)] {
                for at in layer.at(tree.leaves()) {
                    let leaf = std::ptr::from_ref(at.found.node);
                    let known = mapped.contains(&leaf);
                    if mapping.strict && !known && !asked.contains(&leaf) {
                        let place = at.place();
                        let what = "not a known key";
                        let unknown = place.observe(&at.found.path, what, Reach::Unstated);
                        self.review.off(Guardrail::UnknownKey, unknown);
                    }
                    self.held(&at, known);
                    if !counts {
                        let what = "replaced by what is stronger";
                        let gone = at.place().observe(&at.found.path, what, Reach::Unstated);
                        self.review.overridden(gone);
                    }
                }
            }
            for again in layer.at(layer.tree.repeated()) {
                let place = again.place();
                let again = place.observe(&again.found.path, "set more than once", Reach::Unstated);
                self.review.repeated(again);
            }
        }
    }

    /// What stands at some paths, whether it counts or not.
    fn leaves<'p>(&self, paths: impl Iterator<Item = &'p str>) -> HashSet<*const Node> {
        let found = paths.flat_map(|path| self.everywhere(path));
        let leaves = found.flat_map(|at| at.found.node.leaves());
        leaves.map(|leaf| std::ptr::from_ref(leaf.node)).collect()
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
