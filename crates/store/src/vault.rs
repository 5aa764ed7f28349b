//! Envelope encryption of secrets at rest: the master key wraps a key per tenant, and the tenant's key
//! seals each secret, bound to the row that holds it.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::id::TenantId;

/// Sealed bytes start with this, so that a later scheme can be told apart.
const FORMAT: u8 = 1;

/// Holder of the master key, and of those that it is about to replace or be replaced by.
pub struct Vault {
    master: RandomizedNonceKey,
    others: Vec<RandomizedNonceKey>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Vault")
    }
}

/// A tenant's key as stored: wrapped by the master key, bound to the tenant.
#[derive(Clone, Debug)]
pub struct WrappedKey(pub Vec<u8>);

impl Vault {
    /// A vault under a master key of 32 bytes.
    pub fn new(master: &[u8; 32]) -> Result<Self> {
        Ok(Self { master: key(master)?, others: Vec::new() })
    }

    /// The same vault, which also opens what another master key has wrapped. Nothing is wrapped by it.
    pub fn also_opening(mut self, master: &[u8; 32]) -> Result<Self> {
        self.others.push(key(master)?);
        Ok(self)
    }

    /// A new key for a tenant, wrapped.
    pub fn new_tenant_key(&self, tenant: TenantId) -> Result<WrappedKey> {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        rand::fill(bytes.as_mut()).map_err(|_| Error::Sealed)?;
        Ok(WrappedKey(seal(&self.master, &tenant_context(tenant), bytes.as_ref())?))
    }

    /// Seals a secret of a tenant for the row named by `context` (`sites/{id}`, …).
    pub fn seal(
        &self,
        tenant: TenantId,
        wrapped: &WrappedKey,
        context: &str,
        secret: &[u8],
    ) -> Result<Vec<u8>> {
        seal(&self.tenant_key(tenant, wrapped)?, &row_context(tenant, context), secret)
    }

