//! Access tokens, and keys that end.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Api, OPERATOR, text};
use crate::organization::Tenant;

on_both!(
    an_access_token_works_until_it_expires,
    an_access_token_has_the_role_and_the_tenant_of_its_key,
    an_access_token_ends_with_its_key,
    only_a_key_is_exchanged,
    an_expired_key_opens_nothing,
    a_suspended_tenant_is_closed_to_its_own_people,
    a_tenant_on_its_way_is_shown_and_not_changed,
    the_last_use_of_a_key_is_noted_to_the_minute,
);

async fn exchange(api: &Api, key: &str) -> String {
    let answer = api.call("POST", "/v1/auth/token").by(key).send().await.expect(200);
    assert_eq!((&answer["token_type"], &answer["expires_in"]), (&json!("Bearer"), &json!(900)));
    text(&answer, "access_token")
}

async fn an_access_token_works_until_it_expires(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let token = exchange(&api, &tenant.admin).await;
    let path = tenant.path("/connections");
    api.get(&path).by(&token).send().await.expect(200);
    api.clock.advance(Duration::from_secs(899));
    api.get(&path).by(&token).send().await.expect(200);
    api.clock.advance(Duration::from_secs(1));
    api.get(&path).by(&token).send().await.expect(401);
    api.get(&path).by(&exchange(&api, &tenant.admin).await).send().await.expect(200);
}

async fn an_access_token_has_the_role_and_the_tenant_of_its_key(api: Api) {
    let (tenant, other) = (Tenant::new(&api, "acme").await, Tenant::new(&api, "zenith").await);
    let body = json!({"name": "new", "provider": "okta"});
    let auditor = exchange(&api, &tenant.auditor).await;
    api.post(&tenant.path("/connections"), body.clone()).by(&auditor).send().await.expect(403);
    api.get(&other.path("/connections")).by(&auditor).send().await.expect(404);
    let owner = exchange(&api, &tenant.owner).await;
    api.post(&tenant.path("/connections"), body).by(&owner).send().await.expect(201);
    let key = json!({"name": "new", "role": "auditor"});
    api.post(&tenant.path("/keys"), key).by(&owner).send().await.expect(201);
    let audit = api.get(&tenant.path("/audit")).by(&owner).send().await.expect(200);
    let keys = api.get(&tenant.path("/keys")).by(&owner).send().await.expect(200);
    let actor = format!("key:{}", text(&keys["items"][0], "id"));
    assert_eq!(text(&audit["items"][0], "actor"), actor, "a token acts in the name of its key");
}

async fn an_access_token_ends_with_its_key(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let made = tenant.make(&api, "/keys", json!({"name": "CI", "role": "admin"})).await;
    let token = exchange(&api, &text(&made, "key")).await;
    let path = tenant.path("/connections");
    api.get(&path).by(&token).send().await.expect(200);
    let key = tenant.path(&format!("/keys/{}", text(&made, "id")));
    api.delete(&key).by(&tenant.owner).send().await.expect(204);
    api.get(&path).by(&token).send().await.expect(401);
}

async fn only_a_key_is_exchanged(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let token = exchange(&api, &tenant.owner).await;
    for credential in [token.as_str(), OPERATOR, "rollcall_key_of_nobody"] {
        api.call("POST", "/v1/auth/token").by(credential).send().await.expect(401);
    }
    api.call("POST", "/v1/auth/token").send().await.expect(401);
}

async fn an_expired_key_opens_nothing(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let body = json!({"name": "short", "role": "owner", "expires_at": "2026-01-01T01:00:00Z"});
    let key = text(&tenant.make(&api, "/keys", body).await, "key");
    let token = exchange(&api, &key).await;
    let path = tenant.path("/connections");
    api.clock.advance(Duration::from_mins(59));
    api.get(&path).by(&key).send().await.expect(200);
    let late = exchange(&api, &key).await;
    api.get(&path).by(&late).send().await.expect(200);
    api.clock.advance(Duration::from_mins(1));
    for credential in [&key, &token, &late] {
        api.get(&path).by(credential).send().await.expect(401);
    }
    api.call("POST", "/v1/auth/token").by(&key).send().await.expect(401);
}

async fn a_suspended_tenant_is_closed_to_its_own_people(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let other = Tenant::new(&api, "zenith").await;
    let token = exchange(&api, &tenant.owner).await;
    api.execute("UPDATE tenants SET status = 'suspended' WHERE slug = 'acme'").await;
    for credential in [&tenant.owner, &tenant.admin, &tenant.auditor, &token] {
        api.get(&tenant.path("")).by(credential).send().await.expect(403);
        let body = json!({"name": "new", "provider": "okta"});
        let call = api.post(&tenant.path("/connections"), body).by(credential);
        call.header("idempotency-key", "a").send().await.expect(403);
    }
    let shown = api.get(&tenant.path("")).by(OPERATOR).send().await.expect(200);
    assert_eq!(shown["status"], "suspended");
    api.get(&other.path("")).by(&other.auditor).send().await.expect(200);
    api.get(&tenant.path("")).by(&other.owner).send().await.expect(404);
}

async fn a_tenant_on_its_way_is_shown_and_not_changed(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    for status in ["leaving", "arriving"] {
        api.execute(&format!("UPDATE tenants SET status = '{status}' WHERE slug = 'acme'")).await;
        for credential in [&tenant.owner, OPERATOR] {
            let body = json!({"name": "new", "provider": "okta"});
            let call = api.post(&tenant.path("/connections"), body).by(credential);
            let refused = call.header("idempotency-key", "a").send().await;
            assert_eq!(refused.header("retry-after"), "5");
            let told = refused.expect(503);
            assert!(text(&told, "detail").contains("being moved to another cell"), "{told}");
            let shown = api.get(&tenant.path("")).by(credential).send().await.expect(200);
            assert_eq!(shown["status"], status);
        }
    }
    // Nothing remembers that it was refused.
    api.execute("UPDATE tenants SET status = 'active' WHERE slug = 'acme'").await;
    let body = json!({"name": "new", "provider": "okta"});
    let call = api.post(&tenant.path("/connections"), body).by(&tenant.owner);
    call.header("idempotency-key", "a").send().await.expect(201);
}

async fn the_last_use_of_a_key_is_noted_to_the_minute(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let last_use = async || {
        let keys = api.get(&tenant.path("/keys")).by(OPERATOR).send().await.expect(200);
        keys["items"][2]["last_used_at"].as_str().map(str::to_owned)
    };
    assert_eq!(last_use().await, None);
    let start = api.clock.now();
    for (seconds, noted) in [(0, 0), (59, 0), (1, 60)] {
        api.clock.advance(Duration::from_secs(seconds));
        api.get(&tenant.path("")).by(&tenant.auditor).send().await.expect(200);
        let noted = start.plus(Duration::from_secs(noted)).to_string();
        assert_eq!(last_use().await, Some(noted), "after {seconds} more seconds");
    }
}
