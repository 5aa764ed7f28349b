//! What a new definition of a schema would do to data that is there.

use super::definition::DefinitionProblem;
use super::{Attribute, Schema};

impl Schema {
    /// What of `after` data stored under this schema may not fit: attributes that are gone or spelled in
    /// another way, and those of another type, multiplicity or sensitivity to case. Anything else may
    /// change at any time: it says how values are described, asked for and shown, not what they are.
    pub fn incompatibilities(&self, after: &Self) -> Vec<DefinitionProblem> {
        let mut problems = Vec::new();
        compare("", &self.attributes, &after.attributes, &mut problems);
        problems
    }
}

fn compare(parent: &str, before: &[Attribute], after: &[Attribute], problems: &mut Vec<DefinitionProblem>) {
    for attribute in before {
        let name = format!("{parent}{}", attribute.name);
        let mut note = |problem: &str| {
            problems.push(DefinitionProblem { field: name.clone(), problem: problem.to_owned() });
        };
        let Some(new) = after.iter().find(|new| new.name == attribute.name) else {
            note("is removed");
            continue;
        };
        if new.kind != attribute.kind {
            note("has another type");
        }
        if new.multi_valued != attribute.multi_valued {
            note("is multiValued or no longer so");
        }
        // What is no text has no case.
        if new.case_exact != attribute.case_exact && attribute.kind.is_text() {
            note("has another caseExact");
        }
        compare(&format!("{name}."), &attribute.sub_attributes, &new.sub_attributes, problems);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn schema(attributes: &Value) -> Schema {
        Schema::from_definition(&json!({"id": "urn:acme:badge", "attributes": attributes})).unwrap()
    }

    fn changed(before: &Value, after: &Value) -> Vec<String> {
        let problems = schema(before).incompatibilities(&schema(after));
        problems.into_iter().map(|problem| format!("{} {}", problem.field, problem.problem)).collect()
    }

    #[test]
    fn what_describes_values_may_change_and_attributes_may_come() {
        let before = json!([
            {"name": "level", "type": "integer"},
            {"name": "badge", "type": "complex", "subAttributes": [{"name": "value"}]},
        ]);
        let after = json!([
            {"name": "badge", "type": "complex", "description": "B", "required": true, "returned": "request",
             "mutability": "immutable",
             "subAttributes": [{"name": "colour"}, {"name": "value", "canonicalValues": ["x"]}]},
            {"name": "new", "type": "boolean"},
            {"name": "level", "type": "integer", "caseExact": true},
        ]);
        assert_eq!(changed(&before, &after), Vec::<String>::new());
    }

    #[test]
    fn what_stored_values_would_not_fit_is_told_of_each_attribute() {
        let before = json!([
            {"name": "a"}, {"name": "b"}, {"name": "c"}, {"name": "d"}, {"name": "e"},
            {"name": "f", "type": "complex", "subAttributes": [{"name": "x"}, {"name": "y"}]},
        ]);
        let after = json!([
            {"name": "b", "type": "integer"}, {"name": "c", "multiValued": true},
            {"name": "d", "caseExact": true}, {"name": "E"},
            {"name": "f", "type": "complex", "subAttributes": [{"name": "x", "type": "boolean"}]},
        ]);
        let expected = [
            "a is removed",
            "b has another type",
            "c is multiValued or no longer so",
            "d has another caseExact",
            "e is removed",
            "f.x has another type",
            "f.y is removed",
        ];
        assert_eq!(changed(&before, &after), expected);
    }
}
