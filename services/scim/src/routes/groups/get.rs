//! `GET /Groups/{id}` (RFC 7644 §3.4.1).

use axum::body::Body;
use axum::extract::RawQuery;
use axum::response::{IntoResponse as _, Response};
use futures::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use scim_protocol::error::ScimError;
use scim_protocol::etag;
use scim_protocol::projection::Projection;
use serde_json::{Map, Value};
use store::entity::group;
use store::members::Member;

use super::{id, represent};
use crate::answer;
use crate::caller::Directory;
use crate::error::Failure;
use crate::path::Name;
use crate::representation;
use crate::search::projection;

/// Members read and written at once. A group with more is streamed, so that no answer holds them all.
const MEMBERS_AT_ONCE: usize = 1_000;

/// Returns a group.
pub async fn handle(
    directory: Directory,
    Name(text): Name,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let projection = projection(query.as_deref(), &directory.resource_types.group)?;
    let row = directory
        .groups
        .find(id(&text)?)
        .await?
        .ok_or_else(|| ScimError::not_found("No such group".to_owned()))?;
    // Before the members are read, who may be many.
    if let Some(response) = answer::not_modified(&headers, &etag::weak(row.version)) {
        return Ok(response);
    }
    if !projection.wants("members") {
        let resource = represent(&directory, &row, &projection).await?;
        return Ok(answer::resource(StatusCode::OK, resource, &projection));
    }
    let members = directory.groups.members_after(row.id, None, MEMBERS_AT_ONCE).await?;
    if members.len() < MEMBERS_AT_ONCE {
        let resource = representation::group(&row, Some(&members), &directory.base_url);
        return Ok(answer::resource(StatusCode::OK, resource, &projection));
    }
    Ok(streamed(directory, &row, members, projection))
}

/// The group with its members as the last attribute, read page by page while they are sent.
///
/// Pages are statements of their own: a transaction would be held for as long as the client likes to read.
/// A member that stays is in the answer exactly once; one that comes or goes meanwhile may be in it or not. The
/// entity tag was read before all members, so it never claims to be newer than what is shown.
fn streamed(
    directory: Directory,
    row: &group::Model,
    first: Vec<Member>,
    projection: Projection,
) -> Response {
    let resource = representation::group(row, None, &directory.base_url);
    let headers = answer::headers_of(&resource);
    let mut start = projection.apply(resource).to_string();
    // The object stays open for one attribute more; it has `id` at least, which is always returned.
    start.truncate(start.len() - 1);
    start.push_str(",\"members\":[");
    let group = row.id;
    let pages = pages(directory.groups.clone(), group, first);
    let mut separator = "";
    let texts = pages.map_ok(move |members| {
        let text = elements(&members, &projection, &directory.base_url);
        let text = format!("{separator}{text}");
        separator = ",";
        text
    });
    let body =
        stream::once(async { Ok(start) }).chain(texts).chain(stream::once(async { Ok("]}".to_owned()) }));
    let body = body.inspect_err(move |error: &store::Error| {
        // The answer is cut off, which HTTP shows the client: it is no shorter list.
        tracing::error!(error = error as &dyn std::error::Error, %group, "members could not be read to the end");
    });
    (headers, [(CONTENT_TYPE, "application/scim+json")], Body::from_stream(body)).into_response()
}

/// All members from `first` on, a page at a time.
fn pages(
    groups: store::groups::Groups,
    group: store::id::GroupId,
    first: Vec<Member>,
) -> impl Stream<Item = store::Result<Vec<Member>>> {
    stream::try_unfold(Some(first), move |page| {
        let groups = groups.clone();
        async move {
            let Some(page) = page.filter(|page| !page.is_empty()) else { return Ok(None) };
            let next = match page.last() {
                Some(last) if page.len() >= MEMBERS_AT_ONCE => {
                    Some(groups.members_after(group, Some(last.member_id), MEMBERS_AT_ONCE).await?)
                }
                _ => None,
            };
            Ok(Some((page, next)))
        }
    })
}

/// Members as the elements of a JSON array, without its brackets, cut down to what the answer shows.
fn elements(members: &[Member], projection: &Projection, base_url: &str) -> String {
    let members = representation::members_json(members, base_url);
    let cut = projection.apply(Value::Object(Map::from_iter([("members".to_owned(), members)])));
    let text = cut["members"].to_string();
    text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or_default().to_owned()
}
