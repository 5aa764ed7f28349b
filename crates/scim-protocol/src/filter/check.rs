//! Whether a filter makes sense for a resource type.

use super::{AttributePath, CompareOp, CompareValue, Filter};
use crate::Strictness;
use crate::error::ScimError;
use crate::schema::{Attribute, AttributeType, ResourceType, Returned};

impl Filter {
    /// Refuses what cannot be answered: operators that do not fit the attribute's type, attributes that
    /// are never shown, and, in strict mode, attributes that no schema has (lenient: they match nothing).
    pub fn check(&self, resource_type: &ResourceType, strictness: Strictness) -> Result<(), ScimError> {
        match self {
            Self::And(filters) | Self::Or(filters) => {
                filters.iter().try_for_each(|filter| filter.check(resource_type, strictness))
            }
            Self::Not(filter) => filter.check(resource_type, strictness),
            Self::Present(path) => attribute(path, resource_type, strictness).map(|_| ()),
            Self::Compare(path, op, value) => match attribute(path, resource_type, strictness)? {
                Some(attribute) => check_comparison(path, attribute, *op, value, strictness),
                None => Ok(()),
            },
            Self::ValuePath(path, inner) => {
                let Some(located) = resource_type.find(path.urn.as_deref(), &path.attribute) else {
                    return unknown(path, strictness);
                };
                if located.attribute.kind != AttributeType::Complex || path.sub_attribute.is_some() {
                    return Err(ScimError::invalid_filter(format!(
                        "{path} has no sub-attributes to filter by"
                    )));
                }
                inner.check_element(located.attribute, strictness)
            }
        }
    }

    /// The same within brackets, where names are those of sub-attributes.
    pub(crate) fn check_element(&self, parent: &Attribute, strictness: Strictness) -> Result<(), ScimError> {
        match self {
            Self::And(filters) | Self::Or(filters) => {
                filters.iter().try_for_each(|filter| filter.check_element(parent, strictness))
            }
            Self::Not(filter) => filter.check_element(parent, strictness),
            Self::Present(path) => match sub(path, parent) {
                Some(_) => Ok(()),
                None => unknown(path, strictness),
            },
            Self::Compare(path, op, value) => match sub(path, parent) {
                Some(attribute) => check_comparison(path, attribute, *op, value, strictness),
                None => unknown(path, strictness),
            },
            Self::ValuePath(path, _) => {
                Err(ScimError::invalid_filter(format!("{path}: brackets within brackets")))
            }
        }
    }
}

fn sub<'a>(path: &AttributePath, parent: &'a Attribute) -> Option<&'a Attribute> {
    if path.urn.is_some() || path.sub_attribute.is_some() { None } else { parent.sub(&path.attribute) }
}

fn unknown(path: &AttributePath, strictness: Strictness) -> Result<(), ScimError> {
    if strictness.is_lenient() {
        return Ok(());
    }
    Err(ScimError::invalid_filter(format!("{path} is not an attribute of this resource")))
}

/// The attribute that a path compares: `emails` means `emails.value`.
fn attribute<'a>(
    path: &AttributePath,
    resource_type: &'a ResourceType,
    strictness: Strictness,
) -> Result<Option<&'a Attribute>, ScimError> {
    let Some(located) = resource_type.find(path.urn.as_deref(), &path.attribute) else {
        return unknown(path, strictness).map(|()| None);
    };
    if located.attribute.returned == Returned::Never {
        return Err(ScimError::sensitive(format!("{path} cannot be searched for")));
    }
    match &path.sub_attribute {
        Some(name) => match located.attribute.sub(name) {
            Some(sub) => Ok(Some(sub)),
            None => unknown(path, strictness).map(|()| None),
        },
        None => Ok(Some(located.attribute)),
    }
}

fn check_comparison(
    path: &AttributePath,
    attribute: &Attribute,
    op: CompareOp,
    value: &CompareValue,
    strictness: Strictness,
) -> Result<(), ScimError> {
    let attribute = match attribute.kind {
        AttributeType::Complex => attribute.sub("value").ok_or_else(|| {
            ScimError::invalid_filter(format!("{path} is complex: name one of its sub-attributes"))
        })?,
        _ => attribute,
    };
    let refuse = || {
        let kind = attribute.kind.as_str();
        Err(ScimError::invalid_filter(format!("{path} is a {kind}, which {} cannot compare", op.as_str())))
    };
    let is_text = matches!(attribute.kind, AttributeType::String | AttributeType::Reference);
    match op {
        CompareOp::Co | CompareOp::Sw | CompareOp::Ew if !is_text => return refuse(),
        CompareOp::Gt | CompareOp::Ge | CompareOp::Lt | CompareOp::Le
            if matches!(attribute.kind, AttributeType::Boolean | AttributeType::Binary)
                || *value == CompareValue::Null =>
        {
            return refuse();
        }
        _ => {}
    }
    let fits = match (attribute.kind, value) {
        (_, CompareValue::Null)
        | (AttributeType::Boolean, CompareValue::Bool(_))
        | (AttributeType::Integer | AttributeType::Decimal, CompareValue::Number(_)) => true,
        (AttributeType::Boolean, CompareValue::String(text)) => {
            strictness.is_lenient()
                && (text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false"))
        }
        (AttributeType::DateTime, CompareValue::String(text)) => crate::instant::parse(text).is_some(),
        (_, CompareValue::String(_)) => is_text || attribute.kind == AttributeType::Binary,
        _ => false,
    };
    if fits {
        return Ok(());
    }
    let kind = attribute.kind.as_str();
    Err(ScimError::invalid_filter(format!("{path} is a {kind} and cannot be compared to {value}")))
}
