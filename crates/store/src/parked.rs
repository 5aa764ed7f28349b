//! Members that wait: a provider names somebody as a member before it provisions them.
//!
//! Each waits as a row of its group, and becomes a member in the transaction in which a user or group
//! arrives that answers to the name. Whoever parks takes the directory's turn alone, and whoever arrives shares
//! it: see `turns`.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::clock::Timestamp;
use crate::database::{Store, WriteTransaction};
use crate::entity::parked_member;
use crate::entity::words::MemberKind;
use crate::error::Result;
use crate::groups::Groups;
use crate::id::{ConnectionId, GroupId, TenantId};
use crate::lookup;
use crate::members::{self, GroupScope};
use crate::naming::{self, MemberName, Named, Reading, UnknownMembers};
use crate::statement::{IDS_PER_STATEMENT, count, execute, placeholders, rows};
use crate::turns;

/// What a transaction is begun for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beginning<'a> {
    pub(crate) directory: (TenantId, ConnectionId),
    /// Who is named.
    pub(crate) names: &'a [MemberName],
    /// What becomes of names that are nobody's.
    pub(crate) unknown: UnknownMembers,
    /// The group whose members `names` mostly are already.
    pub(crate) mostly_in: Option<GroupScope>,
    /// Whether nobody may park until it ends.
    pub(crate) announced: bool,
}

/// Starts a transaction that knows who is meant. Where names that are nobody's are to wait, nobody arrives
/// until it ends.
pub(crate) async fn begin(store: &Store, beginning: Beginning<'_>) -> Result<(WriteTransaction, Named)> {
    let Beginning { directory, names, unknown, mostly_in, announced } = beginning;
    let by_any_name = unknown == UnknownMembers::Parked;
    loop {
        let transaction = store.write().await?;
        let mut meant = match mostly_in {
            Some(scope) => Named::among(&members::all(&*transaction, scope).await?, names),
            None => Named::default(),
        };
        let others: Vec<MemberName> = meant.unknown(names).into_iter().cloned().collect();
        let reading = Reading { by_any_name, lock: true };
        naming::resolve(&*transaction, directory, &others, reading, &mut meant).await?;
        let missing: Vec<MemberName> = meant.unknown(names).into_iter().cloned().collect();
        if by_any_name && !missing.is_empty() && turns::matter(transaction.get_database_backend()) {
            turns::alone(&transaction, directory).await?;
            // Who arrived while we waited is there now; to be locked it must be found before the lock.
            let reading = Reading { by_any_name, lock: false };
            let mut arrived = Named::default();
            naming::resolve(&*transaction, directory, &missing, reading, &mut arrived).await?;
            if !arrived.is_empty() {
                transaction.rollback().await?;
                continue;
            }
        } else if announced {
            turns::share(&transaction, directory.1).await?;
        }
        return Ok((transaction, meant));
    }
}

