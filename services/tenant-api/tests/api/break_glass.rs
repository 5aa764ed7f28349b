//! What the operator may see and do in a tenant, with and without breaking glass.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Answer, Api, OPERATOR, text};
use crate::organization::{Organization, Tenant};
use crate::routes::{Operation, is_done_once, operations, valid_body};

on_both!(
    the_operator_sees_nobody_and_opens_no_door_without_breaking_glass,
    breaking_glass_has_a_reason_and_an_end_and_is_told,
    the_operator_sets_a_tenant_up_until_somebody_has_come_in,
);

/// What shows people, or what was done for whom and by whom.
const PEOPLE: &[&str] = &[
    "list_audit",
    "list_requests",
    "plan_site",
    "preview_groups",
    "preview_user",
    "create_plan",
    "list_results_of_link",
    "list_results",
    "list_held",
    "approve_held",
    "reject_held",
    "list_conflicts",
    "get_conflict",
    "answer_conflict",
    "confirm_conflicts",
    "list_accounts",
    "get_account",
    "relink_user",
    "merge_accounts",
    "split_user",
    "list_users",
    "get_user",
    "list_user_timeline",
    "explain_user",
    "sync_user",
    "list_groups",
    "get_group",
    "list_group_timeline",
    "list_parked_members",
];

/// What lets somebody in, or lets out what a tenant holds.
const ACCESS: &[&str] = &[
    "create_key",
    "create_token",
    "create_setup_link",
    "replace_sign_in",
    "delete_sign_in",
    "create_site",
    "update_site",
    "create_link",
    "update_link",
];

/// What shows how a tenant is set up and fares, or harms nobody who should be let in.
const CONFIGURATION: &[&str] = &[
    "get_tenant",
    "update_tenant",
    "list_break_glass",
    "break_glass",
    "close_break_glass",
    "list_keys",
    "revoke_key",
    "get_sign_in",
    "list_connections",
    "create_connection",
    "get_connection",
    "update_connection",
    "list_setup_links",
    "revoke_setup_link",
    "list_tokens",
    "revoke_token",
    "list_sites",
    "get_site",
    "test_site",
    "run_site",
    "list_links",
    "get_link",
    "list_schemas",
    "create_schema",
    "get_schema",
    "replace_schema",
    "delete_schema",
    "list_runs",
    "create_run",
    "get_run_of_link",
    "cancel_run",
    "watch_run",
    "get_run",
];

async fn call(api: &Api, operation: &Operation, own: &Organization) -> Answer {
    let mut call = api.call(&operation.method, &operation.path_of(own, &|_| own)).by(OPERATOR);
    if let Some(body) = valid_body(&operation.id, own, "glass") {
        call = call.json(body);
    }
    call.send().await
}

async fn the_operator_sees_nobody_and_opens_no_door_without_breaking_glass(api: Api) {
    let mut own = Organization::at_work(&api, "acme").await;
    let before = own.tenant.changes(&api).await;
    let in_tenant: Vec<Operation> =
        operations().into_iter().filter(|operation| operation.path.starts_with("/v1/tenants/{")).collect();
    let known: BTreeSet<&str> = [PEOPLE, ACCESS, CONFIGURATION].concat().into_iter().collect();
    let there: BTreeSet<&str> = in_tenant.iter().map(|operation| operation.id.as_str()).collect();
    assert_eq!(there, known, "each operation is about one thing or another");

    let behind: Vec<&Operation> = in_tenant
        .iter()
        .filter(|operation| !CONFIGURATION.contains(&operation.id.as_str()) && !is_done_once(&operation.id))
        .collect();
    for operation in &behind {
        let refused = call(&api, operation, &own).await;
        assert!(text(&refused.expect(403), "detail").contains("behind broken glass"), "{}", operation.id);
    }
    assert_eq!(own.tenant.changes(&api).await, before, "nothing was done");

    let opened = own.tenant.break_glass(&api).await;
    let used = api.tenant(&own.tenant.id).audit().list(None, 1000).await.unwrap().len();
    let mut looked = 0;
    for operation in &behind {
        if operation.id == "create_link" {
            own.connection = own.tenant.connection(&api, "Another").await;
        }
        let answer = call(&api, operation, &own).await;
        assert!(answer.status.is_success(), "{}: {answer:?}", operation.id);
        looked += 1;
    }
    let entries = api.tenant(&own.tenant.id).audit().list(None, 1000).await.unwrap();
    let looks: Vec<_> = entries.iter().filter(|entry| entry.action == "break_glass.use").collect();
    assert_eq!(looks.len(), looked, "each look is noted");
    assert!(entries.len() > used + looked, "and so is what was changed");
    assert!(looks.iter().all(|entry| entry.actor == "operator" && entry.object_id == opened));
    let path = own.tenant.path(&format!("/users/{}", own.user)).replace("acme", &own.tenant.id);
    let told = json!({"method": "GET", "path": path});
    assert!(looks.iter().any(|entry| entry.detail.as_ref() == Some(&told)), "{looks:?}");
}

