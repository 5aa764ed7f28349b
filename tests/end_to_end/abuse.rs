//! What can be sent to hold a process up or to fill its memory, and what that costs. The figures are printed: run it
//! with `--no-capture`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::faults::site::Site;
use crate::program::{Engine, Program};
use crate::tenant::{Tenant, client};

/// Connections that say nothing.
const SILENT: usize = 2_000;
/// Connections that stop in the middle of a request's head.
const HALF_HEADS: usize = 500;
/// Connections of a known provider that stop in the middle of a body.
const HALF_BODIES: usize = 200;
/// What all of that together may take, in a build without optimizations.
const MEMORY: u64 = 200 * 1024 * 1024;
/// What somebody else waits for at the most meanwhile, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(3);

const MIB: f64 = 1024.0 * 1024.0;

#[expect(clippy::cast_precision_loss, reason = "megabytes for people")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / MIB
}

/// Somebody who has nothing to do with it.
async fn is_served(tenant: &Tenant) -> Duration {
    let began = Instant::now();
    tenant.scim_get("/Users?count=1").await;
    tenant.get("/sites").await;
    let took = began.elapsed();
    assert!(took < PATIENCE, "others waited for {took:?}");
    took
}

fn address(url: &str) -> String {
    url.trim_start_matches("http://").split('/').next().unwrap().to_owned()
}

/// Opens connections that send `what` and then nothing.
async fn stop_after(program: &Program, what: &str, count: usize) -> Vec<TcpStream> {
    let address = address(&program.url());
    let mut open = Vec::with_capacity(count);
    for _ in 0..count {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(what.as_bytes()).await.unwrap();
        open.push(stream);
    }
    open
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_connections_that_say_little_hold_nobody_up_and_are_ended() {
    let program = Program::start(Engine::Sqlite, &[]).await;
    let (tenant, other) =
        (Tenant::register(&program, "acme").await, Tenant::register(&program, "zenith").await);
    is_served(&tenant).await;
    let before = program.resident_bytes();
    let silent = stop_after(&program, "", SILENT).await;
    let heads = stop_after(&program, "POST /v1/tenants HTTP/1.1\r\nhost: x\r\nx-long: ", HALF_HEADS).await;
    let prefaces = stop_after(&program, "PRI * HTTP/2.0\r\n", HALF_HEADS).await;
    let path = other.scim.split_once("/scim/").unwrap().1;
    let body = format!(
        "POST /scim/{path}/Users HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/scim+json\r\n\
         content-length: 1000000\r\n\r\n{{",
        other.token
    );
    let bodies = stop_after(&program, &body, HALF_BODIES).await;
    let waited = is_served(&tenant).await;
    let grown = program.resident_bytes().saturating_sub(before);
    println!(
        "{SILENT} silent connections, {HALF_HEADS} half heads, {HALF_HEADS} half prefaces of HTTP/2 and {HALF_BODIES} half bodies take {:.1} MiB; somebody else \
         waited for {waited:?}",
        mib(grown)
    );
    assert!(grown < MEMORY, "{:.1} MiB", mib(grown));
    // Whoever does not go on is ended; the silent ones as well, since a head is waited for.
    let began = Instant::now();
    for mut stream in heads.into_iter().chain(prefaces).chain(bodies).chain(silent) {
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_mins(1), stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "a connection is held for a minute");
    }
    println!("all of them were ended within {:?}", began.elapsed());
    is_served(&tenant).await;
}

/// Sends a request to the gateway and the API, in clear, and says which status each gave and how long both took.
async fn send(tenant: &Tenant, head: &[(&str, String)], body: Vec<u8>) -> (Vec<u16>, Duration) {
    let began = Instant::now();
    let mut statuses = Vec::new();
    let users = format!("{}/Users", tenant.scim);
    let sites = format!("{}/sites", tenant.api);
    for (url, bearer, kind) in
        [(users, &tenant.token, "application/scim+json"), (sites, &tenant.key, "application/json")]
    {
        let mut request = client().post(url).bearer_auth(bearer).header("content-type", kind);
        for (name, value) in head {
            request = request.header(*name, value);
        }
        statuses.push(request.body(body.clone()).send().await.map_or(0, |answer| answer.status().as_u16()));
    }
    (statuses, began.elapsed())
}

