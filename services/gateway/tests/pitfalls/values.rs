//! What becomes of the values in a body (RFC 7643 §2).

use serde_json::{Value, json};

use crate::asking::{extend, names, values, with};
use crate::create_and_replace::full;
use crate::harness::{ENTERPRISE, Edge, GROUP, USER, group};
use crate::rules;

rules!(
    s37_one_element_is_primary,
    s38_equal_elements_are_one,
    s39_null_and_empty_lists_unassign,
    s40_a_password_is_taken_and_kept_nowhere,
    s41_unknown_types_are_kept,
    s42_wrong_types_are_invalid_values,
    s43_names_are_read_in_any_case_and_answered_in_the_schemas,
);

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
