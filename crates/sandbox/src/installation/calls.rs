//! Counting the calls to a simulated site.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};

use crate::state::CallsState;

/// The calls since the site's start.
#[derive(Debug, Default)]
pub(crate) struct CallCounts {
    counts: CallsState,
    creates_by_name: BTreeMap<String, u64>,
}

impl CallCounts {
    /// Counts a call that has arrived.
    pub(crate) fn arrived(&mut self, operation: &str) {
        self.counts.total += 1;
        *self.counts.by_operation.entry(operation.to_owned()).or_default() += 1;
    }

    /// Counts the answer to a call.
    pub(crate) fn answered(&mut self, method: &Method, status: StatusCode) {
        if status == StatusCode::TOO_MANY_REQUESTS {
            self.counts.limited += 1;
        }
        if method != Method::GET && status.as_u16() >= 400 {
            self.counts.rejected += 1;
        }
    }

    /// Counts the creation of an account under this name, folded for case.
    pub(crate) fn created(&mut self, folded_name: &str) {
        *self.creates_by_name.entry(folded_name.to_owned()).or_default() += 1;
    }

    pub(crate) fn snapshot(&self) -> CallsState {
        self.counts.clone()
    }

    pub(crate) fn creates_by_name(&self) -> BTreeMap<String, u64> {
        self.creates_by_name.clone()
    }
}
