//! Lists: paging parameters and the `ListResponse` message (RFC 7644 §3.4.2).

use serde_json::{Value, json};

use crate::Strictness;
use crate::error::ScimError;

/// URN of the `ListResponse` message.
pub const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// URN of the `SearchRequest` message.
pub const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

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

/// Reads `count` for a page by cursor (RFC 9865 §2): a positive number, else 400 `invalidCount`; an absent one
/// is `default`, and no page is larger than `max`.
pub fn cursor_count(count: Option<&str>, max: usize, default: usize) -> Result<usize, ScimError> {
    let Some(text) = count else { return Ok(default.min(max)) };
    match text.trim().parse::<i64>() {
        Ok(number) if number > 0 => Ok(usize::try_from(number).unwrap_or(max).min(max)),
        _ => Err(ScimError::invalid_count(format!("count must be between 1 and {max}, not {text:?}"))),
    }
}

/// The body of a POST to `/.search` (RFC 7644 §3.4.3): the parameters of a GET, unparsed as there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchRequest {
    /// A filter, for [`crate::filter::parse`].
    pub filter: Option<String>,
    /// Names to show, for [`crate::projection::Projection::parse`].
    pub attributes: Option<String>,
    /// Names to leave out.
    pub excluded_attributes: Option<String>,
    /// For [`Paging::parse`].
    pub start_index: Option<String>,
    /// For [`Paging::parse`] or [`cursor_count`].
    pub count: Option<String>,
    /// Where a list goes on (RFC 9865 §3); empty for its first page.
    pub cursor: Option<String>,
    /// For [`crate::sort::Sort::parse`].
    pub sort_by: Option<String>,
    /// For [`crate::sort::Sort::parse`].
    pub sort_order: Option<String>,
}

impl SearchRequest {
    /// Reads a body. Unknown members are passed over; known ones of a wrong type are 400 `invalidValue`.
    /// `schemas` must hold [`SEARCH_REQUEST`], except that lenient mode takes its absence.
    pub fn parse(body: &Value, strictness: Strictness) -> Result<Self, ScimError> {
        let members =
            body.as_object().ok_or_else(|| ScimError::invalid_syntax("A SearchRequest is a JSON object"))?;
        let find = |wanted: &str| {
            let found = members.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value).filter(|value| !value.is_null())
        };
        let urns = find("schemas").map(|urns| urns.as_array().map(Vec::as_slice).unwrap_or_default());
        let says_so = |urn: &Value| urn.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(SEARCH_REQUEST));
        if !urns.map_or(strictness.is_lenient(), |urns| urns.iter().any(says_so)) {
            return Err(ScimError::invalid_syntax(format!("schemas must hold {SEARCH_REQUEST}")));
        }
        let text = |name: &str| match find(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(Value::Array(names)) if names.iter().all(Value::is_string) => {
                Ok(Some(names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")))
            }
            Some(_) => Err(ScimError::invalid_value(format!("{name} has a wrong type"))),
        };
        Ok(Self {
            filter: text("filter")?,
            attributes: text("attributes")?,
            excluded_attributes: text("excludedAttributes")?,
            start_index: text("startIndex")?,
            count: text("count")?,
            cursor: text("cursor")?,
            sort_by: text("sortBy")?,
            sort_order: text("sortOrder")?,
        })
    }
}

/// A `ListResponse`; `resources` is the page, `total` counts all matches.
pub fn list_response(total: usize, start_index: usize, resources: Vec<Value>) -> Value {
    let page_size = resources.len();
    let mut response = json!({
        "schemas": [LIST_RESPONSE],
        "totalResults": total,
        "startIndex": start_index,
        "itemsPerPage": page_size,
    });
    response["Resources"] = Value::Array(resources);
    response
}

/// A `ListResponse` of a page by cursor (RFC 9865 §2); there is a `next` cursor unless it is the last page.
pub fn cursor_response(total: usize, resources: Vec<Value>, next: Option<String>) -> Value {
    let mut response = json!({
        "schemas": [LIST_RESPONSE],
        "totalResults": total,
        "itemsPerPage": resources.len(),
    });
    if let Some(next) = next {
        response["nextCursor"] = Value::String(next);
    }
    response["Resources"] = Value::Array(resources);
    response
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

    #[test]
    fn a_page_by_cursor_has_a_positive_size() {
        assert_eq!(cursor_count(None, 1000, 100), Ok(100));
        assert_eq!(cursor_count(Some(" 7 "), 1000, 100), Ok(7));
        assert_eq!(cursor_count(Some("5000"), 1000, 100), Ok(1000));
        for text in ["0", "-1", "", "many", "99999999999999999999"] {
            let error = cursor_count(Some(text), 1000, 100).unwrap_err();
            assert_eq!(error.scim_type, Some(crate::error::ScimType::InvalidCount), "{text}");
        }
    }

    #[test]
    fn items_per_page_is_what_was_returned_and_total_counts_all() {
        let response = list_response(12, 11, vec![json!({"id": "a"}), json!({"id": "b"})]);
        assert_eq!(response["totalResults"], 12);
        assert_eq!(response["itemsPerPage"], 2);
        assert_eq!(response["startIndex"], 11);
        assert_eq!(response["schemas"], json!([LIST_RESPONSE]));
        assert_eq!(list_response(12, 99, Vec::new())["Resources"], json!([]));
    }

    #[test]
    fn search_request_carries_the_parameters_of_a_get() {
        let body = json!({
            "schemas": [SEARCH_REQUEST],
            "filter": "userName pr",
            "attributes": ["userName", "emails"],
            "startIndex": 1,
            "Count": 10,
        });
        let request = SearchRequest::parse(&body, Strictness::Strict).unwrap();
        assert_eq!(request.attributes.as_deref(), Some("userName,emails"));
        assert_eq!(request.start_index.as_deref(), Some("1"));
        assert_eq!(request.count.as_deref(), Some("10"));
        assert_eq!(request.sort_by, None);
    }

    #[test]
    fn search_request_without_schemas_is_a_dialect_and_wrong_types_are_refused() {
        let body = json!({"filter": "userName pr"});
        assert_eq!(
            SearchRequest::parse(&body, Strictness::Strict).unwrap_err().scim_type,
            Some(crate::error::ScimType::InvalidSyntax)
        );
        assert!(SearchRequest::parse(&body, Strictness::Lenient).is_ok());
        for body in [json!({"filter": {"a": 1}}), json!({"attributes": [1]}), json!({"count": true})] {
            assert_eq!(SearchRequest::parse(&body, Strictness::Lenient).unwrap_err().status, 400, "{body}");
        }
        assert_eq!(SearchRequest::parse(&json!([]), Strictness::Lenient).unwrap_err().status, 400);
    }
}
