use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[expect(clippy::needless_pass_by_value, reason = "a literal reads better at the call")]
fn request(operations: Value) -> BulkRequest {
    let body = json!({ "schemas": [BULK_REQUEST], "Operations": operations });
    BulkRequest::parse(body, Strictness::Lenient).unwrap()
}

#[expect(clippy::needless_pass_by_value, reason = "a literal reads better at the call")]
fn post(endpoint: &str, bulk_id: &str, data: Value) -> Value {
    json!({ "method": "POST", "path": endpoint, "bulkId": bulk_id, "data": data })
}

fn user(bulk_id: &str) -> Value {
    post("/Users", bulk_id, json!({ "userName": bulk_id }))
}

fn group(bulk_id: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": format!("bulkId:{id}") })).collect();
    post("/Groups", bulk_id, json!({ "displayName": bulk_id, "members": members }))
}

/// The steps in few words: `1`, `0 without b`, `0 gets b`, `0 refused`.
fn steps(operations: Value) -> Vec<String> {
    let steps = request(operations).steps().into_iter().map(|step| match step {
        Step::Perform(index) => index.to_string(),
        Step::PerformWithout(index, members) => format!("{index} without {}", members.join(" ")),
        Step::AddMembers(index, members) => format!("{index} gets {}", members.join(" ")),
        Step::Refuse(index) => format!("{index} refused"),
    });
    steps.collect()
}

#[expect(clippy::needless_pass_by_value, reason = "a literal reads better at the call")]
fn refusal(operation: Value) -> ScimError {
    request(json!([operation])).operations[0].call.clone().unwrap_err()
}

#[test]
fn operations_go_as_sent_and_a_post_before_what_refers_to_it() {
    assert_eq!(steps(json!([user("a"), group("g", &["a"]), user("b")])), ["0", "1", "2"]);
    let delete = json!({"method": "DELETE", "path": "/Users/1"});
    assert_eq!(steps(json!([delete, group("g", &["b", "a"]), user("a"), user("b")])), ["0", "2", "3", "1"]);
    // A chain, backwards.
    let chain = json!([group("g", &["h"]), group("h", &["i"]), group("i", &["a"]), user("a")]);
    assert_eq!(steps(chain), ["3", "2", "1", "0"]);
}

#[test]
fn references_are_found_in_paths_in_filters_of_paths_and_anywhere_in_data() {
    let patch = |path: &str, operation: Value| json!({"method": "PATCH", "path": path, "data": {"Operations": [operation]}});
    let remove = json!({"op": "remove", "path": "members[value eq \"bulkId:a\"]"});
    let manager = json!({"userName": "b", ENTERPRISE: {"manager": {"value": "bulkId:a"}}});
    for first in [
        patch("/Users/bulkId:a", json!({"op": "remove", "path": "title"})),
        patch("/Groups/1", remove),
        patch("/Groups/1", json!({"op": "add", "path": "members", "value": [{"value": "bulkId:a"}]})),
        patch("/Groups/1", json!({"op": "add", "value": {"members": ["bulkId:a"]}})),
        post("/Users", "b", manager),
        json!({"method": "PUT", "path": "/Groups/1", "data": {"members": [{"value": "bulkId:a"}]}}),
        json!({"method": "DELETE", "path": "Users/bulkId:a/"}),
    ] {
        assert_eq!(steps(json!([first, user("a")])), ["1", "0"], "{first}");
    }
    // A text that only holds the word is none.
    let mention = post("/Users", "b", json!({"userName": "b", "title": "see bulkId:a"}));
    assert_eq!(steps(json!([mention, user("a")])), ["0", "1"]);
}

const ENTERPRISE: &str = crate::schema::ENTERPRISE_USER;

