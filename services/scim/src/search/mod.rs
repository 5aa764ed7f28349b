//! What GET on a collection and POST `/.search` have in common: parameters, paging, sorting, and how a
//! search is answered.

mod cursor;
mod find;

use std::collections::HashMap;

use scim_protocol::Strictness;
use scim_protocol::error::ScimError;
use scim_protocol::filter::{self, Filter};
use scim_protocol::list::{self, Paging, SearchRequest};
use scim_protocol::projection::Projection;
use scim_protocol::schema::ResourceType;
use scim_protocol::sort::Sort;
use serde_json::Value;
use store::clock::Timestamp;

pub(crate) use self::cursor::{Cursor, ListDigest, TIMEOUT};
pub(crate) use self::find::{Collection, Found, MAX_CANDIDATES, answer, find};
use crate::caller::Directory;
use crate::error::Failure;

/// Resources in one page at the most; a larger `count` is answered with this many, and `itemsPerPage`
/// says so.
pub(crate) const MAX_PAGE: usize = 1_000;
/// Resources in a page when `count` is absent.
pub(crate) const DEFAULT_PAGE: usize = 100;

/// The parameters of a search, by lower-case name.
#[derive(Debug)]
pub(crate) struct Request {
    parameters: HashMap<String, String>,
    /// The filter with the pluses of its strings as they stand in the query, see [`literal_plus`].
    literal: Option<String>,
}

/// What is searched for among the resources of one type.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    pub(crate) filter: Option<Filter>,
    /// What to look for when `filter` finds nothing.
    pub(crate) literal: Option<Filter>,
    pub(crate) sort: Option<Sort<'a>>,
    pub(crate) projection: Projection,
}

/// Which part of the matches is asked for.
#[derive(Debug)]
pub(crate) enum Page {
    /// By position (RFC 7644 §3.4.2.4).
    Index(Paging),
    /// By cursor (RFC 9865).
    Cursor(CursorPage),
}

/// A page by cursor.
#[derive(Debug)]
pub(crate) struct CursorPage {
    /// Where the page before ended; absent: the first page.
    pub(crate) after: Option<Cursor>,
    pub(crate) count: usize,
    /// The list that it is a page of.
    pub(crate) list: ListDigest,
    pub(crate) now: Timestamp,
}

impl Request {
    /// From a query string.
    pub(crate) fn from_query(query: Option<&str>, strictness: Strictness) -> Self {
        let literal = query.filter(|_| strictness.is_lenient()).and_then(literal_plus);
        Self { parameters: parameters(query), literal }
    }

    /// From a `SearchRequest` (RFC 7644 §3.4.3).
    pub(crate) fn from_body(body: &Value, strictness: Strictness) -> Result<Self, Failure> {
        let request = SearchRequest::parse(body, strictness)?;
        let parameters = [
            ("filter", request.filter),
            ("attributes", request.attributes),
            ("excludedattributes", request.excluded_attributes),
            ("startindex", request.start_index),
            ("count", request.count),
            ("cursor", request.cursor),
            ("sortby", request.sort_by),
            ("sortorder", request.sort_order),
        ];
        let given = parameters.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Ok(Self { parameters: given.collect(), literal: None })
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// What they ask of one resource type.
    pub(crate) fn search<'a>(
        &self,
        resource_type: &'a ResourceType,
        strictness: Strictness,
    ) -> Result<Search<'a>, Failure> {
        Ok(Search { sort: self.sort(resource_type)?, ..self.unsorted(resource_type, strictness)? })
    }

    /// The same without an order.
    pub(crate) fn unsorted<'a>(
        &self,
        resource_type: &'a ResourceType,
        strictness: Strictness,
    ) -> Result<Search<'a>, Failure> {
        let parsed = |text: &str| {
            let filter = filter::parse(text)?;
            filter.check(resource_type, strictness)?;
            Ok::<_, ScimError>(filter)
        };
        Ok(Search {
            filter: self.text("filter").map(parsed).transpose()?,
            literal: self.literal.as_deref().and_then(|text| parsed(text).ok()),
            sort: None,
            projection: Projection::parse(
                self.text("attributes"),
                self.text("excludedattributes"),
                resource_type,
            )?,
        })
    }

    /// The order that they ask for.
    pub(crate) fn sort<'a>(&self, resource_type: &'a ResourceType) -> Result<Option<Sort<'a>>, Failure> {
        Ok(Sort::parse(self.text("sortby"), self.text("sortorder"), resource_type)?)
    }

    /// The part of the list at an endpoint that they ask for. Both ways of paging at once are refused: 400
    /// `invalidValue`.
    pub(crate) fn page(&self, endpoint: &str, directory: &Directory) -> Result<Page, Failure> {
        let Some(cursor) = self.text("cursor") else {
            let (start_index, count) = (self.text("startindex"), self.text("count"));
            return Ok(Page::Index(Paging::parse(start_index, count, MAX_PAGE, DEFAULT_PAGE)?));
        };
        if self.text("startindex").is_some() {
            return Err(ScimError::invalid_value("startIndex and cursor cannot be given together").into());
        }
        let parts = ["filter", "sortby", "sortorder"].map(|name| self.text(name).unwrap_or_default());
        let list = ListDigest::of(&[&directory.base_url, endpoint, parts[0], parts[1], parts[2]]);
        let now = directory.clock.now();
        let after = match cursor.trim() {
            "" => None,
            text => Some(Cursor::decode(text, list, now)?),
        };
        let count = list::cursor_count(self.text("count"), MAX_PAGE, DEFAULT_PAGE)?;
        Ok(Page::Cursor(CursorPage { after, count, list, now }))
    }
}

