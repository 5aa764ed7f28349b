//! Every kind of secret is used, in every way in which it may go wrong, and none is found afterwards: not in logs of the
//! most talkative level, traces, metrics or Redis, and not in a backup of the database.

use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use sandbox::openid::OpenIdProvider;
use serde_json::{Value, json};

use super::Fleet;
use super::member::Member;
use super::receiver::Receiver;
use crate::canaries::{check_file, check_text, note};
use crate::faults::site::Site;
use crate::tenant::{Tenant, text};

const CLIENT_SECRET: &str = "canary-client-secret-5Qw";
const PASSWORD: &str = "canary-password-of-a-person-7Yt";
const SITES_PASSWORD: &str = "canary-password-of-a-site-8Ui";
const SITES_TOKEN: &str = "canary-token-of-a-site-9Op";
const GUESS: &str = "rollcall_scim_canaryguesscanaryguesscanaryguesscanary12";
/// In no log, trace or metric, although the directory has it.
const PERSON: &str = "canary.person.3Er";

async fn status(request: reqwest::RequestBuilder) -> StatusCode {
    request.send().await.unwrap().status()
}

/// A browser that follows nothing by itself.
#[expect(clippy::disallowed_methods, reason = "the tests talk to their own loopback ports")]
fn browser() -> Client {
    Client::builder().no_proxy().redirect(Policy::none()).build().unwrap()
}

/// Keys, tokens, sessions, set-up links: made, used, shown wrongly, revoked.
async fn come_and_go(url: &str, tenant: &Tenant) {
    let client = &tenant.client;
    let by_key = |path: &str| client.post(format!("{url}{path}")).bearer_auth(&tenant.key);
    let access: Value = by_key("/v1/auth/token").send().await.unwrap().json().await.unwrap();
    let access = text(&access, "access_token");
    note(&access);
    assert!(status(client.get(format!("{}/sites", tenant.api)).bearer_auth(&access)).await.is_success());
    let session: Value = by_key("/v1/sessions").send().await.unwrap().json().await.unwrap();
    let session = text(&session, "session");
    note(&session);
    let rotate = client.post(format!("{url}/v1/sessions/rotate")).bearer_auth(&session);
    let session: Value = rotate.send().await.unwrap().json().await.unwrap();
    note(&text(&session, "session"));
    let path = format!("{}/connections/{}", tenant.api, tenant.connection_id);
    let make = async |what: &str, repeats: &str| -> Value {
        let body = json!({"name": "canary"});
        let body = if what == "/setup-links" { json!({}) } else { body };
        let call = client.post(format!("{path}{what}")).bearer_auth(&tenant.key).json(&body);
        call.header("idempotency-key", repeats).send().await.unwrap().json().await.unwrap()
    };
    let token = make("/tokens", "once").await;
    note(&text(&token, "token"));
    // Again: told that it was done, and not what it was.
    assert!(make("/tokens", "once").await.get("token").is_none());
    let link = text(&make("/setup-links", "twice").await, "url");
    let secret = link.rsplit('/').next().unwrap();
    note(secret);
    let opened = browser().get(format!("{url}/setup/{secret}")).send().await.unwrap();
    assert!(opened.status().is_redirection(), "{}", opened.status());
    assert!(status(client.get(format!("{path}/requests")).bearer_auth(secret)).await.is_success());
    // The console seals what it is given.
    let form = [("key", tenant.key.as_str())];
    let signed_in = browser().post(format!("{url}/console/sign-in")).form(&form).send().await.unwrap();
    let cookie = signed_in.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    note(cookie.split_once('=').unwrap().1);
    let page = client.get(format!("{url}/console/t/acme")).header(COOKIE, cookie);
    assert!(status(page).await.is_success());
    // A guess may be somebody's secret elsewhere.
    note(GUESS);
    let guesses = [
        client.get(format!("{}/Users", tenant.scim)).bearer_auth(GUESS),
        client.get(format!("{}/Users", tenant.scim)).basic_auth("rollcall", Some(GUESS)),
        client.get(format!("{}/sites", tenant.api)).bearer_auth(GUESS),
        client.post(format!("{url}/console/sign-in")).form(&[("key", GUESS)]),
    ];
    for guess in guesses {
        assert!(status(guess).await.is_client_error());
    }
}

/// People sign in by an identity provider, which has a secret with us.
async fn sign_in(url: &str, tenant: &Tenant, provider: &OpenIdProvider) {
    let client = &tenant.client;
    let roles = json!([{"value": "everyone", "role": "auditor"}]);
    let settings = json!({"issuer": provider.issuer, "client_id": "rollcall", "client_secret": CLIENT_SECRET, "roles": roles});
    let put = client.put(format!("{}/sign-in", tenant.api)).bearer_auth(&tenant.key).json(&settings);
    assert_eq!(status(put).await, 200);
    provider.be(&json!({"sub": "ann", "email": "ann@acme.com", "groups": ["everyone"]}));
    let started = client.post(format!("{url}/v1/sign-in/start")).json(&json!({"tenant": "acme"}));
    let started: Value = started.send().await.unwrap().json().await.unwrap();
    let back = provider.visit(&text(&started, "authorization_url").parse().unwrap()).unwrap();
    let pending = text(&started, "pending");
    note(&pending);
    note(&back["code"]);
    let body = json!({"pending": pending, "state": back["state"], "code": back["code"]});
    let finish = async || -> Response {
        client.post(format!("{url}/v1/sign-in/finish")).json(&body).send().await.unwrap()
    };
    let session: Value = finish().await.json().await.unwrap();
    note(&text(&session, "session"));
    assert_eq!(finish().await.status(), 502, "a code is good for once");
    let token = provider.sign(&json!({"sub": "ann", "aud": "rollcall", "groups": ["everyone"]}));
    note(&token);
    status(client.get(format!("{}/sites", tenant.api)).bearer_auth(&token)).await;
}

