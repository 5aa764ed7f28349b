//! `GET /Users` and `POST /Users/.search` (RFC 7644 §3.4.2, §3.4.3).

use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;
use scim_protocol::filter::Filter;
use scim_protocol::list::list_response;
use scim_protocol::projection::Projection;
use scim_protocol::schema;
use serde_json::Value;
use store::entity::user;
use store::id::UserId;
use store::users::UserKey;

use crate::answer::message;
use crate::body::Body;
use crate::caller::Directory;
use crate::error::Failure;
use crate::representation;
use crate::search::{PageCollector, Search, WALK};

/// Lists users.
pub async fn handle(directory: Directory, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let search = Search::from_query(query.as_deref(), schema::user(), directory.strictness)?;
    answer(&directory, &search).await
}

/// Lists users by a SearchRequest.
pub async fn search(directory: Directory, Body(body): Body) -> Result<Response, Failure> {
    let search = Search::from_request(&body, schema::user(), directory.strictness)?;
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
    let total = usize::try_from(directory.users.count().await?).unwrap_or(usize::MAX);
    if search.paging.count == 0 {
        return Ok((total, Vec::new()));
    }
    let offset = u64::try_from(search.paging.start_index - 1).unwrap_or(u64::MAX);
    let limit = u64::try_from(search.paging.count).unwrap_or(u64::MAX);
    let rows = directory.users.page(offset, limit).await?;
    let wants_groups = search.projection.wants("groups");
    Ok((total, represent(directory, &rows, wants_groups).await?))
}

/// Matches of a filter: from an index when it asks for an equality that one answers, else by walking the
/// directory in pages.
async fn matching(
    directory: &Directory,
    search: &Search,
    filter: &Filter,
) -> Result<(usize, Vec<Value>), Failure> {
    let wants_groups = needs_groups(filter, &search.projection);
    let mut collector = PageCollector::new(&search.paging);
    let mut take = |resources: Vec<Value>| {
        for resource in resources {
            if filter.matches(&resource, schema::user()) {
                collector.push(resource);
            }
        }
    };
    if let Some(key) = indexed_equality(filter) {
        let rows = directory.users.find_by_key(&key).await?;
        take(represent(directory, &rows, wants_groups).await?);
    } else {
        let mut after: Option<UserId> = None;
        loop {
            let rows = directory.users.after(after, WALK).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.id);
            take(represent(directory, &rows, wants_groups).await?);
        }
    }
    Ok(collector.finish())
}

fn needs_groups(filter: &Filter, projection: &Projection) -> bool {
    projection.wants("groups") || filter.mentions("groups")
}

fn indexed_equality(filter: &Filter) -> Option<UserKey> {
    filter.required_equalities().into_iter().find_map(|(path, value)| {
        if path.urn.as_ref().is_some_and(|urn| !urn.eq_ignore_ascii_case(schema::USER))
            || path.sub_attribute.is_some()
        {
            return None;
        }
        match path.attribute.to_ascii_lowercase().as_str() {
            // An id that is none of ours matches nothing, and the nil id finds nothing.
            "id" => Some(UserKey::Id(value.parse().unwrap_or(UserId(uuid::Uuid::nil())))),
            "username" => Some(UserKey::UserName(value.to_owned())),
            "externalid" => Some(UserKey::ExternalId(value.to_owned())),
            "displayname" => Some(UserKey::DisplayName(value.to_owned())),
            _ => None,
        }
    })
}

async fn represent(
    directory: &Directory,
    rows: &[user::Model],
    wants_groups: bool,
) -> Result<Vec<Value>, Failure> {
    let mut holding = if wants_groups {
        let ids: Vec<UserId> = rows.iter().map(|row| row.id).collect();
        directory.users.holding_groups(&ids).await?
    } else {
        std::collections::HashMap::new()
    };
    let resources = rows.iter().map(|row| {
        let groups = holding.remove(&row.id).unwrap_or_default();
        representation::user(row, &groups, &directory.base_url)
    });
    Ok(resources.collect())
}
