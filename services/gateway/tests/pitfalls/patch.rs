//! PATCH (RFC 7644 §3.5.2).

use http::StatusCode;
use serde_json::{Value, json};

use crate::asking::{extend, values, with};
use crate::harness::{ENTERPRISE, Edge, Idp, USER, group, patch_op, user};
use crate::rules;

rules!(
    s44_the_message_and_its_operations_have_a_form,
    s45_all_operations_are_done_or_none,
    s46_what_changes_nothing_moves_nothing,
    s47_add_without_a_path_merges_and_adds_nothing_twice,
    s48_add_replaces_a_single_value_and_merges_a_complex_one,
    s49_replace_without_a_path_sets_each_and_lists_as_a_whole,
    s50_replace_of_what_is_absent_adds_it,
    s51_a_filter_without_a_match_is_no_target_unless_tolerated,
    s52_a_filter_changes_every_element_that_matches,
    s53_remove_needs_a_path_and_what_is_absent_may_be_removed,
    s54_a_list_that_is_emptied_is_unassigned,
    s55_what_is_required_or_ours_cannot_be_removed,
    s56_what_is_ours_is_refused_by_path_and_passed_over_in_a_value,
    s57_every_form_of_path_leads_where_it_says,
    s58_one_element_may_stand_for_a_list_and_a_list_of_one_for_its_element,
    s59_elements_are_selected_by_their_value_also_in_simple_lists,
    s60_rules_hold_after_the_last_operation,
    s61_a_version_that_is_gone_refuses_the_change,
);

fn ann() -> Value {
    json!({
        "externalId": "1", "title": "Chief", "active": true,
        "name": {"givenName": "Ann", "familyName": "A"},
        "emails": [
            {"value": "w@x", "type": "work", "primary": true}, {"value": "h@x", "type": "home"},
        ],
        ENTERPRISE: {"department": "Sales", "manager": {"value": "m"}},
    })
}

/// A new user to be changed; its path.
async fn subject(idp: &Idp, name: &str) -> String {
    format!("/Users/{}", idp.person(name, ann()).await)
}

/// RFC 7644 §3.5.2, and of the habits: `op` in capitals, a PATCH without `schemas`.
async fn s44_the_message_and_its_operations_have_a_form(edge: Edge) {
    let (tolerant, strict) = edge.tolerant_and_strict().await;
    for idp in [&tolerant, &strict] {
        let user_path = subject(idp, "ann").await;
        let group_path = format!("/Groups/{}", idp.group("Staff", &[]).await);
        let operation = json!({"op": "add", "path": "externalId", "value": "new"});
        for path in [user_path, group_path] {
            let before = idp.read(&path).await;
            let urn = patch_op(json!([]))["schemas"][0].clone();
            for body in [
                json!({"schemas": [USER], "Operations": [operation]}),
                json!({"schemas": [], "Operations": [operation]}),
                json!({"schemas": urn, "Operations": [operation]}),
                json!({"schemas": [5], "Operations": [operation]}),
                json!({"schemas": [urn]}),
                json!({"schemas": [urn], "Operations": []}),
                json!({"schemas": [urn], "Operations": null}),
                json!({"schemas": [urn], "Operations": operation}),
                json!({"schemas": [urn], "Operations": "add"}),
                json!({"schemas": [urn], "Operations": [operation, 5]}),
                json!({"schemas": [urn], "Operations": [[operation]]}),
                json!({"schemas": [urn], "Operations": [operation, {}]}),
                json!({"schemas": [urn], "Operations": [{"path": "title", "value": "x"}]}),
                json!({"schemas": [urn], "Operations": [operation, {"op": "move", "path": "title", "value": "x"}]}),
                json!({"schemas": [urn], "Operations": [{"op": "", "path": "title", "value": "x"}]}),
                json!({"schemas": [urn], "Operations": [{"op": null, "path": "title", "value": "x"}]}),
                json!({"schemas": [urn], "Operations": [{"op": ["add"], "path": "title", "value": "x"}]}),
                json!({"schemas": [urn], "Operations": [{"op": "add ", "path": "title", "value": "x"}]}),
                json!([operation]),
                json!("add"),
                json!(null),
            ] {
                let answer = idp.call("PATCH", &path, &[], body.to_string()).await;
                assert_eq!(
                    (answer.status.as_u16(), answer.scim_type()),
                    (400, "invalidSyntax"),
                    "{body}: {answer:?}"
                );
            }
            assert_eq!(idp.read(&path).await, before);
        }
    }
    for (idp, tolerated) in [(&tolerant, true), (&strict, false)] {
        let path = subject(idp, "bob").await;
        for (n, op) in ["Add", "REPLACE", "rEpLaCe"].into_iter().enumerate() {
            let answer =
                idp.patch(&path, json!([{"op": op, "path": "title", "value": format!("{n}")}])).await;
            if tolerated {
                assert_eq!(answer.ok()["title"], format!("{n}"));
            } else {
                answer.refused(400, "invalidSyntax");
            }
        }
        let bare = json!({"Operations": [{"op": "replace", "path": "title", "value": "bare"}]});
        let answer = idp.call("PATCH", &path, &[], bare.to_string()).await;
        if tolerated {
            assert_eq!(answer.ok()["title"], "bare");
        } else {
            answer.refused(400, "invalidSyntax");
            assert_eq!(idp.read(&path).await["title"], "Chief");
        }
        // The names of the message are attribute names, in any case.
        let odd = json!({"SCHEMAS": [patch_op(json!([]))["schemas"][0]],
            "operations": [{"OP": "replace", "Path": "title", "VALUE": "odd"}]});
        assert_eq!(idp.call("PATCH", &path, &[], odd.to_string()).await.ok()["title"], "odd");
        let upper = json!({"schemas": ["URN:IETF:PARAMS:SCIM:API:MESSAGES:2.0:PATCHOP"],
            "Operations": [{"op": "replace", "path": "title", "value": "upper"}]});
        assert_eq!(idp.call("PATCH", &path, &[], upper.to_string()).await.ok()["title"], "upper");
    }
}

