//! `POST /.search` at the root: one search over users and groups (RFC 7644 §3.4.3).

use axum::response::Response;
use http::StatusCode;
use scim_protocol::list::{Paging, list_response};

use crate::answer::message;
use crate::body::Body;
use crate::caller::Directory;
use crate::error::Failure;
use crate::routes::{groups, users};
use crate::search::Search;

/// Lists users, then groups. A type that does not know an attribute of the filter has no match; a filter that
/// neither type understands is refused.
pub async fn handle(directory: Directory, Body(body): Body) -> Result<Response, Failure> {
    let of_users = Search::from_request(&body, &directory.resource_types.user, directory.strictness);
    let of_groups = Search::from_request(&body, &directory.resource_types.group, directory.strictness);
    let (of_users, of_groups) = match (of_users, of_groups) {
        (Err(refused), Err(_)) => return Err(refused),
        (of_users, of_groups) => (of_users.ok(), of_groups.ok()),
    };
    let mut start_index = 1;
    let (mut total, mut page) = (0, Vec::new());
    if let Some(search) = of_users {
        start_index = search.paging.start_index;
        (total, page) = users::list::select(&directory, &search).await?;
    }
    if let Some(mut search) = of_groups {
        let asked = search.paging;
        start_index = asked.start_index;
        // Groups go on where the users end.
        search.paging = Paging {
            start_index: asked.start_index.saturating_sub(total).max(1),
            count: asked.count.saturating_sub(page.len()),
        };
        let (groups, found) = groups::list::select(&directory, &search).await?;
        total += groups;
        page.extend(found);
    }
    Ok(message(StatusCode::OK, &list_response(total, start_index, page)))
}
