//! Schema definitions as documents (RFC 7643 §7): how we show ours, and how a tenant's own are read.
//!
//! Reading is strict, since a definition stays: what it says and we could not do is refused by name, all
//! problems together.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::{Attribute, AttributeType, Mutability, Returned, Schema, Uniqueness, urn};

/// Attributes of a schema at the most, sub-attributes counted.
pub const MAX_ATTRIBUTES: usize = 200;
/// Characters of a name at the most.
const MAX_NAME: usize = 100;
/// Characters of a description at the most.
const MAX_DESCRIPTION: usize = 1_000;
/// Values in `canonicalValues` or `referenceTypes` at the most, and the characters of one.
const MAX_VALUES: usize = 100;
/// Problems told of one definition at the most.
const MAX_PROBLEMS: usize = 50;

/// Something in a definition that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionProblem {
    /// Where, such as `attributes[2].subAttributes[0].type`.
    pub field: String,
    /// What, to be read after the field; it names the attribute.
    pub problem: String,
}

impl Schema {
    /// Reads the definition of an extension.
    ///
    /// Absent characteristics have the defaults of RFC 7643 §2.2; text of type reference or binary is
    /// case-exact unless it says otherwise (§2.3.6, §2.3.7). Refused is what nobody could fill or see
    /// (`readOnly`, `writeOnly`, `returned: never`) and uniqueness, which no index of ours upholds for
    /// extensions.
    pub fn from_definition(definition: &Value) -> Result<Self, Vec<DefinitionProblem>> {
        let mut reader = Reader::default();
        let Some(members) = definition.as_object() else {
            reader.note(".", "must be a schema definition, an object (RFC 7643 §7)");
            return Err(reader.problems);
        };
        let schema = reader.schema(Part { members, path: "", attribute: "" });
        if reader.problems.is_empty() { Ok(schema) } else { Err(reader.problems) }
    }

    /// The definition with every characteristic written out. Reading it gives the same schema.
    pub fn to_definition(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "attributes": self.attributes.iter().map(Attribute::to_definition).collect::<Vec<_>>(),
        })
    }
}

impl Attribute {
    fn to_definition(&self) -> Value {
        let mut definition = json!({
            "name": self.name,
            "type": self.kind.as_str(),
            "multiValued": self.multi_valued,
            "description": self.description,
            "required": self.required,
            "caseExact": self.case_exact,
            "mutability": self.mutability.as_str(),
            "returned": self.returned.as_str(),
            "uniqueness": self.uniqueness.as_str(),
        });
        if let Some(object) = definition.as_object_mut() {
            if !self.canonical_values.is_empty() {
                object.insert("canonicalValues".into(), json!(self.canonical_values));
            }
            if self.kind == AttributeType::Reference {
                object.insert("referenceTypes".into(), json!(self.reference_types));
            }
            if !self.sub_attributes.is_empty() {
                let subs: Vec<Value> = self.sub_attributes.iter().map(Self::to_definition).collect();
                object.insert("subAttributes".into(), Value::Array(subs));
            }
        }
        definition
    }
}

const TYPES: [AttributeType; 8] = [
    AttributeType::String,
    AttributeType::Boolean,
    AttributeType::Decimal,
    AttributeType::Integer,
    AttributeType::DateTime,
    AttributeType::Binary,
    AttributeType::Reference,
    AttributeType::Complex,
];
const MUTABILITIES: [Mutability; 4] =
    [Mutability::ReadOnly, Mutability::ReadWrite, Mutability::Immutable, Mutability::WriteOnly];
const RETURNED: [Returned; 4] = [Returned::Always, Returned::Never, Returned::Default, Returned::Request];

/// One object of a definition, and what its problems are called.
#[derive(Clone, Copy)]
struct Part<'a> {
    members: &'a Map<String, Value>,
    /// Its path, with a dot at the end where something comes before its fields.
    path: &'a str,
    /// The attribute that it defines, `badge.level`; empty for the schema.
    attribute: &'a str,
}

impl<'a> Part<'a> {
    /// A member that says something: null is as if it were not there.
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.members.get(key).filter(|value| !value.is_null())
    }
}

#[derive(Default)]
struct Reader {
    problems: Vec<DefinitionProblem>,
    attributes: usize,
}

impl Reader {
    fn note(&mut self, field: &str, problem: impl Into<String>) {
        // Both may quote what was sent, which may be long.
        let clip = |text: String| text.chars().take(300).collect();
        if self.problems.len() < MAX_PROBLEMS {
            let problem = DefinitionProblem { field: clip(field.to_owned()), problem: clip(problem.into()) };
            self.problems.push(problem);
        }
    }

