//! When a link's runs begin by themselves.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use jiff::{SpanRound, Timestamp, Unit};
use serde::{Deserialize, Serialize};

use super::check::Problems;

/// The shortest time between two runs: each looks at everybody.
const SHORTEST_MINUTES: i64 = 15;
/// Occurrences that are looked at to find two that are too close: a day of them, at the shortest distance.
const LOOKED_AT: usize = 100;

/// When runs begin by themselves, to find and repair what somebody changed at the site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// A cron expression of five fields (minute, hour, day of month, month, day of week), such as `0 3 * * *`; empty for
    /// no runs by themselves. Two runs are at least 15 minutes apart.
    pub cron: String,
    /// The time zone that it is meant in, by its IANA name.
    pub timezone: String,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { cron: String::new(), timezone: "UTC".to_owned() }
    }
}

impl Schedule {
    /// The first time after `after` at which a run begins, both in milliseconds since 1970; `None` when there is none, or
    /// the schedule is not one.
    pub fn next_after(&self, after: i64) -> Option<i64> {
        if self.cron.trim().is_empty() {
            return None;
        }
        let zone = TimeZone::get(&self.timezone).ok()?;
        let after = Timestamp::from_millisecond(after).ok()?.to_zoned(zone);
        let next = parse(&self.cron).ok()?.find_next_occurrence(&after, false).ok()?;
        Some(next.timestamp().as_millisecond())
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        let zone = TimeZone::get(&self.timezone);
        if zone.is_err() {
            problems.add("schedule.timezone", "is no time zone: use a name such as Europe/Berlin, or UTC");
        }
        if self.cron.trim().is_empty() {
            return;
        }
        match parse(&self.cron) {
            Err(problem) => problems.add("schedule.cron", problem),
            Ok(cron) => {
                if let Some(problem) = problem_of(&cron) {
                    problems.add("schedule.cron", problem);
                }
            }
        }
    }
}

fn parse(cron: &str) -> Result<Cron, String> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    parser.parse(cron.trim()).map_err(|error| format!("is no cron expression of five fields: {error}"))
}

/// What is wrong with a cron expression that can be read.
fn problem_of(cron: &Cron) -> Option<String> {
    let start = Timestamp::from_second(1_800_000_000).ok()?.to_zoned(TimeZone::UTC);
    let times: Vec<_> = cron.iter_after(start).take(LOOKED_AT).collect();
    if times.is_empty() {
        return Some("never comes about".to_owned());
    }
    let close = times.windows(2).any(|pair| {
        let between =
            pair[0].until(&pair[1]).and_then(|span| span.round(SpanRound::new().largest(Unit::Minute)));
        between.is_ok_and(|span| span.get_minutes() < SHORTEST_MINUTES)
    });
    close.then(|| format!("must leave {SHORTEST_MINUTES} minutes between two runs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(cron: &str, timezone: &str) -> Schedule {
        Schedule { cron: cron.into(), timezone: timezone.into() }
    }

    fn next(schedule: &Schedule, after: &str) -> Option<String> {
        let after = after.parse::<Timestamp>().unwrap().as_millisecond();
        schedule.next_after(after).map(|next| Timestamp::from_millisecond(next).unwrap().to_string())
    }

    fn problems(schedule: &Schedule) -> Vec<(String, String)> {
        let mut problems = Problems::default();
        schedule.check(&mut problems);
        problems.into_list().into_iter().map(|problem| (problem.field, problem.problem)).collect()
    }

    #[test]
    fn runs_begin_at_the_time_of_the_place() {
        let berlin = schedule("0 3 * * *", "Europe/Berlin");
        assert_eq!(next(&berlin, "2026-01-10T12:00:00Z").as_deref(), Some("2026-01-11T02:00:00Z"));
        assert_eq!(next(&berlin, "2026-07-10T12:00:00Z").as_deref(), Some("2026-07-11T01:00:00Z"));
        let working_days = schedule("*/30 8-18 * * MON-FRI", "UTC");
        assert_eq!(next(&working_days, "2026-11-27T18:30:00Z").as_deref(), Some("2026-11-30T08:00:00Z"));
        assert_eq!(next(&Schedule::default(), "2026-01-10T12:00:00Z"), None);
    }

    #[test]
    fn what_is_no_schedule_is_said() {
        for good in ["", "0 3 * * *", "*/15 * * * *", "0,15,30,45 * * * *", "0 0 29 2 *", "@daily"] {
            assert_eq!(problems(&schedule(good, "Europe/Berlin")), [], "{good}");
        }
        let found = problems(&schedule("* * * * *", "Mars/Olympus"));
        let expected = [
            ("schedule.timezone", "is no time zone: use a name such as Europe/Berlin, or UTC"),
            ("schedule.cron", "must leave 15 minutes between two runs"),
        ];
        assert_eq!(found, expected.map(|(field, problem)| (field.to_owned(), problem.to_owned())));
        for (bad, part) in [
            ("0 3 * *", "is no cron expression of five fields"),
            ("0 0 3 * * *", "is no cron expression of five fields"),
            ("61 * * * *", "is no cron expression of five fields"),
            ("0 0 30 2 *", "never comes about"),
            ("0,5 3 * * *", "must leave 15 minutes"),
        ] {
            let found = problems(&schedule(bad, "UTC"));
            assert!(found.len() == 1 && found[0].1.contains(part), "{bad}: {found:?}");
        }
    }
}
