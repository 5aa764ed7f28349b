//! How a tenant's people sign in by an identity provider of its own.

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect};
use zeroize::Zeroizing;

use crate::entity::sign_in::{self, RoleRule, RoleRules, Texts};
use crate::error::{Error, Result};
use crate::sealed::CLIENT_SECRET;
use crate::sessions;
use crate::tenant::TenantStore;

/// How the people of one tenant sign in.
#[derive(Clone, Debug)]
pub struct SignIn {
    pub(crate) tenant: TenantStore,
}

/// What an owner says of it.
#[derive(Clone, Debug)]
pub struct NewSignIn {
    /// Where the provider describes itself.
    pub issuer: String,
    /// What its tokens have in `iss`, where that is something else.
    pub token_issuer: Option<String>,
    /// What we are called there.
    pub client_id: String,
    /// In clear; sealed before it is stored. The stored one stays when this is `None`.
    pub client_secret: Option<ClientSecret>,
    /// What access tokens for our API have in `aud`, where that is not the client id.
    pub audience: Option<String>,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// The claim that says who may what.
    pub claim: String,
    /// Which of its values give which role.
    pub roles: Vec<RoleRule>,
}

/// A client secret, or none at all.
#[derive(Clone, Debug)]
pub enum ClientSecret {
    /// We have this one.
    Is(Zeroizing<String>),
    /// We are a public client.
    Absent,
}

impl SignIn {
    /// The settings, if there are any.
    pub async fn find(&self) -> Result<Option<sign_in::Model>> {
        Ok(sign_in::Entity::find_by_id(self.tenant.id).one(&self.tenant.store.reader()).await?)
    }

    /// The settings.
    pub async fn get(&self) -> Result<sign_in::Model> {
        self.find().await?.ok_or(Error::NotFound("sign-in"))
    }

    /// Sets everything anew, and ends the sessions of everyone who signed in by what was there. `expected` is the version
    /// that must still be there, 0 for none: [`Error::Stale`] when it is not.
    pub async fn put(&self, new: NewSignIn, expected: Option<i64>) -> Result<sign_in::Model> {
        let now = self.tenant.now();
        let transaction = self.tenant.store.write().await?;
        let sealed = match &new.client_secret {
            Some(ClientSecret::Is(secret)) => Some(Some(
                CLIENT_SECRET.seal(&transaction, &self.tenant, self.tenant.id.0, secret.as_bytes()).await?,
            )),
            Some(ClientSecret::Absent) => Some(None),
            None => None,
        };
        let query = sign_in::Entity::find_by_id(self.tenant.id).lock_exclusive();
        let current = query.one(&*transaction).await?;
        let version = current.as_ref().map_or(0, |row| row.version);
        if expected.is_some_and(|expected| expected != version) {
            return Err(Error::Stale);
        }
        let is_new = current.is_none();
        let mut row = match current {
            Some(row) => row.into_active_model(),
            None => sign_in::ActiveModel {
                tenant_id: Set(self.tenant.id),
                client_secret: Set(None),
                created_at: Set(now),
                ..Default::default()
            },
        };
        row.issuer = Set(new.issuer);
        row.token_issuer = Set(new.token_issuer);
        row.client_id = Set(new.client_id);
        if let Some(sealed) = sealed {
            row.client_secret = Set(sealed);
        }
        row.audience = Set(new.audience);
        row.scopes = Set(Texts(new.scopes));
        row.claim = Set(new.claim);
        row.roles = Set(RoleRules(new.roles));
        row.version = Set(version + 1);
        row.updated_at = Set(now);
        let row = if is_new { row.insert(&*transaction).await? } else { row.update(&*transaction).await? };
        sessions::end_of_people(&transaction, &self.tenant).await?;
        transaction.commit().await?;
        Ok(row)
    }

    /// Removes the settings, and ends the sessions of everyone who signed in by them.
    pub async fn delete(&self) -> Result<()> {
        let transaction = self.tenant.store.write().await?;
        let query = sign_in::Entity::delete_many().filter(sign_in::Column::TenantId.eq(self.tenant.id));
        let deleted = query.exec(&*transaction).await?.rows_affected;
        if deleted == 0 {
            return Err(Error::NotFound("sign-in"));
        }
        sessions::end_of_people(&transaction, &self.tenant).await?;
        transaction.commit().await
    }

    /// The client secret in clear: for the token endpoint only.
    pub async fn open_client_secret(&self, row: &sign_in::Model) -> Result<Option<Zeroizing<Vec<u8>>>> {
        match &row.client_secret {
            Some(sealed) => CLIENT_SECRET.open(&self.tenant, self.tenant.id.0, sealed).await.map(Some),
            None => Ok(None),
        }
    }
}
