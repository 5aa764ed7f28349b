//! PATCH: the message and its operations (RFC 7644 §3.5.2).

use http::StatusCode;
use serde_json::{Value, json};

use crate::asking::{extend, with};
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
pub(crate) async fn subject(idp: &Idp, name: &str) -> String {
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
