//! `POST /.search` at the root: one search over users and groups (RFC 7644 §3.4.3).

use std::cmp::Ordering;

use axum::response::Response;
use http::StatusCode;
use scim_protocol::error::ScimError;
use scim_protocol::list::{Paging, cursor_response, list_response};
use scim_protocol::sort::Sort;
use serde_json::Value;
use store::search::{Match, Position, SortKey, Start};
use uuid::Uuid;

use crate::answer::message;
use crate::body::Body;
use crate::caller::Directory;
use crate::error::Failure;
use crate::routes::groups::list::Groups;
use crate::routes::users::list::Users;
use crate::search::{Collection, Cursor, CursorPage, Found, MAX_CANDIDATES, Page, Request, Search, find};

/// Lists users and groups: users first, or merged in the order that `sortBy` asks for. A type that does not know
/// an attribute of the filter has no match, and one that does not know `sortBy` has no value; what neither
/// type understands is refused.
pub async fn handle(directory: Directory, Body(body): Body) -> Result<Response, Failure> {
    let request = Request::from_body(&body, directory.strictness)?;
    let both = Both::of(&request, &directory)?;
    let list = match request.page("/", &directory)? {
        Page::Index(paging) if both.is_sorted => sorted(&directory, &both, paging).await?,
        Page::Index(paging) => in_turn(&directory, &both, paging).await?,
        Page::Cursor(asked) => by_cursor(&directory, &both, &asked).await?,
    };
    Ok(message(StatusCode::OK, &list))
}

/// What is asked of each type; `None` where it can have no match.
struct Both<'a> {
    users: Option<Search<'a>>,
    groups: Option<Search<'a>>,
    is_sorted: bool,
    is_descending: bool,
}

impl<'a> Both<'a> {
    fn of(request: &Request, directory: &'a Directory) -> Result<Self, Failure> {
        let (user, group) = (&directory.resource_types.user, &directory.resource_types.group);
        let (users, groups) = either(
            request.unsorted(user, directory.strictness),
            request.unsorted(group, directory.strictness),
        )?;
        let (of_users, of_groups) = either(request.sort(user), request.sort(group))?;
        let (of_users, of_groups) = (of_users.flatten(), of_groups.flatten());
        let any = of_users.as_ref().or(of_groups.as_ref());
        Ok(Self {
            is_sorted: any.is_some(),
            is_descending: any.is_some_and(Sort::is_descending),
            users: users.map(|search| Search { sort: of_users, ..search }),
            groups: groups.map(|search| Search { sort: of_groups, ..search }),
        })
    }
}

fn either<T>(
    users: Result<T, Failure>,
    groups: Result<T, Failure>,
) -> Result<(Option<T>, Option<T>), Failure> {
    match (users, groups) {
        (Err(refused), Err(_)) => Err(refused),
        (users, groups) => Ok((users.ok(), groups.ok())),
    }
}

/// Users, and groups where the users end.
async fn in_turn(directory: &Directory, both: &Both<'_>, paging: Paging) -> Result<Value, Failure> {
    let start = |skipped: usize| Start::Offset(u64::try_from(skipped).unwrap_or(u64::MAX));
    let skipped = paging.start_index - 1;
    let users = part::<Users>(directory, both.users.as_ref(), &start(skipped), paging.count, None).await?;
    let mut page = shown::<Users>(directory, both.users.as_ref(), &users.rows).await?;
    let (skipped, count) = (skipped.saturating_sub(users.total), paging.count - page.len());
    let groups = part::<Groups>(directory, both.groups.as_ref(), &start(skipped), count, None).await?;
    page.extend(shown::<Groups>(directory, both.groups.as_ref(), &groups.rows).await?);
    Ok(list_response(users.total.saturating_add(groups.total), paging.start_index, page))
}

/// A page of both types in one order. What comes before it has to be read to know where it begins.
async fn sorted(directory: &Directory, both: &Both<'_>, paging: Paging) -> Result<Value, Failure> {
    let skipped = paging.start_index - 1;
    if skipped > MAX_CANDIDATES {
        return Err(ScimError::too_many(format!(
            "A sorted list of users and groups is read by startIndex as far as {MAX_CANDIDATES}: use cursor, or \
             search /Users and /Groups"
        ))
        .into());
    }
    let limit = if paging.count == 0 { 0 } else { skipped + paging.count };
    let begin = Start::Offset(0);
    let users = part::<Users>(directory, both.users.as_ref(), &begin, limit, None).await?;
    let groups = part::<Groups>(directory, both.groups.as_ref(), &begin, limit, None).await?;
    let total = users.total.saturating_add(groups.total);
    let hits = merged(users.rows, groups.rows, both.is_descending);
    let hits: Vec<Hit> = hits.into_iter().skip(skipped).take(paging.count).collect();
    let (page, _) = show(directory, both, hits).await?;
    Ok(list_response(total, paging.start_index, page))
}

