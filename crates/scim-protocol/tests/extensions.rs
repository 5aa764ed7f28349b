//! Laws that hold whatever extension a tenant registers: schemas, documents, requests and filters are
//! generated together.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use proptest::prelude::*;
use proptest::sample::select;
use scim_protocol::Strictness::{Lenient, Strict};
use scim_protocol::filter;
use scim_protocol::patch::{self, PATCH_OP, PatchRequest};
use scim_protocol::projection::Projection;
use scim_protocol::resource;
use scim_protocol::schema::{Attribute, AttributeType, ResourceType, ResourceTypes, Returned, Schema, USER};
use scim_protocol::sort::Sort;
use serde_json::{Map, Value, json};

const URN: &str = "urn:acme:scim:schemas:2.0:Badge";
const NAMES: [&str; 6] = ["level", "Doors", "valid-until", "x$y", "active", "schemas"];
const SUBS: [&str; 5] = ["value", "type", "primary", "$ref", "since"];
const SIMPLE: [&str; 7] = ["string", "boolean", "decimal", "integer", "dateTime", "binary", "reference"];

fn characteristics(name: &'static str, kind: &'static str) -> impl Strategy<Value = Value> {
    let mutability = select(vec!["readWrite", "readWrite", "readWrite", "immutable"]);
    let returned = select(vec!["default", "default", "always", "request"]);
    (any::<bool>(), any::<bool>(), any::<bool>(), mutability, returned).prop_map(
        move |(many, exact, required, mutability, returned)| {
            json!({
                "name": name, "type": kind, "multiValued": many, "caseExact": exact, "required": required,
                "mutability": mutability, "returned": returned,
            })
        },
    )
}

fn simple(name: &'static str) -> impl Strategy<Value = Value> {
    select(SIMPLE.to_vec()).prop_flat_map(move |kind| characteristics(name, kind))
}

fn complex(name: &'static str) -> impl Strategy<Value = Value> {
    let subs = proptest::sample::subsequence(SUBS.to_vec(), 1..SUBS.len());
    let subs = subs.prop_flat_map(|names| names.into_iter().map(simple).collect::<Vec<_>>());
    (characteristics(name, "complex"), subs).prop_map(|(mut definition, subs)| {
        definition["subAttributes"] = Value::Array(subs);
        definition
    })
}

/// Users with an extension of some attributes.
fn users() -> impl Strategy<Value = ResourceType> {
    let names = proptest::sample::subsequence(NAMES.to_vec(), 1..NAMES.len());
    let attributes = names.prop_flat_map(|names| {
        let attribute = |name| prop_oneof![2 => simple(name).boxed(), 1 => complex(name).boxed()];
        names.into_iter().map(attribute).collect::<Vec<_>>()
    });
    attributes.prop_map(|attributes| {
        let definition = json!({"id": URN, "name": "Badge", "attributes": attributes});
        let schema = Schema::from_definition(&definition).unwrap();
        assert_eq!(Schema::from_definition(&schema.to_definition()).unwrap(), schema);
        ResourceTypes::extended(vec![schema], vec![]).user.clone()
    })
}

fn extension(users: &ResourceType) -> &Schema {
    users.extension(URN).unwrap()
}

