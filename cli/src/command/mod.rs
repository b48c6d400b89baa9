//! One module per command.

pub mod alerts;
pub mod assess;
pub mod collect;
pub mod completions;
pub mod demo;
pub mod diff;
pub mod probe;
pub mod report;
pub mod rules;
pub mod run;
pub mod runs;
pub mod schema;
pub mod targets;
pub mod verify;
