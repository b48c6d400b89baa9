//! Mapping files: data that says which key of a `.env`, TOML, YAML, JSON or INI file stands for which
//! guardrail, which values keep it, what holds where the key is absent, which further files and
//! variables add to the file, and what follows from several keys together.

mod check;
mod condition;

use model::evidence::Guardrail;
use schemars::JsonSchema;
use serde::Deserialize;

pub use super::interpolation::Style;
pub use check::BadMapping;
pub use condition::{Asks, Condition};

/// Most settings of one mapping, those that are derived counted.
pub const MAX_MAPPED: usize = 1_000;

/// A mapping file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// How the configuration is written.
    pub format: Format,
    /// The program that reads it, as reports name it.
    #[serde(default)]
    pub program: Option<String>,
    /// Whether a key that no setting names is a key that the program does not know.
    #[serde(default)]
    pub strict: bool,
    /// Further files of the same format, in the order in which the program reads them after the
    /// declared one.
    #[serde(default)]
    pub files: Vec<MoreFiles>,
    /// What counts where several files set the same key.
    #[serde(default)]
    pub merge: Merge,
    /// Variables of the environment that stand for keys.
    #[serde(default)]
    pub environment: Option<Variables>,
    /// How variables are written in values, if the program fills them in.
    #[serde(default)]
    pub interpolation: Option<Style>,
    /// The settings.
    #[serde(default)]
    pub settings: Vec<MappedSetting>,
    /// What follows from several settings together.
    #[serde(default)]
    pub derive: Vec<Derived>,
}

/// Files that belong to the declared one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoreFiles {
    /// A file, or `FOLDER/*.ENDING` for every such file of a folder in the order of their names.
    pub path: String,
    /// Whether it may be missing. Else what is missing leaves everything open that it could
    /// change.
    #[serde(default)]
    pub optional: bool,
}

/// What counts where several files set the same key. Tables are always merged key by key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Merge {
    /// The file that is read last.
    #[default]
    LastWins,
    /// The file that is read first.
    FirstWins,
    /// The file that is read last, but items of lists are put together.
    Append,
}

/// Variables of the environment that the target declares, as keys of the file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Variables {
    /// How their names begin; the rest is the path.
    pub prefix: String,
    /// What stands between the steps of a path.
    #[serde(default = "two_underscores")]
    pub separator: String,
    /// How the steps are written in the file.
    #[serde(default)]
    pub case: Case,
    /// Whether a file beats them; else they beat every file.
    #[serde(default)]
    pub weaker: bool,
}

fn two_underscores() -> String {
    "__".to_owned()
}

/// How names of variables become keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Case {
    /// In lower case.
    #[default]
    Lower,
    /// As they are.
    Keep,
}

/// What follows from several settings together: exactly one of `safe_if` and `unsafe_if`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Derived {
    /// What evidence calls it.
    pub name: String,
    /// The guardrail that it stands for.
    pub guardrail: Guardrail,
    /// The guardrail is kept if this holds, and left off if it does not.
    #[serde(default)]
    pub safe_if: Option<Condition>,
    /// The guardrail is left off if this holds, and kept if it does not.
    #[serde(default)]
    pub unsafe_if: Option<Condition>,
    /// It bears on its guardrail only if this holds.
    #[serde(default)]
    pub when: Option<Condition>,
}

/// How a configuration is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// `KEY=value` lines.
    Env,
    /// TOML.
    Toml,
    /// YAML.
    Yaml,
    /// JSON.
    Json,
    /// INI.
    Ini,
}

/// One key and what it means.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MappedSetting {
    /// `section.key`, or a JSON Pointer where keys hold dots; `*` is every item or key, of which
    /// the worst decides.
    pub path: String,
    /// The guardrail that it stands for; without one the key is only known.
    #[serde(default)]
    pub guardrail: Option<Guardrail>,
    /// How its value is read.
    #[serde(default, rename = "type")]
    pub kind: Kind,
    /// Words for true and false, where they are not the usual ones.
    #[serde(default)]
    pub words: Option<TruthWords>,
    /// Values that keep the guardrail. Without `unsafe`, every other value leaves it off.
    #[serde(default)]
    pub safe: Vec<Expected>,
    /// Values that leave the guardrail off. Without `safe`, every other value keeps it.
    #[serde(default, rename = "unsafe")]
    pub unsafe_: Vec<Expected>,
    /// What holds where the key is absent, by version of the program.
    #[serde(default)]
    pub default: Vec<DefaultValue>,
    /// What an absent key means. If this is absent too: `default` where there is one, else
    /// `undetermined`.
    #[serde(default)]
    pub absent: Option<Absent>,
    /// Why an absent value cannot be told, for the reader.
    #[serde(default)]
    pub reason: Option<String>,
    /// The setting bears on its guardrail only if this holds.
    #[serde(default)]
    pub when: Option<Condition>,
    /// The setting does not bear on its guardrail if this holds.
    #[serde(default)]
    pub unless: Option<Condition>,
}

