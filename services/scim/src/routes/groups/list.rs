//! `GET /Groups` and `POST /Groups/.search` (RFC 7644 §3.4.2, §3.4.3).

use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;
use scim_protocol::filter::Filter;
use scim_protocol::list::list_response;
use scim_protocol::schema;
use serde_json::Value;
use store::entity::group;
use store::groups::GroupKey;
use store::id::GroupId;

use crate::answer::message;
use crate::body::Body;
use crate::caller::Directory;
use crate::error::Failure;
use crate::representation;
use crate::search::{PageCollector, Search, WALK};

/// Lists groups.
pub async fn handle(directory: Directory, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let search = Search::from_query(query.as_deref(), schema::group(), directory.strictness)?;
    answer(&directory, &search).await
}

/// Lists groups by a SearchRequest.
pub async fn search(directory: Directory, Body(body): Body) -> Result<Response, Failure> {
    let search = Search::from_request(&body, schema::group(), directory.strictness)?;
    answer(&directory, &search).await
}

async fn answer(directory: &Directory, search: &Search) -> Result<Response, Failure> {
    let (total, page) = match &search.filter {
        None => everything(directory, search).await?,
        Some(filter) => matching(directory, search, filter).await?,
    };
    let page = page.into_iter().map(|resource| search.projection.apply(resource)).collect();
    Ok(message(StatusCode::OK, &list_response(total, search.paging.start_index, page)))
}

async fn everything(directory: &Directory, search: &Search) -> Result<(usize, Vec<Value>), Failure> {
    let total = usize::try_from(directory.groups.count().await?).unwrap_or(usize::MAX);
    if search.paging.count == 0 {
        return Ok((total, Vec::new()));
    }
    let offset = u64::try_from(search.paging.start_index - 1).unwrap_or(u64::MAX);
    let limit = u64::try_from(search.paging.count).unwrap_or(u64::MAX);
    let rows = directory.groups.page(offset, limit).await?;
    let wants_members = search.projection.wants("members");
    Ok((total, represent(directory, &rows, wants_members).await?))
}

/// Matches of a filter: from an index when it asks for an equality that one answers, else by walking the
/// directory in pages.
async fn matching(
    directory: &Directory,
    search: &Search,
    filter: &Filter,
) -> Result<(usize, Vec<Value>), Failure> {
    let wants_members = search.projection.wants("members") || filter.mentions("members");
    let mut collector = PageCollector::new(&search.paging);
    let mut take = |resources: Vec<Value>| {
        for resource in resources {
            if filter.matches(&resource, schema::group()) {
                collector.push(resource);
            }
        }
    };
    if let Some(key) = indexed_equality(filter) {
        let rows = directory.groups.find_by_key(&key).await?;
        take(represent(directory, &rows, wants_members).await?);
    } else {
        let mut after: Option<GroupId> = None;
        loop {
            let rows = directory.groups.after(after, WALK).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.id);
            take(represent(directory, &rows, wants_members).await?);
        }
    }
    Ok(collector.finish())
}

/// The most selective equality first: an id beats a name, a name beats a member.
fn indexed_equality(filter: &Filter) -> Option<GroupKey> {
    let mut keys: Vec<(u8, GroupKey)> = filter
        .required_equalities()
        .into_iter()
        .filter_map(|(path, value)| {
            if path.urn.as_ref().is_some_and(|urn| !urn.eq_ignore_ascii_case(schema::GROUP)) {
                return None;
            }
            let uuid = || value.parse().unwrap_or(uuid::Uuid::nil());
            let sub = path.sub_attribute.as_deref().unwrap_or("value");
            match (path.attribute.to_ascii_lowercase().as_str(), path.sub_attribute.is_some()) {
                // An id that is none of ours matches nothing, and the nil id finds nothing.
                ("id", false) => Some((0, GroupKey::Id(GroupId(uuid())))),
                ("externalid", false) => Some((1, GroupKey::ExternalId(value.to_owned()))),
                ("displayname", false) => Some((2, GroupKey::DisplayName(value.to_owned()))),
                ("members", _) if sub.eq_ignore_ascii_case("value") => Some((3, GroupKey::Member(uuid()))),
                _ => None,
            }
        })
        .collect();
    keys.sort_by_key(|(cost, _)| *cost);
    keys.into_iter().next().map(|(_, key)| key)
}

async fn represent(
    directory: &Directory,
    rows: &[group::Model],
    wants_members: bool,
) -> Result<Vec<Value>, Failure> {
    let mut resources = Vec::with_capacity(rows.len());
    for row in rows {
        let members = if wants_members { Some(directory.groups.members(row.id).await?) } else { None };
        resources.push(representation::group(row, members.as_deref(), &directory.base_url));
    }
    Ok(resources)
}
