//! How much work waits in a whole cell: numbers for operators, of no tenant in particular.

use sea_orm::FromQueryResult;

use crate::clock::Timestamp;
use crate::database::Store;
use crate::entity::words::TaskState;
use crate::error::Result;
use crate::statement::statement;

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

impl Store {
    /// Tasks of all tenants by state; states without any are left out.
    pub async fn backlog_by_state(&self) -> Result<Vec<StateTotal>> {
        let sql = "SELECT state, COUNT(*) AS n, MIN(marked_at) AS oldest FROM tasks GROUP BY state";
        let query = statement(self.backend(), sql, Vec::new());
        Ok(StateTotal::find_by_statement(query).all(&self.reader()).await?)
    }
}
