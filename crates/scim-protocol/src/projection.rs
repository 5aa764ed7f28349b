//! Which attributes an answer shows: `attributes`, `excludedAttributes` and `returned` (RFC 7644 §3.9).

use serde_json::{Map, Value};

use crate::error::ScimError;
use crate::filter::AttributePath;
use crate::path::split_name;
use crate::schema::{Attribute, ResourceType, Returned};
use crate::value::is_empty;

/// A choice of attributes for one resource type.
#[derive(Clone, Debug)]
pub struct Projection {
    choice: Choice,
    resource_type: ResourceType,
}

#[derive(Clone, Debug)]
enum Choice {
    Default,
    Only(Vec<Name>),
    Without(Vec<Name>),
}

/// A name in a choice, resolved to the schema's spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Name {
    extension: Option<String>,
    /// `None` names a whole extension.
    attribute: Option<String>,
    sub: Option<String>,
}

impl Projection {
    /// Reads both parameters (comma-separated names); together they are refused, and unknown names are
    /// passed over.
    pub fn parse(
        attributes: Option<&str>,
        excluded: Option<&str>,
        resource_type: &ResourceType,
    ) -> Result<Self, ScimError> {
        let given = |text: Option<&str>| {
            text.map(|text| {
                text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
            })
            .filter(|names: &Vec<String>| !names.is_empty())
        };
        let choice = match (given(attributes), given(excluded)) {
            (Some(_), Some(_)) => {
                return Err(ScimError::invalid_value(
                    "attributes and excludedAttributes cannot be given together",
                ));
            }
            (Some(names), None) => Choice::Only(resolve(&names, resource_type)),
            (None, Some(names)) => Choice::Without(resolve(&names, resource_type)),
            (None, None) => Choice::Default,
        };
        Ok(Self { choice, resource_type: resource_type.clone() })
    }

    /// Whether the caller named attributes at all.
    pub fn is_chosen(&self) -> bool {
        !matches!(self.choice, Choice::Default)
    }

    /// Whether a core attribute may be part of the answer, so that the caller need not read it otherwise.
    pub fn wants(&self, attribute: &str) -> bool {
        let Some(located) = self.resource_type.find(None, attribute) else { return false };
        !matches!(self.decide(None, located.attribute), Decision::Drop)
    }

    /// Cuts a resource down to the choice.
    #[must_use]
    pub fn apply(&self, resource: Value) -> Value {
        let Value::Object(members) = resource else { return resource };
        let mut kept = Map::new();
        for (name, value) in members {
            if let Some(extension) = self.resource_type.extension(&name) {
                let attributes = extension.attributes.iter();
                let value = self.cut(Some(&extension.id), attributes, value);
                if value.as_object().is_some_and(|members| !members.is_empty()) {
                    kept.insert(name, value);
                }
                continue;
            }
            let Some(located) = self.resource_type.find(None, &name) else { continue };
            if let Some(value) = self.decide(None, located.attribute).apply(value, located.attribute) {
                kept.insert(name, value);
            }
        }
        Value::Object(kept)
    }

    fn cut<'a>(
        &self,
        extension: Option<&str>,
        attributes: impl Iterator<Item = &'a Attribute>,
        value: Value,
    ) -> Value {
        let Value::Object(mut members) = value else { return value };
        let mut kept = Map::new();
        for attribute in attributes {
            let Some(value) = members.shift_remove(&attribute.name) else { continue };
            if let Some(value) = self.decide(extension, attribute).apply(value, attribute) {
                kept.insert(attribute.name.clone(), value);
            }
        }
        Value::Object(kept)
    }

    fn decide(&self, extension: Option<&str>, attribute: &Attribute) -> Decision {
        let of_attribute = |names: &[Name]| -> Vec<Option<String>> {
            let named = names.iter().filter(|name| name.extension.as_deref() == extension);
            let named =
                named.filter(|name| name.attribute.as_ref().is_none_or(|named| *named == attribute.name));
            named.map(|name| name.sub.clone()).collect()
        };
        match (attribute.returned, &self.choice) {
            (Returned::Never, _) | (Returned::Request, Choice::Default | Choice::Without(_)) => {
                Decision::Drop
            }
            (Returned::Always, _) | (_, Choice::Default) => Decision::Keep,
            (_, Choice::Only(names)) => {
                let subs = of_attribute(names);
                if subs.is_empty() {
                    Decision::Drop
                } else {
                    subs.into_iter().collect::<Option<Vec<_>>>().map_or(Decision::Keep, Decision::KeepSubs)
                }
            }
            (_, Choice::Without(names)) => {
                let subs = of_attribute(names);
                if subs.is_empty() {
                    Decision::Keep
                } else {
                    subs.into_iter().collect::<Option<Vec<_>>>().map_or(Decision::Drop, Decision::DropSubs)
                }
            }
        }
    }
}

enum Decision {
    Keep,
    Drop,
    KeepSubs(Vec<String>),
    DropSubs(Vec<String>),
}

impl Decision {
    fn apply(&self, value: Value, attribute: &Attribute) -> Option<Value> {
        let keeps = |name: &str| {
            let Some(sub) = attribute.sub(name) else { return false };
            let always = sub.returned == Returned::Always;
            match self {
                _ if sub.returned == Returned::Never => false,
                Self::Keep => sub.returned != Returned::Request,
                Self::Drop => false,
                Self::KeepSubs(subs) => always || subs.iter().any(|sub| sub == name),
                Self::DropSubs(subs) => {
                    always || (sub.returned != Returned::Request && !subs.iter().any(|sub| sub == name))
                }
            }
        };
        match self {
            Self::Drop => None,
            Self::Keep if attribute.shows_all_subs() => Some(value),
            Self::Keep | Self::KeepSubs(_) | Self::DropSubs(_) => {
                let kept = match value {
                    Value::Array(elements) => {
                        let kept = elements.into_iter().map(|element| retain(element, &keeps));
                        kept.filter(|element| !is_empty(element)).collect()
                    }
                    other => retain(other, &keeps),
                };
                (!is_empty(&kept)).then_some(kept)
            }
        }
    }
}

fn retain(value: Value, keeps: &dyn Fn(&str) -> bool) -> Value {
    match value {
        Value::Object(members) => members.into_iter().filter(|(name, _)| keeps(name)).collect(),
        other => other,
    }
}

fn resolve(names: &[String], resource_type: &ResourceType) -> Vec<Name> {
    names.iter().filter_map(|name| resolve_one(name, resource_type)).collect()
}

fn resolve_one(name: &str, resource_type: &ResourceType) -> Option<Name> {
    if name.eq_ignore_ascii_case(&resource_type.schema.id) {
        return Some(Name { extension: None, attribute: None, sub: None });
    }
    if let Some(extension) = resource_type.extension(name) {
        return Some(Name { extension: Some(extension.id.clone()), attribute: None, sub: None });
    }
    let AttributePath { urn, attribute, sub_attribute } = split_name(name)?;
    let located = resource_type.find(urn.as_deref(), &attribute)?;
    let sub = match sub_attribute {
        Some(sub) => Some(located.attribute.sub(&sub)?.name.clone()),
        None => None,
    };
    Some(Name {
        extension: located.extension.map(|extension| extension.id.clone()),
        attribute: Some(located.attribute.name.clone()),
        sub,
    })
}

#[cfg(test)]
mod tests;
