//! Schema extensions that a tenant registered (RFC 7643 §3.3): checked, kept, shown and searched as the
//! standard's attributes are, and by nobody else.

use scim_protocol::schema::Schema;
use serde_json::{Value, json};
use store::entity::words::ObjectKind;
use store::id::SchemaId;

use crate::harness::{ENTERPRISE, Edge, GROUP, Idp, USER, on_both, user};
use crate::wait::until;

on_both!(
    data_of_an_extension_is_kept_and_shown,
    numbers_come_back_to_the_last_digit,
    data_of_a_wrong_type_is_refused,
    a_put_replaces_and_a_patch_changes_the_data,
    a_patch_reaches_every_part_of_an_extension,
    groups_have_extensions_and_members_side_by_side,
    discovery_shows_a_tenants_schemas_to_that_tenant_only,
    what_no_schema_has_is_dropped_and_said_or_refused_when_strict,
    a_schema_that_became_stricter_keeps_nobody_from_being_deactivated,
    a_change_of_the_schemas_is_seen_within_a_second,
    the_stored_document_holds_what_mappings_read,
);

pub(crate) const BADGE: &str = "urn:acme:scim:schemas:2.0:Badge";

fn badge() -> Value {
    json!({"id": BADGE, "name": "Badge", "attributes": [
        {"name": "colour", "canonicalValues": ["red", "green"]},
        {"name": "code", "caseExact": true},
        {"name": "level", "type": "integer"},
        {"name": "share", "type": "decimal"},
        {"name": "validUntil", "type": "dateTime"},
        {"name": "revoked", "type": "boolean"},
        {"name": "picture", "type": "binary"},
        {"name": "page", "type": "reference", "referenceTypes": ["external"]},
        {"name": "doors", "multiValued": true},
        {"name": "pins", "type": "integer", "multiValued": true},
        {"name": "issuer", "type": "complex", "subAttributes": [
            {"name": "value"}, {"name": "floor", "type": "integer"},
        ]},
        {"name": "keys", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "value"}, {"name": "type"}, {"name": "primary", "type": "boolean"},
            {"name": "since", "type": "dateTime"},
        ]},
        {"name": "serial", "mutability": "immutable"},
        {"name": "note", "returned": "request"},
        {"name": "mark", "returned": "always"},
    ]})
}

pub(crate) fn data() -> Value {
    json!({
        "colour": "Red", "code": "Ab", "level": 7, "share": 19.99, "validUntil": "2027-01-01T00:00:00+01:00",
        "revoked": false, "picture": "YQ==", "page": "https://acme.example/ann", "doors": ["North", "south"],
        "pins": [3, 9_007_199_254_740_993_i64], "issuer": {"value": "Desk", "floor": 2},
        "keys": [
            {"value": "k1", "type": "card", "primary": true, "since": "2026-01-01T00:00:00Z"},
            {"value": "k2", "type": "key"},
        ],
        "serial": "s-1", "note": "by hand", "mark": "m",
    })
}

/// What answers show of `data` by default.
pub(crate) fn shown() -> Value {
    let mut shown = data();
    shown.as_object_mut().unwrap().shift_remove("note");
    shown
}

async fn register(edge: &Edge, idp: &Idp, kind: ObjectKind, definition: &Value) -> SchemaId {
    let schema = Schema::from_definition(definition).unwrap();
    edge.store.tenant(idp.tenant).schema_extensions().insert(kind, &schema).await.unwrap().id
}

/// A provider whose users have badges.
pub(crate) async fn with_badges(edge: &Edge) -> Idp {
    let idp = edge.idp("acme").await;
    register(edge, &idp, ObjectKind::User, &badge()).await;
    idp
}

#[expect(clippy::needless_pass_by_value, reason = "a literal reads better at the call")]
pub(crate) fn holder(name: &str, data: Value) -> Value {
    json!({"schemas": [USER, BADGE], "userName": name, BADGE: data})
}

