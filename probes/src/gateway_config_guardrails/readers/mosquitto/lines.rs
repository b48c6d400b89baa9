//! The lines of mosquitto.conf, split as the broker splits them.
//!
//! One `key value` per line, spaces between them; `#` is a comment only in the first column; a
//! tab is part of the word that it stands in. Measured on 2.0.11.

use crate::gateway_config_guardrails::guardrail::Place;
use crate::gateway_config_guardrails::includes::{Files, Text, Unread};
use crate::gateway_config_guardrails::readers::number;

/// Most lines with a setting, over all files of one configuration.
const MAX_LINES: usize = 100_000;

/// One setting.
#[derive(Debug, Clone)]
pub struct Line {
    /// First word.
    pub key: String,
    /// The rest, without spaces in front of it.
    pub rest: String,
    /// Place of the key.
    pub place: Place,
}

impl Line {
    /// The first word of the value; what follows it is ignored where one word is expected.
    pub fn word(&self) -> &str {
        self.rest.split(' ').find(|word| !word.is_empty()).unwrap_or("")
    }

    /// The whole value as the broker takes paths and passwords: what follows is part of it.
    pub fn text(&self) -> &str {
        self.rest.trim_start_matches([' ', '\t'])
    }

    /// The words of the value.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.rest.split(' ').filter(|word| !word.is_empty())
    }
}

/// A step of reading: a line, an included file, or one that is missing.
#[derive(Debug, Clone)]
pub enum Step {
    /// A line of the current file.
    Line(Line),
    /// An included file begins.
    Begin,
    /// It ends.
    End,
    /// A folder that `include_dir` names cannot be read.
    Missing(Line, Unread),
    /// A file begins with a byte order mark, which the broker takes for part of the first key.
    Marked(Place),
}

/// Every step of reading `main`, `include_dir` followed at its place.
pub fn steps(main: &Text, files: &mut Files) -> Vec<Step> {
    let mut steps: Vec<_> = marked(main).into_iter().collect();
    for line in lines(main) {
        if steps.len() >= MAX_LINES {
            steps.push(Step::Missing(line, Unread::Limit("100,000 settings")));
            break;
        }
        if line.key != "include_dir" {
            steps.push(Step::Line(line));
            continue;
        }
        match files.read_folder(&line.rest, ".conf") {
            Err(reason) => steps.push(Step::Missing(line, reason)),
            Ok(texts) => {
                for text in &texts {
                    steps.push(Step::Begin);
                    steps.extend(marked(text));
                    let room = MAX_LINES.saturating_sub(steps.len());
                    steps.extend(lines(text).take(room).map(Step::Line));
                    if let Some(line) = lines(text).nth(room) {
                        steps.push(Step::Missing(line, Unread::Limit("100,000 settings")));
                    }
                    steps.push(Step::End);
                }
            }
        }
    }
    steps
}

fn marked(text: &Text) -> Option<Step> {
    text.marked.then(|| Step::Marked(Place::top(&text.name)))
}

fn lines(text: &Text) -> impl Iterator<Item = Line> {
    text.content.split('\n').enumerate().filter_map(|(index, line)| {
        let line = line.trim_end_matches('\r');
        if line.starts_with('#') {
            return None;
        }
        let start = line.trim_start_matches(' ');
        if start.is_empty() {
            return None;
        }
        let (key, rest) = start.split_once(' ').unwrap_or((start, ""));
        Some(Line {
            key: key.to_owned(),
            rest: rest.trim_start_matches(' ').to_owned(),
            place: Place {
                file: text.name.clone(),
                line: number(index + 1),
                column: number(line.len() - start.len() + 1),
            },
        })
    })
}
