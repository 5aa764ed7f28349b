//! Users of a directory: SCIM resources as documents, with the columns that are looked up.

use std::sync::Arc;

use scim_protocol::schema::ResourceTypes;
use scim_protocol::searchable;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseBackend, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, Select,
};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::database::WriteTransaction;
use crate::directory::{Modified, ModifyError, WriteContext};
use crate::entity::user;
use crate::entity::words::{MemberKind, ObjectKind, TaskKind, TaskRank, TimelineKind};
use crate::error::{Error, Result};
use crate::id::{ConnectionId, UserId};
use crate::lookup;
use crate::marking::{Mark, mark_objects};
use crate::members::{self, Member, Membership};
use crate::parked;
use crate::search::{Kind, Query, Search, Table};
use crate::statement::{IDS_PER_STATEMENT, execute, for_change, for_update, statement};
use crate::tenant::TenantStore;
use crate::timeline::{self, NewEntry};
use crate::turns;

mod creation;
mod holding;
mod row;

pub use self::holding::{FoundUser, HoldingGroup};

use self::creation::Creation;
use self::holding::{NO_GROUPS, with_groups};
use self::row::{Columns, insert, insert_emails, names, update};

/// The users of one directory.
#[derive(Clone, Debug)]
pub struct Users {
    pub(crate) tenant: TenantStore,
    pub(crate) connection: ConnectionId,
    pub(crate) types: Arc<ResourceTypes>,
}

/// A document to be stored, and one sentence for the timeline.
#[derive(Clone, Debug)]
pub struct UserWrite {
    /// The SCIM resource without id, meta and groups.
    pub document: Value,
    /// What was asked for, in words.
    pub summary: String,
    /// More for the timeline, such as what was repaired.
    pub detail: Option<Value>,
}

/// The columns of a row's model, with the alias `r`: all but `search`, which only conditions read.
const COLUMNS: &str = "r.tenant_id, r.connection_id, r.id, r.user_name_folded, r.external_id, \
    r.display_name_folded, r.email_folded, r.active, r.document, r.version, r.created_at, r.last_modified_at";

impl Users {
    /// The same with the resource types that the directory's tenant has, where they are not the standard
    /// ones: what is stored can be searched for by their extensions' attributes as well.
    #[must_use]
    pub fn with_types(self, types: &Arc<ResourceTypes>) -> Self {
        Self { types: Arc::clone(types), ..self }
    }

    /// Creates a user, marks its tasks and writes its timeline entry. [`Error::Conflict`] with
    /// `users_user_name` when the directory has that userName already, in any case.
    pub async fn insert(&self, write: UserWrite, context: &WriteContext) -> Result<user::Model> {
        let columns = Columns::of(&write.document);
        let search = searchable::document(&write.document, &self.types.user);
        let now = self.tenant.now();
        let row = user::Model {
            tenant_id: self.tenant.id,
            connection_id: self.connection,
            id: UserId::generate(),
            user_name_folded: columns.user_name_folded,
            external_id: columns.external_id,
            display_name_folded: columns.display_name_folded,
            email_folded: columns.email_folded,
            active: columns.active,
            document: write.document,
            version: 1,
            created_at: now,
            last_modified_at: now,
        };
        let entry = self.entry(row.id, write.summary, write.detail, context);
        let creation = Creation { row: &row, search, more_emails: &columns.more_emails, entry, context };
        if !creation.at_once(&self.tenant.store).await? {
            self.insert_step_by_step(creation).await?;
        }
        self.tenant.store.wake_all();
        Ok(row)
    }

    async fn insert_step_by_step(&self, creation: Creation<'_>) -> Result<()> {
        let Creation { row, search, more_emails, entry, context } = creation;
        let transaction = self.tenant.store.write().await?;
        insert(&transaction, row, search).await?;
        turns::share(&transaction, self.connection).await?;
        insert_emails(&transaction, row, more_emails).await?;
        let keys = names(row);
        if parked::is_awaited(&transaction, (self.tenant.id, self.connection), &keys).await? {
            self.admit(&transaction, row.id, &keys, context).await?;
        }
        self.mark(&transaction, row.id, TaskRank::Change, row.created_at, context).await?;
        timeline::insert(&transaction, self.tenant.id, row.created_at, vec![entry]).await?;
        transaction.commit().await
    }

