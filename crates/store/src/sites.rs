//! Sites: the Atlassian instances of a tenant, with sealed credentials and their state of health.

use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait as _, EntityTrait, FromQueryResult, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect,
};
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::database::{Store, WriteTransaction};
use crate::entity::site;
use crate::entity::words::SiteStatus;
use crate::error::{Error, Result};
use crate::id::{SiteId, TenantId};
use crate::lookup::without_nul;
use crate::sealed::SITE_CREDENTIALS;
use crate::statement::{self, statement};
use crate::tenant::TenantStore;

/// The sites of one tenant.
#[derive(Clone, Debug)]
pub struct Sites {
    pub(crate) tenant: TenantStore,
}

/// What an admin says of a new site.
#[derive(Clone, Debug)]
pub struct NewSite {
    /// Name for people.
    pub name: String,
    /// `jira-data-center`, ….
    pub product: String,
    /// Address of the instance.
    pub base_url: String,
    /// Credentials in clear; sealed before they are stored.
    pub credentials: Zeroizing<Vec<u8>>,
    /// PEM of the certificate authorities that alone are trusted there; those of the installation without them.
    pub certificate_authorities: Option<String>,
}

/// What an admin changes; absent fields stay.
#[derive(Clone, Debug, Default)]
pub struct SiteEdit {
    /// Name for people.
    pub name: Option<String>,
    /// Address of the instance.
    pub base_url: Option<String>,
    /// New credentials; they also resume a site that was paused for the old ones.
    pub credentials: Option<Zeroizing<Vec<u8>>>,
    /// PEM of other certificate authorities; an empty text for none.
    pub certificate_authorities: Option<String>,
    /// Paused by hand, or resumed.
    pub status: Option<SiteStatus>,
}

/// A site that has something to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, FromQueryResult)]
pub struct DueSite {
    /// Its tenant.
    pub tenant_id: TenantId,
    /// The site.
    pub id: SiteId,
}

impl Store {
    /// Active sites of active tenants that have claimable tasks, of all tenants.
    pub async fn sites_with_due_tasks(&self) -> Result<Vec<DueSite>> {
        let now = self.clock.now();
        let sql = format!(
            "SELECT s.tenant_id, s.id FROM sites s JOIN tenants n ON n.id = s.tenant_id \
             WHERE s.status = 'active' AND n.status = 'active' \
             AND (s.resume_at IS NULL OR s.resume_at <= $1) AND EXISTS (\
               SELECT 1 FROM tasks t WHERE t.tenant_id = s.tenant_id AND t.site_id = s.id \
               AND t.state IN ('ready', 'failed') AND t.due_at <= $1 \
               AND (t.lease_until IS NULL OR t.lease_until <= {}))",
            statement::database_now(self.backend()),
        );
        let query = statement(self.backend(), sql, vec![now.into()]);
        Ok(DueSite::find_by_statement(query).all(&self.reader()).await?)
    }
}

impl Sites {
    /// Registers a site.
    pub async fn insert(&self, new: NewSite) -> Result<site::Model> {
        let id = SiteId::generate();
        let now = self.tenant.now();
        let transaction = self.tenant.store.write().await?;
        let row = site::ActiveModel {
            tenant_id: Set(self.tenant.id),
            id: Set(id),
            name: Set(new.name),
            product: Set(new.product),
            base_url: Set(new.base_url),
            credentials: Set(SITE_CREDENTIALS
                .seal(&transaction, &self.tenant, id.0, &new.credentials)
                .await?),
            certificate_authorities: Set(new.certificate_authorities),
            status: Set(SiteStatus::Active),
            status_reason: Set(None),
            resume_at: Set(None),
            failures: Set(0),
            version: Set(1),
            created_at: Set(now),
            updated_at: Set(now),
        };
        let row = row.insert(&*transaction).await?;
        transaction.commit().await?;
        Ok(row)
    }

    /// The site.
    pub async fn get(&self, id: SiteId) -> Result<site::Model> {
        site::Entity::find_by_id((self.tenant.id, id))
            .one(&self.tenant.store.reader())
            .await?
            .ok_or(Error::NotFound("site"))
    }

    /// A page in order of creation, after `after`.
    pub async fn list(&self, after: Option<SiteId>, limit: u64) -> Result<Vec<site::Model>> {
        let mut query = site::Entity::find()
            .filter(site::Column::TenantId.eq(self.tenant.id))
            .order_by_asc(site::Column::Id)
            .limit(limit);
        if let Some(after) = after {
            query = query.filter(site::Column::Id.gt(after));
        }
        Ok(query.all(&self.tenant.store.reader()).await?)
    }

