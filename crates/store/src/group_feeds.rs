//! What has led to site groups: remembered where links rename groups, so that whoever leaves a directory group, or
//! loses it because it was deleted or renamed, loses the site group that came of it.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::accounts::Accounts;
use crate::entity::group_feed;
use crate::error::Result;
use crate::id::ConnectionId;
use crate::lookup;
use crate::statement::{IDS_PER_STATEMENT, execute};

impl Accounts {
    /// Notes that directory groups of a connection lead to site groups: pairs of site group and directory group.
    pub async fn put_group_feeds(&self, connection: ConnectionId, feeds: &[(String, String)]) -> Result<()> {
        if feeds.is_empty() {
            return Ok(());
        }
        let transaction = self.tenant.store.write().await?;
        for feeds in feeds.chunks(IDS_PER_STATEMENT) {
            let mut values = vec![self.tenant.id.into(), self.site.into(), connection.into()];
            let mut rows = Vec::with_capacity(feeds.len());
            for (site_group, directory_group) in feeds {
                let next = values.len() + 1;
                rows.push(format!("($1, $2, $3, ${next}, ${})", next + 1));
                values.extend([lookup::folded(site_group).into(), directory_group.as_str().into()]);
            }
            let sql = format!(
                "INSERT INTO group_feeds \
                 (tenant_id, site_id, connection_id, site_group_folded, directory_group) \
                 VALUES {} ON CONFLICT DO NOTHING",
                rows.join(",")
            );
            execute(&*transaction, sql, values).await?;
        }
        transaction.commit().await
    }

    /// Everything that has led to site groups, given by their folded names.
    pub async fn group_feeds(&self, site_groups: &[String]) -> Result<Vec<group_feed::Model>> {
        let mut feeds = Vec::new();
        for site_groups in site_groups.chunks(IDS_PER_STATEMENT) {
            let query = group_feed::Entity::find()
                .filter(group_feed::Column::TenantId.eq(self.tenant.id))
                .filter(group_feed::Column::SiteId.eq(self.site))
                .filter(group_feed::Column::SiteGroupFolded.is_in(site_groups.iter().cloned()));
            feeds.extend(query.all(&self.tenant.store.reader()).await?);
        }
        Ok(feeds)
    }

    /// Everything that has led to any site group.
    pub async fn all_group_feeds(&self) -> Result<Vec<group_feed::Model>> {
        let query = group_feed::Entity::find()
            .filter(group_feed::Column::TenantId.eq(self.tenant.id))
            .filter(group_feed::Column::SiteId.eq(self.site));
        Ok(query.all(&self.tenant.store.reader()).await?)
    }
}