#[test]
fn groups_that_hold_each_other_are_created_first_and_filled_afterwards() {
    let pair = json!([group("a", &["b"]), group("b", &["a"])]);
    assert_eq!(steps(pair), ["0 without b", "1 without a", "1 gets a", "0 gets b"]);
    assert_eq!(steps(json!([group("a", &["a"])])), ["0 without a", "0 gets a"]);
    // Who is in no circle is waited for as always.
    let mixed = json!([group("c", &["a"]), group("a", &["b", "u"]), group("b", &["a"]), user("u")]);
    assert_eq!(steps(mixed), ["3", "1 without b", "0", "2 without a", "2 gets a", "1 gets b"]);
    let triangle = json!([group("a", &["b"]), group("b", &["c"]), group("c", &["a"])]);
    let expected = ["0 without b", "1 without c", "0 gets b", "2 without a", "2 gets a", "1 gets c"];
    assert_eq!(steps(triangle), expected);
}

#[test]
fn a_circle_that_is_no_membership_is_refused_with_all_that_waits_for_it() {
    let boss = |id: &str, of: &str| {
        let manager = json!({"value": format!("bulkId:{of}")});
        post("/Users", id, json!({"userName": id, ENTERPRISE: {"manager": manager}}))
    };
    let pair = json!([boss("a", "b"), boss("b", "a"), group("g", &["a"]), user("u")]);
    let mut said = steps(pair);
    said.sort();
    assert_eq!(said, ["0 refused", "1 refused", "2 refused", "3"]);
    // A membership in the circle opens it, although the user must wait for the group.
    let half = json!([boss("a", "g"), group("g", &["a"])]);
    assert_eq!(steps(half), ["1 without a", "0", "1 gets a"]);
    let detour = json!([boss("a", "g"), group("g", &["b"]), boss("b", "a")]);
    assert_eq!(steps(detour), ["1 without b", "0", "2", "1 gets b"]);
}

#[test]
fn a_request_of_the_greatest_size_that_waits_for_itself_in_a_row_is_ordered() {
    let last = MAX_OPERATIONS - 1;
    let mut chain: Vec<Value> = (0..last).map(|n| group(&n.to_string(), &[&(n + 1).to_string()])).collect();
    chain.push(user(&last.to_string()));
    let steps = request(Value::Array(chain)).steps();
    assert_eq!(steps.first(), Some(&Step::Perform(last)));
    assert_eq!(steps.last(), Some(&Step::Perform(0)));
    assert_eq!(steps.len(), MAX_OPERATIONS);
}

#[test]
fn references_become_ids_and_those_to_nothing_are_409() {
    let operations = json!([
        {
            "method": "PATCH",
            "path": "/Groups/bulkId:g",
            "data": {"Operations": [
                {"op": "remove", "path": "members[value eq \"bulkId:a\"]"},
                {"op": "add", "path": "members", "value": [{"value": "bulkId:a"}, {"value": "7"}]},
            ]},
        },
        user("a"),
        group("g", &[]),
    ]);
    let request = request(operations);
    let call = request.operations[0].call.clone().unwrap();
    let mut created = Created::none_of(&request.operations);
    let refused = call.resolve(&created, &[]).unwrap_err();
    assert_eq!((refused.status, refused.detail.as_str()), (409, "bulkId:g was not created"));
    created.insert("a", "17".into());
    created.insert("g", "4".into());
    let resolved = call.resolve(&created, &[]).unwrap();
    assert_eq!(resolved.id.as_deref(), Some("4"));
    let expected = json!({"Operations": [
        {"op": "remove", "path": "members[value eq \"17\"]"},
        {"op": "add", "path": "members", "value": [{"value": "17"}, {"value": "7"}]},
    ]});
    assert_eq!(resolved.data, Some(expected));
    let stranger = Call { id: Some("bulkId:nobody".into()), ..call };
    assert!(stranger.resolve(&created, &[]).unwrap_err().detail.starts_with("No POST of this request"));
}

