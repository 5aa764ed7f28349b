//! Tokens that open nothing: how many of them may be tried from one place.

use guard::{Source, Tries};
use moka::sync::Cache;
use std::time::Duration;
use store::id::ConnectionId;

use crate::refusal::Refusal;

/// Tokens in a minute from one source at one connection.
const AT_CONNECTION: u32 = 30;
/// Tokens in a minute from one source in all. Providers in the cloud send for many organizations from few addresses.
const IN_ALL: u32 = 300;
/// How long a wrong token is known as such: one that is sent again and again is no guess.
const KNOWN: Duration = Duration::from_mins(1);
const MOST: u64 = 100_000;

/// What was tried lately and opened nothing.
#[derive(Clone, Debug)]
pub(crate) struct Failures {
    at_connection: Tries<(Source, ConnectionId)>,
    in_all: Tries<Source>,
    wrong: Cache<Vec<u8>, ()>,
}

impl Failures {
    pub(crate) fn new() -> Self {
        Self {
            at_connection: Tries::new(AT_CONNECTION),
            in_all: Tries::new(IN_ALL),
            wrong: Cache::builder().max_capacity(MOST).time_to_live(KNOWN).build(),
        }
    }

    /// Whether another token may be tried.
    pub(crate) fn check(&self, source: Option<Source>, connection: ConnectionId) -> Result<(), Refusal> {
        let Some(source) = source else { return Ok(()) };
        let limited =
            self.at_connection.check(&(source, connection)).and_then(|()| self.in_all.check(&source));
        limited.map_err(|seconds| Refusal::TooMany { seconds })
    }

    /// Notes a token that opened nothing, by its digest.
    pub(crate) fn note(&self, source: Option<Source>, connection: ConnectionId, digest: &[u8]) {
        let Some(source) = source else { return };
        if self.wrong.contains_key(digest) {
            return;
        }
        self.wrong.insert(digest.to_vec(), ());
        self.at_connection.fail((source, connection));
        self.in_all.fail(source);
    }
}
