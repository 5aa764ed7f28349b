//! A user's row: the columns that are looked up, made of its document.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::database::WriteTransaction;
use crate::entity::user;
use crate::error::Result;
use crate::lookup;
use crate::parked;
use crate::statement::{IDS_PER_STATEMENT, execute, placeholders};

pub(super) struct Columns {
    pub(super) user_name_folded: String,
    pub(super) external_id: Option<String>,
    pub(super) display_name_folded: Option<String>,
    pub(super) email_folded: Option<String>,
    /// Addresses besides `email_folded`: rows of `user_emails`.
    pub(super) more_emails: BTreeSet<String>,
    pub(super) active: bool,
}

impl Columns {
    pub(super) fn of(document: &Value) -> Self {
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        let email_folded = email(document).map(lookup::folded);
        let mut more_emails: BTreeSet<String> = emails(document).map(lookup::folded).collect();
        if let Some(email) = &email_folded {
            more_emails.remove(email);
        }
        Self {
            user_name_folded: lookup::folded(text("userName").unwrap_or_default()),
            external_id: text("externalId").map(lookup::exact),
            display_name_folded: text("displayName").map(lookup::folded),
            email_folded,
            more_emails,
            // RFC 7643 §4.1.1 leaves an absent `active` to the service provider: a provisioned user may
            // log in unless the provider says otherwise.
            active: document.get("active").and_then(Value::as_bool).unwrap_or(true),
        }
    }
}

/// What a group may know the user by.
pub(super) fn names(row: &user::Model) -> Vec<String> {
    let id = row.id.to_string();
    let text = |name: &str| row.document.get(name).and_then(Value::as_str);
    parked::names([Some(id.as_str()), text("externalId"), text("userName")])
}

/// The primary e-mail address, or the first.
fn email(document: &Value) -> Option<&str> {
    let emails = document.get("emails")?.as_array()?;
    let primary = emails.iter().find(|email| email.get("primary") == Some(&Value::Bool(true)));
    primary.or_else(|| emails.first())?.get("value")?.as_str()
}

/// All e-mail addresses.
fn emails(document: &Value) -> impl Iterator<Item = &str> {
    let emails = document.get("emails").and_then(Value::as_array);
    emails.into_iter().flatten().filter_map(|email| email.get("value")?.as_str())
}

/// The columns that a new row binds, in order.
pub(super) const INSERTED: &str = "tenant_id, connection_id, id, user_name_folded, external_id, \
    display_name_folded, email_folded, active, document, search, version, last_modified_at, created_at";

/// Values for [`INSERTED`].
pub(super) fn inserted(row: &user::Model, search: Value) -> Vec<sea_orm::Value> {
    let mut values = columns_of(row, search);
    values.push(row.created_at.into());
    values
}

pub(super) async fn insert(transaction: &WriteTransaction, row: &user::Model, search: Value) -> Result<()> {
    let values = inserted(row, search);
    let sql = format!("INSERT INTO users ({INSERTED}) VALUES ({})", placeholders(1, values.len()));
    execute(&**transaction, sql, values).await?;
    Ok(())
}

pub(super) async fn insert_emails(
    transaction: &WriteTransaction,
    row: &user::Model,
    emails: &BTreeSet<String>,
) -> Result<()> {
    for chunk in emails.iter().collect::<Vec<_>>().chunks(IDS_PER_STATEMENT) {
        let mut values: Vec<sea_orm::Value> =
            vec![row.tenant_id.into(), row.connection_id.into(), row.id.into()];
        values.extend(chunk.iter().map(|email| sea_orm::Value::from(email.as_str())));
        let rows: Vec<String> =
            (4..4 + chunk.len()).map(|number| format!("($1, $2, ${number}, $3)")).collect();
        let sql = format!(
            "INSERT INTO user_emails (tenant_id, connection_id, email_folded, user_id) VALUES {}",
            rows.join(",")
        );
        execute(&**transaction, sql, values).await?;
    }
    Ok(())
}

pub(super) async fn update(transaction: &WriteTransaction, row: &user::Model, search: Value) -> Result<()> {
    let sql = "UPDATE users SET user_name_folded = $4, external_id = $5, display_name_folded = $6, \
        email_folded = $7, active = $8, document = $9, search = $10, version = $11, last_modified_at = $12 \
        WHERE tenant_id = $1 AND connection_id = $2 AND id = $3";
    execute(&**transaction, sql, columns_of(row, search)).await?;
    Ok(())
}

/// The key, and what an edit may change.
fn columns_of(row: &user::Model, search: Value) -> Vec<sea_orm::Value> {
    vec![
        row.tenant_id.into(),
        row.connection_id.into(),
        row.id.into(),
        row.user_name_folded.as_str().into(),
        row.external_id.as_deref().into(),
        row.display_name_folded.as_deref().into(),
        row.email_folded.as_deref().into(),
        row.active.into(),
        row.document.clone().into(),
        search.into(),
        row.version.into(),
        row.last_modified_at.into(),
    ]
}
