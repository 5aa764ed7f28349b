//! Whether a resource satisfies a filter.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::check::element_attribute;
use super::{AttributePath, CompareOp, CompareValue, Filter};
use crate::fold::{self, fold};
use crate::instant;
use crate::schema::{Attribute, AttributeType, ResourceType};
use crate::value::is_empty;

/// What a path leads to: the definition, and the values found.
struct Found<'a> {
    attribute: &'a Attribute,
    multi_valued: bool,
    values: Vec<&'a Value>,
}

impl Filter {
    /// Whether the resource (a complete representation, names in the schema's spelling) matches.
    pub fn matches(&self, resource: &Value, resource_type: &ResourceType) -> bool {
        self.evaluate(&|path| find(path, resource, resource_type), &|path, inner| {
            let Some(located) = resource_type.find(path.urn.as_deref(), &path.attribute) else {
                return false;
            };
            let holder = match located.extension {
                Some(extension) => resource.get(&extension.id),
                None => Some(resource),
            };
            let Some(value) = holder.and_then(|holder| holder.get(&located.attribute.name)) else {
                return false;
            };
            elements(value).iter().any(|element| element_matches(inner, element, located.attribute))
        })
    }

    fn evaluate<'a>(
        &self,
        find: &dyn Fn(&AttributePath) -> Option<Found<'a>>,
        any_element: &dyn Fn(&AttributePath, &Self) -> bool,
    ) -> bool {
        match self {
            Self::And(filters) => filters.iter().all(|filter| filter.evaluate(find, any_element)),
            Self::Or(filters) => filters.iter().any(|filter| filter.evaluate(find, any_element)),
            Self::Not(filter) => !filter.evaluate(find, any_element),
            Self::Present(path) => find(path).is_some_and(|found| is_present(&found)),
            Self::Compare(path, op, value) => find(path).is_some_and(|found| compare(&found, *op, value)),
            Self::ValuePath(path, inner) => any_element(path, inner),
        }
    }
}

/// Whether one element of a complex attribute satisfies a filter over its sub-attributes.
pub(crate) fn element_matches(filter: &Filter, element: &Value, parent: &Attribute) -> bool {
    let find = |path: &AttributePath| {
        let attribute = element_attribute(path, parent)?;
        if parent.kind != AttributeType::Complex {
            return Some(Found { attribute, multi_valued: false, values: vec![element] });
        }
        let values = element.get(&attribute.name).map(elements).unwrap_or_default();
        Some(Found { attribute, multi_valued: attribute.multi_valued, values })
    };
    filter.evaluate(&find, &|_, _| false)
}

fn find<'a>(path: &AttributePath, resource: &'a Value, resource_type: &'a ResourceType) -> Option<Found<'a>> {
    let located = resource_type.find(path.urn.as_deref(), &path.attribute)?;
    let holder = match located.extension {
        Some(extension) => resource.get(&extension.id),
        None => Some(resource),
    };
    let parents =
        holder.and_then(|holder| holder.get(&located.attribute.name)).map(elements).unwrap_or_default();
    let multi_valued = located.attribute.multi_valued;
    match &path.sub_attribute {
        None => Some(Found { attribute: located.attribute, multi_valued, values: parents }),
        Some(name) => {
            let attribute = located.attribute.sub(name)?;
            let values = parents.iter().filter_map(|parent| parent.get(&attribute.name)).flat_map(elements);
            let multi_valued = multi_valued || attribute.multi_valued;
            Some(Found { attribute, multi_valued, values: values.collect() })
        }
    }
}

/// The elements of a list, or the one value.
fn elements(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(elements) => elements.iter().collect(),
        other => vec![other],
    }
}

fn is_present(found: &Found<'_>) -> bool {
    found.values.iter().any(|value| !is_empty(value))
}