/// RFC 7644 §3.5.2: a PATCH is atomic.
async fn s45_all_operations_are_done_or_none(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let path = subject(&idp, "ann").await;
        let before = idp.read(&path).await;
        for fails in [
            json!({"op": "replace", "path": "id", "value": "x"}),
            json!({"op": "replace", "path": "active", "value": "certainly"}),
            json!({"op": "replace", "path": "userName", "value": ""}),
            json!({"op": "replace", "path": "nothing.here", "value": 1}),
            json!({"op": "remove"}),
            json!({"op": "destroy", "path": "title"}),
        ] {
            let operations = json!([
                {"op": "replace", "path": "title", "value": "Clerk"},
                {"op": "remove", "path": "emails[type eq \"home\"]"},
                fails,
                {"op": "add", "path": "nickName", "value": "A"},
            ]);
            let answer = idp.patch(&path, operations).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{fails}: {answer:?}");
            assert_eq!(idp.read(&path).await, before, "{fails}");
        }
        let member = idp.user("member").await;
        let other = idp.user("other").await;
        let group_path = format!("/Groups/{}", idp.group("Staff", &[&member]).await);
        let before = idp.read(&group_path).await;
        let operations = json!([
            {"op": "add", "path": "members", "value": [{"value": other}]},
            {"op": "remove", "path": format!("members[value eq \"{member}\"]")},
            {"op": "replace", "path": "displayName", "value": " "},
        ]);
        idp.patch(&group_path, operations).await.refused(400, "invalidValue");
        assert_eq!(idp.read(&group_path).await, before);
        // A name that is taken is found out last of all, and still nothing is done.
        let operations = json!([
            {"op": "replace", "path": "title", "value": "Clerk"},
            {"op": "replace", "path": "userName", "value": "MEMBER"},
        ]);
        idp.patch(&path, operations).await.refused(409, "uniqueness");
        assert_eq!(idp.read(&path).await["title"], "Chief");
        // In order, each over what the one before left.
        let operations = json!([
            {"op": "replace", "path": "title", "value": "one"},
            {"op": "remove", "path": "emails"},
            {"op": "add", "path": "emails", "value": [{"value": "n@x", "type": "work"}]},
            {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "m@x"},
            {"op": "replace", "path": "title", "value": "two"},
        ]);
        let after = idp.patch(&path, operations).await.ok();
        assert_eq!(
            (&after["title"], &after["emails"]),
            (&json!("two"), &json!([{"value": "m@x", "type": "work"}]))
        );
    }
}

/// RFC 7644 §3.5.2 allows 200 and 204. Our choice: 200 with the resource, also when nothing changed.
async fn s46_what_changes_nothing_moves_nothing(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let path = subject(&idp, "ann").await;
        let before = idp.get(&path).await;
        edge.clock.advance(std::time::Duration::from_mins(1));
        for same in [
            json!({"op": "replace", "path": "title", "value": "Chief"}),
            json!({"op": "add", "path": "title", "value": "Chief"}),
            json!({"op": "replace", "value": ann()}),
            json!({"op": "add", "value": ann()}),
            json!({"op": "add", "path": "emails", "value": [{"value": "h@x", "type": "home"}]}),
            json!({"op": "remove", "path": "nickName"}),
            json!({"op": "remove", "path": "emails[type eq \"other\"]"}),
            json!({"op": "replace", "path": "name", "value": {"givenName": "Ann"}}),
            json!({"op": "add", "value": {}}),
        ] {
            let answer = idp.patch(&path, json!([same])).await;
            assert_eq!(answer.header("etag"), before.header("etag"), "{same}");
            assert_eq!(answer.ok(), before.body, "{same}");
        }
        let there_and_back = json!([
            {"op": "replace", "path": "title", "value": "Clerk"},
            {"op": "replace", "path": "title", "value": "Chief"},
        ]);
        assert_eq!(idp.patch(&path, there_and_back).await.ok(), before.body);
        let changed = idp.patch(&path, json!([{"op": "replace", "path": "title", "value": "CHIEF"}])).await;
        assert_ne!(changed.header("etag"), before.header("etag"), "case is a change");
        let changed = changed.ok();
        assert!(changed["meta"]["lastModified"].as_str() > before.body["meta"]["lastModified"].as_str());
        assert_eq!(changed["meta"]["created"], before.body["meta"]["created"]);
        assert_eq!(idp.read(&path).await, changed);
    }
}

