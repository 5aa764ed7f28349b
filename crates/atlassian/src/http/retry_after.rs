//! How long a site asks us to wait.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// The longest wait that is believed. A wrong clock or a hostile site must not silence a site for days.
pub(super) const LONGEST: Duration = Duration::from_hours(1);

/// Reads `Retry-After` (RFC 9110 section 10.2.3: seconds or a date). A date counts from the answer's own
/// `Date`, so that our clock does not matter. Without it, Atlassian's `X-RateLimit-Interval-Seconds`: after
/// one interval the bucket has been filled again.
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
    let asked = asked.or_else(|| text("x-ratelimit-interval-seconds").and_then(seconds));
    asked.map(|asked| asked.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn read(headers: &[(&'static str, &'static str)]) -> Option<u64> {
        let headers: HeaderMap = headers
            .iter()
            .map(|&(name, value)| {
                (reqwest::header::HeaderName::from_static(name), HeaderValue::from_static(value))
            })
            .collect();
        retry_after(&headers).map(|wait| wait.as_secs())
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
