//! One reader per format. Readers keep names, values and places, and judge nothing.

pub mod compose;
pub mod containers;
pub mod cuttlefish;
pub mod documents;
pub mod emqx;
pub mod env;
pub mod erlang;
pub mod haproxy;
pub mod hivemq;
pub mod hocon;
pub mod ini;
pub mod json;
pub mod kubernetes;
pub mod mosquitto;
pub mod nanomq;
pub mod nginx;
pub mod node_red;
pub mod programs;
pub mod rabbitmq;
pub mod systemd;
pub mod tables;
pub mod telegraf;
pub mod thingsboard;
pub mod toml;
pub mod variables;
pub mod vernemq;
pub mod yaml;

use super::secrets;
use super::tree::{Node, Unreadable, Value};

/// A line and a column for every byte offset of a text.
pub(crate) struct Places<'a> {
    text: &'a str,
    starts: Vec<usize>,
    /// Characters before every [`STRIDE`]th byte, so that a long line costs no more than a short.
    marks: Vec<usize>,
}

/// Bytes between two marks.
const STRIDE: usize = 1024;

impl<'a> Places<'a> {
    /// Finds the lines of a text.
    pub(crate) fn of(text: &'a str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        let mut count = 0;
        let marks = std::iter::once(0)
            .chain(text.as_bytes().chunks(STRIDE).map(|chunk| {
                count += characters(chunk);
                count
            }))
            .collect();
        Self { text, starts, marks }
    }

    /// Line and column in characters, both from 1.
    pub(crate) fn at(&self, offset: usize) -> (u32, u32) {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        (number(line), number(self.before(offset).saturating_sub(self.before(start)) + 1))
    }

    /// What is wrong where a text breaks the syntax of a format that has texts in quotes alone.
    pub(crate) fn broken(&self, format: &'static str, offset: usize) -> Unreadable {
        let is_mark = |at: &usize| {
            let behind = self.text.get(*at..).unwrap_or_default();
            ["$", "{{", "<%"].iter().any(|mark| behind.starts_with(mark))
        };
        // A parser may have gone on for as long as it still made sense.
        let mark = (offset.saturating_sub(2)..=offset).find(is_mark);
        if let Some((line, column)) = mark.map(|at| self.at(at)) {
            return Unreadable::Unfilled { format, line, column };
        }
        let (line, column) = self.at(offset);
        Unreadable::Syntax { format, line, column }
    }

    /// Characters before an offset.
    fn before(&self, offset: usize) -> usize {
        let offset = offset.min(self.text.len());
        let mark = offset / STRIDE;
        let rest = self.text.as_bytes().get(mark * STRIDE..offset).unwrap_or_default();
        self.marks.get(mark).copied().unwrap_or(0) + characters(rest)
    }
}

/// Characters that begin in these bytes.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

/// A count as evidence holds it.
pub(crate) fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// What a text in a file is: itself, or something that is filled in from elsewhere.
pub(crate) type Fill<'a> = &'a dyn Fn(&str) -> Value;

/// Reads a text as a format.
pub(crate) type Read = fn(&str, Fill<'_>) -> Result<Node, Unreadable>;

/// A text in which nothing is filled in: what holds a variable cannot be told.
pub(crate) fn unfilled(text: &str) -> Value {
    match secrets::placeholder(text) {
        Some(how) => Value::Unresolved(how),
        None => Value::Scalar(text.to_owned()),
    }
}

/// A text as it is written, for programs that have a way of their own to fill it in.
pub(crate) fn written(text: &str) -> Value {
    Value::Scalar(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::includes::{Files, Text};
    use super::super::settings::{Environment, Settings, path};
    use super::*;

    type Parse = fn(&Text, &Environment) -> Result<Settings, Unreadable>;
    type Write = fn(&[(String, String)]) -> String;

    /// Readers that fill variables in, with what writes lines of a key and a value for them, and a
    /// variable in their words.
    const FILLING: [(Parse, Write, &str); 2] = [
        (
            |text, environment| cuttlefish::read(text, &mut Files::none(), environment),
            |lines| lines.iter().map(|(key, value)| format!("{key} = {value}\n")).collect(),
            "$(A)",
        ),
        (
            hivemq::parse,
            |lines| {
                let one = |(key, value): &(String, String)| format!("<{key}>{value}</{key}>");
                format!("<hivemq>{}</hivemq>", lines.iter().map(one).collect::<String>())
            },
            "${ENV:A}",
        ),
    ];

    #[test]
    fn variables_that_repeat_a_long_value_have_bounds() {
        let text = |content| Text { name: "n".to_owned(), content, marked: false };
        let long = "x".repeat(100_000);
        let environment = Environment::read(&text(format!("A={long}\n"))).unwrap();
        for (parse, write, variable) in FILLING {
            let line = |key: &str, count| (key.to_owned(), variable.repeat(count));
            let read = |lines: &[_]| parse(&text(write(lines)), &environment);
            let settings = read(&[line("a", 1), line("b", 1_000)]).unwrap();
            let told = |key| settings.get(&path(key)).map(|given| given.value.clone());
            assert_eq!(told("a"), Some(Value::Scalar(long.clone())), "{variable}");
            assert_eq!(told("b"), Some(Value::Unresolved(secrets::VARIABLE)), "{variable}");
            let many: Vec<_> = (0..1_000).map(|n| line(&format!("a{n}"), 1)).collect();
            assert!(matches!(read(&many), Err(Unreadable::Limit(_))), "{variable}");
        }
    }

    #[test]
    fn a_place_counts_characters_on_lines_of_any_length() {
        let text = format!("é\n{}x\né", "é".repeat(5_000));
        let places = Places::of(&text);
        assert_eq!(places.at(0), (1, 1));
        assert_eq!(places.at(3), (2, 1));
        assert_eq!(places.at(3 + 10_000), (2, 5_001));
        assert_eq!(places.at(text.len()), (3, 2));
        assert_eq!(places.at(text.len() + 9), (3, 2));
        assert_eq!(Places::of("").at(0), (1, 1));
    }
}
