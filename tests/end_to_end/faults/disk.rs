//! A disk that is full under the embedded database: writes are told to come back, reads go on, and nothing that was
//! answered is lost.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::program::{Engine, Program};
use crate::tenant::Tenant;

/// What the largest file may still grow by.
const ROOM: u64 = 512 * 1024;

async fn create(tenant: &Tenant, number: usize) -> (StatusCode, bool, String) {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": format!("user-{number}"), "title": "x".repeat(2_000),
    });
    let answer = tenant.scim_post("/Users", &body).await;
    (answer.status(), answer.headers().contains_key("retry-after"), answer.text().await.unwrap())
}

async fn total(tenant: &Tenant) -> (u64, Value) {
    let list = tenant.scim_get("/Users?count=1000&attributes=userName&sortBy=userName").await;
    (list["totalResults"].as_u64().unwrap(), list["Resources"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn full_disk_refuses_writes_serves_reads_and_loses_nothing() {
    let mut program = Program::start(Engine::Sqlite, &[]).await;
    let tenant = Tenant::register(&program, "acme").await;
    program.limit_files_to(Some(program.largest_file() + ROOM));
    program.restart().await;
    let (mut created, mut refused) = (0, 0);
    while refused < 20 {
        assert!(created < 5_000, "the disk is never full");
        match create(&tenant, created).await {
            (StatusCode::CREATED, ..) => created += 1,
            (StatusCode::SERVICE_UNAVAILABLE, true, _) => refused += 1,
            (status, _, text) => panic!("{status}: {text}"),
        }
    }
    println!("{created} users before the disk was full");
    let (there, users) = total(&tenant).await;
    assert_eq!(there, created as u64, "what was answered is there, and nothing else");
    // Somebody makes room.
    program.limit_files_to(None);
    program.restart().await;
    assert_eq!(total(&tenant).await, (there, users));
    assert_eq!(create(&tenant, created).await.0, StatusCode::CREATED);
}
