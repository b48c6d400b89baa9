//! What decision mode costs: connections, over every server of the run.

use std::path::Path;

use anyhow::ensure;
use testkit::peer::{Peer, Script};

use super::server::Workshop;
use super::tool::Tool;
use crate::bench::{Row, grouped};

/// Connections over all servers so far.
#[derive(Debug, Default)]
pub(super) struct Decisions {
    servers: u64,
    connections: u64,
    /// The most, with the server that took them.
    most: Option<(u32, String)>,
}

impl Decisions {
    /// Asks one server, and gives its connections.
    pub(super) fn ask(
        tool: &Tool,
        workshop: &Workshop,
        port: u16,
        folder: &Path,
    ) -> anyhow::Result<u32> {
        let proxy = workshop.runtime.block_on(Peer::start(Script::Forward(port)));
        let (said, _) = tool.decide(proxy.port(), folder)?;
        let accepted = proxy.accepted();
        ensure!(said == u64::from(accepted), "{said} connections in the evidence, {accepted} came");
        Ok(accepted)
    }

    /// Adds one server.
    pub(super) fn add(&mut self, connections: u32, server: String) {
        self.servers += 1;
        self.connections += u64::from(connections);
        if self.most.as_ref().is_none_or(|(most, _)| connections > *most) {
            self.most = Some((connections, server));
        }
    }

    /// The row of the table.
    pub(super) fn row(&self) -> Row {
        let most = self.most.as_ref().map_or(0, |(most, _)| *most);
        let average = self.connections / self.servers.max(1);
        Row::new(
            format!("connections of decision mode, the most of {} servers", grouped(self.servers)),
            format!("{most} ({average} on average)"),
            "<= 12",
        )
    }

    /// The server that took the most, for people.
    pub(super) fn told(&self) -> String {
        let most = self.most.as_ref();
        most.map_or(String::new(), |(most, server)| format!("{most} connections: {server}\n"))
    }
}
