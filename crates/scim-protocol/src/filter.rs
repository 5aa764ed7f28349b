//! Filters (RFC 7644 §3.4.2.2): the grammar as a tree, checked against a schema, and matched in memory.

use std::fmt;

use serde_json::{Map, Number, Value};

use crate::error::ScimError;
use crate::schema::{Attribute, AttributeType};

mod check;
mod matching;
mod parse;

pub(crate) use check::Unknown;
#[cfg(test)]
pub(crate) use matching::compare_numbers;
pub(crate) use matching::element_matches;
pub(crate) use parse::split_path;
pub use parse::{MAX_FILTER_BYTES, MAX_FILTER_DEPTH, parse};

/// A filter. `And` and `Or` are flat lists, so that a long chain is not a deep tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// All hold.
    And(Vec<Filter>),
    /// At least one holds.
    Or(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// An attribute compares to a value.
    Compare(AttributePath, CompareOp, CompareValue),
    /// An attribute has a non-empty value.
    Present(AttributePath),
    /// One element of a complex attribute satisfies the inner filter.
    ValuePath(AttributePath, Box<Filter>),
}

/// The name of an attribute, as written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AttributePath {
    /// The schema's URN, if it was given.
    pub urn: Option<String>,
    /// The attribute, or the sub-attribute within brackets.
    pub attribute: String,
    /// The sub-attribute after a dot.
    pub sub_attribute: Option<String>,
}

/// Comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater than.
    Gt,
    /// Greater or equal.
    Ge,
    /// Less than.
    Lt,
    /// Less or equal.
    Le,
}

impl CompareOp {
    const ALL: [Self; 9] =
        [Self::Eq, Self::Ne, Self::Co, Self::Sw, Self::Ew, Self::Gt, Self::Ge, Self::Lt, Self::Le];

    /// The word in a filter.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }
}

/// The value that an attribute is compared to.
#[derive(Clone, Debug, PartialEq)]
pub enum CompareValue {
    /// `null`: absence.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, unrounded.
    Number(Number),
    /// A string, unescaped.
    String(String),
}

impl Filter {
    /// The path and the string, if the filter is one string equality and nothing else.
    pub fn equality(&self) -> Option<(&AttributePath, &str)> {
        match self {
            Self::Compare(path, CompareOp::Eq, CompareValue::String(value)) => Some((path, value)),
            _ => None,
        }
    }

    /// The string equalities that every match satisfies: what an index may be asked for. Those within
    /// brackets are named as without them: `emails[value eq "x"]` needs `emails.value eq "x"`.
    pub fn required_equalities(&self) -> Vec<(AttributePath, &str)> {
        match self {
            Self::And(filters) => filters.iter().flat_map(Self::required_equalities).collect(),
            Self::ValuePath(path, inner) => {
                let within = inner.required_equalities().into_iter();
                let named = within.filter(|(sub, _)| sub.urn.is_none() && sub.sub_attribute.is_none());
                let outside = |sub: AttributePath| AttributePath {
                    urn: path.urn.clone(),
                    attribute: path.attribute.clone(),
                    sub_attribute: Some(sub.attribute),
                };
                named.map(|(sub, value)| (outside(sub), value)).collect()
            }
            other => other.equality().map(|(path, value)| (path.clone(), value)).into_iter().collect(),
        }
    }

    /// How many comparisons it holds: what matching it once costs.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::And(filters) | Self::Or(filters) => filters.iter().map(Self::size).sum(),
            Self::Not(filter) | Self::ValuePath(_, filter) => filter.size(),
            Self::Compare(..) | Self::Present(_) => 1,
        }
    }

    /// Whether the filter speaks of an attribute, so that the caller must have read it.
    pub fn mentions(&self, attribute: &str) -> bool {
        match self {
            Self::And(filters) | Self::Or(filters) => filters.iter().any(|filter| filter.mentions(attribute)),
            Self::Not(filter) => filter.mentions(attribute),
            Self::Compare(path, ..) | Self::Present(path) | Self::ValuePath(path, _) => {
                path.attribute.eq_ignore_ascii_case(attribute)
            }
        }
    }

    /// What an element must look like to match, if the filter is nothing but equalities joined by `and`:
    /// an object of sub-attributes, or the one value of a list of plain values.
    pub(crate) fn as_element(&self, attribute: &Attribute) -> Option<Value> {
        let mut members = Map::new();
        self.collect_equalities(&mut members)?;
        if attribute.kind == AttributeType::Complex {
            return Some(Value::Object(members));
        }
        members.into_iter().next().map(|(_, value)| value)
    }

    fn collect_equalities(&self, members: &mut Map<String, Value>) -> Option<()> {
        match self {
            Self::And(filters) => filters.iter().try_for_each(|filter| filter.collect_equalities(members)),
            Self::Compare(path, CompareOp::Eq, value) if path.sub_attribute.is_none() => {
                let value = match value {
                    CompareValue::Null => return None,
                    CompareValue::Bool(value) => Value::Bool(*value),
                    CompareValue::Number(value) => Value::Number(value.clone()),
                    CompareValue::String(value) => Value::String(value.clone()),
                };
                // Two values for one name match nothing.
                members.insert(path.attribute.clone(), value).is_none().then_some(())
            }
            _ => None,
        }
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = &self.urn {
            write!(formatter, "{urn}:")?;
        }
        formatter.write_str(&self.attribute)?;
        match &self.sub_attribute {
            Some(sub) => write!(formatter, ".{sub}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for CompareValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => formatter.write_str("null"),
            Self::Bool(value) => write!(formatter, "{value}"),
            Self::Number(value) => write!(formatter, "{value}"),
            Self::String(value) => write!(formatter, "{}", Value::String(value.clone())),
        }
    }
}

impl Filter {
    /// Writes a chain; a chain within a chain keeps its parentheses, except `and` within `or`.
    fn write_chain(
        filters: &[Self],
        word: &str,
        needs_parentheses: fn(&Self) -> bool,
        formatter: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        for (index, filter) in filters.iter().enumerate() {
            if index > 0 {
                write!(formatter, " {word} ")?;
            }
            if needs_parentheses(filter) {
                write!(formatter, "({filter})")?;
            } else {
                write!(formatter, "{filter}")?;
            }
        }
        Ok(())
    }
}

/// Reading the text again gives the same tree.
impl fmt::Display for Filter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(filters) => {
                let is_chain = |filter: &Self| matches!(filter, Self::And(_) | Self::Or(_));
                Self::write_chain(filters, "and", is_chain, formatter)
            }
            Self::Or(filters) => {
                Self::write_chain(filters, "or", |filter| matches!(filter, Self::Or(_)), formatter)
            }
            Self::Not(filter) => write!(formatter, "not ({filter})"),
            Self::Compare(path, op, value) => write!(formatter, "{path} {} {value}", op.as_str()),
            Self::Present(path) => write!(formatter, "{path} pr"),
            Self::ValuePath(path, filter) => write!(formatter, "{path}[{filter}]"),
        }
    }
}

/// An error that shows where in the text it is.
fn error_at(text: &str, position: usize, what: &str) -> ScimError {
    let near: String = text.get(position..).unwrap_or_default().chars().take(20).collect();
    if near.is_empty() {
        ScimError::invalid_filter(format!("Filter: {what} at the end"))
    } else {
        ScimError::invalid_filter(format!("Filter: {what} at position {position}, near {near:?}"))
    }
}

#[cfg(test)]
mod tests;
