//! `GET /Groups` and `POST /Groups/.search` (RFC 7644 §3.4.2, §3.4.3).

use axum::extract::RawQuery;
use axum::response::Response;
use scim_protocol::filter::Filter;
use scim_protocol::projection::Projection;
use scim_protocol::schema::ResourceType;
use serde_json::Value;
use store::entity::group;
use store::id::GroupId;
use store::search::{Match, Query};
use uuid::Uuid;

use crate::body::Body;
use crate::caller::Directory;
use crate::error::Failure;
use crate::representation;
use crate::search::{Collection, Request, answer};

/// Members in one page of groups at the most, unless its first group alone has more.
const MAX_MEMBERS: usize = 50_000;

/// Lists groups.
pub async fn handle(directory: Directory, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let request = Request::from_query(query.as_deref(), directory.strictness);
    answer::<Groups>(&directory, &request).await
}

/// Lists groups by a `SearchRequest`.
pub async fn search(directory: Directory, Body(body): Body) -> Result<Response, Failure> {
    let request = Request::from_body(&body, directory.strictness)?;
    answer::<Groups>(&directory, &request).await
}

/// The groups of a directory.
#[derive(Debug)]
pub(crate) struct Groups;

impl Collection for Groups {
    const ENDPOINT: &'static str = "/Groups";
    const IS_USERS: bool = false;
    type Row = group::Model;

    fn resource_type(directory: &Directory) -> &ResourceType {
        &directory.resource_types.group
    }

    fn id(row: &Self::Row) -> Uuid {
        row.id.0
    }

    fn search<'d>(
        directory: &'d Directory,
        query: &Query<'_>,
        _: &Projection,
    ) -> store::search::Search<'d, Self::Row> {
        directory.groups.search(query)
    }

    async fn matching(
        directory: &Directory,
        candidates: Vec<Match<Self::Row>>,
        filter: &Filter,
    ) -> Result<Vec<Match<Self::Row>>, Failure> {
        let reads_members = filter.mentions("members");
        let mut matches = Vec::new();
        for candidate in candidates {
            // One group after the other: together their members may be too many.
            let members =
                if reads_members { directory.groups.members(candidate.row.id).await? } else { Vec::new() };
            let resource = representation::group(&candidate.row, Some(&members), &directory.base_url);
            if filter.matches(&resource, &directory.resource_types.group) {
                matches.push(candidate);
            }
        }
        Ok(matches)
    }

    async fn show(
        directory: &Directory,
        rows: &[Match<Self::Row>],
        projection: &Projection,
    ) -> Result<Vec<Value>, Failure> {
        let resources = page(directory, rows, projection.wants("members")).await?;
        Ok(resources.into_iter().map(|resource| projection.apply(resource)).collect())
    }
}

/// The page as resources. It ends early where the members would be too many for one answer, which
/// `itemsPerPage` says; the first group is always in it, so that every client gets on.
async fn page(
    directory: &Directory,
    rows: &[Match<group::Model>],
    wants_members: bool,
) -> Result<Vec<Value>, Failure> {
    if !wants_members {
        let resources = rows.iter().map(|found| representation::group(&found.row, None, &directory.base_url));
        return Ok(resources.collect());
    }
    let ids: Vec<GroupId> = rows.iter().map(|found| found.row.id).collect();
    let counts = directory.groups.member_counts(&ids).await?;
    let mut total = 0_usize;
    let fitting = ids.iter().enumerate().take_while(|(index, id)| {
        total = total.saturating_add(counts.get(*id).copied().unwrap_or(0));
        *index == 0 || total <= MAX_MEMBERS
    });
    let fitting = fitting.count();
    let mut members = directory.groups.members_of(&ids[..fitting]).await?;
    let resources = rows[..fitting].iter().map(|Match { row, .. }| {
        let members = members.remove(&row.id).unwrap_or_default();
        representation::group(row, Some(&members), &directory.base_url)
    });
    Ok(resources.collect())
}