/// RFC 7644 §3.5.2.1.
async fn s47_add_without_a_path_merges_and_adds_nothing_twice(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let path = subject(&idp, "ann").await;
        let value = json!({
            "nickName": "A", "title": "Clerk", "name": {"middleName": "M"},
            "emails": [{"value": "h@x", "type": "home"}, {"value": "new@x", "type": "other"}],
            ENTERPRISE: {"costCenter": "4"},
        });
        let mut expected = ann();
        extend(
            &mut expected,
            json!({
                "nickName": "A", "title": "Clerk",
                "name": {"givenName": "Ann", "familyName": "A", "middleName": "M"},
                "emails": [
                    {"value": "w@x", "type": "work", "primary": true}, {"value": "h@x", "type": "home"},
                    {"value": "new@x", "type": "other"},
                ],
                ENTERPRISE: {"department": "Sales", "manager": {"value": "m"}, "costCenter": "4"},
            }),
        );
        let after = idp.patch(&path, json!([{"op": "add", "value": value}])).await.ok();
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(after[name], *value, "{name}");
        }
        assert_eq!(
            idp.patch(&path, json!([{"op": "add", "value": value}])).await.ok(),
            after,
            "nothing twice"
        );
        let same = [
            json!({"value": "H@X", "type": "HOME"}),
            json!([{"value": "new@x", "type": "other"}, {"value": "new@x", "type": "other"}]),
        ];
        for value in same {
            let answer =
                idp.patch(&path, json!([{"op": "add", "path": "emails", "value": value}])).await.ok();
            assert_eq!(answer["emails"].as_array().unwrap().len(), 3, "{value}");
        }
        // Another type makes another element.
        let other = json!([{"op": "add", "path": "emails", "value": [{"value": "new@x", "type": "work"}]}]);
        assert_eq!(idp.patch(&path, other).await.ok()["emails"].as_array().unwrap().len(), 4);
        for wrong in [json!("text"), json!(5), json!([{"title": "x"}]), json!(null)] {
            idp.patch(&path, json!([{"op": "add", "value": wrong}])).await.refused(400, "invalidValue");
        }
        idp.patch(&path, json!([{"op": "add"}])).await.refused(400, "invalidValue");
    }
}

/// RFC 7644 §3.5.2.1.
async fn s48_add_replaces_a_single_value_and_merges_a_complex_one(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let path = subject(&idp, "ann").await;
        let add = |path: &str, value: Value| json!({"op": "add", "path": path, "value": value});
        let title =
            [(add("title", json!("Clerk")), json!("Clerk")), (add("title", json!("Boss")), json!("Boss"))];
        idp.patches(&path, "title", &title).await;
        idp.patches(&path, "active", &[(add("active", json!(false)), json!(false))]).await;
        let name = [
            (
                add("name", json!({"middleName": "M"})),
                json!({"givenName": "Ann", "familyName": "A", "middleName": "M"}),
            ),
            (
                add("name", json!({"givenName": "B"})),
                json!({"givenName": "B", "familyName": "A", "middleName": "M"}),
            ),
            (
                add("name.givenName", json!("C")),
                json!({"givenName": "C", "familyName": "A", "middleName": "M"}),
            ),
            (add("name", json!({})), json!({"givenName": "C", "familyName": "A", "middleName": "M"})),
        ];
        idp.patches(&path, "name", &name).await;
        let manager = [
            (
                add(&format!("{ENTERPRISE}:manager"), json!({"$ref": "https://x/m"})),
                json!({"department": "Sales", "manager": {"value": "m", "$ref": "https://x/m"}}),
            ),
            (
                add(&format!("{ENTERPRISE}:manager.value"), json!("n")),
                json!({"department": "Sales", "manager": {"value": "n", "$ref": "https://x/m"}}),
            ),
            (
                add(ENTERPRISE, json!({"division": "D"})),
                json!({"department": "Sales", "manager": {"value": "n", "$ref": "https://x/m"}, "division": "D"}),
            ),
        ];
        idp.patches(&path, ENTERPRISE, &manager).await;
    }
}

/// RFC 7644 §3.5.2.3.
async fn s49_replace_without_a_path_sets_each_and_lists_as_a_whole(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let path = subject(&idp, "ann").await;
        let value = json!({
            "title": "Clerk", "nickName": "A", "name": {"givenName": "B"},
            "emails": [{"value": "only@x", "type": "home"}], ENTERPRISE: {"manager": {"value": "n"}},
        });
        let after = idp.patch(&path, json!([{"op": "replace", "value": value}])).await.ok();
        assert_eq!((&after["title"], &after["nickName"]), (&json!("Clerk"), &json!("A")));
        assert_eq!(after["name"], json!({"givenName": "B", "familyName": "A"}), "only what is given");
        assert_eq!(after["emails"], json!([{"value": "only@x", "type": "home"}]), "a list as a whole");
        assert_eq!(after[ENTERPRISE], json!({"department": "Sales", "manager": {"value": "n"}}));
        assert_eq!((&after["externalId"], &after["active"]), (&json!("1"), &json!(true)), "the rest stays");
        let replace = |path: &str, value: Value| json!({"op": "replace", "path": path, "value": value});
        let name = [
            (replace("name", json!({"familyName": "B"})), json!({"givenName": "B", "familyName": "B"})),
            (
                replace("name", json!({"givenName": null, "middleName": "M"})),
                json!({"familyName": "B", "middleName": "M"}),
            ),
        ];
        idp.patches(&path, "name", &name).await;
        let emails = [
            (
                replace("emails", json!([{"value": "1@x"}, {"value": "2@x"}])),
                json!([{"value": "1@x"}, {"value": "2@x"}]),
            ),
            (replace("emails", json!([{"value": "2@x"}])), json!([{"value": "2@x"}])),
            (
                replace("emails[value eq \"2@x\"]", json!({"value": "3@x", "type": "work"})),
                json!([{"value": "3@x", "type": "work"}]),
            ),
            (replace("emails[value eq \"3@x\"]", json!({"value": "3@x"})), json!([{"value": "3@x"}])),
        ];
        idp.patches(&path, "emails", &emails).await;
    }
}

