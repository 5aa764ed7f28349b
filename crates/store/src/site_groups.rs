//! Groups known to exist at a site, so that it is not asked before each member is added.

use sea_orm::EntityTrait;

use crate::accounts::Accounts;
use crate::clock::Timestamp;
use crate::entity::site_group;
use crate::error::Result;
use crate::lookup;
use crate::statement::{count, execute};

impl Accounts {
    /// Notes that a site group exists.
    pub async fn put_site_group(&self, name: &str, created_by_us: bool) -> Result<()> {
        let transaction = self.tenant.store.write().await?;
        let sql = "INSERT INTO site_groups (tenant_id, site_id, name_folded, name, created_by_us, observed_at) \
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant_id, site_id, name_folded) \
            DO UPDATE SET observed_at = excluded.observed_at, \
            created_by_us = (site_groups.created_by_us OR excluded.created_by_us)";
        let values = vec![
            self.tenant.id.into(),
            self.site.into(),
            lookup::folded(name).into(),
            name.into(),
            created_by_us.into(),
            self.tenant.now().into(),
        ];
        execute(&*transaction, sql, values).await?;
        transaction.commit().await
    }

    /// Forgets that a site group exists, because the site says that it does not.
    pub async fn forget_site_group(&self, name: &str) -> Result<()> {
        let transaction = self.tenant.store.write().await?;
        let sql = "DELETE FROM site_groups WHERE tenant_id = $1 AND site_id = $2 AND name_folded = $3";
        let values = vec![self.tenant.id.into(), self.site.into(), lookup::folded(name).into()];
        execute(&*transaction, sql, values).await?;
        transaction.commit().await
    }

    /// When a site group was last known to exist.
    pub async fn site_group_seen_at(&self, name: &str) -> Result<Option<Timestamp>> {
        let key = (self.tenant.id, self.site, lookup::folded(name));
        let group = site_group::Entity::find_by_id(key).one(&self.tenant.store.reader()).await?;
        Ok(group.map(|group| group.observed_at))
    }

    /// Whether a site group is known to exist.
    pub async fn knows_site_group(&self, name: &str) -> Result<bool> {
        let sql = "SELECT COUNT(*) AS n FROM site_groups \
            WHERE tenant_id = $1 AND site_id = $2 AND name_folded = $3";
        let values = vec![self.tenant.id.into(), self.site.into(), lookup::folded(name).into()];
        Ok(count(&self.tenant.store.reader(), sql, values).await? > 0)
    }
}
