//! POST and PUT (RFC 7644 §3.3, §3.5.1).

use serde_json::{Value, json};

use crate::asking::{extend, names, values, with};
use crate::harness::{ENTERPRISE, Edge, GROUP, USER, group, user};
use crate::rules;

rules!(
    s29_a_creation_is_answered_with_where_which_and_what,
    s30_what_is_ours_to_fill_is_ignored,
    s31_a_user_name_is_required_and_unique_in_any_case,
    s32_a_body_without_schemas_is_refused_unless_tolerated,
    s33_extension_data_needs_no_urn_in_schemas,
    s34_a_put_clears_what_it_leaves_out_but_active,
    s35_the_path_of_a_put_wins_and_must_exist,
    s36_what_is_immutable_may_be_repeated_and_not_changed,
    s37_one_element_is_primary,
    s38_equal_elements_are_one,
    s39_null_and_empty_lists_unassign,
    s40_a_password_is_taken_and_kept_nowhere,
    s41_unknown_types_are_kept,
    s42_wrong_types_are_invalid_values,
    s43_names_are_read_in_any_case_and_answered_in_the_schemas,
);

fn full() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE], "userName": "Ann@acme.example", "externalId": "00uA",
        "name": {"givenName": "Ann", "familyName": "Ångström"}, "displayName": "Ann Ångström", "active": true,
        "emails": [
            {"value": "ann@acme.example", "type": "work", "primary": true},
            {"value": "ann@home.example", "type": "home"},
        ],
        ENTERPRISE: {"department": "Sales", "employeeNumber": "007"},
    })
}

/// RFC 7644 §3.3.
async fn s29_a_creation_is_answered_with_where_which_and_what(edge: Edge) {
    let idp = edge.idp("acme").await;
    let member = idp.user("member@acme.example").await;
    for (endpoint, body) in [("/Users", full()), ("/Groups", group("Staff", &[&member]))] {
        let answer = idp.post(endpoint, body.clone()).await;
        let id = answer.created();
        let meta = &answer.body["meta"];
        assert_eq!(answer.header("location"), idp.location(&format!("{endpoint}/{id}")));
        assert_eq!(meta["location"], answer.header("location"));
        assert_eq!(meta["version"], answer.header("etag"));
        assert_eq!(meta["created"], meta["lastModified"]);
        assert!(answer.header("etag").starts_with("W/\""), "{answer:?}");
        for (name, value) in body.as_object().unwrap() {
            if name == "members" {
                assert_eq!(values(&answer.body[name]), [member.as_str()]);
            } else {
                assert_eq!(answer.body[name], *value, "{name}");
            }
        }
        let read = idp.get(&format!("{endpoint}/{id}")).await;
        assert_eq!(read.header("etag"), answer.header("etag"));
        assert_eq!(read.header("location"), answer.header("location"));
        assert_eq!(read.ok(), answer.body);
    }
}

/// RFC 7644 §3.3, §3.5.1: read-only attributes in a body are ignored, whatever they hold.
async fn s30_what_is_ours_to_fill_is_ignored(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        for (n, echo) in [
            json!({
                "id": "mine",
                "meta": {"version": "W/\"99\"", "created": "1999-01-01T00:00:00Z", "resourceType": "Robot"},
                "groups": [{"value": "admins", "display": "Admins"}],
            }),
            json!({"id": 7, "meta": "text", "groups": "admins"}),
            json!({"ID": null, "META": [], "Groups": [1, [2]]}),
        ]
        .into_iter()
        .enumerate()
        {
            let name = format!("user-{n}");
            let mut body = with(&name, echo.clone());
            extend(&mut body, json!({ENTERPRISE: {"manager": {"value": "m", "displayName": "Mine"}}}));
            let answer = idp.post("/Users", body.clone()).await;
            let id = answer.created();
            let path = format!("/Users/{id}");
            assert_ne!(id, "mine");
            let read = idp.read(&path).await;
            assert_eq!(read["meta"]["resourceType"], "User");
            assert_eq!(read["meta"]["version"], "W/\"1\"");
            assert_eq!(read["meta"]["created"], "2026-11-25T10:00:00.000Z");
            assert_eq!(read.get("groups"), None);
            assert_eq!(read[ENTERPRISE]["manager"], json!({"value": "m"}));
            // A PUT of the same changes nothing; one with something of its own changes only that.
            assert_eq!(idp.put(&path, body.clone()).await.ok(), read);
            extend(&mut body, json!({"title": "Chief"}));
            let put = idp.put(&path, body).await.ok();
            assert_eq!((&put["id"], &put["title"]), (&read["id"], &json!("Chief")));
            assert_eq!((&put["meta"]["version"], put.get("groups")), (&json!("W/\"2\""), None));

            let mut body = json!({"schemas": [GROUP], "displayName": name});
            extend(&mut body, json!({"id": "mine", "meta": {"created": 5}}));
            let id = idp.post("/Groups", body.clone()).await.created();
            let read = idp.put(&format!("/Groups/{id}"), body).await.ok();
            assert_eq!((&read["id"], &read["meta"]["version"]), (&json!(id), &json!("W/\"1\"")));
        }
    }
}

