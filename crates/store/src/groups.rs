//! Groups of a directory: documents without members, and members as rows.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use scim_protocol::schema::ResourceTypes;
use scim_protocol::searchable;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseBackend, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::database::WriteTransaction;
use crate::directory::{Modified, ModifyError, WriteContext};
use crate::entity::group;
use crate::entity::words::{MemberKind, ObjectKind, TaskKind, TaskRank, TimelineKind};
use crate::error::{Error, Result};
use crate::id::{ConnectionId, GroupId};
use crate::lookup;
use crate::marking::{Mark, mark_objects, mark_users_below};
use crate::members::{self, GroupScope, Member, MemberChanges, MemberDelta, Membership, Naming};
use crate::naming::UnknownMembers;
use crate::parked::{self, Beginning};
use crate::search::{Kind, Query, Search, Table};
use crate::statement::{IDS_PER_STATEMENT, execute, for_change, for_update, statement};
use crate::tenant::TenantStore;
use crate::timeline::{self, NewEntry};
use crate::turns;

mod change;
mod row;

pub use change::{Before, MemberRequest, Reads, Refusal};

use change::told;
use row::{Columns, insert, touch, update};

/// The groups of one directory.
#[derive(Clone, Debug)]
pub struct Groups {
    pub(crate) tenant: TenantStore,
    pub(crate) connection: ConnectionId,
    pub(crate) types: Arc<ResourceTypes>,
}

/// A document to be stored, what is asked of the members, and one sentence for the timeline.
#[derive(Clone, Debug)]
pub struct GroupWrite {
    /// The SCIM resource without id, meta and members.
    pub document: Value,
    /// What is asked of the members.
    pub members: MemberDelta,
    /// What was asked for, in words.
    pub summary: String,
    /// More for the timeline, such as what was repaired.
    pub detail: Option<Value>,
}

/// Why a group was not written.
#[derive(Debug, thiserror::Error)]
pub enum GroupError<E> {
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] Error),
    /// The rule that was given refused; nothing was written.
    #[error("refused")]
    Refused(E),
    /// These ids are neither users nor groups of the directory; nothing was written.
    #[error("unknown members")]
    UnknownMembers(Vec<String>),
}

impl<E> From<ModifyError<E>> for GroupError<E> {
    fn from(error: ModifyError<E>) -> Self {
        match error {
            ModifyError::Store(error) => Self::Store(error),
            ModifyError::Refused(error) => Self::Refused(error),
        }
    }
}

/// The columns of a row's model, with the alias `r`: all but `search`, which only conditions read.
const COLUMNS: &str = "r.tenant_id, r.connection_id, r.id, r.display_name, r.display_name_folded, \
    r.external_id, r.document, r.version, r.created_at, r.last_modified_at";

impl Groups {
    /// The same with the resource types that the directory's tenant has, where they are not the standard
    /// ones: what is stored can be searched for by their extensions' attributes as well.
    #[must_use]
    pub fn with_types(self, types: &Arc<ResourceTypes>) -> Self {
        Self { types: Arc::clone(types), ..self }
    }

    /// Creates a group with its members, marks tasks and writes timeline entries.
    pub async fn insert(
        &self,
        write: GroupWrite,
        unknown: UnknownMembers,
        context: &WriteContext,
    ) -> std::result::Result<group::Model, GroupError<std::convert::Infallible>> {
        let columns = Columns::of(&write.document);
        let search = searchable::document(&write.document, &self.types.group);
        let now = self.tenant.now();
        let row = group::Model {
            tenant_id: self.tenant.id,
            connection_id: self.connection,
            id: GroupId::generate(),
            display_name_folded: lookup::folded(&columns.display_name),
            display_name: columns.display_name,
            external_id: columns.external_id,
            document: write.document,
            version: 1,
            created_at: now,
            last_modified_at: now,
        };
        let beginning = Beginning {
            directory: (self.tenant.id, self.connection),
            names: &write.members.add,
            unknown,
            mostly_in: None,
            announced: true,
        };
        let (transaction, meant) = parked::begin(&self.tenant.store, beginning).await?;
        insert(&transaction, &row, search).await?;
        let naming = Naming { meant: &meant, unknown, at: now };
        let changes = members::apply(&transaction, self.scope(row.id), &write.members, naming)
            .await?
            .map_err(GroupError::UnknownMembers)?;
        self.admit_if_awaited(&transaction, &row, context).await?;
        let mark = self.mark(TaskRank::Group, context);
        mark_objects(&transaction, &mark, TaskKind::Group, &[row.id.0]).await?;
        let summary = told(write.summary, &changes, &meant);
        self.record(&transaction, &row, &changes, summary, write.detail, context).await?;
        self.commit(transaction).await?;
        Ok(row)
    }

