//! One operation at one attribute.

use serde_json::{Map, Value};

use super::Op;
use crate::dialect;
use crate::elements::{self, is_primary, keep_primary_only_at};
use crate::error::ScimError;
use crate::filter::{Filter, element_matches};
use crate::repairs::Repairs;
use crate::schema::{Attribute, AttributeType, Mutability};
use crate::value::{is_empty, normalize, normalize_one, unassigns};

/// How many elements the operations of one request have looked at. Bounded, since a request of a thousand
/// operations at a list of a hundred thousand elements would hold a core for minutes.
#[derive(Debug, Default)]
pub(super) struct Effort {
    looks: usize,
}

impl Effort {
    const MAX_LOOKS: usize = 1_000_000;

    fn spend(&mut self, looks: usize) -> Result<(), ScimError> {
        self.looks = self.looks.saturating_add(looks);
        if self.looks > Self::MAX_LOOKS {
            return Err(ScimError::payload_too_large(
                "The operations look at too many elements; send them in several requests",
            ));
        }
        Ok(())
    }
}

/// An operation at an attribute, perhaps at some of its elements, perhaps at one sub-attribute.
pub(super) struct Change<'a> {
    pub(super) op: Op,
    pub(super) attribute: &'a Attribute,
    pub(super) filter: Option<&'a Filter>,
    pub(super) sub: Option<&'a Attribute>,
    /// Whether an element that the filter names and that is not there comes into being.
    pub(super) creates_missing: bool,
    pub(super) repairs: &'a mut Repairs,
    pub(super) effort: &'a mut Effort,
}

