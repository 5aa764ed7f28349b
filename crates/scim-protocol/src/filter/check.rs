//! Whether a filter makes sense for a resource type.

use super::{AttributePath, CompareOp, CompareValue, Filter};
use crate::Strictness;
use crate::error::ScimError;
use crate::schema::{Attribute, AttributeType, ResourceType, Returned};

impl Filter {
    /// Refuses what cannot be answered: operators that do not fit the attribute's type, attributes that
    /// are never shown, and, in strict mode, attributes that no schema has (lenient: they match nothing).
    pub fn check(&self, resource_type: &ResourceType, strictness: Strictness) -> Result<(), ScimError> {
        let unknown = Unknown::of(strictness);
        match self {
            Self::And(filters) | Self::Or(filters) => {
                filters.iter().try_for_each(|filter| filter.check(resource_type, strictness))
            }
            Self::Not(filter) => filter.check(resource_type, strictness),
            Self::Present(path) => attribute(path, resource_type, unknown).map(|_| ()),
            Self::Compare(path, op, value) => match attribute(path, resource_type, unknown)? {
                Some(attribute) => check_comparison(path, attribute, *op, value, strictness),
                None => Ok(()),
            },
            Self::ValuePath(path, inner) => {
                let Some(located) = resource_type.find(path.urn.as_deref(), &path.attribute) else {
                    return unknown.attribute(path);
                };
                if !located.attribute.has_elements() || path.sub_attribute.is_some() {
                    return Err(ScimError::invalid_filter(format!("{path} has no elements to filter")));
                }
                inner.check_element(located.attribute, unknown, strictness)
            }
        }
    }

    /// The same within brackets, where names are those of sub-attributes. The elements of a list of plain
    /// values have the one sub-attribute `value`.
    pub(crate) fn check_element(
        &self,
        parent: &Attribute,
        unknown: Unknown,
        strictness: Strictness,
    ) -> Result<(), ScimError> {
        match self {
            Self::And(filters) | Self::Or(filters) => {
                filters.iter().try_for_each(|filter| filter.check_element(parent, unknown, strictness))
            }
            Self::Not(filter) => filter.check_element(parent, unknown, strictness),
            Self::Present(path) => match element_attribute(path, parent) {
                Some(_) => Ok(()),
                None => unknown.attribute(path),
            },
            Self::Compare(path, op, value) => match element_attribute(path, parent) {
                Some(attribute) => check_comparison(path, attribute, *op, value, strictness),
                None => unknown.attribute(path),
            },
            Self::ValuePath(path, _) => {
                Err(ScimError::invalid_filter(format!("{path}: brackets within brackets")))
            }
        }
    }
}

/// What becomes of a name that no schema has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unknown {
    /// The filter is refused.
    Refused,
    /// It compares to nothing.
    MatchesNothing,
}

impl Unknown {
    fn of(strictness: Strictness) -> Self {
        if strictness.is_lenient() { Self::MatchesNothing } else { Self::Refused }
    }

    fn attribute(self, path: &AttributePath) -> Result<(), ScimError> {
        match self {
            Self::MatchesNothing => Ok(()),
            Self::Refused => {
                Err(ScimError::invalid_filter(format!("{path} is not an attribute of this resource")))
            }
        }
    }
}

/// The attribute that a name within brackets stands for.
pub(super) fn element_attribute<'a>(path: &AttributePath, parent: &'a Attribute) -> Option<&'a Attribute> {
    if path.urn.is_some() || path.sub_attribute.is_some() {
        return None;
    }
    if parent.kind == AttributeType::Complex {
        return parent.sub(&path.attribute);
    }
    (parent.multi_valued && path.attribute.eq_ignore_ascii_case("value")).then_some(parent)
}

/// The attribute that a path compares: `emails` means `emails.value`.
fn attribute<'a>(
    path: &AttributePath,
    resource_type: &'a ResourceType,
    unknown: Unknown,
) -> Result<Option<&'a Attribute>, ScimError> {
    let Some(located) = resource_type.find(path.urn.as_deref(), &path.attribute) else {
        return unknown.attribute(path).map(|()| None);
    };
    if located.attribute.returned == Returned::Never {
        return Err(ScimError::sensitive(format!("{path} cannot be searched for")));
    }
    match &path.sub_attribute {
        Some(name) => match located.attribute.sub(name) {
            Some(sub) => Ok(Some(sub)),
            None => unknown.attribute(path).map(|()| None),
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
    let presence = *value == CompareValue::Null && matches!(op, CompareOp::Eq | CompareOp::Ne);
    if presence {
        return Ok(());
    }
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
            if matches!(attribute.kind, AttributeType::Boolean | AttributeType::Binary) =>
        {
            return refuse();
        }
        _ => {}
    }
    let fits = match (attribute.kind, value) {
        (AttributeType::Boolean, CompareValue::Bool(_))
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
