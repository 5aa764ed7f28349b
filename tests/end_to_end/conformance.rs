//! The compliance suite `scim2-tester` of the Python package index, against the running program.

use std::process::Command;

use crate::program::{Engine, Program};
use crate::tenant::Tenant;

async fn no_check_fails(engine: Engine) {
    let program = Program::start(engine, &[]).await;
    let tenant = Tenant::register(&program, "acme").await;
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let run = Command::new(format!("{root}/.venv/bin/python"))
        .arg(format!("{root}/tests/conformance/scim2_tester.py"))
        .args([&tenant.scim, &tenant.token])
        .output()
        .expect(".venv has Python; run `make setup`");
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{told}\n{}", String::from_utf8_lossy(&run.stderr));
    // Kept in the log: which checks ran.
    println!("{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn scim2_tester_finds_no_fault_on_postgresql() {
    no_check_fails(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scim2_tester_finds_no_fault_on_sqlite() {
    no_check_fails(Engine::Sqlite).await;
}
