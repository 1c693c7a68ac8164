//! The program: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser;
use sourceward::shell::cli;

fn main() -> ExitCode {
    cli::run(cli::Cli::parse())
}
