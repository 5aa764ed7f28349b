//! How long a site asks us to wait.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The longest wait that is believed. A wrong clock or a hostile site must not silence a site for days.
pub(super) const LONGEST: Duration = Duration::from_hours(1);

/// Reads `Retry-After` (RFC 9110 section 10.2.3: seconds or a date). A date counts from the answer's own
/// `Date`, so that our clock does not matter. Without it, `X-RateLimit-Reset`, by which the Cloud's products say when
/// they take requests again; or the Data Center products' `X-RateLimit-Interval-Seconds`: after one interval the bucket
/// has been filled again.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let seconds = |text: &str| text.parse().ok().map(Duration::from_secs);
    let date = |text: &str| httpdate::parse_http_date(text).ok();
    let asked = text(RETRY_AFTER.as_str()).and_then(|asked| {
        seconds(asked).or_else(|| {
            let until = date(asked)?;
            let now = date(text(DATE.as_str())?)?;
            Some(until.duration_since(now).unwrap_or_default())
        })
    });
    let asked = asked.or_else(|| until_reset(headers));
    let asked = asked.or_else(|| text("x-ratelimit-interval-seconds").and_then(seconds));
    asked.map(|asked| asked.min(LONGEST))
}

/// How long until the requests are used up no more, when a success says that they are: `X-RateLimit-Remaining: 0` with a
/// time of reset, or no points left in the `RateLimit` of an app ("Rate limiting" of Jira Cloud).
pub(super) fn used_up(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let by_count =
        text("x-ratelimit-remaining").filter(|&left| left == "0").and_then(|_| until_reset(headers));
    let points = text("ratelimit").and_then(|policies| {
        let waits = policies.split(',').filter_map(|policy| {
            let parameter = |name: &str| {
                policy
                    .split(';')
                    .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('=')?.parse::<u64>().ok())
            };
            (parameter("r")? == 0).then(|| parameter("t").map(Duration::from_secs)).flatten()
        });
        waits.max()
    });
    by_count.max(points).map(|wait| wait.min(LONGEST))
}

/// Until the instant of `X-RateLimit-Reset` (RFC 3339), counted from the answer's own `Date`.
fn until_reset(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let reset = OffsetDateTime::parse(text("x-ratelimit-reset")?, &Rfc3339).ok()?;
    let now = httpdate::parse_http_date(text(DATE.as_str())?).ok()?;
    Some(SystemTime::from(reset).duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn map(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = headers.iter().map(|&(name, value)| {
            (reqwest::header::HeaderName::from_static(name), HeaderValue::from_static(value))
        });
        pairs.collect()
    }

    fn read(headers: &[(&'static str, &'static str)]) -> Option<u64> {
        retry_after(&map(headers)).map(|wait| wait.as_secs())
    }

    #[test]
    fn reset_of_the_cloud_is_an_instant_and_counts_from_the_answers_own_date() {
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        let reset = ("x-ratelimit-reset", "1994-11-06T08:50:07Z");
        assert_eq!(read(&[reset, date]), Some(30));
        assert_eq!(read(&[reset, date, ("retry-after", "1")]), Some(1));
        assert_eq!(read(&[reset]), None, "our own clock may be wrong");
        let left = |left: &'static str| used_up(&map(&[reset, date, ("x-ratelimit-remaining", left)]));
        assert_eq!((left("0"), left("1")), (Some(Duration::from_secs(30)), None));
    }

    #[test]
    fn points_that_are_used_up_are_waited_for() {
        let wait =
            |policies: &'static str| used_up(&map(&[("ratelimit", policies)])).map(|wait| wait.as_secs());
        assert_eq!(wait("\"global-app-quota\";r=0;t=120"), Some(120));
        assert_eq!(wait("\"tenant\";r=5;t=120, \"global-app-quota\"; r=0; t=60"), Some(60));
        assert_eq!(wait("\"global-app-quota\";r=12;t=120"), None);
        assert_eq!(wait("nonsense"), None);
        assert_eq!(wait("\"x\";r=0;t=999999"), Some(3600));
    }

    #[test]
    fn wait_is_read_in_every_form_and_limited() {
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[("retry-after", "7")]), Some(7));
        assert_eq!(read(&[("retry-after", "0")]), Some(0));
        assert_eq!(read(&[("retry-after", "99999999999")]), Some(3600));
        assert_eq!(read(&[("retry-after", "soon")]), None);
        assert_eq!(read(&[("retry-after", "-1")]), None);
        assert_eq!(read(&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"), date]), Some(30));
        assert_eq!(read(&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT"), date]), Some(0));
        assert_eq!(read(&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")]), None);
        assert_eq!(read(&[("x-ratelimit-interval-seconds", "10")]), Some(10));
        assert_eq!(read(&[("retry-after", "2"), ("x-ratelimit-interval-seconds", "10")]), Some(2));
    }
}
