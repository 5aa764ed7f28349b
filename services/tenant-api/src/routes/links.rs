//! `/tenants/{tenant}/links`: which connection feeds which site, and how.

use axum::Json;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use policy::settings::{GroupSync, LinkSettings, Safety, Schedule, UserSync};
use scim_protocol::schema::ResourceType;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::entity::link;
use store::id::{ConnectionId, LinkId, SiteId};
use store::links::{LinkEdit, NewLink};
use store::{TenantStore, Timestamp};
use utoipa::ToSchema;

use crate::body::{Body, read_part};
use crate::caller::{Access, Admin, Auditor, TenantCaller};
use crate::error::ApiError;
use crate::etag::{IfMatch, etag};
use crate::idempotency::IdempotencyHeader;
use crate::paging::{Page, PageQuery};
use crate::parameters::{LinkPath, PathParameters, QueryParameters, TenantPath};
use crate::refusals::{CreateRefusals, EditRefusals, QueryRefusals, TenantRefusals};
use crate::validation::Problems;

/// A new link. Settings that are absent have their defaults.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateLink {
    /// Where people come from.
    connection_id: ConnectionId,
    /// Where they go.
    site_id: SiteId,
    /// The larger wins where links of one site disagree; 0 when absent.
    #[serde(default)]
    precedence: i32,
    /// Whether it is carried out; true when absent.
    #[serde(default = "enabled")]
    enabled: bool,
    #[schema(value_type = Option<UserSync>)]
    user_sync: Option<Value>,
    #[schema(value_type = Option<GroupSync>)]
    group_sync: Option<Value>,
    #[schema(value_type = Option<Safety>)]
    safety: Option<Value>,
    #[schema(value_type = Option<Schedule>)]
    schedule: Option<Value>,
}

fn enabled() -> bool {
    true
}

/// A change of a link; absent fields stay.
///
/// Settings are merged field by field (RFC 7396): null sets a field back to its default, and a list
/// replaces the whole list.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateLink {
    precedence: Option<i32>,
    enabled: Option<bool>,
    #[schema(value_type = Option<UserSync>)]
    user_sync: Option<Value>,
    #[schema(value_type = Option<GroupSync>)]
    group_sync: Option<Value>,
    #[schema(value_type = Option<Safety>)]
    safety: Option<Value>,
    #[schema(value_type = Option<Schedule>)]
    schedule: Option<Value>,
}

