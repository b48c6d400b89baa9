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

use super::tree::{Node, Unreadable};

/// A line and a column for every byte offset of a text.
pub(crate) struct Places<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Places<'a> {
    /// Finds the lines of a text.
    pub(crate) fn of(text: &'a str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// Line and column in characters, both from 1.
    pub(crate) fn at(&self, offset: usize) -> (u32, u32) {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let before = self.text.get(start..offset.min(self.text.len())).unwrap_or("");
        (number(line), number(before.chars().count() + 1))
    }
}

/// A count as evidence holds it.
pub(crate) fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Reads a text as a format.
pub(crate) type Read = fn(&str) -> Result<Node, Unreadable>;
