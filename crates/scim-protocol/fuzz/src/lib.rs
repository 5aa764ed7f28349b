//! What must hold for any input to the SCIM protocol crate, one function a fuzz target.
//!
//! The fuzz targets and `tests/corpus.rs` share these functions, so that what a fuzzer once found stays
//! found. Each takes raw bytes and panics when a rule is broken; input that is not of its form is passed
//! over.

mod filters;
mod members;
mod patches;
mod queries;
mod resources;
mod samples;
mod structured;

pub use filters::{filter, path};
pub use patches::patch;
pub use queries::query;
pub use resources::resource;
pub use structured::patch_structured;

use scim_protocol::Strictness;
use scim_protocol::error::ScimError;

/// Both ways of treating what leaves the standard.
const MODES: [Strictness; 2] = [Strictness::Strict, Strictness::Lenient];

/// A refusal blames the client, in a sentence of bounded length.
fn check_refusal(error: &ScimError) {
    assert!((400..500).contains(&error.status), "{} {error}", error.status);
    assert!(!error.detail.is_empty(), "a refusal without a reason");
    assert!(error.detail.chars().count() <= 1_000, "a refusal that echoes the request");
}

/// What was repaired is said in few and short sentences, whatever was sent.
fn check_repairs(repairs: &[String]) {
    assert!(repairs.len() <= 33, "{} sentences", repairs.len());
    assert!(repairs.iter().all(|sentence| sentence.chars().count() <= 241), "{repairs:?}");
}