async fn breaking_glass_has_a_reason_and_an_end_and_is_told(api: Api) {
    let own = Organization::at_work(&api, "acme").await;
    let (tenant, other) = (&own.tenant, Organization::at_work(&api, "zenith").await);
    let people = tenant.path(&format!("/users?connection_id={}", own.connection));
    let path = tenant.path("/break-glass");
    for (body, field) in [
        (json!({}), "."),
        (json!({"reason": " "}), "reason"),
        (json!({"reason": "x", "minutes": 0}), "minutes"),
        (json!({"reason": "x", "minutes": 481}), "minutes"),
    ] {
        assert_eq!(api.post(&path, body).by(OPERATOR).send().await.fields(422), [field]);
    }
    for credential in [&tenant.owner, &tenant.admin] {
        api.post(&path, json!({"reason": "x"})).by(credential).send().await.expect(403);
    }
    api.get(&people).by(OPERATOR).send().await.expect(403);

    // It ends by itself, opens one tenant, and is told to everybody of that.
    let body = json!({"reason": "A. Operator, ticket 42", "minutes": 5});
    let opened = api.post(&path, body).by(OPERATOR).send().await.expect(201);
    assert_eq!(opened["open"], true);
    assert_eq!(opened["expires_at"], "2026-01-01T00:05:00.000Z");
    for _ in 0..3 {
        api.get(&people).by(OPERATOR).send().await.expect(200);
    }
    let looks = async || {
        let entries = api.tenant(&tenant.id).audit().list(None, 1000).await.unwrap();
        entries.iter().filter(|entry| entry.action == "break_glass.use").count()
    };
    assert_eq!(looks().await, 1, "the same look is noted once a minute");
    let elsewhere = other.tenant.path(&format!("/users?connection_id={}", other.connection));
    api.get(&elsewhere).by(OPERATOR).send().await.expect(403);
    api.clock.advance(Duration::from_mins(5));
    api.get(&people).by(OPERATOR).send().await.expect(403);
    let told = api.get(&path).by(&tenant.auditor).send().await.expect(200);
    assert_eq!((&told["items"][1]["id"], &told["items"][1]["open"]), (&opened["id"], &json!(false)));
    let audit = api.get(&tenant.path("/audit")).by(&tenant.auditor).send().await.expect(200);
    let entries: Vec<&Value> = audit["items"].as_array().unwrap().iter().collect();
    let broken = entries.iter().find(|entry| entry["action"] == "break_glass.open").unwrap();
    assert_eq!(broken["detail"]["reason"], "A. Operator, ticket 42");
    assert_eq!(broken["actor"], "operator");

    // The tenant's owner may end it, and nobody below.
    let opened = tenant.break_glass(&api).await;
    api.get(&people).by(OPERATOR).send().await.expect(200);
    let end = format!("{path}/{opened}");
    api.delete(&end).by(&tenant.admin).send().await.expect(403);
    api.delete(&end).by(&tenant.owner).send().await.expect(204);
    api.delete(&end).by(&tenant.owner).send().await.expect(204);
    api.get(&people).by(OPERATOR).send().await.expect(403);
}

async fn the_operator_sets_a_tenant_up_until_somebody_has_come_in(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let keys = tenant.path("/keys");
    let body = json!({"name": "another", "role": "auditor"});
    api.post(&keys, body.clone()).by(OPERATOR).send().await.expect(201);
    api.get(&tenant.path("/audit")).by(OPERATOR).send().await.expect(403);
    api.get(&tenant.path("/connections")).by(&tenant.auditor).send().await.expect(200);
    api.post(&keys, body.clone()).by(OPERATOR).send().await.expect(403);
    // Somebody who lost their keys is helped, and sees it.
    tenant.break_glass(&api).await;
    api.post(&keys, body).by(OPERATOR).send().await.expect(201);
}
