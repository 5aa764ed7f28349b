//! The schemas: what attributes there are, of which type, and how they behave (RFC 7643 §2, §4, §7).

mod change;
mod definition;
mod enterprise;
mod group;
mod resource_type;
mod urn;
mod user;

pub use definition::{DefinitionProblem, MAX_ATTRIBUTES};
pub use resource_type::{Extension, Located, ResourceType, ResourceTypes, all, group, user};
pub use urn::are_ambiguous;

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
    /// Whether values of this type are JSON strings.
    pub(crate) fn is_text(self) -> bool {
        matches!(self, Self::String | Self::DateTime | Self::Binary | Self::Reference)
    }

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
#[derive(Clone, Debug, PartialEq, Eq)]
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

    /// The definition of one element of a list.
    pub(crate) fn element(&self) -> Self {
        Self { multi_valued: false, ..self.clone() }
    }

    /// Whether no sub-attribute is hidden from a default answer.
    pub(crate) fn shows_all_subs(&self) -> bool {
        let shown = |sub: &Self| matches!(sub.returned, Returned::Always | Returned::Default);
        self.sub_attributes.iter().all(shown)
    }

    /// Whether a value that a client gives is stored: what is ours to fill and what is never shown is not.
    pub(crate) fn is_kept(&self) -> bool {
        self.mutability != Mutability::ReadOnly && self.returned != Returned::Never
    }

    /// Whether brackets after its name make sense: complex, or a list of plain values.
    pub(crate) fn has_elements(&self) -> bool {
        self.kind == AttributeType::Complex || self.multi_valued
    }

    /// The sub-attribute of that name, in any case.
    pub fn sub(&self, name: &str) -> Option<&Self> {
        self.sub_attributes.iter().find(|sub| sub.name.eq_ignore_ascii_case(name))
    }
}

/// A schema: a URN and its attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
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
