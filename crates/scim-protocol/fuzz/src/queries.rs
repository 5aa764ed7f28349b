//! The parameters of a GET: paging, projection, order, and the headers with entity tags.

use std::cmp::Ordering;

use scim_protocol::list::{Paging, SEARCH_REQUEST, SearchRequest};
use scim_protocol::projection::Projection;
use scim_protocol::schema::{self, ResourceType, Returned};
use scim_protocol::sort::Sort;
use scim_protocol::{Strictness, etag, fold, instant};
use serde_json::{Map, Value, json};

use super::resources::accepted;
use super::{check_refusal, samples};

const MAX_PAGE: usize = 1_000;

/// A query string (not percent-encoded: that is the web framework's work).
pub fn query(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let parameters: Vec<(&str, &str)> = text.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let find = |name: &str| parameters.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    for (_, value) in &parameters {
        check_text(value);
    }
    match Paging::parse(find("startIndex"), find("count"), MAX_PAGE, 100) {
        Ok(paging) => assert!(paging.start_index >= 1 && paging.count <= MAX_PAGE, "{paging:?}"),
        Err(error) => check_refusal(&error),
    }
    for resource_type in schema::all() {
        check_projection(find("attributes"), find("excludedAttributes"), resource_type);
        check_sort(find("sortBy"), find("sortOrder"), resource_type);
    }
    let current = etag::weak(3);
    for header in ["ifMatch", "ifNoneMatch"].map(find) {
        // What is current for a reader is current for a writer.
        let is_current = header.is_none() || etag::if_none_match(header, &current);
        assert!(!is_current || etag::if_match(header, &current).is_ok(), "{header:?}");
    }
    check_search_request(&parameters, &find);
}

/// A body of `/.search` carries the same parameters.
fn check_search_request<'a>(parameters: &[(&str, &str)], find: &dyn Fn(&str) -> Option<&'a str>) {
    let mut body: Map<String, Value> = Map::new();
    for (name, value) in parameters.iter().rev() {
        body.insert((*name).to_owned(), json!(value));
    }
    body.insert("schemas".into(), json!([SEARCH_REQUEST]));
    let names: Vec<String> = body.keys().map(|name| name.to_ascii_lowercase()).collect();
    let ambiguous = names.iter().enumerate().any(|(index, name)| names[..index].contains(name));
    let request = SearchRequest::parse(&Value::Object(body), Strictness::Strict);
    // Of one name in two spellings the first counts, `schemas` among them.
    if ambiguous {
        return request.as_ref().err().into_iter().for_each(check_refusal);
    }
    let request = accepted(request);
    for (name, read) in [("filter", &request.filter), ("sortBy", &request.sort_by), ("count", &request.count)]
    {
        assert!(find(name).is_none() || find(name) == read.as_deref(), "{name}");
    }
}

/// Each text is tried as a dateTime and as a key.
fn check_text(text: &str) {
    assert_eq!(fold(&fold(text)), fold(text), "{text:?}");
    if let Some(instant) = instant::parse(text) {
        let written = instant::format(instant);
        let again = instant::parse(&written);
        let distance = again.map(|again| (instant - again).abs());
        assert!(
            distance.is_some_and(|distance| distance.whole_milliseconds() == 0),
            "{text:?} as {written:?}"
        );
    }
}

fn check_projection(attributes: Option<&str>, excluded: Option<&str>, resource_type: &ResourceType) {
    let projection = match Projection::parse(attributes, excluded, resource_type) {
        Ok(projection) => projection,
        Err(error) => return check_refusal(&error),
    };
    for document in samples::shown(resource_type) {
        let shown = projection.apply(document.clone());
        assert_eq!(projection.apply(shown.clone()), shown, "showing less twice shows even less");
        assert!(is_part_of(&shown, &document), "{shown} is no part of {document}");
        for attribute in resource_type.common.iter().chain(&resource_type.schema.attributes) {
            let name = &attribute.name;
            if attribute.returned == Returned::Always {
                assert_eq!(shown.get(name), document.get(name), "{name} is always shown");
            }
            assert!(projection.wants(name) || shown.get(name).is_none(), "{name} is shown and not wanted");
            let is_hidden = excluded.is_some_and(|text| text.trim().eq_ignore_ascii_case(name));
            if is_hidden && attribute.returned != Returned::Always {
                assert_eq!(shown.get(name), None, "{name} is left out");
            }
            if attributes.is_some_and(|text| text.trim().eq_ignore_ascii_case(name)) {
                assert_eq!(shown.get(name), document.get(name), "{name} is asked for");
            }
        }
    }
}

/// Whether a document is another one with parts left out.
fn is_part_of(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(name, part)| whole.get(name).is_some_and(|whole| is_part_of(part, whole)))
        }
        (Value::Array(part), Value::Array(whole)) => {
            part.iter().all(|part| whole.iter().any(|whole| is_part_of(part, whole)))
        }
        _ => part == whole,
    }
}

/// An order is one: `slice::sort` may panic over anything less.
fn check_sort(sort_by: Option<&str>, sort_order: Option<&str>, resource_type: &ResourceType) {
    let sort = match Sort::parse(sort_by, sort_order, resource_type) {
        Ok(Some(sort)) => sort,
        Ok(None) => return,
        Err(error) => return check_refusal(&error),
    };
    let documents = samples::shown(resource_type);
    for left in &documents {
        for right in &documents {
            let ordering = sort.compare(left, right);
            assert_eq!(ordering.reverse(), sort.compare(right, left));
            for third in &documents {
                if ordering == Ordering::Less && sort.compare(right, third) == Ordering::Less {
                    assert_eq!(sort.compare(left, third), Ordering::Less);
                }
            }
        }
    }
}
