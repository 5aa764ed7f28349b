//! PATCH: where paths lead, and what may stand for the value (RFC 7644 §3.5.2, figure 7).

use http::StatusCode;
use serde_json::{Value, json};

use crate::asking::values;
use crate::harness::{ENTERPRISE, Edge, Idp, USER};
use crate::patch::subject;
use crate::rules;

rules!(
    s57_every_form_of_path_leads_where_it_says,
    s58_one_element_may_stand_for_a_list_and_a_list_of_one_for_its_element,
    s59_elements_are_selected_by_their_value_also_in_simple_lists,
);

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
