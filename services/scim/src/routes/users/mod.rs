//! `/Users`: one file a verb.

pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod patch;
pub mod replace;

use scim_protocol::error::ScimError;
use scim_protocol::projection::Projection;
use serde_json::Value;
use store::entity::user;
use store::id::UserId;

use crate::caller::Directory;
use crate::error::Failure;
use crate::representation;

/// The id in the path. One that is no id of ours is like one that does not exist.
pub(crate) fn id(text: &str) -> Result<UserId, Failure> {
    text.parse().map_err(|_| ScimError::not_found("No such user".to_owned()).into())
}

/// The row as a resource; its groups are read only if the answer shows them.
pub(crate) async fn represent(
    directory: &Directory,
    row: &user::Model,
    projection: &Projection,
) -> Result<Value, Failure> {
    let groups = if projection.wants("groups") {
        directory.users.holding_groups(&[row.id]).await?.remove(&row.id).unwrap_or_default()
    } else {
        Vec::new()
    };
    Ok(representation::user(row, &groups, &directory.base_url))
}

/// What was repaired in the request, for the timeline.
pub(crate) fn repairs_detail(repairs: &[String]) -> Option<Value> {
    (!repairs.is_empty()).then(|| serde_json::json!({ "repaired": repairs }))
}