    /// Opens what [`Vault::seal`] made for the same tenant and row; anything else is [`Error::Sealed`].
    pub fn open(
        &self,
        tenant: TenantId,
        wrapped: &WrappedKey,
        context: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>> {
        open(&self.tenant_key(tenant, wrapped)?, &row_context(tenant, context), sealed)
    }

    /// The tenant's key as another vault would have wrapped it; what it sealed stays as it is.
    pub fn rewrap(&self, tenant: TenantId, wrapped: &WrappedKey, other: &Vault) -> Result<WrappedKey> {
        let bytes = self.unwrap(tenant, wrapped)?;
        Ok(WrappedKey(seal(&other.master, &tenant_context(tenant), &bytes)?))
    }

    /// Whether this vault made the tenant's key; [`Error::Sealed`] when its master key is another one.
    pub fn check(&self, tenant: TenantId, wrapped: &WrappedKey) -> Result<()> {
        self.tenant_key(tenant, wrapped).map(drop)
    }

    /// Whether the tenant's key is wrapped by the master key that wraps new ones.
    pub fn is_under_the_first_key(&self, tenant: TenantId, wrapped: &WrappedKey) -> bool {
        open(&self.master, &tenant_context(tenant), &wrapped.0).is_ok()
    }

    fn tenant_key(&self, tenant: TenantId, wrapped: &WrappedKey) -> Result<RandomizedNonceKey> {
        key(&self.unwrap(tenant, wrapped)?)
    }

    fn unwrap(&self, tenant: TenantId, wrapped: &WrappedKey) -> Result<Zeroizing<Vec<u8>>> {
        let context = tenant_context(tenant);
        let mut masters = std::iter::once(&self.master).chain(&self.others);
        masters.find_map(|master| open(master, &context, &wrapped.0).ok()).ok_or(Error::Sealed)
    }
}

fn key(bytes: &[u8]) -> Result<RandomizedNonceKey> {
    RandomizedNonceKey::new(&AES_256_GCM, bytes).map_err(|_| Error::Sealed)
}

fn tenant_context(tenant: TenantId) -> String {
    format!("rollcall tenant key {tenant}")
}

fn row_context(tenant: TenantId, context: &str) -> String {
    format!("rollcall secret {tenant} {context}")
}

fn seal(key: &RandomizedNonceKey, context: &str, plain: &[u8]) -> Result<Vec<u8>> {
    let mut body = plain.to_vec();
    let nonce =
        key.seal_in_place_append_tag(Aad::from(context.as_bytes()), &mut body).map_err(|_| Error::Sealed)?;
    let mut sealed = Vec::with_capacity(1 + NONCE_LEN + body.len());
    sealed.push(FORMAT);
    sealed.extend_from_slice(nonce.as_ref());
    sealed.extend_from_slice(&body);
    Ok(sealed)
}

fn open(key: &RandomizedNonceKey, context: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let Some((&FORMAT, rest)) = sealed.split_first() else { return Err(Error::Sealed) };
    let Some((nonce, body)) = rest.split_at_checked(NONCE_LEN) else { return Err(Error::Sealed) };
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Error::Sealed)?;
    let mut body = Zeroizing::new(body.to_vec());
    let length = key
        .open_in_place(nonce, Aad::from(context.as_bytes()), body.as_mut_slice())
        .map_err(|_| Error::Sealed)?
        .len();
    body.truncate(length);
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_only_for_its_own_tenant_and_row() {
        let vault = Vault::new(&[7; 32]).unwrap();
        let (one, other) = (TenantId::generate(), TenantId::generate());
        let key = vault.new_tenant_key(one).unwrap();
        let sealed = vault.seal(one, &key, "sites/a", b"token").unwrap();

        assert_eq!(vault.open(one, &key, "sites/a", &sealed).unwrap().as_slice(), b"token");
        assert!(matches!(vault.open(one, &key, "sites/b", &sealed), Err(Error::Sealed)));
        assert!(matches!(vault.open(other, &key, "sites/a", &sealed), Err(Error::Sealed)));
        assert!(matches!(
            Vault::new(&[8; 32]).unwrap().open(one, &key, "sites/a", &sealed),
            Err(Error::Sealed)
        ));
    }

    #[test]
    fn a_vault_opens_under_any_of_its_keys_and_wraps_under_the_first() {
        let (old, new) = ([7; 32], [8; 32]);
        let tenant = TenantId::generate();
        let before = Vault::new(&old).unwrap();
        let key = before.new_tenant_key(tenant).unwrap();
        let sealed = before.seal(tenant, &key, "sites/a", b"token").unwrap();
        let both = Vault::new(&new).unwrap().also_opening(&old).unwrap();
        assert_eq!(both.open(tenant, &key, "sites/a", &sealed).unwrap().as_slice(), b"token");
        assert!(!both.is_under_the_first_key(tenant, &key));
        let next = both.rewrap(tenant, &key, &both).unwrap();
        assert!(both.is_under_the_first_key(tenant, &next));
        assert!(matches!(before.check(tenant, &next), Err(Error::Sealed)));
        let after = Vault::new(&new).unwrap();
        assert_eq!(after.open(tenant, &next, "sites/a", &sealed).unwrap().as_slice(), b"token");
        assert!(matches!(both.check(TenantId::generate(), &next), Err(Error::Sealed)));
    }

    #[test]
    fn a_tampered_secret_does_not_open() {
        let vault = Vault::new(&[7; 32]).unwrap();
        let tenant = TenantId::generate();
        let key = vault.new_tenant_key(tenant).unwrap();
        let sealed = vault.seal(tenant, &key, "sites/a", b"token").unwrap();
        for position in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[position] ^= 1;
            assert!(vault.open(tenant, &key, "sites/a", &bent).is_err(), "byte {position}");
        }
        assert!(vault.open(tenant, &key, "sites/a", &sealed[..5]).is_err());
    }
}
