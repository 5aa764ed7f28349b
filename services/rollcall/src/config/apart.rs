//! What only processes need that run apart: where the cells are, and what gateways sign requests with.

use axum::http::Uri;
use gateway::admission::Limits;
use proto::pass::PassKeys;
use secrecy::{ExposeSecret as _, SecretString};

/// A cell that a gateway sends requests to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CellAddress {
    /// For people, in logs and metrics.
    pub(crate) name: String,
    /// Where its SCIM handlers answer.
    pub(crate) addresses: Vec<Uri>,
}

/// Reads `name=http://host:port`, or an address alone for the only cell there is. Processes without a common name
/// stand beside each other: `http://one:8082|http://other:8082`.
pub(super) fn cells(list: &[String], problems: &mut Vec<String>) -> Vec<CellAddress> {
    let mut cells: Vec<CellAddress> = Vec::new();
    for text in list {
        let (name, address) = text.split_once('=').unwrap_or(("default", text));
        let mut addresses = Vec::new();
        for address in address.split('|').map(str::trim) {
            match address.parse::<Uri>() {
                Ok(address) => addresses.push(address),
                Err(_) => problems.push(format!(
                    "cells: {address:?} is no address; it looks like http://rollcall-scim:8082"
                )),
            }
        }
        if cells.iter().any(|cell| cell.name == name) {
            problems.push(format!("cells: there are two called {name:?}"));
        }
        cells.push(CellAddress { name: name.to_owned(), addresses });
    }
    cells
}

/// Reads the keys of passes.
pub(super) fn passes(keys: Option<&SecretString>, problems: &mut Vec<String>) -> Option<PassKeys> {
    match PassKeys::parse(keys?.expose_secret()) {
        Ok(keys) => Some(keys),
        Err(error) => {
            problems.push(format!("internal_key: {error}"));
            None
        }
    }
}

/// How much a gateway lets in. Zero means as much as comes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LimitSettings {
    pub(super) tenant_rate: Option<u32>,
    pub(super) token_rate: Option<u32>,
    pub(super) requests_at_once: Option<usize>,
    pub(super) tenant_requests_at_once: Option<usize>,
}

impl LimitSettings {
    pub(super) fn complete(self) -> Limits {
        // What a semaphore counts up to.
        let at_once = |set: Option<usize>, default| match set {
            None => default,
            Some(0) => tokio::sync::Semaphore::MAX_PERMITS,
            Some(limit) => limit.min(tokio::sync::Semaphore::MAX_PERMITS),
        };
        let rate = |set: Option<u32>, default| set.map_or(default, std::num::NonZeroU32::new);
        let defaults = Limits::default();
        Limits {
            at_once: at_once(self.requests_at_once, defaults.at_once),
            at_once_per_tenant: at_once(self.tenant_requests_at_once, defaults.at_once_per_tenant),
            per_tenant: rate(self.tenant_rate, defaults.per_tenant),
            per_token: rate(self.token_rate, defaults.per_token),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_names_or_are_alone() {
        let mut problems = Vec::new();
        let read = cells(&["http://scim:8082".into()], &mut problems);
        assert_eq!(
            (read[0].name.as_str(), read[0].addresses[0].to_string().as_str()),
            ("default", "http://scim:8082/")
        );
        let read = cells(&["eu=http://eu:1".into(), "us=http://us:1".into()], &mut problems);
        assert_eq!(read.iter().map(|cell| cell.name.as_str()).collect::<Vec<_>>(), ["eu", "us"]);
        assert!(problems.is_empty());
        cells(&["eu=http://eu:1".into(), "eu=http://us:1".into(), "no address".into()], &mut problems);
        assert_eq!(problems.len(), 2, "{problems:?}");
    }

    #[test]
    fn zero_lifts_a_limit() {
        let limits =
            LimitSettings { tenant_rate: Some(0), requests_at_once: Some(0), ..LimitSettings::default() };
        let limits = limits.complete();
        assert_eq!((limits.per_tenant, limits.per_token), (None, Limits::default().per_token));
        assert_eq!(limits.at_once, tokio::sync::Semaphore::MAX_PERMITS);
    }
}
