//! What holds whatever is asked.

use proptest::prelude::*;

use super::*;

fn any_operation() -> impl Strategy<Value = Value> {
    let word = "[a-cA-C]{1,3}";
    let typed = proptest::sample::select(vec!["work", "home", "Work"]);
    prop_oneof![
        (proptest::sample::select(vec!["add", "replace"]), proptest::sample::select(vec!["title", "userName", "name.givenName", "displayName"]), word)
            .prop_map(|(op, path, value)| json!({"op": op, "path": path, "value": value})),
        proptest::sample::select(vec!["title", "name", "name.familyName", "emails", "active", "emails[type eq \"work\"]", "emails.display"])
            .prop_map(|path| json!({"op": "remove", "path": path})),
        (proptest::sample::select(vec!["add", "replace"]), word, typed.clone(), any::<Option<bool>>())
            .prop_map(|(op, value, kind, primary)| json!({"op": op, "path": "emails", "value": [{"value": value, "type": kind, "primary": primary}]})),
        (word, typed).prop_map(|(value, kind)| json!({"op": "replace", "path": format!("emails[type eq \"{kind}\"].value"), "value": value})),
        any::<bool>().prop_map(|active| json!({"op": "replace", "value": {"active": active}})),
        word.prop_map(|value| json!({"op": "add", "value": {ENTERPRISE_USER: {"department": value}}})),
    ]
}

proptest! {
    #[test]
    fn a_patch_equals_a_put_of_its_result_and_repeats_without_change(
        operations in proptest::collection::vec(any_operation(), 1..6),
    ) {
        let outcome = try_patch(&stored(), Value::Array(operations.clone()), Lenient).unwrap();
        let (put, repairs) = resource::from_request(outcome.resource.clone(), user(), Strict).unwrap();
        prop_assert_eq!(&put, &outcome.resource);
        prop_assert!(repairs.is_empty());
        prop_assert_eq!(outcome.changed, outcome.resource != stored());
        let again = try_patch(&outcome.resource, json!([{"op": "replace", "value": outcome.resource}]), Strict).unwrap();
        prop_assert!(!again.changed);
    }

    #[test]
    fn no_path_makes_the_engine_panic(path in "[a-zA-Z.\\[\\]\" ():]{0,24}|\\PC{0,12}", text in "\\PC{0,8}") {
        for op in ["add", "replace", "remove"] {
            let operation = json!([{"op": op, "path": path, "value": text}]);
            for strictness in [Strict, Lenient] {
                if let Err(error) = try_patch(&stored(), operation.clone(), strictness) {
                    prop_assert_eq!(error.status, 400);
                }
            }
        }
    }
}
