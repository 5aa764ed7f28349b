//! The runbooks of docs/operations.md, carried out.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::rotation::{Told, load};
use super::servers::postgres_bin;
use super::{Fleet, Role};
use crate::faults::site::Site;
use crate::program::OPERATOR_KEY;
use crate::tenant::{Tenant, client, text};

const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn exchanging_the_internal_key_under_load_fails_no_request() {
    let no_limits = [("ROLLCALL_TENANT_RATE", "0"), ("ROLLCALL_TOKEN_RATE", "0")];
    let mut fleet = Fleet::start(&no_limits).await;
    let tenant = Tenant::register_at(&fleet.api_url(), "acme").await;
    let told = Arc::new(Told::default());
    let clients: Vec<_> = (0..4)
        .map(|number| {
            let (url, token) = (format!("{}/Users", tenant.scim), tenant.token.clone());
            tokio::spawn(load(client(), url, token, number, Arc::clone(&told)))
        })
        .collect();
    let [first, old, new] = [5, 6, 7].map(|byte| STANDARD.encode([byte; 32]));
    // Handlers take both, gateways sign with the new one, handlers take that alone. Then with one Secret for both, whose
    // pods restart in any order: each takes both, each signs with the new one, each takes that alone.
    let (both, turned) = (format!("{old},{new}"), format!("{new},{old}"));
    let steps = [
        (Role::Scim, format!("{first},{old}")),
        (Role::Gateway, old.clone()),
        (Role::Scim, old.clone()),
        (Role::Gateway, both.clone()),
        (Role::Scim, both),
        (Role::Gateway, turned.clone()),
        (Role::Scim, turned),
        (Role::Scim, new.clone()),
        (Role::Gateway, new.clone()),
    ];
    for (role, keys) in steps {
        for index in 0..2 {
            let member = fleet.one_of(role, index);
            member.set("ROLLCALL_INTERNAL_KEY", &keys);
            assert_eq!(member.terminate().await, Some(0));
            member.start();
            fleet.wait_until_ready().await;
        }
    }
    let before = told.answered.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(told.answered.load(Ordering::SeqCst) > before);
    told.stop.store(true, Ordering::SeqCst);
    for client in clients {
        client.await.expect("a client met a failure");
    }
    let later = told.later.load(Ordering::SeqCst);
    println!("{} answered, {later} told to come back", told.answered.load(Ordering::SeqCst));
    // The old key opens nothing any more.
    let member = fleet.one_of(Role::Gateway, 0);
    member.set("ROLLCALL_INTERNAL_KEY", &old);
    member.terminate().await;
    member.start();
    fleet.wait_until_ready().await;
    let path = tenant.scim.strip_prefix(&fleet.url()).unwrap();
    let url = format!("http://{}{path}/Users", fleet.of(Role::Gateway).next().unwrap().place.public);
    let answer = client().get(url).bearer_auth(&tenant.token).send().await.unwrap();
    assert_eq!(answer.status(), 503, "its gateway is out of order, the provider's token is not");
}

