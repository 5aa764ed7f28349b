//! The order that `sortBy` and `sortOrder` ask for (RFC 7644 §3.4.2.3).

use std::cmp::Ordering;

use serde_json::Value;

use crate::elements::is_primary;
use crate::error::ScimError;
use crate::filter::AttributePath;
use crate::path::split_name;
use crate::schema::{Attribute, AttributeType, Located, ResourceType, Returned};
use crate::searchable;

/// Characters of a value that decide its place. Cursors carry them, so they are bounded; longer texts with
/// the same start keep the order of creation.
pub const KEY_CHARACTERS: usize = 128;

/// An order by one attribute of one resource type.
#[derive(Clone, Debug)]
pub struct Sort<'a> {
    located: Located<'a>,
    sub: Option<&'a Attribute>,
    descending: bool,
}

impl<'a> Sort<'a> {
    /// Reads both parameters; no `sortBy` is no order. An attribute that is unknown, complex without a
    /// `value`, or never shown is 400 `invalidPath`, and so are memberships and `meta.version`; an order other than `ascending` and `descending` is
    /// 400 `invalidValue`.
    pub fn parse(
        sort_by: Option<&str>,
        sort_order: Option<&str>,
        resource_type: &'a ResourceType,
    ) -> Result<Option<Self>, ScimError> {
        let descending = match sort_order.map(str::trim).filter(|text| !text.is_empty()) {
            None => false,
            Some(text) if text.eq_ignore_ascii_case("ascending") => false,
            Some(text) if text.eq_ignore_ascii_case("descending") => true,
            Some(text) => {
                return Err(ScimError::invalid_value(format!(
                    "sortOrder is ascending or descending, not {text:?}"
                )));
            }
        };
        let Some(text) = sort_by.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
        let unknown = || ScimError::invalid_path(format!("sortBy {text:?} names no attribute to sort by"));
        let AttributePath { urn, attribute, sub_attribute } = split_name(text).ok_or_else(unknown)?;
        let located = resource_type.find(urn.as_deref(), &attribute).ok_or_else(unknown)?;
        let sub = match sub_attribute {
            Some(name) => Some(located.attribute.sub(&name).ok_or_else(unknown)?),
            None if located.attribute.kind == AttributeType::Complex => {
                Some(located.attribute.sub("value").ok_or_else(unknown)?)
            }
            None => None,
        };
        if located.attribute.returned == Returned::Never {
            return Err(unknown());
        }
        if has_no_order(located, sub) {
            return Err(ScimError::invalid_path(format!("sortBy {text:?}: there is no order by it")));
        }
        Ok(Some(Self { located, sub, descending }))
    }

    /// The attribute, and where it stands.
    pub fn located(&self) -> Located<'a> {
        self.located
    }

    /// The sub-attribute whose values decide; of a complex attribute that is named alone, its `value`.
    pub fn sub(&self) -> Option<&'a Attribute> {
        self.sub
    }

    /// Whether the greatest value comes first.
    pub fn is_descending(&self) -> bool {
        self.descending
    }

    /// Compares two complete representations. Absent values come last when ascending and first when
    /// descending; resources with equal values are equal, so that a stable sort keeps their order.
    pub fn compare(&self, left: &Value, right: &Value) -> Ordering {
        let ordering = match (self.key(left), self.key(right)) {
            (Some(left), Some(right)) => left.cmp(&right),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        if self.descending { ordering.reverse() } else { ordering }
    }

    /// The first [`KEY_CHARACTERS`] of the [key](searchable::key) of the value that counts: of a list, the
    /// primary element's, else the first one's.
    pub fn key(&self, resource: &Value) -> Option<String> {
        let holder = match self.located.extension {
            Some(extension) => resource.get(&extension.id)?,
            None => resource,
        };
        let attribute = self.located.attribute;
        let value = leading(holder.get(&attribute.name)?)?;
        let key = match self.sub {
            Some(sub) => searchable::key(sub, leading(value.get(&sub.name)?)?)?,
            None => searchable::key(attribute, value)?,
        };
        Some(match key.char_indices().nth(KEY_CHARACTERS) {
            Some((end, _)) => key[..end].to_owned(),
            None => key,
        })
    }
}

fn leading(value: &Value) -> Option<&Value> {
    match value {
        Value::Array(elements) => elements.iter().find(|element| is_primary(element)).or(elements.first()),
        single => Some(single),
    }
}

/// Whether an attribute is computed of many rows or of many parts, so that there is no order to read by: who is
/// in which group, and the entity tag.
fn has_no_order(located: Located<'_>, sub: Option<&Attribute>) -> bool {
    located.extension.is_none()
        && match located.attribute.name.as_str() {
            "groups" | "members" => true,
            "meta" => sub.is_some_and(|sub| sub.name == "version"),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::{ENTERPRISE_USER, user};

    fn sorted(sort_by: &str, order: &str, mut resources: Vec<Value>) -> Vec<String> {
        let sort = Sort::parse(Some(sort_by), Some(order), user()).unwrap().unwrap();
        resources.sort_by(|left, right| sort.compare(left, right));
        resources.iter().map(|resource| resource["id"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn absent_values_come_last_ascending_and_first_descending() {
        let resources = || {
            vec![json!({"id": "none"}), json!({"id": "b", "title": "b"}), json!({"id": "a", "title": "A"})]
        };
        assert_eq!(sorted("title", "ascending", resources()), ["a", "b", "none"]);
        assert_eq!(sorted("TITLE", "descending", resources()), ["none", "b", "a"]);
    }

    #[test]
    fn a_list_sorts_by_its_primary_or_first_value() {
        let resources = vec![
            json!({"id": "second", "emails": [{"value": "a@x"}, {"value": "m@x", "primary": true}]}),
            json!({"id": "third", "emails": [{"value": "z@x"}]}),
            json!({"id": "first", "emails": [{"value": "B@x"}, {"value": "y@x"}]}),
        ];
        assert_eq!(sorted("emails", "ascending", resources), ["first", "second", "third"]);
    }

    #[test]
    fn date_times_sort_by_instant_and_extensions_by_urn() {
        let resources = vec![
            json!({"id": "later", "meta": {"created": "2026-01-01T00:30:00Z"}, ENTERPRISE_USER: {"department": "b"}}),
            json!({"id": "earlier", "meta": {"created": "2026-01-01T01:00:00+01:00"}, ENTERPRISE_USER: {"department": "A"}}),
        ];
        assert_eq!(sorted("meta.created", "ascending", resources.clone()), ["earlier", "later"]);
        assert_eq!(
            sorted(&format!("{ENTERPRISE_USER}:department"), "descending", resources),
            ["later", "earlier"]
        );
    }

    #[test]
    fn what_cannot_be_sorted_by_is_refused() {
        use crate::error::ScimType::{InvalidPath, InvalidValue};
        for (sort_by, order, expected) in [
            ("nothing", "ascending", InvalidPath),
            ("name", "ascending", InvalidPath),
            ("password", "ascending", InvalidPath),
            ("groups.value", "ascending", InvalidPath),
            ("meta.version", "descending", InvalidPath),
            ("userName", "sideways", InvalidValue),
        ] {
            let error = Sort::parse(Some(sort_by), Some(order), user()).unwrap_err();
            assert_eq!(error.scim_type, Some(expected), "{sort_by} {order}");
        }
        assert!(Sort::parse(None, Some("descending"), user()).unwrap().is_none());
    }
}
