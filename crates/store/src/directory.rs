//! What users and groups of a directory have in common: who asked for a write, and how it can fail.

use crate::error::Error;

/// The SCIM request behind a write, for the timeline and for the trace that tasks carry on.
#[derive(Clone, Debug, Default)]
pub struct WriteContext {
    /// The request's id, as answered in `x-request-id`.
    pub request_id: String,
    /// W3C `traceparent` of the request.
    pub trace_context: Option<String>,
}

/// Why a read-modify-write did not happen: storage failed, or the caller's rule refused.
#[derive(Debug, thiserror::Error)]
pub enum ModifyError<E> {
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] Error),
    /// The rule that was given refused; nothing was written.
    #[error("refused")]
    Refused(E),
}

impl<E> From<sea_orm::DbErr> for ModifyError<E> {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Store(error.into())
    }
}

/// What became of a read-modify-write.
#[derive(Clone, Debug)]
pub struct Modified<T> {
    /// The row as it stands now.
    pub row: T,
    /// Whether anything was written.
    pub changed: bool,
}