    /// Changes a user under a lock: `change` sees the row and says what it becomes. When the document
    /// stays as it is, nothing is written and the version stays.
    pub async fn modify<E>(
        &self,
        id: UserId,
        context: &WriteContext,
        change: impl FnOnce(&user::Model) -> std::result::Result<UserWrite, E> + Send,
    ) -> std::result::Result<Modified<user::Model>, ModifyError<E>> {
        let transaction = self.tenant.store.write().await?;
        let current = self.lock(&transaction, id, for_change).await?;
        let write = change(&current).map_err(ModifyError::Refused)?;
        if write.document == current.document {
            return Ok(Modified { row: current, changed: false });
        }
        let names_before = names(&current);
        let columns = Columns::of(&write.document);
        let emails_before = Columns::of(&current.document).more_emails;
        let rank = if current.active && !columns.active { TaskRank::Deprovision } else { TaskRank::Change };
        let search = searchable::document(&write.document, &self.types.user);
        let row = user::Model {
            user_name_folded: columns.user_name_folded,
            external_id: columns.external_id,
            display_name_folded: columns.display_name_folded,
            email_folded: columns.email_folded,
            active: columns.active,
            document: write.document,
            version: current.version + 1,
            // A clock that went back must not make lastModified go back.
            last_modified_at: self.tenant.now().max(current.last_modified_at),
            ..current
        };
        update(&transaction, &row, search).await?;
        if columns.more_emails != emails_before {
            let sql = "DELETE FROM user_emails WHERE tenant_id = $1 AND connection_id = $2 AND user_id = $3";
            execute(&*transaction, sql, self.key(id)).await?;
            insert_emails(&transaction, &row, &columns.more_emails).await?;
        }
        let names = names(&row);
        if names != names_before {
            // After the row is locked, and before its task is: see `turns`.
            turns::share(&transaction, self.connection).await?;
            if parked::is_awaited(&transaction, (self.tenant.id, self.connection), &names).await? {
                self.admit(&transaction, id, &names, context).await?;
            }
        }
        self.record(&transaction, id, rank, write.summary, write.detail, context).await?;
        self.commit(transaction).await?;
        Ok(Modified { row, changed: true })
    }

    /// Deletes a user, takes it out of all groups, and moves their versions.
    pub async fn delete<E>(
        &self,
        id: UserId,
        context: &WriteContext,
        check: impl FnOnce(&user::Model) -> std::result::Result<(), E> + Send,
    ) -> std::result::Result<(), ModifyError<E>> {
        let transaction = self.tenant.store.write().await?;
        let current = self.lock(&transaction, id, for_update).await?;
        check(&current).map_err(ModifyError::Refused)?;
        let member = Membership { tenant: self.tenant.id, connection: self.connection, member: id.0 };
        members::withdraw(&transaction, member, self.tenant.now()).await?;
        let summary = "Deleted by the identity provider".to_owned();
        self.record(&transaction, id, TaskRank::Deprovision, summary, None, context).await?;
        let sql = "DELETE FROM users WHERE tenant_id = $1 AND connection_id = $2 AND id = $3";
        execute(&*transaction, sql, self.key(id)).await?;
        self.commit(transaction).await?;
        Ok(())
    }

    /// The user, if there is one, with its groups read along if they are asked for.
    pub async fn find_to_show(&self, id: UserId, reads_groups: bool) -> Result<Option<FoundUser>> {
        let backend = self.tenant.store.backend();
        let groups = if reads_groups { with_groups(backend) } else { NO_GROUPS };
        let sql = format!(
            "SELECT {COLUMNS}{groups} FROM users r WHERE r.tenant_id = $1 AND r.connection_id = $2 AND r.id = $3"
        );
        let query = FoundUser::find_by_statement(statement(backend, sql, self.key(id)));
        Ok(query.one(&self.tenant.store.reader()).await?)
    }

    /// The user, if there is one.
    pub async fn find(&self, id: UserId) -> Result<Option<user::Model>> {
        let key = (self.tenant.id, self.connection, id);
        Ok(user::Entity::find_by_id(key).one(&self.tenant.store.reader()).await?)
    }

    /// Those of some users that there are, in no order.
    pub async fn find_all(&self, ids: &[UserId]) -> Result<Vec<user::Model>> {
        let mut users = Vec::with_capacity(ids.len());
        for ids in ids.chunks(IDS_PER_STATEMENT) {
            let query = self.select().filter(user::Column::Id.is_in(ids.iter().copied()));
            users.extend(query.all(&self.tenant.store.reader()).await?);
        }
        Ok(users)
    }

    /// The user of that userName, in any case.
    pub async fn find_by_user_name(&self, name: &str) -> Result<Option<user::Model>> {
        let query = self.select().filter(user::Column::UserNameFolded.eq(lookup::folded(name)));
        Ok(query.one(&self.tenant.store.reader()).await?)
    }