#[tokio::test(flavor = "multi_thread")]
async fn exchanging_the_operators_key_and_a_providers_token_needs_no_outage() {
    let mut fleet = Fleet::start(&[]).await;
    let tenant = Tenant::register_at(&fleet.api_url(), "acme").await;
    let tokens = format!("{}/connections/{}/tokens", tenant.api, tenant.connection_id);
    let first = tenant.get(&format!("/connections/{}/tokens", tenant.connection_id)).await;
    let made =
        tenant.post(&format!("/connections/{}/tokens", tenant.connection_id), &json!({"name": "next"})).await;
    let ask = async |token: &str| {
        client().get(format!("{}/Users", tenant.scim)).bearer_auth(token).send().await.unwrap().status()
    };
    let next = text(&made, "token");
    assert_eq!((ask(&tenant.token).await, ask(&next).await), (StatusCode::OK, StatusCode::OK));
    let revoke = client().delete(format!("{tokens}/{}", text(&first["items"][0], "id")));
    assert!(revoke.bearer_auth(&tenant.key).send().await.unwrap().status().is_success());
    let since = Instant::now();
    while ask(&tenant.token).await != StatusCode::UNAUTHORIZED {
        assert!(since.elapsed() < Duration::from_secs(1), "the old token is still taken");
    }
    assert_eq!(ask(&next).await, StatusCode::OK);

    let api = fleet.one_of(Role::Api, 0);
    api.set("ROLLCALL_OPERATOR_KEY", "another-operator-key");
    assert_eq!(api.terminate().await, Some(0));
    assert_eq!(ask(&next).await, StatusCode::OK, "providers notice nothing");
    api.start();
    fleet.wait_until_ready().await;
    let list = async |key: &str| {
        let list = client().get(format!("{}/v1/tenants", fleet.api_url())).bearer_auth(key);
        list.send().await.unwrap().status()
    };
    assert_eq!(list(OPERATOR_KEY).await, StatusCode::UNAUTHORIZED);
    assert_eq!(list("another-operator-key").await, StatusCode::OK);
}

fn run(program: &str, arguments: &[&str]) {
    let run = Command::new(postgres_bin().join(program)).args(arguments).output().unwrap();
    assert!(run.status.success(), "{program}: {}", String::from_utf8_lossy(&run.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn restored_backup_serves_the_same_tokens_and_changes_nothing_at_the_sites() {
    let mut fleet = Fleet::start(&[]).await;
    let tenant = Tenant::register_at(&fleet.api_url(), "acme").await;
    let site = Site::jira().await;
    let link = tenant.link(site.product, &site.base_url, json!({})).await;
    let told = Arc::new(Told::default());
    let loading = tokio::spawn(load(
        client(),
        format!("{}/Users", tenant.scim),
        tenant.token.clone(),
        0,
        Arc::clone(&told),
    ));
    tokio::time::sleep(Duration::from_secs(2)).await;
    told.stop.store(true, Ordering::SeqCst);
    let created = loading.await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    let is_there =
        |site: &Site| site.state().users.iter().filter(|user| user.name.starts_with("user-")).count();
    while is_there(&site) < created {
        assert!(Instant::now() < deadline, "{} of {created} users are there", is_there(&site));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let users = "/Users?count=1000&sortBy=userName";
    let before = tenant.scim_get(users).await;

    // The backup, while everything runs; then the database is lost, with what was written after the backup.
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("rollcall.dump");
    let (backup, url) = (backup.to_str().unwrap(), fleet.postgres.url());
    run("pg_dump", &["--format=custom", "--file", backup, &url]);
    for member in &mut fleet.members {
        member.terminate().await;
    }
    let restored = url.replace("/postgres", "/restored");
    run("psql", &["--quiet", "--command=CREATE DATABASE restored", &url]);
    run("pg_restore", &["--dbname", &restored, "--exit-on-error", backup]);
    for member in &mut fleet.members {
        if member.role != Role::Gateway {
            member.set("ROLLCALL_DATABASE_URL", &restored);
        }
        member.start();
    }
    fleet.wait_until_ready().await;

    assert_eq!(tenant.scim_get(users).await, before, "the same users, by the same token");
    // A run looks at everything, with the credentials that were stored sealed, and finds nothing to do.
    let writes = |site: &Site| {
        let calls = site.state().calls.by_operation;
        calls
            .into_iter()
            .filter(|(operation, _)| !operation.starts_with("GET "))
            .map(|(_, count)| count)
            .sum::<u64>()
    };
    let before = writes(&site);
    let started = tenant.post(&format!("/links/{link}/runs"), &json!({})).await;
    let run = format!("/links/{link}/runs/{}", text(&started, "id"));
    let ended = loop {
        let now = tenant.get(&run).await;
        if !matches!(now["status"].as_str(), Some("marking" | "working")) {
            break now;
        }
        assert!(Instant::now() < deadline + PATIENCE, "the run does not end: {now}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(ended["status"], "done", "{ended}");
    assert_eq!(writes(&site), before, "nothing was written at the site: {ended}");
}
