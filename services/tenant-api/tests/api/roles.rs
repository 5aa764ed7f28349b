//! Which role each operation asks for.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::{Api, OPERATOR, text};
use crate::organization::Organization;
use crate::routes::{Operation, is_done_once, is_of_session, is_public, operations, valid_body};

on_both!(
    each_operation_asks_for_its_role_and_no_more,
    an_owner_makes_keys_and_an_admin_may_not,
    a_key_of_one_tenant_is_no_operator,
);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Auditor,
    Admin,
    Owner,
    Operator,
}

use Role::{Admin, Auditor, Operator, Owner};

/// The least role of every operation but those that are about the credential that was sent, which any may use.
const LEAST: &[(&str, Role)] = &[
    ("list_tenants", Operator),
    ("create_tenant", Operator),
    ("get_tenant", Auditor),
    ("update_tenant", Operator),
    ("list_break_glass", Auditor),
    ("break_glass", Operator),
    ("close_break_glass", Owner),
    ("list_keys", Owner),
    ("create_key", Owner),
    ("revoke_key", Owner),
    ("get_sign_in", Auditor),
    ("replace_sign_in", Owner),
    ("delete_sign_in", Owner),
    ("list_connections", Auditor),
    ("create_connection", Admin),
    ("get_connection", Auditor),
    ("update_connection", Admin),
    ("list_requests", Auditor),
    ("list_setup_links", Auditor),
    ("create_setup_link", Admin),
    ("revoke_setup_link", Admin),
    ("list_tokens", Auditor),
    ("create_token", Admin),
    ("revoke_token", Admin),
    ("list_sites", Auditor),
    ("create_site", Admin),
    ("get_site", Auditor),
    ("update_site", Admin),
    ("test_site", Admin),
    ("plan_site", Admin),
    ("run_site", Admin),
    ("list_links", Auditor),
    ("create_link", Admin),
    ("get_link", Auditor),
    ("update_link", Admin),
    ("list_schemas", Auditor),
    ("create_schema", Admin),
    ("get_schema", Auditor),
    ("replace_schema", Admin),
    ("delete_schema", Admin),
    ("preview_groups", Auditor),
    ("preview_user", Auditor),
    ("create_plan", Admin),
    ("list_runs", Auditor),
    ("create_run", Admin),
    ("get_run_of_link", Auditor),
    ("list_results_of_link", Auditor),
    ("cancel_run", Admin),
    ("watch_run", Auditor),
    ("get_run", Auditor),
    ("list_results", Auditor),
    ("list_held", Auditor),
    ("approve_held", Admin),
    ("reject_held", Admin),
    ("list_conflicts", Auditor),
    ("get_conflict", Auditor),
    ("answer_conflict", Admin),
    ("confirm_conflicts", Admin),
    ("list_accounts", Auditor),
    ("get_account", Auditor),
    ("relink_user", Admin),
    ("merge_accounts", Admin),
    ("split_user", Admin),
    ("list_users", Auditor),
    ("get_user", Auditor),
    ("list_user_timeline", Auditor),
    ("explain_user", Auditor),
    ("sync_user", Admin),
    ("list_groups", Auditor),
    ("get_group", Auditor),
    ("list_group_timeline", Auditor),
    ("list_parked_members", Auditor),
    ("list_audit", Auditor),
];

async fn each_operation_asks_for_its_role_and_no_more(api: Api) {
    let least: BTreeMap<&str, Role> = LEAST.iter().copied().collect();
    let mut organization = Organization::at_work(&api, "acme").await;
    let tenant = &organization.tenant.clone();
    let callers = [
        (Auditor, tenant.auditor.as_str()),
        (Admin, &tenant.admin),
        (Owner, &tenant.owner),
        (Operator, OPERATOR),
    ];
    tenant.break_glass(&api).await;
    let mut seen = 0;
    // What revokes comes last, so that everything is there when it is asked for.
    let (deletes, others): (Vec<Operation>, Vec<Operation>) =
        operations().into_iter().partition(|operation| operation.method == "delete");
    for operation in others.iter().chain(&deletes) {
        if matches!(operation.id.as_str(), "create_access_token" | "create_session" | "who_am_i")
            || is_public(&operation.id)
            || is_of_session(&operation.id)
        {
            continue;
        }
        let least = least.get(operation.id.as_str());
        let least = *least.unwrap_or_else(|| panic!("{} has no role in this table", operation.id));
        seen += 1;
        for (role, credential) in callers {
            if operation.id == "delete_schema" {
                // What is removed is gone, unlike what is revoked.
                let body = valid_body("create_schema", &organization, &format!("for-{role:?}")).unwrap();
                organization.schema = text(&tenant.make(&api, "/schemas", body).await, "id");
            }
            if operation.id == "delete_sign_in" {
                organization.let_people_sign_in(&api).await;
            }
            if is_done_once(&operation.id) {
                organization.meet_another(&api).await;
            }
            let path = operation.path_of(&organization, &|_| &organization);
            let mut call = api.call(&operation.method, &path).by(credential);
            if let Some(mut body) = valid_body(&operation.id, &organization, &format!("{role:?}")) {
                if operation.id == "create_link" {
                    // A pair is linked once.
                    body["connection_id"] = json!(tenant.connection(&api, "Another").await);
                }
                call = call.json(body);
            }
            let answer = call.send().await;
            if role >= least {
                assert!(answer.status.is_success(), "{} by {role:?}: {answer:?}", operation.id);
            } else {
                assert_eq!(answer.status, 403, "{} by {role:?}", operation.id);
            }
        }
    }
    assert_eq!(seen, LEAST.len(), "every row of the table is an operation");
}

async fn an_owner_makes_keys_and_an_admin_may_not(api: Api) {
    let organization = Organization::at_work(&api, "acme").await;
    let tenant = &organization.tenant;
    let path = tenant.path("/keys");
    for role in ["owner", "admin", "auditor"] {
        let body = json!({"name": "new", "role": role});
        api.post(&path, body.clone()).by(&tenant.owner).send().await.expect(201);
        for credential in [&tenant.admin, &tenant.auditor] {
            api.post(&path, body.clone()).by(credential).send().await.expect(403);
        }
    }
    let operator = json!({"name": "new", "role": "operator"});
    assert_eq!(api.post(&path, operator).by(&tenant.owner).send().await.fields(422), ["role"]);
    let audit = api.get(&tenant.path("/audit")).by(&tenant.auditor).send().await.expect(200);
    let made = audit["items"].as_array().unwrap().iter().filter(|entry| entry["action"] == "key.create");
    assert_eq!(made.count(), 4 + 3, "what was refused left no trace");
}

async fn a_key_of_one_tenant_is_no_operator(api: Api) {
    let organization = Organization::at_work(&api, "acme").await;
    let before: Value = api.get("/v1/tenants").by(OPERATOR).send().await.expect(200);
    api.get("/v1/tenants").by(&organization.tenant.owner).send().await.expect(403);
    let body = json!({"slug": "mine", "name": "Mine"});
    api.post("/v1/tenants", body).by(&organization.tenant.owner).send().await.expect(403);
    assert_eq!(api.get("/v1/tenants").by(OPERATOR).send().await.expect(200), before);
}