fn compare(found: &Found<'_>, op: CompareOp, wanted: &CompareValue) -> bool {
    if *wanted == CompareValue::Null {
        return match op {
            CompareOp::Eq => !is_present(found),
            CompareOp::Ne => is_present(found),
            _ => false,
        };
    }
    // A complex attribute compares by its `value`.
    let (attribute, multi_valued, values): (&Attribute, bool, Vec<&Value>) = match found.attribute.kind {
        AttributeType::Complex => match found.attribute.sub("value") {
            Some(sub) => {
                let values = found.values.iter().filter_map(|value| value.get(&sub.name)).flat_map(elements);
                (sub, found.multi_valued || sub.multi_valued, values.collect())
            }
            None => return false,
        },
        _ => (found.attribute, found.multi_valued, found.values.clone()),
    };
    if op == CompareOp::Ne && !multi_valued {
        // An absent value is not equal to any.
        return !values.iter().any(|value| compare_one(value, CompareOp::Eq, wanted, attribute));
    }
    values.iter().any(|value| compare_one(value, op, wanted, attribute))
}

fn compare_one(value: &Value, op: CompareOp, wanted: &CompareValue, attribute: &Attribute) -> bool {
    match (value, wanted) {
        (Value::Bool(value), CompareValue::Bool(wanted)) => equality(op, value == wanted),
        (Value::Bool(value), CompareValue::String(wanted)) => {
            equality(op, value.to_string().eq_ignore_ascii_case(wanted))
        }
        (Value::Number(value), CompareValue::Number(wanted)) => {
            compare_numbers(value, wanted).is_some_and(|ordering| ordered(op, ordering))
        }
        (Value::String(value), CompareValue::String(wanted)) => compare_text(value, op, wanted, attribute),
        _ => op == CompareOp::Ne,
    }
}

fn equality(op: CompareOp, equal: bool) -> bool {
    match op {
        CompareOp::Eq => equal,
        CompareOp::Ne => !equal,
        _ => false,
    }
}

fn compare_text(value: &str, op: CompareOp, wanted: &str, attribute: &Attribute) -> bool {
    if attribute.kind == AttributeType::DateTime {
        return match (instant::parse(value), instant::parse(wanted)) {
            (Some(value), Some(wanted)) => ordered(op, value.cmp(&wanted)),
            _ => false,
        };
    }
    if attribute.case_exact {
        return compare_keys(value, op, wanted);
    }
    match op {
        CompareOp::Eq => fold::equal(value, wanted),
        CompareOp::Ne => !fold::equal(value, wanted),
        _ => compare_keys(&fold(value), op, &fold(wanted)),
    }
}

fn compare_keys(value: &str, op: CompareOp, wanted: &str) -> bool {
    match op {
        CompareOp::Co => value.contains(wanted),
        CompareOp::Sw => value.starts_with(wanted),
        CompareOp::Ew => value.ends_with(wanted),
        _ => ordered(op, value.cmp(wanted)),
    }
}

fn ordered(op: CompareOp, ordering: Ordering) -> bool {
    match op {
        CompareOp::Eq => ordering == Ordering::Equal,
        CompareOp::Ne => ordering != Ordering::Equal,
        CompareOp::Gt => ordering == Ordering::Greater,
        CompareOp::Ge => ordering != Ordering::Less,
        CompareOp::Lt => ordering == Ordering::Less,
        CompareOp::Le => ordering != Ordering::Greater,
        CompareOp::Co | CompareOp::Sw | CompareOp::Ew => false,
    }
}

/// Exact, also between a whole number and a fraction: rounding one to the other would make two whole numbers
/// equal to a third that are not equal to each other, which is no order to sort by.
pub(crate) fn compare_numbers(left: &Number, right: &Number) -> Option<Ordering> {
    let whole = |number: &Number| number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    match (whole(left), whole(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        (Some(left), None) => compare_whole(left, right.as_f64()?),
        (None, Some(right)) => compare_whole(right, left.as_f64()?).map(Ordering::reverse),
        (None, None) => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

fn compare_whole(whole: i128, fraction: f64) -> Option<Ordering> {
    // Whole numbers of JSON have 64 bits, so that the cast, which saturates, keeps the order.
    #[expect(clippy::cast_possible_truncation, reason = "the fraction is compared after the whole part")]
    let floor = fraction.floor() as i128;
    Some(whole.cmp(&floor).then(0.0.partial_cmp(&(fraction - fraction.floor()))?))
}
