//! Schema extensions: what a tenant's users and groups may hold beyond the standard.
//!
//! Definitions are JSON in the form of RFC 7643 §7; [`scim_protocol::schema`] reads and checks them. What is
//! here makes sure that a URN means one thing in a tenant, and that data never outlives the definition by
//! which it can be read.

use std::sync::Arc;

use aws_lc_rs::digest;
use scim_protocol::schema::{ResourceTypes, Schema, are_ambiguous};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseBackend, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect,
};

use crate::database::WriteTransaction;
use crate::entity::words::ObjectKind;
use crate::entity::{schema_extension, tenant};
use crate::error::{Error, Result};
use crate::id::SchemaId;
use crate::routes::RouteChange;
use crate::statement;
use crate::tenant::TenantStore;

/// Extensions of a tenant at the most: each is read whenever the gateway looks a token up.
pub const MAX_EXTENSIONS: usize = 20;

/// The schema extensions of one tenant.
#[derive(Clone, Debug)]
pub struct SchemaExtensions {
    pub(crate) tenant: TenantStore,
}

/// Tells a tenant's definitions from those that it had before or will have: another number whenever one was
/// registered, edited or removed; zero while there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SchemasVersion(pub u64);

impl SchemasVersion {
    fn of(rows: &[schema_extension::Model]) -> Self {
        if rows.is_empty() {
            return Self(0);
        }
        let mut context = digest::Context::new(&digest::SHA256);
        for row in rows {
            context.update(row.id.0.as_bytes());
            context.update(&row.version.to_be_bytes());
        }
        let mut start = [0; 8];
        start.copy_from_slice(&context.finish().as_ref()[..8]);
        // Zero is taken.
        Self(u64::from_be_bytes(start).max(1))
    }
}

impl schema_extension::Model {
    /// The definition as a schema.
    pub fn schema(&self) -> Result<Schema> {
        Schema::from_definition(&self.definition).map_err(|problems| {
            let problems: Vec<String> = problems
                .into_iter()
                .map(|problem| format!("{} {}", problem.field, problem.problem))
                .collect();
            Error::Inconsistent(format!("schema extension {}: {}", self.id, problems.join("; ")))
        })
    }
}

impl SchemaExtensions {
    /// Registers an extension. [`Error::Conflict`] with `schema_extensions_urn` when the tenant has its URN
    /// in any case, with `schema_extensions_ambiguous` when one of two URNs reads as an attribute of the
    /// other, and with `schema_extensions_limit` when there are [`MAX_EXTENSIONS`] already.
    pub async fn insert(
        &self,
        resource_type: ObjectKind,
        schema: &Schema,
    ) -> Result<schema_extension::Model> {
        let now = self.tenant.now();
        let row = schema_extension::ActiveModel {
            tenant_id: Set(self.tenant.id),
            id: Set(SchemaId::generate()),
            urn_folded: Set(schema.id.to_ascii_lowercase()),
            resource_type: Set(resource_type),
            definition: Set(schema.to_definition()),
            version: Set(1),
            created_at: Set(now),
            updated_at: Set(now),
        };
        let transaction = self.tenant.store.write().await?;
        // Two registrations must see each other. The weaker lock does not hold up rows that refer to the
        // tenant, which its directories write all the time.
        tenant::Entity::find_by_id(self.tenant.id)
            .lock(LockType::NoKeyUpdate)
            .one(&*transaction)
            .await?
            .ok_or(Error::NotFound("tenant"))?;
        let others = self.rows(&*transaction).await?;
        if others.iter().any(|other| are_ambiguous(&other.urn_folded, &schema.id)) {
            return Err(Error::Conflict("schema_extensions_ambiguous"));
        }
        if others.len() >= MAX_EXTENSIONS {
            return Err(Error::Conflict("schema_extensions_limit"));
        }
        let row = row.insert(&*transaction).await?;
        RouteChange::Tenant(self.tenant.id).note(&transaction, self.tenant.id).await?;
        transaction.commit().await?;
        Ok(row)
    }

    /// The extension.
    pub async fn get(&self, id: SchemaId) -> Result<schema_extension::Model> {
        schema_extension::Entity::find_by_id((self.tenant.id, id))
            .one(&self.tenant.store.reader())
            .await?
            .ok_or(Error::NotFound("schema"))
    }

    /// All, in order of registration.
    pub async fn list(&self) -> Result<Vec<schema_extension::Model>> {
        self.rows(&self.tenant.store.reader()).await
    }

    /// What the tenant's directories serve: the standard resource types with its extensions.
    pub async fn resource_types(&self) -> Result<Arc<ResourceTypes>> {
        Ok(self.versioned().await?.1)
    }

