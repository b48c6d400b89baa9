//! `plumb completions`

use clap::CommandFactory as _;

use crate::args::{Arguments, CompletionsArgs, Shell};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;

/// Prints completions for a shell, or the man page.
pub fn run(args: &CompletionsArgs, output: &Output) -> Outcome {
    let mut command = Arguments::command();
    let mut bytes = Vec::new();
    let shell = match args.shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
        Shell::Elvish => clap_complete::Shell::Elvish,
        Shell::Powershell => clap_complete::Shell::PowerShell,
        Shell::Man => {
            clap_mangen::Man::new(command)
                .render(&mut bytes)
                .map_err(|error| Failure::usage(format!("cannot render the man page: {error}")))?;
            output.data(&bytes)?;
            return Ok(Exit::Passed);
        }
    };
    clap_complete::generate(shell, &mut command, "plumb", &mut bytes);
    output.data(&bytes)?;
    Ok(Exit::Passed)
}
