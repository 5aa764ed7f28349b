//! The identifiers of groups, for products whose calls want them: asked for once, so that a member costs one call.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Identifiers by folded name. A group that is gone, or another by now, is forgotten when a call finds out.
#[derive(Debug, Default)]
pub(crate) struct GroupIds(Mutex<HashMap<String, String>>);

impl GroupIds {
    fn known(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The identifier that is known for the name.
    pub(crate) fn of(&self, name: &str) -> Option<String> {
        self.known().get(&name.to_lowercase()).cloned()
    }

    pub(crate) fn remember(&self, name: &str, id: &str) {
        self.known().insert(name.to_lowercase(), id.to_owned());
    }

    pub(crate) fn forget(&self, name: &str) {
        self.known().remove(&name.to_lowercase());
    }
}
