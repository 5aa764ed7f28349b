//! Creating a user in one statement: creates are what a first import consists of, and each round trip and each
//! transaction begun for them counts.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, Value};

use super::row::{INSERTED, inserted, names};
use crate::database::Store;
use crate::directory::WriteContext;
use crate::entity::user;
use crate::entity::words::TaskRank;
use crate::error::Result;
use crate::marking;
use crate::parked;
use crate::statement::{placeholders, statement};
use crate::timeline::{self, NewEntry};
use crate::turns;

/// All that a new user consists of.
pub(super) struct Creation<'a> {
    pub(super) row: &'a user::Model,
    pub(super) search: serde_json::Value,
    pub(super) more_emails: &'a BTreeSet<String>,
    pub(super) entry: NewEntry,
    pub(super) context: &'a WriteContext,
}

impl Creation<'_> {
    /// Writes the user, its tasks and its timeline entry, and commits. `false`, and nothing is written, when it
    /// takes more steps: on SQLite, which cannot write to several tables at once; when somebody waits for the
    /// user; when somebody had the turn alone since the statement began, so that it may have seen too little.
    pub(super) async fn at_once(&self, store: &Store) -> Result<bool> {
        if !turns::matter(store.backend()) {
            return Ok(false);
        }
        let (sql, values) = self.statement();
        let answer = store.reader().query_one_raw(statement(store.backend(), sql, values)).await?;
        // What cannot be read is no "no": the user may be there.
        Ok(answer.map(|row| row.try_get_by_index::<i64>(0)).transpose()? == Some(1))
    }

    fn statement(&self) -> (String, Vec<Value>) {
        let row = self.row;
        let mut values = inserted(row, self.search.clone());
        let user = placeholders(1, values.len());
        let mut bind = |more: Vec<Value>| {
            let first = values.len() + 1;
            values.extend(more);
            first
        };
        let turn = bind(vec![turns::number(row.connection_id).into()]);
        let keys = names(row);
        let waiting =
            parked::awaiting(bind(keys.iter().map(|key| key.as_str().into()).collect()), keys.len());
        let entry = timeline::values(row.tenant_id, row.created_at, self.entry.clone());
        let entry_count = entry.len();
        let entry = placeholders(bind(entry), entry_count);
        let mark = bind(vec![
            TaskRank::Change.into(),
            row.created_at.into(),
            self.context.trace_context.clone().into(),
        ]);
        let marked = format!(
            "INSERT INTO tasks ({}) SELECT l.tenant_id, l.site_id, 'user', $3, l.connection_id, 1, ${mark}, \
               'ready', ${at}, ${at}, 0, FALSE, FALSE, NULL, ${trace} \
             FROM links l CROSS JOIN calm WHERE l.tenant_id = $1 AND l.connection_id = $2 AND l.enabled \
             ORDER BY l.site_id",
            marking::COLUMNS,
            at = mark + 1,
            trace = mark + 2,
        );
        let emails = match self.more_emails.len() {
            0 => String::new(),
            count => {
                let first = bind(self.more_emails.iter().map(|email| email.as_str().into()).collect());
                let rows: Vec<String> = (first..first + count).map(|number| format!("(${number})")).collect();
                format!(
                    ", addressed AS (INSERT INTO user_emails (tenant_id, connection_id, email_folded, user_id) \
                       SELECT $1, $2, more.email, $3 FROM calm CROSS JOIN (VALUES {}) more (email))",
                    rows.join(",")
                )
            }
        };
        // Of the row locks, FOR SHARE is the least that reads the generation as it is now: FOR KEY SHARE does not
        // mind an update of other columns, and answers what the statement saw when it began.
        let sql = format!(
            "WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(${turn})), \
             latest AS MATERIALIZED ( \
               SELECT c.generation FROM turn CROSS JOIN connections c \
               WHERE c.tenant_id = $1 AND c.id = $2 FOR SHARE OF c), \
             calm AS MATERIALIZED ( \
               SELECT 1 FROM latest JOIN connections seen ON seen.generation = latest.generation \
               WHERE seen.tenant_id = $1 AND seen.id = $2 AND NOT EXISTS ({waiting})), \
             marked AS ({marked}), \
             told AS (INSERT INTO timeline ({}) SELECT {entry} FROM calm){emails}, \
             created AS (INSERT INTO users ({INSERTED}) SELECT {user} FROM calm RETURNING 1) \
             SELECT COUNT(*) FROM created",
            timeline::COLUMNS,
        );
        (sql, values)
    }
}
