//! `GET /Users` and `POST /Users/.search` (RFC 7644 §3.4.2, §3.4.3).

use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;
use scim_protocol::filter::Filter;
use scim_protocol::list::list_response;
use scim_protocol::schema;
use serde_json::Value;
use store::entity::user;
use store::id::{GroupId, UserId};
use store::users::UserKey;

use crate::answer::message;
use crate::body::Body;
use crate::caller::Directory;
use crate::error::Failure;
use crate::representation;
use crate::search::{PageCollector, Search, WALK};

/// Lists users.
pub async fn handle(directory: Directory, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let search = Search::from_query(query.as_deref(), &directory.resource_types.user, directory.strictness)?;
    answer(&directory, &search).await
}

/// Lists users by a `SearchRequest`.
pub async fn search(directory: Directory, Body(body): Body) -> Result<Response, Failure> {
    let search = Search::from_request(&body, &directory.resource_types.user, directory.strictness)?;
    answer(&directory, &search).await
}

async fn answer(directory: &Directory, search: &Search) -> Result<Response, Failure> {
    let (mut total, mut page) = select(directory, search).await?;
    if let (0, Some(literal)) = (total, search.with_literal_plus()) {
        (total, page) = select(directory, &literal).await?;
    }
    Ok(message(StatusCode::OK, &list_response(total, search.paging.start_index, page)))
}

/// How many users match, and those of the page as they are shown.
pub(crate) async fn select(directory: &Directory, search: &Search) -> Result<(usize, Vec<Value>), Failure> {
    let (total, rows) = match &search.filter {
        None => everything(directory, search).await?,
        Some(filter) => matching(directory, search, filter).await?,
    };
    let page = represent(directory, &rows, search.projection.wants("groups")).await?;
    Ok((total, page.into_iter().map(|resource| search.projection.apply(resource)).collect()))
}

async fn everything(directory: &Directory, search: &Search) -> Result<(usize, Vec<user::Model>), Failure> {
    let total = usize::try_from(directory.users.count().await?).unwrap_or(usize::MAX);
    if search.paging.count == 0 {
        return Ok((total, Vec::new()));
    }
    let offset = u64::try_from(search.paging.start_index - 1).unwrap_or(u64::MAX);
    let limit = u64::try_from(search.paging.count).unwrap_or(u64::MAX);
    Ok((total, directory.users.page(offset, limit).await?))
}

/// Matches of a filter: from an index when it asks for an equality that one answers, else by walking the
/// directory. Either comes in bounded steps, and only the rows of the page are kept.
async fn matching(
    directory: &Directory,
    search: &Search,
    filter: &Filter,
) -> Result<(usize, Vec<user::Model>), Failure> {
    let key = indexed_equality(filter);
    let reads_groups = filter.mentions("groups");
    let mut collector = PageCollector::new(&search.paging);
    let mut after: Option<UserId> = None;
    loop {
        let rows = match &key {
            Some(key) => directory.users.after_by_key(key, after, WALK).await?,
            None => directory.users.after(after, WALK).await?,
        };
        after = rows.last().map(|row| row.id);
        let is_last = (rows.len() as u64) < WALK;
        let resources = represent(directory, &rows, reads_groups).await?;
        for (row, resource) in rows.into_iter().zip(resources) {
            if filter.matches(&resource, &directory.resource_types.user) {
                collector.push(row);
            }
        }
        if is_last {
            return Ok(collector.finish());
        }
    }
}

/// The most selective equality first: an id beats a name, a name beats a group.
fn indexed_equality(filter: &Filter) -> Option<UserKey> {
    let keys = filter.required_equalities().into_iter().filter_map(|(path, value)| {
        if path.urn.as_ref().is_some_and(|urn| !urn.eq_ignore_ascii_case(schema::USER)) {
            return None;
        }
        // An id that is none of ours matches nothing, and the nil id finds nothing.
        let uuid = || value.parse().unwrap_or(uuid::Uuid::nil());
        let is_value = path.sub_attribute.as_deref().is_none_or(|sub| sub.eq_ignore_ascii_case("value"));
        match (path.attribute.to_ascii_lowercase().as_str(), path.sub_attribute.is_some()) {
            ("id", false) => Some((0, UserKey::Id(UserId(uuid())))),
            ("username", false) => Some((1, UserKey::UserName(value.to_owned()))),
            ("externalid", false) => Some((2, UserKey::ExternalId(value.to_owned()))),
            ("emails", _) if is_value => Some((3, UserKey::Email(value.to_owned()))),
            ("displayname", false) => Some((4, UserKey::DisplayName(value.to_owned()))),
            ("groups", _) if is_value => Some((5, UserKey::Group(GroupId(uuid())))),
            _ => None,
        }
    });
    keys.min_by_key(|(cost, _)| *cost).map(|(_, key)| key)
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