impl Change<'_> {
    /// Applies it to the object that holds the attribute.
    pub(super) fn apply(mut self, holder: &mut Map<String, Value>, value: Value) -> Result<(), ScimError> {
        match (self.filter, self.sub, self.attribute.multi_valued) {
            (None, None, _) => self.whole(holder, value),
            (None, Some(sub), false) => self.sub_of_single(holder, sub, value),
            _ => self.elements(holder, value),
        }
    }

    fn place(&self) -> String {
        match self.sub {
            Some(sub) => format!("{}.{}", self.attribute.name, sub.name),
            None => self.attribute.name.clone(),
        }
    }

    /// The attribute as a whole.
    fn whole(&mut self, holder: &mut Map<String, Value>, value: Value) -> Result<(), ScimError> {
        let attribute = self.attribute;
        let name = &attribute.name;
        if self.op == Op::Remove {
            return self.remove_whole(holder, &value);
        }
        if let (AttributeType::Complex, false, Value::Object(members)) =
            (attribute.kind, attribute.multi_valued, &value)
            && !members.is_empty()
        {
            return self.merge_complex(holder, value);
        }
        let given = normalize(attribute, value, name)?;
        match (holder.get_mut(name), given) {
            // Adding nothing adds nothing; replacing with nothing unassigns.
            (_, None) if self.op == Op::Add => {}
            (_, None) => {
                holder.shift_remove(name);
            }
            (Some(Value::Array(present)), Some(Value::Array(given))) if self.op == Op::Add => {
                self.effort.spend(present.len())?;
                elements::merge(present, given, attribute);
            }
            (_, Some(value)) => {
                holder.insert(name.clone(), value);
            }
        }
        Ok(())
    }

    /// A complex attribute keeps the sub-attributes that are not given (§3.5.2.1, §3.5.2.3); those that
    /// are replaced with nothing go.
    fn merge_complex(&mut self, holder: &mut Map<String, Value>, value: Value) -> Result<(), ScimError> {
        let attribute = self.attribute;
        let mut cleared: Vec<&str> = Vec::new();
        if let (Op::Replace, Value::Object(members)) = (self.op, &value) {
            let given = members.iter().filter_map(|(name, value)| Some((attribute.sub(name)?, value)));
            let emptied =
                given.filter(|(sub, value)| sub.mutability != Mutability::ReadOnly && unassigns(sub, value));
            cleared = emptied.map(|(sub, _)| sub.name.as_str()).collect();
        }
        let given = normalize_one(attribute, value, &attribute.name)?;
        let mut present = take_object(holder, &attribute.name);
        for name in cleared {
            present.shift_remove(name);
        }
        if let Some(Value::Object(given)) = given {
            for (name, value) in given {
                if let Some(sub) = attribute.sub(&name) {
                    set_sub(&mut present, sub, Some(value), self.op)?;
                }
            }
        }
        put(holder, &attribute.name, Some(Value::Object(present)));
        Ok(())
    }

    fn remove_whole(&mut self, holder: &mut Map<String, Value>, value: &Value) -> Result<(), ScimError> {
        let name = &self.attribute.name;
        // Read literally this would empty the list although elements are named.
        if self.attribute.multi_valued && !value.is_null() {
            return Err(ScimError::invalid_syntax(format!(
                "remove takes no value; name elements: {name}[…]"
            )));
        }
        holder.shift_remove(name);
        Ok(())
    }

    /// A sub-attribute of a single complex attribute.
    fn sub_of_single(
        &mut self,
        holder: &mut Map<String, Value>,
        sub: &Attribute,
        value: Value,
    ) -> Result<(), ScimError> {
        let value = if self.op == Op::Remove { None } else { normalize(sub, value, &self.place())? };
        let mut present = take_object(holder, &self.attribute.name);
        set_sub(&mut present, sub, value, self.op)?;
        put(holder, &self.attribute.name, Some(Value::Object(present)));
        Ok(())
    }

    /// Elements of a list (or the one value of a single complex attribute) that the filter selects, or
    /// all of them.
    fn elements(&mut self, holder: &mut Map<String, Value>, value: Value) -> Result<(), ScimError> {
        let name = &self.attribute.name;
        let mut elements = match holder.get_mut(name).map(Value::take) {
            Some(Value::Array(elements)) => elements,
            Some(Value::Null) | None => Vec::new(),
            Some(single) => vec![single],
        };
        self.effort.spend(elements.len().saturating_mul(self.filter.map_or(1, Filter::size)))?;
        let is_selected = |element: &Value| {
            self.filter.is_none_or(|filter| element_matches(filter, element, self.attribute))
        };
        let selected: Vec<usize> =
            (0..elements.len()).filter(|&index| is_selected(&elements[index])).collect();
        if self.op == Op::Remove {
            self.remove_selected(&mut elements, &selected)?;
        } else if selected.is_empty() {
            if let Some(element) = self.missing_element(value)? {
                elements::merge(&mut elements, vec![element], self.attribute);
            }
        } else {
            self.change_selected(&mut elements, &selected, value)?;
        }
        let left = if self.attribute.multi_valued {
            Some(Value::Array(elements))
        } else {
            elements.into_iter().next()
        };
        put(holder, name, left);
        Ok(())
    }

    fn remove_selected(&self, elements: &mut Vec<Value>, selected: &[usize]) -> Result<(), ScimError> {
        for &index in selected {
            match (self.sub, elements[index].as_object_mut()) {
                (Some(sub), Some(element)) => set_sub(element, sub, None, Op::Remove)?,
                _ => elements[index] = Value::Null,
            }
        }
        if self.sub.is_some() {
            self.merge_equal(elements);
        } else {
            elements.retain(|element| !is_empty(element));
        }
        Ok(())
    }

    /// What was two elements may be one after a change, and what was one may be none.
    fn merge_equal(&self, elements: &mut Vec<Value>) {
        let mut changed = std::mem::take(elements);
        changed.retain(|element| !is_empty(element));
        elements::merge(elements, changed, self.attribute);
    }

    fn change_selected(
        &mut self,
        elements: &mut Vec<Value>,
        selected: &[usize],
        value: Value,
    ) -> Result<(), ScimError> {
        let given = match self.sub {
            Some(sub) => normalize(sub, value, &self.place())?,
            None => normalize_one(self.attribute, value, &self.place())?,
        };
        if given.is_none() && self.sub.is_none() {
            // Adding nothing adds nothing; replacing elements with nothing removes them.
            return if self.op == Op::Replace { self.remove_selected(elements, selected) } else { Ok(()) };
        }
        for &index in selected {
            match (self.sub, &given, &mut elements[index]) {
                (Some(sub), given, Value::Object(element)) => set_sub(element, sub, given.clone(), self.op)?,
                (None, Some(Value::Object(given)), Value::Object(element)) if self.op == Op::Add => {
                    for (name, value) in given {
                        if let Some(sub) = self.attribute.sub(name) {
                            set_sub(element, sub, Some(value.clone()), self.op)?;
                        }
                    }
                }
                (None, Some(given), element) => *element = given.clone(),
                _ => {}
            }
        }
        if elements.iter().filter(|element| is_primary(element)).count() > 1
            && let Some(&last) = selected.iter().rfind(|&&index| is_primary(&elements[index]))
        {
            keep_primary_only_at(elements, last);
        }
        self.merge_equal(elements);
        Ok(())
    }

    /// The element that comes into being where none is selected: without a filter, as for any absent
    /// attribute (§3.5.2.3); with one, from its equalities, which §3.5.2.3 answers with `noTarget` and
    /// Entra relies on. A member of a group never comes into being by a change of members.
    fn missing_element(&mut self, value: Value) -> Result<Option<Value>, ScimError> {
        let place = self.place();
        let mut element = Value::Null;
        if let Some(filter) = self.filter {
            let missing = || ScimError::no_target(format!("{place}: no element matches"));
            let fixed = |sub: &Attribute| sub.mutability == Mutability::Immutable;
            if !self.creates_missing || self.attribute.sub("value").is_some_and(fixed) {
                return Err(missing());
            }
            let given = dialect::repair_value(
                &self.attribute.element(),
                filter.as_element(self.attribute).ok_or_else(missing)?,
                &place,
                self.repairs,
            );
            element = normalize_one(self.attribute, given, &place)?.ok_or_else(missing)?;
        }
        let given = match self.sub {
            None => normalize_one(self.attribute, value, &place)?,
            Some(sub) => normalize(sub, value, &place)?
                .map(|value| Value::Object(Map::from_iter([(sub.name.clone(), value)]))),
        };
        // An element of the filter's values alone is nobody's wish.
        let Some(given) = given else { return Ok(None) };
        if self.filter.is_some() {
            self.repairs.note(format!("{place}: no element matched, one was created"));
        }
        if let (Value::Object(element), Value::Object(given)) = (&mut element, &given) {
            element.extend(given.clone());
            return Ok(Some(Value::Object(std::mem::take(element))));
        }
        Ok(Some(given))
    }
}