/// RFC 7643 §4.1.1 `userName`, RFC 7644 §3.3.1. Blank is missing: nobody could log in by it.
async fn s31_a_user_name_is_required_and_unique_in_any_case(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [&idp, &strict] {
        let kept = idp.user("kept").await;
        let path = format!("/Users/{kept}");
        let before = idp.read(&path).await;
        let mut missing = user("x");
        missing.as_object_mut().unwrap().shift_remove("userName");
        let mut bodies = vec![missing];
        for blank in [json!(null), json!(""), json!(" "), json!("\t\n"), json!("\u{a0}\u{3000}"), json!([])] {
            let mut body = user("x");
            body["userName"] = blank;
            bodies.push(body);
        }
        for body in bodies {
            idp.post("/Users", body.clone()).await.refused(400, "invalidValue");
            idp.put(&path, body).await.refused(400, "invalidValue");
        }
        for blank in [json!(null), json!(""), json!("  ")] {
            let operations = json!([{"op": "replace", "path": "userName", "value": blank}]);
            idp.patch(&path, operations).await.refused(400, "invalidValue");
        }
        assert_eq!(idp.read(&path).await, before);
        assert_eq!(idp.found("userName pr").await, ["kept"]);

        let ann = idp.user("Änne@acme.example").await;
        for name in ["Änne@acme.example", "änne@ACME.example", "A\u{308}NNE@acme.example"] {
            idp.post("/Users", user(name)).await.refused(409, "uniqueness");
            idp.put(&path, user(name)).await.refused(409, "uniqueness");
            let rename = json!([{"op": "replace", "path": "userName", "value": name}]);
            idp.patch(&path, rename.clone()).await.refused(409, "uniqueness");
            // Its own name in another case is no duplicate.
            assert_eq!(idp.patch(&format!("/Users/{ann}"), rename).await.ok()["userName"], name);
        }
        assert_eq!(idp.read(&path).await, before);
        idp.user("anne@acme.example").await;
        // Nor is the same name in another directory.
        edge.idp_of(idp.tenant, false).await.user("änne@acme.example").await;
    }
    edge.idp("globex").await.user("änne@acme.example").await;
    // A name that was given up is free.
    let id = idp.found("userName eq \"kept\"").await;
    assert_eq!(id, ["kept"]);
    let id = idp.find("/Users", "userName eq \"kept\"").await.ids().remove(0);
    let rename = json!([{"op": "replace", "path": "userName", "value": "renamed"}]);
    idp.patch(&format!("/Users/{id}"), rename).await.ok();
    assert_ne!(idp.user("KEPT").await, id);
}

