//! `rollcall`, the one program: it serves any of the roles, and is what operators work with.

mod admin;
mod cli;
mod commands;
mod config;
mod demo;
mod internal;
mod master_key;
mod rules;
mod serve;
mod signals;

use std::process::ExitCode;

use clap::Parser as _;
use mimalloc::MiMalloc;

use crate::cli::{Cli, Command};

/// A request consists of many small values, allocated on one thread and freed on another.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Two cryptographic providers must never meet: the one that we ship is named before the first use.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        return failure(&anyhow::anyhow!("a cryptographic provider was installed before ours"));
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failure(&error.into()),
    };
    let done = runtime.block_on(async {
        match cli.command {
            Command::Serve(arguments) => commands::serve::run(arguments).await,
            Command::Demo(arguments) => demo::run(arguments).await,
            Command::Migrate(arguments) => commands::migrate::run(arguments).await,
            Command::MoveTenant(arguments) => commands::move_tenant::run(arguments).await,
            Command::Doctor(arguments) => commands::doctor::run(arguments).await,
            Command::Health(arguments) => commands::health::run(arguments).await,
            Command::Sandbox(arguments) => commands::sandbox::run(arguments).await,
            Command::Openapi => commands::openapi::run(),
            Command::Admin(command) => admin::run(command).await,
            Command::Completions { shell } => Ok(commands::completions::run(shell)),
        }
    });
    done.unwrap_or_else(|error| failure(&error))
}

#[expect(clippy::print_stderr, reason = "the last words to whoever started the program")]
fn failure(error: &anyhow::Error) -> ExitCode {
    eprintln!("rollcall: {error:#}");
    ExitCode::FAILURE
}
