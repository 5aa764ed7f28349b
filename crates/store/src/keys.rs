//! API keys of a tenant: shown once, stored as a digest.

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use secrecy::{ExposeSecret as _, SecretString};

use crate::clock::Timestamp;
use crate::database::Store;
use crate::entity::api_key;
use crate::entity::words::Role;
use crate::error::{Error, Result};
use crate::id::ApiKeyId;
use crate::secret::{self, SecretKind};
use crate::statement;
use crate::tenant::TenantStore;

/// The API keys of one tenant.
#[derive(Clone, Debug)]
pub struct ApiKeys {
    pub(crate) tenant: TenantStore,
}

impl Store {
    /// The key with this digest, of whichever tenant, revoked or not.
    pub async fn find_api_key(&self, digest: &[u8]) -> Result<Option<api_key::Model>> {
        Ok(api_key::Entity::find().filter(api_key::Column::Digest.eq(digest)).one(&self.reader()).await?)
    }
}

impl ApiKeys {
    /// Makes a key. The secret is returned here and never again.
    pub async fn insert(
        &self,
        name: &str,
        role: Role,
        expires_at: Option<Timestamp>,
    ) -> Result<(api_key::Model, SecretString)> {
        let secret = secret::generate(SecretKind::ApiKey)?;
        let row = api_key::ActiveModel {
            tenant_id: Set(self.tenant.id),
            id: Set(ApiKeyId::generate()),
            name: Set(name.to_owned()),
            role: Set(role),
            digest: Set(secret::digest(secret.expose_secret())),
            created_at: Set(self.tenant.now()),
            expires_at: Set(expires_at),
            revoked_at: Set(None),
            last_used_at: Set(None),
            last_used_from: Set(None),
        };
        let transaction = self.tenant.store.write().await?;
        let row = row.insert(&*transaction).await?;
        transaction.commit().await?;
        Ok((row, secret))
    }

    /// All keys in order of creation, revoked ones included.
    pub async fn list(&self) -> Result<Vec<api_key::Model>> {
        Ok(api_key::Entity::find()
            .filter(api_key::Column::TenantId.eq(self.tenant.id))
            .order_by_asc(api_key::Column::Id)
            .all(&self.tenant.store.reader())
            .await?)
    }

    /// The key, revoked or not.
    pub async fn get(&self, id: ApiKeyId) -> Result<api_key::Model> {
        api_key::Entity::find_by_id((self.tenant.id, id))
            .one(&self.tenant.store.reader())
            .await?
            .ok_or(Error::NotFound("key"))
    }

    /// Makes the key useless at once. Revoking again changes nothing.
    pub async fn revoke(&self, id: ApiKeyId) -> Result<()> {
        let transaction = self.tenant.store.write().await?;
        let touched = statement::execute(
            &*transaction,
            "UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $3) WHERE tenant_id = $1 AND id = $2",
            vec![self.tenant.id.into(), id.into(), self.tenant.now().into()],
        )
        .await?;
        transaction.commit().await?;
        if touched == 0 { Err(Error::NotFound("key")) } else { Ok(()) }
    }

    /// Notes a use and its source, at most once a minute.
    pub async fn touch(&self, key: &api_key::Model, source: &str) -> Result<()> {
        statement::note_use(&self.tenant, "api_keys", key.id.0, key.last_used_at, source).await
    }
}