/// RFC 7643 §3 `schemas`.
async fn s32_a_body_without_schemas_is_refused_unless_tolerated(edge: Edge) {
    let (tolerant, strict) = edge.tolerant_and_strict().await;
    let ids = [tolerant.user("a").await, strict.user("a").await];
    for (n, schemas) in
        [None, Some(json!([])), Some(json!(null)), Some(json!([ENTERPRISE]))].into_iter().enumerate()
    {
        for (endpoint, mut body) in
            [("/Users", user(&format!("user-{n}"))), ("/Groups", group(&format!("group-{n}"), &[]))]
        {
            let urn = body["schemas"][0].clone();
            match &schemas {
                Some(schemas) if endpoint == "/Users" || schemas != &json!([ENTERPRISE]) => {
                    body["schemas"] = schemas.clone();
                }
                _ => drop(body.as_object_mut().unwrap().shift_remove("schemas")),
            }
            strict.post(endpoint, body.clone()).await.refused(400, "invalidSyntax");
            let answer = tolerant.post(endpoint, body.clone()).await;
            answer.created();
            assert_eq!(answer.body["schemas"], json!([urn]), "{body}");
        }
        let mut body = user("renamed");
        body.as_object_mut().unwrap().shift_remove("schemas");
        strict.put(&format!("/Users/{}", ids[1]), body.clone()).await.refused(400, "invalidSyntax");
        assert_eq!(tolerant.put(&format!("/Users/{}", ids[0]), body).await.ok()["userName"], "renamed");
    }
    assert_eq!(strict.found("userName pr").await, ["a"]);
    // The wrong kind is no habit but a mistake, and so is what is no list.
    for idp in [&tolerant, &strict] {
        for wrong in [json!([GROUP]), json!(["urn:example:Robot"]), json!([USER.trim_end_matches("User")])] {
            let mut body = user("x");
            body["schemas"] = wrong;
            idp.post("/Users", body).await.refused(400, "invalidSyntax");
        }
        for wrong in [json!(USER), json!([1]), json!({"a": USER})] {
            let mut body = user("x");
            body["schemas"] = wrong;
            idp.post("/Users", body).await.refused(400, "invalidValue");
        }
    }
}

/// RFC 7643 §3, §3.3: an answer's `schemas` lists what the resource holds, whatever the request said.
async fn s33_extension_data_needs_no_urn_in_schemas(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let unsaid = idp.post("/Users", with("unsaid", json!({ENTERPRISE: {"department": "Sales"}}))).await;
        let path = format!("/Users/{}", unsaid.created());
        assert_eq!(unsaid.body["schemas"], json!([USER, ENTERPRISE]));
        assert_eq!(unsaid.body[ENTERPRISE], json!({"department": "Sales"}));
        let mut body = user("said");
        body["schemas"] = json!([USER, ENTERPRISE]);
        let said = idp.post("/Users", body).await;
        said.created();
        assert_eq!(said.body["schemas"], json!([USER]), "said and not there");
        assert_eq!(said.body.get(ENTERPRISE), None);
        idp.finds(&[(format!("schemas eq \"{ENTERPRISE}\"").as_str(), &["unsaid"])]).await;
        // It comes and goes with the data.
        let remove = json!([{"op": "remove", "path": format!("{ENTERPRISE}:department")}]);
        let removed = idp.patch(&path, remove).await.ok();
        assert_eq!((&removed["schemas"], removed.get(ENTERPRISE)), (&json!([USER]), None));
        let add = json!([{"op": "add", "path": format!("{ENTERPRISE}:costCenter"), "value": "4"}]);
        assert_eq!(idp.patch(&path, add).await.ok()["schemas"], json!([USER, ENTERPRISE]));
        let put = idp.put(&path, user("unsaid")).await.ok();
        assert_eq!((&put["schemas"], put.get(ENTERPRISE)), (&json!([USER]), None));
    }
}

/// RFC 7644 §3.5.1. Our choice: `active` that a PUT leaves out stays, so that nobody is locked out or let in by
/// what was not said.
async fn s34_a_put_clears_what_it_leaves_out_but_active(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let id = idp.post("/Users", full()).await.created();
        let path = format!("/Users/{id}");
        let group_id = idp.group("Staff", &[&id]).await;
        let created = idp.read(&path).await["meta"]["created"].clone();
        edge.clock.advance(std::time::Duration::from_mins(1));
        for active in [false, true] {
            let mut body = full();
            body["active"] = json!(active);
            assert_eq!(idp.put(&path, body).await.ok()["active"], active);
            for unsaid in [json!({}), json!({"active": null})] {
                let replaced = idp.put(&path, with("Ann@acme.example", unsaid)).await.ok();
                assert_eq!(replaced["active"], active, "absent must neither activate nor deactivate");
                let expected = ["active", "groups", "id", "meta", "schemas", "userName"];
                assert_eq!(names(&replaced), expected, "all else is cleared");
                assert_eq!(replaced["schemas"], json!([USER]));
                assert_eq!(values(&replaced["groups"]), [group_id.as_str()], "ours stays");
                assert_eq!((&replaced["id"], &replaced["meta"]["created"]), (&json!(id), &created));
            }
        }
        for gone in
            ["externalId eq \"00uA\"", "emails.value eq \"ann@home.example\"", "displayName pr", "name pr"]
        {
            assert!(idp.found(gone).await.is_empty(), "{gone} still finds it");
        }
        // Who never had `active` does not get it.
        let other = idp.user("other").await;
        let replaced = idp.put(&format!("/Users/{other}"), with("other", json!({"title": "x"}))).await.ok();
        assert_eq!(replaced.get("active"), None);
    }
}