/// RFC 7644 §3.5.2.3.
async fn s50_replace_of_what_is_absent_adds_it(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let path = format!("/Users/{}", idp.user("ann").await);
        for (path_of, value, attribute, expected) in [
            ("title", json!("Chief"), "title", json!("Chief")),
            ("active", json!(false), "active", json!(false)),
            ("name.givenName", json!("Ann"), "name", json!({"givenName": "Ann"})),
            ("emails", json!([{"value": "a@x"}]), "emails", json!([{"value": "a@x"}])),
            (&format!("{ENTERPRISE}:department"), json!("Sales"), ENTERPRISE, json!({"department": "Sales"})),
            (
                &format!("{ENTERPRISE}:manager.value"),
                json!("m"),
                ENTERPRISE,
                json!({"department": "Sales", "manager": {"value": "m"}}),
            ),
            ("phoneNumbers", json!({"value": "1"}), "phoneNumbers", json!([{"value": "1"}])),
        ] {
            let step = json!({"op": "replace", "path": path_of, "value": value});
            idp.patches(&path, attribute, &[(step, expected)]).await;
        }
        let whole = json!({"op": "replace", "value": {"nickName": "A", "roles": [{"value": "admin"}]}});
        idp.patches(&path, "roles", &[(whole, json!([{"value": "admin"}]))]).await;
    }
}

/// RFC 7644 §3.5.2.3; Entra relies on the element being made.
async fn s51_a_filter_without_a_match_is_no_target_unless_tolerated(edge: Edge) {
    let (tolerant, strict) = edge.tolerant_and_strict().await;
    let step = |op: &str, path: &str, value: Value| json!({"op": op, "path": path, "value": value});
    let unmatched = [
        step("replace", "emails[type eq \"work\"].value", json!("a@x")),
        step("add", "emails[type eq \"work\"].value", json!("a@x")),
        step("replace", "emails[type eq \"work\" and primary eq true].value", json!("a@x")),
        step("replace", "addresses[type eq \"work\"].locality", json!("Bern")),
        step("replace", "phoneNumbers[type eq \"mobile\"]", json!({"value": "1"})),
    ];
    let path = format!("/Users/{}", strict.user("ann").await);
    let cases: Vec<(Value, &str)> = unmatched.iter().map(|step| (step.clone(), "noTarget")).collect();
    strict.refuses_operations(&path, &cases).await;
    for (operation, (attribute, expected)) in unmatched.iter().zip([
        ("emails", json!([{"type": "work", "value": "a@x"}])),
        ("emails", json!([{"type": "work", "value": "a@x"}])),
        ("emails", json!([{"type": "work", "primary": true, "value": "a@x"}])),
        ("addresses", json!([{"type": "work", "locality": "Bern"}])),
        ("phoneNumbers", json!([{"type": "mobile", "value": "1"}])),
    ]) {
        let path = format!("/Users/{}", tolerant.user("made").await);
        tolerant.patches(&path, attribute, &[(operation.clone(), expected)]).await;
        tolerant.delete(&path).await;
    }
    // Beside what is there, which stays; and only where the filter says what the element would be.
    let path = subject(&tolerant, "ann").await;
    let made = json!([
        {"value": "w@x", "type": "work", "primary": true}, {"value": "h@x", "type": "home"}, {"type": "other", "value": "o@x"},
    ]);
    tolerant
        .patches(&path, "emails", &[(step("replace", "emails[type eq \"other\"].value", json!("o@x")), made)])
        .await;
    let unclear = [
        (step("replace", "emails[type sw \"x\"].value", json!("a@x")), "noTarget"),
        (step("replace", "emails[not (type pr)].value", json!("a@x")), "noTarget"),
        (step("replace", "emails[type eq \"x\" or type eq \"y\"].value", json!("a@x")), "noTarget"),
        (step("replace", "emails[type eq null].value", json!("a@x")), "noTarget"),
        (step("replace", "emails[type eq \"x\" and type eq \"y\"].value", json!("a@x")), "noTarget"),
    ];
    tolerant.refuses_operations(&path, &unclear).await;
    // Nobody becomes a member by a change of members.
    let group_path = format!("/Groups/{}", tolerant.group("Staff", &[]).await);
    let stranger = format!("members[value eq \"{}\"].display", path.trim_start_matches("/Users/"));
    let answer = tolerant.patch(&group_path, json!([step("replace", &stranger, json!("Ann"))])).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
    assert_eq!(tolerant.read(&group_path).await.get("members"), None);
}

/// RFC 7644 §3.5.2.3.
async fn s52_a_filter_changes_every_element_that_matches(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let emails = json!([
            {"value": "1@x", "type": "work"}, {"value": "2@x", "type": "home"}, {"value": "3@x", "type": "work"},
        ]);
        let path = format!("/Users/{}", idp.person("ann", json!({"emails": emails})).await);
        let step = |op: &str, path: &str, value: Value| json!({"op": op, "path": path, "value": value});
        let steps = [
            (
                step("replace", "emails[type eq \"work\"].display", json!("W")),
                json!([
                    {"value": "1@x", "type": "work", "display": "W"}, {"value": "2@x", "type": "home"},
                    {"value": "3@x", "type": "work", "display": "W"},
                ]),
            ),
            (
                step("add", "emails[type eq \"work\" or value eq \"2@x\"]", json!({"display": "all"})),
                json!([
                    {"value": "1@x", "type": "work", "display": "all"}, {"value": "2@x", "type": "home", "display": "all"},
                    {"value": "3@x", "type": "work", "display": "all"},
                ]),
            ),
            (
                step("replace", "emails[not (type eq \"home\")].type", json!("other")),
                json!([
                    {"value": "1@x", "type": "other", "display": "all"}, {"value": "2@x", "type": "home", "display": "all"},
                    {"value": "3@x", "type": "other", "display": "all"},
                ]),
            ),
            (
                step("remove", "emails[display eq \"ALL\"].display", json!(null)),
                json!([{"value": "1@x", "type": "other"}, {"value": "2@x", "type": "home"}, {"value": "3@x", "type": "other"}]),
            ),
            (
                step("replace", "emails.type", json!("all")),
                json!([{"value": "1@x", "type": "all"}, {"value": "2@x", "type": "all"}, {"value": "3@x", "type": "all"}]),
            ),
            (
                step("remove", "emails[value eq \"1@x\" or value eq \"3@x\"]", json!(null)),
                json!([{"value": "2@x", "type": "all"}]),
            ),
        ];
        idp.patches(&path, "emails", &steps).await;
    }
}