/// Takes the object of a complex attribute out, leaving its place for [`put`].
fn take_object(holder: &mut Map<String, Value>, name: &str) -> Map<String, Value> {
    match holder.get_mut(name).map(Value::take) {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    }
}

/// Puts a value into its place; an empty one leaves none behind.
fn put(holder: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value.filter(|value| !is_empty(value)) {
        Some(value) => holder.insert(name.to_owned(), value),
        None => holder.shift_remove(name),
    };
}

/// Sets a sub-attribute, or unassigns it. An immutable one that has a value keeps it (RFC 7643 §7).
fn set_sub(
    object: &mut Map<String, Value>,
    sub: &Attribute,
    value: Option<Value>,
    op: Op,
) -> Result<(), ScimError> {
    let present = object.get_mut(&sub.name);
    if value.is_none() && op == Op::Add {
        return Ok(());
    }
    if sub.mutability == Mutability::Immutable && present.is_some() && present.as_deref() != value.as_ref() {
        return Err(ScimError::mutability(format!("{} cannot be changed", sub.name)));
    }
    match (present, value) {
        (Some(Value::Array(present)), Some(Value::Array(given))) if op == Op::Add => {
            elements::merge(present, given, sub);
        }
        (_, Some(value)) => {
            object.insert(sub.name.clone(), value);
        }
        (_, None) => {
            object.shift_remove(&sub.name);
        }
    }
    Ok(())
}
