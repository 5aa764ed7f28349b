//! Failures that a simulated site can be told to make: the body of `POST /_sandbox/faults`.
//!
//! The faults are deterministic: the n-th call that a set of faults looks at meets the n-th draw from its seed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A token bucket for each account, as in Atlassian's Data Center products.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// The bucket's size: requests that may come at once; at least 1.
    pub burst: u32,
    /// Requests that are added to the bucket each second; above 0.
    pub per_second: f64,
}

/// Everything that shall go wrong. Setting it replaces what was set before; the default is that nothing does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// Where the draws start.
    pub seed: u64,
    /// A request limit; none means the one that the site was started with, if any.
    pub rate_limit: Option<RateLimit>,
    /// How likely each kind of failure is, from 0 to 1; together at most 1.
    pub probabilities: BTreeMap<FaultKind, f64>,
    /// How long a time-out leaves the client without an answer before the connection is dropped.
    pub hang_seconds: u64,
    /// Milliseconds that every call takes before anything else happens to it.
    pub latency_ms: u64,
    /// Answers 503 to everything.
    pub down: bool,
    /// Restricts `probabilities` to these operations, such as `POST /user`; empty means all.
    pub only: Vec<String>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            seed: 0,
            rate_limit: None,
            probabilities: BTreeMap::new(),
            hang_seconds: 30,
            latency_ms: 0,
            down: false,
            only: Vec::new(),
        }
    }
}

/// One way to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FaultKind {
    /// 429 with `Retry-After: 1`; the call is not carried out.
    #[serde(rename = "429")]
    TooManyRequests,
    /// 500; the call is not carried out.
    #[serde(rename = "500")]
    InternalError,
    /// 503; the call is not carried out.
    #[serde(rename = "503")]
    Unavailable,
    /// No answer, and the call is not carried out.
    #[serde(rename = "timeout_before")]
    TimeoutBefore,
    /// No answer, but the call was carried out.
    #[serde(rename = "timeout_after")]
    TimeoutAfter,
    /// The connection is closed without an answer; whether the call was carried out is drawn too.
    #[serde(rename = "drop_connection")]
    DropConnection,
}

/// Why a set of faults cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFaults {
    /// A probability is not a number from 0 to 1.
    #[error("each probability must be from 0 to 1")]
    Probability,
    /// The probabilities add up to more than 1.
    #[error("the probabilities must not add up to more than 1")]
    Sum,
    /// The bucket can never hold a token.
    #[error("rate_limit needs a burst of at least 1 and a per_second above 0")]
    RateLimit,
}

impl Faults {
    /// Checks the ranges of all numbers.
    pub fn validate(&self) -> Result<(), InvalidFaults> {
        if self.probabilities.values().any(|probability| !(0.0..=1.0).contains(probability)) {
            return Err(InvalidFaults::Probability);
        }
        // A little slack, because sums of decimal fractions are not exact.
        if self.probabilities.values().sum::<f64>() > 1.000_001 {
            return Err(InvalidFaults::Sum);
        }
        if self.rate_limit.is_some_and(|limit| limit.burst == 0 || limit.per_second <= 0.0) {
            return Err(InvalidFaults::RateLimit);
        }
        Ok(())
    }
}

/// What shall happen to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ruling {
    /// Nothing special.
    Pass,
    /// Answer with this failure instead of carrying it out.
    Refuse(u16),
    /// Give no answer for `hang_seconds`, then drop the connection.
    Hang { carried_out: bool, hang_seconds: u64 },
    /// Drop the connection at once.
    Drop { carried_out: bool },
}

/// Faults with their place in the sequence of draws.
#[derive(Debug, Default)]
pub(crate) struct FaultSource {
    faults: Faults,
    generator: u64,
}

impl FaultSource {
    pub(crate) fn new(faults: Faults) -> Self {
        Self { generator: faults.seed, faults }
    }

    pub(crate) fn rate_limit(&self) -> Option<RateLimit> {
        self.faults.rate_limit
    }

    /// How long every call takes at least.
    pub(crate) fn latency(&self) -> std::time::Duration {
        std::time::Duration::from_millis(self.faults.latency_ms)
    }

    /// Rules on the next call. Calls that the faults do not look at use up no draw.
    pub(crate) fn rule(&mut self, operation: &str) -> Ruling {
        if self.faults.down {
            return Ruling::Refuse(503);
        }
        let concerned = self.faults.only.is_empty() || self.faults.only.iter().any(|only| only == operation);
        if !concerned || self.faults.probabilities.is_empty() {
            return Ruling::Pass;
        }
        let draw = self.draw();
        let coin = self.draw() < 0.5;
        let mut upper = 0.0;
        for (kind, probability) in &self.faults.probabilities {
            upper += probability;
            if draw < upper {
                return self.ruling(*kind, coin);
            }
        }
        Ruling::Pass
    }