/// RFC 7644 §3.5.2.2.
async fn s53_remove_needs_a_path_and_what_is_absent_may_be_removed(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let path = subject(&idp, "ann").await;
        let group_path = format!("/Groups/{}", idp.group("Staff", &[]).await);
        let before = idp.read(&path).await;
        for operation in [
            json!({"op": "remove"}),
            json!({"op": "remove", "path": null}),
            json!({"op": "remove", "value": {"title": "Chief"}}),
        ] {
            idp.patch(&path, json!([operation])).await.refused(400, "noTarget");
            idp.patch(&group_path, json!([operation])).await.refused(400, "noTarget");
        }
        for absent in [
            "nickName",
            "name.middleName",
            "roles",
            "roles[value eq \"x\"]",
            "emails[type eq \"other\"]",
            "emails[type eq \"other\"].value",
            "emails[type eq \"work\"].display",
            "addresses[type eq \"work\"].locality",
            &format!("{ENTERPRISE}:division"),
            "phoneNumbers.type",
        ] {
            let answer = idp.patch(&path, json!([{"op": "remove", "path": absent}])).await;
            assert_eq!(answer.status, StatusCode::OK, "{absent}: {answer:?}");
            assert_eq!(answer.body, before, "{absent}");
        }
        for absent in ["members", "externalId", "members[value eq \"x\"]"] {
            let answer = idp.patch(&group_path, json!([{"op": "remove", "path": absent}])).await;
            assert_eq!((answer.status, answer.header("etag")), (StatusCode::OK, "W/\"1\""), "{absent}");
        }
    }
}

/// RFC 7644 §3.5.2.2: as if the attribute had never had a value.
async fn s54_a_list_that_is_emptied_is_unassigned(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let path = subject(&idp, "ann").await;
        let remove = |path: &str| json!({"op": "remove", "path": path});
        let steps = [
            (remove("emails[type eq \"work\"]"), json!([{"value": "h@x", "type": "home"}])),
            (remove("emails[type eq \"home\"]"), json!(null)),
        ];
        idp.patches(&path, "emails", &steps).await;
        idp.finds(&[("emails pr", &[]), ("emails eq null", &["ann"]), ("emails eq \"h@x\"", &[])]).await;
        let roles = json!({"op": "add", "path": "roles", "value": [{"value": "a"}, {"value": "b"}]});
        idp.patches(
            &path,
            "roles",
            &[
                (roles, json!([{"value": "a"}, {"value": "b"}])),
                (remove("roles[value pr].value"), json!(null)),
            ],
        )
        .await;
        let name = [
            (remove("name.givenName"), json!({"familyName": "A"})),
            (remove("name.familyName"), json!(null)),
        ];
        idp.patches(&path, "name", &name).await;
        let extension = [
            (remove(&format!("{ENTERPRISE}:manager.value")), json!({"department": "Sales"})),
            (remove(&format!("{ENTERPRISE}:department")), json!(null)),
        ];
        idp.patches(&path, ENTERPRISE, &extension).await;
        let read = idp.read(&path).await;
        assert!(
            ["emails", "roles", "name", ENTERPRISE].iter().all(|name| read.get(name).is_none()),
            "{read}"
        );
        assert_eq!(read["schemas"], json!([USER]));
        let member = idp.user("member").await;
        let group_path = format!("/Groups/{}", idp.group("Staff", &[&member]).await);
        let emptied =
            idp.patch(&group_path, json!([remove(&format!("members[value eq \"{member}\"]"))])).await.ok();
        assert_eq!(emptied.get("members"), None);
        assert!(idp.find("/Groups", "members pr").await.ids().is_empty());
    }
}

/// RFC 7644 §3.5.2.2.
async fn s55_what_is_required_or_ours_cannot_be_removed(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let path = subject(&idp, "ann").await;
        let id = path.trim_start_matches("/Users/").to_owned();
        let group_path = format!("/Groups/{}", idp.group("Staff", &[&id]).await);
        let removals = |paths: &[&str]| -> Vec<(Value, &'static str)> {
            paths.iter().map(|path| (json!({"op": "remove", "path": path}), "mutability")).collect()
        };
        let of_users = removals(&[
            "userName",
            "USERNAME",
            &format!("{USER}:userName"),
            "id",
            "meta",
            "meta.created",
            "schemas",
            "groups",
            "groups[type eq \"direct\"]",
            "groups.value",
            &format!("{ENTERPRISE}:manager.displayName"),
        ]);
        idp.refuses_operations(&path, &of_users).await;
        idp.refuses_operations(&group_path, &removals(&["displayName", "id", "meta.version", "schemas"]))
            .await;
        // By any other way the required one is missing all the same.
        for (path, name) in [(&path, "userName"), (&group_path, "displayName")] {
            for value in [json!(null), json!("")] {
                let refused = [
                    (json!({"op": "replace", "path": name, "value": value}), "invalidValue"),
                    (json!({"op": "replace", "value": {name: value}}), "invalidValue"),
                ];
                idp.refuses_operations(path, &refused).await;
            }
        }
        for optional in ["title", "name", "externalId", "active", ENTERPRISE] {
            idp.patches(&path, optional, &[(json!({"op": "remove", "path": optional}), json!(null))]).await;
        }
    }
}

