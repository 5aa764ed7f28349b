//! The row of a group.

use serde_json::Value;

use crate::database::WriteTransaction;
use crate::entity::group;
use crate::error::Result;
use crate::lookup;
use crate::statement::execute;

/// What is looked up of a document.
pub(super) struct Columns {
    pub(super) display_name: String,
    pub(super) external_id: Option<String>,
}

impl Columns {
    pub(super) fn of(document: &Value) -> Self {
        let text = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
        Self {
            display_name: text("displayName").unwrap_or_default(),
            external_id: text("externalId").map(|id| lookup::exact(&id)),
        }
    }
}

pub(super) async fn insert(transaction: &WriteTransaction, row: &group::Model, search: Value) -> Result<()> {
    let sql = "INSERT INTO groups (tenant_id, connection_id, id, version, last_modified_at, display_name, \
        display_name_folded, external_id, document, search, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let values = columns_of(row, search).into_iter().chain([row.created_at.into()]);
    execute(&**transaction, sql, values.collect()).await?;
    Ok(())
}

pub(super) async fn update(transaction: &WriteTransaction, row: &group::Model, search: Value) -> Result<()> {
    let sql = "UPDATE groups SET version = $4, last_modified_at = $5, display_name = $6, \
        display_name_folded = $7, external_id = $8, document = $9, search = $10 \
        WHERE tenant_id = $1 AND connection_id = $2 AND id = $3";
    execute(&**transaction, sql, columns_of(row, search)).await?;
    Ok(())
}

/// Writes the version and the time only: what a change of members costs at the group's own row.
pub(super) async fn touch(transaction: &WriteTransaction, row: &group::Model) -> Result<()> {
    let sql = "UPDATE groups SET version = $4, last_modified_at = $5 \
        WHERE tenant_id = $1 AND connection_id = $2 AND id = $3";
    execute(&**transaction, sql, key_of(row)).await?;
    Ok(())
}

/// The key, and what every change moves.
fn key_of(row: &group::Model) -> Vec<sea_orm::Value> {
    vec![
        row.tenant_id.into(),
        row.connection_id.into(),
        row.id.into(),
        row.version.into(),
        row.last_modified_at.into(),
    ]
}

/// The same with what an edit may change.
fn columns_of(row: &group::Model, search: Value) -> Vec<sea_orm::Value> {
    let mut values = key_of(row);
    values.extend([
        row.display_name.as_str().into(),
        row.display_name_folded.as_str().into(),
        row.external_id.as_deref().into(),
        row.document.clone().into(),
        search.into(),
    ]);
    values
}
