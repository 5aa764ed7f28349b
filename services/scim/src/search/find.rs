//! Running a search over users or over groups, and the page that answers it.

use std::future::Future;

use axum::response::Response;
use http::StatusCode;
use scim_protocol::error::ScimError;
use scim_protocol::filter::Filter;
use scim_protocol::list::{cursor_response, list_response};
use scim_protocol::projection::Projection;
use scim_protocol::schema::ResourceType;

use serde_json::Value;
use store::search::{FromQueryResult, Match, Position, Query, Start};
use uuid::Uuid;

use super::cursor::Cursor;
use super::{Page, Request, Search};
use crate::answer::message;
use crate::caller::Directory;
use crate::error::Failure;

/// Resources that are compared in memory for one request at the most, where the database cannot compare
/// them, and resources that a sorted page at the root may lie behind.
pub(crate) const MAX_CANDIDATES: usize = 10_000;

/// Users or groups.
pub(crate) trait Collection {
    /// The path below the base URL.
    const ENDPOINT: &'static str;
    /// Whether they are users.
    const IS_USERS: bool;
    /// A row of one of them.
    type Row: FromQueryResult + Send + Sync;

    fn resource_type(directory: &Directory) -> &ResourceType;

    fn id(row: &Self::Row) -> Uuid;

    /// A search for rows that are to be shown by `projection`.
    fn search<'d>(
        directory: &'d Directory,
        query: &Query<'_>,
        projection: &Projection,
    ) -> store::search::Search<'d, Self::Row>;

    /// Those of the candidates that match.
    fn matching(
        directory: &Directory,
        candidates: Vec<Match<Self::Row>>,
        filter: &Filter,
    ) -> impl Future<Output = Result<Vec<Match<Self::Row>>, Failure>> + Send;

    /// Rows as they are shown: all of them, or the first ones where all would be too large an answer.
    fn show(
        directory: &Directory,
        rows: &[Match<Self::Row>],
        projection: &Projection,
    ) -> impl Future<Output = Result<Vec<Value>, Failure>> + Send;
}

/// Matches of a search from some place on.
#[derive(Debug)]
pub(crate) struct Found<R> {
    /// How many there are in all.
    pub(crate) total: usize,
    pub(crate) rows: Vec<Match<R>>,
    /// Whether there are more after these.
    pub(crate) more: bool,
}

/// The first `limit` matches of `filter` from `start` on. Where they are all that there is, or the total is
/// known, that is one statement: what identity providers look up has no second page.
pub(crate) async fn find<C: Collection>(
    directory: &Directory,
    search: &Search<'_>,
    filter: Option<&Filter>,
    start: &Start,
    limit: usize,
    total: Option<usize>,
) -> Result<Found<C::Row>, Failure> {
    let query = Query { filter, sort: search.sort.as_ref(), base_url: &directory.base_url };
    let prepared = C::search(directory, &query, &search.projection);
    if let Start::After(position) = start
        && !prepared.has(position)
    {
        return Err(ScimError::invalid_cursor("The cursor is of another order").into());
    }
    if let (Some(filter), false) = (filter, prepared.inexact().is_empty()) {
        let (start, offset) = match start {
            Start::Offset(offset) => (&Start::Offset(0), usize::try_from(*offset).unwrap_or(usize::MAX)),
            after @ Start::After(_) => (after, 0),
        };
        let candidates = prepared.page(start, as_u64(MAX_CANDIDATES + 1)).await?;
        if candidates.len() > MAX_CANDIDATES {
            return Err(too_many(prepared.inexact()).into());
        }
        let matches = C::matching(directory, candidates, filter).await?;
        let total = total.unwrap_or(matches.len());
        let mut rows: Vec<_> = matches.into_iter().skip(offset).collect();
        let more = rows.len() > limit;
        rows.truncate(limit);
        return Ok(Found { total, rows, more });
    }
    let mut rows =
        if limit == 0 { Vec::new() } else { prepared.page(start, as_u64(limit.saturating_add(1))).await? };
    let more = rows.len() > limit;
    rows.truncate(limit);
    let total = match (total, start) {
        (Some(total), _) => total,
        (None, Start::Offset(offset)) if limit > 0 && !more && (*offset == 0 || !rows.is_empty()) => {
            usize::try_from(*offset).unwrap_or(usize::MAX).saturating_add(rows.len())
        }
        _ => usize::try_from(prepared.count().await?).unwrap_or(usize::MAX),
    };
    Ok(Found { total, rows, more })
}

fn as_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn too_many(attributes: &[String]) -> ScimError {
    ScimError::too_many(format!(
        "The filter compares {}, which no index answers, and leaves more than {MAX_CANDIDATES} resources to be \
         compared one by one: add a comparison of another attribute, joined by and",
        attributes.join(", ")
    ))
}

/// The list that a request asks for.
pub(crate) async fn answer<C: Collection>(
    directory: &Directory,
    request: &Request,
) -> Result<Response, Failure> {
    let search = request.search(C::resource_type(directory), directory.strictness)?;
    let list = match request.page(C::ENDPOINT, directory)? {
        Page::Index(paging) => {
            let start = Start::Offset(as_u64(paging.start_index - 1));
            let (filter, count) = (search.filter.as_ref(), paging.count);
            let mut found = find::<C>(directory, &search, filter, &start, count, None).await?;
            if let (0, Some(literal)) = (found.total, &search.literal) {
                found = find::<C>(directory, &search, Some(literal), &start, count, None).await?;
            }
            let shown = C::show(directory, &found.rows, &search.projection).await?;
            list_response(found.total, paging.start_index, shown)
        }
        Page::Cursor(asked) => {
            let (start, total) = match &asked.after {
                Some(cursor) => (Start::After(cursor.position.clone()), Some(cursor.total)),
                None => (Start::Offset(0), None),
            };
            let mut literal = asked.after.as_ref().is_some_and(|cursor| cursor.literal);
            let filter = if literal { &search.literal } else { &search.filter };
            let mut found =
                find::<C>(directory, &search, filter.as_ref(), &start, asked.count, total).await?;
            if let (0, None, Some(other)) = (found.total, total, &search.literal) {
                literal = true;
                found = find::<C>(directory, &search, Some(other), &start, asked.count, total).await?;
            }
            let shown = C::show(directory, &found.rows, &search.projection).await?;
            let goes_on = found.more || shown.len() < found.rows.len();
            let last = found.rows.get(shown.len().wrapping_sub(1)).filter(|_| goes_on);
            let next = last.map(|last| {
                let position = Position { key: last.key.clone(), id: C::id(&last.row) };
                let cursor = Cursor { total: found.total, literal, is_user: C::IS_USERS, position };
                cursor.encode(asked.list, asked.now)
            });
            cursor_response(found.total, shown, next)
        }
    };
    Ok(message(StatusCode::OK, &list))
}