/// A value of the attribute's type.
fn value_of(attribute: &Attribute) -> BoxedStrategy<Value> {
    if attribute.multi_valued {
        let element = Attribute { multi_valued: false, ..attribute.clone() };
        return proptest::collection::vec(value_of(&element), 1..4).prop_map(Value::Array).boxed();
    }
    let words = |words: &[&'static str]| select(words.to_vec()).prop_map(|word| json!(word)).boxed();
    match attribute.kind {
        AttributeType::String => words(&["a", "A", "b", "ab", "é", "e\u{301}", "straße", "STRASSE"]),
        AttributeType::Boolean => any::<bool>().prop_map(|value| json!(value)).boxed(),
        AttributeType::Integer => prop_oneof![
            (-3_i64..4).prop_map(|n| json!(n)),
            any::<i64>().prop_map(|n| json!(n)),
            any::<u64>().prop_map(|n| json!(n))
        ]
        .boxed(),
        AttributeType::Decimal => prop_oneof![
            (-3_i64..4).prop_map(|n| json!(n)),
            select(vec![0.5, -0.25, 19.99, 1e20, 2.0, -0.0]).prop_map(|n| json!(n)),
            proptest::num::f64::NORMAL.prop_map(|n| json!(n)),
        ]
        .boxed(),
        AttributeType::DateTime => words(&[
            "2026-01-31T12:00:00Z",
            "2026-01-31T13:00:00+01:00",
            "2026-01-31T12:00:00.5Z",
            "2026-01-31T12:00:00",
        ]),
        AttributeType::Binary => words(&["YQ==", "yq==", "YWI="]),
        AttributeType::Reference => words(&["https://a.example/x", "https://a.example/X", "../Users/1"]),
        AttributeType::Complex => attribute
            .sub_attributes
            .iter()
            .map(|sub| (any::<bool>(), value_of(sub)))
            .collect::<Vec<_>>()
            .prop_map({
                let subs = attribute.sub_attributes.clone();
                move |values| object(&subs, values)
            })
            .boxed(),
    }
}

/// The object of those values that are wanted or required.
fn object(attributes: &[Attribute], values: Vec<(bool, Value)>) -> Value {
    let given =
        attributes.iter().zip(values).filter(|(attribute, (wanted, _))| *wanted || attribute.required);
    Value::Object(given.map(|(attribute, (_, value))| (attribute.name.clone(), value)).collect())
}

fn data_of(users: &ResourceType) -> BoxedStrategy<Value> {
    let attributes = extension(users).attributes.clone();
    let values: Vec<_> = attributes.iter().map(|attribute| (any::<bool>(), value_of(attribute))).collect();
    values.prop_map(move |values| object(&attributes, values)).boxed()
}

fn body(data: &Value) -> Value {
    json!({"schemas": [USER, URN], "userName": "ann", URN: data})
}

/// A document in stored form; `None` when two elements of a list are primary.
fn stored(users: &ResourceType, data: &Value) -> Option<Value> {
    match resource::from_request(body(data), users, Strict) {
        Ok((document, repairs)) => {
            assert_eq!(repairs, Vec::<String>::new(), "{data}");
            Some(document)
        }
        Err(error) => {
            assert!(error.detail.contains("primary") || is_empty_complex(data), "{data}: {error}");
            None
        }
    }
}

/// Whether an object without any sub-attribute, which is no value, stands for a required one.
fn is_empty_complex(data: &Value) -> bool {
    match data {
        Value::Object(members) => members.is_empty() || members.values().any(is_empty_complex),
        Value::Array(elements) => elements.iter().any(is_empty_complex),
        _ => false,
    }
}

/// Any JSON, mostly not of the type that is asked for.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        proptest::num::f64::NORMAL.prop_map(|value| json!(value)),
        select(vec!["", "a", "True", "2026-01-31T12:00:00Z", "7", "a\u{0}"]).prop_map(|value| json!(value)),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            proptest::collection::vec((select([NAMES.to_vec(), SUBS.to_vec()].concat()), inner), 0..3)
                .prop_map(|members| members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect()),
        ]
    })
}

/// A path to one of the attributes, its elements or sub-attributes, or the extension; and a value for it.
fn target_of(users: &ResourceType) -> BoxedStrategy<(String, Value)> {
    let mut targets: Vec<BoxedStrategy<(String, Value)>> = Vec::new();
    for attribute in &extension(users).attributes {
        let path = format!("{URN}:{}", attribute.name);
        let whole = path.clone();
        targets.push(value_of(attribute).prop_map(move |value| (whole.clone(), value)).boxed());
        let element = Attribute { multi_valued: false, ..attribute.clone() };
        for sub in &attribute.sub_attributes {
            let dotted = format!("{path}.{}", sub.name);
            targets.push(value_of(sub).prop_map(move |value| (dotted.clone(), value)).boxed());
            let one = Attribute { multi_valued: false, ..sub.clone() };
            let (path, name) = (path.clone(), sub.name.clone());
            targets.push(
                (value_of(&one), value_of(&element))
                    .prop_map(move |(word, value)| (format!("{path}[{name} eq {word}]"), value))
                    .boxed(),
            );
        }
    }
    targets.push(data_of(users).prop_map(|data| (URN.to_owned(), data)).boxed());
    proptest::strategy::Union::new(targets).boxed()
}

fn operations_of(users: &ResourceType) -> BoxedStrategy<Vec<Value>> {
    let operation = (select(vec!["add", "replace", "remove", "none"]), target_of(users)).prop_map(
        |(op, (path, value))| match op {
            "remove" => json!({"op": "remove", "path": path}),
            "none" if path == URN => json!({"op": "replace", "value": {URN: value}}),
            "none" => json!({"op": "add", "path": path, "value": value}),
            op => json!({"op": op, "path": path, "value": value}),
        },
    );
    proptest::collection::vec(operation, 1..4).boxed()
}