/// RFC 7644 §3.5.1: no PUT creates.
async fn s35_the_path_of_a_put_wins_and_must_exist(edge: Edge) {
    let idp = edge.idp("acme").await;
    let (ann, bob) = (idp.user("ann").await, idp.user("bob").await);
    let (staff, crew) = (idp.group("Staff", &[]).await, idp.group("Crew", &[]).await);
    let untouched = [idp.read(&format!("/Users/{bob}")).await, idp.read(&format!("/Groups/{crew}")).await];
    let put = idp.put(&format!("/Users/{ann}"), with("ann", json!({"id": bob, "title": "Chief"}))).await.ok();
    assert_eq!((&put["id"], &put["title"]), (&json!(ann), &json!("Chief")));
    let mut body = group("Team", &[]);
    body["id"] = json!(crew);
    let put = idp.put(&format!("/Groups/{staff}"), body).await.ok();
    assert_eq!((&put["id"], &put["displayName"]), (&json!(staff), &json!("Team")));
    assert_eq!(idp.read(&format!("/Users/{bob}")).await, untouched[0]);
    assert_eq!(idp.read(&format!("/Groups/{crew}")).await, untouched[1]);
    for id in [uuid::Uuid::now_v7().to_string(), "new".into(), crew.clone()] {
        idp.put(&format!("/Users/{id}"), with("new", json!({"id": id}))).await.refused(404, "");
    }
    for id in [uuid::Uuid::now_v7().to_string(), "new".into(), bob.clone()] {
        idp.put(&format!("/Groups/{id}"), group("New", &[])).await.refused(404, "");
    }
    assert_eq!(idp.found("userName pr").await, ["ann", "bob"]);
    assert_eq!(idp.get("/Groups").await.ids(), [staff, crew]);
}

/// RFC 7643 §2.2 `mutability`; RFC 7643 §8.7.1 makes the parts of a member immutable.
async fn s36_what_is_immutable_may_be_repeated_and_not_changed(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let (ann, bob) = (idp.user("ann").await, idp.user("bob").await);
        let id = idp.group("Staff", &[&ann]).await;
        let path = format!("/Groups/{id}");
        let before = idp.read(&path).await;
        let at = |sub: &str| format!("members[value eq \"{ann}\"].{sub}");
        for same in [
            json!({"op": "replace", "path": at("value"), "value": ann}),
            json!({"op": "add", "path": at("value"), "value": ann}),
            json!({"op": "replace", "path": at("type"), "value": "User"}),
            json!({"op": "add", "path": "members", "value": [before["members"][0]]}),
        ] {
            assert_eq!(idp.patch(&path, json!([same])).await.ok(), before, "{same}");
        }
        let changed = [
            (json!({"op": "replace", "path": at("value"), "value": bob}), "mutability"),
            (json!({"op": "replace", "path": at("type"), "value": "Group"}), "mutability"),
            (json!({"op": "add", "path": at("$ref"), "value": "https://x"}), "mutability"),
        ];
        idp.refuses_operations(&path, &changed).await;
        // An element may go and another come.
        let swap = json!([
            {"op": "remove", "path": format!("members[value eq \"{ann}\"]")},
            {"op": "add", "path": "members", "value": [{"value": bob}]},
        ]);
        assert_eq!(values(&idp.patch(&path, swap).await.ok()["members"]), [bob.as_str()]);
    }
}

