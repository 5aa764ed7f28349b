//! PATCH: what an operation changes, removes, or may not (RFC 7644 §3.5.2).

use http::StatusCode;
use serde_json::{Value, json};

use crate::asking::extend;
use crate::harness::{ENTERPRISE, Edge, Idp, USER};
use crate::patch::subject;
use crate::rules;

rules!(
    s51_a_filter_without_a_match_is_no_target_unless_tolerated,
    s52_a_filter_changes_every_element_that_matches,
    s53_remove_needs_a_path_and_what_is_absent_may_be_removed,
    s54_a_list_that_is_emptied_is_unassigned,
    s55_what_is_required_or_ours_cannot_be_removed,
    s56_what_is_ours_is_refused_by_path_and_passed_over_in_a_value,
);

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
