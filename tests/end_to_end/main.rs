//! The whole program as its users meet it: a process, HTTP, a real database, simulated sites.
//!
//! [`program`] starts and kills it, [`tenant`] registers what a test needs through the REST API; each other
//! module tells one story. Run them with `make test`, or within `infra/dev/with-services`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that cannot go on fails, and tells its seed and figures"
)]

mod abuse;
mod administration;
mod browser;
mod canaries;
mod chart;
mod commands;
mod compose;
mod conformance;
mod demo;
mod faults;
mod fleet;
mod metrics;
mod openapi;
mod process;
mod program;
mod story;
mod supply;
mod targets;
mod tenant;
