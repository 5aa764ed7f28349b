//! The ledger read in bulk, for plans: a few statements for a page of users, whatever the size of the directory.

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait as _, QueryFilter, QueryOrder, QuerySelect, Select};

use super::Accounts;
use crate::entity::{account, claim, denied_claim, membership, site_group};
use crate::error::Result;
use crate::id::{AccountId, ConnectionId, UserId};
use crate::lookup;
use crate::statement::{IDS_PER_STATEMENT, rows};

/// A page of the ledger: accounts, and everything that hangs on them.
#[derive(Clone, Debug, Default)]
pub struct LedgerPage {
    /// The accounts.
    pub accounts: Vec<account::Model>,
    /// All claims on them, in order of user id.
    pub claims: Vec<claim::Model>,
    /// The memberships that links manage.
    pub memberships: Vec<membership::Model>,
}

impl Accounts {
    /// The accounts that users claim.
    pub async fn claimed_by(&self, users: &[UserId]) -> Result<LedgerPage> {
        let connection = &self.tenant.store.reader();
        let mut ids = Vec::new();
        for users in users.chunks(IDS_PER_STATEMENT) {
            let claims = self.claims().filter(claim::Column::UserId.is_in(users.iter().copied()));
            ids.extend(claims.all(connection).await?.into_iter().map(|claim| claim.account_id));
        }
        self.page(ids).await
    }

    /// The accounts of these user names, folded for case.
    pub async fn named(&self, folded: &[String]) -> Result<LedgerPage> {
        let mut ids = Vec::new();
        for folded in folded.chunks(IDS_PER_STATEMENT) {
            let named = self.rows().filter(account::Column::UsernameFolded.is_in(folded.iter().cloned()));
            ids.extend(named.all(&self.tenant.store.reader()).await?.into_iter().map(|account| account.id));
        }
        self.page(ids).await
    }

    /// The accounts that have these keys of the product.
    pub async fn keyed(&self, keys: &[String]) -> Result<LedgerPage> {
        let mut ids = Vec::new();
        for keys in keys.chunks(IDS_PER_STATEMENT) {
            let keyed = self.rows().filter(account::Column::Key.is_in(keys.iter().cloned()));
            ids.extend(keyed.all(&self.tenant.store.reader()).await?.into_iter().map(|account| account.id));
        }
        self.page(ids).await
    }

    /// These accounts.
    pub async fn of_ids(&self, ids: Vec<AccountId>) -> Result<LedgerPage> {
        self.page(ids).await
    }

    /// The account of a user name.
    pub async fn of_name(&self, username: &str) -> Result<Option<account::Model>> {
        let named = self.rows().filter(account::Column::UsernameFolded.eq(lookup::folded(username)));
        Ok(named.one(&self.tenant.store.reader()).await?)
    }

    async fn page(&self, mut ids: Vec<AccountId>) -> Result<LedgerPage> {
        ids.sort_unstable();
        ids.dedup();
        let connection = &self.tenant.store.reader();
        let mut page = LedgerPage::default();
        for ids in ids.chunks(IDS_PER_STATEMENT) {
            let these = || ids.iter().copied();
            page.accounts
                .extend(self.rows().filter(account::Column::Id.is_in(these())).all(connection).await?);
            let claims = self.claims().filter(claim::Column::AccountId.is_in(these()));
            page.claims.extend(claims.order_by_asc(claim::Column::UserId).all(connection).await?);
            let memberships = membership::Entity::find()
                .filter(membership::Column::TenantId.eq(self.tenant.id))
                .filter(membership::Column::SiteId.eq(self.site))
                .filter(membership::Column::AccountId.is_in(these()));
            page.memberships.extend(memberships.all(connection).await?);
        }
        Ok(page)
    }

    pub(super) fn rows(&self) -> Select<account::Entity> {
        account::Entity::find()
            .filter(account::Column::TenantId.eq(self.tenant.id))
            .filter(account::Column::SiteId.eq(self.site))
    }

    pub(super) fn claims(&self) -> Select<claim::Entity> {
        claim::Entity::find()
            .filter(claim::Column::TenantId.eq(self.tenant.id))
            .filter(claim::Column::SiteId.eq(self.site))
    }

    /// A page of the users of a directory that claim an account, after `after`: also those that it has deleted.
    pub async fn claimants(
        &self,
        connection: ConnectionId,
        after: Option<UserId>,
        limit: u64,
    ) -> Result<Vec<UserId>> {
        let mut query = self
            .claims()
            .filter(claim::Column::ConnectionId.eq(connection))
            .order_by_asc(claim::Column::UserId)
            .limit(limit);
        if let Some(after) = after {
            query = query.filter(claim::Column::UserId.gt(after));
        }
        let claims = query.all(&self.tenant.store.reader()).await?;
        Ok(claims.into_iter().map(|claim| claim.user_id).collect())
    }

    /// Which accounts somebody has said that users are not the persons of.
    pub async fn denied_to(&self, users: &[UserId]) -> Result<Vec<(UserId, AccountId)>> {
        let mut denied = Vec::new();
        for users in users.chunks(IDS_PER_STATEMENT) {
            let rows = denied_claim::Entity::find()
                .filter(denied_claim::Column::TenantId.eq(self.tenant.id))
                .filter(denied_claim::Column::SiteId.eq(self.site))
                .filter(denied_claim::Column::UserId.is_in(users.iter().copied()))
                .all(&self.tenant.store.reader())
                .await?;
            denied.extend(rows.into_iter().map(|row| (row.user_id, row.account_id)));
        }
        Ok(denied)
    }

    /// How many users of a directory claim an account.
    pub async fn count_claimants(&self, connection: ConnectionId) -> Result<u64> {
        let claims = self.claims().filter(claim::Column::ConnectionId.eq(connection));
        Ok(claims.count(&self.tenant.store.reader()).await?)
    }

    /// Names of the site groups that accounts are in by links.
    pub async fn given_groups(&self) -> Result<Vec<String>> {
        let sql = "SELECT MIN(group_name) AS name FROM memberships WHERE tenant_id = $1 AND site_id = $2 \
            GROUP BY group_folded";
        let values = vec![self.tenant.id.into(), self.site.into()];
        let groups = rows(&self.tenant.store.reader(), sql, values).await?;
        groups.iter().map(|row| Ok(row.try_get("", "name")?)).collect()
    }

    /// All site groups that are known to exist.
    pub async fn site_groups(&self) -> Result<Vec<site_group::Model>> {
        let groups = site_group::Entity::find()
            .filter(site_group::Column::TenantId.eq(self.tenant.id))
            .filter(site_group::Column::SiteId.eq(self.site))
            .order_by_asc(site_group::Column::NameFolded);
        Ok(groups.all(&self.tenant.store.reader()).await?)
    }
}