    /// Edits the site. Resuming it makes all that waits there due at once, and forgets past failures.
    /// [`Error::Stale`] when it is no longer at version `expected`.
    pub async fn update(&self, id: SiteId, expected: Option<i64>, edit: SiteEdit) -> Result<site::Model> {
        let transaction = self.tenant.store.write().await?;
        let sealed = match &edit.credentials {
            Some(credentials) => {
                Some(SITE_CREDENTIALS.seal(&transaction, &self.tenant, id.0, credentials).await?)
            }
            None => None,
        };
        let row = site::Entity::find_by_id((self.tenant.id, id))
            .lock_exclusive()
            .one(&*transaction)
            .await?
            .ok_or(Error::NotFound("site"))?;
        if expected.is_some_and(|version| version != row.version) {
            return Err(Error::Stale);
        }
        let version = row.version;
        let mut row = row.into_active_model();
        if let Some(name) = edit.name {
            row.name = Set(name);
        }
        if let Some(base_url) = edit.base_url {
            row.base_url = Set(base_url);
        }
        if let Some(authorities) = edit.certificate_authorities {
            row.certificate_authorities = Set((!authorities.is_empty()).then_some(authorities));
        }
        let next_status = edit.status.or(sealed.as_ref().map(|_| SiteStatus::Active));
        if let Some(status) = next_status {
            row.status = Set(status);
            row.status_reason = Set(None);
            row.resume_at = Set(None);
            row.failures = Set(0);
        }
        if let Some(sealed) = sealed {
            row.credentials = Set(sealed);
        }
        row.version = Set(version + 1);
        row.updated_at = Set(self.tenant.now());
        let row = row.update(&*transaction).await?;
        if next_status == Some(SiteStatus::Active) {
            self.make_due(&transaction, id).await?;
        }
        transaction.commit().await?;
        self.tenant.store.wake_all();
        Ok(row)
    }

    /// The credentials in clear: for the connector only.
    pub async fn open_credentials(&self, site: &site::Model) -> Result<Zeroizing<Vec<u8>>> {
        SITE_CREDENTIALS.open(&self.tenant, site.id.0, &site.credentials).await
    }

    /// Stops all work at the site until an admin resumes it, because it refused the credentials that the row
    /// had at `version`. A row that was edited since is left alone: it may have better ones.
    pub async fn pause(&self, id: SiteId, version: i64, reason: &str) -> Result<()> {
        self.set_health(
            "UPDATE sites SET status = 'paused', status_reason = $4 \
             WHERE tenant_id = $1 AND id = $2 AND version = $3",
            vec![self.tenant.id.into(), id.into(), version.into(), without_nul(reason).as_ref().into()],
        )
        .await
        .map(|_| ())
    }

    /// Lets no call go to the site before `until`, because it failed or asked us to wait. `seen` is how many
    /// failures in a row the caller knew of: those that several workers meet at the same time count once.
    pub async fn back_off(&self, id: SiteId, seen: i32, until: Timestamp, reason: &str) -> Result<()> {
        self.set_health(
            "UPDATE sites SET \
             resume_at = CASE WHEN failures > $3 AND resume_at > $4 THEN resume_at ELSE $4 END, \
             failures = CASE WHEN failures > $3 THEN failures ELSE $3 + 1 END, status_reason = $5 \
             WHERE tenant_id = $1 AND id = $2 AND status = 'active'",
            vec![
                self.tenant.id.into(),
                id.into(),
                seen.into(),
                until.into(),
                without_nul(reason).as_ref().into(),
            ],
        )
        .await
        .map(|_| ())
    }

    /// Takes on trying a site again that failed: others stay away until `until`. Says whether it is ours
    /// to try.
    pub async fn begin_probe(&self, id: SiteId, until: Timestamp) -> Result<bool> {
        let touched = self
            .set_health(
                "UPDATE sites SET resume_at = $3 WHERE tenant_id = $1 AND id = $2 AND status = 'active' \
                 AND failures > 0 AND (resume_at IS NULL OR resume_at <= $4)",
                vec![self.tenant.id.into(), id.into(), until.into(), self.tenant.now().into()],
            )
            .await?;
        Ok(touched > 0)
    }

    /// Gives back what [`Sites::begin_probe`] took, when no call was made.
    pub async fn leave_probe(&self, id: SiteId, until: Timestamp) -> Result<()> {
        self.set_health(
            "UPDATE sites SET resume_at = $4 WHERE tenant_id = $1 AND id = $2 AND resume_at = $3",
            vec![self.tenant.id.into(), id.into(), until.into(), self.tenant.now().into()],
        )
        .await
        .map(|_| ())
    }

    /// Notes that the site answers again.
    pub async fn recovered(&self, id: SiteId) -> Result<()> {
        self.set_health(
            "UPDATE sites SET resume_at = NULL, status_reason = NULL, failures = 0 \
             WHERE tenant_id = $1 AND id = $2 AND status = 'active' AND failures > 0",
            vec![self.tenant.id.into(), id.into()],
        )
        .await
        .map(|_| ())
    }

    async fn make_due(&self, transaction: &WriteTransaction, id: SiteId) -> Result<()> {
        // In one order everywhere, so that writers wait instead of deadlocking.
        let sql = format!(
            "UPDATE tasks SET due_at = $3, attempts = 0 WHERE (tenant_id, site_id, kind, object_id) IN ( \
               SELECT tenant_id, site_id, kind, object_id FROM tasks \
               WHERE tenant_id = $1 AND site_id = $2 AND state IN ('ready', 'failed') AND due_at > $3 \
               ORDER BY kind, object_id {})",
            statement::for_update(transaction.get_database_backend()),
        );
        let values = vec![self.tenant.id.into(), id.into(), self.tenant.now().into()];
        statement::execute(&**transaction, sql, values).await?;
        Ok(())
    }

    async fn set_health(&self, sql: &str, values: Vec<sea_orm::Value>) -> Result<u64> {
        let transaction = self.tenant.store.write().await?;
        let touched = statement::execute(&*transaction, sql, values).await?;
        transaction.commit().await?;
        Ok(touched)
    }
}