async fn data_of_an_extension_is_kept_and_shown(edge: Edge) {
    let idp = with_badges(&edge).await;
    let answer = idp.post("/Users", holder("ann", data())).await;
    let id = answer.created();
    assert_eq!(answer.body[BADGE], shown());
    assert_eq!(answer.body["schemas"], json!([USER, BADGE]));
    let path = format!("/Users/{id}");
    assert_eq!(idp.get(&path).await.ok(), answer.body);
    assert_eq!(idp.get("/Users").await.ok()["Resources"], json!([answer.body]));
    // In other spellings, without its URN in `schemas`, and beside another extension.
    let sent = json!({
        "schemas": [USER], "userName": "bob", BADGE.to_uppercase(): {"COLOUR": "green"},
        format!("{BADGE}:level"): 3, ENTERPRISE: {"department": "Sales"},
    });
    let bob = idp.post("/Users", sent).await;
    bob.created();
    assert_eq!(bob.body[BADGE], json!({"colour": "green", "level": 3}));
    assert_eq!(bob.body["schemas"], json!([USER, ENTERPRISE, BADGE]));
    for (name, nothing) in
        [("c", json!(null)), ("d", json!({})), ("e", json!({"level": null, "doors": [], "colour": ""}))]
    {
        let none = idp.post("/Users", holder(name, nothing)).await;
        none.created();
        assert_eq!((none.body.get(BADGE), &none.body["schemas"]), (None, &json!([USER])), "{none:?}");
    }
}

async fn numbers_come_back_to_the_last_digit(edge: Edge) {
    let idp = with_badges(&edge).await;
    for (name, level, share) in [
        ("a", "9223372036854775807", "0.1"),
        ("b", "-9223372036854775808", "123456789.123456"),
        ("c", "18446744073709551615", "0.001"),
        ("d", "9007199254740993", "-7.25"),
    ] {
        let sent = format!(
            "{{\"schemas\":[\"{USER}\"],\"userName\":\"{name}\",\"{BADGE}\":{{\"level\":{level},\"share\":{share}}}}}"
        );
        let answer = idp.call("POST", "/Users", &[], sent).await;
        let id = answer.created();
        let read = idp.get(&format!("/Users/{id}")).await;
        for text in [&answer.text, &read.text] {
            assert!(text.contains(&format!("\"level\":{level}")), "{text}");
            assert!(text.contains(&format!("\"share\":{share}")), "{text}");
        }
        let found =
            idp.find("/Users", &format!("{BADGE}:level eq {level} and {BADGE}:share eq {share}")).await;
        assert_eq!(found.ids(), [id], "{level} {share}");
    }
    let sent = format!(
        "{{\"schemas\":[\"{USER}\"],\"userName\":\"e\",\"{BADGE}\":{{\"level\":18446744073709551616}}}}"
    );
    idp.call("POST", "/Users", &[], sent).await.refused(400, "invalidValue");
}

async fn data_of_a_wrong_type_is_refused(edge: Edge) {
    let idp = with_badges(&edge).await;
    let id = idp.user("ann").await;
    for wrong in [
        json!({"level": "7"}),
        json!({"level": 7.5}),
        json!({"level": true}),
        json!({"share": "19.99"}),
        json!({"validUntil": "tomorrow"}),
        json!({"validUntil": 5}),
        json!({"revoked": "perhaps"}),
        json!({"revoked": 1}),
        json!({"colour": 1}),
        json!({"colour": ["a", "b"]}),
        json!({"doors": "North"}),
        json!({"doors": [1]}),
        json!({"pins": ["1"]}),
        json!({"pins": [[1]]}),
        json!({"issuer": []}),
        json!({"issuer": {"floor": "2"}}),
        json!({"keys": [{"value": 1}]}),
        json!({"keys": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]}),
        json!("data"),
        json!([]),
    ] {
        idp.post("/Users", holder("bob", wrong.clone())).await.refused(400, "invalidValue");
        idp.put(&format!("/Users/{id}"), holder("ann", wrong.clone())).await.refused(400, "invalidValue");
        let operations = json!([{"op": "add", "value": {BADGE: wrong}}]);
        let answer = idp.patch(&format!("/Users/{id}"), operations).await;
        answer.refused(400, "invalidValue");
    }
    let read = idp.get(&format!("/Users/{id}")).await.ok();
    assert_eq!((read.get(BADGE), &read["meta"]["version"]), (None, &json!("W/\"1\"")));
    assert_eq!(idp.get("/Users").await.ids(), [id]);
}

