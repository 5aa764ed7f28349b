//! Laws that hold for any document and request: of PATCH, of filters, and of projection.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use proptest::prelude::*;
use proptest::sample::select;
use scim_protocol::Strictness::{self, Lenient, Strict};
use scim_protocol::error::ScimError;
use scim_protocol::filter;
use scim_protocol::patch::{self, PATCH_OP, PatchRequest, Patched};
use scim_protocol::projection::Projection;
use scim_protocol::resource;
use scim_protocol::schema::{ENTERPRISE_USER, USER, user};
use serde_json::{Map, Value, json};

const TYPES: [&str; 4] = ["work", "Work", "home", "other"];

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(vec!["a", "A", "b", "ab", "é", "e\u{301}", "straße", "STRASSE"]).prop_map(str::to_owned),
        1 => "[a-zA-Z \"\\\\]{1,5}[a-z]",
    ]
}

fn element() -> impl Strategy<Value = Value> {
    (word(), proptest::option::of(select(TYPES.to_vec())), proptest::option::of(word())).prop_map(
        |(value, kind, display)| {
            let mut element = Map::from_iter([("value".to_owned(), json!(value))]);
            element.extend(kind.map(|kind| ("type".to_owned(), json!(kind))));
            element.extend(display.map(|display| ("display".to_owned(), json!(display))));
            Value::Object(element)
        },
    )
}

/// A user in stored form.
fn stored() -> impl Strategy<Value = Value> {
    let optional = || proptest::option::of(word());
    let emails = proptest::collection::vec(element(), 0..4);
    (word(), optional(), optional(), optional(), proptest::option::of(any::<bool>()), emails, optional())
        .prop_map(|(name, title, given, family, active, emails, department)| {
            let body = json!({
                "schemas": [USER],
                "userName": name,
                "title": title,
                "name": {"givenName": given, "familyName": family},
                "active": active,
                "emails": emails,
                ENTERPRISE_USER: {"department": department},
            });
            resource::from_request(body, user(), Strict).unwrap().0
        })
}

/// Operations that the standard allows.
fn operation() -> impl Strategy<Value = Value> {
    let path = select(vec!["title", "name.givenName", "name.familyName", "displayName", "userName"]);
    let department = format!("{ENTERPRISE_USER}:department");
    prop_oneof![
        (select(vec!["add", "replace"]), path, word())
            .prop_map(|(op, path, value)| json!({"op": op, "path": path, "value": value})),
        (select(vec!["add", "replace"]), proptest::collection::vec(element(), 0..3))
            .prop_map(|(op, value)| json!({"op": op, "path": "emails", "value": value})),
        removal(),
        (select(vec!["value", "type", "display"]), word()).prop_map(
            |(sub, value)| json!({"op": "replace", "path": format!("emails.{sub}"), "value": value})
        ),
        (select(TYPES.to_vec()), word()).prop_map(
            |(kind, value)| json!({"op": "replace", "path": format!("emails[type eq \"{kind}\"].value"), "value": value})
        ),
        any::<bool>().prop_map(|active| json!({"op": "replace", "value": {"active": active}})),
        (word(), word()).prop_map(
            |(given, family)| json!({"op": "replace", "path": "name", "value": {"givenName": given, "familyName": family}})
        ),
        word().prop_map(move |value| json!({"op": "add", "path": department, "value": value})),
    ]
}

fn removal() -> impl Strategy<Value = Value> {
    let paths = [
        "title",
        "name",
        "name.givenName",
        "emails",
        "emails.value",
        "emails.type",
        "active",
        ENTERPRISE_USER,
    ];
    prop_oneof![
        select(paths.to_vec()).prop_map(|path| json!({"op": "remove", "path": path})),
        select(TYPES.to_vec())
            .prop_map(|kind| json!({"op": "remove", "path": format!("emails[type eq \"{kind}\"]")})),
    ]
}

/// Operations that say what is to be, so that saying it again changes nothing.
fn repeatable() -> impl Strategy<Value = Value> {
    prop_oneof![
        removal(),
        (select(vec!["title", "name.givenName", "displayName"]), word())
            .prop_map(|(path, value)| json!({"op": "replace", "path": path, "value": value})),
        proptest::collection::vec(element(), 0..3)
            .prop_map(|value| json!({"op": "replace", "path": "emails", "value": value})),
        any::<bool>().prop_map(|active| json!({"op": "replace", "value": {"active": active}})),
    ]
}

fn apply(stored: &Value, operations: &[Value], strictness: Strictness) -> Result<Patched, ScimError> {
    let body = json!({"schemas": [PATCH_OP], "Operations": operations});
    let (request, repairs) = PatchRequest::parse(body, strictness)?;
    assert!(repairs.is_empty(), "a standard message was repaired: {repairs:?}");
    patch::apply(stored, &request, user(), strictness)
}

fn matches(text: &str, document: &Value) -> bool {
    let filter = filter::parse(text).unwrap();
    filter.check(user(), Strict).unwrap();
    filter.matches(document, user())
}

