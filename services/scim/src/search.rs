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
        Self::from_parameters(&parameters(query), resource_type, strictness)
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
            paging: Paging::parse(text("startindex"), text("count"), MAX_PAGE, DEFAULT_PAGE)?,
            projection: Projection::parse(text("attributes"), text("excludedattributes"), resource_type)?,
        })
    }
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
