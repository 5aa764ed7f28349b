//! Members of groups, a row each: a change costs rows for the members that change, whatever the size.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::database::WriteTransaction;
use crate::entity::words::MemberKind;
use crate::error::Result;
use crate::id::{ConnectionId, GroupId, TenantId};
use crate::lookup;
use crate::naming::{self, MemberName, Named, Reading, UnknownMembers};
use crate::parked;
use crate::statement::{IDS_PER_STATEMENT, execute, for_change, placeholders, rows, statement};

/// What is asked of a group's members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberDelta {
    /// `add` is the whole list: who is not in it goes.
    pub replaces_all: bool,
    /// Who is to be a member.
    pub add: Vec<MemberName>,
    /// Who is not, by the names in use.
    pub remove: BTreeSet<String>,
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
    /// How many wait now who did not before.
    pub(crate) parked: usize,
    /// How many wait no more.
    pub(crate) unparked: usize,
}

impl MemberChanges {
    pub(crate) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.parked == 0 && self.unparked == 0
    }
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
    pub(crate) fn values(self, ids: &[Uuid]) -> Vec<sea_orm::Value> {
        let mut values = vec![self.tenant.into(), self.connection.into(), self.group.into()];
        values.extend(ids.iter().map(|id| sea_orm::Value::from(*id)));
        values
    }
}

/// What is known before members change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Naming<'a> {
    /// Who is meant by the names, found before the group was locked.
    pub(crate) meant: &'a Named,
    /// What becomes of names that are nobody's.
    pub(crate) unknown: UnknownMembers,
    /// Now.
    pub(crate) at: Timestamp,
}

/// Carries out `delta`. Names in `add` that are nobody's and may not wait come back as the error side, and
/// the transaction is to be dropped.
pub(crate) async fn apply(
    transaction: &WriteTransaction,
    scope: GroupScope,
    delta: &MemberDelta,
    naming: Naming<'_>,
) -> Result<std::result::Result<MemberChanges, Vec<String>>> {
    let mut changes = MemberChanges::default();
    let present: BTreeMap<Uuid, MemberKind> = if delta.replaces_all {
        all(&**transaction, scope).await?.into_iter().map(|member| (member.member_id, member.kind)).collect()
    } else {
        BTreeMap::new()
    };
    let stays = |name: &MemberName| {
        let id: Uuid = name.text.parse().ok()?;
        present.get(&id).map(|kind| Member { member_id: id, kind: *kind })
    };
    let mut wanted: BTreeMap<Member, &MemberName> = BTreeMap::new();
    let mut waiting: Vec<&MemberName> = Vec::new();
    for name in &delta.add {
        match naming.meant.get(&name.text).or_else(|| stays(name)) {
            Some(member) => {
                wanted.insert(member, name);
            }
            None => waiting.push(name),
        }
    }
    // Who was a member when the transaction began, and left before the group was locked.
    let left: BTreeSet<Uuid> = wanted
        .keys()
        .map(|member| member.member_id)
        .filter(|id| naming.meant.is_unlocked(*id) && !present.contains_key(id))
        .collect();
    if !left.is_empty() {
        let found = naming::by_id(&**transaction, (scope.tenant, scope.connection), &left, true).await?;
        let gone: Vec<Member> = wanted
            .keys()
            .filter(|member| left.contains(&member.member_id) && !found.contains(member))
            .copied()
            .collect();
        waiting.extend(gone.iter().filter_map(|member| wanted.remove(member)));
    }
    if naming.unknown == UnknownMembers::Refused && !waiting.is_empty() {
        return Ok(Err(waiting.into_iter().map(|name| name.text.clone()).collect()));
    }
    if delta.replaces_all {
        let wanted: BTreeSet<Uuid> = wanted.keys().map(|member| member.member_id).collect();
        let gone: Vec<Uuid> = present.keys().filter(|id| !wanted.contains(id)).copied().collect();
        changes.removed = delete(transaction, scope, &gone).await?;
        let still_named: BTreeSet<String> = waiting.iter().map(|name| lookup::exact(&name.text)).collect();
        let mut keys = parked::keys_in(transaction, scope).await?;
        keys.retain(|key| !still_named.contains(key));
        changes.unparked = parked::unpark(transaction, scope, &keys).await?;
    } else if !delta.remove.is_empty() {
        remove(transaction, scope, &delta.remove, naming.unknown, &mut changes).await?;
    }
    let new: Vec<Member> =
        wanted.into_keys().filter(|member| !present.contains_key(&member.member_id)).collect();
    for members in new.chunks(IDS_PER_STATEMENT) {
        changes.added.extend(insert(transaction, scope, members).await?);
    }
    changes.parked = parked::park(transaction, scope, &waiting, naming.at).await?;
    Ok(Ok(changes))
}

