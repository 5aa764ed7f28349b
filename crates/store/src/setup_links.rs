//! Links that open the set-up page of one connection for a time: for the provider's administrator, who has no key.

use std::time::Duration;

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use secrecy::{ExposeSecret as _, SecretString};

use crate::clock::Timestamp;
use crate::database::Store;
use crate::entity::setup_link;
use crate::error::{Error, Result};
use crate::id::{ConnectionId, SetupLinkId};
use crate::secret::{self, SecretKind};
use crate::statement;
use crate::tenant::TenantStore;

/// The set-up links of one connection.
#[derive(Clone, Debug)]
pub struct SetupLinks {
    pub(crate) tenant: TenantStore,
    pub(crate) connection: ConnectionId,
}

impl Store {
    /// The set-up link with this digest, of whichever connection, good or not.
    pub async fn find_setup_link(&self, digest: &[u8]) -> Result<Option<setup_link::Model>> {
        let query = setup_link::Entity::find().filter(setup_link::Column::Digest.eq(digest));
        Ok(query.one(&self.reader()).await?)
    }
}

impl setup_link::Model {
    /// Whether it opens its connection at `now`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

impl SetupLinks {
    /// Makes a link that works for `lifetime`. The secret is returned here and never again.
    pub async fn insert(
        &self,
        created_by: &str,
        lifetime: Duration,
    ) -> Result<(setup_link::Model, SecretString)> {
        self.tenant.connections().get(self.connection).await?;
        let secret = secret::generate(SecretKind::SetupLink)?;
        let now = self.tenant.now();
        let row = setup_link::ActiveModel {
            tenant_id: Set(self.tenant.id),
            id: Set(SetupLinkId::generate()),
            connection_id: Set(self.connection),
            digest: Set(secret::digest(secret.expose_secret())),
            created_by: Set(created_by.to_owned()),
            created_at: Set(now),
            expires_at: Set(now.plus(lifetime)),
            revoked_at: Set(None),
            last_used_at: Set(None),
            last_used_from: Set(None),
        };
        let transaction = self.tenant.store.write().await?;
        let row = row.insert(&*transaction).await?;
        transaction.commit().await?;
        Ok((row, secret))
    }

    /// All links in order of creation, those that no longer work included.
    pub async fn list(&self) -> Result<Vec<setup_link::Model>> {
        self.tenant.connections().get(self.connection).await?;
        Ok(setup_link::Entity::find()
            .filter(setup_link::Column::TenantId.eq(self.tenant.id))
            .filter(setup_link::Column::ConnectionId.eq(self.connection))
            .order_by_asc(setup_link::Column::Id)
            .all(&self.tenant.store.reader())
            .await?)
    }

    /// Makes the link useless at once. Revoking again changes nothing.
    pub async fn revoke(&self, id: SetupLinkId) -> Result<()> {
        let transaction = self.tenant.store.write().await?;
        let revoked = statement::execute(
            &*transaction,
            "UPDATE setup_links SET revoked_at = COALESCE(revoked_at, $4) \
             WHERE tenant_id = $1 AND connection_id = $2 AND id = $3",
            vec![self.tenant.id.into(), self.connection.into(), id.into(), self.tenant.now().into()],
        )
        .await?;
        if revoked == 0 {
            return Err(Error::NotFound("setup link"));
        }
        transaction.commit().await
    }

    /// Notes a use and its source, at most once a minute.
    pub async fn touch(&self, link: &setup_link::Model, source: &str) -> Result<()> {
        statement::note_use(&self.tenant, "setup_links", link.id.0, link.last_used_at, source).await
    }
}
