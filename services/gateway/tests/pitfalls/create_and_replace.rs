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
);

pub(crate) fn full() -> Value {
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
