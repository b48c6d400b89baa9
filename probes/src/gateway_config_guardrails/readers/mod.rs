//! One reader per format. Readers keep names, values and places, and judge nothing.

pub mod cuttlefish;
pub mod emqx;
pub mod env;
pub mod erlang;
pub mod hivemq;
pub mod hocon;
pub mod json;
pub mod mosquitto;
pub mod nanomq;
pub mod programs;
pub mod rabbitmq;
pub mod toml;
pub mod vernemq;
pub mod yaml;

use super::tree::{Node, Unreadable};

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

/// Reads a text as a format.
pub(crate) type Read = fn(&str) -> Result<Node, Unreadable>;

#[cfg(test)]
mod tests {
    use super::*;

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
