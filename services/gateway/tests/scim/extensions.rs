//! Schema extensions that a tenant registered (RFC 7643 §3.3): checked, kept, shown and searched as the
//! standard's attributes are, and by nobody else.

use scim_protocol::schema::Schema;
use serde_json::{Value, json};
use store::entity::words::ObjectKind;
use store::id::SchemaId;

use crate::harness::{ENTERPRISE, Edge, GROUP, Idp, USER, on_both, until, user};

on_both!(
    data_of_an_extension_is_kept_and_shown,
    numbers_come_back_to_the_last_digit,
    data_of_a_wrong_type_is_refused,
    a_put_replaces_and_a_patch_changes_the_data,
    a_patch_reaches_every_part_of_an_extension,
    filters_compare_by_the_types_of_the_schema,
    answers_show_of_an_extension_what_was_asked_for,
    groups_have_extensions_and_members_side_by_side,
    discovery_shows_a_tenants_schemas_to_that_tenant_only,
    what_no_schema_has_is_dropped_and_said_or_refused_when_strict,
    a_schema_that_became_stricter_keeps_nobody_from_being_deactivated,
    a_change_of_the_schemas_is_seen_within_a_second,
    the_stored_document_holds_what_mappings_read,
);

const BADGE: &str = "urn:acme:scim:schemas:2.0:Badge";

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

fn data() -> Value {
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
fn shown() -> Value {
    let mut shown = data();
    shown.as_object_mut().unwrap().shift_remove("note");
    shown
}

async fn register(edge: &Edge, idp: &Idp, kind: ObjectKind, definition: &Value) -> SchemaId {
    let schema = Schema::from_definition(definition).unwrap();
    edge.store.tenant(idp.tenant).schema_extensions().insert(kind, &schema).await.unwrap().id
}

/// A provider whose users have badges.
async fn with_badges(edge: &Edge) -> Idp {
    let idp = edge.idp("acme").await;
    register(edge, &idp, ObjectKind::User, &badge()).await;
    idp
}

fn holder(name: &str, data: Value) -> Value {
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
        ("c", "18446744073709551615", "0.000001"),
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

async fn filters_compare_by_the_types_of_the_schema(edge: Edge) {
    let idp = with_badges(&edge).await;
    let ann = idp.post("/Users", holder("ann", data())).await.created();
    let other = json!({
        "colour": "straße", "level": 70, "share": 2, "validUntil": "2027-01-01T00:00:00Z", "revoked": true,
        "doors": ["East"], "pins": [4], "issuer": {"value": "Gate", "floor": 10}, "keys": [{"value": "k1", "type": "key"}],
    });
    let bob = idp.post("/Users", holder("bob", other)).await.created();
    let eve = idp.user("eve").await;
    let (a, b, e): (&[&str], &[&str], &[&str]) = (&["a"], &["b"], &["e"]);
    let cases: &[(&str, &[&str])] = &[
        ("colour eq \"RED\"", a),
        ("colour eq \"STRASSE\"", b),
        ("colour ne \"red\"", &["b", "e"]),
        ("colour sw \"r\"", a),
        ("colour co \"SS\"", b),
        ("colour gt \"red\"", b),
        ("code eq \"Ab\"", a),
        ("code eq \"ab\"", &[]),
        ("picture eq \"YQ==\"", a),
        ("page ew \"/ann\"", a),
        ("level eq 7", a),
        ("level gt 7", b),
        ("level ge 7", &["a", "b"]),
        ("level lt 8", a),
        ("level eq 7.0", a),
        ("share gt 2", a),
        ("share le 2.0", b),
        ("share eq 19.99", a),
        ("validUntil lt \"2027-01-01T00:00:00Z\"", a),
        ("validUntil eq \"2026-12-31T23:00:00.000Z\"", a),
        ("validUntil ge \"2026-12-31T23:00:00Z\"", &["a", "b"]),
        ("revoked eq true", b),
        ("revoked eq false", a),
        ("revoked ne true", &["a", "e"]),
        ("doors eq \"SOUTH\"", a),
        ("doors ne \"south\"", &["a", "b"]),
        ("doors sw \"e\"", b),
        ("doors[value eq \"north\"]", a),
        ("pins eq 9007199254740993", a),
        ("pins eq 9007199254740992", &[]),
        ("pins gt 3", &["a", "b"]),
        ("issuer eq \"desk\"", a),
        ("issuer.floor gt 2", b),
        ("issuer[value eq \"gate\" and floor eq 10]", b),
        ("keys.value eq \"k1\"", &["a", "b"]),
        ("keys[value eq \"k1\" and type eq \"card\"]", a),
        ("keys[value eq \"k2\" and type eq \"card\"]", &[]),
        ("keys.since gt \"2025-01-01T00:00:00Z\"", a),
        ("keys[primary eq true]", a),
        ("level pr", &["a", "b"]),
        ("level eq null", e),
        ("note eq \"by hand\"", a),
        ("nothing eq 1", &[]),
    ];
    for (filter, expected) in cases {
        for urn in [BADGE.to_owned(), BADGE.to_uppercase()] {
            let found = idp.find("/Users", &format!("{urn}:{filter}")).await.ids();
            let names = [(&ann, "a"), (&bob, "b"), (&eve, "e")];
            let wanted: Vec<&String> =
                names.iter().filter(|(_, name)| expected.contains(name)).map(|(id, _)| *id).collect();
            assert_eq!(found.iter().collect::<Vec<_>>(), wanted, "{filter}");
        }
    }
    let both = format!("userName eq \"ann\" and not ({BADGE}:level lt 7) or {BADGE}:revoked eq true");
    assert_eq!(idp.find("/Users", &both).await.ids(), [ann.clone(), bob.clone()]);
    assert_eq!(idp.find("/Users", &format!("schemas eq \"{BADGE}\"")).await.ids(), [ann, bob]);
    for refused in [
        "level co 7",
        "level eq \"7\"",
        "share sw 1",
        "revoked gt true",
        "picture gt \"a\"",
        "validUntil eq \"soon\"",
        "keys[floor gt",
        "doors.value.x eq 1",
    ] {
        idp.find("/Users", &format!("{BADGE}:{refused}")).await.refused(400, "invalidFilter");
    }
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": format!("{BADGE}:level eq 70"), "attributes": [format!("{BADGE}:level")],
    });
    let found = idp.post("/Users/.search", body).await.ok();
    assert_eq!(found["Resources"][0][BADGE], json!({"level": 70}));
}