/// Connection to site, with all settings.
#[derive(Debug, Serialize, ToSchema)]
pub struct Link {
    id: LinkId,
    connection_id: ConnectionId,
    site_id: SiteId,
    precedence: i32,
    enabled: bool,
    user_sync: UserSync,
    group_sync: GroupSync,
    safety: Safety,
    schedule: Schedule,
    /// When the next run begins by itself; null when none does.
    next_run_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl TryFrom<link::Model> for Link {
    type Error = ApiError;

    fn try_from(row: link::Model) -> Result<Self, Self::Error> {
        let settings = stored(&row)?;
        Ok(Self {
            id: row.id,
            connection_id: row.connection_id,
            site_id: row.site_id,
            precedence: row.precedence,
            enabled: row.enabled,
            user_sync: settings.user_sync,
            group_sync: settings.group_sync,
            safety: settings.safety,
            schedule: settings.schedule,
            next_run_at: row.next_run_at.filter(|_| row.enabled),
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// The parts of the settings, as sent.
#[derive(Default)]
pub(super) struct Sections {
    pub(super) user_sync: Option<Value>,
    pub(super) group_sync: Option<Value>,
    pub(super) safety: Option<Value>,
    pub(super) schedule: Option<Value>,
}

impl Sections {
    /// These parts merged onto `base`, read and checked; every problem of every part is noted.
    pub(super) fn read(
        self,
        base: LinkSettings,
        user_type: &ResourceType,
        problems: &mut Problems,
    ) -> Option<LinkSettings> {
        let user_sync = section(problems, "user_sync", &base.user_sync, self.user_sync);
        let group_sync = section(problems, "group_sync", &base.group_sync, self.group_sync);
        let safety = section(problems, "safety", &base.safety, self.safety);
        let schedule = section(problems, "schedule", &base.schedule, self.schedule);
        // What could not be read keeps its base here, so that the rest is checked all the same.
        let readable = user_sync.is_some() && group_sync.is_some() && safety.is_some() && schedule.is_some();
        let settings = LinkSettings {
            user_sync: user_sync.unwrap_or(base.user_sync),
            group_sync: group_sync.unwrap_or(base.group_sync),
            safety: safety.unwrap_or(base.safety),
            schedule: schedule.unwrap_or(base.schedule),
        };
        for problem in settings.validate(user_type).err().unwrap_or_default() {
            problems.add(problem.field, problem.problem);
        }
        readable.then_some(settings)
    }
}

fn section<T: Clone + Serialize + DeserializeOwned>(
    problems: &mut Problems,
    field: &str,
    base: &T,
    sent: Option<Value>,
) -> Option<T> {
    let Some(sent) = sent else { return Some(base.clone()) };
    if !sent.is_object() {
        problems.add(field, "must be an object");
        return None;
    }
    problems.storable(field, &sent);
    let mut merged = serde_json::to_value(base).unwrap_or_else(|_| json!({}));
    merge(&mut merged, sent);
    problems.take(read_part(field, merged))
}

/// Merges `patch` into `target` (RFC 7396 §2).
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Value::Object(target) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.shift_remove(&name);
        } else {
            merge(target.entry(name).or_insert(Value::Null), value);
        }
    }
}

/// When the first run after `now` begins by itself.
fn next_run(settings: &LinkSettings, now: Timestamp) -> Option<Timestamp> {
    settings.schedule.next_after(now.0).map(Timestamp)
}

pub(super) fn stored(row: &link::Model) -> Result<LinkSettings, ApiError> {
    serde_json::from_value(row.settings.clone()).map_err(|error| {
        ApiError::Internal(Some(store::Error::Inconsistent(format!("settings of link {}: {error}", row.id))))
    })
}

pub(super) fn to_store(settings: &LinkSettings) -> Result<Value, ApiError> {
    serde_json::to_value(settings)
        .map_err(|error| ApiError::Internal(Some(store::Error::Inconsistent(error.to_string()))))
}

/// Notes references to what is not the tenant's; another tenant's ids are as unknown as any.
async fn check_ends(store: &TenantStore, body: &CreateLink, problems: &mut Problems) -> Result<(), ApiError> {
    match store.connections().get(body.connection_id).await {
        Err(store::Error::NotFound(_)) => problems.add("connection_id", "no such connection"),
        other => drop(other?),
    }
    match store.sites().get(body.site_id).await {
        Err(store::Error::NotFound(_)) => problems.add("site_id", "no such site"),
        other => drop(other?),
    }
    Ok(())
}

/// Link a connection to a site
#[utoipa::path(
    post, path = "/tenants/{tenant}/links", tag = "links", request_body = CreateLink,
    params(TenantPath, IdempotencyHeader),
    responses((status = 201, description = "The new link", body = Link, headers(("ETag" = String))), TenantRefusals, CreateRefusals),
)]
pub(crate) async fn create_link(
    caller: TenantCaller<Admin, Access>,
    Body(body): Body<CreateLink>,
) -> Result<impl IntoResponse, ApiError> {
    let mut problems = Problems::default();
    check_ends(&caller.store, &body, &mut problems).await?;
    let sections = Sections {
        user_sync: body.user_sync,
        group_sync: body.group_sync,
        safety: body.safety,
        schedule: body.schedule,
    };
    let types = caller.store.schema_extensions().resource_types().await?;
    let settings = sections.read(LinkSettings::default(), &types.user, &mut problems);
    problems.check()?;
    let settings = settings.unwrap_or_default();
    let new = NewLink {
        connection_id: body.connection_id,
        site_id: body.site_id,
        precedence: body.precedence,
        enabled: body.enabled,
        settings: to_store(&settings)?,
        next_run_at: next_run(&settings, caller.store.now()),
    };
    let edit = caller.edit().await?;
    let row = edit.store.links().insert(new).await?;
    let detail = json!({
        "connection_id": row.connection_id, "site_id": row.site_id, "precedence": row.precedence,
        "enabled": row.enabled, "settings": row.settings,
    });
    edit.commit("link.create", row.id, Some(detail)).await?;
    Ok((StatusCode::CREATED, etag(row.version), Json(Link::try_from(row)?)))
}

