//! Lists: paging parameters and the ListResponse message (RFC 7644 §3.4.2).

use serde_json::{Value, json};

use crate::error::ScimError;

/// URN of the ListResponse message.
pub const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// Which part of the matches is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paging {
    /// Position of the first one, from 1.
    pub start_index: usize,
    /// How many at the most; 0 asks for the total only.
    pub count: usize,
}

impl Paging {
    /// Reads `startIndex` and `count` (RFC 7644 §3.4.2.4): a start below 1 is 1, a negative count is 0, an
    /// absent one is `default`, and no page is larger than `max`. Text that is no number is 400.
    pub fn parse(
        start_index: Option<&str>,
        count: Option<&str>,
        max: usize,
        default: usize,
    ) -> Result<Self, ScimError> {
        let number = |name: &str, text: &str| {
            text.trim()
                .parse::<i64>()
                .map_err(|_| ScimError::invalid_value(format!("{name} is not a whole number: {text:?}")))
        };
        let start_index = match start_index {
            Some(text) => usize::try_from(number("startIndex", text)?).unwrap_or(1).max(1),
            None => 1,
        };
        let count = match count {
            Some(text) => usize::try_from(number("count", text)?).unwrap_or(0).min(max),
            None => default.min(max),
        };
        Ok(Self { start_index, count })
    }
}

/// A ListResponse; `resources` is the page, `total` counts all matches.
pub fn list_response(total: usize, start_index: usize, resources: Vec<Value>) -> Value {
    json!({
        "schemas": [LIST_RESPONSE],
        "totalResults": total,
        "startIndex": start_index,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paging(start: Option<&str>, count: Option<&str>) -> Paging {
        Paging::parse(start, count, 1000, 100).unwrap()
    }

    #[test]
    fn start_index_below_one_is_one_and_negative_count_is_zero() {
        assert_eq!(paging(Some("0"), Some("-5")), Paging { start_index: 1, count: 0 });
        assert_eq!(paging(Some("-3"), None), Paging { start_index: 1, count: 100 });
    }

    #[test]
    fn a_page_is_never_larger_than_the_limit() {
        assert_eq!(paging(None, Some("5000")).count, 1000);
    }

    #[test]
    fn text_that_is_no_number_is_refused() {
        assert_eq!(Paging::parse(Some("first"), None, 10, 10).unwrap_err().status, 400);
    }
}
