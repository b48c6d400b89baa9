//! Names that rules had before: each leads to one rule at most, or a finding would have two issues.

use std::collections::BTreeMap;

use model::IssueKey;

use super::{Problem, Rule, RuleSet};

/// What is wrong with the aliases and the retired keys of all packs together.
pub fn names(set: &RuleSet) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut aliases: BTreeMap<&IssueKey, &Rule> = BTreeMap::new();
    for rule in set.rules() {
        for alias in &rule.aliases {
            let taken = match (set.rule(alias), aliases.get(alias)) {
                (Some(other), _) => format!("is a rule of pack `{}`", other.pack),
                (None, Some(other)) => format!("is an alias of `{}` already", other.key),
                (None, None) => {
                    aliases.insert(alias, rule);
                    continue;
                }
            };
            let message =
                format!("aliases: `{alias}` {taken}; an alias is a key that was given up");
            problems.push(Problem::of(&rule.file, message));
        }
    }
    for pack in set.packs() {
        for key in &pack.retired {
            let taken = match (set.rule(key), aliases.get(key)) {
                (Some(rule), _) => format!("is a rule of pack `{}`", rule.pack),
                (None, Some(rule)) => format!("is an alias of `{}`", rule.key),
                (None, None) => continue,
            };
            let id = &pack.reference.id;
            let message = format!(
                "retired: `{key}` {taken}, and pack `{id}` retires it; a key is one or the other"
            );
            problems.push(Problem::of("pack.yaml", message));
        }
    }
    problems
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use super::super::{BUILT_IN, RuleSet, load};

    const FILE: &str = "ingest_auth/insecure_transport.yaml";

    /// A pack of the built-in rule under that name, with more lines in its head.
    fn pack(id: &str, name: &str, aliases: &str, head: &str) -> Vec<(String, String)> {
        let (_, text) = BUILT_IN.iter().find(|(file, _)| *file == FILE).unwrap();
        let text =
            text.replacen("ingest_auth.insecure_transport", &format!("ingest_auth.{name}"), 1);
        let head = format!("id: {id}\nversion: 1.0.0\ntitle: Rules of my own\n{head}");
        vec![
            ("pack.yaml".to_owned(), head),
            (format!("ingest_auth/{name}.yaml"), format!("{text}\naliases: {aliases}\n")),
        ]
    }

    fn loaded(packs: &[Vec<(String, String)>]) -> Result<RuleSet, String> {
        load(packs).map_err(|problems| {
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        })
    }

    #[test]
    fn retired_keys_are_those_of_all_packs() {
        let one = pack("one", "a", "[ingest_auth.c]", "retired: [ingest_auth.x, ingest_auth.y]");
        let two = pack("two", "b", "[]", "retired: [ingest_auth.x]");
        let set = loaded(&[one, two]).unwrap();
        let keys: Vec<_> = set.retired().into_iter().map(model::IssueKey::as_str).collect();
        assert_eq!(keys, ["ingest_auth.x", "ingest_auth.y"]);
        assert_eq!(set.rule(&"ingest_auth.b".parse().unwrap()).unwrap().pack, "two");
        assert!(set.rule(&"ingest_auth.c".parse().unwrap()).is_none(), "an alias is no rule");
    }

    #[test]
    fn a_retired_key_that_is_a_rule_or_an_alias_or_no_key_is_refused() {
        for (key, because) in [
            ("ingest_auth.a", "`ingest_auth.a` is a rule of pack `one`, and pack `two` retires it"),
            ("ingest_auth.c", "`ingest_auth.c` is an alias of `ingest_auth.a`"),
            ("ingest_auth", "expected `<check>.<name>`"),
        ] {
            let one = pack("one", "a", "[ingest_auth.c]", "");
            let two = pack("two", "b", "[]", &format!("retired: [{key}]"));
            let message = loaded(&[one, two]).unwrap_err();
            assert!(message.contains("pack.yaml") && message.contains(because), "{message}");
        }
    }

    #[test]
    fn an_alias_of_two_rules_or_of_one_that_is_there_is_refused() {
        for (alias, because) in [
            ("ingest_auth.c", "is an alias of `ingest_auth.a` already"),
            ("ingest_auth.a", "is a rule of pack `one`"),
            ("ingest_auth.b", "is a rule of pack `two`"),
        ] {
            let one = pack("one", "a", "[ingest_auth.c]", "");
            let two = pack("two", "b", &format!("[{alias}]"), "");
            let message = loaded(&[one, two]).unwrap_err();
            assert!(message.starts_with("ingest_auth/b.yaml: aliases: "), "{message}");
            assert!(message.contains(because), "{message}");
        }
    }
}