/// RFC 7644 §3.5.2. Our choice: within a value without a path they are passed over, since clients echo what they
/// read.
async fn s56_what_is_ours_is_refused_by_path_and_passed_over_in_a_value(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let path = subject(&idp, "ann").await;
        let id = path.trim_start_matches("/Users/").to_owned();
        let group_path = format!("/Groups/{}", idp.group("Staff", &[&id]).await);
        echo_of_group(&idp, &group_path).await;
        for op in ["add", "replace"] {
            let before = idp.read(&path).await;
            let refused: Vec<(Value, &str)> = [
                ("id", json!("x")),
                ("meta", json!({"version": "x"})),
                ("meta.lastModified", json!("2020-01-01T00:00:00Z")),
                ("schemas", json!([USER])),
                ("groups", json!([{"value": "admins"}])),
                ("ID", json!(id)),
                (&format!("{USER}:groups"), json!([])),
                (&format!("{ENTERPRISE}:manager.displayName"), json!("Mine")),
                ("groups[type eq \"direct\"].display", json!("Mine")),
            ]
            .into_iter()
            .map(|(path, value)| (json!({"op": op, "path": path, "value": value}), "mutability"))
            .collect();
            idp.refuses_operations(&path, &refused).await;
            let refused = [
                (json!({"op": op, "path": "id", "value": "x"}), "mutability"),
                (json!({"op": op, "path": "meta.version", "value": "x"}), "mutability"),
                (json!({"op": op, "path": "schemas", "value": []}), "mutability"),
            ];
            idp.refuses_operations(&group_path, &refused).await;
            let echo = json!({
                "id": "x", "meta": {"version": "x"}, "schemas": ["urn:x"], "groups": [], "ID": 5, "META": "text",
                ENTERPRISE: {"manager": {"displayName": "Mine"}},
            });
            assert_eq!(idp.patch(&path, json!([{"op": op, "value": echo}])).await.ok(), before, "{op}");
            let mut both = echo;
            extend(&mut both, json!({"title": op}));
            let after = idp.patch(&path, json!([{"op": op, "value": both}])).await.ok();
            assert_eq!(
                (&after["title"], &after["id"], &after["groups"]),
                (&json!(op), &before["id"], &before["groups"])
            );
            let back = json!([{"op": "replace", "path": "title", "value": "Chief"}]);
            let mut expected = before.clone();
            expected["meta"] = idp.patch(&path, back).await.ok()["meta"].clone();
            assert_eq!(idp.read(&path).await, expected);
        }
    }
}

/// A group's echo with its id renames it and leaves its members (Okta).
async fn echo_of_group(idp: &Idp, path: &str) {
    let before = idp.read(path).await;
    for op in ["add", "replace"] {
        let (id, meta, schemas) = (&before["id"], &before["meta"], &before["schemas"]);
        let echo = json!({"id": id, "meta": meta, "schemas": schemas, "displayName": op});
        let after = idp.patch(path, json!([{"op": op, "value": echo}])).await.ok();
        assert_eq!((&after["id"], &after["displayName"]), (id, &json!(op)));
        assert_eq!(after["members"], before["members"]);
    }
}

/// RFC 7644 figure 7, §3.10.
async fn s57_every_form_of_path_leads_where_it_says(edge: Edge) {
    let (tolerant, strict) = edge.tolerant_and_strict().await;
    for (idp, tolerated) in [(&tolerant, true), (&strict, false)] {
        let path = subject(idp, "ann").await;
        for (place, value, pointer) in [
            ("title", json!("1"), "/title"),
            ("name.givenName", json!("2"), "/name/givenName"),
            ("emails[type eq \"work\"].value", json!("3@x"), "/emails/0/value"),
            ("emails[value eq \"h@x\" and type eq \"home\"].display", json!("4"), "/emails/1/display"),
            ("emails[type sw \"h\" and not (primary pr)].display", json!("5"), "/emails/1/display"),
            (&format!("{USER}:title"), json!("6"), "/title"),
            (&format!("{USER}:name.familyName"), json!("7"), "/name/familyName"),
            (&format!("{USER}:emails[type eq \"home\"].value"), json!("8@x"), "/emails/1/value"),
            (&format!("{}:title", USER.to_uppercase()), json!("9"), "/title"),
            (&format!("{ENTERPRISE}:department"), json!("10"), &format!("/{ENTERPRISE}/department")),
            (&format!("{ENTERPRISE}:manager.value"), json!("11"), &format!("/{ENTERPRISE}/manager/value")),
            (&format!("{ENTERPRISE}:manager"), json!({"value": "12"}), &format!("/{ENTERPRISE}/manager")),
            (ENTERPRISE, json!({"department": "13", "manager": {"value": "12"}}), &format!("/{ENTERPRISE}")),
            ("externalId", json!("14"), "/externalId"),
            (" title ", json!("15"), "/title"),
            ("name[familyName pr].middleName", json!("16"), "/name/middleName"),
        ] {
            let step = json!({"op": "replace", "path": place, "value": value});
            idp.patches(&path, pointer, &[(step, value)]).await;
        }
        idp.patches(
            &path,
            "emails",
            &[(
                json!({"op": "remove", "path": "emails[type eq \"home\"]"}),
                json!([{"value": "3@x", "type": "work", "primary": true}]),
            )],
        )
        .await;
        idp.patches(&path, ENTERPRISE, &[(json!({"op": "remove", "path": ENTERPRISE}), json!(null))]).await;
        leads_nowhere(idp, &path, tolerated).await;
    }
    // Unknown names in a value without a path: tolerance passes them over.
    let unknown =
        json!([{"op": "replace", "value": {"nothing": 1, "title": "known", ENTERPRISE: {"nothing": 1}}}]);
    let (of_tolerant, of_strict) = (subject(&tolerant, "bob").await, subject(&strict, "bob").await);
    let after = tolerant.patch(&of_tolerant, unknown.clone()).await.ok();
    assert_eq!((&after["title"], after.get("nothing")), (&json!("known"), None));
    strict.patch(&of_strict, unknown).await.refused(400, "invalidPath");
    assert_eq!(strict.read(&of_strict).await["title"], "Chief");
}