/// Removes those that go by `names`: by their ids, and what is nobody's id among the members, by the names
/// under which they were added or wait.
async fn remove(
    transaction: &WriteTransaction,
    scope: GroupScope,
    names: &BTreeSet<String>,
    unknown: UnknownMembers,
    changes: &mut MemberChanges,
) -> Result<()> {
    let ids: BTreeSet<Uuid> = names.iter().filter_map(|name| name.parse().ok()).collect();
    changes.removed = delete(transaction, scope, &ids.into_iter().collect::<Vec<_>>()).await?;
    let removed: BTreeSet<Uuid> = changes.removed.iter().map(|member| member.member_id).collect();
    let is_removed = |name: &str| name.parse().is_ok_and(|id: Uuid| removed.contains(&id));
    let others: Vec<&String> = names.iter().filter(|name| !is_removed(name)).collect();
    if others.is_empty() {
        return Ok(());
    }
    if unknown == UnknownMembers::Parked {
        let names: Vec<MemberName> =
            others.iter().map(|text| MemberName { text: (*text).clone(), kind: None }).collect();
        let reading = Reading { by_any_name: true, lock: false };
        let mut meant = Named::default();
        let directory = (scope.tenant, scope.connection);
        naming::resolve(&**transaction, directory, &names, reading, &mut meant).await?;
        let ids: BTreeSet<Uuid> = meant.members().map(|member| member.member_id).collect();
        changes.removed.extend(delete(transaction, scope, &ids.into_iter().collect::<Vec<_>>()).await?);
    }
    let keys: Vec<String> = others.into_iter().map(|name| lookup::exact(name)).collect();
    changes.unparked = parked::unpark(transaction, scope, &keys).await?;
    Ok(())
}

/// Deletes the memberships of `ids`, and returns those that there were.
async fn delete(transaction: &WriteTransaction, scope: GroupScope, ids: &[Uuid]) -> Result<Vec<Member>> {
    let mut deleted = Vec::new();
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let sql = format!(
            "DELETE FROM group_members WHERE tenant_id = $1 AND connection_id = $2 AND group_id = $3 \
             AND member_id IN ({}) RETURNING member_id, kind",
            placeholders(4, ids.len()),
        );
        let query = statement(transaction.get_database_backend(), sql, scope.values(ids));
        deleted.extend(Member::find_by_statement(query).all(&**transaction).await?);
    }
    Ok(deleted)
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

/// Whether a group has any member.
pub(crate) async fn any(transaction: &WriteTransaction, scope: GroupScope) -> Result<bool> {
    let sql = "SELECT CASE WHEN EXISTS (SELECT 1 FROM group_members WHERE tenant_id = $1 \
        AND connection_id = $2 AND group_id = $3) THEN 1 ELSE 0 END AS n";
    let rows = rows(&**transaction, sql, scope.values(&[])).await?;
    let is_any = |row: &sea_orm::QueryResult| row.try_get::<i32>("", "n").map(|n| n == 1);
    Ok(rows.first().map(is_any).transpose()?.unwrap_or(false))
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
    let lock = for_change(backend);
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

/// The members of each of `groups` in order of id.
pub(crate) async fn of_groups<C: ConnectionTrait>(
    connection: &C,
    (tenant, directory): (TenantId, ConnectionId),
    groups: &[GroupId],
) -> Result<HashMap<GroupId, Vec<Member>>> {
    let mut members: HashMap<GroupId, Vec<Member>> = HashMap::with_capacity(groups.len());
    for ids in groups.chunks(IDS_PER_STATEMENT) {
        let mut values: Vec<sea_orm::Value> = vec![tenant.into(), directory.into()];
        values.extend(ids.iter().map(|id| sea_orm::Value::from(*id)));
        let sql = format!(
            "SELECT group_id, member_id, kind FROM group_members \
             WHERE tenant_id = $1 AND connection_id = $2 AND group_id IN ({}) \
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