async fn a_put_replaces_and_a_patch_changes_the_data(edge: Edge) {
    let idp = with_badges(&edge).await;
    let id = idp.post("/Users", holder("ann", data())).await.created();
    let path = format!("/Users/{id}");
    let replaced = idp.put(&path, holder("ann", json!({"level": 8, "serial": "s-1"}))).await.ok();
    assert_eq!(replaced[BADGE], json!({"level": 8, "serial": "s-1"}));
    idp.put(&path, holder("ann", json!({"serial": "s-2"}))).await.refused(400, "mutability");
    idp.put(&path, user("ann")).await.refused(400, "mutability");
    let patched =
        idp.patch(&path, json!([{"op": "replace", "path": format!("{BADGE}:serial"), "value": "s-2"}])).await;
    patched.refused(400, "mutability");
    let touched = json!([
        {"op": "replace", "path": format!("{BADGE}:level"), "value": 9},
        {"op": "add", "path": format!("{BADGE}:doors"), "value": ["West"]},
    ]);
    let after = idp.patch(&path, touched.clone()).await.ok();
    assert_eq!(after[BADGE], json!({"level": 9, "serial": "s-1", "doors": ["West"]}));
    let again = idp.patch(&path, touched).await.ok();
    assert_eq!(again["meta"], after["meta"], "nothing changed");
}

async fn a_patch_reaches_every_part_of_an_extension(edge: Edge) {
    let idp = with_badges(&edge).await;
    let id = idp.user("ann").await;
    let path = format!("/Users/{id}");
    let at = |name: &str| format!("{BADGE}:{name}");
    let upper = BADGE.to_uppercase();
    for (operation, expected) in [
        (json!({"op": "add", "path": at("level"), "value": 1}), json!({"level": 1})),
        (json!({"op": "replace", "path": format!("{upper}:LEVEL"), "value": 2}), json!({"level": 2})),
        (
            json!({"op": "add", "path": at("issuer.value"), "value": "Desk"}),
            json!({"level": 2, "issuer": {"value": "Desk"}}),
        ),
        (
            json!({"op": "replace", "path": at("issuer"), "value": {"floor": 3}}),
            json!({"level": 2, "issuer": {"value": "Desk", "floor": 3}}),
        ),
        (
            json!({"op": "remove", "path": at("issuer.floor")}),
            json!({"level": 2, "issuer": {"value": "Desk"}}),
        ),
        (json!({"op": "remove", "path": at("issuer")}), json!({"level": 2})),
        (json!({"op": "replace", "value": {BADGE: {"colour": "red"}}}), json!({"level": 2, "colour": "red"})),
        (json!({"op": "add", "value": {at("colour"): "green"}}), json!({"level": 2, "colour": "green"})),
        (
            json!({"op": "replace", "path": BADGE, "value": {"level": 4, "doors": ["a", "A", "b"]}}),
            json!({"level": 4, "colour": "green", "doors": ["A", "b"]}),
        ),
        (
            json!({"op": "remove", "path": at("doors[value eq \"a\"]")}),
            json!({"level": 4, "colour": "green", "doors": ["b"]}),
        ),
        (json!({"op": "replace", "value": {BADGE: {"doors": [], "colour": null}}}), json!({"level": 4})),
        (
            json!({"op": "add", "path": at("keys"), "value": [{"value": "k1", "type": "card"}, {"value": "k2"}]}),
            json!({"level": 4, "keys": [{"value": "k1", "type": "card"}, {"value": "k2"}]}),
        ),
        (
            json!({"op": "replace", "path": at("keys[type eq \"CARD\"].value"), "value": "k3"}),
            json!({"level": 4, "keys": [{"value": "k3", "type": "card"}, {"value": "k2"}]}),
        ),
        (
            json!({"op": "remove", "path": at("keys[value eq \"k2\"]")}),
            json!({"level": 4, "keys": [{"value": "k3", "type": "card"}]}),
        ),
    ] {
        let after = idp.patch(&path, json!([operation])).await.ok();
        assert_eq!(after[BADGE], expected, "{operation}");
        assert_eq!(after["schemas"], json!([USER, BADGE]), "{operation}");
        assert_eq!(idp.get(&path).await.ok(), after, "{operation}");
    }
    let after = idp.patch(&path, json!([{"op": "remove", "path": BADGE}])).await.ok();
    assert_eq!((after.get(BADGE), &after["schemas"]), (None, &json!([USER])));
    let level = json!([{"op": "add", "path": at("level"), "value": 1}]);
    idp.patch(&path, level).await.ok();
    let last = idp.patch(&path, json!([{"op": "remove", "path": at("level")}])).await.ok();
    assert_eq!((last.get(BADGE), &last["schemas"]), (None, &json!([USER])), "nothing is left of it");
}

