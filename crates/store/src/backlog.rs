//! How much work waits in a whole cell: numbers for operators, of no tenant in particular.

use std::time::Duration;

use sea_orm::FromQueryResult;

use crate::clock::Timestamp;
use crate::database::Store;
use crate::entity::words::TaskState;
use crate::error::Result;
use crate::secret::WARNING;
use crate::statement::{count, statement};

/// Tasks in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromQueryResult)]
pub struct StateTotal {
    /// The state.
    pub state: TaskState,
    /// How many.
    pub n: i64,
    /// When the oldest was first marked.
    pub oldest: Timestamp,
}

/// Credentials of all tenants that are in use and end by themselves before long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ending {
    /// Bearer tokens of identity providers.
    pub tokens: i64,
    /// API keys.
    pub keys: i64,
}

/// A credential that was not used for so long is not in use.
const IN_USE: Duration = Duration::from_hours(7 * 24);

impl Store {
    /// Counts credentials that are in use and end within [`WARNING`].
    pub async fn ending_credentials(&self) -> Result<Ending> {
        let now = self.clock.now();
        let of = async |table: &str| {
            let sql = format!(
                "SELECT COUNT(*) AS n FROM {table} WHERE revoked_at IS NULL \
                 AND expires_at > $1 AND expires_at <= $2 AND last_used_at > $3"
            );
            let values = vec![now.into(), now.plus(WARNING).into(), now.minus(IN_USE).into()];
            count(&self.reader(), sql, values).await
        };
        Ok(Ending { tokens: of("scim_tokens").await?, keys: of("api_keys").await? })
    }

    /// Tasks of all tenants by state; states without any are left out.
    pub async fn backlog_by_state(&self) -> Result<Vec<StateTotal>> {
        let sql = "SELECT state, COUNT(*) AS n, MIN(marked_at) AS oldest FROM tasks GROUP BY state";
        let query = statement(self.backend(), sql, Vec::new());
        Ok(StateTotal::find_by_statement(query).all(&self.reader()).await?)
    }
}
