//! The schemas: what attributes there are, of which type, and how they behave (RFC 7643 §2, §4, §7).

use std::sync::LazyLock;

mod enterprise;
mod group;
mod user;

/// URN of the core User schema.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// URN of the enterprise extension of users.
pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// URN of the core Group schema.
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// Data types of attributes (RFC 7643 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeType {
    /// Unicode text.
    String,
    /// `true` or `false`.
    Boolean,
    /// A number with a fraction.
    Decimal,
    /// A whole number.
    Integer,
    /// An instant, xsd:dateTime.
    DateTime,
    /// Base64 bytes.
    Binary,
    /// A URI.
    Reference,
    /// An object of sub-attributes.
    Complex,
}

impl AttributeType {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Decimal => "decimal",
            Self::Integer => "integer",
            Self::DateTime => "dateTime",
            Self::Binary => "binary",
            Self::Reference => "reference",
            Self::Complex => "complex",
        }
    }
}

/// Who may change an attribute, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutability {
    /// Ours to fill.
    ReadOnly,
    /// The client's.
    ReadWrite,
    /// The client's once.
    Immutable,
    /// The client's, and never shown.
    WriteOnly,
}

impl Mutability {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "readOnly",
            Self::ReadWrite => "readWrite",
            Self::Immutable => "immutable",
            Self::WriteOnly => "writeOnly",
        }
    }
}

/// When an attribute is part of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// In every answer.
    Always,
    /// In no answer.
    Never,
    /// Unless it is excluded.
    Default,
    /// Only if it is asked for.
    Request,
}

impl Returned {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Never => "never",
            Self::Default => "default",
            Self::Request => "request",
        }
    }
}

/// Whether two resources may share a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uniqueness {
    /// They may.
    None,
    /// Not within one connection.
    Server,
}

impl Uniqueness {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Server => "server",
        }
    }
}

/// An attribute or sub-attribute.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Its name in the schema's spelling.
    pub name: String,
    /// Its data type.
    pub kind: AttributeType,
    /// Whether it is a list.
    pub multi_valued: bool,
    /// Whether a resource needs it.
    pub required: bool,
    /// Whether case counts when it is compared.
    pub case_exact: bool,
    /// Who may change it.
    pub mutability: Mutability,
    /// When it is shown.
    pub returned: Returned,
    /// Whether values may repeat.
    pub uniqueness: Uniqueness,
    /// For people.
    pub description: String,
    /// Suggested values.
    pub canonical_values: Vec<String>,
    /// What a reference may point to.
    pub reference_types: Vec<String>,
    /// Of a complex attribute.
    pub sub_attributes: Vec<Attribute>,
}

impl Attribute {
    /// A single optional string that anyone may change; the builder methods change what differs.
    pub fn new(name: &str, kind: AttributeType, description: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            multi_valued: false,
            required: false,
            case_exact: false,
            mutability: Mutability::ReadWrite,
            returned: Returned::Default,
            uniqueness: Uniqueness::None,
            description: description.to_owned(),
            canonical_values: Vec::new(),
            reference_types: Vec::new(),
            sub_attributes: Vec::new(),
        }
    }

    fn string(name: &str, description: &str) -> Self {
        Self::new(name, AttributeType::String, description)
    }

    fn complex(name: &str, description: &str, sub_attributes: Vec<Self>) -> Self {
        Self { sub_attributes, ..Self::new(name, AttributeType::Complex, description) }
    }

    fn reference(name: &str, description: &str, types: &[&str]) -> Self {
        Self {
            case_exact: true,
            reference_types: types.iter().map(|&name| name.to_owned()).collect(),
            ..Self::new(name, AttributeType::Reference, description)
        }
    }

    fn many(self) -> Self {
        Self { multi_valued: true, ..self }
    }

    fn required(self) -> Self {
        Self { required: true, ..self }
    }

    fn exact(self) -> Self {
        Self { case_exact: true, ..self }
    }

    fn mutability(self, mutability: Mutability) -> Self {
        Self { mutability, ..self }
    }

    fn returned(self, returned: Returned) -> Self {
        Self { returned, ..self }
    }

    fn suggesting(self, values: &[&str]) -> Self {
        Self { canonical_values: values.iter().map(|&value| value.to_owned()).collect(), ..self }
    }

    /// The sub-attribute of that name, in any case.
    pub fn sub(&self, name: &str) -> Option<&Self> {
        self.sub_attributes.iter().find(|sub| sub.name.eq_ignore_ascii_case(name))
    }
}

/// A schema: a URN and its attributes.
#[derive(Clone, Debug)]
pub struct Schema {
    /// Its URN.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// What it describes.
    pub description: String,
    /// Its attributes.
    pub attributes: Vec<Attribute>,
}

impl Schema {
    /// The attribute of that name, in any case.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }
}

/// A kind of resource: its endpoint, its schema, and the extensions that may come with it.
#[derive(Clone, Debug)]
pub struct ResourceType {
    /// `User` or `Group`.
    pub name: String,
    /// Path below the base URL.
    pub endpoint: String,
    /// For people.
    pub description: String,
    /// The core schema.
    pub schema: Schema,
    /// Extensions, none of them required.
    pub extensions: Vec<Schema>,
    /// `id`, `externalId`, `meta` and `schemas` (RFC 7643 §3.1), which no schema lists.
    pub common: Vec<Attribute>,
}

/// An attribute together with where it stands in a document.
#[derive(Clone, Copy, Debug)]
pub struct Located<'a> {
    /// The URN of the extension that holds it; `None` for core and common attributes.
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
        self.extensions.iter().find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// The core schema's and all extensions' URNs.
    pub fn urns(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.schema.id.as_str())
            .chain(self.extensions.iter().map(|schema| schema.id.as_str()))
    }
}

/// `id`, `externalId`, `meta`, `schemas` (RFC 7643 §3.1).
fn common() -> Vec<Attribute> {
    use AttributeType::DateTime;
    let read_only = |attribute: Attribute| attribute.mutability(Mutability::ReadOnly);
    vec![
        Attribute::string("schemas", "The schemas that the resource uses")
            .many()
            .exact()
            .returned(Returned::Always)
            .mutability(Mutability::ReadOnly),
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
    ]
}

/// The User resource type with its enterprise extension.
pub fn user() -> &'static ResourceType {
    static USER_TYPE: LazyLock<ResourceType> = LazyLock::new(|| ResourceType {
        name: "User".into(),
        endpoint: "/Users".into(),
        description: "User account".into(),
        schema: user::schema(),
        extensions: vec![enterprise::schema()],
        common: common(),
    });
    &USER_TYPE
}

/// The Group resource type.
pub fn group() -> &'static ResourceType {
    static GROUP_TYPE: LazyLock<ResourceType> = LazyLock::new(|| ResourceType {
        name: "Group".into(),
        endpoint: "/Groups".into(),
        description: "Group of users".into(),
        schema: group::schema(),
        extensions: Vec::new(),
        common: common(),
    });
    &GROUP_TYPE
}

/// All resource types.
pub fn all() -> [&'static ResourceType; 2] {
    [user(), group()]
}