async fn groups_have_extensions_and_members_side_by_side(edge: Edge) {
    let idp = edge.idp("acme").await;
    let definition = json!({"id": BADGE, "attributes": [{"name": "level", "type": "integer"}, {"name": "doors", "multiValued": true}]});
    register(&edge, &idp, ObjectKind::Group, &definition).await;
    let (ann, bob) = (idp.user("ann").await, idp.user("bob").await);
    let body = json!({"schemas": [GROUP, BADGE], "displayName": "Staff", "members": [{"value": ann}], BADGE: {"level": 1}});
    let id = idp.post("/Groups", body).await.created();
    let path = format!("/Groups/{id}");
    for (operations, level) in [
        (json!([{"op": "add", "path": "members", "value": [{"value": bob}]}]), 1),
        (
            json!([
                {"op": "replace", "path": format!("{BADGE}:level"), "value": 2},
                {"op": "remove", "path": format!("members[value eq \"{bob}\"]")},
            ]),
            2,
        ),
        (
            json!([{"op": "replace", "value": {BADGE: {"level": 3}, "members": [{"value": ann}, {"value": bob}]}}]),
            3,
        ),
        (
            json!([{"op": "remove", "path": format!("members[value eq \"{ann}\" and type eq \"User\"]")}, {"op": "add", "path": format!("{BADGE}:level"), "value": 4}]),
            4,
        ),
    ] {
        let after = idp.patch(&path, operations.clone()).await.ok();
        assert_eq!(after[BADGE], json!({"level": level}), "{operations}");
        assert_eq!(after["schemas"], json!([GROUP, BADGE]), "{operations}");
    }
    assert_eq!(idp.members(&id).await, [bob]);
    assert_eq!(idp.find("/Groups", &format!("{BADGE}:level gt 3")).await.ids(), [id.as_str()]);
    assert!(idp.find("/Users", &format!("{BADGE}:level gt 0")).await.ids().is_empty());
    // Of users nothing is registered: their data of that name is as unknown as any.
    let eve = idp.post("/Users", holder("eve", json!({"level": 1}))).await;
    eve.created();
    assert_eq!((eve.body.get(BADGE), &eve.body["schemas"]), (None, &json!([USER])));
    let put = json!({"schemas": [GROUP], "displayName": "Staff"});
    assert!(idp.put(&path, put).await.ok().get(BADGE).is_none());
}

