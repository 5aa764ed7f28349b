//! `dateTime` values (RFC 7643 §2.3.5, xsd:dateTime): compared by instant, written in UTC.

use time::format_description::well_known::{Iso8601, Rfc3339};
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

/// The instant of an xsd:dateTime, with any offset and any fraction of a second; one without an offset
/// counts as UTC. `None` when the text is no dateTime, or its year in UTC does not have four digits.
pub fn parse(text: &str) -> Option<OffsetDateTime> {
    let instant = OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(text, &Iso8601::DEFAULT))
        .or_else(|_| PrimitiveDateTime::parse(text, &Iso8601::DEFAULT).map(PrimitiveDateTime::assume_utc))
        .ok()?;
    instant.checked_to_offset(UtcOffset::UTC).filter(|utc| (0..=9999).contains(&utc.year()))
}

/// An instant as SCIM shows it: UTC with milliseconds, `2026-01-31T12:00:00.000Z`.
pub fn format(instant: OffsetDateTime) -> String {
    let description =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    // Formatting fails for missing components only, and an instant has them all.
    instant.to_offset(UtcOffset::UTC).format(description).unwrap_or_default()
}

/// An instant as text of one width, whose order is that of time: UTC with nanoseconds.
pub(crate) fn key(instant: OffsetDateTime) -> String {
    let description =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:9]Z");
    // As above.
    instant.to_offset(UtcOffset::UTC).format(description).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_instant_in_several_spellings_is_equal() {
        let spellings = [
            "2026-01-31T12:00:00Z",
            "2026-01-31T12:00:00.000Z",
            "2026-01-31T13:00:00+01:00",
            "2026-01-31T12:00:00",
            "2026-01-31t12:00:00z",
        ];
        for text in spellings {
            assert_eq!(parse(text), parse(spellings[0]), "{text}");
            assert!(parse(text).is_some(), "{text}");
        }
        assert!(parse("2026-01-31T12:00:00.5Z") > parse("2026-01-31T12:00:00.25Z"));
    }

    #[test]
    fn what_is_no_date_time_is_refused() {
        for text in ["", "yesterday", "2026-13-01T00:00:00Z", "2026-01-31"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_instant_that_utc_cannot_write_is_refused() {
        for text in ["9999-12-31T23:59:59-01:00", "0000-01-01T00:00:00+01:00"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert!(parse("9999-12-31T23:59:59+01:00").is_some());
    }

    #[test]
    fn instants_are_written_in_utc_with_milliseconds() {
        let instant = parse("2026-01-31T13:00:00.1234+01:00").unwrap();
        assert_eq!(format(instant), "2026-01-31T12:00:00.123Z");
    }
}