/// RFC 7643 §2.4, RFC 7644 §3.5.2. Our choice: two in one body are refused, for there is no telling which.
async fn s37_one_element_is_primary(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let id = idp.post("/Users", full()).await.created();
        let path = format!("/Users/{id}");
        let primaries = |body: &Value| -> Vec<String> {
            let marked = body["emails"].as_array().unwrap().iter().filter(|email| email["primary"] == true);
            marked.map(|email| email["value"].as_str().unwrap().to_owned()).collect()
        };
        let steps = [
            (json!({"op": "add", "path": "emails", "value": [{"value": "new@x", "primary": true}]}), "new@x"),
            (
                json!({"op": "replace", "path": "emails[type eq \"home\"].primary", "value": true}),
                "ann@home.example",
            ),
            (json!({"op": "add", "path": "emails[value eq \"new@x\"]", "value": {"primary": true}}), "new@x"),
            (
                json!({"op": "add", "value": {"emails": [{"value": "ann@home.example", "type": "home", "primary": true}]}}),
                "ann@home.example",
            ),
            (
                json!({"op": "replace", "path": "emails[type eq \"work\"]", "value": {"value": "w@x", "type": "work", "primary": true}}),
                "w@x",
            ),
            (
                json!({"op": "add", "path": "emails", "value": {"value": "w@x", "type": "work", "primary": true}}),
                "w@x",
            ),
        ];
        for (operation, expected) in steps {
            let after = idp.patch(&path, json!([operation])).await.ok();
            assert_eq!(primaries(&after), [expected], "{operation}");
            assert_eq!(after["emails"].as_array().unwrap().len(), 3, "the others stay: {operation}");
        }
        let none = json!([{"op": "replace", "path": "emails[primary eq true].primary", "value": false}]);
        assert!(primaries(&idp.patch(&path, none).await.ok()).is_empty(), "none at all is fine");
        let two = json!([{"value": "a", "primary": true}, {"value": "b", "primary": true}]);
        idp.post("/Users", with("two", json!({"emails": two}))).await.refused(400, "invalidValue");
        idp.post("/Users", with("two", json!({"roles": two}))).await.refused(400, "invalidValue");
        idp.put(&path, with("two", json!({"phoneNumbers": two}))).await.refused(400, "invalidValue");
        let refused = [
            (json!({"op": "add", "path": "emails", "value": two}), "invalidValue"),
            (json!({"op": "replace", "path": "emails", "value": two}), "invalidValue"),
            (json!({"op": "add", "value": {"emails": two}}), "invalidValue"),
        ];
        idp.refuses_operations(&path, &refused).await;
        let one = json!([{"value": "a", "primary": true}, {"value": "b", "primary": false}]);
        idp.post("/Users", with("one", json!({"emails": one, "roles": one}))).await.created();
    }
}

/// RFC 7643 §2.4: a service provider should merge elements with the same type and value.
async fn s38_equal_elements_are_one(edge: Edge) {
    let idp = edge.idp("acme").await;
    let twice = json!([
        {"value": "a@x", "type": "work"},
        {"value": "a@x", "type": "home"},
        {"value": "A@X", "type": "WORK", "display": "A"},
        {"value": "b@x", "type": "work"},
        {"value": "a@x"},
        {"value": "a@x", "type": "home", "primary": true},
    ]);
    let created = idp.post("/Users", with("ann", json!({"emails": twice}))).await;
    let path = format!("/Users/{}", created.created());
    let merged = json!([
        {"value": "A@X", "type": "WORK", "display": "A"},
        {"value": "a@x", "type": "home", "primary": true},
        {"value": "b@x", "type": "work"},
        {"value": "a@x"},
    ]);
    assert_eq!(created.body["emails"], merged);
    let put = idp.put(&path, with("ann", json!({"emails": twice}))).await.ok();
    assert_eq!((&put["emails"], &put["meta"]["version"]), (&merged, &json!("W/\"1\"")));
    let replaced = idp.patch(&path, json!([{"op": "replace", "path": "emails", "value": twice}])).await.ok();
    assert_eq!((&replaced["emails"], &replaced["meta"]["version"]), (&merged, &json!("W/\"1\"")));
    // A change that makes two equal leaves one.
    let change = json!([{"op": "replace", "path": "emails[value eq \"b@x\"].value", "value": "a@x"}]);
    assert_eq!(idp.patch(&path, change).await.ok()["emails"].as_array().unwrap().len(), 3);
    // Case counts where the schema says so.
    let certificates = json!([{"value": "QQ=="}, {"value": "qq=="}, {"value": "QQ=="}]);
    let created = idp.post("/Users", with("bob", json!({"x509Certificates": certificates}))).await;
    created.created();
    assert_eq!(values(&created.body["x509Certificates"]), ["QQ==", "qq=="]);
    // Addresses have no value and are equal as a whole.
    let addresses =
        json!([{"locality": "Bern"}, {"locality": "Bern", "country": "CH"}, {"locality": "Bern"}]);
    let created = idp.post("/Users", with("cid", json!({"addresses": addresses}))).await;
    created.created();
    assert_eq!(
        created.body["addresses"],
        json!([{"locality": "Bern"}, {"locality": "Bern", "country": "CH"}])
    );
    let member = idp.user("member").await;
    let group = idp.post("/Groups", group("Staff", &[&member, &member])).await;
    group.created();
    assert_eq!(values(&group.body["members"]), [member]);
}

