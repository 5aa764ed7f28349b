//! The groups that hold a user.

use std::collections::HashMap;

use sea_orm::{DatabaseBackend, FromQueryResult, QueryResult};
use uuid::Uuid;

use super::Users;
use crate::entity::user;
use crate::error::Result;
use crate::id::{GroupId, UserId};
use crate::statement::{IDS_PER_STATEMENT, placeholders, statement};

/// A group that holds a user.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct HoldingGroup {
    /// The user held.
    pub user_id: UserId,
    /// The group.
    pub group_id: GroupId,
    /// Its display name.
    pub display_name: String,
    /// 1 for a direct member, 0 for one through nested groups only.
    pub direct: i32,
}

/// A user that was found, with the groups that hold it where they could be read along.
#[derive(Clone, Debug)]
pub struct FoundUser {
    /// The user.
    pub row: user::Model,
    /// The groups; `None` where they are still to be read by [`Users::holding_groups`].
    pub groups: Option<Vec<HoldingGroup>>,
}

impl FromQueryResult for FoundUser {
    fn from_query_result(row: &QueryResult, prefix: &str) -> std::result::Result<Self, sea_orm::DbErr> {
        let user = user::Model::from_query_result(row, prefix)?;
        let groups: Option<String> = row.try_get(prefix, DIRECT_GROUPS)?;
        let groups = groups.map(|text| direct_groups(user.id, &text)).transpose()?;
        Ok(Self { row: user, groups })
    }
}

const DIRECT_GROUPS: &str = "direct_groups";

/// What stands beside a user's columns where its groups are not asked for.
pub(super) const NO_GROUPS: &str = ", CAST(NULL AS text) AS direct_groups";

/// What stands there where they are: most directories have no group within another, and there the direct ones
/// are all. Else it is null. `$1` is the tenant, `$2` the connection.
///
/// The name as a subquery keeps PostgreSQL from reading every group for a hash join.
pub(super) fn with_groups(backend: DatabaseBackend) -> &'static str {
    if backend == DatabaseBackend::Postgres {
        ", CASE WHEN EXISTS (SELECT 1 FROM group_members n \
             WHERE n.tenant_id = $1 AND n.connection_id = $2 AND n.kind = 'group') THEN NULL \
           ELSE (SELECT COALESCE(CAST(json_agg(json_build_array(m.group_id, ( \
               SELECT g.display_name FROM groups g \
               WHERE g.tenant_id = $1 AND g.connection_id = $2 AND g.id = m.group_id))) AS text), '[]') \
             FROM group_members m \
             WHERE m.tenant_id = $1 AND m.connection_id = $2 AND m.member_id = r.id) END AS direct_groups"
    } else {
        ", CASE WHEN EXISTS (SELECT 1 FROM group_members n \
             WHERE n.tenant_id = $1 AND n.connection_id = $2 AND n.kind = 'group') THEN NULL \
           ELSE (SELECT json_group_array(json_array(hex(m.group_id), ( \
               SELECT g.display_name FROM groups g \
               WHERE g.tenant_id = $1 AND g.connection_id = $2 AND g.id = m.group_id))) \
             FROM group_members m \
             WHERE m.tenant_id = $1 AND m.connection_id = $2 AND m.member_id = r.id) END AS direct_groups"
    }
}

fn direct_groups(user_id: UserId, text: &str) -> std::result::Result<Vec<HoldingGroup>, sea_orm::DbErr> {
    // A group that was deleted a moment ago has no name any more.
    let groups: Vec<(Uuid, Option<String>)> =
        serde_json::from_str(text).map_err(|error| sea_orm::DbErr::Json(error.to_string()))?;
    let mut groups: Vec<HoldingGroup> = groups
        .into_iter()
        .filter_map(|(id, name)| {
            Some(HoldingGroup { user_id, group_id: GroupId(id), display_name: name?, direct: 1 })
        })
        .collect();
    groups.sort_unstable_by_key(|group| group.group_id);
    Ok(groups)
}

impl Users {
    /// The groups that hold each of `users`, directly or through nested groups.
    pub async fn holding_groups(&self, users: &[UserId]) -> Result<HashMap<UserId, Vec<HoldingGroup>>> {
        let mut holding: HashMap<UserId, Vec<HoldingGroup>> = HashMap::new();
        for ids in users.chunks(IDS_PER_STATEMENT) {
            let mut values = vec![self.tenant.id.into(), self.connection.into()];
            values.extend(ids.iter().map(|id| sea_orm::Value::from(*id)));
            // UNION drops pairs seen before, so that groups which contain each other come to an end. CROSS
            // JOIN keeps SQLite from turning the join round, which would read every membership there is; the
            // name as a subquery keeps PostgreSQL from reading every group for a hash join.
            let sql = format!(
                "WITH RECURSIVE above (user_id, group_id, direct) AS ( \
                   SELECT m.member_id, m.group_id, 1 FROM group_members m \
                   WHERE m.tenant_id = $1 AND m.connection_id = $2 AND m.member_id IN ({}) \
                   UNION \
                   SELECT above.user_id, m.group_id, 0 FROM above CROSS JOIN group_members m \
                   WHERE m.tenant_id = $1 AND m.connection_id = $2 AND m.member_id = above.group_id \
                   AND m.kind = 'group') \
                 SELECT pair.user_id, pair.group_id, pair.direct, ( \
                   SELECT g.display_name FROM groups g \
                   WHERE g.tenant_id = $1 AND g.connection_id = $2 AND g.id = pair.group_id) AS display_name \
                 FROM (SELECT user_id, group_id, MAX(direct) AS direct FROM above GROUP BY user_id, group_id) pair \
                 ORDER BY pair.user_id, pair.group_id",
                placeholders(3, ids.len()),
            );
            let query = statement(self.tenant.store.backend(), sql, values);
            let found = HoldingGroup::find_by_statement(query).all(&self.tenant.store.reader()).await?;
            for group in found {
                holding.entry(group.user_id).or_default().push(group);
            }
        }
        Ok(holding)
    }
}
