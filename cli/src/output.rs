//! stdout for data, stderr for everything else; colour only where it is wanted.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the one module that writes to the terminal"
)]

use std::io::{IsTerminal as _, Write as _};

use model::{Posture, Severity, Status};

use crate::args::{Color, Global, Progress};
use crate::exit::Failure;

/// Where and how a command speaks.
#[derive(Debug, Clone)]
pub struct Output {
    quiet: bool,
    progress: Progress,
    bars: bool,
    color_out: bool,
    color_err: bool,
}

/// What a piece of text says, for colour. The words say it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Fails, red.
    Bad,
    /// Amber.
    Warn,
    /// Passes, green.
    Good,
    /// Unknown.
    Dim,
    /// A heading.
    Strong,
}

impl Output {
    /// As the global options and the environment say.
    pub fn new(global: &Global) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let color = |terminal: bool| match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !plain,
        };
        let terminal = std::io::stderr().is_terminal();
        Self {
            quiet: global.quiet,
            progress: global.progress.unwrap_or(Progress::Plain),
            bars: global.progress.is_none() && terminal,
            color_out: color(std::io::stdout().is_terminal()),
            color_err: color(terminal),
        }
    }

    /// Data, as it stands.
    pub fn data(&self, bytes: &[u8]) -> Result<(), Failure> {
        match std::io::stdout().write_all(bytes) {
            // Whoever reads has seen enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            other => {
                other.map_err(|error| Failure::usage(format!("cannot write to stdout: {error}")))
            }
        }
    }

    /// A line of data.
    pub fn line(&self, text: &str) -> Result<(), Failure> {
        self.data(format!("{text}\n").as_bytes())
    }

    /// A line for the person at the terminal.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }

    /// A line that `--quiet` does not hide.
    pub fn note_always(&self, text: &str) {
        eprintln!("{text}");
    }

    /// A failure, which `--quiet` does not hide.
    pub fn failure(&self, failure: &Failure) {
        eprintln!("{} {}", self.paint_err("error:", Tone::Bad), failure.message);
    }

    /// How progress is wanted; none under `--quiet`.
    pub const fn progress(&self) -> Progress {
        if self.quiet { Progress::None } else { self.progress }
    }

    /// Whether a moving bar may be drawn.
    pub const fn bars(&self) -> bool {
        self.bars && !self.quiet
    }

    /// Text for stdout, coloured where that is wanted.
    pub fn paint(&self, text: &str, tone: Tone) -> String {
        paint(text, tone, self.color_out)
    }

    /// Text for stderr, coloured where that is wanted.
    pub fn paint_err(&self, text: &str, tone: Tone) -> String {
        paint(text, tone, self.color_err)
    }
}

fn paint(text: &str, tone: Tone, color: bool) -> String {
    if !color {
        return text.to_owned();
    }
    let code = match tone {
        Tone::Bad => "31",
        Tone::Warn => "33",
        Tone::Good => "32",
        Tone::Dim => "2",
        Tone::Strong => "1",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

impl From<Posture> for Tone {
    fn from(posture: Posture) -> Self {
        match posture {
            Posture::Green => Self::Good,
            Posture::Amber => Self::Warn,
            Posture::Red => Self::Bad,
            Posture::Unknown => Self::Dim,
        }
    }
}

impl From<Status> for Tone {
    fn from(status: Status) -> Self {
        match status {
            Status::Pass => Self::Good,
            Status::Incomplete => Self::Warn,
            Status::Fail => Self::Bad,
        }
    }
}

impl From<Severity> for Tone {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Critical | Severity::High => Self::Bad,
            Severity::Medium => Self::Warn,
            Severity::Low | Severity::Info => Self::Dim,
        }
    }
}

/// Text from targets, for a terminal: control and direction characters shown, not obeyed.
pub fn tame(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        let hidden = character.is_control()
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if hidden {
            out.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            out.push(character);
        }
    }
    out
}