/// A comparison of a path with a value of some attribute's type.
fn comparison_of(users: &ResourceType) -> BoxedStrategy<String> {
    let mut paths: Vec<(String, Attribute)> = Vec::new();
    for attribute in &extension(users).attributes {
        let path = format!("{URN}:{}", attribute.name);
        paths
            .extend(attribute.sub_attributes.iter().map(|sub| (format!("{path}.{}", sub.name), sub.clone())));
        paths.push((path, attribute.clone()));
    }
    let op = select(vec!["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr"]);
    let path = select(paths).prop_flat_map(|(path, attribute)| {
        let one = Attribute { multi_valued: false, ..attribute };
        (Just(path), value_of(&one))
    });
    (path, op)
        .prop_map(
            |((path, value), op)| {
                if op == "pr" { format!("{path} pr") } else { format!("{path} {op} {value}") }
            },
        )
        .boxed()
}

/// Whether the document matches; `None` when the filter is refused.
fn matches(text: &str, document: &Value, users: &ResourceType) -> Option<bool> {
    let filter = filter::parse(text).ok()?;
    filter.check(users, Strict).ok()?;
    Some(filter.matches(document, users))
}

fn with_documents() -> impl Strategy<Value = (ResourceType, Value, Value)> {
    users().prop_flat_map(|users| (Just(users.clone()), data_of(&users), data_of(&users)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn data_of_the_schemas_types_is_stored_and_read_again_as_it_is((users, data, _) in with_documents()) {
        let Some(document) = stored(&users, &data) else { return Ok(()) };
        let (again, _) = resource::from_request(document.clone(), &users, Strict).unwrap();
        prop_assert_eq!(&again, &document);
        let (lenient, repairs) = resource::from_request(document.clone(), &users, Lenient).unwrap();
        prop_assert_eq!((&lenient, repairs), (&document, Vec::new()));
        let listed = document["schemas"].as_array().unwrap().contains(&json!(URN));
        prop_assert_eq!(listed, document.get(URN).is_some());
    }

    #[test]
    fn data_of_any_form_is_stored_well_or_refused(
        (users, name, value) in users().prop_flat_map(|users| {
            let names: Vec<String> =
                extension(&users).attributes.iter().map(|attribute| attribute.name.clone()).collect();
            (Just(users), select(names), anything())
        }),
    ) {
        for data in [json!({name.clone(): value}), value.clone()] {
            for strictness in [Strict, Lenient] {
                match resource::from_request(body(&data), &users, strictness) {
                    Ok((document, _)) => {
                        let (again, _) = resource::from_request(document.clone(), &users, Strict).unwrap();
                        prop_assert_eq!(again, document);
                    }
                    Err(error) => prop_assert_eq!(error.status, 400),
                }
            }
        }
    }

    #[test]
    fn a_patch_is_a_put_of_its_result(
        (users, data, operations) in users().prop_flat_map(|users| {
            (Just(users.clone()), data_of(&users), operations_of(&users))
        }),
    ) {
        let Some(document) = stored(&users, &data) else { return Ok(()) };
        let body = json!({"schemas": [PATCH_OP], "Operations": operations});
        let (request, _) = PatchRequest::parse(body, Strict).unwrap();
        let strict = patch::apply(&document, &request, &users, Strict);
        let lenient = patch::apply(&document, &request, &users, Lenient);
        if let Ok(patched) = strict {
            let (put, _) = resource::replace(&document, patched.resource.clone(), &users, Strict).unwrap();
            prop_assert_eq!(&put, &patched.resource);
            prop_assert_eq!(patched.changed, patched.resource != document);
            let lenient = lenient.unwrap();
            prop_assert_eq!(lenient.resource, patched.resource);
            prop_assert_eq!(lenient.repairs, Vec::<String>::new());
        }
    }

    #[test]
    fn comparisons_keep_the_laws_of_logic_and_order(
        (users, data, filter) in users().prop_flat_map(|users| {
            (Just(users.clone()), data_of(&users), comparison_of(&users))
        }),
    ) {
        let Some(document) = stored(&users, &data) else { return Ok(()) };
        let Some(found) = matches(&filter, &document, &users) else { return Ok(()) };
        prop_assert_eq!(matches(&format!("not ({filter})"), &document, &users), Some(!found));
        let printed = filter::parse(&filter).unwrap().to_string();
        prop_assert_eq!(matches(&printed, &document, &users), Some(found));
        let mut words = filter.splitn(3, ' ');
        let (path, _, Some(value)) = (words.next().unwrap(), words.next(), words.next()) else { return Ok(()) };
        let holds = |op: &str| matches(&format!("{path} {op} {value}"), &document, &users);
        let present = matches(&format!("{path} pr"), &document, &users);
        prop_assert!(holds("eq") != Some(true) || present == Some(true));
        if let (Some(less), Some(greater)) = (holds("lt"), holds("gt")) {
            let equal = holds("eq").unwrap();
            prop_assert_eq!(holds("le"), Some(less || equal));
            prop_assert_eq!(holds("ge"), Some(greater || equal));
        }
    }

    #[test]
    fn projections_show_what_was_asked_for_and_nothing_hidden((users, data, _) in with_documents()) {
        let Some(mut document) = stored(&users, &data) else { return Ok(()) };
        document["id"] = json!("u1");
        let shown = |only: Option<&str>, without: Option<&str>, document: &Value| {
            Projection::parse(only, without, &users).unwrap().apply(document.clone())
        };
        let all = shown(None, None, &document);
        prop_assert_eq!(shown(None, None, &all), all.clone());
        for attribute in &extension(&users).attributes {
            let name = format!("{URN}:{}", attribute.name);
            let of = |resource: &Value| resource.get(URN).and_then(|data| data.get(&attribute.name)).cloned();
            if attribute.returned == Returned::Request {
                prop_assert_eq!(of(&all), None);
            }
            if attribute.returned != Returned::Always {
                prop_assert_eq!(of(&shown(None, Some(&name), &document)), None);
                prop_assert_eq!(of(&shown(Some("userName"), None, &document)), None);
            }
            if attribute.sub_attributes.is_empty() {
                prop_assert_eq!(of(&shown(Some(&name), None, &document)), of(&document));
            }
            for only in [name.to_uppercase(), name] {
                let shown = shown(Some(&only), None, &document);
                prop_assert_eq!((&shown["id"], &shown["schemas"]), (&document["id"], &document["schemas"]));
                prop_assert_eq!(shown.get("userName"), None);
            }
        }
    }

    #[test]
    fn sorting_is_an_order((users, left, right) in with_documents()) {
        let documents: Option<Vec<Value>> = [left, right].iter().map(|data| stored(&users, data)).collect();
        let Some(documents) = documents else { return Ok(()) };
        for attribute in &extension(&users).attributes {
            let path = format!("{URN}:{}", attribute.name);
            let Ok(Some(sort)) = Sort::parse(Some(&path), None, &users) else { continue };
            let one = sort.compare(&documents[0], &documents[1]);
            prop_assert_eq!(one, sort.compare(&documents[1], &documents[0]).reverse());
            prop_assert!(sort.compare(&documents[0], &documents[0]).is_eq());
        }
    }
}

#[test]
fn numbers_keep_their_value_to_the_last_digit() {
    let definition = json!({"id": URN, "attributes": [
        {"name": "level", "type": "integer"}, {"name": "share", "type": "decimal"},
    ]});
    let users = &ResourceTypes::extended(vec![Schema::from_definition(&definition).unwrap()], vec![]).user;
    for (level, share) in [
        ("9223372036854775807", "19.99"),
        ("18446744073709551615", "0.1"),
        ("-9223372036854775808", "1.7976931348623157e+308"),
        ("9007199254740993", "2.2250738585072014e-308"),
        ("0", "7"),
    ] {
        let sent = format!(
            "{{\"schemas\":[\"{USER}\"],\"userName\":\"ann\",\"{URN}\":{{\"level\":{level},\"share\":{share}}}}}"
        );
        let body: Value = serde_json::from_str(&sent).unwrap();
        let (document, _) = resource::from_request(body, users, Strict).unwrap();
        assert_eq!(document[URN].to_string(), format!("{{\"level\":{level},\"share\":{share}}}"));
    }
    // What has no exact value here is refused, and not rounded.
    for level in ["18446744073709551616", "1.5", "1e30"] {
        let body: Map<String, Value> =
            serde_json::from_str(&format!("{{\"userName\":\"ann\",\"{URN}\":{{\"level\":{level}}}}}"))
                .unwrap();
        assert_eq!(
            resource::from_request(Value::Object(body), users, Lenient).unwrap_err().status,
            400,
            "{level}"
        );
    }
}
