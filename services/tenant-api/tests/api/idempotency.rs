//! A POST that is sent again under the same key.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Answer, Api, OPERATOR, text};
use crate::organization::{Organization, Tenant, site_body};

on_both!(
    a_repeat_is_answered_again_and_not_carried_out,
    another_request_under_the_same_key_is_refused,
    a_secret_is_not_shown_again,
    a_refused_request_leaves_its_key_free,
    a_key_is_one_callers_in_one_tenant,
    requests_at_the_same_time_are_carried_out_once,
    a_request_that_ended_without_an_answer_is_not_tried_again,
    the_operators_tenants_are_made_once,
    a_key_that_cannot_be_read_is_refused,
);

async fn post(api: &Api, path: &str, by: &str, key: &str, body: Value) -> Answer {
    api.post(path, body).by(by).header("idempotency-key", key).send().await
}

async fn count(api: &Api, tenant: &Tenant, list: &str) -> usize {
    let list = api.get(&tenant.path(list)).by(OPERATOR).send().await.expect(200);
    list["items"].as_array().unwrap().len()
}

fn okta() -> Value {
    json!({"name": "Okta", "provider": "okta"})
}

async fn a_repeat_is_answered_again_and_not_carried_out(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let path = tenant.path("/connections");
    let first = post(&api, &path, &tenant.admin, "k1", okta()).await;
    assert_eq!(first.header("idempotency-replayed"), "");
    let (etag, first) = (first.header("etag").to_owned(), first.expect(201));
    let changes = tenant.changes(&api).await;
    for _ in 0..3 {
        api.clock.advance(Duration::from_hours(7));
        let again = post(&api, &path, &tenant.admin, "k1", okta()).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(again.header("content-type"), "application/json");
        assert_eq!(again.header("etag"), etag);
        assert_eq!(again.expect(201), first);
    }
    assert_eq!(count(&api, &tenant, "/connections").await, 1);
    assert_eq!(tenant.changes(&api).await, changes);
    let other = post(&api, &path, &tenant.admin, "k2", okta()).await.expect(201);
    assert_ne!(other["id"], first["id"], "without the same key it is another request");

    api.clock.advance(Duration::from_hours(3));
    let later = post(&api, &path, &tenant.admin, "k1", okta()).await.expect(201);
    assert_ne!(later["id"], first["id"], "a day later the key is forgotten");
}

async fn another_request_under_the_same_key_is_refused(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let path = tenant.path("/connections");
    post(&api, &path, &tenant.admin, "k", okta()).await.expect(201);
    let other = json!({"name": "Other", "provider": "okta"});
    assert_eq!(post(&api, &path, &tenant.admin, "k", other).await.fields(422), ["Idempotency-Key"]);
    let elsewhere = post(&api, &tenant.path("/sites"), &tenant.admin, "k", okta()).await;
    assert_eq!(elsewhere.fields(422), ["Idempotency-Key"]);
    assert_eq!(count(&api, &tenant, "/connections").await, 1);
}

async fn a_secret_is_not_shown_again(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let connection = tenant.connection(&api, "IDCS").await;
    let tokens = format!("/connections/{connection}/tokens");
    for (list, body, secret) in [
        ("/keys", json!({"name": "CI", "role": "admin"}), "key"),
        (&tokens, json!({"name": "first"}), "token"),
    ] {
        let before = count(&api, &tenant, list).await;
        let made = post(&api, &tenant.path(list), &tenant.owner, secret, body.clone()).await.expect(201);
        let secret_text = text(&made, secret);
        let again = post(&api, &tenant.path(list), &tenant.owner, secret, body.clone()).await;
        assert!(!again.body.to_string().contains(&secret_text));
        assert!(text(&again.expect(409), "detail").starts_with("It was done already"));
        assert_eq!(count(&api, &tenant, list).await, before + 1);
        assert!(!api.database_holds(&secret_text).await, "the kept answer holds no secret");
    }
    let mut site = site_body("Jira");
    site["credentials"]["token"] = json!("hush-token-of-a-site");
    let made = post(&api, &tenant.path("/sites"), &tenant.owner, "site", site.clone()).await.expect(201);
    assert_eq!(post(&api, &tenant.path("/sites"), &tenant.owner, "site", site).await.expect(201), made);
    assert!(!api.database_holds("hush-token-of-a-site").await, "nor does what is kept of the request");
}