/// Comparisons, each with words that some documents hold.
fn comparison() -> impl Strategy<Value = String> {
    let path = select(vec![
        "userName".to_owned(),
        "title".to_owned(),
        "name.givenName".to_owned(),
        "emails.value".to_owned(),
        "emails.type".to_owned(),
        format!("{ENTERPRISE_USER}:department"),
    ]);
    let op = select(vec!["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]);
    prop_oneof![
        6 => (path.clone(), op, word()).prop_map(|(path, op, value)| format!("{path} {op} {}", json!(value))),
        1 => path.prop_map(|path| format!("{path} pr")),
        1 => any::<bool>().prop_map(|active| format!("active eq {active}")),
    ]
}

fn single_valued() -> impl Strategy<Value = &'static str> {
    select(vec!["userName", "title", "name.givenName", "name.familyName"])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_patch_is_a_put_of_its_result(
        document in stored(),
        operations in proptest::collection::vec(operation(), 1..5),
    ) {
        let Ok(patched) = apply(&document, &operations, Strict) else { return Ok(()) };
        let (mut put, _) = resource::replace(&document, patched.resource.clone(), user(), Strict).unwrap();
        // A PUT that leaves `active` out leaves it alone.
        if patched.resource.get("active").is_none() {
            put.as_object_mut().unwrap().shift_remove("active");
        }
        prop_assert_eq!(put, patched.resource);
    }

    #[test]
    fn a_standard_patch_is_the_same_when_dialects_are_repaired(
        document in stored(),
        operations in proptest::collection::vec(operation(), 1..5),
    ) {
        let Ok(strict) = apply(&document, &operations, Strict) else { return Ok(()) };
        let lenient = apply(&document, &operations, Lenient).unwrap();
        prop_assert_eq!(lenient.resource, strict.resource);
        prop_assert_eq!(lenient.repairs, Vec::<String>::new());
    }

    #[test]
    fn replacing_and_removing_twice_is_doing_it_once(
        document in stored(),
        operations in proptest::collection::vec(repeatable(), 1..4),
    ) {
        let once = apply(&document, &operations, Strict).unwrap();
        let twice = apply(&once.resource, &operations, Strict).unwrap();
        prop_assert_eq!(&twice.resource, &once.resource);
        prop_assert!(!twice.changed);
    }

    #[test]
    fn a_failing_operation_undoes_those_before_it(
        document in stored(),
        operations in proptest::collection::vec(operation(), 0..4),
    ) {
        let mut failing = operations.clone();
        failing.push(json!({"op": "remove", "path": "userName"}));
        prop_assert!(apply(&document, &failing, Strict).is_err());
        prop_assert!(apply(&document, &failing, Lenient).is_err());
    }

    #[test]
    fn negating_twice_is_not_negating(document in stored(), filter in comparison()) {
        prop_assert_eq!(matches(&format!("not (not ({filter}))"), &document), matches(&filter, &document));
        prop_assert_ne!(matches(&format!("not ({filter})"), &document), matches(&filter, &document));
    }

    #[test]
    fn the_laws_of_de_morgan_hold(document in stored(), left in comparison(), right in comparison()) {
        let both = matches(&format!("not ({left} and {right})"), &document);
        prop_assert_eq!(both, matches(&format!("not ({left}) or not ({right})"), &document));
        let either = matches(&format!("not ({left} or {right})"), &document);
        prop_assert_eq!(either, matches(&format!("not ({left}) and not ({right})"), &document));
    }

    #[test]
    fn and_binds_tighter_than_or(
        document in stored(),
        first in comparison(),
        second in comparison(),
        third in comparison(),
    ) {
        let expected = matches(&first, &document)
            || (matches(&second, &document) && matches(&third, &document));
        prop_assert_eq!(matches(&format!("{first} or {second} and {third}"), &document), expected);
    }

    #[test]
    fn operators_of_a_single_value_agree(document in stored(), path in single_valued(), word in word()) {
        let holds = |op: &str| matches(&format!("{path} {op} {}", json!(word)), &document);
        let present = matches(&format!("{path} pr"), &document);
        prop_assert_eq!(holds("ne"), !holds("eq"));
        prop_assert_eq!(holds("ge"), holds("gt") || holds("eq"));
        prop_assert_eq!(holds("le"), holds("lt") || holds("eq"));
        prop_assert_eq!(holds("lt") || holds("eq") || holds("gt"), present);
        prop_assert!(!holds("sw") || holds("co"));
        prop_assert!(!holds("ew") || holds("co"));
        prop_assert_eq!(matches(&format!("{path} ne null"), &document), present);
        prop_assert_eq!(matches(&format!("{path} eq null"), &document), !present);
    }

    #[test]
    fn brackets_ask_one_element_what_dots_ask_any(
        document in stored(),
        op in select(vec!["eq", "co", "sw", "gt"]),
        word in word(),
        kind in select(TYPES.to_vec()),
    ) {
        let word = json!(word);
        let dotted = matches(&format!("emails.value {op} {word}"), &document);
        prop_assert_eq!(matches(&format!("emails[value {op} {word}]"), &document), dotted);
        let one = matches(&format!("emails[type eq \"{kind}\" and value {op} {word}]"), &document);
        let any = matches(&format!("emails.type eq \"{kind}\" and emails.value {op} {word}"), &document);
        prop_assert!(!one || any);
    }

    #[test]
    fn no_projection_takes_what_is_always_returned(
        document in stored(),
        names in proptest::collection::vec(
            select(vec!["id", "schemas", "userName", "name", "name.givenName", "emails.value", "meta", USER, ENTERPRISE_USER]),
            1..4,
        ),
    ) {
        let mut document = document;
        document["id"] = json!("u1");
        let names = names.join(",");
        for (only, without) in [(Some(names.as_str()), None), (None, Some(names.as_str()))] {
            let shown = Projection::parse(only, without, user()).unwrap().apply(document.clone());
            prop_assert_eq!(&shown["id"], &document["id"]);
            prop_assert_eq!(&shown["schemas"], &document["schemas"]);
        }
    }
}