async fn discovery_shows_a_tenants_schemas_to_that_tenant_only(edge: Edge) {
    let idp = with_badges(&edge).await;
    let sibling = edge.idp_of(idp.tenant, true).await;
    let globex = edge.idp("globex").await;
    for idp in [&idp, &sibling] {
        let schema = idp.get(&format!("/Schemas/{}", BADGE.to_uppercase())).await.ok();
        let defined = Schema::from_definition(&badge()).unwrap();
        assert_eq!(Schema::from_definition(&schema).unwrap(), defined, "it can be read as it was registered");
        assert_eq!(schema["meta"]["location"], idp.location(&format!("/Schemas/{BADGE}")));
        let all = idp.get("/Schemas").await.ok();
        assert_eq!((&all["totalResults"], &all["Resources"][2]), (&json!(4), &schema));
        let users = idp.get("/ResourceTypes/User").await.ok();
        let extensions = json!([
            {"schema": ENTERPRISE, "required": false},
            {"schema": BADGE, "required": false},
        ]);
        assert_eq!(users["schemaExtensions"], extensions);
        assert!(idp.get("/ResourceTypes/Group").await.ok().get("schemaExtensions").is_none());
    }
    globex.get(&format!("/Schemas/{BADGE}")).await.refused(404, "");
    assert_eq!(globex.get("/Schemas").await.ok()["totalResults"], 3);
    assert!(!globex.get("/ResourceTypes").await.text.contains(BADGE));
    let answer = globex.post("/Users", holder("ann", data())).await;
    answer.created();
    assert!(answer.body.get(BADGE).is_none(), "{answer:?}");
    assert!(globex.find("/Users", &format!("{BADGE}:level eq 7")).await.ids().is_empty());
    let shown = globex.get(&format!("/Users?attributes={BADGE}")).await;
    assert!(!shown.text.contains(BADGE), "{shown:?}");
}

async fn what_no_schema_has_is_dropped_and_said_or_refused_when_strict(edge: Edge) {
    let idp = with_badges(&edge).await;
    let strict = edge.idp_of(idp.tenant, true).await;
    let unknown = "urn:ietf:params:scim:schemas:extension:CustomExtension:2.0:User";
    let id = idp.user("ann").await;
    let path = format!("/Users/{id}");
    let strict_path = format!("/Users/{}", strict.user("ann").await);
    for body in [
        json!({"schemas": [USER, unknown], "userName": "ann", unknown: {"tag": {"deep": [1, {"er": null}]}}}),
        json!({"schemas": [USER], "userName": "ann", format!("{unknown}:tag"): "x"}),
        json!({"schemas": [USER], "userName": "ann", "shoeSize": 44}),
        holder("ann", json!({"smell": "good"})),
    ] {
        let after = idp.put(&path, body.clone()).await.ok();
        assert_eq!(after, idp.get(&path).await.ok());
        for name in ["tag", "shoeSize", "smell", "Custom"] {
            assert!(!after.to_string().contains(name), "{after}");
        }
        strict.put(&strict_path, body.clone()).await.refused(400, "invalidSyntax");
        strict.post("/Users", body).await.refused(400, "invalidSyntax");
    }
    for operation in [
        json!({"op": "add", "path": format!("{unknown}:tag"), "value": "x"}),
        json!({"op": "replace", "path": format!("{BADGE}:smell"), "value": "good"}),
        json!({"op": "remove", "path": format!("{unknown}:tag[type eq \"a\"].value")}),
        json!({"op": "replace", "value": {unknown: {"tag": "x"}}}),
        json!({"op": "add", "path": BADGE, "value": {"smell": "good"}}),
    ] {
        let title = json!({"op": "replace", "path": "title", "value": operation.to_string()});
        let after = idp.patch(&path, json!([operation, title])).await.ok();
        assert_eq!(after["title"], operation.to_string(), "the rest is done");
        assert!(after.get(BADGE).is_none() && after.get(unknown).is_none(), "{after}");
        strict.patch(&strict_path, json!([operation])).await.refused(400, "invalidPath");
    }
    let timeline = edge.store.tenant(idp.tenant).timeline();
    let entries = timeline.list(id.parse().unwrap(), None, 100).await.unwrap();
    let said: Vec<String> = entries.into_iter().filter_map(|entry| Some(entry.detail?.to_string())).collect();
    assert!(
        said.iter().any(|said| said.contains(&format!("{BADGE}:smell is not in the schema: dropped"))),
        "{said:?}"
    );
    assert!(
        said.iter().any(|said| said.contains(&format!("{unknown}:tag is not in the schema: dropped"))),
        "{said:?}"
    );
    assert_eq!(strict.get(&strict_path).await.ok()["meta"]["version"], "W/\"1\"");
    strict.find("/Users", &format!("{BADGE}:smell pr")).await.refused(400, "invalidFilter");
    strict.find("/Users", &format!("{unknown}:tag pr")).await.refused(400, "invalidFilter");
}

