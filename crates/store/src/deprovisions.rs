//! What each link took away, and what its safety threshold is judged by: accounts that were deactivated or deleted, and
//! accounts that lost memberships.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait as _, Value};

use crate::accounts::Accounts;
use crate::clock::Timestamp;
use crate::database::WriteTransaction;
use crate::error::Result;
use crate::id::{AccountId, ConnectionId, LinkId, TenantId};
use crate::statement::{count, execute, for_update, rows};

/// What is taken away from accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TakenAway {
    /// They are deactivated or deleted.
    Account,
    /// They lose memberships.
    Memberships,
}

impl TakenAway {
    /// Where it is counted.
    fn table(self) -> &'static str {
        match self {
            Self::Account => "deprovisions",
            Self::Memberships => "withdrawals",
        }
    }

    /// The rank of tasks that are about to take it away.
    fn rank(self) -> u8 {
        match self {
            Self::Account => 0,
            Self::Memberships => 1,
        }
    }

    /// What is true of the user of such a task; null stands for one that its directory has deleted.
    fn of_user(self) -> &'static str {
        match self {
            Self::Account => "(c.user_active IS NULL OR NOT c.user_active)",
            Self::Memberships => "c.user_active",
        }
    }
}

/// What was counted for judgements of one kind by one link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    executed: u64,
    pending: u64,
    active: u64,
    until: Instant,
}

/// Counts that still hold.
#[derive(Debug, Default)]
pub(crate) struct Counts(Mutex<HashMap<(TenantId, LinkId, TakenAway), Counted>>);

/// How long a count holds, as a multiple of what it took.
const HOLDS: u32 = 20;
/// What takes no longer is counted anew each time.
const CHEAP: Duration = Duration::from_millis(20);

impl Counts {
    fn get(&self, key: (TenantId, LinkId, TakenAway)) -> Option<Counted> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(&key).filter(|counted| Instant::now() < counted.until).copied()
    }

    fn put(&self, key: (TenantId, LinkId, TakenAway), counted: Counted) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.retain(|_, counted| Instant::now() < counted.until);
        counts.insert(key, counted);
    }
}

/// Numbers that the safety threshold is judged by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeprovisionWindow {
    /// Let through within the window.
    pub executed: u64,
    /// Waiting now, this one included.
    pub pending: u64,
    /// Accounts that the link feeds and that are active.
    pub active: u64,
}

impl Accounts {
    /// Judges what is about to be taken away from one account by the safety threshold and, if `decide` lets it pass,
    /// counts it. Judgements of one link come one after the other, so that two workers cannot both take the last
    /// free place. `free` is the number below which nothing needs to be judged.
    #[expect(clippy::too_many_arguments, reason = "all of what a judgement is made of")]
    pub async fn reserve(
        &self,
        taken: TakenAway,
        link: LinkId,
        connection: ConnectionId,
        account: AccountId,
        window: Duration,
        free: u64,
        decide: impl FnOnce(DeprovisionWindow) -> Option<String> + Send,
    ) -> Result<Option<String>> {
        let transaction = self.tenant.store.write().await?;
        let now = self.tenant.now();
        let lock = for_update(transaction.get_database_backend());
        let scope = vec![Value::from(self.tenant.id), link.into()];
        let sql = format!("SELECT id FROM links WHERE tenant_id = $1 AND id = $2 {lock}");
        rows(&*transaction, sql, scope.clone()).await?;
        let table = taken.table();
        let sql = format!(
            "SELECT COUNT(*) AS n FROM {table} \
             WHERE tenant_id = $1 AND link_id = $2 AND at > $3 AND account_id <> $4"
        );
        let since = now.minus(window);
        let mut values = scope.clone();
        values.extend([since.into(), account.into()]);
        let executed = unsigned(count(&*transaction, sql, values).await?);
        let judged = self.standing(&transaction, taken, (link, connection, account), since, executed).await?;
        if executed + judged.pending > free
            && let Some(reason) = decide(judged)
        {
            return Ok(Some(reason));
        }
        let sql = format!(
            "INSERT INTO {table} (tenant_id, link_id, account_id, at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (tenant_id, link_id, account_id) DO UPDATE SET at = excluded.at"
        );
        let mut values = scope;
        values.extend([account.into(), now.into()]);
        execute(&*transaction, sql, values).await?;
        transaction.commit().await?;
        Ok(None)
    }