/// How a value is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One of the words in `safe` and `unsafe`; never shown unless it is one of them.
    #[default]
    Text,
    /// A truth value.
    Bool,
    /// A whole number.
    Int,
    /// A number of bytes, with or without a unit.
    Size,
    /// A number of seconds, with or without a unit.
    Duration,
    /// How many items a list has.
    Count,
    /// What a listener is bound to: `wildcard`, `loopback` or `specific`.
    Address,
    /// The scheme of an address.
    Url,
    /// A TLS version: `ssl`, `1.0`, `1.1`, `1.2` or `1.3`.
    TlsVersion,
    /// A secret: it stands in the file unless it is filled in from elsewhere.
    Secret,
    /// The path of a file.
    File,
    /// The path of a private key, whose permissions are looked at if it is here.
    KeyFile,
}

/// Words for true and false.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TruthWords {
    /// True.
    pub on: Vec<String>,
    /// False.
    pub off: Vec<String>,
}

/// A value, or a range of whole numbers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Expected {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A word.
    Text(String),
    /// From `min` to `max`, both included; open where one is absent.
    Range {
        /// Smallest.
        #[serde(default)]
        min: Option<i64>,
        /// Largest.
        #[serde(default)]
        max: Option<i64>,
    },
}

/// A default and the versions that have it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DefaultValue {
    /// The value.
    pub value: Expected,
    /// First version that has it.
    #[serde(default)]
    pub since: Option<String>,
    /// First version that does not have it any more.
    #[serde(default)]
    pub until: Option<String>,
}

/// What an absent key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Absent {
    /// The default of the program's version.
    Default,
    /// The guardrail is left off.
    Unsafe,
    /// Nothing.
    Ignore,
    /// Nobody can tell from the file.
    Undetermined,
    /// The file leaves it to something outside the program, such as a proxy that ends TLS.
    Outside,
}

impl Mapping {
    /// The JSON Schema of mapping files.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }

    /// Every guardrail that the mapping speaks of.
    pub fn guardrails(&self) -> Vec<Guardrail> {
        let named = self.settings.iter().filter_map(|setting| setting.guardrail);
        named.chain(self.derive.iter().map(|derived| derived.guardrail)).collect()
    }

    /// Every condition in it.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let settings = self.settings.iter().flat_map(|one| [&one.when, &one.unless]);
        let derived = self.derive.iter().flat_map(|one| [&one.safe_if, &one.unsafe_if, &one.when]);
        settings.chain(derived).flatten()
    }
}

impl MappedSetting {
    /// What an absent key means.
    pub fn absent(&self) -> Absent {
        let fallback = if self.default.is_empty() { Absent::Undetermined } else { Absent::Default };
        self.absent.unwrap_or(fallback)
    }
}

impl Derived {
    /// The condition, and whether the guardrail is kept where it holds.
    pub fn condition(&self) -> Option<(&Condition, bool)> {
        let safe = self.safe_if.as_ref().map(|condition| (condition, true));
        safe.or_else(|| self.unsafe_if.as_ref().map(|condition| (condition, false)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_ranges_and_defaults_are_read() {
        let text = "format: yaml\nsettings:\n- path: a.b\n  guardrail: limits\n  type: size\n  safe: [{min: 1, max: 10}]\n  unsafe: [0]\n  default: [{value: 5, since: '2.1'}]\n";
        let mapping = Mapping::parse(text).unwrap();
        let setting = &mapping.settings[0];
        assert_eq!(setting.safe, [Expected::Range { min: Some(1), max: Some(10) }]);
        assert_eq!(setting.unsafe_, [Expected::Int(0)]);
        assert_eq!(setting.absent(), Absent::Default);
    }

    #[test]
    fn the_schema_names_every_part() {
        let schema = Mapping::schema().to_string();
        for part in [
            "strict",
            "settings",
            "guardrail",
            "unsafe",
            "absent",
            "unless",
            "files",
            "derive",
            "spring",
        ] {
            assert!(schema.contains(&format!("\"{part}\"")), "{part}");
        }
    }
}
