//! Rows as SCIM resources: the stored document with id, meta and the attributes that are ours to fill.

use scim_protocol::etag;
use serde_json::{Map, Value, json};
use store::clock::Timestamp;
use store::entity::words::MemberKind;
use store::entity::{group, user};
use store::members::Member;
use store::users::HoldingGroup;

/// A user with the groups that hold it. They are changed at the groups, which leaves the user's row and its
/// version alone; so that the entity tag changes with what is shown, it names them by a digest.
pub(crate) fn user(row: &user::Model, groups: &[HoldingGroup], base_url: &str) -> Value {
    let mut resource = fields(&row.document);
    if !groups.is_empty() {
        let groups = groups.iter().map(|group| {
            json!({
                "value": group.group_id,
                "$ref": format!("{base_url}/Groups/{}", group.group_id),
                "display": group.display_name,
                "type": if group.direct == 1 { "direct" } else { "indirect" },
            })
        });
        resource.insert("groups".into(), groups.collect());
    }
    let location = format!("{base_url}/Users/{}", row.id);
    let version = match resource.get("groups") {
        Some(groups) => etag::weak_with(row.version, &groups.to_string()),
        None => etag::weak(row.version),
    };
    let meta = meta("User", row.created_at, row.last_modified_at, &version, &location);
    complete(resource, row.id.to_string(), meta)
}

/// A group with `members`, or without when they were not asked for.
pub(crate) fn group(row: &group::Model, members: Option<&[Member]>, base_url: &str) -> Value {
    let mut resource = fields(&row.document);
    if let Some(members) = members.filter(|members| !members.is_empty()) {
        resource.insert("members".into(), members_json(members, base_url));
    }
    let location = format!("{base_url}/Groups/{}", row.id);
    let meta = meta("Group", row.created_at, row.last_modified_at, &etag::weak(row.version), &location);
    complete(resource, row.id.to_string(), meta)
}

/// Members as the `members` attribute; `$ref` and `type` are ours to fill.
pub(crate) fn members_json(members: &[Member], base_url: &str) -> Value {
    let members = members.iter().map(|member| {
        let (kind, endpoint) = match member.kind {
            MemberKind::User => ("User", "Users"),
            MemberKind::Group => ("Group", "Groups"),
        };
        json!({
            "value": member.member_id,
            "$ref": format!("{base_url}/{endpoint}/{}", member.member_id),
            "type": kind,
        })
    });
    members.collect()
}

fn fields(document: &Value) -> Map<String, Value> {
    document.as_object().cloned().unwrap_or_default()
}

/// Puts `schemas` and `id` first and `meta` last, as people expect to read it.
fn complete(mut fields: Map<String, Value>, id: String, meta: Value) -> Value {
    let mut resource = Map::with_capacity(fields.len() + 2);
    if let Some(schemas) = fields.remove("schemas") {
        resource.insert("schemas".into(), schemas);
    }
    resource.insert("id".into(), Value::String(id));
    resource.extend(fields);
    resource.insert("meta".into(), meta);
    Value::Object(resource)
}

fn meta(kind: &str, created: Timestamp, modified: Timestamp, version: &str, location: &str) -> Value {
    json!({
        "resourceType": kind,
        "created": created,
        "lastModified": modified,
        "location": location,
        "version": version,
    })
}