/// People's passwords, in whatever shape they come.
async fn send_passwords(tenant: &Tenant) {
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": PERSON, "displayName": PERSON,
        "emails": [{"value": format!("{PERSON}@example.com")}], "password": PASSWORD,
    });
    let created = tenant.scim_post("/Users", &user).await;
    assert_eq!(created.status(), 201);
    let id = text(&created.json().await.unwrap(), "id");
    let operation = json!({"op": "replace", "path": "password", "value": PASSWORD});
    let patch =
        json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]});
    let user_url = format!("{}/Users/{id}", tenant.scim);
    let patched = tenant.client.patch(&user_url).bearer_auth(&tenant.token).json(&patch);
    assert!(status(patched).await.is_success());
    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [
            {"method": "PATCH", "path": format!("/Users/{id}"), "data": patch},
            {"method": "POST", "path": "/Users", "bulkId": "1", "data": {"userName": 1, "password": PASSWORD}},
        ],
    });
    assert_eq!(tenant.scim_post("/Bulk", &bulk).await.status(), 200);
    for broken in [
        format!("{{\"userName\": \"x\", \"password\": \"{PASSWORD}\""),
        format!("{{\"password\": {{\"value\": \"{PASSWORD}\"}}, \"userName\": \"y\"}}"),
        format!("{{\"password\": [\"{PASSWORD}\"], \"userName\": 5}}"),
    ] {
        let sent = tenant.client.post(format!("{}/Users", tenant.scim)).bearer_auth(&tenant.token);
        let sent = sent.header("content-type", "application/scim+json").body(broken.clone());
        // Some are understood all the same.
        assert!(!status(sent).await.is_server_error(), "{broken}");
    }
    let filter = format!("{}/Users?filter=password%20eq%20%22{PASSWORD}%22", tenant.scim);
    assert!(status(tenant.client.get(filter).bearer_auth(&tenant.token)).await.is_client_error());
}

/// Sites that take our credentials, and sites that are not there.
async fn use_sites(tenant: &Tenant) {
    for (product, credentials) in [
        ("crowd", json!({"type": "basic", "username": "rollcall", "password": SITES_PASSWORD})),
        ("jira-cloud", json!({"type": "api_key", "email": "ann@acme.com", "token": SITES_TOKEN})),
    ] {
        let body = json!({"name": product, "product": product, "base_url": "http://127.0.0.1:1", "credentials": credentials});
        let site = tenant.post("/sites", &body).await;
        let tested = tenant.post(&format!("/sites/{}/test", text(&site, "id")), &json!({})).await;
        assert_eq!(tested["ok"], false);
        let bent = json!({"credentials": {"type": "nonsense", "token": SITES_TOKEN}});
        let bent = tenant.client.patch(format!("{}/sites/{}", tenant.api, text(&site, "id"))).json(&bent);
        assert_eq!(status(bent.bearer_auth(&tenant.key)).await, 422);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_that_was_used_is_found_anywhere() {
    [CLIENT_SECRET, PASSWORD, SITES_PASSWORD, SITES_TOKEN].into_iter().for_each(note);
    let receiver = Receiver::default();
    let endpoint = receiver.listen().await;
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("ROLLCALL_TRACE_RATIO", "1"),
        ("ROLLCALL_LOG", "debug"),
    ];
    let mut fleet = Fleet::start(&settings).await;
    let url = fleet.api_url();
    let tenant = Tenant::register_at(&url, "acme").await;
    let jira = Site::jira().await;
    tenant.link(jira.product, &jira.base_url, json!({})).await;
    let provider = OpenIdProvider::start("rollcall", CLIENT_SECRET).await.unwrap();
    send_passwords(&tenant).await;
    come_and_go(&url, &tenant).await;
    sign_in(&url, &tenant, &provider).await;
    use_sites(&tenant).await;
    let deadline = Instant::now() + Duration::from_secs(30);
    while !format!("{:?}", jira.state()).contains(PERSON) || !receiver.text().contains("site_call") {
        assert!(Instant::now() < deadline, "the person does not arrive, or its trace does not");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    check_text("the traces", &receiver.text());
    assert!(!receiver.text().contains(PERSON), "traces name people");
    for member in &fleet.members {
        let metrics = member.metrics().await;
        assert!(metrics.contains("rollcall_"), "{}", member.name);
        check_text("the metrics", &metrics);
        assert!(!metrics.contains(PERSON), "metrics name people");
        check_file(member.log_path());
        let log = member.log();
        assert!(log.contains("DEBUG"), "{} logs all that it can", member.name);
        assert!(!log.contains(PERSON), "the log of {} names people", member.name);
    }
    let folder = tempfile::tempdir().unwrap();
    let redis = folder.path().join("redis.rdb");
    let copied =
        Command::new("redis-cli").args(["-u", &fleet.redis.url(), "--rdb"]).arg(&redis).output().unwrap();
    assert!(copied.status.success() && redis.exists(), "{copied:?}");
    check_file(&redis);
    // With the fleet goes the last look: at logs to their ends, and at a backup.
    let ended = fleet.members.iter_mut().map(Member::terminate);
    assert!(futures::future::join_all(ended).await.iter().all(|code| *code == Some(0)));
}
