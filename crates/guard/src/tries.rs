//! How often something may fail in a minute.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use moka::sync::Cache;

use crate::source::Source;

/// How long failures count, from the first one on.
const WINDOW: Duration = Duration::from_mins(1);
/// How many sources are remembered; of more, those are forgotten that failed least.
const REMEMBERED: u64 = 100_000;

/// Counts failures by whatever tells those apart who try.
#[derive(Clone, Debug)]
pub struct Tries<K: Hash + Eq + Send + Sync + 'static> {
    most: u32,
    failures: Cache<K, Arc<AtomicU32>>,
}

impl<K: Hash + Eq + Send + Sync + 'static> Tries<K> {
    /// Allows `most` failures in a minute.
    pub fn new(most: u32) -> Self {
        Self { most, failures: Cache::builder().max_capacity(REMEMBERED).time_to_live(WINDOW).build() }
    }

    /// Whether they may try again; if not, after how many seconds they may at the latest.
    pub fn check(&self, who: &K) -> Result<(), u32> {
        let failed = self.failures.get(who).map_or(0, |failed| failed.load(Ordering::Relaxed));
        if failed < self.most { Ok(()) } else { Err(u32::try_from(WINDOW.as_secs()).unwrap_or(u32::MAX)) }
    }

    /// Notes a failure.
    pub fn fail(&self, who: K) {
        self.failures.get_with(who, Arc::default).fetch_add(1, Ordering::Relaxed);
    }
}

/// How long a wrong credential is known as such: one that is sent again and again is no guess.
const WRONG: Duration = Duration::from_mins(1);
/// How long after its last use a right one is let in where it came from, whatever others do there. Elsewhere it is a guess like any other: who
/// guesses must not be told that one was right.
const RIGHT: Duration = Duration::from_mins(10);

/// Counts the different credentials that opened nothing, and lets those in that did.
#[derive(Clone, Debug)]
pub struct Guesses {
    tries: Tries<Source>,
    wrong: Cache<Vec<u8>, ()>,
    right: Cache<(Source, Vec<u8>), ()>,
}

impl Guesses {
    /// Allows `most` different wrong credentials in a minute from one source.
    pub fn new(most: u32) -> Self {
        Self {
            tries: Tries::new(most),
            wrong: Cache::builder().max_capacity(REMEMBERED).time_to_live(WRONG).build(),
            right: Cache::builder().max_capacity(REMEMBERED).time_to_idle(RIGHT).build(),
        }
    }

    /// Whether a credential of this digest may be tried; if not, after how many seconds.
    pub fn check(&self, source: Source, digest: &[u8]) -> Result<(), u32> {
        if self.right.contains_key(&(source, digest.to_vec())) { Ok(()) } else { self.tries.check(&source) }
    }

    /// Notes that it opened nothing.
    pub fn failed(&self, source: Source, digest: &[u8]) {
        self.right.invalidate(&(source, digest.to_vec()));
        if !self.wrong.contains_key(digest) {
            self.wrong.insert(digest.to_vec(), ());
            self.tries.fail(source);
        }
    }

    /// Notes that it opened something.
    pub fn succeeded(&self, source: Source, digest: &[u8]) {
        let known = (source, digest.to_vec());
        // Reading it counts as its use.
        if self.right.get(&known).is_none() {
            self.right.insert(known, ());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn whoever_has_failed_often_waits_and_nobody_else() {
        let tries = Tries::new(3);
        for _ in 0..3 {
            assert_eq!(tries.check(&"a"), Ok(()));
            tries.fail("a");
        }
        assert_eq!(tries.check(&"a"), Err(60));
        assert_eq!(tries.check(&"b"), Ok(()));
    }

    #[test]
    fn guesses_are_counted_and_neither_repeats_nor_whoever_is_known() {
        let guesses = Guesses::new(2);
        let source = Source::new(Ipv4Addr::new(198, 51, 100, 1).into());
        guesses.succeeded(source, b"mine");
        guesses.succeeded(Source::new(Ipv4Addr::new(198, 51, 100, 2).into()), b"theirs");
        for _ in 0..10 {
            guesses.failed(source, b"revoked");
        }
        assert_eq!(guesses.check(source, b"new"), Ok(()), "one wrong credential, however often");
        guesses.failed(source, b"guess");
        assert_eq!(guesses.check(source, b"new"), Err(60));
        assert_eq!(guesses.check(source, b"mine"), Ok(()));
        assert_eq!(guesses.check(source, b"theirs"), Err(60), "who guesses is not told");
        guesses.failed(source, b"mine");
        assert_eq!(guesses.check(source, b"mine"), Err(60), "it was revoked");
    }
}
