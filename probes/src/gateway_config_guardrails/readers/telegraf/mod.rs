//! telegraf.conf and the `telegraf.d` beside it: plugins that connect, plugins that listen, and
//! the secrets between them. Plugins of all files add up; nothing overrides them.

mod plugin;
mod prepare;

use model::evidence::{Guardrail, Origin, Reach};

use super::tables::{entries, entry, items, text};
use super::toml;
use super::variables::{Filled, fill};
use crate::gateway_config_guardrails::guardrail::{Place, Review};
use crate::gateway_config_guardrails::includes::{Files, Text, Unread};
use crate::gateway_config_guardrails::tree::{Entry, Node, Unreadable, Value, shown};
use crate::gateway_config_guardrails::values;
use crate::gateway_config_guardrails::version::Version;

/// Guardrails that a file has settings for; that of authentication joins them where a plugin
/// listens.
pub(crate) const COVERED: [Guardrail; 7] = [
    Guardrail::Tls,
    Guardrail::TlsVersion,
    Guardrail::PeerVerification,
    Guardrail::DefaultSecret,
    Guardrail::InlineSecret,
    Guardrail::Bind,
    Guardrail::Debug,
];

/// Plugins that run commands or code out of the configuration.
const RUNS_CODE: [&str; 6] = [
    "inputs.exec",
    "inputs.execd",
    "outputs.exec",
    "outputs.execd",
    "processors.execd",
    "processors.starlark",
];

/// Reviews a configuration with the folder beside it.
///
/// # Errors
///
/// If the declared file is no TOML: where, never what.
pub fn review(
    main: &Text,
    version: Option<Version>,
    files: &mut Files,
) -> Result<Review, Unreadable> {
    let mut review = Review::default();
    review.cover(&COVERED);
    let tree = toml::read_written(&prepare::quoted(&main.content))?;
    file(&mut review, &main.name, &tree, version);
    let beside = if main.name.ends_with("telegraf.conf") {
        files.read_folder("telegraf.d", ".conf")
    } else {
        Ok(Vec::new())
    };
    match beside {
        Ok(texts) => {
            for text in texts {
                match toml::read_written(&prepare::quoted(&text.content)) {
                    Ok(tree) => file(&mut review, &text.name, &tree, version),
                    Err(error) => {
                        let top = Place::top(&text.name);
                        review.undetermined(&top, "telegraf.d", &COVERED, error.to_string());
                    }
                }
            }
        }
        // Where no such folder lies beside the file, none was handed over.
        Err(Unread::NotInEvidence) => {}
        Err(error) => {
            let top = Place::top(&main.name);
            review.undetermined(&top, "telegraf.d", &COVERED, error.to_string());
        }
    }
    Ok(review)
}

fn file(review: &mut Review, file: &str, tree: &Node, version: Option<Version>) {
    if let Some(agent) = entry(tree, "agent") {
        if let Some(debug) = entry(&agent.node, "debug") {
            let place = place(file, debug);
            match flag(&debug.node) {
                Some(true) => {
                    review.off(
                        Guardrail::Debug,
                        place.observe("agent.debug", "true", Reach::Unstated),
                    );
                }
                Some(false) => review.setting(&place, "agent.debug", "false", Origin::Explicit),
                None => unresolved(review, &place, "agent.debug", &[Guardrail::Debug]),
            }
        }
        secrets_of(review, file, "agent", &agent.node);
    }
    for section in ["inputs", "outputs", "processors", "aggregators", "secretstores"] {
        let Some(plugins) = entry(tree, section) else { continue };
        for found in entries(&plugins.node) {
            let name = format!("{section}.{}", shown(&found.key));
            let own = std::slice::from_ref(&found.node);
            let all =
                if matches!(found.node.value, Value::List(_)) { items(&found.node) } else { own };
            for node in all {
                if RUNS_CODE.contains(&name.as_str()) {
                    let place =
                        Place { file: file.to_owned(), line: node.line, column: node.column };
                    review.setting(&place, &name, "runs commands or code", Origin::Explicit);
                }
                secrets_of(review, file, &name, node);
                plugin::Plugin { file, name: &name, node, version }.review(review);
            }
        }
    }
}

/// Secrets anywhere in a table. `@{store:key}` is a reference, and so is a variable without a
/// default.
fn secrets_of(review: &mut Review, file: &str, name: &str, node: &Node) {
    for leaf in node.leaves() {
        let Some(written) = text(leaf.node) else { continue };
        let place = leaf.place(file);
        let setting = format!("{name}.{}", leaf.path);
        let key = leaf.path.rsplit('.').next().unwrap_or("");
        let key = key.split('[').next().unwrap_or(key);
        match fill(written) {
            Filled::Text(value) if value.starts_with("@{") => {
                review.setting(&place, setting, "a secret store fills it in", Origin::Unresolved);
            }
            Filled::Text(value) => {
                super::containers::secret(review, &place, &setting, key, &value);
            }
            Filled::Variable { fallback } => {
                super::containers::variable_from_elsewhere(
                    review,
                    &place,
                    &setting,
                    key,
                    fallback.as_deref(),
                );
            }
        }
    }
}

fn place(file: &str, entry: &Entry) -> Place {
    Place { file: file.to_owned(), line: entry.line, column: entry.column }
}

/// A truth value, if no variable fills it in.
fn flag(node: &Node) -> Option<bool> {
    match fill(text(node)?) {
        Filled::Text(text) => values::truth(&text, None),
        Filled::Variable { .. } => None,
    }
}

fn unresolved(review: &mut Review, place: &Place, setting: &str, bears: &[Guardrail]) {
    let reason = "a variable or something else fills it in, and that is not in evidence";
    review.undetermined(place, setting, bears, reason);
}

/// Whether a file looks like Telegraf's: by its name, or by a table of plugins.
pub fn is_likely(name: &str, content: &str) -> bool {
    let plugins = |line: &str| {
        ["[[inputs.", "[[outputs."].iter().any(|start| line.trim_start().starts_with(start))
    };
    name == "telegraf.conf" || content.lines().any(plugins)
}
