//! Refusals in SCIM's form (RFC 7644 section 3.12), lists, and how users and groups are shown.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    AtlassianCloud, BASE_PATH, scim,
    site::{ScimDirectory, group_id, membership},
};
use crate::installation::{
    authentication::LoggedIn,
    directory::{Account, Group, fold},
    request::{BadParameter, Parameters},
};

pub(super) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(super) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(super) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub(super) const ATLASSIAN: &str = "urn:scim:schemas:extension:atlassian-external:1.0";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// How many a list shows unless it is asked for fewer.
const PAGE_DEFAULT: usize = 100;
/// Every resource is of one age.
const CREATED: &str = "2026-01-01T00:00:00.000000Z";

/// What a refused request is answered.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    kind: Option<&'static str>,
    detail: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, kind: Option<&'static str>, detail: impl Into<String>) -> Self {
        Self { status, kind, detail: detail.into() }
    }

    pub(super) fn uniqueness(detail: &str) -> Self {
        Self::new(StatusCode::CONFLICT, Some("uniqueness"), detail)
    }

    pub(super) fn invalid_value(detail: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Some("invalidValue"), detail)
    }

    pub(super) fn invalid_syntax(detail: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Some("invalidSyntax"), detail)
    }

    pub(super) fn invalid_path(path: Option<&str>) -> Self {
        let detail = format!("Path {} is not supported with this operation", path.unwrap_or("(none)"));
        Self::new(StatusCode::BAD_REQUEST, Some("invalidPath"), detail)
    }

    pub(super) fn not_found(what: &str, id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, None, format!("Resource [{what}]: with id[{id}] not found."))
    }
}

impl From<BadParameter> for Refusal {
    fn from(bad: BadParameter) -> Self {
        Self::invalid_value(&bad.0)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status.as_u16().to_string();
        let mut body = json!({ "schemas": [ERROR], "status": status, "detail": self.detail });
        if let Some(kind) = self.kind {
            body["scimType"] = json!(kind);
        }
        scim(self.status, &body)
    }
}

/// A user whole, as every call shows it.
pub(super) fn user(site: &ScimDirectory, account: &Account) -> Value {
    let id = &account.key;
    let groups = site.directory.groups.values();
    let groups = groups.filter(|group| group.members.contains(&fold(&account.name)));
    let groups = groups.filter(|group| site.is_listed(&membership(id, &group_id(group))));
    let shown = |group: &Group| json!({ "type": "GROUP", "value": group_id(group), "display": group.name });
    let mut document = site.document(id);
    // Whoever was made or changed behind the client's back has another address than was once written.
    let written = document.get("emails").and_then(Value::as_array).is_some_and(|emails| {
        emails.iter().any(|email| email["value"] == json!(account.email) && email["primary"] == json!(true))
    });
    if !written {
        document.insert(
            "emails".to_owned(),
            json!([{ "value": account.email, "type": "work", "primary": true }]),
        );
    }
    let mut body = json!({
        "schemas": [ATLASSIAN, USER, ENTERPRISE],
        "id": id,
        "userName": account.name,
        "displayName": account.display_name,
        "active": account.active,
        "groups": groups.map(shown).collect::<Vec<_>>(),
        "meta": meta(site, "User", id),
    });
    // The account behind the user is found some time after the user was made.
    if site.is_listed(id) {
        body[ATLASSIAN] = json!({ "atlassianAccountId": format!("712020:{id}") });
    }
    for (name, value) in document {
        body[name] = value;
    }
    body
}

/// A group; `whole` with its members.
pub(super) fn group(site: &ScimDirectory, group: &Group, whole: bool) -> Value {
    let id = group_id(group);
    let mut body =
        json!({ "schemas": [GROUP], "id": id, "displayName": group.name, "meta": meta(site, "Group", &id) });
    if whole {
        let shown =
            |account: &Account| json!({ "type": "User", "value": account.key, "display": account.email });
        body["members"] = site.directory.members_of(group).map(shown).collect();
    }
    body
}

fn meta(site: &ScimDirectory, kind: &str, id: &str) -> Value {
    let location = format!("{}/{kind}s/{id}", site.directory.base_url);
    json!({ "resourceType": kind, "location": location, "created": CREATED, "lastModified": CREATED })
}

/// The value of a filter of the one form that is known: `attribute eq "value"`.
pub(super) fn equal<'a>(
    parameters: &'a Parameters,
    attributes: &[&str],
) -> Result<Option<(String, String)>, Refusal> {
    let Some(filter) = parameters.get("filter") else { return Ok(None) };
    let parsed: Option<(&'a str, String)> = filter.split_once(" eq ").and_then(|(attribute, value)| {
        let value: String = serde_json::from_str(value).ok()?;
        attributes.contains(&attribute).then_some((attribute, value))
    });
    let Some((attribute, value)) = parsed else {
        let detail = format!("The filter {filter} is not supported");
        return Err(Refusal::new(StatusCode::BAD_REQUEST, Some("invalidFilter"), detail));
    };
    Ok(Some((attribute.to_owned(), value)))
}

/// The part of a list that was asked for; `startIndex` counts from 1.
pub(super) fn part(parameters: &Parameters, all: Vec<Value>) -> Result<Response, Refusal> {
    let start = parameters.count("startIndex", 1)?.max(1);
    let count = parameters.count("count", PAGE_DEFAULT)?.min(PAGE_DEFAULT);
    let total = all.len();
    let resources: Vec<Value> = all.into_iter().skip(start - 1).take(count).collect();
    let body = json!({
        "schemas": [LIST],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    });
    Ok(scim(StatusCode::OK, &body))
}

/// `GET /ServiceProviderConfig`.
pub(super) async fn service_provider_config(State(_): State<AtlassianCloud>, _: LoggedIn) -> Response {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": PAGE_DEFAULT },
        "changePassword": { "supported": false },
        "sort": { "supported": false },
        "etag": { "supported": false },
        "authenticationSchemes": [{ "type": "oauthbearertoken", "name": "API key", "description": "Bearer" }],
        "meta": { "resourceType": "ServiceProviderConfig", "location": format!("{BASE_PATH}/ServiceProviderConfig") },
    });
    scim(StatusCode::OK, &body)
}