/// The names that a user or group answers to, as arrivals are looked up.
pub(crate) fn names<'a>(names: impl IntoIterator<Item = Option<&'a str>>) -> Vec<String> {
    let mut keys: Vec<String> = names.into_iter().flatten().map(lookup::folded).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Whether somebody waits for one of `keys`.
pub(crate) async fn is_awaited(
    transaction: &WriteTransaction,
    (tenant, connection): (TenantId, ConnectionId),
    keys: &[String],
) -> Result<bool> {
    let mut values: Vec<sea_orm::Value> = vec![tenant.into(), connection.into()];
    values.extend(keys.iter().map(|key| sea_orm::Value::from(key.as_str())));
    let sql = format!("SELECT COUNT(*) AS n FROM ({} LIMIT 1) waiting", awaiting(3, keys.len()));
    Ok(count(&**transaction, sql, values).await? > 0)
}

/// Rows of who waits for one of as many keys as `keys`, which are bound from `from` on; `$1` is the tenant, `$2`
/// the connection.
pub(crate) fn awaiting(from: usize, keys: usize) -> String {
    format!(
        "SELECT 1 FROM parked_members p WHERE p.tenant_id = $1 AND p.connection_id = $2 \
         AND p.value_folded IN ({})",
        placeholders(from, keys)
    )
}

/// Parks `names` in a group, and returns how many did not wait there before.
pub(crate) async fn park(
    transaction: &WriteTransaction,
    scope: GroupScope,
    names: &[&MemberName],
    since: Timestamp,
) -> Result<usize> {
    let mut parked = 0;
    for names in names.chunks(IDS_PER_STATEMENT) {
        let mut values = scope.values(&[]);
        values.push(since.into());
        let mut tuples = Vec::with_capacity(names.len());
        for name in names {
            let first = values.len() + 1;
            let kind = match name.kind {
                Some(MemberKind::User) => "'user'",
                Some(MemberKind::Group) => "'group'",
                None => "NULL",
            };
            tuples.push(format!("($1, $2, $3, ${first}, ${}, ${}, {kind}, $4)", first + 1, first + 2));
            let text = lookup::without_nul(&name.text).into_owned();
            values.extend([lookup::exact(&text), lookup::folded(&text), text].map(sea_orm::Value::from));
        }
        let sql = format!(
            "INSERT INTO parked_members (tenant_id, connection_id, group_id, value, value_folded, value_text, \
             kind, since) VALUES {} ON CONFLICT DO NOTHING",
            tuples.join(",")
        );
        parked += usize::try_from(execute(&**transaction, sql, values).await?).unwrap_or(usize::MAX);
    }
    Ok(parked)
}

/// Ends the waiting of those in a group whose keys are given, and returns how many waited.
pub(crate) async fn unpark(
    transaction: &WriteTransaction,
    scope: GroupScope,
    keys: &[String],
) -> Result<usize> {
    let mut unparked = 0;
    for keys in keys.chunks(IDS_PER_STATEMENT) {
        let sql = format!(
            "DELETE FROM parked_members WHERE tenant_id = $1 AND connection_id = $2 AND group_id = $3 \
             AND value IN ({})",
            placeholders(4, keys.len())
        );
        let mut values = scope.values(&[]);
        values.extend(keys.iter().map(|key| sea_orm::Value::from(key.as_str())));
        unparked += usize::try_from(execute(&**transaction, sql, values).await?).unwrap_or(usize::MAX);
    }
    Ok(unparked)
}

/// The keys of all who wait in a group.
pub(crate) async fn keys_in(transaction: &WriteTransaction, scope: GroupScope) -> Result<Vec<String>> {
    let sql = "SELECT value FROM parked_members \
        WHERE tenant_id = $1 AND connection_id = $2 AND group_id = $3";
    let rows = rows(&**transaction, sql, scope.values(&[])).await?;
    rows.iter().map(|row| Ok(row.try_get("", "value")?)).collect()
}

impl Groups {
    /// How many members of a group are not known yet.
    pub async fn parked_count(&self, id: GroupId) -> Result<u64> {
        let sql = "SELECT COUNT(*) AS n FROM parked_members \
            WHERE tenant_id = $1 AND connection_id = $2 AND group_id = $3";
        let number = count(&self.tenant.store.reader(), sql, self.scope(id).values(&[])).await?;
        Ok(u64::try_from(number).unwrap_or(0))
    }

    /// A page of the members of a group that are not known yet, in order of their keys, after `after`.
    pub async fn parked_after(
        &self,
        id: GroupId,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<parked_member::Model>> {
        let mut query = parked_member::Entity::find()
            .filter(parked_member::Column::TenantId.eq(self.tenant.id))
            .filter(parked_member::Column::ConnectionId.eq(self.connection))
            .filter(parked_member::Column::GroupId.eq(id))
            .order_by_asc(parked_member::Column::Value)
            .limit(limit);
        if let Some(after) = after {
            query = query.filter(parked_member::Column::Value.gt(after));
        }
        Ok(query.all(&self.tenant.store.reader()).await?)
    }
}
