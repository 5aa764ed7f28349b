//! Resource types: which schemas a resource is made of (RFC 7643 §6).

use std::sync::{Arc, LazyLock};

use super::{Attribute, AttributeType, Mutability, Returned, Schema};

/// A kind of resource: its endpoint, its schema, and the extensions that may come with it.
///
/// The schemas are shared, so that a clone is cheap.
#[derive(Clone, Debug)]
pub struct ResourceType {
    /// `User` or `Group`.
    pub name: String,
    /// Path below the base URL.
    pub endpoint: String,
    /// For people.
    pub description: String,
    /// The core schema.
    pub schema: Arc<Schema>,
    /// Schemas whose attributes may stand in an object under the schema's URN.
    pub extensions: Vec<Extension>,
    /// `id`, `externalId`, `meta` and `schemas` (RFC 7643 §3.1), which no schema lists.
    pub common: Arc<[Attribute]>,
}

/// A schema that extends a resource type (RFC 7643 §3.3).
#[derive(Clone, Debug)]
pub struct Extension {
    /// The schema.
    pub schema: Arc<Schema>,
    /// Whether every resource must have it.
    pub required: bool,
}

/// An attribute together with where it stands in a document.
#[derive(Clone, Copy, Debug)]
pub struct Located<'a> {
    /// The extension that holds it; `None` for core and common attributes.
    pub extension: Option<&'a Schema>,
    /// The attribute.
    pub attribute: &'a Attribute,
}

impl ResourceType {
    /// Finds an attribute by name, within a schema's URN if one is given. Names and URNs in any case.
    pub fn find(&self, urn: Option<&str>, name: &str) -> Option<Located<'_>> {
        match urn {
            Some(urn) if !urn.eq_ignore_ascii_case(&self.schema.id) => {
                let extension = self.extension(urn)?;
                let attribute = extension.attribute(name)?;
                Some(Located { extension: Some(extension), attribute })
            }
            _ => {
                let common = self.common.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name));
                let attribute = self.schema.attribute(name).or(common)?;
                Some(Located { extension: None, attribute })
            }
        }
    }

    /// The extension of that URN, in any case.
    pub fn extension(&self, urn: &str) -> Option<&Schema> {
        let mut schemas = self.extensions.iter().map(|extension| &*extension.schema);
        schemas.find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// The core schema and all extensions.
    pub fn schemas(&self) -> impl Iterator<Item = &Schema> {
        std::iter::once(&*self.schema).chain(self.extensions.iter().map(|extension| &*extension.schema))
    }
}

/// `id`, `externalId`, `meta`, `schemas` (RFC 7643 §3.1).
fn common() -> Arc<[Attribute]> {
    use AttributeType::DateTime;
    let read_only = |attribute: Attribute| attribute.mutability(Mutability::ReadOnly);
    Arc::new([
        read_only(
            Attribute::string("schemas", "The schemas that the resource uses")
                .many()
                .exact()
                .returned(Returned::Always),
        ),
        read_only(Attribute::string("id", "Our identifier").exact().returned(Returned::Always)),
        Attribute::string("externalId", "The provider's own identifier").exact(),
        read_only(Attribute::complex(
            "meta",
            "What we know of the resource",
            vec![
                read_only(Attribute::string("resourceType", "The kind of resource").exact()),
                read_only(Attribute::new("created", DateTime, "When it was made")),
                read_only(Attribute::new("lastModified", DateTime, "When it last changed")),
                read_only(Attribute::reference("location", "Its address", &["uri"])),
                read_only(Attribute::string("version", "Its entity tag").exact()),
            ],
        )),
    ])
}

/// The resource types that a directory serves: the standard ones, with the extensions that its tenant
/// registered.
#[derive(Clone, Debug)]
pub struct ResourceTypes {
    /// Users.
    pub user: ResourceType,
    /// Groups.
    pub group: ResourceType,
}

impl ResourceTypes {
    /// Users with their enterprise extension, and groups.
    pub fn standard() -> &'static Arc<Self> {
        static STANDARD: LazyLock<Arc<ResourceTypes>> = LazyLock::new(|| {
            let user = ResourceType {
                name: "User".into(),
                endpoint: "/Users".into(),
                description: "User account".into(),
                schema: Arc::new(super::user::schema()),
                extensions: vec![Extension {
                    schema: Arc::new(super::enterprise::schema()),
                    required: false,
                }],
                common: common(),
            };
            let group = ResourceType {
                name: "Group".into(),
                endpoint: "/Groups".into(),
                description: "Group of users".into(),
                schema: Arc::new(super::group::schema()),
                extensions: Vec::new(),
                common: common(),
            };
            Arc::new(ResourceTypes { user, group })
        });
        &STANDARD
    }

    /// The standard ones with a tenant's own extensions, none of which a resource must have: an admin
    /// who registers one must not make every deactivation fail whose sender knows nothing of it.
    pub fn extended(users: Vec<Schema>, groups: Vec<Schema>) -> Arc<Self> {
        if users.is_empty() && groups.is_empty() {
            return Self::standard().clone();
        }
        let extension = |schema: Schema| Extension { schema: Arc::new(schema), required: false };
        let mut types = (**Self::standard()).clone();
        types.user.extensions.extend(users.into_iter().map(extension));
        types.group.extensions.extend(groups.into_iter().map(extension));
        Arc::new(types)
    }

    /// Both, users first.
    pub fn all(&self) -> [&ResourceType; 2] {
        [&self.user, &self.group]
    }
}

/// The User resource type with its enterprise extension.
pub fn user() -> &'static ResourceType {
    &ResourceTypes::standard().user
}

/// The Group resource type.
pub fn group() -> &'static ResourceType {
    &ResourceTypes::standard().group
}

/// The standard resource types.
pub fn all() -> [&'static ResourceType; 2] {
    ResourceTypes::standard().all()
}
