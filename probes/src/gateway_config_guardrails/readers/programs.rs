//! Every program whose configuration is read first-class through [`Program`].
//!
//! A new one is a module beside this file with a `pub const PROGRAM`: a table of its keys with
//! their defaults, a function that reads its files into settings, and one that judges them; a
//! variant of `ConfigFormat`; and a line here.

use model::document::ConfigFormat;

use super::{emqx, hivemq, nanomq, rabbitmq, vernemq};
use crate::gateway_config_guardrails::settings::Program;

/// The programs, in the order in which a file is held against them.
const PROGRAMS: [&Program; 5] =
    [&emqx::PROGRAM, &nanomq::PROGRAM, &hivemq::PROGRAM, &rabbitmq::PROGRAM, &vernemq::PROGRAM];

/// The program of a format.
pub fn of(format: ConfigFormat) -> Option<&'static Program> {
    PROGRAMS.into_iter().find(|program| program.format == format)
}

/// The program whose file has this name, in lower case and without folders.
pub fn named(name: &str) -> Option<&'static Program> {
    PROGRAMS.into_iter().find(|program| program.named.files.contains(&name))
}

/// The program whose configuration a text looks like, where the name says nothing.
pub fn like(content: &str) -> Option<&'static Program> {
    PROGRAMS.into_iter().find(|program| (program.named.looks_like)(content))
}
