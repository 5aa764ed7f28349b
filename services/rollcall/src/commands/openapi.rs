//! `rollcall openapi`.

use std::io::Write as _;
use std::process::ExitCode;

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    std::io::stdout().write_all(tenant_api::openapi_json().as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
