//! Mapping files: data that says which key of a `.env`, TOML, YAML, JSON or INI file stands for which
//! guardrail, which values keep it, and what holds where the key is absent.

use model::evidence::Guardrail;
use schemars::JsonSchema;
use serde::Deserialize;

/// Most settings of one mapping.
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
    /// The settings.
    pub settings: Vec<MappedSetting>,
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

/// A condition on another key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Path of the other key, without `*`.
    pub path: String,
    /// Values of it for which the condition holds, written as in `safe` of that key. An absent
    /// key has its default if that is the same in every version.
    pub is: Vec<Expected>,
}

/// The mapping cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadMapping {
    /// It is no YAML of this shape.
    #[error("the mapping does not follow its schema at line {line}, column {column}")]
    Shape {
        /// Line, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
    },
    /// It has no settings, or too many.
    #[error("the mapping has {0} settings; expected 1 to {MAX_MAPPED}")]
    Count(usize),
    /// A setting cannot mean anything.
    #[error("setting {index} of the mapping {problem}")]
    Setting {
        /// Which, from 1.
        index: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl Mapping {
    /// Reads a mapping file (YAML, so JSON too).
    pub fn parse(text: &str) -> Result<Self, BadMapping> {
        // Only `true` and `false` are truth values here: `off` may be a word of the program.
        let options = serde_saphyr::options! { strict_booleans: true };
        let mapping: Self =
            serde_saphyr::from_str_with_options(text, options).map_err(|error| {
                let at = error.location();
                BadMapping::Shape {
                    line: at.map_or(1, |at| at.line()),
                    column: at.map_or(1, |at| at.column()),
                }
            })?;
        if mapping.settings.is_empty() || mapping.settings.len() > MAX_MAPPED {
            return Err(BadMapping::Count(mapping.settings.len()));
        }
        for (index, setting) in mapping.settings.iter().enumerate() {
            if let Some(problem) = setting.problem() {
                return Err(BadMapping::Setting { index: index + 1, problem });
            }
        }
        Ok(mapping)
    }

    /// The JSON Schema of mapping files.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }
}

impl MappedSetting {
    /// What an absent key means.
    pub fn absent(&self) -> Absent {
        let fallback = if self.default.is_empty() { Absent::Undetermined } else { Absent::Default };
        self.absent.unwrap_or(fallback)
    }

    fn problem(&self) -> Option<&'static str> {
        let own_guardrail = matches!(self.kind, Kind::Secret | Kind::KeyFile | Kind::File);
        if self.path.is_empty() {
            return Some("has an empty path");
        }
        if self.guardrail.is_none() {
            let judged = !(self.safe.is_empty() && self.unsafe_.is_empty());
            return judged.then_some("has values to judge and no guardrail");
        }
        if own_guardrail {
            return Some("has a type that brings its own guardrail; leave `guardrail` out");
        }
        if self.safe.is_empty() && self.unsafe_.is_empty() {
            return Some("has a guardrail and neither `safe` nor `unsafe` values");
        }
        if self.absent() == Absent::Default && self.default.is_empty() {
            return Some("says `absent: default` and has no default");
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_that_means_nothing_is_refused_with_its_place() {
        let cases = [
            ("format: toml\nsettings: []\n", "0 settings"),
            ("format: xml\nsettings: []\n", "line 1"),
            ("format: toml\nsettings: [{path: a, guardrail: tls, colour: red}]\n", "line 2"),
            ("format: toml\nsettings: [{path: a, guardrail: tls}]\n", "setting 1"),
            (
                "format: toml\nsettings: [{path: a, guardrail: tls, type: secret, safe: [x]}]\n",
                "own guardrail",
            ),
            ("format: toml\nsettings: [{path: a, unsafe: [x]}]\n", "no guardrail"),
            (
                "format: toml\nsettings: [{path: a, guardrail: tls, safe: [x], absent: default}]\n",
                "no default",
            ),
        ];
        for (text, expected) in cases {
            let error = Mapping::parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

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
        for part in ["strict", "settings", "guardrail", "unsafe", "absent", "unless"] {
            assert!(schema.contains(&format!("\"{part}\"")), "{part}");
        }
    }
}