async fn a_refused_request_leaves_its_key_free(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let path = tenant.path("/connections");
    let bad = json!({"name": "", "provider": "okta"});
    assert_eq!(post(&api, &path, &tenant.admin, "k", bad).await.fields(422), ["name"]);
    post(&api, &path, &tenant.auditor, "k", okta()).await.expect(403);
    post(&api, &path, "wrong", "k", okta()).await.expect(401);
    post(&api, &path, &tenant.admin, "k", okta()).await.expect(201);
}

async fn a_key_is_one_callers_in_one_tenant(api: Api) {
    let (tenant, other) = (Tenant::new(&api, "acme").await, Tenant::new(&api, "zenith").await);
    let path = tenant.path("/connections");
    let mine = post(&api, &path, &tenant.admin, "k", okta()).await.expect(201);
    let theirs = post(&api, &other.path("/connections"), &other.admin, "k", okta()).await.expect(201);
    let owners = post(&api, &path, &tenant.owner, "k", okta()).await.expect(201);
    let operators = post(&api, &path, OPERATOR, "k", okta()).await.expect(201);
    let ids: std::collections::BTreeSet<_> =
        [&mine, &theirs, &owners, &operators].into_iter().map(|made| text(made, "id")).collect();
    assert_eq!(ids.len(), 4);
    // Another caller learns nothing from a key that it guessed.
    post(&api, &path, &tenant.auditor, "k", okta()).await.expect(403);
    post(&api, &path, &other.admin, "k", okta()).await.expect(404);
    // The access token of a key is the same caller as the key.
    let token = api.call("POST", "/v1/auth/token").by(&tenant.admin).send().await.expect(200);
    let again = post(&api, &path, &text(&token, "access_token"), "k", okta()).await;
    assert_eq!(again.expect(201), mine);
}

async fn requests_at_the_same_time_are_carried_out_once(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let path = tenant.path("/connections");
    let calls = (0..6).map(|_| post(&api, &path, &tenant.admin, "k", okta()));
    let answers = futures::future::join_all(calls).await;
    let firsts = answers
        .iter()
        .filter(|answer| answer.status == 201 && answer.header("idempotency-replayed").is_empty());
    assert_eq!(firsts.count(), 1);
    assert!(answers.iter().all(|answer| answer.status == 201 || answer.status == 409));
    assert_eq!(count(&api, &tenant, "/connections").await, 1);
}

async fn a_request_that_ended_without_an_answer_is_not_tried_again(api: Api) {
    let organization = Organization::new(&api, "acme").await;
    let tenant = &organization.tenant;
    let path = tenant.path("/connections");
    post(&api, &path, &tenant.admin, "k", okta()).await.expect(201);
    // What a process leaves that was killed between the change and its answer.
    api.execute("UPDATE idempotency_keys SET status = NULL, etag = NULL, body = NULL").await;
    let detail = async || {
        let refused = post(&api, &path, &tenant.admin, "k", okta()).await.expect(409);
        text(&refused, "detail")
    };
    assert!(detail().await.contains("still under way"));
    api.clock.advance(Duration::from_mins(2));
    assert!(detail().await.contains("ended without an answer"));
    assert_eq!(count(&api, tenant, "/connections").await, 2);
}

async fn the_operators_tenants_are_made_once(api: Api) {
    let body = json!({"slug": "acme", "name": "Acme"});
    let made = post(&api, "/v1/tenants", OPERATOR, "k", body.clone()).await.expect(201);
    assert_eq!(post(&api, "/v1/tenants", OPERATOR, "k", body.clone()).await.expect(201), made);
    post(&api, "/v1/tenants", OPERATOR, "k2", body).await.expect(409);
    let key = json!({"name": "o", "role": "owner"});
    post(&api, "/v1/tenants/acme/keys", OPERATOR, "k", key).await.expect(201);
}

async fn a_key_that_cannot_be_read_is_refused(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let path = tenant.path("/connections");
    for key in ["", " ", "a b", "ü", &"x".repeat(256)] {
        post(&api, &path, &tenant.admin, key, okta()).await.expect(400);
    }
    let twice = api.post(&path, okta()).by(&tenant.admin).header("idempotency-key", "a");
    twice.header("idempotency-key", "b").send().await.expect(400);
    assert_eq!(count(&api, &tenant, "/connections").await, 0);
    post(&api, &path, &tenant.admin, &"x".repeat(255), okta()).await.expect(201);
    // Only a POST has one.
    api.get(&path).by(&tenant.admin).header("idempotency-key", "").send().await.expect(200);
}