/// Paths that name nothing are refused, and change nothing.
async fn leads_nowhere(idp: &Idp, path: &str, tolerated: bool) {
    let before = idp.read(path).await;
    for unknown in [
        "nothing",
        "name.nothing",
        "nothing.here",
        "emails[type eq \"work\"].nothing",
        &format!("{USER}:department"),
        "members",
        "title.x",
        "name.givenName.x",
        "userName[value eq \"x\"]",
        "title title",
        "1",
        "/title",
        "$.title",
        "emails.0",
        "emails[0]",
        "*",
        "emails[]",
        "emails[type eq \"work\"]value",
        "emails[type eq \"work\"]..value",
        "emails[type eq",
        "emails]",
        "emails[type eq \"work\"]]",
        "emails[type xx \"work\"]",
        "emails[nothing eq \"x\"]",
        "emails[type eq \"wo]",
        "emails[emails[type pr]]",
        "[type pr]",
    ] {
        for op in ["add", "replace", "remove"] {
            let answer = idp.patch(path, json!([{"op": op, "path": unknown, "value": "x"}])).await;
            assert!(
                answer.status == StatusCode::BAD_REQUEST
                    && matches!(answer.scim_type(), "invalidPath" | "invalidFilter"),
                "{op} {unknown:?}: {answer:?}"
            );
        }
    }
    for plain in ["nothing", "name.nothing"] {
        let answer = idp.patch(path, json!([{"op": "add", "path": plain, "value": "x"}])).await;
        answer.refused(400, "invalidPath");
    }
    // What an extension has elsewhere and not here: tolerance passes it over.
    for foreign in ["urn:example:Robot:legs", &format!("{ENTERPRISE}:nothing")] {
        let answer = idp.patch(path, json!([{"op": "add", "path": foreign, "value": "x"}])).await;
        if tolerated {
            assert_eq!(answer.ok(), before, "{foreign}");
        } else {
            answer.refused(400, "invalidPath");
        }
    }
    for wrong in [json!(5), json!(["title"]), json!({"a": 1}), json!(true)] {
        idp.patch(path, json!([{"op": "add", "path": wrong, "value": "x"}]))
            .await
            .refused(400, "invalidPath");
    }
    assert_eq!(idp.read(path).await, before);
}

/// RFC 7644 §3.5.2.1 lets one element stand without brackets; a list of one for a single value is a habit.
async fn s58_one_element_may_stand_for_a_list_and_a_list_of_one_for_its_element(edge: Edge) {
    let (tolerant, strict) = edge.tolerant_and_strict().await;
    let of_one = [
        ("title", json!(["Clerk"]), json!("Clerk")),
        ("active", json!([false]), json!(false)),
        ("name", json!([{"givenName": "B"}]), json!({"givenName": "B", "familyName": "A"})),
        ("/name/familyName", json!(["B"]), json!("B")),
    ];
    let place = |pointer: &str| pointer.trim_start_matches('/').replace('/', ".");
    for idp in [&tolerant, &strict] {
        let path = subject(idp, "ann").await;
        let step = |op: &str, path: &str, value: Value| json!({"op": op, "path": path, "value": value});
        let emails = [
            (step("replace", "emails", json!({"value": "1@x"})), json!([{"value": "1@x"}])),
            (step("add", "emails", json!({"value": "2@x"})), json!([{"value": "1@x"}, {"value": "2@x"}])),
            (
                step("add", "emails", json!([{"value": "3@x"}])),
                json!([{"value": "1@x"}, {"value": "2@x"}, {"value": "3@x"}]),
            ),
        ];
        idp.patches(&path, "emails", &emails).await;
        let member = idp.user("member").await;
        let group_path = format!("/Groups/{}", idp.group("Staff", &[]).await);
        let added =
            idp.patch(&group_path, json!([step("add", "members", json!({"value": member}))])).await.ok();
        assert_eq!(values(&added["members"]), [member.as_str()]);
        let wrong: Vec<(Value, &str)> = [
            ("title", json!(["a", "b"])),
            ("title", json!([])),
            ("title", json!([["a"]])),
            ("active", json!([true, false])),
            ("name", json!([{"givenName": "a"}, {"givenName": "b"}])),
            ("name.givenName", json!(["a", "b"])),
            ("emails", json!([[{"value": "a@x"}]])),
            ("emails[value eq \"1@x\"].value", json!(["a", "b"])),
        ]
        .into_iter()
        .map(|(path, value)| (step("replace", path, value), "invalidValue"))
        .collect();
        idp.refuses_operations(&path, &wrong).await;
    }
    let path = tolerant.find("/Users", "userName eq \"ann\"").await.ids().remove(0);
    for (pointer, value, expected) in of_one.clone() {
        let operation = json!({"op": "replace", "path": place(pointer), "value": value});
        tolerant.patches(&format!("/Users/{path}"), pointer, &[(operation, expected)]).await;
    }
    let path = strict.find("/Users", "userName eq \"ann\"").await.ids().remove(0);
    let refused: Vec<(Value, &str)> = of_one
        .into_iter()
        .map(|(pointer, value, _)| {
            (json!({"op": "replace", "path": place(pointer), "value": value}), "invalidValue")
        })
        .collect();
    strict.refuses_operations(&format!("/Users/{path}"), &refused).await;
}

