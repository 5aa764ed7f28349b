//! One operation at one attribute.

use serde_json::{Map, Value};

use super::Op;
use crate::Strictness;
use crate::dialect;
use crate::error::ScimError;
use crate::filter::{Filter, element_matches};
use crate::schema::{Attribute, AttributeType};
use crate::value::{is_unassigned, merge_element, normalize};

/// An operation at an attribute, perhaps at some of its elements, perhaps at one sub-attribute.
pub(super) struct Change<'a> {
    pub(super) op: Op,
    pub(super) attribute: &'a Attribute,
    pub(super) filter: Option<&'a Filter>,
    pub(super) sub: Option<&'a Attribute>,
    pub(super) strictness: Strictness,
    pub(super) repairs: &'a mut Vec<String>,
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

    /// The value in stored form.
    fn normal(&mut self, attribute: &Attribute, value: Value) -> Result<Option<Value>, ScimError> {
        let place = self.place();
        let value = dialect::repair_value(attribute, value, &place, self.strictness, self.repairs);
        normalize(attribute, value, &place)
    }

    /// The attribute as a whole.
    fn whole(&mut self, holder: &mut Map<String, Value>, value: Value) -> Result<(), ScimError> {
        let name = &self.attribute.name;
        if self.op == Op::Remove {
            return self.remove_whole(holder, value);
        }
        let Some(value) = self.normal(self.attribute, value)? else {
            // Adding nothing adds nothing; replacing with nothing unassigns.
            if self.op == Op::Replace {
                holder.shift_remove(name);
            }
            return Ok(());
        };
        match (holder.get_mut(name), value) {
            // A complex attribute keeps the sub-attributes that are not given (§3.5.2.1, §3.5.2.3).
            (Some(Value::Object(present)), Value::Object(given)) => present.extend(given),
            (Some(Value::Array(present)), Value::Array(given)) if self.op == Op::Add => {
                for element in given {
                    make_only_primary(present, &element);
                    merge_element(present, element);
                }
            }
            (_, value) => {
                holder.insert(name.clone(), value);
            }
        }
        Ok(())
    }

    fn remove_whole(&mut self, holder: &mut Map<String, Value>, value: Value) -> Result<(), ScimError> {
        let name = &self.attribute.name;
        if self.attribute.required {
            return Err(ScimError::mutability(format!("{name} is required and cannot be removed")));
        }
        let lists_elements = self.attribute.multi_valued && !value.is_null();
        if !lists_elements {
            holder.shift_remove(name);
            return Ok(());
        }
        if !self.strictness.is_lenient() {
            return Err(ScimError::invalid_syntax(format!(
                "remove takes no value; use a filter in the path: {name}[…]"
            )));
        }
        let Some(Value::Array(given)) = self.normal(self.attribute, value)? else { return Ok(()) };
        let identity = |element: &Value| element.get("value").cloned().unwrap_or_else(|| element.clone());
        let Some(present) = holder.get_mut(name).and_then(Value::as_array_mut) else { return Ok(()) };
        let before = present.len();
        present.retain(|element| !given.iter().any(|gone| identity(gone) == identity(element)));
        self.repairs.push(format!("remove with {name} in value: {} removed", before - present.len()));
        drop_if_empty(holder, name);
        Ok(())
    }

    /// A sub-attribute of a single complex attribute.
    fn sub_of_single(
        &mut self,
        holder: &mut Map<String, Value>,
        sub: &Attribute,
        value: Value,
    ) -> Result<(), ScimError> {
        let value = if self.op == Op::Remove { None } else { self.normal(sub, value)? };
        let name = &self.attribute.name;
        let object = holder.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
        if let Some(object) = object.as_object_mut() {
            set_sub(object, sub, value, self.op);
        }
        drop_if_empty(holder, name);
        Ok(())
    }

    /// Elements of a list (or the one value of a single complex attribute) that the filter selects, or
    /// all of them.
    fn elements(&mut self, holder: &mut Map<String, Value>, value: Value) -> Result<(), ScimError> {
        let name = self.attribute.name.clone();
        let mut elements = match holder.get(&name) {
            Some(Value::Array(elements)) => elements.clone(),
            Some(other) => vec![other.clone()],
            None => Vec::new(),
        };
        let selected: Vec<usize> = elements
            .iter()
            .enumerate()
            .filter(|(_, element)| {
                self.filter.is_none_or(|filter| element_matches(filter, element, self.attribute))
            })
            .map(|(index, _)| index)
            .collect();
        if self.op == Op::Remove {
            self.remove_selected(&mut elements, &selected);
        } else if selected.is_empty() {
            let element = self.element_from_filter(value)?;
            make_only_primary(&mut elements, &element);
            merge_element(&mut elements, element);
        } else {
            self.change_selected(&mut elements, &selected, value)?;
        }
        let value = if self.attribute.multi_valued {
            Some(Value::Array(elements))
        } else {
            elements.into_iter().next()
        };
        match value.filter(|value| !is_unassigned(value)) {
            Some(value) => holder.insert(name, value),
            None => holder.shift_remove(&name),
        };
        Ok(())
    }

    fn remove_selected(&self, elements: &mut Vec<Value>, selected: &[usize]) {
        match self.sub {
            Some(sub) => {
                for &index in selected {
                    if let Some(element) = elements[index].as_object_mut() {
                        element.shift_remove(&sub.name);
                    }
                }
            }
            None => {
                for &index in selected {
                    elements[index] = Value::Null;
                }
            }
        }
        elements.retain(|element| !is_unassigned(element));
    }

    fn change_selected(
        &mut self,
        elements: &mut [Value],
        selected: &[usize],
        value: Value,
    ) -> Result<(), ScimError> {
        let given = match self.sub {
            Some(sub) => self.normal(sub, value)?,
            None => self.normal_element(value)?,
        };
        for &index in selected {
            match (self.sub, elements[index].as_object_mut(), &given) {
                (Some(sub), Some(element), given) => set_sub(element, sub, given.clone(), self.op),
                (None, Some(element), Some(Value::Object(given))) if self.op == Op::Add => {
                    element.extend(given.clone());
                }
                (None, _, Some(given)) => elements[index] = given.clone(),
                (None, _, None) | (Some(_), None, _) => {}
            }
        }
        if let Some(&last) = selected.last() {
            if elements[last].get("primary") == Some(&Value::Bool(true)) {
                for (index, element) in elements.iter_mut().enumerate() {
                    clear_primary(element, index != last);
                }
            }
        }
        Ok(())
    }

    /// An element that a filter names and that is not there (§3.5.2.3 asks for `noTarget`; Entra expects
    /// it to come into being).
    fn element_from_filter(&mut self, value: Value) -> Result<Value, ScimError> {
        let place = self.place();
        let missing = || ScimError::no_target(format!("{place}: no element matches"));
        if !self.strictness.is_lenient() {
            return Err(missing());
        }
        let mut element = Map::new();
        if let Some(filter) = self.filter {
            let members = filter.as_element().ok_or_else(missing)?;
            let Some(Value::Object(members)) =
                self.normal_element(Value::Object(members.into_iter().collect()))?
            else {
                return Err(missing());
            };
            element.extend(members);
        }
        match self.sub {
            Some(sub) => {
                if let Some(value) = self.normal(sub, value)? {
                    element.insert(sub.name.clone(), value);
                }
            }
            None => {
                if let Some(Value::Object(given)) = self.normal_element(value)? {
                    element.extend(given);
                }
            }
        }
        self.repairs.push(format!("{place}: no element matched, one was created"));
        Ok(Value::Object(element))
    }

    /// One element of the attribute in stored form.
    fn normal_element(&mut self, value: Value) -> Result<Option<Value>, ScimError> {
        let single = Attribute { multi_valued: false, ..self.attribute.clone() };
        self.normal(&single, value)
    }
}

fn set_sub(object: &mut Map<String, Value>, sub: &Attribute, value: Option<Value>, op: Op) {
    match (value, object.get_mut(&sub.name)) {
        (None, _) if op == Op::Add => {}
        (None, _) => {
            object.shift_remove(&sub.name);
        }
        (Some(Value::Object(given)), Some(Value::Object(present))) if sub.kind == AttributeType::Complex => {
            present.extend(given);
        }
        (Some(value), _) => {
            object.insert(sub.name.clone(), value);
        }
    }
}

/// A new primary element takes the mark from the others (§3.5.2).
fn make_only_primary(elements: &mut [Value], newcomer: &Value) {
    if newcomer.get("primary") == Some(&Value::Bool(true)) {
        for element in elements {
            clear_primary(element, true);
        }
    }
}

fn clear_primary(element: &mut Value, clear: bool) {
    if let Some(primary) =
        element.get_mut("primary").filter(|primary| clear && **primary == Value::Bool(true))
    {
        *primary = Value::Bool(false);
    }
}

fn drop_if_empty(holder: &mut Map<String, Value>, name: &str) {
    if holder.get(name).is_some_and(is_unassigned) {
        holder.shift_remove(name);
    }
}
