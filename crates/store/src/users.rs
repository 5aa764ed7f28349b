//! Users of a directory: SCIM resources as documents, with the columns that are looked up.

use std::collections::{BTreeSet, HashMap};
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
use crate::id::{ConnectionId, GroupId, UserId};
use crate::lookup;
use crate::marking::{Mark, mark_objects};
use crate::members::{self, Member, Membership};
use crate::parked;
use crate::search::{Kind, Query, Search, Table};
use crate::statement::{IDS_PER_STATEMENT, execute, for_change, for_update, placeholders, statement};
use crate::tenant::TenantStore;
use crate::timeline::{self, NewEntry};

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

/// The columns of a row's model, with the alias `r`: all but `search`, which only conditions read.
const COLUMNS: &str = "r.tenant_id, r.connection_id, r.id, r.user_name_folded, r.external_id, \
    r.display_name_folded, r.email_folded, r.active, r.document, r.version, r.created_at, r.last_modified_at";

struct Columns {
    user_name_folded: String,
    external_id: Option<String>,
    display_name_folded: Option<String>,
    email_folded: Option<String>,
    /// Addresses besides `email_folded`: rows of `user_emails`.
    more_emails: BTreeSet<String>,
    active: bool,
}

impl Columns {
    fn of(document: &Value) -> Self {
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        let email_folded = email(document).map(lookup::folded);
        let mut more_emails: BTreeSet<String> = emails(document).map(lookup::folded).collect();
        if let Some(email) = &email_folded {
            more_emails.remove(email);
        }
        Self {
            user_name_folded: lookup::folded(text("userName").unwrap_or_default()),
            external_id: text("externalId").map(lookup::exact),
            display_name_folded: text("displayName").map(lookup::folded),
            email_folded,
            more_emails,
            // RFC 7643 §4.1.1 leaves an absent `active` to the service provider: a provisioned user may
            // log in unless the provider says otherwise.
            active: document.get("active").and_then(Value::as_bool).unwrap_or(true),
        }
    }
}

/// What a group may know the user by.
fn names(row: &user::Model) -> Vec<String> {
    let id = row.id.to_string();
    let text = |name: &str| row.document.get(name).and_then(Value::as_str);
    parked::names([Some(id.as_str()), text("externalId"), text("userName")])
}

/// The primary e-mail address, or the first.
fn email(document: &Value) -> Option<&str> {
    let emails = document.get("emails")?.as_array()?;
    let primary = emails.iter().find(|email| email.get("primary") == Some(&Value::Bool(true)));
    primary.or_else(|| emails.first())?.get("value")?.as_str()
}

/// All e-mail addresses.
fn emails(document: &Value) -> impl Iterator<Item = &str> {
    let emails = document.get("emails").and_then(Value::as_array);
    emails.into_iter().flatten().filter_map(|email| email.get("value")?.as_str())
}

async fn insert(transaction: &WriteTransaction, row: &user::Model, search: Value) -> Result<()> {
    let sql = "INSERT INTO users (tenant_id, connection_id, id, user_name_folded, external_id, \
        display_name_folded, email_folded, active, document, search, version, last_modified_at, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    let mut values = columns_of(row, search);
    values.push(row.created_at.into());
    // Creates are many, and each round trip counts.
    let sql = parked::announcing(transaction.get_database_backend(), sql, row.connection_id, &mut values);
    execute(&**transaction, sql, values).await?;
    Ok(())
}

async fn update(transaction: &WriteTransaction, row: &user::Model, search: Value) -> Result<()> {
    let sql = "UPDATE users SET user_name_folded = $4, external_id = $5, display_name_folded = $6, \
        email_folded = $7, active = $8, document = $9, search = $10, version = $11, last_modified_at = $12 \
        WHERE tenant_id = $1 AND connection_id = $2 AND id = $3";
    execute(&**transaction, sql, columns_of(row, search)).await?;
    Ok(())
}

