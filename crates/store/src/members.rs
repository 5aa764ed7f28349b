//! Members of groups, a row each: a change costs rows for the members that change, whatever the size.

use std::collections::{BTreeSet, HashMap};

use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::database::WriteTransaction;
use crate::entity::words::MemberKind;
use crate::error::Result;
use crate::id::{ConnectionId, GroupId, TenantId};
use crate::statement::{IDS_PER_STATEMENT, execute, for_update, placeholders, rows, statement};

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
    let rows = members.iter().zip(4..).map(|(member, number)| {
        let kind = match member.kind {
            MemberKind::User => "user",
            MemberKind::Group => "group",
        };
        format!("($1, $2, $3, ${number}, '{kind}')")
    });
    let sql = format!(
        "INSERT INTO group_members (tenant_id, connection_id, group_id, member_id, kind) VALUES {} \
         ON CONFLICT DO NOTHING RETURNING member_id, kind",
        rows.collect::<Vec<_>>().join(",")
    );
    let query = statement(transaction.get_database_backend(), sql, scope.values(&ids));
    Ok(Member::find_by_statement(query).all(&**transaction).await?)
}

/// Removes all members and returns how many they were.
pub(crate) async fn clear(transaction: &WriteTransaction, scope: GroupScope) -> Result<u64> {
    let sql = "DELETE FROM group_members WHERE tenant_id = $1 AND connection_id = $2 AND group_id = $3";
    execute(&**transaction, sql, scope.values(&[])).await
}

/// A user or group as a member of others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Membership {
    pub(crate) tenant: TenantId,
    pub(crate) connection: ConnectionId,
    pub(crate) member: Uuid,
}

/// Takes a user or group out of all groups that hold it, because it is being deleted, and moves their
/// versions. The groups are locked in the order of their ids, so that two deletions wait instead of
/// deadlocking.
pub(crate) async fn withdraw(
    transaction: &WriteTransaction,
    membership: Membership,
    now: Timestamp,
) -> Result<()> {
    let backend = transaction.get_database_backend();
    let Membership { tenant, connection, member } = membership;
    let values: Vec<sea_orm::Value> = vec![tenant.into(), connection.into(), member.into()];
    let holding = "SELECT m.group_id FROM group_members m \
        WHERE m.tenant_id = $1 AND m.connection_id = $2 AND m.member_id = $3";
    let lock = for_update(backend);
    if !lock.is_empty() {
        let sql = format!(
            "SELECT id FROM groups WHERE tenant_id = $1 AND connection_id = $2 \
             AND id IN ({holding}) ORDER BY id {lock}"
        );
        execute(&**transaction, sql, values.clone()).await?;
    }
    let sql = format!(
        "UPDATE groups SET version = version + 1, \
         last_modified_at = CASE WHEN last_modified_at > $4 THEN last_modified_at ELSE $4 END \
         WHERE tenant_id = $1 AND connection_id = $2 AND id IN ({holding})"
    );
    execute(&**transaction, sql, values.iter().cloned().chain([now.into()]).collect()).await?;
    let sql = "DELETE FROM group_members WHERE tenant_id = $1 AND connection_id = $2 AND member_id = $3";
    execute(&**transaction, sql, values).await?;
    Ok(())
}

/// All members of a group in order of id.
pub(crate) async fn all<C: ConnectionTrait>(connection: &C, scope: GroupScope) -> Result<Vec<Member>> {
    after(connection, scope, None, usize::MAX).await
}

/// The first `limit` members of a group after the id `last`, in order of id.
pub(crate) async fn after<C: ConnectionTrait>(
    connection: &C,
    scope: GroupScope,
    last: Option<Uuid>,
    limit: usize,
) -> Result<Vec<Member>> {
    let sql = "SELECT member_id, kind FROM group_members \
        WHERE tenant_id = $1 AND connection_id = $2 AND group_id = $3 AND member_id > $4 \
        ORDER BY member_id LIMIT $5";
    // No id comes before the nil one.
    let mut values = scope.values(&[last.unwrap_or(Uuid::nil())]);
    values.push(i64::try_from(limit).unwrap_or(i64::MAX).into());
    let query = statement(connection.get_database_backend(), sql, values);
    Ok(Member::find_by_statement(query).all(connection).await?)
}

/// How many members each of `groups` has; those without any are left out.
pub(crate) async fn counts<C: ConnectionTrait>(
    connection: &C,
    (tenant, directory): (TenantId, ConnectionId),
    groups: &[GroupId],
) -> Result<HashMap<GroupId, usize>> {
    let mut counts = HashMap::with_capacity(groups.len());
    for ids in groups.chunks(IDS_PER_STATEMENT) {
        let sql = format!(
            "SELECT group_id, COUNT(*) AS n FROM group_members \
             WHERE tenant_id = $1 AND connection_id = $2 AND group_id IN ({}) GROUP BY group_id",
            placeholders(3, ids.len()),
        );
        let mut values: Vec<sea_orm::Value> = vec![tenant.into(), directory.into()];
        values.extend(ids.iter().map(|id| sea_orm::Value::from(*id)));
        for row in rows(connection, sql, values).await? {
            let count: i64 = row.try_get("", "n")?;
            counts.insert(GroupId(row.try_get("", "group_id")?), usize::try_from(count).unwrap_or(0));
        }
    }
    Ok(counts)
}

/// The members of each of `groups` in order of id: all of them, or those among `only`.
pub(crate) async fn of_groups<C: ConnectionTrait>(
    connection: &C,
    (tenant, directory): (TenantId, ConnectionId),
    groups: &[GroupId],
    only: Option<&BTreeSet<Uuid>>,
) -> Result<HashMap<GroupId, Vec<Member>>> {
    let mut members: HashMap<GroupId, Vec<Member>> = HashMap::with_capacity(groups.len());
    if only.is_some_and(BTreeSet::is_empty) {
        return Ok(members);
    }
    for ids in groups.chunks(IDS_PER_STATEMENT) {
        let mut values: Vec<sea_orm::Value> = vec![tenant.into(), directory.into()];
        values.extend(ids.iter().map(|id| sea_orm::Value::from(*id)));
        let among = match only {
            Some(only) => {
                let from = values.len() + 1;
                values.extend(only.iter().map(|id| sea_orm::Value::from(*id)));
                format!("AND member_id IN ({})", placeholders(from, only.len()))
            }
            None => String::new(),
        };
        let sql = format!(
            "SELECT group_id, member_id, kind FROM group_members \
             WHERE tenant_id = $1 AND connection_id = $2 AND group_id IN ({}) {among} \
             ORDER BY group_id, member_id",
            placeholders(3, ids.len()),
        );
        for row in rows(connection, sql, values).await? {
            let group = GroupId(row.try_get("", "group_id")?);
            let member = Member::from_query_result(&row, "")?;
            members.entry(group).or_default().push(member);
        }
    }
    Ok(members)
}
