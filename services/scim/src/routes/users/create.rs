//! `POST /Users` (RFC 7644 §3.3).

use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;
use scim_protocol::resource;
use store::users::UserWrite;

use super::repairs_detail;
use crate::answer;
use crate::body::Body;
use crate::caller::Directory;
use crate::error::Failure;
use crate::representation;
use crate::search::projection;

/// Creates a user.
pub async fn handle(
    directory: Directory,
    RawQuery(query): RawQuery,
    Body(body): Body,
) -> Result<Response, Failure> {
    let projection = projection(query.as_deref(), &directory.resource_types.user)?;
    let (document, repairs) =
        resource::from_request(body, &directory.resource_types.user, directory.strictness)?;
    let write = UserWrite {
        document,
        summary: "Created by the identity provider".into(),
        detail: repairs_detail(&repairs),
    };
    let row = directory.users.insert(write, &directory.context).await?;
    // Nobody can have made a member of a user who was not there.
    let resource = representation::user(&row, &[], &directory.base_url);
    Ok(answer::resource(StatusCode::CREATED, resource, &projection))
}
