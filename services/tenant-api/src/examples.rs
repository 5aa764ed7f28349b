//! An example of every body, for the document and its page. The suite sends each of them.

use serde_json::{Value, json};
use utoipa::openapi::path::Operation;
use utoipa::openapi::{OpenApi, PathItem, RefOr};

/// An id as examples have it: a UUIDv7 that nobody has.
const ID: &str = "01940000-7000-7000-8000-000000000000";

/// The body of an operation; `None` for one that takes none.
pub fn body(operation_id: &str) -> Option<Value> {
    Some(match operation_id {
        "create_tenant" => json!({"slug": "acme", "name": "Acme Inc."}),
        "update_tenant" => json!({"name": "Acme International", "status": "active"}),
        "break_glass" => {
            json!({"reason": "Ada Lovelace, ticket 4711: memberships missing since noon", "minutes": 60})
        }
        "create_key" => json!({"name": "CI", "role": "admin", "expires_at": "2027-01-31T00:00:00Z"}),
        "replace_sign_in" => json!({
            "issuer": "https://idcs-acme.identity.oraclecloud.com", "token_issuer": "https://identity.oraclecloud.com/",
            "client_id": "rollcall", "client_secret": "as the provider shows it",
            "claim": "groups", "roles": [{"value": "Rollcall Admins", "role": "admin"}],
        }),
        "start_sign_in" => json!({"tenant": "acme"}),
        "finish_sign_in" => json!({"pending": "as the beginning gave it", "state": "…", "code": "…"}),
        "create_connection" => json!({"name": "Corporate IDCS", "provider": "oracle"}),
        "update_connection" => json!({"status": "paused"}),
        "create_token" => json!({"name": "2026-12", "expires_at": "2027-12-01T00:00:00Z"}),
        "create_setup_link" => json!({"hours": 24}),
        "create_site" => json!({
            "name": "Jira", "product": "jira-data-center", "base_url": "https://jira.example.com",
            "credentials": {"type": "bearer", "token": "a personal access token"},
        }),
        "update_site" => json!({"credentials": {"type": "bearer", "token": "a new personal access token"}}),
        "create_link" => json!({
            "connection_id": ID, "site_id": ID, "enabled": false,
            "user_sync": {"scope": "userType ne \"Contractor\""}, "group_sync": {"include": ["^jira-"]},
        }),
        "update_link" => json!({
            "group_sync": {"rename": [{"pattern": "^SG-(.+)$", "replace": "$1"}]}, "safety": {"max_deactivations": 5},
        }),
        "create_schema" => json!({
            "resource_type": "user",
            "definition": {"id": "urn:acme:schemas:badge", "attributes": [{"name": "level", "type": "integer"}]},
        }),
        "replace_schema" => json!({
            "definition": {"id": "urn:acme:schemas:badge", "attributes": [{"name": "level", "type": "integer"}]},
        }),
        "preview_groups" => json!({"group_sync": {"exclude": ["-test$"]}}),
        "preview_user" => {
            json!({"user_sync": {"attributes": {"username": "user.userName | split('@') | first"}}})
        }
        "create_plan" => json!({"user_sync": {"on_deprovision": "strip_groups"}, "limit": 100}),
        "create_run" => json!({}),
        "approve_held" | "reject_held" => json!({"object_ids": [ID]}),
        "confirm_conflicts" => json!({"user_ids": [ID]}),
        "answer_conflict" => json!({"answer": "another_person", "username": "ada2"}),
        "relink_user" => json!({"account_id": ID, "take_over": true}),
        "split_user" => json!({"username": "ada2"}),
        "merge_accounts" => json!({"from": ID}),
        _ => return None,
    })
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete].into_iter().flatten()
}

/// Puts the examples into the document.
pub(crate) fn illustrate(document: &mut OpenApi) {
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        let example = operation.operation_id.as_deref().and_then(body);
        if let Some(RefOr::T(body)) = &mut operation.request_body {
            for content in body.content.values_mut() {
                if let RefOr::T(content) = content {
                    content.example.clone_from(&example);
                }
            }
        }
    }
}