async fn by_cursor(directory: &Directory, both: &Both<'_>, asked: &CursorPage) -> Result<Value, Failure> {
    let known = asked.after.as_ref().map(|_| 0);
    let (mut users, mut groups) = (Found::none(), Found::none());
    if let Some(start) = start::<Users>(both.users.as_ref(), both, asked.after.as_ref()) {
        users = part::<Users>(directory, both.users.as_ref(), &start, asked.count, known).await?;
    }
    if let Some(start) = start::<Groups>(both.groups.as_ref(), both, asked.after.as_ref()) {
        groups = part::<Groups>(directory, both.groups.as_ref(), &start, asked.count, known).await?;
    }
    let total = match &asked.after {
        Some(cursor) => cursor.total,
        None => users.total.saturating_add(groups.total),
    };
    let mut more = users.more || groups.more;
    let mut hits = merged(users.rows, groups.rows, both.is_descending);
    more |= hits.len() > asked.count;
    hits.truncate(asked.count);
    let places: Vec<(bool, Position)> = hits.iter().map(Hit::place).collect();
    let (page, all) = show(directory, both, hits).await?;
    let last = places.into_iter().nth(page.len().wrapping_sub(1)).filter(|_| more || !all);
    let next = last.map(|(is_user, position)| {
        Cursor { total, literal: false, is_user, position }.encode(asked.list, asked.now)
    });
    Ok(cursor_response(total, page, next))
}

/// Where a type goes on after the resource that a cursor names, which may be of the other type; `None` when all
/// of its resources come before. Equal keys are in order of users first, then of creation.
fn start<C: Collection>(
    search: Option<&Search<'_>>,
    both: &Both<'_>,
    after: Option<&Cursor>,
) -> Option<Start> {
    let Some(Cursor { is_user, position, .. }) = after else { return Some(Start::Offset(0)) };
    let lacks_keys = search.is_some_and(|search| search.sort.is_none());
    if lacks_keys && position.key.is_some() {
        // Resources without a value come last, or first.
        return (!both.is_descending).then_some(Start::Offset(0));
    }
    let id = match (*is_user, C::IS_USERS) {
        (true, true) | (false, false) => position.id,
        (true, false) => Uuid::nil(),
        (false, true) => Uuid::max(),
    };
    Some(Start::After(Position { key: position.key.clone(), id }))
}

impl<R> Found<R> {
    fn none() -> Self {
        Self { total: 0, rows: Vec::new(), more: false }
    }
}

async fn part<C: Collection>(
    directory: &Directory,
    search: Option<&Search<'_>>,
    start: &Start,
    limit: usize,
    total: Option<usize>,
) -> Result<Found<C::Row>, Failure> {
    match search {
        Some(search) => find::<C>(directory, search, search.filter.as_ref(), start, limit, total).await,
        None => Ok(Found::none()),
    }
}

async fn shown<C: Collection>(
    directory: &Directory,
    search: Option<&Search<'_>>,
    rows: &[Match<C::Row>],
) -> Result<Vec<Value>, Failure> {
    match search {
        Some(search) => C::show(directory, rows, &search.projection).await,
        None => Ok(Vec::new()),
    }
}

/// A match of either type.
enum Hit {
    User(Match<<Users as Collection>::Row>),
    Group(Match<<Groups as Collection>::Row>),
}

impl Hit {
    fn key(&self) -> Option<&SortKey> {
        match self {
            Self::User(found) => found.key.as_ref(),
            Self::Group(found) => found.key.as_ref(),
        }
    }

    /// Whether it is a user, and its place in the order.
    fn place(&self) -> (bool, Position) {
        let (is_user, id) = match self {
            Self::User(found) => (true, Users::id(&found.row)),
            Self::Group(found) => (false, Groups::id(&found.row)),
        };
        (is_user, Position { key: self.key().cloned(), id })
    }
}

/// Both lists, each in order, in one order; of equal keys the user's comes first.
fn merged(
    users: Vec<Match<<Users as Collection>::Row>>,
    groups: Vec<Match<<Groups as Collection>::Row>>,
    is_descending: bool,
) -> Vec<Hit> {
    let mut hits: Vec<Hit> =
        users.into_iter().map(Hit::User).chain(groups.into_iter().map(Hit::Group)).collect();
    // The sort is stable, and quick on what is two runs in order.
    hits.sort_by(|left, right| {
        let ordering = match (left.key(), right.key()) {
            (Some(left), Some(right)) => left.cmp(right),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        if is_descending { ordering.reverse() } else { ordering }
    });
    hits
}

/// The hits as they are shown, and whether these are all of them: a page ends early where its groups would have
/// too many members.
async fn show(directory: &Directory, both: &Both<'_>, hits: Vec<Hit>) -> Result<(Vec<Value>, bool), Failure> {
    let (mut users, mut groups, mut are_users) = (Vec::new(), Vec::new(), Vec::new());
    for hit in hits {
        are_users.push(matches!(hit, Hit::User(_)));
        match hit {
            Hit::User(found) => users.push(found),
            Hit::Group(found) => groups.push(found),
        }
    }
    let mut users = shown::<Users>(directory, both.users.as_ref(), &users).await?.into_iter();
    let mut groups = shown::<Groups>(directory, both.groups.as_ref(), &groups).await?.into_iter();
    let count = are_users.len();
    let page: Vec<Value> = are_users
        .into_iter()
        .map_while(|is_user| if is_user { users.next() } else { groups.next() })
        .collect();
    let all = page.len() == count;
    Ok((page, all))
}
