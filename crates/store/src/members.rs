//! Members of groups, a row each: a change costs rows for the members that change, whatever the size.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use crate::database::WriteTransaction;
use crate::entity::words::MemberKind;
use crate::error::Result;
use crate::id::{ConnectionId, GroupId, TenantId};
use crate::statement::{IDS_PER_STATEMENT, execute, placeholders, rows, statement};

/// What is asked of a group's members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberDelta {
    /// `add` is the whole list: who is not in it goes.
    pub replaces_all: bool,
    /// Ids to be members.
    pub add: BTreeSet<Uuid>,
    /// Ids not to be members.
    pub remove: BTreeSet<Uuid>,
}

impl MemberDelta {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        !self.replaces_all && self.add.is_empty() && self.remove.is_empty()
    }
}

/// What really changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MemberChanges {
    pub(crate) added: Vec<Member>,
    pub(crate) removed: Vec<Member>,
}

/// A member of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, FromQueryResult)]
pub struct Member {
    /// A user or group of the same directory.
    pub member_id: Uuid,
    /// Which of the two.
    #[sea_orm(from_alias = "kind")]
    pub kind: MemberKind,
}

impl PartialOrd for MemberKind {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for MemberKind {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (*self as u8).cmp(&(*other as u8))
    }
}

/// The group whose members change; its row is locked by the caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GroupScope {
    pub(crate) tenant: TenantId,
    pub(crate) connection: ConnectionId,
    pub(crate) group: GroupId,
}

impl GroupScope {
    fn values(self, ids: &[Uuid]) -> Vec<sea_orm::Value> {
        let mut values = vec![self.tenant.into(), self.connection.into(), self.group.into()];
        values.extend(ids.iter().map(|id| sea_orm::Value::from(*id)));
        values
    }
}

/// Carries out `delta`. Ids in `add` that are neither a user nor a group of the directory come back as
/// the error side, and the transaction is to be dropped.
pub(crate) async fn apply(
    transaction: &WriteTransaction,
    scope: GroupScope,
    delta: &MemberDelta,
) -> Result<std::result::Result<MemberChanges, Vec<Uuid>>> {
    let mut changes = MemberChanges::default();
    let mut add: Vec<Uuid> = delta.add.iter().copied().collect();
    let mut remove: Vec<Uuid> = delta.remove.iter().copied().collect();
    if delta.replaces_all {
        let present: BTreeSet<Uuid> =
            all(&**transaction, scope).await?.into_iter().map(|member| member.member_id).collect();
        remove = present.difference(&delta.add).copied().collect();
        add.retain(|id| !present.contains(id));
    }
    for ids in remove.chunks(IDS_PER_STATEMENT) {
        let sql = format!(
            "DELETE FROM group_members WHERE tenant_id = $1 AND connection_id = $2 AND group_id = $3 \
             AND member_id IN ({}) RETURNING member_id, kind",
            placeholders(4, ids.len()),
        );
        let query = statement(transaction.get_database_backend(), sql, scope.values(ids));
        changes.removed.extend(Member::find_by_statement(query).all(&**transaction).await?);
    }
    let mut unknown = Vec::new();
    for ids in add.chunks(IDS_PER_STATEMENT) {
        let members = resolve(transaction, scope, ids).await?;
        let known: BTreeSet<Uuid> = members.iter().map(|member| member.member_id).collect();
        unknown.extend(ids.iter().filter(|id| !known.contains(id)));
        changes.added.extend(insert(transaction, scope, &members).await?);
    }
    Ok(if unknown.is_empty() { Ok(changes) } else { Err(unknown) })
}

/// Which of `ids` are users or groups of the directory. Their rows are locked against deletion, so that
/// a membership never outlives its member.
async fn resolve(transaction: &WriteTransaction, scope: GroupScope, ids: &[Uuid]) -> Result<Vec<Member>> {
    let backend = transaction.get_database_backend();
    let share = if backend == sea_orm::DatabaseBackend::Postgres { "ORDER BY id FOR KEY SHARE" } else { "" };
    let mut members = Vec::with_capacity(ids.len());
    for (table, kind) in [("users", MemberKind::User), ("groups", MemberKind::Group)] {
        if members.len() == ids.len() {
            break;
        }
        let sql = format!(
            "SELECT id AS member_id FROM {table} WHERE tenant_id = $1 AND connection_id = $2 \
             AND id IN ({}) {share}",
            placeholders(3, ids.len()),
        );
        let mut values = vec![scope.tenant.into(), scope.connection.into()];
        values.extend(ids.iter().map(|id| sea_orm::Value::from(*id)));
        for row in rows(&**transaction, sql, values).await? {
            members.push(Member { member_id: row.try_get("", "member_id")?, kind });
        }
    }
    Ok(members)
}

async fn insert(
    transaction: &WriteTransaction,
    scope: GroupScope,
    members: &[Member],
) -> Result<Vec<Member>> {
    if members.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = members.iter().map(|member| member.member_id).collect();
    let mut values = String::new();
    for (index, member) in members.iter().enumerate() {
        let kind = match member.kind {
            MemberKind::User => "user",
            MemberKind::Group => "group",
        };
        let comma = if index > 0 { "," } else { "" };
        values.push_str(&format!("{comma}($1, $2, $3, ${}, '{kind}')", index + 4));
    }
    let sql = format!(
        "INSERT INTO group_members (tenant_id, connection_id, group_id, member_id, kind) VALUES {values} \
         ON CONFLICT DO NOTHING RETURNING member_id, kind"
    );
    let query = statement(transaction.get_database_backend(), sql, scope.values(&ids));
    Ok(Member::find_by_statement(query).all(&**transaction).await?)
}

/// Removes all members and returns how many they were.
pub(crate) async fn clear(transaction: &WriteTransaction, scope: GroupScope) -> Result<u64> {
    let sql = "DELETE FROM group_members WHERE tenant_id = $1 AND connection_id = $2 AND group_id = $3";
    execute(&**transaction, sql, scope.values(&[])).await
}

/// All members of a group in order of id.
pub(crate) async fn all<C: ConnectionTrait>(connection: &C, scope: GroupScope) -> Result<Vec<Member>> {
    let sql = "SELECT member_id, kind FROM group_members \
        WHERE tenant_id = $1 AND connection_id = $2 AND group_id = $3 ORDER BY member_id";
    let query = statement(connection.get_database_backend(), sql, scope.values(&[]));
    Ok(Member::find_by_statement(query).all(connection).await?)
}
