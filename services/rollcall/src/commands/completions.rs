//! `rollcall completions`.

use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;

pub(crate) fn run(shell: Shell) -> ExitCode {
    clap_complete::generate(shell, &mut Cli::command(), "rollcall", &mut std::io::stdout());
    ExitCode::SUCCESS
}