/// The filter of a query in which a `+` within a quoted string is a plus.
///
/// In a form-encoded query it is a space, so that `userName eq "ann+x@acme.example"` must be sent with `%2B`;
/// clients forget it, look for an address with a space, find nobody and create the user again. `None` when no
/// string has a plus, and both ways of reading are the same.
fn literal_plus(query: &str) -> Option<String> {
    let decoded = |text: &str| {
        let pair = format!("={text}");
        url::form_urlencoded::parse(pair.as_bytes()).map(|(_, value)| value.into_owned()).collect::<String>()
    };
    let mut pairs = query.split('&').rev().filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| decoded(name).eq_ignore_ascii_case("filter"))?;
    let (mut text, mut quoted, mut escaped, mut found) = (String::new(), false, false, false);
    for (index, piece) in value.split('+').enumerate() {
        if index > 0 {
            text.push(if quoted { '+' } else { ' ' });
            found |= quoted;
            escaped = false;
        }
        for character in decoded(piece).chars() {
            if character == '"' && !escaped {
                quoted = !quoted;
            }
            escaped = quoted && character == '\\' && !escaped;
            text.push(character);
        }
    }
    found.then_some(text)
}

/// Query parameters by lower-case name; of repeated ones the last counts.
pub(crate) fn parameters(query: Option<&str>) -> HashMap<String, String> {
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.into_owned()))
        .collect()
}

/// The projection that a write's answer is cut down to.
pub(crate) fn projection(query: Option<&str>, resource_type: &ResourceType) -> Result<Projection, Failure> {
    let parameters = parameters(query);
    let text = |name: &str| parameters.get(name).map(String::as_str);
    Ok(Projection::parse(text("attributes"), text("excludedattributes"), resource_type)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_within_quotes_is_a_plus_and_one_outside_a_space() {
        for (query, filter) in [
            ("filter=userName+eq+%22a+b%22", Some("userName eq \"a+b\"")),
            ("count=1&FILTER=userName%20eq%20\"a+b%2Bc%20d\"&x=+", Some("userName eq \"a+b+c d\"")),
            (
                "filter=x&filter=title+eq+%22%C3%A9+%5C%22+%22+or+title+pr",
                Some("title eq \"é+\\\"+\" or title pr"),
            ),
            ("filter=title+eq+%22%5C%5C%22+and+title+pr", None),
            ("filter=userName+eq+%22a%2Bb%22", None),
            ("filter=title%20eq%20%22a%20b%22&x=%22+%22", None),
            ("filter=userName+pr", None),
            ("filter", None),
            ("", None),
        ] {
            assert_eq!(literal_plus(query).as_deref(), filter, "{query}");
        }
    }
}