    /// The window of one judgement. Counting costs more the larger the site is, so that a count holds for a while in
    /// proportion to what it took; what was let through meanwhile is then no longer pending.
    async fn standing(
        &self,
        transaction: &WriteTransaction,
        taken: TakenAway,
        (link, connection, account): (LinkId, ConnectionId, AccountId),
        since: Timestamp,
        executed: u64,
    ) -> Result<DeprovisionWindow> {
        let key = (self.tenant.id, link, taken);
        let counts = &self.tenant.store.counts;
        let counted = if let Some(counted) = counts.get(key) {
            counted
        } else {
            let began = Instant::now();
            let (pending, active) =
                self.count_standing(transaction, taken, (link, connection, account), since).await?;
            let took = began.elapsed();
            let counted = Counted { executed, pending, active, until: Instant::now() + took * HOLDS };
            if took > CHEAP {
                counts.put(key, counted);
            }
            counted
        };
        let since_counted = executed.saturating_sub(counted.executed);
        Ok(DeprovisionWindow {
            executed,
            // The judged account at the least.
            pending: counted.pending.saturating_sub(since_counted).max(1),
            // Those let through within the window were active when it began.
            active: counted.active.saturating_add(counted.executed),
        })
    }

    /// Accounts that wait to be taken something away, and accounts that the link feeds and that can log in, without those
    /// that are counted as executed: these are counted once, although the ledger may still show them.
    ///
    /// Each row's account is looked up by a scalar subquery: of a site that has just been filled PostgreSQL knows no
    /// statistics, takes every table for one row, and would read all accounts again for each.
    async fn count_standing(
        &self,
        transaction: &WriteTransaction,
        taken: TakenAway,
        (link, connection, account): (LinkId, ConnectionId, AccountId),
        since: Timestamp,
    ) -> Result<(u64, u64)> {
        // The judged account was just seen active, whatever the ledger knows.
        let can_log_in = format!(
            "(SELECT a.active OR a.id = $5 FROM accounts a WHERE a.tenant_id = $1 AND a.site_id = $2 \
             AND a.id = c.account_id) \
             AND (SELECT COUNT(*) FROM {} d WHERE d.tenant_id = $1 AND d.link_id = $4 \
             AND d.account_id = c.account_id AND d.at > $6 AND d.account_id <> $5) = 0",
            taken.table()
        );
        let values: Vec<Value> = vec![
            self.tenant.id.into(),
            self.site.into(),
            connection.into(),
            link.into(),
            account.into(),
            since.into(),
        ];
        // Of those who left, only the ones who can still log in count: not who never had an account, nor who
        // is back already.
        let sql = format!(
            "SELECT COUNT(*) AS n FROM ( \
               SELECT (SELECT c.account_id FROM claims c WHERE c.tenant_id = $1 AND c.site_id = $2 \
                       AND c.user_id = t.object_id) AS account_id, \
                      (SELECT u.active FROM users u WHERE u.tenant_id = $1 AND u.connection_id = $3 \
                       AND u.id = t.object_id) AS user_active \
               FROM tasks t WHERE t.tenant_id = $1 AND t.site_id = $2 AND t.connection_id = $3 \
               AND t.kind = 'user' AND NOT t.approved AND t.rank = {}) c \
             WHERE c.account_id IS NOT NULL AND {} AND {can_log_in}",
            taken.rank(),
            taken.of_user()
        );
        let pending = unsigned(count(&**transaction, sql, values.clone()).await?);
        let sql = format!(
            "SELECT COUNT(*) AS n FROM claims c \
             WHERE c.tenant_id = $1 AND c.site_id = $2 AND c.connection_id = $3 AND {can_log_in}"
        );
        Ok((pending, unsigned(count(&**transaction, sql, values).await?)))
    }

    /// What a link has taken away within its window, and how many accounts that it feeds can log in; nothing is
    /// pending in it.
    pub async fn taken_away(
        &self,
        taken: TakenAway,
        link: LinkId,
        connection: ConnectionId,
        window: Duration,
    ) -> Result<DeprovisionWindow> {
        let since = self.tenant.now().minus(window);
        let table = taken.table();
        let sql =
            format!("SELECT COUNT(*) AS n FROM {table} WHERE tenant_id = $1 AND link_id = $2 AND at > $3");
        let values = vec![self.tenant.id.into(), link.into(), since.into()];
        let executed = count(&self.tenant.store.connection, sql, values).await?;
        let sql = "SELECT COUNT(*) AS n FROM claims c \
            WHERE c.tenant_id = $1 AND c.site_id = $2 AND c.connection_id = $3 \
            AND (SELECT a.active FROM accounts a WHERE a.tenant_id = $1 AND a.site_id = $2 AND a.id = c.account_id)";
        let values = vec![self.tenant.id.into(), self.site.into(), connection.into()];
        let active = count(&self.tenant.store.connection, sql, values).await?;
        Ok(DeprovisionWindow {
            executed: unsigned(executed),
            pending: 0,
            // Who was deactivated was active when the window began; who lost memberships still is.
            active: match taken {
                TakenAway::Account => unsigned(active) + unsigned(executed),
                TakenAway::Memberships => unsigned(active),
            },
        })
    }
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
