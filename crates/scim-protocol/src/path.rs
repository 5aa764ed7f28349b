//! Paths of PATCH operations (RFC 7644 §3.5.2, figure 7).

use crate::Strictness;
use crate::error::ScimError;
use crate::filter::{self, AttributePath, Filter};
use crate::schema::{Attribute, AttributeType, Located, ResourceType, Schema};

/// Where an operation works, resolved against the schemas.
#[derive(Clone, Debug)]
pub enum PatchPath<'a> {
    /// A whole extension, by its URN.
    Extension(&'a Schema),
    /// An attribute, some of its elements, or a sub-attribute.
    Attribute {
        /// The attribute and where it stands.
        located: Located<'a>,
        /// Which elements of a multi-valued attribute; absent: all.
        filter: Option<Filter>,
        /// Which sub-attribute; absent: the whole.
        sub: Option<&'a Attribute>,
    },
}

/// Splits a name such as `urn:…:User:name.givenName` at its last colon and first dot after it.
pub(crate) fn split_name(text: &str) -> Option<AttributePath> {
    filter::split_path(text)
}

/// Reads a path. Unknown attributes are `invalidPath`; a broken filter within is `invalidFilter`.
pub fn parse<'a>(
    text: &str,
    resource_type: &'a ResourceType,
    strictness: Strictness,
) -> Result<PatchPath<'a>, ScimError> {
    let text = text.trim();
    if let Some(extension) = resource_type.extension(text) {
        return Ok(PatchPath::Extension(extension));
    }
    let unknown = || ScimError::invalid_path(format!("{text:?} is no attribute of a {}", resource_type.name));
    let Some((name, rest)) = text.split_once('[') else {
        let path = split_name(text).ok_or_else(unknown)?;
        let located = resource_type.find(path.urn.as_deref(), &path.attribute).ok_or_else(unknown)?;
        let sub = match &path.sub_attribute {
            Some(name) => Some(located.attribute.sub(name).ok_or_else(unknown)?),
            None => None,
        };
        return Ok(PatchPath::Attribute { located, filter: None, sub });
    };
    let path = split_name(name).filter(|path| path.sub_attribute.is_none()).ok_or_else(unknown)?;
    let located = resource_type.find(path.urn.as_deref(), &path.attribute).ok_or_else(unknown)?;
    if located.attribute.kind != AttributeType::Complex {
        return Err(ScimError::invalid_path(format!("{name} has no sub-attributes to filter by")));
    }
    // Strings within the filter may hold brackets, so the last one closes.
    let (inner, after) = rest.rsplit_once(']').ok_or_else(unknown)?;
    let filter = filter::parse(inner)?;
    filter.check_element(located.attribute, strictness)?;
    let sub = match after.strip_prefix('.') {
        Some(name) => Some(located.attribute.sub(name).ok_or_else(unknown)?),
        None if after.is_empty() => None,
        None => return Err(unknown()),
    };
    Ok(PatchPath::Attribute { located, filter: Some(filter), sub })
}