/// The key, and what an edit may change.
fn columns_of(row: &user::Model, search: Value) -> Vec<sea_orm::Value> {
    vec![
        row.tenant_id.into(),
        row.connection_id.into(),
        row.id.into(),
        row.user_name_folded.as_str().into(),
        row.external_id.as_deref().into(),
        row.display_name_folded.as_deref().into(),
        row.email_folded.as_deref().into(),
        row.active.into(),
        row.document.clone().into(),
        search.into(),
        row.version.into(),
        row.last_modified_at.into(),
    ]
}

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
        let transaction = self.tenant.store.write().await?;
        insert(&transaction, &row, search).await?;
        self.insert_emails(&transaction, row.id, &columns.more_emails).await?;
        let at = self.tenant.now();
        self.mark(&transaction, row.id, TaskRank::Change, at, context).await?;
        let entry = self.entry(row.id, write.summary, write.detail, context);
        let keys = names(&row);
        let question = parked::is_awaited((self.tenant.id, self.connection), &keys);
        if timeline::insert_asking(&transaction, self.tenant.id, at, entry, question).await? {
            self.admit(&transaction, row.id, &keys, context).await?;
        }
        self.commit(transaction).await?;
        Ok(row)
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
            self.insert_emails(&transaction, id, &columns.more_emails).await?;
        }
        let names = names(&row);
        if names != names_before {
            // After the row is locked, and before its task is: see `parked`.
            parked::announce(&transaction, self.connection).await?;
            if parked::is_awaited_now(&transaction, (self.tenant.id, self.connection), &names).await? {
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

    /// The user, if there is one.
    pub async fn find(&self, id: UserId) -> Result<Option<user::Model>> {
        let key = (self.tenant.id, self.connection, id);
        Ok(user::Entity::find_by_id(key).one(&self.tenant.store.connection).await?)
    }

    /// The user of that userName, in any case.
    pub async fn find_by_user_name(&self, name: &str) -> Result<Option<user::Model>> {
        let query = self.select().filter(user::Column::UserNameFolded.eq(lookup::folded(name)));
        Ok(query.one(&self.tenant.store.connection).await?)
    }

    /// A search for users.
    pub fn search(&self, query: &Query<'_>) -> Search<'_, user::Model> {
        let kind = Kind { is_user: true, resource_type: &self.types.user, base_url: query.base_url };
        let table = Table { name: "users", columns: COLUMNS };
        Search::new(&self.tenant.store, (self.tenant.id, self.connection), table, &kind, query)
    }

    /// A page in order of creation, after `after`: for walking a whole directory in bounded memory.
    pub async fn after(&self, after: Option<UserId>, limit: u64) -> Result<Vec<user::Model>> {
        let mut query = self.select().order_by_asc(user::Column::Id).limit(limit);
        if let Some(after) = after {
            query = query.filter(user::Column::Id.gt(after));
        }
        Ok(query.all(&self.tenant.store.connection).await?)
    }

    /// How many users the directory has.
    pub async fn count(&self) -> Result<u64> {
        Ok(self.select().count(&self.tenant.store.connection).await?)
    }

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
            let found = HoldingGroup::find_by_statement(query).all(&self.tenant.store.connection).await?;
            for group in found {
                holding.entry(group.user_id).or_default().push(group);
            }
        }
        Ok(holding)
    }

    fn select(&self) -> Select<user::Entity> {
        user::Entity::find()
            .filter(user::Column::TenantId.eq(self.tenant.id))
            .filter(user::Column::ConnectionId.eq(self.connection))
    }

    fn key(&self, id: UserId) -> Vec<sea_orm::Value> {
        vec![self.tenant.id.into(), self.connection.into(), id.into()]
    }

    async fn insert_emails(
        &self,
        transaction: &WriteTransaction,
        id: UserId,
        emails: &BTreeSet<String>,
    ) -> Result<()> {
        for chunk in emails.iter().collect::<Vec<_>>().chunks(IDS_PER_STATEMENT) {
            let mut values = self.key(id);
            values.extend(chunk.iter().map(|email| sea_orm::Value::from(email.as_str())));
            let rows: Vec<String> =
                (4..4 + chunk.len()).map(|number| format!("($1, $2, ${number}, $3)")).collect();
            let sql = format!(
                "INSERT INTO user_emails (tenant_id, connection_id, email_folded, user_id) VALUES {}",
                rows.join(",")
            );
            execute(&**transaction, sql, values).await?;
        }
        Ok(())
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
        self.tenant.store.wake();
        Ok(())
    }
}