    fn add(&mut self, part: Part<'_>, key: &str, problem: &str) {
        let field = format!("{}{key}", part.path);
        if part.attribute.is_empty() {
            self.note(&field, problem);
        } else {
            self.note(&field, format!("{problem} (attribute {})", part.attribute));
        }
    }

    fn schema(&mut self, part: Part<'_>) -> Schema {
        // `schemas` and `meta` come along when what another server shows is sent as it is.
        self.refuse_unknown(part, &["schemas", "meta", "id", "name", "description", "attributes"]);
        let id = part.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Some(problem) = urn::problem(&id) {
            self.add(part, "id", &problem);
        }
        let name = self.text(part, "name", MAX_NAME).filter(|name| !name.is_empty());
        Schema {
            name: name.unwrap_or_else(|| id.clone()),
            description: self.text(part, "description", MAX_DESCRIPTION).unwrap_or_default(),
            attributes: self.list_of_attributes(part, "attributes", ""),
            id,
        }
    }

    /// The attributes, or the sub-attributes of `parent`.
    fn list_of_attributes(&mut self, part: Part<'_>, key: &str, parent: &str) -> Vec<Attribute> {
        let Some(Value::Array(definitions)) = part.get(key).filter(|value| **value != json!([])) else {
            self.add(part, key, "must be a list of at least one attribute");
            return Vec::new();
        };
        self.attributes += definitions.len();
        if self.attributes > MAX_ATTRIBUTES {
            self.add(
                part,
                key,
                &format!("must have at most {MAX_ATTRIBUTES} attributes, sub-attributes counted"),
            );
            return Vec::new();
        }
        let mut names = HashSet::new();
        let mut attributes = Vec::with_capacity(definitions.len());
        for (index, definition) in definitions.iter().enumerate() {
            let path = format!("{}{key}[{index}]", part.path);
            let Some(members) = definition.as_object() else {
                self.note(&path, "must be the definition of an attribute, an object");
                continue;
            };
            let name = members.get("name").and_then(Value::as_str).unwrap_or_default();
            let full = if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") };
            let path = format!("{path}.");
            let part = Part { members, path: &path, attribute: &full };
            let attribute = self.attribute(part, !parent.is_empty());
            if !names.insert(attribute.name.to_ascii_lowercase()) {
                self.add(part, "name", "is there twice; case does not count");
            }
            attributes.push(attribute);
        }
        attributes
    }