#[test]
fn members_that_come_later_are_left_out_and_no_others() {
    let request = request(json!([group("g", &["a", "b"]), user("a")]));
    let mut created = Created::none_of(&request.operations);
    created.insert("a", "17".into());
    let call = request.operations[0].call.clone().unwrap();
    let data = call.resolve(&created, &["b".into()]).unwrap().data.unwrap();
    assert_eq!(data["members"], json!([{"value": "17"}]));
}

#[test]
fn an_operation_that_cannot_be_read_is_an_error_of_its_own() {
    let data = json!({"userName": "a"});
    for operation in [
        json!({"method": "GET", "path": "/Users/1"}),
        json!({"path": "/Users/1"}),
        json!({"method": "POST", "path": "/Users", "data": data}),
        json!({"method": "POST", "path": "/Users", "bulkId": "", "data": data}),
        json!({"method": "POST", "path": "/Users", "bulkId": 1, "data": data}),
        json!({"method": "POST", "path": "/Users/1", "bulkId": "a", "data": data}),
        json!({"method": "POST", "path": "/Bulk", "bulkId": "a", "data": data}),
        json!({"method": "POST", "path": "/Users/.search", "bulkId": "a", "data": data}),
        json!({"method": "POST", "path": "/Users?attributes=id", "bulkId": "a", "data": data}),
        json!({"method": "POST", "path": "/Users", "bulkId": "a"}),
        json!({"method": "PUT", "path": "/Users", "data": data}),
        json!({"method": "PATCH", "path": "/Users/1", "data": []}),
        json!({"method": "DELETE", "path": "/Users"}),
        json!({"method": "DELETE", "path": "/Users/1", "version": 3}),
        json!({"method": "DELETE"}),
        json!("DELETE /Users/1"),
    ] {
        assert_eq!(refusal(operation.clone()).status, 400, "{operation}");
    }
    let read = request(json!([{"method": "delete", "path": "/Users/1", "version": "W/\"3\"", "data": null}]));
    let call = read.operations[0].call.clone().unwrap();
    assert_eq!((call.method, call.version.as_deref()), (Method::Delete, Some("W/\"3\"")));
    let body = json!({"schemas": [BULK_REQUEST], "Operations": [{"method": "delete", "path": "/Users/1"}]});
    let strict = BulkRequest::parse(body, Strictness::Strict).unwrap();
    assert!(strict.operations[0].call.is_err());
}

#[test]
fn a_message_of_another_form_is_refused_as_a_whole() {
    let refuse = |body: Value| BulkRequest::parse(body, Strictness::Lenient).unwrap_err().status;
    assert_eq!(refuse(json!([])), 400);
    assert_eq!(refuse(json!({"schemas": [BULK_REQUEST]})), 400);
    assert_eq!(refuse(json!({"schemas": [BULK_REQUEST], "Operations": []})), 400);
    assert_eq!(refuse(json!({"schemas": ["urn:other"], "Operations": [user("a")]})), 400);
    assert_eq!(refuse(json!({"Operations": [user("a"), user("a")]})), 400);
    assert_eq!(refuse(json!({"Operations": [user("a")], "failOnErrors": "often"})), 400);
    assert_eq!(refuse(json!({"Operations": vec![json!({}); MAX_OPERATIONS + 1]})), 413);
    let bare = json!({"Operations": [user("a")]});
    assert!(BulkRequest::parse(bare.clone(), Strictness::Strict).is_err());
    assert!(BulkRequest::parse(bare, Strictness::Lenient).is_ok());
}

#[test]
fn fail_on_errors_is_a_number_and_zero_is_no_limit() {
    let limit = |value: Value| {
        let body = json!({"Operations": [user("a")], "failOnErrors": value});
        BulkRequest::parse(body, Strictness::Lenient).unwrap().fail_on_errors
    };
    assert_eq!(limit(json!(3)), Some(3));
    assert_eq!(limit(json!(0)), None);
    assert_eq!(limit(Value::Null), None);
}

