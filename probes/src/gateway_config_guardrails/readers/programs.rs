//! Every program whose configuration is read first-class through [`Program`].
//!
//! A new one is a module beside this file with a `pub const PROGRAM`: a table of its keys with
//! their defaults, a function that reads its files into settings, and one that judges them; a
//! variant of `ConfigFormat`; and a line here.

use model::document::ConfigFormat;

use crate::gateway_config_guardrails::settings::Program;

/// The programs, in the order in which a file is held against them.
const PROGRAMS: [&Program; 0] = [];

/// The program of a format.
pub fn of(format: ConfigFormat) -> Option<&'static Program> {
    PROGRAMS.into_iter().find(|program| program.format == format)
}

/// The program whose configuration a file looks like; `name` is in lower case, without folders.
pub fn likely(name: &str, content: &str) -> Option<&'static Program> {
    PROGRAMS.into_iter().find(|program| program.is_likely(name, content))
}
