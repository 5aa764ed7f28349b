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

/// What is counted for a judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum What {
    Pending,
    Active,
}

/// A count, and how much was executed when it was made.
#[derive(Clone, Copy, Debug)]
struct Counted {
    executed: u64,
    n: u64,
    until: Instant,
}

type CountKey = (TenantId, LinkId, TakenAway, What, Duration);

/// Counts that still hold.
#[derive(Debug, Default)]
pub(crate) struct Counts(Mutex<HashMap<CountKey, Counted>>);

/// How long a count holds, as a multiple of what it took.
const HOLDS: u32 = 20;
/// What takes no longer is counted anew each time.
const CHEAP: Duration = Duration::from_millis(20);

impl Counts {
    fn get(&self, key: CountKey) -> Option<Counted> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(&key).filter(|counted| Instant::now() < counted.until).copied()
    }

    fn put(&self, key: CountKey, counted: Counted) {
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

/// A rolling window that is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Its length.
    pub window: Duration,
    /// The number below which nothing needs to be judged.
    pub free: u64,
}

/// What is judged, and what was let through within the window without it.
struct Judgement {
    taken: TakenAway,
    link: LinkId,
    connection: ConnectionId,
    account: AccountId,
    window: Duration,
    since: Timestamp,
    executed: u64,
}

/// Whether the account of `c` can log in, and is not counted as executed: those are counted once, although the ledger may
/// still show them. The judged account, `$5`, was just seen active, whatever the ledger knows.
///
/// Each account is looked up by a scalar subquery: of a site that has just been filled PostgreSQL knows no statistics,
/// takes every table for one row, and would read all accounts again for each.
fn can_log_in(taken: TakenAway) -> String {
    format!(
        "(SELECT a.active OR a.id = $5 FROM accounts a WHERE a.tenant_id = $1 AND a.site_id = $2 \
         AND a.id = c.account_id) \
         AND (SELECT COUNT(*) FROM {} d WHERE d.tenant_id = $1 AND d.link_id = $4 \
         AND d.account_id = c.account_id AND d.at > $6 AND d.account_id <> $5) = 0",
        taken.table()
    )
}

impl Accounts {
    /// Judges what is about to be taken away from one account by the safety thresholds and, if `decide` lets it pass in
    /// each of the windows, which it is given by their position in `limits`, counts it. Judgements of one link come one
    /// after the other, so that two workers cannot both take the last free place.
    pub async fn reserve(
        &self,
        taken: TakenAway,
        link: LinkId,
        connection: ConnectionId,
        account: AccountId,
        limits: &[Limit],
        mut decide: impl FnMut(usize, DeprovisionWindow) -> Option<String> + Send,
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
        for (position, Limit { window, free }) in limits.iter().copied().enumerate() {
            let since = now.minus(window);
            let mut values = scope.clone();
            values.extend([since.into(), account.into()]);
            let executed = unsigned(count(&*transaction, sql.clone(), values).await?);
            let judgement = Judgement { taken, link, connection, account, window, since, executed };
            let pending = self.pending(&transaction, &judgement).await?;
            if executed + pending <= free {
                continue;
            }
            let active = self.active(&transaction, &judgement).await?;
            if let Some(reason) = decide(position, DeprovisionWindow { executed, pending, active }) {
                return Ok(Some(reason));
            }
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

    /// Accounts that wait to be taken something away, the judged one at the least. What was let through since they were
    /// counted is no longer pending.
    async fn pending(&self, transaction: &WriteTransaction, judgement: &Judgement) -> Result<u64> {
        let taken = judgement.taken;
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
             WHERE c.account_id IS NOT NULL AND {} AND {}",
            taken.rank(),
            taken.of_user(),
            can_log_in(taken)
        );
        let counted = self.counted(transaction, judgement, What::Pending, sql).await?;
        let since_counted = judgement.executed.saturating_sub(counted.executed);
        Ok(counted.n.saturating_sub(since_counted).max(1))
    }

    /// Accounts that the link feeds and that could log in when the window began.
    async fn active(&self, transaction: &WriteTransaction, judgement: &Judgement) -> Result<u64> {
        let sql = format!(
            "SELECT COUNT(*) AS n FROM claims c \
             WHERE c.tenant_id = $1 AND c.site_id = $2 AND c.connection_id = $3 AND {}",
            can_log_in(judgement.taken)
        );
        let counted = self.counted(transaction, judgement, What::Active, sql).await?;
        Ok(counted.n.saturating_add(counted.executed))
    }

    /// Counts, or takes a count that still holds: counting costs more the larger the site is, so that a dear count holds
    /// for a while in proportion to what it took.
    async fn counted(
        &self,
        transaction: &WriteTransaction,
        judgement: &Judgement,
        what: What,
        sql: String,
    ) -> Result<Counted> {
        let key = (self.tenant.id, judgement.link, judgement.taken, what, judgement.window);
        let counts = &self.tenant.store.counts;
        if let Some(counted) = counts.get(key) {
            return Ok(counted);
        }
        let values: Vec<Value> = vec![
            self.tenant.id.into(),
            self.site.into(),
            judgement.connection.into(),
            judgement.link.into(),
            judgement.account.into(),
            judgement.since.into(),
        ];
        let began = Instant::now();
        let n = unsigned(count(&**transaction, sql, values).await?);
        let took = began.elapsed();
        let counted = Counted { executed: judgement.executed, n, until: Instant::now() + took * HOLDS };
        if took > CHEAP {
            counts.put(key, counted);
        }
        Ok(counted)
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
        let executed = count(&self.tenant.store.reader(), sql, values).await?;
        let sql = "SELECT COUNT(*) AS n FROM claims c \
            WHERE c.tenant_id = $1 AND c.site_id = $2 AND c.connection_id = $3 \
            AND (SELECT a.active FROM accounts a WHERE a.tenant_id = $1 AND a.site_id = $2 AND a.id = c.account_id)";
        let values = vec![self.tenant.id.into(), self.site.into(), connection.into()];
        let active = count(&self.tenant.store.reader(), sql, values).await?;
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
