//! `plumb rules`

use engine::profile;
use engine::rule::{Rule, index, page, run_vectors};
use serde_json::json;

use crate::args::{RulesArgs, RulesCommand};
use crate::exit::{Exit, Failure, Outcome};
use crate::files;
use crate::output::{Output, Tone};

/// Lists, shows, tests or checks rules.
pub fn run(args: RulesArgs, output: &Output) -> Outcome {
    match args.command {
        RulesCommand::List { rules, json, keys, markdown } => {
            let set = files::rules(&rules)?;
            if json {
                let list: Vec<_> = set.rules().iter().map(summary).collect();
                output.line(&serde_json::Value::from(list).to_string())?;
            } else if keys {
                for rule in set.rules() {
                    output.line(rule.key.as_str())?;
                }
            } else if markdown {
                output.data(index(&set).as_bytes())?;
            } else {
                for rule in set.rules() {
                    output.line(&row(rule, output))?;
                }
            }
        }
        RulesCommand::Show { key, rules } => {
            let set = files::rules(&rules)?;
            let rule = set.find(&key).ok_or_else(|| {
                Failure::usage(format!("there is no rule `{key}`; `plumb rules list` has them all"))
            })?;
            output.data(page(rule).as_bytes())?;
        }
        RulesCommand::Profiles { profile, rules, json, keys, markdown } => {
            let set = files::rules(&rules)?;
            let profiles = set.profiles();
            if let Some(word) = profile {
                let profile = profiles.find(&word).ok_or_else(|| {
                    let hint = "`plumb rules profiles` has them all";
                    Failure::usage(format!("there is no TLS profile `{word}`; {hint}"))
                })?;
                output.data(profile::page(profile).as_bytes())?;
            } else if json {
                let list: Vec<_> = profiles.iter().map(|profile| profile.view().clone()).collect();
                output.line(&serde_json::Value::from(list).to_string())?;
            } else if markdown {
                output.data(profile::index(profiles).as_bytes())?;
            } else {
                for profile in profiles.iter() {
                    let names = profile.names.join(", ");
                    let line = format!("{:28} {:21} {}", profile.id, names, profile.title);
                    output.line(if keys { &profile.id } else { line.trim_end() })?;
                }
            }
        }
        RulesCommand::Test { dir } => {
            let set = files::only(dir.as_deref())?;
            let (count, failures) = run_vectors(&set);
            for failure in &failures {
                let error = failure.error.as_deref().map(|e| format!(" ({e})")).unwrap_or_default();
                let reason = failure.found.reason().map(|r| format!(": {r}")).unwrap_or_default();
                output.line(&format!(
                    "{} {}: {}: expected {}, found {}{reason}{error}",
                    output.paint("FAIL", Tone::Bad),
                    failure.rule,
                    failure.vector,
                    failure.expect,
                    failure.found.as_str(),
                ))?;
            }
            let rules = set.rules().len();
            let passed = count - failures.len();
            output.line(&format!(
                "{rules} rules, {count} vectors: {passed} passed, {} failed",
                failures.len()
            ))?;
            if !failures.is_empty() {
                return Ok(Exit::Failed);
            }
        }
        RulesCommand::Lint { dir } => {
            let set = files::only(dir.as_deref())?;
            for pack in set.packs() {
                let reference = &pack.reference;
                let rules = set.rules().iter().filter(|rule| rule.pack == reference.id).count();
                let profiles = set.profiles().iter().filter(|p| p.pack == reference.id).count();
                let profiles = match profiles {
                    0 => String::new(),
                    1 => ", 1 profile".to_owned(),
                    count => format!(", {count} profiles"),
                };
                output.line(&format!(
                    "{} {}: {rules} rules{profiles}, {}",
                    reference.id, reference.version, reference.digest
                ))?;
            }
        }
    }
    Ok(Exit::Passed)
}

fn row(rule: &Rule, output: &Output) -> String {
    let severity = format!("{:8}", rule.severity.as_str());
    format!(
        "{} {:62} {}",
        output.paint(&severity, rule.severity.into()),
        rule.key.as_str(),
        rule.title
    )
}

fn summary(rule: &Rule) -> serde_json::Value {
    json!({
        "id": rule.key, "version": rule.version, "title": rule.title, "severity": rule.severity,
        "domain": rule.domain, "mandatory": rule.mandatory, "pack": rule.pack,
        "requires": rule.requires, "standards": rule.standards,
    })
}
