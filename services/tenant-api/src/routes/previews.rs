//! `…/links/{link}/preview`: settings tried on real users and groups before they are saved.

use axum::Json;
use axum::extract::State;
use policy::group::{DirectoryGroup, Mapping};
use policy::settings::{GroupSync, UserSync};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::TenantStore;
use store::entity::link;
use store::id::{GroupId, LinkId, UserId};
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::{Auditor, People, TenantCaller};
use crate::error::ApiError;
use crate::idempotency::IdempotencyHeader;
use crate::paging::{Page, PageQuery};
use crate::parameters::{LinkPath, LinkUserPath, PathParameters, QueryParameters, TenantPath};
use crate::refusals::{CreateRefusals, TenantRefusals};
use crate::routes::links::{Sections, stored, to_store};
use crate::state::ApiState;
use crate::validation::Problems;

/// Group settings to try; merged onto those of the link.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewGroups {
    #[schema(value_type = Option<GroupSync>)]
    group_sync: Option<Value>,
}

/// What becomes of a directory group.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreviewedGroup {
    id: GroupId,
    display_name: String,
    /// The site groups that its members belong into.
    site_groups: Vec<String>,
    /// Why it does not reach the site; null when it does.
    excluded: Option<String>,
}

/// User settings to try; merged onto those of the link.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewUser {
    #[schema(value_type = Option<UserSync>)]
    user_sync: Option<Value>,
}

/// What becomes of a directory user.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreviewedUser {
    user_id: UserId,
    /// Whether `user_sync.scope` lets it through.
    in_scope: bool,
    /// Whether the directory has it as an active one.
    active: bool,
    username: Option<String>,
    display_name: Option<String>,
    email: Option<String>,
    /// What an expression fails to make, by attribute.
    problems: Vec<String>,
}

/// The link as it would be with these settings.
async fn tried(store: &TenantStore, id: LinkId, sections: Sections) -> Result<link::Model, ApiError> {
    let mut link = store.links().get(id).await?;
    let mut problems = Problems::default();
    let types = store.schema_extensions().resource_types().await?;
    let settings = sections.read(stored(&link)?, &types.user, &mut problems);
    problems.check()?;
    link.settings = to_store(&settings.unwrap_or_default())?;
    Ok(link)
}

/// Show what becomes of the directory's groups
///
/// With the link's settings, or with others before they are saved. Nothing is changed.
#[utoipa::path(
    post, path = "/tenants/{tenant}/links/{link}/preview/groups", tag = "links", request_body = Option<PreviewGroups>,
    params(TenantPath, LinkPath, PageQuery, IdempotencyHeader),
    responses((status = 200, description = "A page of groups", body = Page<PreviewedGroup>), TenantRefusals, CreateRefusals),
)]
pub(crate) async fn preview_groups(
    caller: TenantCaller<Auditor, People>,
    State(state): State<ApiState>,
    PathParameters(LinkPath { link: id }): PathParameters<LinkPath>,
    QueryParameters(query): QueryParameters<PageQuery>,
    Body(body): Body<PreviewGroups>,
) -> Result<Json<Page<PreviewedGroup>>, ApiError> {
    let window = query.window::<GroupId>()?;
    let sections = Sections { group_sync: body.group_sync, ..Sections::default() };
    let link = tried(&caller.store, id, sections).await?;
    let rows = caller.store.groups(link.connection_id).after(window.after, window.fetch()).await?;
    let page = window.page(rows, |row| row.id, |row| (row.id, row.display_name));
    let groups =
        page.items.iter().map(|(id, name)| DirectoryGroup { id: id.0, name: name.clone() }).collect();
    let mapped = state.rules.map_groups(caller.store.clone(), link, groups).await?;
    let previewed = page.items.into_iter().zip(mapped).map(|((id, display_name), mapping)| match mapping {
        Mapping::Mapped { site_groups } => PreviewedGroup { id, display_name, site_groups, excluded: None },
        Mapping::Excluded { reason } => {
            PreviewedGroup { id, display_name, site_groups: Vec::new(), excluded: Some(reason) }
        }
    });
    Ok(Json(Page { items: previewed.collect(), next_cursor: page.next_cursor }))
}

/// Show what becomes of a user
///
/// With the link's settings, or with others before they are saved: whether it is in scope, and what its account would be
/// called. Nothing is changed.
#[utoipa::path(
    post, path = "/tenants/{tenant}/links/{link}/preview/users/{user}", tag = "links", request_body = Option<PreviewUser>,
    params(TenantPath, LinkUserPath, IdempotencyHeader),
    responses((status = 200, description = "The user as the link sees it", body = PreviewedUser), TenantRefusals, CreateRefusals),
)]
pub(crate) async fn preview_user(
    caller: TenantCaller<Auditor, People>,
    State(state): State<ApiState>,
    PathParameters(LinkUserPath { link: id, user }): PathParameters<LinkUserPath>,
    Body(body): Body<PreviewUser>,
) -> Result<Json<PreviewedUser>, ApiError> {
    let store = &caller.store;
    let sections = Sections { user_sync: body.user_sync, ..Sections::default() };
    let link = tried(store, id, sections).await?;
    let read = state.rules.read_user(store.clone(), link, user).await?;
    let read = read.ok_or(ApiError::NotFound("user of the link's connection"))?;
    Ok(Json(PreviewedUser {
        user_id: user,
        in_scope: read.in_scope,
        active: read.active,
        username: Some(read.user_name).filter(|name| !name.is_empty()),
        display_name: Some(read.display_name).filter(|name| !name.is_empty()),
        email: read.email,
        problems: read.problems.iter().map(ToString::to_string).collect(),
    }))
}
