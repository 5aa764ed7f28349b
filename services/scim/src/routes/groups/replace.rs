//! `PUT /Groups/{id}` (RFC 7644 §3.5.1).

use axum::extract::RawQuery;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use scim_protocol::error::ScimError;
use scim_protocol::{etag, patch, resource};
use store::groups::{GroupWrite, MemberRequest, Reads, Refusal};

use super::{check_plain, delta, id, represent, unknown_members};
use crate::answer::{self, if_match};
use crate::body::Body;
use crate::caller::Directory;
use crate::error::Failure;
use crate::path::Name;
use crate::routes::users::repairs_detail;
use crate::search::projection;

/// Replaces a group. A body that does not speak of `members` leaves them as they are, which RFC 7644
/// §3.5.1 allows ("not asserted"); only `members: []` says that the group is to be empty (see
/// [`patch::Unclear`]).
pub async fn handle(
    directory: Directory,
    Name(text): Name,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Body(mut body): Body,
) -> Result<Response, Failure> {
    let projection = projection(query.as_deref(), &directory.resource_types.group)?;
    let precondition = if_match(&headers);
    let strictness = directory.strictness;
    let (members, said) = patch::take_members(&mut body, strictness)?;
    let asked = patch::fold_members(&members.into_iter().collect::<Vec<_>>());
    let unclear = asked.unclear;
    let asked = delta(asked);
    let request = MemberRequest {
        named: asked.add.clone(),
        whole_list: true,
        unknown: unknown_members(strictness),
        reads: if unclear.is_some() { Reads::WhetherAny } else { Reads::Nothing },
    };
    let modified = directory
        .groups
        .modify(id(&text)?, &directory.context, &request, |before| {
            etag::if_match(precondition.as_deref(), &etag::weak(before.row.version))?;
            let group = &directory.resource_types.group;
            let (document, more) = resource::replace(&before.row.document, body.clone(), group, strictness)?;
            check_plain(unclear, &before, &asked)?;
            let repairs: Vec<String> = said.iter().cloned().chain(more).collect();
            Ok::<_, Refusal<ScimError>>(GroupWrite {
                document,
                members: asked.clone(),
                summary: "Replaced by the identity provider".into(),
                detail: repairs_detail(&repairs),
            })
        })
        .await?;
    let resource = represent(&directory, &modified.row, &projection).await?;
    Ok(answer::resource(StatusCode::OK, resource, &projection))
}
