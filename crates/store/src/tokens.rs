//! Bearer tokens of a connection: several at a time, so that one is rotated without an outage.

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use secrecy::{ExposeSecret as _, SecretString};

use crate::clock::Timestamp;
use crate::database::Store;
use crate::entity::scim_token;
use crate::error::{Error, Result};
use crate::id::{ConnectionId, TokenId};
use crate::routes::RouteChange;
use crate::secret::{self, SecretKind};
use crate::statement;
use crate::tenant::TenantStore;

/// The tokens of one connection.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub(crate) tenant: TenantStore,
    pub(crate) connection: ConnectionId,
}

impl Store {
    /// The token with this digest, of whichever connection, revoked or not.
    pub async fn find_scim_token(&self, digest: &[u8]) -> Result<Option<scim_token::Model>> {
        Ok(scim_token::Entity::find()
            .filter(scim_token::Column::Digest.eq(digest))
            .one(&self.reader())
            .await?)
    }
}

impl scim_token::Model {
    /// Whether the token opens its connection at `now`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expiry| now < expiry)
    }
}

impl Tokens {
    /// Makes a token. The secret is returned here and never again.
    pub async fn insert(
        &self,
        name: &str,
        expires_at: Option<Timestamp>,
    ) -> Result<(scim_token::Model, SecretString)> {
        self.tenant.connections().get(self.connection).await?;
        let secret = secret::generate(SecretKind::ScimToken)?;
        let row = scim_token::ActiveModel {
            tenant_id: Set(self.tenant.id),
            id: Set(TokenId::generate()),
            connection_id: Set(self.connection),
            name: Set(name.to_owned()),
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

    /// All tokens in order of creation, revoked ones included.
    pub async fn list(&self) -> Result<Vec<scim_token::Model>> {
        self.tenant.connections().get(self.connection).await?;
        Ok(scim_token::Entity::find()
            .filter(scim_token::Column::TenantId.eq(self.tenant.id))
            .filter(scim_token::Column::ConnectionId.eq(self.connection))
            .order_by_asc(scim_token::Column::Id)
            .all(&self.tenant.store.reader())
            .await?)
    }

    /// Makes the token useless at once and returns it, so that caches can drop it by its digest.
    /// Revoking again changes nothing.
    pub async fn revoke(&self, id: TokenId) -> Result<scim_token::Model> {
        let transaction = self.tenant.store.write().await?;
        statement::execute(
            &*transaction,
            "UPDATE scim_tokens SET revoked_at = COALESCE(revoked_at, $4) \
             WHERE tenant_id = $1 AND connection_id = $2 AND id = $3",
            vec![self.tenant.id.into(), self.connection.into(), id.into(), self.tenant.now().into()],
        )
        .await?;
        let row = scim_token::Entity::find_by_id((self.tenant.id, id))
            .filter(scim_token::Column::ConnectionId.eq(self.connection))
            .one(&*transaction)
            .await?
            .ok_or(Error::NotFound("token"))?;
        RouteChange::Token(row.digest.clone()).note(&transaction, self.tenant.id).await?;
        transaction.commit().await?;
        Ok(row)
    }

    /// Notes a use and its source, at most once a minute.
    pub async fn touch(&self, token: &scim_token::Model, source: &str) -> Result<()> {
        statement::note_use(&self.tenant, "scim_tokens", token.id.0, token.last_used_at, source).await
    }
}
