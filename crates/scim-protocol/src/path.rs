//! Paths of PATCH operations (RFC 7644 §3.5.2, figure 7).

use crate::Strictness;
use crate::error::ScimError;
use crate::filter::{self, AttributePath, Filter, Unknown};
use crate::schema::{Attribute, Located, Mutability, ResourceType, Schema};

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

impl PatchPath<'_> {
    /// Whether what it names is ours to fill.
    pub fn is_read_only(&self) -> bool {
        match self {
            Self::Extension(_) => false,
            Self::Attribute { located, sub, .. } => {
                let attributes = std::iter::once(located.attribute).chain(*sub);
                attributes.into_iter().any(|attribute| attribute.mutability == Mutability::ReadOnly)
            }
        }
    }
}

/// Splits a name such as `urn:…:User:name.givenName` at its last colon and first dot after it.
pub(crate) fn split_name(text: &str) -> Option<AttributePath> {
    filter::split_path(text)
}

/// The attribute that a key of a body names: `userName`, or `urn:…:User:userName` in full.
pub(crate) fn resolve_name<'a>(text: &str, resource_type: &'a ResourceType) -> Option<Located<'a>> {
    let name = split_name(text).filter(|name| name.sub_attribute.is_none())?;
    resource_type.find(name.urn.as_deref(), &name.attribute)
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
    if !located.attribute.has_elements() {
        return Err(ScimError::invalid_path(format!("{name} has no elements to filter")));
    }
    // Strings within the filter may hold brackets, so the last one closes.
    let (inner, after) = rest.rsplit_once(']').ok_or_else(unknown)?;
    let filter = filter::parse(inner)?;
    filter.check_element(located.attribute, Unknown::Refused, strictness)?;
    let sub = match after.strip_prefix('.') {
        Some(name) => Some(located.attribute.sub(name).ok_or_else(unknown)?),
        None if after.is_empty() => None,
        None => return Err(unknown()),
    };
    Ok(PatchPath::Attribute { located, filter: Some(filter), sub })
}