    fn ruling(&self, kind: FaultKind, coin: bool) -> Ruling {
        let hang_seconds = self.faults.hang_seconds;
        match kind {
            FaultKind::TooManyRequests => Ruling::Refuse(429),
            FaultKind::InternalError => Ruling::Refuse(500),
            FaultKind::Unavailable => Ruling::Refuse(503),
            FaultKind::TimeoutBefore => Ruling::Hang { carried_out: false, hang_seconds },
            FaultKind::TimeoutAfter => Ruling::Hang { carried_out: true, hang_seconds },
            FaultKind::DropConnection => Ruling::Drop { carried_out: coin },
        }
    }

    /// Draws from 0 (inclusive) to 1 (exclusive) by `SplitMix64` (Steele, Lea, Flood: "Fast splittable
    /// pseudorandom number generators", 2014), which stays the same whatever library versions we use.
    #[expect(clippy::cast_precision_loss, reason = "only the 53 bits that a double holds are kept")]
    fn draw(&mut self) -> f64 {
        self.generator = self.generator.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.generator;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::{FaultKind, FaultSource, Faults, InvalidFaults, RateLimit, Ruling};

    fn mixed(seed: u64) -> Faults {
        Faults {
            seed,
            probabilities: [
                (FaultKind::TooManyRequests, 0.1),
                (FaultKind::InternalError, 0.1),
                (FaultKind::TimeoutAfter, 0.1),
                (FaultKind::DropConnection, 0.2),
            ]
            .into(),
            ..Faults::default()
        }
    }

    fn rulings(faults: Faults) -> Vec<Ruling> {
        let mut source = FaultSource::new(faults);
        (0..1_000).map(|_| source.rule("POST /user")).collect()
    }

    #[test]
    fn same_seed_gives_same_faults_and_another_seed_others() {
        assert_eq!(rulings(mixed(7)), rulings(mixed(7)));
        assert_ne!(rulings(mixed(7)), rulings(mixed(8)));
    }

    #[test]
    fn faults_come_about_as_often_as_asked() {
        let rulings = rulings(mixed(7));
        let count = |wanted: Ruling| rulings.iter().filter(|ruling| **ruling == wanted).count();
        assert!((450..=550).contains(&count(Ruling::Pass)), "{}", count(Ruling::Pass));
        assert!((70..=130).contains(&count(Ruling::Refuse(429))));
        assert!((70..=130).contains(&count(Ruling::Hang { carried_out: true, hang_seconds: 30 })));
        assert!((70..=130).contains(&count(Ruling::Drop { carried_out: true })));
        assert!((70..=130).contains(&count(Ruling::Drop { carried_out: false })));
    }

    #[test]
    fn only_leaves_other_operations_alone_and_uses_no_draw_for_them() {
        let restricted = Faults { only: vec!["POST /user".to_owned()], ..mixed(7) };
        let mut source = FaultSource::new(restricted);
        let mut seen = Vec::new();
        for _ in 0..1_000 {
            assert_eq!(source.rule("GET /user"), Ruling::Pass);
            seen.push(source.rule("POST /user"));
        }
        assert_eq!(seen, rulings(mixed(7)));
    }

    #[test]
    fn faults_read_from_json_and_refuse_impossible_numbers() {
        let faults: Faults = serde_json::from_str(
            r#"{"seed":7,"rate_limit":null,"probabilities":{"429":0.1,"timeout_before":0.05}}"#,
        )
        .unwrap();
        assert_eq!(
            faults.probabilities,
            [(FaultKind::TooManyRequests, 0.1), (FaultKind::TimeoutBefore, 0.05)].into()
        );
        assert_eq!(faults.validate(), Ok(()));
        assert!(serde_json::from_str::<Faults>(r#"{"probabilities":{"418":0.1}}"#).is_err());
        let too_much = [(FaultKind::InternalError, 0.7), (FaultKind::Unavailable, 0.7)].into();
        assert_eq!(
            Faults { probabilities: too_much, ..Faults::default() }.validate(),
            Err(InvalidFaults::Sum)
        );
        let negative = [(FaultKind::InternalError, -0.1)].into();
        assert_eq!(
            Faults { probabilities: negative, ..Faults::default() }.validate(),
            Err(InvalidFaults::Probability)
        );
        let empty_bucket = Some(RateLimit { burst: 0, per_second: 1.0 });
        assert_eq!(
            Faults { rate_limit: empty_bucket, ..Faults::default() }.validate(),
            Err(InvalidFaults::RateLimit)
        );
    }
}
