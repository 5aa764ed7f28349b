//! What an edit changed, for the audit log: each field with what was there before and what is there now.

use serde::Serialize;
use serde_json::{Map, Value, json};

/// Fields that change with every edit.
const OF_COURSE: &[&str] = &["updated_at", "version"];

/// The fields in which two states of a resource differ, by their paths. They are as the API shows them, so without secrets.
pub fn between(before: &impl Serialize, after: &impl Serialize) -> Value {
    let mut changes = Map::new();
    let shown = |state: Result<Value, serde_json::Error>| state.unwrap_or(Value::Null);
    compare("", &shown(serde_json::to_value(before)), &shown(serde_json::to_value(after)), &mut changes);
    Value::Object(changes)
}

fn compare(path: &str, before: &Value, after: &Value, changes: &mut Map<String, Value>) {
    if before == after {
        return;
    }
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        changes.insert(path.to_owned(), json!({"before": before, "after": after}));
        return;
    };
    let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
    for name in names.filter(|name| !OF_COURSE.contains(&name.as_str())) {
        let place = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let value = |of: &Map<String, Value>| of.get(name).cloned().unwrap_or(Value::Null);
        compare(&place, &value(old), &value(new), changes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_that_differs_is_told_with_both_values() {
        let before =
            json!({"name": "a", "version": 1, "user_sync": {"create": true, "match": ["id"]}, "gone": 1});
        let after = json!({"name": "a", "version": 2, "user_sync": {"create": false, "match": ["id", "email"]}, "new": 2});
        assert_eq!(
            between(&before, &after),
            json!({
                "user_sync.create": {"before": true, "after": false},
                "user_sync.match": {"before": ["id"], "after": ["id", "email"]},
                "gone": {"before": 1, "after": null},
                "new": {"before": null, "after": 2},
            })
        );
        assert_eq!(between(&before, &before), json!({}));
    }
}
