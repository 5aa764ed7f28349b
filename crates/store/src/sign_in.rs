//! How a tenant's people sign in by an identity provider of its own.

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use zeroize::Zeroizing;

use crate::database::WriteTransaction;
use crate::entity::sign_in::{self, RoleRule, RoleRules, Texts};
use crate::error::{Error, Result};
use crate::key_rotation::key_to_seal_by;
use crate::statement::rows;
use crate::tenant::TenantStore;
use crate::vault::WrappedKey;

const CONTEXT: &str = "sign_in/client_secret";

/// What the seal of a row of `sign_in` is bound to.
pub(crate) fn context_of(_: &uuid::Uuid) -> String {
    CONTEXT.to_owned()
}

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
        Ok(sign_in::Entity::find_by_id(self.tenant.id).one(&self.tenant.store.connection).await?)
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
            Some(ClientSecret::Is(secret)) => Some(Some(self.seal(&transaction, secret.as_bytes()).await?)),
            Some(ClientSecret::Absent) => Some(None),
            None => None,
        };
        let current = sign_in::Entity::find_by_id(self.tenant.id).one(&*transaction).await?;
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
        transaction.commit().await?;
        self.tenant.store.sessions().end_of_people(self.tenant.id).await?;
        Ok(row)
    }

    /// Removes the settings, and ends the sessions of everyone who signed in by them.
    pub async fn delete(&self) -> Result<()> {
        let transaction = self.tenant.store.write().await?;
        let query = sign_in::Entity::delete_many().filter(sign_in::Column::TenantId.eq(self.tenant.id));
        let deleted = query.exec(&*transaction).await?.rows_affected;
        transaction.commit().await?;
        if deleted == 0 {
            return Err(Error::NotFound("sign-in"));
        }
        self.tenant.store.sessions().end_of_people(self.tenant.id).await
    }

    /// The client secret in clear: for the token endpoint only.
    pub async fn open_client_secret(&self, row: &sign_in::Model) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let Some(sealed) = &row.client_secret else { return Ok(None) };
        let vault = &self.tenant.store.vault;
        let key = self.tenant.wrapped_key().await?;
        match vault.open(self.tenant.id, &key, CONTEXT, sealed) {
            Err(Error::Sealed) => {}
            opened => return opened.map(Some),
        }
        // The tenant's key was exchanged between the two look-ups.
        let sql = "SELECT n.wrapped_key, s.client_secret FROM sign_in s JOIN tenants n ON n.id = s.tenant_id \
                   WHERE s.tenant_id = $1";
        let found = rows(&self.tenant.store.connection, sql, vec![self.tenant.id.into()]).await?;
        let row = found.into_iter().next().ok_or(Error::NotFound("sign-in"))?;
        let key = WrappedKey(row.try_get("", "wrapped_key")?);
        match row.try_get::<Option<Vec<u8>>>("", "client_secret")? {
            Some(sealed) => vault.open(self.tenant.id, &key, CONTEXT, &sealed).map(Some),
            None => Ok(None),
        }
    }

    async fn seal(&self, transaction: &WriteTransaction, secret: &[u8]) -> Result<Vec<u8>> {
        let key = key_to_seal_by(transaction, &self.tenant.store, self.tenant.id).await?;
        self.tenant.store.vault.seal(self.tenant.id, &key, CONTEXT, secret)
    }
}