/// RFC 7643 §2.5.
async fn s39_null_and_empty_lists_unassign(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let nothing = json!({
            "title": null, "name": null, "emails": [], "roles": null, "externalId": null,
            ENTERPRISE: null, "displayName": null,
        });
        let empty = idp.post("/Users", with("empty", nothing.clone())).await;
        empty.created();
        assert_eq!(names(&empty.body), ["id", "meta", "schemas", "userName"]);
        let id = idp.post("/Users", full()).await.created();
        let path = format!("/Users/{id}");
        let gone = |body: &Value, name: &str| assert_eq!(body.get(name), None, "{name}: {body}");
        for op in ["replace", "add"] {
            for (path_of, value) in [
                ("title", json!(null)),
                ("emails", json!([])),
                ("emails", json!(null)),
                ("name", json!(null)),
                ("name.givenName", json!(null)),
                ("externalId", json!(null)),
            ] {
                idp.put(&path, full()).await.ok();
                let operation = json!([{"op": op, "path": path_of, "value": value}]);
                let after = idp.patch(&path, operation.clone()).await.ok();
                let pointer = format!("/{}", path_of.replace('.', "/"));
                let expected = if op == "add" { full().pointer(&pointer).cloned() } else { None };
                assert_eq!(after.pointer(&pointer).cloned(), expected, "{operation}");
            }
        }
        idp.put(&path, full()).await.ok();
        let after = idp.patch(&path, json!([{"op": "replace", "value": nothing}])).await.ok();
        assert_eq!(names(&after), ["active", "id", "meta", "schemas", "userName"]);
        idp.put(&path, full()).await.ok();
        let mut body = full();
        extend(&mut body, nothing);
        let after = idp.put(&path, body).await.ok();
        for name in ["title", "name", "emails", "externalId", ENTERPRISE, "displayName"] {
            gone(&after, name);
        }
        assert_eq!(after["schemas"], json!([USER]));
        let nested = with(
            "nested",
            json!({
                "name": {"givenName": null, "familyName": "F"},
                "emails": [null, {"value": "a@x", "type": null}, {"value": null}],
            }),
        );
        let created = idp.post("/Users", nested).await;
        created.created();
        assert_eq!(
            (&created.body["name"], &created.body["emails"]),
            (&json!({"familyName": "F"}), &json!([{"value": "a@x"}]))
        );
        // A group without members has no empty list.
        let group_id = idp.group("Staff", &[&id]).await;
        let after = idp.put(&format!("/Groups/{group_id}"), group("Staff", &[])).await.ok();
        gone(&after, "members");
    }
}

/// RFC 7643 §4.1.1 `password`. Our choice: it is not kept at all, since no site asks us for it.
async fn s40_a_password_is_taken_and_kept_nowhere(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let created = idp.post("/Users", with("ann", json!({"password": "correct horse"}))).await;
        let id = created.created();
        let path = format!("/Users/{id}");
        let before = idp.read(&path).await;
        for operation in [
            json!({"op": "replace", "path": "password", "value": "battery horse"}),
            json!({"op": "add", "path": "password", "value": "battery horse"}),
            json!({"op": "replace", "value": {"password": "battery horse"}}),
            json!({"op": "replace", "path": format!("{USER}:password"), "value": "battery horse"}),
            json!({"op": "remove", "path": "password"}),
        ] {
            assert_eq!(idp.patch(&path, json!([operation])).await.ok(), before, "{operation}");
        }
        let put = idp.put(&path, with("ann", json!({"Password": "staple horse"}))).await;
        assert_eq!(put.body, before);
        for answer in [created.text, put.text, idp.get("/Users").await.text] {
            assert!(!answer.contains("horse") && !answer.contains("assword"), "{answer}");
        }
        let tenant = edge.store.tenant(idp.tenant);
        let row = tenant.users(idp.connection).find(id.parse().unwrap()).await.unwrap().unwrap();
        assert!(!format!("{row:?}").contains("horse"));
        let timeline = tenant.timeline().list(id.parse().unwrap(), None, 100).await.unwrap();
        assert!(!timeline.is_empty());
        assert!(!format!("{timeline:?}").contains("horse"));
    }
}

