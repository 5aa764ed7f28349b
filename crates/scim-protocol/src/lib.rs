//! SCIM 2.0 as pure functions: schemas (RFC 7643), filters, paths, PATCH and projection (RFC 7644).
//!
//! Everything derives from [`schema`]: the discovery documents say what it says, and validation,
//! filters, PATCH and projection look attributes up in it. A request passes [`dialect`] first, which
//! repairs known habits of identity providers and says in words what it repaired; everything behind it is
//! strict. Nothing here knows a database or a network.

pub mod bulk;
pub mod dialect;
pub mod discovery;
mod elements;
pub mod error;
pub mod etag;
pub mod filter;
mod fold;
pub mod instant;
pub mod list;
pub mod members;
pub mod patch;
pub mod path;
pub mod projection;
mod repairs;
pub mod resource;
pub mod schema;
pub mod searchable;
pub mod sort;
mod value;

pub use fold::fold;

/// How requests that leave the standard are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// Refused, with the error that the RFC names.
    Strict,
    /// Repaired where the intent is clear (see [`dialect`]).
    Lenient,
}

impl Strictness {
    /// Whether known dialects are repaired.
    pub fn is_lenient(self) -> bool {
        self == Self::Lenient
    }
}
