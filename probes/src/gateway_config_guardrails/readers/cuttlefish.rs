//! The syntax of rabbitmq.conf and vernemq.conf: `a.b.c = value` lines, of which the last one of a
//! key counts. `#` begins a comment, also behind a value; a value in single quotes is taken as it
//! stands; `$(NAME)` is filled in from the environment before anything else is read.

use super::number;
use crate::gateway_config_guardrails::guardrail::Place;
use crate::gateway_config_guardrails::includes::{Files, Text};
use crate::gateway_config_guardrails::secrets::VARIABLE;
use crate::gateway_config_guardrails::settings::{Environment, Settings, path};
use crate::gateway_config_guardrails::tree::{MAX_SCALAR_BYTES, Unreadable, Value};

/// Reads the main file and then every file of `conf.d` beside it, in the order of their names.
pub fn read(
    main: &Text,
    files: &mut Files,
    environment: &Environment,
) -> Result<Settings, Unreadable> {
    let mut settings = Settings::flat();
    read_file(&mut settings, main, environment)?;
    for text in files.read_folder("conf.d", ".conf").unwrap_or_default() {
        if read_file(&mut settings, &text, environment).is_err() {
            let reason = "a line of it is no `key = value`, and the program refuses to start";
            settings.gap(Vec::new(), Place::top(&text.name), "conf.d", reason);
        }
    }
    Ok(settings)
}

fn read_file(
    settings: &mut Settings,
    text: &Text,
    environment: &Environment,
) -> Result<(), Unreadable> {
    for (index, line) in text.content.lines().enumerate() {
        let start = line.trim_start();
        if start.is_empty() || start.starts_with('#') {
            continue;
        }
        let (line_number, column) =
            (number(index + 1), number(line.chars().count() - start.chars().count() + 1));
        let broken = Unreadable::Syntax { format: "key = value", line: line_number, column };
        let (key, rest) = start.split_once('=').ok_or_else(|| broken.clone())?;
        let key = key.trim_end();
        if key.is_empty() || key.contains(char::is_whitespace) || key.contains('#') {
            return Err(broken);
        }
        let value = value(rest.trim(), environment).ok_or(broken)?;
        let place = Place { file: text.name.clone(), line: line_number, column };
        settings.set(path(key), value, place)?;
    }
    Ok(())
}

/// The value behind `=`; none where quotes stay open.
fn value(rest: &str, environment: &Environment) -> Option<Value> {
    let text = match rest.strip_prefix('\'') {
        Some(quoted) => {
            let (text, behind) = quoted.split_once('\'')?;
            behind.trim().is_empty().then_some(text)?
        }
        None => rest.split('#').next().unwrap_or("").trim_end(),
    };
    if text.starts_with("encrypted:") {
        return Some(Value::Unresolved("it is encrypted"));
    }
    Some(filled(text, environment).map_or(Value::Unresolved(VARIABLE), Value::Scalar))
}

/// The text with its variables filled in; none where one of them is not in evidence, or where they
/// make more of it than one value may be.
fn filled(text: &str, environment: &Environment) -> Option<String> {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("$(") {
        let (name, after) = behind.split_once(')')?;
        whole.push_str(before);
        whole.push_str(environment.text(name)?);
        if whole.len() > MAX_SCALAR_BYTES {
            return None;
        }
        rest = after;
    }
    whole.push_str(rest);
    Some(whole)
}

/// Whether the first settings of a text are `key = value` lines with these first steps.
pub fn is_likely(text: &str, roots: &[&str]) -> bool {
    let mut settings = text
        .lines()
        .map(str::trim_start)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .take(5)
        .peekable();
    settings.peek().is_some()
        && settings.all(|line| {
            let key = line.split_once('=').map_or("", |(key, _)| key.trim_end());
            roots.contains(&key.split('.').next().unwrap_or(""))
        })
}