async fn a_schema_that_became_stricter_keeps_nobody_from_being_deactivated(edge: Edge) {
    let idp = edge.idp("acme").await;
    let mut definition = json!({"id": BADGE, "attributes": [{"name": "level", "type": "integer"}]});
    let schema = register(&edge, &idp, ObjectKind::User, &definition).await;
    let ann = idp.post("/Users", holder("ann", json!({"level": 1}))).await.created();
    let bob = idp.user("bob").await;
    let stricter = json!({"name": "colour", "required": true});
    definition["attributes"].as_array_mut().unwrap().push(stricter);
    let changed = Schema::from_definition(&definition).unwrap();
    edge.store.tenant(idp.tenant).schema_extensions().update(schema, None, &changed).await.unwrap();
    edge.tokens.forget(&store::secret::digest(&idp.token)).await;
    for id in [&ann, &bob] {
        let off = json!([{"op": "replace", "path": "active", "value": false}]);
        assert_eq!(idp.patch(&format!("/Users/{id}"), off).await.ok()["active"], false);
    }
    assert_eq!(idp.put(&format!("/Users/{bob}"), user("bob")).await.ok()["active"], false);
    let path = format!("/Users/{ann}");
    assert_eq!(idp.get(&path).await.ok()[BADGE], json!({"level": 1}), "what is there stays");
    let level = json!([{"op": "replace", "path": format!("{BADGE}:level"), "value": 2}]);
    idp.patch(&path, level).await.refused(400, "invalidValue");
    idp.put(&path, holder("ann", json!({"level": 2}))).await.refused(400, "invalidValue");
    idp.post("/Users", holder("eve", json!({"level": 2}))).await.refused(400, "invalidValue");
    let both = json!([{"op": "replace", "path": BADGE, "value": {"level": 2, "colour": "red"}}]);
    assert_eq!(idp.patch(&path, both).await.ok()[BADGE], json!({"level": 2, "colour": "red"}));
    idp.patch(&path, json!([{"op": "remove", "path": format!("{BADGE}:colour")}]))
        .await
        .refused(400, "mutability");
    idp.patch(&path, json!([{"op": "remove", "path": BADGE}])).await.ok();
}

async fn a_change_of_the_schemas_is_seen_within_a_second(edge: Edge) {
    let idp = edge.idp("acme").await;
    let knows = || async { idp.get(&format!("/Schemas/{BADGE}")).await.status == http::StatusCode::OK };
    assert!(!knows().await);
    let id = register(&edge, &idp, ObjectKind::User, &badge()).await;
    until("the new schema is served", &knows).await;
    edge.store.tenant(idp.tenant).schema_extensions().delete(id, None).await.unwrap();
    until("the removed schema is gone", || async { !knows().await }).await;
}

async fn the_stored_document_holds_what_mappings_read(edge: Edge) {
    let idp = with_badges(&edge).await;
    let id = idp.post("/Users", holder("ann", data())).await.created();
    let users = edge.store.tenant(idp.tenant).users(idp.connection);
    let row = users.find(id.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(row.document[BADGE], data(), "all of it, whatever answers show");
}