/// List the links
#[utoipa::path(
    get, path = "/tenants/{tenant}/links", tag = "links",
    params(TenantPath, PageQuery),
    responses((status = 200, description = "A page of links", body = Page<Link>), TenantRefusals, QueryRefusals),
)]
pub(crate) async fn list_links(
    caller: TenantCaller<Auditor>,
    QueryParameters(query): QueryParameters<PageQuery>,
) -> Result<Json<Page<Link>>, ApiError> {
    let window = query.window::<LinkId>()?;
    let rows = caller.store.links().list(window.after, window.fetch()).await?;
    let page = window.page(rows, |row| row.id, Link::try_from);
    let items = page.items.into_iter().collect::<Result<_, _>>()?;
    Ok(Json(Page { items, next_cursor: page.next_cursor }))
}

/// Show a link with all its settings
#[utoipa::path(
    get, path = "/tenants/{tenant}/links/{link}", tag = "links",
    params(TenantPath, LinkPath),
    responses((status = 200, description = "The link", body = Link, headers(("ETag" = String))), TenantRefusals),
)]
pub(crate) async fn get_link(
    caller: TenantCaller<Auditor>,
    PathParameters(LinkPath { link: id }): PathParameters<LinkPath>,
) -> Result<impl IntoResponse, ApiError> {
    let row = caller.store.links().get(id).await?;
    Ok((etag(row.version), Json(Link::try_from(row)?)))
}

/// Change a link
///
/// Settings are merged field by field; null sets a field back to its default.
#[utoipa::path(
    patch, path = "/tenants/{tenant}/links/{link}", tag = "links", request_body = UpdateLink,
    params(
        TenantPath,
        LinkPath,
        ("If-Match" = Option<String>, Header, description = "The ETag that the change is based on"),
    ),
    responses((status = 200, description = "The link as it is now", body = Link, headers(("ETag" = String))), TenantRefusals, EditRefusals),
)]
pub(crate) async fn update_link(
    caller: TenantCaller<Admin, Access>,
    PathParameters(LinkPath { link: id }): PathParameters<LinkPath>,
    if_match: IfMatch,
    Body(body): Body<UpdateLink>,
) -> Result<impl IntoResponse, ApiError> {
    let current = caller.store.links().get(id).await?;
    let expected = if_match.expect(current.version)?;
    let mut problems = Problems::default();
    let sections = Sections {
        user_sync: body.user_sync,
        group_sync: body.group_sync,
        safety: body.safety,
        schedule: body.schedule,
    };
    let types = caller.store.schema_extensions().resource_types().await?;
    let settings = sections.read(stored(&current)?, &types.user, &mut problems);
    problems.check()?;
    let settings = settings.unwrap_or_default();
    let next_run_at = Some(next_run(&settings, caller.store.now()));
    let settings = to_store(&settings)?;
    let change = LinkEdit {
        precedence: body.precedence,
        enabled: body.enabled,
        settings: Some(settings),
        next_run_at,
    };
    // The settings were merged onto the version read: an edit in between must not be lost.
    let edit = caller.edit().await?;
    let row = edit.store.links().update(id, expected.or(Some(current.version)), change).await?;
    let (version, before, after) = (row.version, Link::try_from(current)?, Link::try_from(row)?);
    edit.commit_change("link.update", id, json!({}), &before, &after).await?;
    Ok((etag(version), Json(after)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_replaces_lists_and_removes_nulls() {
        let mut target = json!({"a": [1, 2], "b": {"c": 1, "d": 2}, "e": 3});
        merge(&mut target, json!({"a": [3], "b": {"c": null, "f": {"g": null, "h": 1}}, "e": {"i": 1}}));
        assert_eq!(target, json!({"a": [3], "b": {"d": 2, "f": {"h": 1}}, "e": {"i": 1}}));
    }
}