    fn attribute(&mut self, part: Part<'_>, is_sub: bool) -> Attribute {
        self.refuse_unknown(
            part,
            &[
                "name",
                "type",
                "multiValued",
                "description",
                "required",
                "canonicalValues",
                "caseExact",
                "mutability",
                "returned",
                "uniqueness",
                "referenceTypes",
                "subAttributes",
            ],
        );
        let name = self.text(part, "name", MAX_NAME).unwrap_or_default();
        // RFC 7643 §2.1; `$ref` is the standard's own exception.
        let is_name = |name: &str| {
            name.starts_with(|first: char| first.is_ascii_alphabetic())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"$-_".contains(&byte))
        };
        let is_exception = is_sub && name == "$ref";
        if !is_name(&name) && !is_exception {
            self.add(part, "name", "must start with a letter and have letters, digits, and $ - _ only");
        }
        let kind = self.word(part, "type", &TYPES, AttributeType::as_str).unwrap_or(AttributeType::String);
        let exact = matches!(kind, AttributeType::Binary | AttributeType::Reference);
        Attribute {
            multi_valued: self.flag(part, "multiValued").unwrap_or(false),
            required: self.flag(part, "required").unwrap_or(false),
            case_exact: self.flag(part, "caseExact").unwrap_or(exact),
            mutability: self.mutability(part),
            returned: self.returned(part),
            uniqueness: self.uniqueness(part),
            description: self.text(part, "description", MAX_DESCRIPTION).unwrap_or_default(),
            canonical_values: self.canonical_values(part, kind),
            reference_types: self.reference_types(part, kind),
            sub_attributes: self.sub_attributes(part, kind, is_sub),
            name,
            kind,
        }
    }

    fn mutability(&mut self, part: Part<'_>) -> Mutability {
        let mutability = self.word(part, "mutability", &MUTABILITIES, Mutability::as_str);
        match mutability {
            Some(Mutability::ReadOnly) => {
                self.add(part, "mutability", "cannot be readOnly: nobody would ever fill it");
            }
            Some(Mutability::WriteOnly) => {
                self.add(part, "mutability", "cannot be writeOnly: what is never shown is not kept");
            }
            _ => {}
        }
        mutability.unwrap_or(Mutability::ReadWrite)
    }

    fn returned(&mut self, part: Part<'_>) -> Returned {
        let returned = self.word(part, "returned", &RETURNED, Returned::as_str);
        if returned == Some(Returned::Never) {
            self.add(part, "returned", "cannot be never: what is never shown is not kept");
        }
        returned.unwrap_or(Returned::Default)
    }

    fn uniqueness(&mut self, part: Part<'_>) -> Uniqueness {
        match self.text(part, "uniqueness", MAX_NAME).as_deref() {
            None | Some("none") => {}
            Some("server" | "global") => {
                self.add(part, "uniqueness", "can only be none: values of extensions may repeat");
            }
            Some(_) => self.add(part, "uniqueness", "must be none"),
        }
        Uniqueness::None
    }

    fn canonical_values(&mut self, part: Part<'_>, kind: AttributeType) -> Vec<String> {
        let values = self.words(part, "canonicalValues");
        if !values.is_empty() && !matches!(kind, AttributeType::String | AttributeType::Reference) {
            self.add(part, "canonicalValues", "can only be given for the types string and reference");
        }
        values
    }

    fn reference_types(&mut self, part: Part<'_>, kind: AttributeType) -> Vec<String> {
        let types = self.words(part, "referenceTypes");
        if !types.is_empty() && kind != AttributeType::Reference {
            self.add(part, "referenceTypes", "can only be given for the type reference");
        }
        types
    }

    fn sub_attributes(&mut self, part: Part<'_>, kind: AttributeType, is_sub: bool) -> Vec<Attribute> {
        if kind != AttributeType::Complex {
            if part.get("subAttributes").is_some_and(|value| *value != json!([])) {
                self.add(part, "subAttributes", "can only be given for the type complex");
            }
            return Vec::new();
        }
        if is_sub {
            self.add(part, "type", "cannot be complex within a complex attribute");
            return Vec::new();
        }
        self.list_of_attributes(part, "subAttributes", part.attribute)
    }

    fn refuse_unknown(&mut self, part: Part<'_>, known: &[&str]) {
        for key in part.members.keys().filter(|key| !known.contains(&key.as_str())) {
            self.add(part, key, "is not part of a definition (RFC 7643 §7)");
        }
    }

    fn text(&mut self, part: Part<'_>, key: &str, max: usize) -> Option<String> {
        let Some(text) = part.get(key)?.as_str() else {
            self.add(part, key, "must be a string");
            return None;
        };
        self.check_text(part, key, text, max);
        Some(text.to_owned())
    }

    fn check_text(&mut self, part: Part<'_>, key: &str, text: &str, max: usize) {
        if text.chars().count() > max {
            self.add(part, key, &format!("must have at most {max} characters"));
        }
        if text.chars().any(|c| c.is_control() && c != '\n') {
            self.add(part, key, "must not contain control characters");
        }
    }

    fn flag(&mut self, part: Part<'_>, key: &str) -> Option<bool> {
        let flag = part.get(key)?.as_bool();
        if flag.is_none() {
            self.add(part, key, "must be true or false");
        }
        flag
    }

    fn word<T: Copy>(
        &mut self,
        part: Part<'_>,
        key: &str,
        known: &[T],
        as_str: fn(T) -> &'static str,
    ) -> Option<T> {
        let given = part.get(key)?;
        let found = known.iter().copied().find(|word| given.as_str() == Some(as_str(*word)));
        if found.is_none() {
            let words: Vec<&str> = known.iter().map(|word| as_str(*word)).collect();
            self.add(part, key, &format!("must be one of {}", words.join(", ")));
        }
        found
    }

    fn words(&mut self, part: Part<'_>, key: &str) -> Vec<String> {
        let Some(given) = part.get(key) else { return Vec::new() };
        let words: Option<Vec<&str>> =
            given.as_array().and_then(|words| words.iter().map(Value::as_str).collect());
        let Some(words) = words.filter(|words| words.iter().all(|word| !word.is_empty())) else {
            self.add(part, key, "must be a list of strings that are not empty");
            return Vec::new();
        };
        if words.len() > MAX_VALUES {
            self.add(part, key, &format!("must have at most {MAX_VALUES} values"));
            return Vec::new();
        }
        for word in &words {
            self.check_text(part, key, word, MAX_NAME);
        }
        words.into_iter().map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests;