/// RFC 7643 §7 `canonicalValues`: a provider may use its own.
async fn s41_unknown_types_are_kept(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let odd = json!({
            "emails": [{"value": "a@x", "type": "Carrier Pigeon"}], "phoneNumbers": [{"value": "1", "type": "sat"}],
            "ims": [{"value": "a", "type": "matrix"}], "addresses": [{"locality": "Bern", "type": "summer"}],
            "photos": [{"value": "https://x/y", "type": "portrait"}],
        });
        let created = idp.post("/Users", with("ann", odd.clone())).await;
        let id = created.created();
        for (name, value) in odd.as_object().unwrap() {
            assert_eq!(created.body[name], *value);
        }
        idp.finds(&[
            ("emails[type eq \"carrier pigeon\"]", &["ann"]),
            ("phoneNumbers.type eq \"sat\"", &["ann"]),
            ("emails.type eq \"work\"", &[]),
        ])
        .await;
        let operations =
            json!([{"op": "replace", "path": "emails[type eq \"Carrier Pigeon\"].type", "value": "owl"}]);
        assert_eq!(idp.patch(&format!("/Users/{id}"), operations).await.ok()["emails"][0]["type"], "owl");
    }
}

/// RFC 7644 table 9, `invalidValue`: tolerance repairs what is meant, and this means nothing.
async fn s42_wrong_types_are_invalid_values(edge: Edge) {
    let (tolerant, strict) = edge.tolerant_and_strict().await;
    for idp in [&tolerant, &strict] {
        let id = idp.user("kept").await;
        let group_id = idp.group("Staff", &[]).await;
        let (path, group_path) = (format!("/Users/{id}"), format!("/Groups/{group_id}"));
        let before = [idp.read(&path).await, idp.read(&group_path).await];
        for wrong in [
            json!({"userName": 1}),
            json!({"userName": true}),
            json!({"userName": ["a", "b"]}),
            json!({"userName": {"a": 1}}),
            json!({"active": "certainly"}),
            json!({"active": 3}),
            json!({"active": [true, false]}),
            json!({"active": {}}),
            json!({"emails": "text"}),
            json!({"emails": 5}),
            json!({"emails": [1]}),
            json!({"emails": [true]}),
            json!({"emails": [[{"value": "a@b"}]]}),
            json!({"emails": [{"value": {"a": 1}}]}),
            json!({"emails": [{"value": "a@b", "primary": "certainly"}]}),
            json!({"emails": [{"value": ["a", "b"]}]}),
            json!({"name": ["a"]}),
            json!({"name": []}),
            json!({"name": "Ann"}),
            json!({"name": 5}),
            json!({"name": {"givenName": {"x": 1}}}),
            json!({"name": {"familyName": 1}}),
            json!({"displayName": {"a": 1}}),
            json!({"title": 5}),
            json!({"title": false}),
            json!({"externalId": 5}),
            json!({"addresses": [{"locality": 5}]}),
            json!({"x509Certificates": [{"value": 5}]}),
            json!({ENTERPRISE: "text"}),
            json!({ENTERPRISE: []}),
            json!({ENTERPRISE: {"department": 5}}),
            json!({ENTERPRISE: {"manager": 5}}),
            json!({ENTERPRISE: {"manager": {"value": 5}}}),
        ] {
            let mut body = with("other", wrong.clone());
            let answer = idp.post("/Users", body.clone()).await;
            assert_eq!(
                (answer.status.as_u16(), answer.scim_type()),
                (400, "invalidValue"),
                "{wrong}: {answer:?}"
            );
            body["schemas"] = json!([USER, ENTERPRISE]);
            let answer = idp.put(&path, body).await;
            assert_eq!(
                (answer.status.as_u16(), answer.scim_type()),
                (400, "invalidValue"),
                "{wrong}: {answer:?}"
            );
            let answer = idp.patch(&path, json!([{"op": "replace", "value": wrong}])).await;
            assert_eq!(
                (answer.status.as_u16(), answer.scim_type()),
                (400, "invalidValue"),
                "{wrong}: {answer:?}"
            );
            for (name, value) in wrong.as_object().unwrap() {
                let answer = idp.patch(&path, json!([{"op": "replace", "path": name, "value": value}])).await;
                assert_eq!(
                    (answer.status.as_u16(), answer.scim_type()),
                    (400, "invalidValue"),
                    "{wrong}: {answer:?}"
                );
            }
        }
        for wrong in [
            json!({"displayName": 5}),
            json!({"displayName": ["a", "b"]}),
            json!({"members": "text"}),
            json!({"members": [5]}),
            json!({"members": [{"value": 5}]}),
            json!({"members": [{"value": {"a": 1}}]}),
            json!({"members": [[]]}),
        ] {
            let mut body = group("Other", &[]);
            extend(&mut body, wrong.clone());
            for answer in [idp.post("/Groups", body.clone()).await, idp.put(&group_path, body).await] {
                assert_eq!(
                    (answer.status.as_u16(), answer.scim_type()),
                    (400, "invalidValue"),
                    "{wrong}: {answer:?}"
                );
            }
        }
        assert_eq!([idp.read(&path).await, idp.read(&group_path).await], before);
        assert_eq!(idp.found("userName pr").await, ["kept"]);
    }
}