#[test]
fn a_result_has_its_status_as_a_string_and_the_error_where_it_failed() {
    let operation = &request(json!([user("a")])).operations[0];
    let made = Outcome {
        status: 201,
        location: Some("https://scim.example/v2/Users/1".into()),
        version: Some("W/\"1\"".into()),
        response: None,
    };
    let expected = json!({
        "location": "https://scim.example/v2/Users/1",
        "method": "POST",
        "bulkId": "a",
        "version": "W/\"1\"",
        "status": "201",
    });
    assert_eq!(operation.result(made), expected);
    let error = ScimError::uniqueness("taken");
    let expected = json!({"method": "POST", "bulkId": "a", "status": "409", "response": error.to_json()});
    assert_eq!(operation.result(Outcome::refused(&error, None)), expected);
}

/// Operations that refer to each other at random: users by `manager`, groups by members, changes by path.
fn tangled() -> impl Strategy<Value = Vec<Value>> {
    (2..9_usize).prop_flat_map(|count| {
        let references = prop::collection::vec(0..count, 0..4);
        let operations = prop::collection::vec((0..4_u8, references), count);
        operations.prop_map(|operations| {
            let written = operations.into_iter().enumerate().map(|(index, (kind, references))| {
                let name = index.to_string();
                let references: Vec<String> = references.iter().map(ToString::to_string).collect();
                let references: Vec<&str> = references.iter().map(String::as_str).collect();
                match (kind, references.first()) {
                    (0, Some(id)) => json!({"method": "DELETE", "path": format!("/Users/bulkId:{id}")}),
                    (1, Some(id)) => {
                        let manager = json!({"value": format!("bulkId:{id}")});
                        post("/Users", &name, json!({"userName": name, ENTERPRISE: {"manager": manager}}))
                    }
                    (2 | 3, _) => group(&name, &references),
                    _ => user(&name),
                }
            });
            written.collect()
        })
    })
}

proptest! {
    /// Each operation is performed or refused once; what is performed finds all that it refers to, and
    /// members that were left out come when they are there.
    #[test]
    fn whatever_refers_to_whatever_nothing_is_performed_before_what_it_needs(operations in tangled()) {
        let request = request(Value::Array(operations));
        let mut created = Created::none_of(&request.operations);
        let (mut done, mut refused, mut left_out) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        let mut failed: BTreeSet<String> = BTreeSet::new();
        for step in request.steps() {
            let (index, without) = match step {
                Step::Perform(index) => (index, Vec::new()),
                Step::PerformWithout(index, members) => {
                    left_out.push((index, members.clone()));
                    (index, members)
                }
                Step::Refuse(index) => {
                    prop_assert!(refused.insert(index));
                    continue;
                }
                Step::AddMembers(index, members) => {
                    prop_assert!(done.contains(&index) || refused.contains(&index));
                    for member in &members {
                        let known = created.id(member).is_ok() || failed.contains(member);
                        prop_assert!(known || refused.contains(&member.parse().unwrap()), "{member} later");
                    }
                    left_out.retain(|group| *group != (index, members.clone()));
                    continue;
                }
            };
            prop_assert!(done.insert(index), "performed twice");
            let operation = &request.operations[index];
            let call = operation.call.clone().unwrap();
            match (call.resolve(&created, &without), &operation.bulk_id) {
                (Ok(_), Some(id)) => created.insert(id, format!("id-{id}")),
                (Ok(_), None) => {}
                (Err(error), id) => {
                    // Some refer to a DELETE, which creates nothing, and others to those.
                    let lost = failed.iter().any(|id| error.detail == format!("bulkId:{id} was not created"));
                    prop_assert!(lost || error.detail.starts_with("No POST"), "{error} at {index}");
                    failed.extend(id.clone());
                }
            }
        }
        prop_assert_eq!(done.len() + refused.len(), request.operations.len());
        prop_assert!(done.is_disjoint(&refused));
        prop_assert!(left_out.is_empty(), "never given back: {left_out:?}");
    }
}
