//! Tokens that open nothing: how many of them may be tried from one place.

use std::time::Duration;

use guard::{Source, Tries};
use moka::sync::Cache;
use store::id::ConnectionId;

use crate::refusal::Refusal;

/// Tokens in a minute from one source at one connection.
const AT_CONNECTION: u32 = 30;
/// Tokens in a minute from one source in all. Providers in the cloud send for many organizations from few addresses.
const IN_ALL: u32 = 300;
/// How long after its last use a right token is let in where it came from: providers in the cloud share addresses, and one of
/// their customers who guesses must not keep the others out.
const RIGHT: Duration = Duration::from_hours(1);
/// How long a wrong token is known as such: one that is sent again and again is no guess.
const KNOWN: Duration = Duration::from_mins(1);
const MOST: u64 = 100_000;

/// What was tried lately and opened nothing.
#[derive(Clone, Debug)]
pub(crate) struct Failures {
    at_connection: Tries<(Source, ConnectionId)>,
    in_all: Tries<Source>,
    wrong: Cache<Vec<u8>, ()>,
    right: Cache<(Source, Vec<u8>), ()>,
}

impl Failures {
    pub(crate) fn new() -> Self {
        Self {
            at_connection: Tries::new(AT_CONNECTION),
            in_all: Tries::new(IN_ALL),
            wrong: Cache::builder().max_capacity(MOST).time_to_live(KNOWN).build(),
            right: Cache::builder().max_capacity(MOST).time_to_idle(RIGHT).build(),
        }
    }

    /// Whether a token of this digest may be tried.
    pub(crate) fn check(
        &self,
        source: Option<Source>,
        connection: ConnectionId,
        digest: &[u8],
    ) -> Result<(), Refusal> {
        let Some(source) = source else { return Ok(()) };
        if self.right.contains_key(&(source, digest.to_vec())) {
            return Ok(());
        }
        let limited =
            self.at_connection.check(&(source, connection)).and_then(|()| self.in_all.check(&source));
        limited.map_err(|seconds| Refusal::TooMany { seconds })
    }

    /// Notes a token that opened something.
    pub(crate) fn succeeded(&self, source: Option<Source>, digest: &[u8]) {
        let Some(source) = source else { return };
        let known = (source, digest.to_vec());
        // Reading it counts as its use.
        if self.right.get(&known).is_none() {
            self.right.insert(known, ());
        }
    }

    /// Notes a token that opened nothing, by its digest.
    pub(crate) fn failed(&self, source: Option<Source>, connection: ConnectionId, digest: &[u8]) {
        let Some(source) = source else { return };
        self.right.invalidate(&(source, digest.to_vec()));
        if self.wrong.contains_key(digest) {
            return;
        }
        self.wrong.insert(digest.to_vec(), ());
        self.at_connection.fail((source, connection));
        self.in_all.fail(source);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn one_customer_of_a_provider_who_guesses_keeps_no_other_out() {
        let failures = Failures::new();
        let cloud = Some(Source::new(Ipv4Addr::new(198, 51, 100, 1).into()));
        let (own, other) = (ConnectionId::generate(), ConnectionId::generate());
        failures.succeeded(cloud, b"other's token");
        for guess in 0..AT_CONNECTION {
            assert_eq!(failures.check(cloud, own, b"new"), Ok(()));
            failures.failed(cloud, own, &guess.to_be_bytes());
        }
        let held_up = Err(Refusal::TooMany { seconds: 60 });
        assert_eq!(failures.check(cloud, own, b"new"), held_up);
        assert_eq!(failures.check(cloud, other, b"new"), Ok(()), "at another connection");
        for guess in AT_CONNECTION..IN_ALL {
            failures.failed(cloud, ConnectionId::generate(), &guess.to_be_bytes());
        }
        assert_eq!(failures.check(cloud, other, b"new"), held_up);
        assert_eq!(failures.check(cloud, other, b"other's token"), Ok(()));
        failures.failed(cloud, other, b"other's token");
        assert_eq!(failures.check(cloud, other, b"other's token"), held_up, "it was revoked");
        assert_eq!(failures.check(None, own, b"new"), Ok(()), "within the process");
    }
}