/// RFC 7643 §2.1.
async fn s43_names_are_read_in_any_case_and_answered_in_the_schemas(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let body = json!({
            "SCHEMAS": [USER.to_lowercase()],
            "username": "ann", "EXTERNALID": "1", "DisplayName": "Ann", "ACTIVE": true,
            "Name": {"GIVENNAME": "Ann", "familyname": "A"},
            "eMails": [{"VALUE": "a@x", "Type": "work", "PRIMARY": true}],
            "X509CERTIFICATES": [{"Value": "QQ=="}],
            ENTERPRISE.to_uppercase(): {"DEPARTMENT": "Sales", "Manager": {"VALUE": "m"}},
            format!("{USER}:TITLE"): "Chief",
        });
        let expected = json!({
            "schemas": [USER, ENTERPRISE],
            "userName": "ann", "externalId": "1", "displayName": "Ann", "active": true,
            "name": {"givenName": "Ann", "familyName": "A"},
            "emails": [{"value": "a@x", "type": "work", "primary": true}],
            "x509Certificates": [{"value": "QQ=="}],
            ENTERPRISE: {"department": "Sales", "manager": {"value": "m"}},
            "title": "Chief",
        });
        let created = idp.post("/Users", body.clone()).await;
        let path = format!("/Users/{}", created.created());
        let mut shown = created.body.clone();
        for ours in ["id", "meta"] {
            shown.as_object_mut().unwrap().shift_remove(ours);
        }
        assert_eq!(shown, expected);
        assert_eq!(idp.put(&path, body).await.ok(), created.body);
        let patched = idp.patch(&path, json!([
            {"op": "replace", "path": "TITLE", "value": "Clerk"},
            {"op": "replace", "path": "NAME.GivenName", "value": "Anna"},
            {"op": "replace", "path": "EMAILS[TYPE eq \"work\"].Value", "value": "b@x"},
            {"op": "replace", "path": format!("{}:Department", ENTERPRISE.to_uppercase()), "value": "Support"},
            {"op": "add", "value": {"NICKNAME": "A"}},
        ])).await.ok();
        assert_eq!((&patched["title"], &patched["nickName"]), (&json!("Clerk"), &json!("A")));
        assert_eq!(patched["name"], json!({"givenName": "Anna", "familyName": "A"}));
        assert_eq!(patched["emails"][0]["value"], "b@x");
        assert_eq!(patched[ENTERPRISE]["department"], "Support");
        let group = idp.post("/Groups", json!({"Schemas": [GROUP], "DISPLAYNAME": "Staff", "Members": [{"VALUE": created.created()}]})).await;
        group.created();
        assert_eq!(
            (&group.body["displayName"], group.body["members"].as_array().unwrap().len()),
            (&json!("Staff"), 1)
        );
        // One name in two spellings with two values: there is no telling which is meant.
        let twice = json!({"schemas": [USER], "userName": "bob", "USERNAME": "bobby"});
        idp.post("/Users", twice).await.refused(400, "invalidValue");
        let same = json!({"schemas": [USER], "userName": "bob", "USERNAME": "bob"});
        idp.post("/Users", same).await.created();
    }
}
