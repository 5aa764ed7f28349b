//! A tenant from its registration to its first tokens.

use serde_json::json;

use crate::harness::{Api, OPERATOR, text};
use crate::organization::Tenant;

on_both!(
    a_tenant_is_registered_once_and_found_by_id_and_slug,
    a_key_is_shown_once_and_kept_as_a_digest,
    a_connection_says_where_its_provider_sends_requests,
    tokens_are_made_listed_and_revoked,
    a_change_of_a_connection_reaches_the_caches_of_its_tokens,
    the_audit_log_tells_who_did_what_without_secrets,
);

async fn a_tenant_is_registered_once_and_found_by_id_and_slug(api: Api) {
    let body = json!({"slug": "acme", "name": "Acme"});
    let tenant = api.post("/v1/tenants", body.clone()).by(OPERATOR).send().await.expect(201);
    assert_eq!((&tenant["slug"], &tenant["name"]), (&json!("acme"), &json!("Acme")));
    assert_eq!(tenant["status"], "active");
    let id = text(&tenant, "id");
    for named in [id.as_str(), "acme"] {
        let path = format!("/v1/tenants/{named}");
        assert_eq!(api.get(&path).by(OPERATOR).send().await.expect(200), tenant);
    }
    api.post("/v1/tenants", body).by(OPERATOR).send().await.expect(409);
    let bad = json!({"slug": "Acme Inc", "name": " "});
    assert_eq!(api.post("/v1/tenants", bad).by(OPERATOR).send().await.fields(422), ["slug", "name"]);
    api.get("/v1/tenants/nobody").by(OPERATOR).send().await.expect(404);
}

async fn a_key_is_shown_once_and_kept_as_a_digest(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let made = tenant.make(&api, "/keys", json!({"name": "Terraform", "role": "admin"})).await;
    let secret = text(&made, "key");
    assert!(secret.starts_with("rollcall_key_"));
    let list = api.get(&tenant.path("/keys")).by(&tenant.owner).send().await.expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 4);
    assert!(list["items"].as_array().unwrap().iter().all(|key| key.get("key").is_none()), "{list}");
    assert!(!list.to_string().contains(&secret));
    assert!(!api.database_holds(&secret).await);
    assert!(api.database_holds("Terraform").await, "the search finds what is there");

    api.get(&tenant.path("/connections")).by(&secret).send().await.expect(200);
    let path = tenant.path(&format!("/keys/{}", text(&made, "id")));
    for _ in 0..2 {
        api.delete(&path).by(&tenant.owner).send().await.expect(204);
    }
    api.get(&tenant.path("/connections")).by(&secret).send().await.expect(401);
    let list = api.get(&tenant.path("/keys")).by(&tenant.owner).send().await.expect(200);
    assert!(list["items"][3]["revoked_at"].is_string(), "{list}");
}

async fn a_connection_says_where_its_provider_sends_requests(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let body = json!({"name": "IDCS", "provider": "oracle", "method": "scim"});
    let made = tenant.make(&api, "/connections", body).await;
    let id = text(&made, "id");
    assert_eq!(
        made["scim"],
        json!({
            "base_url": format!("https://scim.example.com/rollcall/scim/{id}/v2"),
            "host_name": "https://scim.example.com",
            "base_uri": format!("/rollcall/scim/{id}/v2"),
        })
    );
    assert_eq!(made["status"], "active");
    let shown = api.get(&tenant.path(&format!("/connections/{id}"))).by(&tenant.auditor).send().await;
    assert_eq!(shown.expect(200), made);
    let pull = json!({"name": "Entra", "provider": "entra", "method": "pull"});
    let refused = api.post(&tenant.path("/connections"), pull).by(&tenant.owner).send().await;
    assert_eq!(refused.fields(422), ["method"]);
}