    /// Changes a group under a lock: `change` sees the row, and of its members what `request` asks for, and
    /// says what it becomes. When nothing changes, nothing is written and the version stays. `change` may
    /// be asked again before anything is written.
    pub async fn modify<E: Send>(
        &self,
        id: GroupId,
        context: &WriteContext,
        request: &MemberRequest,
        mut change: impl FnMut(Before<'_>) -> std::result::Result<GroupWrite, Refusal<E>> + Send,
    ) -> std::result::Result<Modified<group::Model>, GroupError<E>> {
        let MemberRequest { named: names, whole_list, unknown, reads } = request;
        let scope = self.scope(id);
        let mut beginning = Beginning {
            directory: (self.tenant.id, self.connection),
            names,
            unknown: *unknown,
            mostly_in: whole_list.then_some(scope),
            announced: false,
        };
        loop {
            let (transaction, meant) = parked::begin(&self.tenant.store, beginning).await?;
            let current = self.lock(&transaction, id, for_change).await?;
            let present =
                if *reads == Reads::All { members::all(&*transaction, scope).await? } else { Vec::new() };
            let nobody_known = *unknown == UnknownMembers::Parked && !names.is_empty() && meant.is_empty();
            let has_members = match reads {
                Reads::All => Some(!present.is_empty()),
                Reads::Nothing if !nobody_known => None,
                Reads::Nothing | Reads::WhetherAny => Some(members::any(&transaction, scope).await?),
            };
            let before = Before { row: &current, members: &present, has_members, nobody_known };
            let write = match change(before) {
                Ok(write) => write,
                Err(refusal) => return Err(self.refuse(transaction, id, refusal, context).await?),
            };
            let columns = Columns::of(&write.document);
            let named_anew = columns.external_id != current.external_id;
            if named_anew && !beginning.announced && turns::matter(transaction.get_database_backend()) {
                // Another name may be waited for, and that turn comes before the group's lock.
                transaction.rollback().await?;
                beginning.announced = true;
                continue;
            }
            let naming = Naming { meant: &meant, unknown: *unknown, at: self.tenant.now() };
            let changes = members::apply(&transaction, scope, &write.members, naming)
                .await?
                .map_err(GroupError::UnknownMembers)?;
            let edited = write.document != current.document;
            if !edited && changes.is_empty() {
                return Ok(Modified { row: current, changed: false });
            }
            let renamed = columns.display_name != current.display_name;
            let row = group::Model {
                version: current.version + 1,
                // A clock that went back must not make lastModified go back.
                last_modified_at: self.tenant.now().max(current.last_modified_at),
                ..current
            };
            let row = if edited {
                let search = searchable::document(&write.document, &self.types.group);
                let row = group::Model {
                    display_name_folded: lookup::folded(&columns.display_name),
                    display_name: columns.display_name,
                    external_id: columns.external_id,
                    document: write.document,
                    ..row
                };
                update(&transaction, &row, search).await?;
                row
            } else {
                touch(&transaction, &row).await?;
                row
            };
            if named_anew {
                self.admit_if_awaited(&transaction, &row, context).await?;
            }
            if renamed {
                let mark = self.mark(TaskRank::Group, context);
                mark_objects(&transaction, &mark, TaskKind::Group, &[id.0]).await?;
                mark_users_below(&transaction, &mark, id).await?;
            }
            let summary = told(write.summary, &changes, &meant);
            self.record(&transaction, &row, &changes, summary, write.detail, context).await?;
            self.commit(transaction).await?;
            return Ok(Modified { row, changed: true });
        }
    }

    /// Ends a change that was refused. What is told of it is written although nothing else is.
    async fn refuse<E>(
        &self,
        transaction: WriteTransaction,
        id: GroupId,
        refusal: Refusal<E>,
        context: &WriteContext,
    ) -> Result<GroupError<E>> {
        if let Some(told) = refusal.told {
            let entry = self.entry(ObjectKind::Group, id.0, format!("Refused: {told}"), None, context);
            timeline::insert(&transaction, self.tenant.id, self.tenant.now(), vec![entry]).await?;
            transaction.commit().await?;
        }
        Ok(GroupError::Refused(refusal.error))
    }

    /// Lets a group into those that wait for it.
    async fn admit_if_awaited(
        &self,
        transaction: &WriteTransaction,
        row: &group::Model,
        context: &WriteContext,
    ) -> Result<()> {
        let id = row.id.to_string();
        let external_id = row.document.get("externalId").and_then(Value::as_str);
        let keys = parked::names([Some(id.as_str()), external_id]);
        if parked::is_awaited(transaction, (self.tenant.id, self.connection), &keys).await? {
            let arrived = Member { member_id: row.id.0, kind: MemberKind::Group };
            self.admit(transaction, arrived, &keys, context).await?;
        }
        Ok(())
    }

    /// Deletes a group. Its members stay; their tasks are marked, since they may lose memberships.
    pub async fn delete<E>(
        &self,
        id: GroupId,
        context: &WriteContext,
        check: impl FnOnce(&group::Model) -> std::result::Result<(), E> + Send,
    ) -> std::result::Result<(), ModifyError<E>> {
        let transaction = self.tenant.store.write().await?;
        let current = self.lock(&transaction, id, for_update).await?;
        check(&current).map_err(ModifyError::Refused)?;
        mark_users_below(&transaction, &self.mark(TaskRank::Withdraw, context), id).await?;
        let scope = self.scope(id);
        let count = members::clear(&transaction, scope).await?;
        let member = Membership { tenant: self.tenant.id, connection: self.connection, member: id.0 };
        members::withdraw(&transaction, member, self.tenant.now()).await?;
        let values: Vec<sea_orm::Value> = vec![self.tenant.id.into(), self.connection.into(), id.into()];
        let sql = "DELETE FROM groups WHERE tenant_id = $1 AND connection_id = $2 AND id = $3";
        execute(&*transaction, sql, values).await?;
        let entry = self.entry(
            ObjectKind::Group,
            id.0,
            format!("Deleted by the identity provider, with {count} members"),
            None,
            context,
        );
        timeline::insert(&transaction, self.tenant.id, self.tenant.now(), vec![entry]).await?;
        self.commit(transaction).await?;
        Ok(())
    }

    /// The group, if there is one.
    pub async fn find(&self, id: GroupId) -> Result<Option<group::Model>> {
        let key = (self.tenant.id, self.connection, id);
        Ok(group::Entity::find_by_id(key).one(&self.tenant.store.reader()).await?)
    }

    /// Those of the groups that are there.
    pub async fn find_all(&self, ids: &[GroupId]) -> Result<Vec<group::Model>> {
        let mut groups = Vec::with_capacity(ids.len());
        for ids in ids.chunks(IDS_PER_STATEMENT) {
            let query = self.select().filter(group::Column::Id.is_in(ids.iter().copied()));
            groups.extend(query.all(&self.tenant.store.reader()).await?);
        }
        Ok(groups)
    }

    /// A page of the groups of that displayName, in any case, in order of creation, after `after`.
    pub async fn named(&self, name: &str, after: Option<GroupId>, limit: u64) -> Result<Vec<group::Model>> {
        let mut query = self.select().filter(group::Column::DisplayNameFolded.eq(lookup::folded(name)));
        if let Some(after) = after {
            query = query.filter(group::Column::Id.gt(after));
        }
        let query = query.order_by_asc(group::Column::Id).limit(limit);
        Ok(query.all(&self.tenant.store.reader()).await?)
    }

    /// Groups whose display name begins with `start`, in any case: at the most `limit`, in order of names.
    pub async fn beginning_with(&self, start: &str, limit: u64) -> Result<Vec<group::Model>> {
        let (from, until) = lookup::beginning(start);
        let query = self.select().filter(group::Column::DisplayNameFolded.gte(from.as_str()));
        let query = query.filter(group::Column::DisplayNameFolded.lt(until.as_str()));
        let query = query.order_by_asc(group::Column::DisplayNameFolded).limit(limit);
        Ok(query.all(&self.tenant.store.reader()).await?)
    }

    /// A search for groups.
    pub fn search(&self, query: &Query<'_>) -> Search<'_, group::Model> {
        let kind = Kind { is_user: false, resource_type: &self.types.group, base_url: query.base_url };
        let table = Table { name: "groups", columns: COLUMNS, more: "", more_when_skipping: "" };
        Search::new(&self.tenant.store, (self.tenant.id, self.connection), table, &kind, query)
    }

    /// A page in order of creation, after `after`: for walking a whole directory in bounded memory.
    pub async fn after(&self, after: Option<GroupId>, limit: u64) -> Result<Vec<group::Model>> {
        let mut query = self.select().order_by_asc(group::Column::Id).limit(limit);
        if let Some(after) = after {
            query = query.filter(group::Column::Id.gt(after));
        }
        Ok(query.all(&self.tenant.store.reader()).await?)
    }

    /// How many groups the directory has.
    pub async fn count(&self) -> Result<u64> {
        Ok(self.select().count(&self.tenant.store.reader()).await?)
    }

    /// All members of a group in order of id.
    pub async fn members(&self, id: GroupId) -> Result<Vec<Member>> {
        members::all(&self.tenant.store.reader(), self.scope(id)).await
    }

    /// All members of a group in order of id, unless they are more than `limit`.
    pub async fn members_up_to(&self, id: GroupId, limit: usize) -> Result<Option<Vec<Member>>> {
        let connection = &self.tenant.store.reader();
        let members = members::after(connection, self.scope(id), None, limit.saturating_add(1)).await?;
        Ok((members.len() <= limit).then_some(members))
    }

    /// The first `limit` members of a group after the id `last`, in order of id: for reading a group of any
    /// size in bounded memory.
    pub async fn members_after(&self, id: GroupId, last: Option<Uuid>, limit: usize) -> Result<Vec<Member>> {
        members::after(&self.tenant.store.reader(), self.scope(id), last, limit).await
    }

    /// How many members each of `groups` has; those without any are left out.
    pub async fn member_counts(&self, groups: &[GroupId]) -> Result<HashMap<GroupId, usize>> {
        members::counts(&self.tenant.store.reader(), (self.tenant.id, self.connection), groups).await
    }

    /// The members of each of `groups` in order of id.
    pub async fn members_of(&self, groups: &[GroupId]) -> Result<HashMap<GroupId, Vec<Member>>> {
        let directory = (self.tenant.id, self.connection);
        members::of_groups(&self.tenant.store.reader(), directory, groups).await
    }

    pub(crate) fn scope(&self, group: GroupId) -> GroupScope {
        GroupScope { tenant: self.tenant.id, connection: self.connection, group }
    }

    pub(crate) fn mark(&self, rank: TaskRank, context: &WriteContext) -> Mark {
        Mark {
            tenant: self.tenant.id,
            connection: self.connection,
            rank,
            at: self.tenant.now(),
            trace_context: context.trace_context.clone(),
        }
    }

    fn select(&self) -> Select<group::Entity> {
        group::Entity::find()
            .filter(group::Column::TenantId.eq(self.tenant.id))
            .filter(group::Column::ConnectionId.eq(self.connection))
    }

    async fn lock(
        &self,
        transaction: &WriteTransaction,
        id: GroupId,
        lock: fn(DatabaseBackend) -> &'static str,
    ) -> Result<group::Model> {
        let sql = format!(
            "SELECT {COLUMNS} FROM groups r WHERE r.tenant_id = $1 AND r.connection_id = $2 AND r.id = $3 {}",
            lock(transaction.get_database_backend()),
        );
        let values = vec![self.tenant.id.into(), self.connection.into(), id.into()];
        group::Entity::find()
            .from_raw_sql(statement(transaction.get_database_backend(), sql, values))
            .one(&**transaction)
            .await?
            .ok_or(Error::NotFound("group"))
    }

    /// Marks the users whose memberships changed, and writes the timeline of the group and of each.
    async fn record(
        &self,
        transaction: &WriteTransaction,
        row: &group::Model,
        changes: &MemberChanges,
        summary: String,
        detail: Option<Value>,
        context: &WriteContext,
    ) -> Result<()> {
        let mut entries = Vec::new();
        for (members, rank, verb) in [
            (&changes.removed, TaskRank::Withdraw, "Removed from"),
            (&changes.added, TaskRank::Change, "Added to"),
        ] {
            let mark = self.mark(rank, context);
            let users: BTreeSet<Uuid> = of_kind(members, MemberKind::User).collect();
            mark_objects(transaction, &mark, TaskKind::User, &users.iter().copied().collect::<Vec<_>>())
                .await?;
            for nested in of_kind(members, MemberKind::Group) {
                mark_users_below(transaction, &mark, GroupId(nested)).await?;
            }
            entries.extend(users.into_iter().map(|user| {
                let summary = format!("{verb} group {}", row.display_name);
                let detail = json!({ "group": { "id": row.id, "display_name": row.display_name } });
                self.entry(ObjectKind::User, user, summary, Some(detail), context)
            }));
        }
        entries.push(self.entry(ObjectKind::Group, row.id.0, summary, detail, context));
        timeline::insert(transaction, self.tenant.id, self.tenant.now(), entries).await
    }

    pub(crate) fn entry(
        &self,
        object_kind: ObjectKind,
        object_id: Uuid,
        summary: String,
        detail: Option<Value>,
        context: &WriteContext,
    ) -> NewEntry {
        NewEntry {
            object_kind,
            object_id,
            connection_id: Some(self.connection),
            site_id: None,
            kind: TimelineKind::Request,
            request_id: Some(context.request_id.clone()),
            summary,
            detail,
        }
    }

    async fn commit(&self, transaction: WriteTransaction) -> Result<()> {
        transaction.commit().await?;
        self.tenant.store.wake_all();
        Ok(())
    }
}

fn of_kind(members: &[Member], kind: MemberKind) -> impl Iterator<Item = Uuid> + '_ {
    members.iter().filter(move |member| member.kind == kind).map(|member| member.member_id)
}