    /// A search for users, whose groups are read along if they are asked for.
    pub fn search(&self, query: &Query<'_>, reads_groups: bool) -> Search<'_, FoundUser> {
        let kind = Kind { is_user: true, resource_type: &self.types.user, base_url: query.base_url };
        let groups = if reads_groups { with_groups(self.tenant.store.backend()) } else { NO_GROUPS };
        let table = Table { name: "users", columns: COLUMNS, more: groups, more_when_skipping: NO_GROUPS };
        Search::new(&self.tenant.store, (self.tenant.id, self.connection), table, &kind, query)
    }

    /// A page in order of creation, after `after`: for walking a whole directory in bounded memory.
    pub async fn after(&self, after: Option<UserId>, limit: u64) -> Result<Vec<user::Model>> {
        let mut query = self.select().order_by_asc(user::Column::Id).limit(limit);
        if let Some(after) = after {
            query = query.filter(user::Column::Id.gt(after));
        }
        Ok(query.all(&self.tenant.store.reader()).await?)
    }

    /// Users whose user name, display name or e-mail address begins with `start`, in any case: at the most `limit`, in
    /// order of user names.
    pub async fn beginning_with(&self, start: &str, limit: u64) -> Result<Vec<user::Model>> {
        let (from, until) = lookup::beginning(start);
        // A search of its own for each column, so that each goes by its index.
        let columns =
            [user::Column::UserNameFolded, user::Column::DisplayNameFolded, user::Column::EmailFolded];
        let mut found = Vec::new();
        for column in columns {
            let query = self.select().filter(column.gte(from.as_str())).filter(column.lt(until.as_str()));
            let query = query.order_by_asc(column).limit(limit);
            found.extend(query.all(&self.tenant.store.reader()).await?);
        }
        found.sort_by(|one, other| one.user_name_folded.cmp(&other.user_name_folded));
        found.dedup_by(|one, other| one.id == other.id);
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    /// How many users the directory has.
    pub async fn count(&self) -> Result<u64> {
        Ok(self.select().count(&self.tenant.store.reader()).await?)
    }

    fn select(&self) -> Select<user::Entity> {
        user::Entity::find()
            .filter(user::Column::TenantId.eq(self.tenant.id))
            .filter(user::Column::ConnectionId.eq(self.connection))
    }

    fn key(&self, id: UserId) -> Vec<sea_orm::Value> {
        vec![self.tenant.id.into(), self.connection.into(), id.into()]
    }

    async fn lock(
        &self,
        transaction: &WriteTransaction,
        id: UserId,
        lock: fn(DatabaseBackend) -> &'static str,
    ) -> Result<user::Model> {
        let sql = format!(
            "SELECT {COLUMNS} FROM users r WHERE r.tenant_id = $1 AND r.connection_id = $2 AND r.id = $3 {}",
            lock(transaction.get_database_backend()),
        );
        user::Entity::find()
            .from_raw_sql(statement(transaction.get_database_backend(), sql, self.key(id)))
            .one(&**transaction)
            .await?
            .ok_or(Error::NotFound("user"))
    }

    /// Marks the user's tasks and writes its timeline entry.
    async fn record(
        &self,
        transaction: &WriteTransaction,
        id: UserId,
        rank: TaskRank,
        summary: String,
        detail: Option<Value>,
        context: &WriteContext,
    ) -> Result<()> {
        let at = self.tenant.now();
        self.mark(transaction, id, rank, at, context).await?;
        let entry = self.entry(id, summary, detail, context);
        timeline::insert(transaction, self.tenant.id, at, vec![entry]).await
    }

    async fn mark(
        &self,
        transaction: &WriteTransaction,
        id: UserId,
        rank: TaskRank,
        at: Timestamp,
        context: &WriteContext,
    ) -> Result<()> {
        let mark = Mark {
            tenant: self.tenant.id,
            connection: self.connection,
            rank,
            at,
            trace_context: context.trace_context.clone(),
        };
        mark_objects(transaction, &mark, TaskKind::User, &[id.0]).await
    }

    fn entry(&self, id: UserId, summary: String, detail: Option<Value>, context: &WriteContext) -> NewEntry {
        NewEntry {
            object_kind: ObjectKind::User,
            object_id: id.0,
            connection_id: Some(self.connection),
            site_id: None,
            kind: TimelineKind::Request,
            request_id: Some(context.request_id.clone()),
            summary,
            detail,
        }
    }

    /// Lets a user into the groups that wait for it.
    async fn admit(
        &self,
        transaction: &WriteTransaction,
        id: UserId,
        names: &[String],
        context: &WriteContext,
    ) -> Result<()> {
        let arrived = Member { member_id: id.0, kind: MemberKind::User };
        self.tenant.groups(self.connection).admit(transaction, arrived, names, context).await
    }

    async fn commit(&self, transaction: WriteTransaction) -> Result<()> {
        transaction.commit().await?;
        self.tenant.store.wake_all();
        Ok(())
    }
}
