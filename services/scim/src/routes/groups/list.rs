//! `GET /Groups` and `POST /Groups/.search` (RFC 7644 §3.4.2, §3.4.3).

use std::collections::{BTreeSet, HashMap};

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
use uuid::Uuid;

use crate::answer::message;
use crate::body::Body;
use crate::caller::Directory;
use crate::error::Failure;
use crate::representation;
use crate::search::{PageCollector, Search, WALK};

/// Members in one page of groups at the most, unless its first group alone has more.
const MAX_MEMBERS: usize = 50_000;

/// Lists groups.
pub async fn handle(directory: Directory, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let search = Search::from_query(query.as_deref(), &directory.resource_types.group, directory.strictness)?;
    answer(&directory, &search).await
}

/// Lists groups by a `SearchRequest`.
pub async fn search(directory: Directory, Body(body): Body) -> Result<Response, Failure> {
    let search = Search::from_request(&body, &directory.resource_types.group, directory.strictness)?;
    answer(&directory, &search).await
}

async fn answer(directory: &Directory, search: &Search) -> Result<Response, Failure> {
    let (mut total, mut page) = select(directory, search).await?;
    if let (0, Some(literal)) = (total, search.with_literal_plus()) {
        (total, page) = select(directory, &literal).await?;
    }
    Ok(message(StatusCode::OK, &list_response(total, search.paging.start_index, page)))
}

/// How many groups match, and those of the page as they are shown.
pub(crate) async fn select(directory: &Directory, search: &Search) -> Result<(usize, Vec<Value>), Failure> {
    let (total, rows) = match &search.filter {
        None => everything(directory, search).await?,
        Some(filter) => matching(directory, search, filter).await?,
    };
    let page = self::page(directory, &rows, search.projection.wants("members")).await?;
    Ok((total, page.into_iter().map(|resource| search.projection.apply(resource)).collect()))
}

async fn everything(directory: &Directory, search: &Search) -> Result<(usize, Vec<group::Model>), Failure> {
    let total = usize::try_from(directory.groups.count().await?).unwrap_or(usize::MAX);
    if search.paging.count == 0 {
        return Ok((total, Vec::new()));
    }
    let offset = u64::try_from(search.paging.start_index - 1).unwrap_or(u64::MAX);
    let limit = u64::try_from(search.paging.count).unwrap_or(u64::MAX);
    Ok((total, directory.groups.page(offset, limit).await?))
}

/// Matches of a filter: from an index when it asks for an equality that one answers, else by walking the
/// directory. Either comes in bounded steps, and only the rows of the page are kept.
async fn matching(
    directory: &Directory,
    search: &Search,
    filter: &Filter,
) -> Result<(usize, Vec<group::Model>), Failure> {
    let key = indexed_equality(filter);
    let needed = Needed::of(filter);
    let mut collector = PageCollector::new(&search.paging);
    let mut after: Option<GroupId> = None;
    loop {
        let rows = match &key {
            Some(key) => directory.groups.after_by_key(key, after, WALK).await?,
            None => directory.groups.after(after, WALK).await?,
        };
        after = rows.last().map(|row| row.id);
        let is_last = (rows.len() as u64) < WALK;
        let ids: Vec<GroupId> = rows.iter().map(|row| row.id).collect();
        let mut some = match &needed {
            Needed::Some(only) => directory.groups.members_of(&ids, Some(only)).await?,
            Needed::All => HashMap::new(),
        };
        for row in rows {
            let members = match &needed {
                Needed::Some(_) => some.remove(&row.id).unwrap_or_default(),
                // One group after the other: together they may be too many.
                Needed::All => directory.groups.members(row.id).await?,
            };
            let resource = representation::group(&row, Some(&members), &directory.base_url);
            if filter.matches(&resource, &directory.resource_types.group) {
                collector.push(row);
            }
        }
        if is_last {
            return Ok(collector.finish());
        }
    }
}

/// Which members decide a filter.
enum Needed {
    /// These, if they are members; none at all when the filter does not speak of members.
    Some(BTreeSet<Uuid>),
    /// All of a group.
    All,
}

impl Needed {
    fn of(filter: &Filter) -> Self {
        match filter.values_asked_of("members") {
            // What is no id of ours is nobody's member.
            Some(values) => Self::Some(values.into_iter().filter_map(|value| value.parse().ok()).collect()),
            None => Self::All,
        }
    }
}

/// The most selective equality first: an id beats a name, a name beats a member.
fn indexed_equality(filter: &Filter) -> Option<GroupKey> {
    let keys = filter.required_equalities().into_iter().filter_map(|(path, value)| {
        if path.urn.as_ref().is_some_and(|urn| !urn.eq_ignore_ascii_case(schema::GROUP)) {
            return None;
        }
        // An id that is none of ours matches nothing, and the nil id finds nothing.
        let uuid = || value.parse().unwrap_or(Uuid::nil());
        let is_value = path.sub_attribute.as_deref().is_none_or(|sub| sub.eq_ignore_ascii_case("value"));
        match (path.attribute.to_ascii_lowercase().as_str(), path.sub_attribute.is_some()) {
            ("id", false) => Some((0, GroupKey::Id(GroupId(uuid())))),
            ("externalid", false) => Some((1, GroupKey::ExternalId(value.to_owned()))),
            ("displayname", false) => Some((2, GroupKey::DisplayName(value.to_owned()))),
            ("members", _) if is_value => Some((3, GroupKey::Member(uuid()))),
            _ => None,
        }
    });
    keys.min_by_key(|(cost, _)| *cost).map(|(_, key)| key)
}

/// The page as resources. It ends early where the members would be too many for one answer, which
/// `itemsPerPage` says; the first group is always in it, so that every client gets on.
async fn page(
    directory: &Directory,
    rows: &[group::Model],
    wants_members: bool,
) -> Result<Vec<Value>, Failure> {
    if !wants_members {
        let resources = rows.iter().map(|row| representation::group(row, None, &directory.base_url));
        return Ok(resources.collect());
    }
    let ids: Vec<GroupId> = rows.iter().map(|row| row.id).collect();
    let counts = directory.groups.member_counts(&ids).await?;
    let mut total = 0_usize;
    let fitting = ids.iter().enumerate().take_while(|(index, id)| {
        total = total.saturating_add(counts.get(*id).copied().unwrap_or(0));
        *index == 0 || total <= MAX_MEMBERS
    });
    let fitting = fitting.count();
    let mut members = directory.groups.members_of(&ids[..fitting], None).await?;
    let resources = rows[..fitting].iter().map(|row| {
        let members = members.remove(&row.id).unwrap_or_default();
        representation::group(row, Some(&members), &directory.base_url)
    });
    Ok(resources.collect())
}
