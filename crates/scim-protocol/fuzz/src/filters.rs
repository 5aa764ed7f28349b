//! Filters and paths.

use scim_protocol::error::ScimType;
use scim_protocol::filter::{self, CompareOp, CompareValue, Filter, MAX_FILTER_BYTES};
use scim_protocol::patch::Op;
use scim_protocol::path::{self, PatchPath};
use scim_protocol::schema::{self, ResourceType};
use serde_json::{Value, json};

use super::{MODES, check_refusal, patches, samples};

/// A filter is refused or read; what was read is printed and read again as the same; every document
/// matches it or its negation; and what it says of itself (what it needs, what it mentions) is true.
pub fn filter(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let filter = match filter::parse(text) {
        Ok(filter) => filter,
        Err(error) => {
            assert_eq!(error.scim_type, Some(ScimType::InvalidFilter), "{text:?}");
            return check_refusal(&error);
        }
    };
    let printed = filter.to_string();
    match filter::parse(&printed) {
        Ok(again) => assert_eq!(again, filter, "{printed}"),
        // Only that the printed form spells out what the client could leave away.
        Err(error) => assert!(printed.len() > MAX_FILTER_BYTES, "{error}: {printed}"),
    }
    for resource_type in schema::all() {
        let [strict, lenient] = MODES.map(|strictness| filter.check(resource_type, strictness));
        assert!(strict.is_err() || lenient.is_ok(), "leniency refuses what is standard: {text:?}");
        [strict, lenient].iter().filter_map(|outcome| outcome.as_ref().err()).for_each(check_refusal);
        for document in samples::shown(resource_type) {
            check_matching(&filter, &document, resource_type);
        }
    }
}

fn check_matching(filter: &Filter, document: &Value, resource_type: &ResourceType) {
    let matches = filter.matches(document, resource_type);
    let negated = Filter::Not(Box::new(filter.clone()));
    assert_ne!(matches, negated.matches(document, resource_type), "{filter}");
    for (path, value) in filter.required_equalities() {
        let equality = Filter::Compare(path, CompareOp::Eq, CompareValue::String(value.to_owned()));
        assert!(!matches || equality.matches(document, resource_type), "{filter} needs {equality}");
    }
    for list in ["members", "groups"] {
        let mut less = document.clone();
        if document.get(list).is_none() || filter.mentions(list) {
            continue;
        }
        less[list] = Value::Null;
        assert_eq!(filter.matches(&less, resource_type), matches, "{filter} with less {list}");
    }
}

/// A path is refused or read, in both modes alike, and operations at it keep the rules of PATCH.
pub fn path(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    for resource_type in schema::all() {
        let [strict, lenient] = MODES.map(|strictness| path::parse(text, resource_type, strictness));
        assert!(strict.is_err() || lenient.is_ok(), "leniency refuses what is standard: {text:?}");
        for outcome in [&strict, &lenient] {
            match outcome {
                Ok(path) => check_path(path, text),
                Err(error) => check_refusal(error),
            }
        }
        let values = [
            json!("x"),
            json!(true),
            json!({"value": "x", "type": "work"}),
            json!([{"value": "x", "primary": true}]),
            Value::Null,
        ];
        for document in samples::stored(resource_type) {
            patches::check_operations(&document, &[(Op::Remove, Some(text), None)], resource_type);
            for value in &values {
                for op in [Op::Add, Op::Replace] {
                    patches::check_operations(&document, &[(op, Some(text), Some(value))], resource_type);
                }
            }
        }
    }
}

/// A path says the same in the schema's spelling.
fn check_path(path: &PatchPath<'_>, text: &str) {
    let PatchPath::Attribute { located, filter, sub } = path else { return };
    let urn = located.extension.map(|extension| format!("{}:", extension.id)).unwrap_or_default();
    let brackets = filter.as_ref().map(|filter| format!("[{filter}]")).unwrap_or_default();
    let dotted = sub.map(|sub| format!(".{}", sub.name)).unwrap_or_default();
    let spelled = format!("{urn}{}{brackets}{dotted}", located.attribute.name);
    let lengthened = spelled.len() > MAX_FILTER_BYTES;
    let reads_equal = schema::all().into_iter().any(|resource_type| {
        MODES.into_iter().any(|strictness| {
            let again = path::parse(&spelled, resource_type, strictness);
            again.is_ok_and(|again| format!("{again:?}") == format!("{path:?}"))
        })
    });
    assert!(reads_equal || lengthened, "{text:?} is not {spelled:?}");
}