/// Ten megabytes of zeroes in ten kilobytes, as gzip has them: stored by `gzip` itself.
fn bomb() -> Vec<u8> {
    let made = std::process::Command::new("sh").args(["-c", "head -c 10485760 /dev/zero | gzip -9"]).output();
    made.unwrap().stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_blow_up_are_refused_at_once_and_leave_no_memory_behind() {
    let program = Program::start(Engine::Sqlite, &[]).await;
    let tenant = Tenant::register(&program, "acme").await;
    let jira = Site::jira().await;
    let link = tenant.link(jira.product, &jira.base_url, json!({})).await;
    is_served(&tenant).await;
    let before = program.resident_bytes();
    let flood: Vec<(&str, String)> = (0..400).map(|_| ("x-flood", "y".repeat(200))).collect();
    let bomb = bomb();
    assert!(bomb.len() < 20_000 && bomb.len() > 1_000);
    let deep = |open: &str| open.repeat(400_000).into_bytes();
    for (what, head, body, expected) in [
        ("a head of 80 kB", flood, b"{}".to_vec(), vec![431, 431]),
        ("a gzip bomb", vec![("content-encoding", "gzip".to_owned())], bomb, vec![]),
        ("brackets 400,000 deep", vec![], deep("["), vec![400, 400]),
        ("objects 400,000 deep", vec![], deep("{\"a\":"), vec![]),
        ("a number of 900,000 digits", vec![], "9".repeat(900_000).into_bytes(), vec![]),
    ] {
        let (statuses, took) = send(&tenant, &head, body).await;
        println!("{what}: {statuses:?} in {took:?}");
        assert!(statuses.iter().all(|status| (400..500).contains(status)), "{what}: {statuses:?}");
        assert!(expected.is_empty() || statuses == expected, "{what}: {statuses:?}");
        assert!(took < PATIENCE, "{what} took {took:?}");
    }
    // Settings are programs of a kind.
    let patterns = ["(a{1000}){1000}", &"(".repeat(100_000), "(?i)(\\w{500}){500}"];
    for pattern in patterns {
        let began = Instant::now();
        let body = json!({"group_sync": {"include": [pattern]}});
        let answer = tenant.client.patch(format!("{}/links/{link}", tenant.api)).bearer_auth(&tenant.key);
        assert_eq!(answer.json(&body).send().await.unwrap().status(), 422);
        assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    }
    let user = tenant.scim_post("/Users", &json!({"userName": "ann", "displayName": "Ann"})).await;
    let user: Value = user.json().await.unwrap();
    for expression in [
        "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
        "range(100000) | map('string') | join(range(100000) | join)",
        "'x' * 1000000000",
    ] {
        let began = Instant::now();
        let path = format!("{}/links/{link}/preview/users/{}", tenant.api, user["id"].as_str().unwrap());
        let body = json!({"user_sync": {"attributes": {"display_name": expression}}});
        let answer = tenant.client.post(path).bearer_auth(&tenant.key).json(&body).send().await.unwrap();
        let (status, told) = (answer.status().as_u16(), answer.text().await.unwrap());
        println!("{expression}: {status} in {:?}: {:.100}", began.elapsed(), told);
        assert!(began.elapsed() < PATIENCE && status < 500, "{expression}: {status}: {told}");
        assert!(told.len() < 10_000, "nothing of it comes back");
    }
    is_served(&tenant).await;
    let grown = program.resident_bytes().saturating_sub(before);
    println!("afterwards the process holds {:.1} MiB more", mib(grown));
    assert!(grown < MEMORY, "{:.1} MiB", mib(grown));
}
