//! `load`, the command behind `make bench`: it fills one directory on PostgreSQL, drives the real program
//! with the requests that identity providers send most, and measures the bare database in the same run.
//!
//! `load tenants` is behind `make tenants`: many small directories, and the roles apart. `load console` is behind
//! `make console`: each page of the console before a large directory.
//!
//! Reading order: `bench` (the whole run), `seed` (what the directory holds), `phases` (what is measured),
//! `drive` and `http` (how requests are sent), `bare` (pgbench), `report` (figures beside goals).

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "figures and progress are what this command is for"
)]

mod bare;
mod bench;
mod console;
mod database;
mod documents;
mod drive;
mod figures;
mod http;
mod pace;
mod phases;
mod processor;
mod program;
mod report;
mod seed;
mod tenants;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

/// Fill a directory on PostgreSQL and measure Rollcall on it.
#[derive(Debug, Parser)]
#[command(name = "load")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fill one connection with users and groups, by bulk SQL.
    Seed(seed::Arguments),
    /// Start the program on a seeded database, drive it, and print figures beside their goals.
    Run(phases::Arguments),
    /// Make a database on a PostgreSQL server, seed it, run on it, and drop it again.
    Bench(bench::Arguments),
    /// Make a database with many tenants, start each role as a process, and measure what many tenants cost.
    Tenants(tenants::Arguments),
    /// Make a database with many people, and time each page of the console.
    Console(console::Arguments),
}

/// One thread: the generator shares the cores with what it measures, and must leave them alone.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        eprintln!("load: a cryptographic provider was installed before ours");
        return ExitCode::FAILURE;
    }
    let work = async {
        match cli.command {
            Command::Seed(arguments) => seed::run(&arguments).await,
            Command::Run(arguments) => phases::run(&arguments).await,
            Command::Bench(arguments) => bench::run(&arguments).await,
            Command::Tenants(arguments) => tenants::run(&arguments).await,
            Command::Console(arguments) => console::run(&arguments).await,
        }
    };
    // What was started ends with the future that is dropped here.
    let done = tokio::select! {
        done = work => done,
        () = asked_to_stop() => Err(anyhow::anyhow!("stopped by a signal")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn asked_to_stop() {
    match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        // Without handlers the signals end the process by themselves.
        _ => std::future::pending().await,
    }
}
