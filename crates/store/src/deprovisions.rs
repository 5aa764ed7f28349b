//! What each link took away, and what its safety threshold is judged by: accounts that were deactivated or deleted, and
//! accounts that lost memberships.

use std::time::Duration;

use sea_orm::{ConnectionTrait as _, Value};

use crate::accounts::Accounts;
use crate::error::Result;
use crate::id::{AccountId, ConnectionId, LinkId};
use crate::statement::{count, execute, for_update, rows};

/// What is taken away from accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

    /// Which tasks are about to take it away. `t` is the task, `u` its user, if the directory still has it.
    fn pending(self) -> &'static str {
        match self {
            Self::Account => "t.rank = 0 AND (u.active IS NULL OR NOT u.active)",
            Self::Memberships => "t.rank = 1 AND u.active",
        }
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
        // Who is counted as executed is counted once, although the ledger may still show the account active.
        // The judged account was just seen active, whatever the ledger knows.
        let can_log_in = format!(
            "JOIN accounts a ON a.tenant_id = c.tenant_id AND a.site_id = c.site_id \
            AND a.id = c.account_id AND (a.active OR a.id = $5) AND NOT EXISTS ( \
            SELECT 1 FROM {table} d WHERE d.tenant_id = c.tenant_id AND d.link_id = $4 \
            AND d.account_id = c.account_id AND d.at > $6 AND d.account_id <> $5)"
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
            "SELECT COUNT(*) AS n FROM tasks t \
             JOIN claims c ON c.tenant_id = t.tenant_id AND c.site_id = t.site_id AND c.user_id = t.object_id \
             {can_log_in} \
             LEFT JOIN users u ON u.tenant_id = t.tenant_id AND u.connection_id = t.connection_id \
             AND u.id = t.object_id \
             WHERE t.tenant_id = $1 AND t.site_id = $2 AND t.connection_id = $3 AND t.kind = 'user' \
             AND NOT t.approved AND {}",
            taken.pending()
        );
        let pending = unsigned(count(&*transaction, sql, values.clone()).await?).max(1);
        let mut judged = DeprovisionWindow { executed, pending, active: 0 };
        if executed + pending > free {
            let sql = format!(
                "SELECT COUNT(*) AS n FROM claims c {can_log_in} \
                 WHERE c.tenant_id = $1 AND c.site_id = $2 AND c.connection_id = $3"
            );
            // Those let through within the window were active when it began.
            judged.active = unsigned(count(&*transaction, sql, values).await?).saturating_add(executed);
            if let Some(reason) = decide(judged) {
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
        let sql = "SELECT COUNT(DISTINCT a.id) AS n FROM claims c JOIN accounts a ON a.tenant_id = c.tenant_id \
            AND a.site_id = c.site_id AND a.id = c.account_id AND a.active \
            WHERE c.tenant_id = $1 AND c.site_id = $2 AND c.connection_id = $3";
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