async fn answers_show_of_an_extension_what_was_asked_for(edge: Edge) {
    let idp = with_badges(&edge).await;
    let id = idp.post("/Users", holder("ann", data())).await.created();
    let of = async |query: &str| idp.get(&format!("/Users/{id}?{query}")).await.ok()[BADGE].clone();
    let marked = |more: Value| {
        let mut data = json!({"mark": "m"});
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        data
    };
    assert_eq!(of("attributes=userName").await, marked(json!({})), "mark is always returned");
    assert_eq!(of(&format!("attributes={BADGE}:level")).await, marked(json!({"level": 7})));
    assert_eq!(
        of(&format!("attributes={}:NOTE", BADGE.to_uppercase())).await,
        marked(json!({"note": "by hand"}))
    );
    assert_eq!(
        of(&format!("attributes={BADGE}:issuer.floor,{BADGE}:keys.type")).await,
        marked(json!({"issuer": {"floor": 2}, "keys": [{"type": "card"}, {"type": "key"}]}))
    );
    assert_eq!(
        of(&format!("attributes={BADGE}")).await,
        data(),
        "all of it, what is shown on request included"
    );
    assert_eq!(of(&format!("excludedAttributes={BADGE}")).await, marked(json!({})));
    let mut less = shown();
    less.as_object_mut().unwrap().shift_remove("keys");
    less["issuer"] = json!({"value": "Desk"});
    assert_eq!(of(&format!("excludedAttributes={BADGE}:keys,{BADGE}:issuer.floor,{BADGE}:none")).await, less);
    let patched = json!([{"op": "replace", "path": format!("{BADGE}:level"), "value": 8}]);
    let answer = idp.patch(&format!("/Users/{id}?attributes={BADGE}:level"), patched).await.ok();
    assert_eq!(answer[BADGE], marked(json!({"level": 8})), "also in the answer to a write");
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
    assert_eq!(idp.find("/Groups", &format!("{BADGE}:level gt 3")).await.ids(), [id.clone()]);
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