    /// The same, with what tells these definitions from others.
    pub async fn versioned(&self) -> Result<(SchemasVersion, Arc<ResourceTypes>)> {
        let (mut users, mut groups) = (Vec::new(), Vec::new());
        let list = self.list().await?;
        let version = SchemasVersion::of(&list);
        for row in list {
            match row.resource_type {
                ObjectKind::User => users.push(row.schema()?),
                ObjectKind::Group => groups.push(row.schema()?),
            }
        }
        Ok((version, ResourceTypes::extended(users, groups)))
    }

    /// Gives the extension another definition, of the same URN in the same spelling.
    ///
    /// [`Error::Stale`] when it is no longer at version `expected`. When data that is stored may not fit
    /// ([`Schema::incompatibilities`]), the change is made only while no resource of the tenant holds any:
    /// [`Error::Conflict`] with `schema_extensions_in_use`. So what is derived from documents by their types,
    /// such as a searchable form, never has to be made again for a change of a definition.
    pub async fn update(
        &self,
        id: SchemaId,
        expected: Option<i64>,
        schema: &Schema,
    ) -> Result<schema_extension::Model> {
        let transaction = self.tenant.store.write().await?;
        let row = self.lock(&transaction, id).await?;
        if expected.is_some_and(|version| version != row.version) {
            return Err(Error::Stale);
        }
        let before = row.schema()?;
        if before.id != schema.id {
            return Err(Error::Inconsistent("a schema extension keeps its URN".into()));
        }
        if !before.incompatibilities(schema).is_empty() {
            self.refuse_while_in_use(&transaction, row.resource_type, &before.id).await?;
        }
        let version = row.version;
        let mut row = row.into_active_model();
        row.definition = Set(schema.to_definition());
        row.version = Set(version + 1);
        row.updated_at = Set(self.tenant.now());
        let row = row.update(&*transaction).await?;
        RouteChange::Tenant(self.tenant.id).note(&transaction, self.tenant.id).await?;
        transaction.commit().await?;
        Ok(row)
    }

    /// Removes the extension. [`Error::Stale`] as for an update; [`Error::Conflict`] with
    /// `schema_extensions_in_use` while a resource of the tenant holds data under its URN, which nobody could
    /// see any more, and the provider's next PUT would drop.
    pub async fn delete(&self, id: SchemaId, expected: Option<i64>) -> Result<schema_extension::Model> {
        let transaction = self.tenant.store.write().await?;
        let row = self.lock(&transaction, id).await?;
        if expected.is_some_and(|version| version != row.version) {
            return Err(Error::Stale);
        }
        self.refuse_while_in_use(&transaction, row.resource_type, &row.schema()?.id).await?;
        let sql = "DELETE FROM schema_extensions WHERE tenant_id = $1 AND id = $2";
        statement::execute(&*transaction, sql, vec![self.tenant.id.into(), id.into()]).await?;
        RouteChange::Tenant(self.tenant.id).note(&transaction, self.tenant.id).await?;
        transaction.commit().await?;
        Ok(row)
    }

    async fn rows<C: ConnectionTrait>(&self, connection: &C) -> Result<Vec<schema_extension::Model>> {
        Ok(schema_extension::Entity::find()
            .filter(schema_extension::Column::TenantId.eq(self.tenant.id))
            .order_by_asc(schema_extension::Column::Id)
            .all(connection)
            .await?)
    }

    async fn lock(&self, transaction: &WriteTransaction, id: SchemaId) -> Result<schema_extension::Model> {
        schema_extension::Entity::find_by_id((self.tenant.id, id))
            .lock_exclusive()
            .one(&**transaction)
            .await?
            .ok_or(Error::NotFound("schema"))
    }

    /// Looks through the tenant's resources until one holds data under the URN. There is no index for it: an
    /// admin asks this seldom, and an index would cost every write of every directory.
    async fn refuse_while_in_use(
        &self,
        transaction: &WriteTransaction,
        resource_type: ObjectKind,
        urn: &str,
    ) -> Result<()> {
        let table = match resource_type {
            ObjectKind::User => "users",
            ObjectKind::Group => "groups",
        };
        // Documents have URNs in the schema's spelling, whose characters mean nothing in a path of SQLite's.
        let (holds, value) = if transaction.get_database_backend() == DatabaseBackend::Postgres {
            ("jsonb_exists(r.document, $2)", urn.to_owned())
        } else {
            ("json_type(r.document, $2) IS NOT NULL", format!("$.\"{urn}\""))
        };
        let sql = format!(
            "SELECT COUNT(*) AS n FROM (SELECT 1 FROM {table} r WHERE r.tenant_id = $1 AND {holds} LIMIT 1) found"
        );
        let found = statement::count(&**transaction, sql, vec![self.tenant.id.into(), value.into()]).await?;
        if found > 0 { Err(Error::Conflict("schema_extensions_in_use")) } else { Ok(()) }
    }
}
