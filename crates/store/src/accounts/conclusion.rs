//! What work on an account came to, written in one transaction with the end of its task.

use serde_json::Value as Json;

use super::{Accounts, HeldAccount};
use crate::clock::Timestamp;
use crate::database::WriteTransaction;
use crate::entity::task;
use crate::entity::words::{RunOutcome, TaskKind, TaskState};
use crate::error::{Error, Result};
use crate::id::UserId;
use crate::lookup;
use crate::runs;
use crate::statement::execute;
use crate::tasks::{TaskEnd, end_task};
use crate::timeline::{self, NewEntry};

/// What the site shows of an account now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// It was not asked.
    Unchanged,
    /// It stands there so.
    Present {
        /// The product's stable identity.
        key: String,
        /// Its user name.
        username: String,
        /// Its display name.
        display_name: String,
        /// Its e-mail address.
        email: Option<String>,
        /// Whether it may log in.
        active: bool,
    },
    /// There is none.
    Absent,
}

/// The result of work on an account, written in one transaction with the end of its task.
#[derive(Clone, Debug)]
pub struct Conclusion {
    /// What the site shows now.
    pub observation: Observation,
    /// Whether a call's outcome is unknown.
    pub in_doubt: bool,
    /// Site groups that the account is in for sure.
    pub confirmed: Vec<String>,
    /// Site groups (folded names) that it is no longer in, or that no link manages any more.
    pub dropped: Vec<String>,
    /// Users that no longer claim it: gone from the directory, and carried out here.
    pub released_claims: Vec<UserId>,
    /// Users whose claim was looked at, and what speaks against it; `None` when it is settled.
    pub doubts: Vec<(UserId, Option<String>)>,
    /// For the timeline.
    pub entries: Vec<NewEntry>,
    /// For the run that asked, if one did.
    pub outcome: RunOutcome,
    /// Details of the outcome.
    pub detail: Json,
    /// How the task ends.
    pub end: TaskEnd,
}

impl Accounts {
    /// Writes the result of the work and ends its task, or nothing at all: [`Error::Stale`] when a lease
    /// was lost meanwhile, [`Error::Conflict`] when the site's account belongs to another row.
    pub async fn conclude(
        &self,
        held: &HeldAccount,
        task: &task::Model,
        conclusion: Conclusion,
    ) -> Result<()> {
        let now = self.tenant.now();
        let transaction = self.tenant.store.write().await?;
        self.observe(&transaction, held, &conclusion, now).await?;
        if conclusion.observation == Observation::Absent {
            let sql = "DELETE FROM memberships WHERE tenant_id = $1 AND site_id = $2 AND account_id = $3";
            execute(&*transaction, sql, self.key(held.account.id)).await?;
        }
        self.put_memberships(&transaction, held.account.id, &conclusion.confirmed, true).await?;
        for group in &conclusion.dropped {
            let mut values = self.key(held.account.id);
            values.push(lookup::exact(group).into());
            let sql = "DELETE FROM memberships \
                WHERE tenant_id = $1 AND site_id = $2 AND account_id = $3 AND group_folded = $4";
            execute(&*transaction, sql, values).await?;
        }
        for (user, doubt) in &conclusion.doubts {
            let mut values = self.key(held.account.id);
            values.extend([(*user).into(), doubt.clone().into()]);
            // What an admin has settled meanwhile stays so.
            let sql = "UPDATE claims SET doubt = $5 WHERE tenant_id = $1 AND site_id = $2 AND account_id = $3 \
                AND user_id = $4 AND doubt IS NOT NULL";
            execute(&*transaction, sql, values).await?;
        }
        for user in &conclusion.released_claims {
            let values = vec![self.tenant.id.into(), self.site.into(), (*user).into()];
            let sql = "DELETE FROM claims WHERE tenant_id = $1 AND site_id = $2 AND user_id = $3";
            execute(&*transaction, sql, values.clone()).await?;
            let sql = "DELETE FROM denied_claims WHERE tenant_id = $1 AND site_id = $2 AND user_id = $3";
            execute(&*transaction, sql, values).await?;
        }
        self.drop_if_unclaimed(&transaction, held.account.id).await?;
        self.wake_who_waits_for_the_name(&transaction, held, &conclusion, now).await?;
        timeline::insert(&transaction, self.tenant.id, now, conclusion.entries).await?;
        runs::record(&transaction, task, now, conclusion.outcome, conclusion.detail).await?;
        end_task(&transaction, task, &conclusion.end).await?;
        transaction.commit().await
    }

    /// Who was refused because an account has the user name is due now that it has it no more, or is another's.
    async fn wake_who_waits_for_the_name(
        &self,
        transaction: &WriteTransaction,
        held: &HeldAccount,
        conclusion: &Conclusion,
        now: Timestamp,
    ) -> Result<()> {
        let name = &held.account.username_folded;
        let is_free = match &conclusion.observation {
            Observation::Present { username, .. } => lookup::folded(username) != *name,
            Observation::Absent => true,
            Observation::Unchanged => false,
        };
        if !is_free && conclusion.released_claims.is_empty() {
            return Ok(());
        }
        let sql = "UPDATE tasks SET due_at = $3 WHERE tenant_id = $1 AND site_id = $2 AND kind = $4 \
            AND state = $5 AND due_at > $3 AND object_id IN (SELECT u.id FROM links l JOIN users u \
            ON u.tenant_id = l.tenant_id AND u.connection_id = l.connection_id \
            WHERE l.tenant_id = $1 AND l.site_id = $2 AND u.user_name_folded = $6)";
        let values = vec![
            self.tenant.id.into(),
            self.site.into(),
            now.into(),
            TaskKind::User.into(),
            TaskState::Failed.into(),
            name.as_str().into(),
        ];
        execute(&**transaction, sql, values).await.map(drop)
    }

    async fn observe(
        &self,
        transaction: &WriteTransaction,
        held: &HeldAccount,
        conclusion: &Conclusion,
        now: Timestamp,
    ) -> Result<()> {
        let mut values = self.key(held.account.id);
        values.extend([held.lease.into(), conclusion.in_doubt.into()]);
        let set = match &conclusion.observation {
            Observation::Unchanged => String::new(),
            Observation::Present { key, username, display_name, email, active } => {
                values.extend([
                    key.as_str().into(),
                    username.as_str().into(),
                    lookup::folded(username).into(),
                    display_name.as_str().into(),
                    email.clone().into(),
                    (*active).into(),
                    now.into(),
                ]);
                ", key = $6, username = $7, username_folded = $8, display_name = $9, email = $10, \
                   active = $11, observed_at = $12"
                    .to_owned()
            }
            Observation::Absent => {
                values.push(now.into());
                ", key = NULL, display_name = NULL, email = NULL, active = NULL, created_by_us = FALSE, \
                   observed_at = $6"
                    .to_owned()
            }
        };
        let sql = format!(
            "UPDATE accounts SET in_doubt = $5, lease_owner = NULL, lease_until = NULL{set} \
             WHERE tenant_id = $1 AND site_id = $2 AND id = $3 AND lease_owner = $4"
        );
        if execute(&**transaction, sql, values).await? == 0 { Err(Error::Stale) } else { Ok(()) }
    }
}
