//! What a directory calls its users and groups, for lists that know them by their ids.

use std::collections::HashMap;

use store::TenantStore;
use store::id::{ConnectionId, GroupId, UserId};
use uuid::Uuid;

use crate::error::ApiError;

/// `userName`s and `displayName`s by id; whoever the directory has deleted is missing.
pub(super) async fn of(
    store: &TenantStore,
    connection: ConnectionId,
    users: &[UserId],
    groups: &[GroupId],
) -> Result<HashMap<Uuid, String>, ApiError> {
    let mut names = HashMap::with_capacity(users.len() + groups.len());
    for user in store.users(connection).find_all(users).await? {
        let name = user.document.get("userName").and_then(|name| name.as_str());
        names.insert(user.id.0, name.unwrap_or(&user.user_name_folded).to_owned());
    }
    for group in store.groups(connection).find_all(groups).await? {
        names.insert(group.id.0, group.display_name);
    }
    Ok(names)
}
