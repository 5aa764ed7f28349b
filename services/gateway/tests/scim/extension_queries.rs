//! Filters and projections over the attributes of a registered schema extension.

use serde_json::{Value, json};

use crate::extensions::{BADGE, data, holder, shown, with_badges};
use crate::harness::{Edge, on_both};

on_both!(filters_compare_by_the_types_of_the_schema, answers_show_of_an_extension_what_was_asked_for);

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