/// RFC 7644 figure 7: within brackets stands a filter over sub-attributes, `value` among them.
async fn s59_elements_are_selected_by_their_value_also_in_simple_lists(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let path = format!(
            "/Users/{}",
            idp.person(
                "ann",
                json!({"roles": [{"value": "a"}, {"value": "b"}], "entitlements": [{"value": "1"}]})
            )
            .await
        );
        let steps = [
            (
                json!({"op": "replace", "path": "roles[value eq \"a\"].value", "value": "c"}),
                json!([{"value": "c"}, {"value": "b"}]),
            ),
            (
                json!({"op": "add", "path": "roles[value eq \"B\"]", "value": {"display": "B"}}),
                json!([{"value": "c"}, {"value": "b", "display": "B"}]),
            ),
            (
                json!({"op": "replace", "path": "roles[value sw \"b\"]", "value": {"value": "d"}}),
                json!([{"value": "c"}, {"value": "d"}]),
            ),
            (json!({"op": "remove", "path": "roles[value eq \"c\"]"}), json!([{"value": "d"}])),
        ];
        idp.patches(&path, "roles", &steps).await;
        assert_eq!(idp.read(&path).await["entitlements"], json!([{"value": "1"}]));
        let refused = [
            (json!({"op": "remove", "path": format!("schemas[value eq \"{USER}\"]")}), "mutability"),
            (
                json!({"op": "replace", "path": format!("schemas[value eq \"{USER}\"]"), "value": "urn:x"}),
                "mutability",
            ),
            (json!({"op": "add", "path": "schemas[value eq \"x\"]", "value": "urn:x"}), "mutability"),
        ];
        idp.refuses_operations(&path, &refused).await;
        assert_eq!(idp.read(&path).await["schemas"], json!([USER]));
    }
}

/// RFC 7644 §3.5.2: what a resource must be, it must be when all operations are done.
async fn s60_rules_hold_after_the_last_operation(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        idp.user("taken").await;
        let path = subject(&idp, "ann").await;
        let fine = [
            json!([
                {"op": "replace", "path": "userName", "value": "taken"},
                {"op": "replace", "path": "userName", "value": "free"},
            ]),
            json!([
                {"op": "remove", "path": "userName"},
                {"op": "add", "path": "userName", "value": "again"},
            ]),
            json!([
                {"op": "replace", "path": "userName", "value": null},
                {"op": "add", "value": {"userName": "last"}},
            ]),
        ];
        for (operations, name) in fine.into_iter().zip(["free", "again", "last"]) {
            assert_eq!(idp.patch(&path, operations).await.ok()["userName"], name);
        }
        let before = idp.read(&path).await;
        let taken = json!([
            {"op": "replace", "path": "userName", "value": "free"},
            {"op": "replace", "path": "userName", "value": "TAKEN"},
        ]);
        idp.patch(&path, taken).await.refused(409, "uniqueness");
        let removed = json!([
            {"op": "add", "path": "userName", "value": "free"},
            {"op": "remove", "path": "userName"},
        ]);
        idp.patch(&path, removed).await.refused(400, "mutability");
        assert_eq!(idp.read(&path).await, before);
        // One name given up is another's in the same moment of the same PATCH only for itself.
        let group_path = format!("/Groups/{}", idp.group("Staff", &[]).await);
        let renamed = json!([
            {"op": "remove", "path": "displayName"},
            {"op": "replace", "value": {"displayName": "Crew"}},
        ]);
        assert_eq!(idp.patch(&group_path, renamed).await.ok()["displayName"], "Crew");
        let gone = json!([{"op": "replace", "value": {"displayName": "Team"}}, {"op": "remove", "path": "displayName"}]);
        idp.patch(&group_path, gone).await.refused(400, "mutability");
        assert_eq!(idp.read(&group_path).await["displayName"], "Crew");
    }
}

/// RFC 7644 §3.14.
async fn s61_a_version_that_is_gone_refuses_the_change(edge: Edge) {
    let idp = edge.idp("acme").await;
    let (ann, member) = (idp.user("ann").await, idp.user("member").await);
    for (path, change, replacement) in [
        (format!("/Users/{ann}"), json!([{"op": "add", "path": "title", "value": "Chief"}]), user("renamed")),
        (
            format!("/Groups/{}", idp.group("Staff", &[]).await),
            json!([{"op": "add", "path": "members", "value": [{"value": member}]}]),
            group("Renamed", &[]),
        ),
    ] {
        let rename = json!([{"op": "add", "path": "externalId", "value": "1"}]);
        let (old, current) = (idp.get(&path).await, idp.patch(&path, rename).await);
        let (old, etag) = (old.header("etag"), current.header("etag"));
        assert_ne!(old, etag);
        let patch = patch_op(change).to_string();
        for stale in [old, "W/\"999\"", "\"\"", "nonsense", "W/\"999\", \"7\""] {
            for (method, body) in
                [("PATCH", patch.clone()), ("PUT", replacement.to_string()), ("DELETE", String::new())]
            {
                idp.call(method, &path, &[("if-match", stale)], body).await.refused(412, "");
            }
        }
        assert_eq!(idp.read(&path).await, current.body, "nothing changed");
        // Also when it would change nothing.
        let same = patch_op(json!([{"op": "add", "path": "externalId", "value": "1"}])).to_string();
        idp.call("PATCH", &path, &[("if-match", old)], same).await.refused(412, "");
        let both = format!("{old}, {etag}");
        let patched = idp.call("PATCH", &path, &[("if-match", &both)], patch).await;
        assert_ne!(patched.header("etag"), etag);
        patched.ok();
        let put = idp.call("PUT", &path, &[("if-match", "*")], replacement.to_string()).await;
        let etag = put.header("etag").to_owned();
        put.ok();
        assert_eq!(
            idp.call("DELETE", &path, &[("if-match", &etag)], "").await.status,
            StatusCode::NO_CONTENT
        );
        idp.call("PUT", &path, &[("if-match", "*")], replacement.to_string()).await.refused(404, "");
    }
    let body = with("new", json!({})).to_string();
    idp.call("POST", "/Users", &[("if-match", "W/\"1\"")], body).await.created();
}
