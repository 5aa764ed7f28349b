//! Where secrets are sealed by their tenant's key, and how they are sealed and opened while that key may be exchanged.

use uuid::Uuid;
use zeroize::Zeroizing;

use crate::database::{Store, WriteTransaction};
use crate::error::{Error, Result};
use crate::id::TenantId;
use crate::statement::{execute, for_change, for_share, rows};
use crate::tenant::TenantStore;
use crate::vault::WrappedKey;

/// A column of sealed secrets.
#[derive(Debug)]
pub(crate) struct Sealed {
    table: &'static str,
    column: &'static str,
    /// The column that tells the rows of a tenant apart.
    id: &'static str,
}

/// What we log in at sites with.
pub(crate) const SITE_CREDENTIALS: Sealed = Sealed { table: "sites", column: "credentials", id: "id" };
/// What we are known by where a tenant's people sign in.
pub(crate) const CLIENT_SECRET: Sealed =
    Sealed { table: "sign_in", column: "client_secret", id: "tenant_id" };

/// Every column of sealed secrets.
pub(crate) const ALL: &[Sealed] = &[SITE_CREDENTIALS, CLIENT_SECRET];

impl Sealed {
    /// What the seal of a row is bound to.
    fn context(&self, id: Uuid) -> String {
        format!("{}/{id}/{}", self.table, self.column)
    }

    /// Seals a secret for a row that is written in the same transaction. To be called before anything else in it, so that
    /// two never wait for each other.
    pub(crate) async fn seal(
        &self,
        transaction: &WriteTransaction,
        tenant: &TenantStore,
        id: Uuid,
        plain: &[u8],
    ) -> Result<Vec<u8>> {
        let store = &tenant.store;
        // The key stays what it is until the transaction ends.
        let sql = format!("SELECT wrapped_key FROM tenants WHERE id = $1 {}", for_share(store.backend()));
        let row = rows(&**transaction, sql, vec![tenant.id.into()]).await?.into_iter().next();
        let key = WrappedKey(row.ok_or(Error::NotFound("tenant"))?.try_get("", "wrapped_key")?);
        store.vault.seal(tenant.id, &key, &self.context(id), plain)
    }

    /// Opens what a row that was read had sealed.
    pub(crate) async fn open(
        &self,
        tenant: &TenantStore,
        id: Uuid,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>> {
        let (vault, context) = (&tenant.store.vault, self.context(id));
        match vault.open(tenant.id, &tenant.wrapped_key().await?, &context, sealed) {
            Err(Error::Sealed) => {}
            opened => return opened,
        }
        // The tenant's key was exchanged between the two look-ups: both are read again, together.
        let Self { table, column, id: name } = self;
        let sql = format!(
            "SELECT n.wrapped_key, s.{column} FROM {table} s JOIN tenants n ON n.id = s.tenant_id \
             WHERE s.tenant_id = $1 AND s.{name} = $2"
        );
        let found = rows(&tenant.store.reader(), sql, vec![tenant.id.into(), id.into()]).await?;
        let row = found.into_iter().next().ok_or(Error::Sealed)?;
        let sealed = row.try_get::<Option<Vec<u8>>>("", column)?.ok_or(Error::Sealed)?;
        vault.open(tenant.id, &WrappedKey(row.try_get("", "wrapped_key")?), &context, &sealed)
    }

    /// Seals every secret of a tenant by another key; how many that were.
    pub(crate) async fn reseal(
        &self,
        transaction: &WriteTransaction,
        store: &Store,
        tenant: TenantId,
        (old, new): (&WrappedKey, &WrappedKey),
    ) -> Result<u64> {
        let Self { table, column, id } = self;
        let sql = format!(
            "SELECT {id}, {column} FROM {table} WHERE tenant_id = $1 AND {column} IS NOT NULL ORDER BY {id} {}",
            for_change(store.backend())
        );
        let mut count = 0;
        for row in rows(&**transaction, sql, vec![tenant.into()]).await? {
            let (row_id, secret): (Uuid, Vec<u8>) = (row.try_get("", id)?, row.try_get("", column)?);
            let context = self.context(row_id);
            let plain = store.vault.open(tenant, old, &context, &secret)?;
            let next = store.vault.seal(tenant, new, &context, &plain)?;
            let sql = format!("UPDATE {table} SET {column} = $3 WHERE tenant_id = $1 AND {id} = $2");
            count += execute(&**transaction, sql, vec![tenant.into(), row_id.into(), next.into()]).await?;
        }
        Ok(count)
    }
}
