//! What happens when somebody arrives whom groups have been waiting for.

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait;
use serde_json::json;

use crate::database::WriteTransaction;
use crate::directory::WriteContext;
use crate::entity::words::{MemberKind, ObjectKind, TaskRank};
use crate::error::Result;
use crate::groups::Groups;
use crate::id::GroupId;
use crate::lookup;
use crate::marking::mark_users_below;
use crate::members::Member;
use crate::naming::{self, MemberName, Named, Reading};
use crate::statement::{IDS_PER_STATEMENT, execute, for_change, placeholders, rows};
use crate::timeline;

impl Groups {
    /// Makes `arrived`, which answers to `keys` now, a member of the groups where it is waited for, moves
    /// their versions and writes the timelines. A name that others answer to as well goes on waiting. The
    /// task of a user is the caller's to mark.
    pub(crate) async fn admit(
        &self,
        transaction: &WriteTransaction,
        arrived: Member,
        keys: &[String],
        context: &WriteContext,
    ) -> Result<()> {
        let groups = self.lock_awaiting(transaction, keys).await?;
        let names = self.awaited_names(transaction, keys).await?;
        let reading = Reading { by_any_name: true, lock: false };
        let mut meant = Named::default();
        let directory = (self.tenant.id, self.connection);
        naming::resolve(&**transaction, directory, &names, reading, &mut meant).await?;
        let values: Vec<String> = names
            .iter()
            .filter(|name| name.kind.is_none_or(|kind| kind == arrived.kind))
            .filter(|name| meant.get(&name.text) == Some(arrived))
            .map(|name| lookup::exact(&name.text))
            .collect();
        if values.is_empty() {
            return Ok(());
        }
        let joined = self.join(transaction, arrived, &values).await?;
        self.move_versions(transaction, &joined).await?;
        if arrived.kind == MemberKind::Group && !joined.is_empty() {
            let mark = self.mark(TaskRank::Change, context);
            mark_users_below(transaction, &mark, GroupId(arrived.member_id)).await?;
        }
        let kind = match arrived.kind {
            MemberKind::User => ObjectKind::User,
            MemberKind::Group => ObjectKind::Group,
        };
        let entries = joined.iter().flat_map(|group| {
            let name = groups.get(group).map(String::as_str).unwrap_or_default();
            let detail = json!({ "group": { "id": group, "display_name": name } });
            let summary = format!("Added to group {name}, which waited for it");
            let of_member = self.entry(kind, arrived.member_id, summary, Some(detail), context);
            let detail = json!({ "member": { "id": arrived.member_id } });
            let summary = "A parked member arrived: 1 members added, 0 removed".to_owned();
            [of_member, self.entry(ObjectKind::Group, group.0, summary, Some(detail), context)]
        });
        timeline::insert(transaction, self.tenant.id, self.tenant.now(), entries.collect()).await
    }

    fn key_values(&self, keys: &[String]) -> Vec<sea_orm::Value> {
        let mut values: Vec<sea_orm::Value> = vec![self.tenant.id.into(), self.connection.into()];
        values.extend(keys.iter().map(|key| sea_orm::Value::from(key.as_str())));
        values
    }

    /// Locks the groups where somebody waits for one of `keys`, in the order of their ids; with their names.
    async fn lock_awaiting(
        &self,
        transaction: &WriteTransaction,
        keys: &[String],
    ) -> Result<BTreeMap<GroupId, String>> {
        let sql = format!(
            "SELECT id, display_name FROM groups WHERE tenant_id = $1 AND connection_id = $2 AND id IN ( \
               SELECT p.group_id FROM parked_members p WHERE p.tenant_id = $1 AND p.connection_id = $2 \
               AND p.value_folded IN ({})) ORDER BY id {}",
            placeholders(3, keys.len()),
            for_change(transaction.get_database_backend()),
        );
        let rows = rows(&**transaction, sql, self.key_values(keys)).await?;
        rows.iter().map(|row| Ok((row.try_get("", "id")?, row.try_get("", "display_name")?))).collect()
    }

    /// The names that are waited for under one of `keys`.
    async fn awaited_names(
        &self,
        transaction: &WriteTransaction,
        keys: &[String],
    ) -> Result<Vec<MemberName>> {
        let sql = format!(
            "SELECT DISTINCT value_text, kind FROM parked_members WHERE tenant_id = $1 \
             AND connection_id = $2 AND value_folded IN ({})",
            placeholders(3, keys.len()),
        );
        let rows = rows(&**transaction, sql, self.key_values(keys)).await?;
        rows.iter()
            .map(|row| {
                Ok(MemberName { text: row.try_get("", "value_text")?, kind: row.try_get("", "kind")? })
            })
            .collect()
    }

    /// Turns who waits under one of `values` into `arrived`; returns the groups that had it not yet.
    async fn join(
        &self,
        transaction: &WriteTransaction,
        arrived: Member,
        values: &[String],
    ) -> Result<Vec<GroupId>> {
        let kind = match arrived.kind {
            MemberKind::User => "user",
            MemberKind::Group => "group",
        };
        let mut joined = Vec::new();
        for values in values.chunks(IDS_PER_STATEMENT) {
            let waiting = format!(
                "tenant_id = $1 AND connection_id = $2 AND value IN ({}) \
                 AND (parked_members.kind IS NULL OR parked_members.kind = '{kind}')",
                placeholders(3, values.len())
            );
            let mut bound = self.key_values(values);
            bound.push(arrived.member_id.into());
            let sql = format!(
                "INSERT INTO group_members (tenant_id, connection_id, group_id, member_id, kind) \
                 SELECT DISTINCT tenant_id, connection_id, group_id, ${}, '{kind}' FROM parked_members \
                 WHERE {waiting} ON CONFLICT DO NOTHING RETURNING group_id",
                bound.len(),
            );
            for row in rows(&**transaction, sql, bound).await? {
                joined.push(row.try_get("", "group_id")?);
            }
            let sql = format!("DELETE FROM parked_members WHERE {waiting}");
            execute(&**transaction, sql, self.key_values(values)).await?;
        }
        joined.sort_unstable();
        Ok(joined)
    }

    async fn move_versions(&self, transaction: &WriteTransaction, groups: &[GroupId]) -> Result<()> {
        for groups in groups.chunks(IDS_PER_STATEMENT) {
            let sql = format!(
                "UPDATE groups SET version = version + 1, \
                 last_modified_at = CASE WHEN last_modified_at > $3 THEN last_modified_at ELSE $3 END \
                 WHERE tenant_id = $1 AND connection_id = $2 AND id IN ({})",
                placeholders(4, groups.len()),
            );
            let mut values: Vec<sea_orm::Value> =
                vec![self.tenant.id.into(), self.connection.into(), self.tenant.now().into()];
            values.extend(groups.iter().map(|group| sea_orm::Value::from(*group)));
            execute(&**transaction, sql, values).await?;
        }
        Ok(())
    }
}
