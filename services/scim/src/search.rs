//! What GET on a collection and POST `/.search` have in common: parameters, paging, and the walk that
//! answers a filter.

use std::collections::HashMap;

use scim_protocol::Strictness;
use scim_protocol::filter::{self, Filter};
use scim_protocol::list::{Paging, SearchRequest};
use scim_protocol::projection::Projection;
use scim_protocol::schema::ResourceType;
use serde_json::Value;

use crate::error::Failure;

/// Resources in one page at the most; a larger `count` is answered with this many, and `itemsPerPage`
/// says so.
pub(crate) const MAX_PAGE: usize = 1_000;
/// Resources in a page when `count` is absent.
const DEFAULT_PAGE: usize = 100;
/// Rows read at once while a filter walks a directory.
pub(crate) const WALK: u64 = 500;

/// A parsed query.
#[derive(Debug)]
pub(crate) struct Search {
    pub(crate) filter: Option<Filter>,
    /// The filter with the pluses of its strings as they stand in the query, see [`literal_plus`].
    literal: Option<Filter>,
    pub(crate) paging: Paging,
    pub(crate) projection: Projection,
}

impl Search {
    /// From a query string.
    pub(crate) fn from_query(
        query: Option<&str>,
        resource_type: &ResourceType,
        strictness: Strictness,
    ) -> Result<Self, Failure> {
        let search = Self::from_parameters(&parameters(query), resource_type, strictness)?;
        let literal = query.filter(|_| strictness.is_lenient()).and_then(literal_plus);
        let literal = literal.and_then(|text| filter::parse(&text).ok());
        Ok(Self {
            literal: literal.filter(|filter| filter.check(resource_type, strictness).is_ok()),
            ..search
        })
    }

    /// From a `SearchRequest` (RFC 7644 §3.4.3).
    pub(crate) fn from_request(
        body: &Value,
        resource_type: &ResourceType,
        strictness: Strictness,
    ) -> Result<Self, Failure> {
        let SearchRequest { filter, attributes, excluded_attributes, start_index, count, .. } =
            SearchRequest::parse(body, strictness)?;
        let parameters = [
            ("filter", filter),
            ("attributes", attributes),
            ("excludedattributes", excluded_attributes),
            ("startindex", start_index),
            ("count", count),
        ];
        let given = parameters.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Self::from_parameters(&given.collect(), resource_type, strictness)
    }

    fn from_parameters(
        parameters: &HashMap<String, String>,
        resource_type: &ResourceType,
        strictness: Strictness,
    ) -> Result<Self, Failure> {
        let text = |name: &str| parameters.get(name).map(String::as_str);
        let filter = text("filter").map(filter::parse).transpose()?;
        if let Some(filter) = &filter {
            filter.check(resource_type, strictness)?;
        }
        Ok(Self {
            filter,
            literal: None,
            paging: Paging::parse(text("startindex"), text("count"), MAX_PAGE, DEFAULT_PAGE)?,
            projection: Projection::parse(text("attributes"), text("excludedattributes"), resource_type)?,
        })
    }
}

impl Search {
    /// What to look for when this finds nothing: the same with the pluses of the query taken literally.
    pub(crate) fn with_literal_plus(&self) -> Option<Self> {
        let filter = Some(self.literal.clone()?);
        Some(Self { filter, literal: None, paging: self.paging, projection: self.projection.clone() })
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

/// Collects one page out of matches that come in order, counting them all.
#[derive(Debug)]
pub(crate) struct PageCollector<T> {
    start: usize,
    count: usize,
    total: usize,
    page: Vec<T>,
}

impl<T> PageCollector<T> {
    pub(crate) fn new(paging: &Paging) -> Self {
        Self { start: paging.start_index, count: paging.count, total: 0, page: Vec::new() }
    }

    /// Takes the next match.
    pub(crate) fn push(&mut self, row: T) {
        self.total += 1;
        if self.total >= self.start && self.page.len() < self.count {
            self.page.push(row);
        }
    }

    /// How many matches there were, and those of the page.
    pub(crate) fn finish(self) -> (usize, Vec<T>) {
        (self.total, self.page)
    }
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