async fn tokens_are_made_listed_and_revoked(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let connection = tenant.connection(&api, "IDCS").await;
    let path = format!("/connections/{connection}/tokens");
    let first = tenant.make(&api, &path, json!({"name": "first"})).await;
    let until = json!({"name": "second", "expires_at": "2026-06-01T12:00:00+02:00"});
    let second = tenant.make(&api, &path, until).await;
    assert_eq!(second["expires_at"], "2026-06-01T10:00:00.000Z");
    let past = json!({"name": "late", "expires_at": "2025-12-31T23:59:59Z"});
    let refused = api.post(&tenant.path(&path), past).by(&tenant.owner).send().await;
    assert_eq!(refused.fields(422), ["expires_at"]);

    let secrets = [text(&first, "token"), text(&second, "token")];
    assert!(secrets.iter().all(|secret| secret.starts_with("rollcall_scim_")));
    assert_ne!(secrets[0], secrets[1]);
    let list = api.get(&tenant.path(&path)).by(&tenant.auditor).send().await.expect(200);
    let names: Vec<_> = list["items"].as_array().unwrap().iter().map(|token| text(token, "name")).collect();
    assert_eq!(names, ["first", "second"]);
    for secret in &secrets {
        assert!(!list.to_string().contains(secret.as_str()));
        assert!(!api.database_holds(secret).await);
    }

    let digest = store::secret::digest(&secrets[0]);
    let valid = async |digest: &[u8]| {
        let row = api.store.find_scim_token(digest).await.unwrap().unwrap();
        row.is_valid(api.clock.now())
    };
    assert!(valid(&digest).await);
    let one = tenant.path(&format!("{path}/{}", text(&first, "id")));
    for _ in 0..2 {
        api.delete(&one).by(&tenant.admin).send().await.expect(204);
    }
    assert!(!valid(&digest).await);
    assert!(valid(&store::secret::digest(&secrets[1])).await, "the other one still opens");
    assert_eq!(*api.revoked.lock().unwrap(), [digest.clone(), digest], "caches are told each time");
    let list = api.get(&tenant.path(&path)).by(&tenant.auditor).send().await.expect(200);
    assert!(list["items"][0]["revoked_at"].is_string() && list["items"][1]["revoked_at"].is_null());
}

async fn a_change_of_a_connection_reaches_the_caches_of_its_tokens(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let connection = tenant.connection(&api, "IDCS").await;
    let path = format!("/connections/{connection}");
    let token = tenant.make(&api, &format!("{path}/tokens"), json!({"name": "first"})).await;
    let body = json!({"status": "paused", "strict": true, "name": "Paused"});
    let edited = api.patch(&tenant.path(&path), body).by(&tenant.admin).send().await.expect(200);
    assert_eq!((&edited["status"], &edited["strict"]), (&json!("paused"), &json!(true)));
    assert_eq!(edited["name"], "Paused");
    let digest = store::secret::digest(&text(&token, "token"));
    assert_eq!(*api.revoked.lock().unwrap(), [digest]);
}

async fn the_audit_log_tells_who_did_what_without_secrets(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let connection = tenant.connection(&api, "IDCS").await;
    let tokens = format!("/connections/{connection}/tokens");
    let token = tenant.make(&api, &tokens, json!({"name": "first"})).await;
    let site = tenant.site(&api, "Jira").await;
    tenant.link(&api, &connection, &site).await;
    let log = api.get(&tenant.path("/audit")).by(&tenant.auditor).send().await.expect(200);
    let entries = log["items"].as_array().unwrap();
    let actions: Vec<_> = entries.iter().map(|entry| text(entry, "action")).collect();
    let keys = ["key.create"; 3];
    let expected = ["link.create", "site.create", "token.create", "connection.create"];
    assert_eq!(actions, [&expected[..], &keys[..], &["tenant.create"]].concat());
    assert!(text(&entries[0], "actor").starts_with("key:"));
    assert_eq!(entries[7]["actor"], "operator");
    assert_eq!(entries[2]["object_id"], token["id"]);
    assert!(!log.to_string().contains("a-token-of-the-site") && !log.to_string().contains("rollcall_"));
}
