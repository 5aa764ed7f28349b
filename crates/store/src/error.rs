//! What can go wrong in storage, sorted by what the caller can do about it.

use sea_orm::{DbErr, RuntimeErr, SqlErr};

/// The result of every storage call.
pub type Result<T> = std::result::Result<T, Error>;

/// A storage failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such row in this tenant (or connection).
    #[error("{0} not found")]
    NotFound(&'static str),
    /// A unique rule forbids the write; the name is the rule's (`users_user_name`, …).
    #[error("conflicts with {0}")]
    Conflict(&'static str),
    /// The row is no longer at the version that the caller saw.
    #[error("changed meanwhile")]
    Stale,
    /// The database cannot be reached or has no room left; trying later may succeed.
    #[error("database unavailable")]
    Unavailable(#[source] DbErr),
    /// A stored secret cannot be opened: wrong master key, or a row that was tampered with.
    #[error("stored secret cannot be opened")]
    Sealed,
    /// A row that breaks a rule that the code upholds.
    #[error("inconsistent row: {0}")]
    Inconsistent(String),
    /// Anything else that the database refused.
    #[error("database error")]
    Database(#[source] DbErr),
}

impl Error {
    /// Whether trying the same again later may succeed without anyone's help.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// Unique rules whose violation is the caller's business: constraint or index name on PostgreSQL, and
/// the columns that SQLite names in its message instead.
const UNIQUE_RULES: &[(&str, &str)] = &[
    ("tenants_slug", "tenants.slug"),
    ("users_user_name", "users.user_name_folded"),
    ("links_pair", "links.site_id"),
    ("accounts_username", "accounts.username_folded"),
    ("accounts_key", "accounts.key"),
    ("schema_extensions_urn", "schema_extensions.urn_folded"),
];

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if let Some(SqlErr::UniqueConstraintViolation(message)) = error.sql_err() {
            for (name, columns) in UNIQUE_RULES {
                if message.contains(name) || message.contains(columns) {
                    return Self::Conflict(name);
                }
            }
            return Self::Conflict("a unique rule");
        }
        if is_unavailable(&error) { Self::Unavailable(error) } else { Self::Database(error) }
    }
}

fn is_unavailable(error: &DbErr) -> bool {
    let runtime = match error {
        // Whatever kept a connection from being made, a proxy that answers with nothing included.
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => return true,
        DbErr::Exec(runtime) | DbErr::Query(runtime) => runtime,
        _ => return false,
    };
    let RuntimeErr::SqlxError(inner) = runtime else { return false };
    match inner.as_ref() {
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::Tls(_)
        // The connection broke in the middle of a message.
        | sqlx::Error::Protocol(_)
        | sqlx::Error::WorkerCrashed => true,
        // PostgreSQL: class 08 connection, 53 resources, 57P shut down or starting, 57014 past the time for a
        // statement, 40 serialization.
        // SQLite: 5 busy, 10 I/O error, 13 full, 14 cannot open, 1546-style extended codes end in them.
        sqlx::Error::Database(database) => database.code().is_some_and(|code| {
            ["08", "53", "57P", "57014", "40"].iter().any(|class| code.len() == 5 && code.starts_with(class))
                || code
                    .parse::<u32>()
                    .is_ok_and(|number| code.len() != 5 && matches!(number & 0xff, 5 | 6 | 10 | 13 | 14))
        }),
        _ => false,
    }
}
