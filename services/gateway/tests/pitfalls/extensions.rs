//! What only a tenant's own schema can show: numbers, lists of plain values, attributes that are immutable or
//! returned on request (RFC 7643 §2.2, §2.3).

use http::StatusCode;
use scim_protocol::schema::Schema;
use serde_json::{Value, json};
use store::entity::words::ObjectKind;

use crate::asking::{names, with};
use crate::harness::{Edge, Idp};
use crate::rules;

rules!(
    s26_what_is_returned_on_request_is_shown_when_it_is_named,
    s36_an_immutable_attribute_is_set_once,
    s59_plain_values_of_a_list_are_selected_by_value,
    s84_numbers_keep_their_value_and_extensions_their_form,
);

const BADGE: &str = "urn:acme:scim:schemas:2.0:Badge";

/// A tolerant and a strict provider of a tenant whose users have badges.
async fn with_badges(edge: &Edge) -> (Idp, Idp) {
    let tenant = edge.store.tenants().insert("acme", "Acme").await.unwrap().id;
    let definition = json!({"id": BADGE, "name": "Badge", "attributes": [
        {"name": "level", "type": "integer"},
        {"name": "share", "type": "decimal"},
        {"name": "pins", "type": "integer", "multiValued": true},
        {"name": "doors", "multiValued": true},
        {"name": "issuer", "type": "complex", "subAttributes": [{"name": "value"}, {"name": "floor", "type": "integer"}]},
        {"name": "serial", "mutability": "immutable", "caseExact": true},
        {"name": "note", "returned": "request"},
    ]});
    let schema = Schema::from_definition(&definition).unwrap();
    edge.store.tenant(tenant).schema_extensions().insert(ObjectKind::User, &schema).await.unwrap();
    (edge.idp_of(tenant, false).await, edge.idp_of(tenant, true).await)
}

fn holder(name: &str, badge: &Value) -> Value {
    with(name, json!({BADGE: badge}))
}

async fn s26_what_is_returned_on_request_is_shown_when_it_is_named(edge: Edge) {
    let (tolerant, strict) = with_badges(&edge).await;
    for idp in [tolerant, strict] {
        let created = idp.post("/Users", holder("ann", &json!({"note": "by hand", "level": 1}))).await;
        let path = format!("/Users/{}", created.created());
        let note = format!("{BADGE}:note");
        assert_eq!(created.body[BADGE], json!({"level": 1}));
        for query in
            ["", "?excludedAttributes=title", "?attributes=userName", &format!("?attributes={BADGE}:level")]
        {
            let body = idp.read(&format!("{path}{query}")).await;
            assert_eq!(body.pointer(&format!("/{BADGE}/note")), None, "{query}");
        }
        let named = idp.read(&format!("{path}?attributes={note}")).await;
        assert_eq!((names(&named).len(), &named[BADGE]), (3, &json!({"note": "by hand"})));
        let listed = idp.read(&format!("/Users?attributes={},userName", note.to_uppercase())).await;
        assert_eq!(listed["Resources"][0][BADGE], json!({"note": "by hand"}));
        // It is there all the same: it can be asked for, and changed.
        idp.finds(&[
            (format!("{note} eq \"BY HAND\"").as_str(), &["ann"]),
            (format!("not ({note} pr)").as_str(), &[]),
        ])
        .await;
        let change = json!([{"op": "replace", "path": note, "value": "by machine"}]);
        let changed = idp.patch(&format!("{path}?attributes={note}"), change).await.ok();
        assert_eq!(changed[BADGE]["note"], "by machine");
        assert_eq!(
            idp.put(&path, holder("ann", &json!({"level": 2}))).await.ok()[BADGE],
            json!({"level": 2})
        );
        assert_eq!(idp.read(&format!("{path}?attributes={note}")).await.get(BADGE), None, "cleared unseen");
    }
}

async fn s36_an_immutable_attribute_is_set_once(edge: Edge) {
    let (tolerant, strict) = with_badges(&edge).await;
    for idp in [tolerant, strict] {
        let id = idp.post("/Users", holder("ann", &json!({"level": 1}))).await.created();
        let (path, serial) = (format!("/Users/{id}"), format!("{BADGE}:serial"));
        let set = |value: &str| json!({"op": "replace", "path": serial, "value": value});
        let after = idp.patch(&path, json!([set("S-1")])).await.ok();
        assert_eq!(after[BADGE]["serial"], "S-1", "it may be set when there is none");
        assert_eq!(idp.patch(&path, json!([set("S-1")])).await.ok(), after, "and repeated");
        assert_eq!(idp.put(&path, holder("ann", &json!({"level": 1, "serial": "S-1"}))).await.ok(), after);
        let refused = [
            (set("s-1"), "mutability"),
            (json!({"op": "add", "path": serial, "value": "S-2"}), "mutability"),
            (json!({"op": "remove", "path": serial}), "mutability"),
            (json!({"op": "replace", "value": {BADGE: {"serial": "S-2"}}}), "mutability"),
        ];
        idp.refuses_operations(&path, &refused).await;
        idp.put(&path, holder("ann", &json!({"serial": "S-2"}))).await.refused(400, "mutability");
        let there_and_back =
            json!([set("S-2"), {"op": "replace", "path": "title", "value": "x"}, set("S-1")]);
        assert_eq!(idp.patch(&path, there_and_back).await.ok()["title"], "x", "what counts is the end");
    }
}

async fn s59_plain_values_of_a_list_are_selected_by_value(edge: Edge) {
    let (tolerant, strict) = with_badges(&edge).await;
    for idp in [tolerant, strict] {
        let badge = json!({"doors": ["North", "south", "west"], "pins": [1, 2]});
        let path = format!("/Users/{}", idp.post("/Users", holder("ann", &badge)).await.created());
        let doors = |filter: &str| format!("{BADGE}:doors[{filter}]");
        let (doors_at, pins_at) = (format!("/{BADGE}/doors"), format!("/{BADGE}/pins"));
        let steps = [
            (json!({"op": "remove", "path": doors("value eq \"NORTH\"")}), json!(["south", "west"])),
            (
                json!({"op": "replace", "path": doors("value sw \"w\""), "value": "east"}),
                json!(["south", "east"]),
            ),
            (
                json!({"op": "add", "path": format!("{BADGE}:doors"), "value": ["South", "north"]}),
                json!(["South", "east", "north"]),
            ),
            (
                json!({"op": "remove", "path": doors("value eq \"nowhere\"")}),
                json!(["South", "east", "north"]),
            ),
            (json!({"op": "remove", "path": doors("not (value eq \"east\")")}), json!(["east"])),
            (json!({"op": "remove", "path": doors("value pr")}), json!(null)),
        ];
        idp.patches(&path, &doors_at, &steps).await;
        let pins = [(json!({"op": "remove", "path": format!("{BADGE}:pins[value gt 1]")}), json!([1]))];
        idp.patches(&path, &pins_at, &pins).await;
        idp.finds(&[
            (format!("{BADGE}:pins[value eq 1]").as_str(), &["ann"]),
            (format!("{BADGE}:pins eq 2").as_str(), &[]),
        ])
        .await;
    }
}

/// RFC 7643 §2.3.4: integers are whole numbers of any JSON size that we can hold (64 bits); a fraction is a double.
async fn s84_numbers_keep_their_value_and_extensions_their_form(edge: Edge) {
    let (tolerant, strict) = with_badges(&edge).await;
    for idp in [&tolerant, &strict] {
        // Neighbours that are one number as doubles.
        let large =
            [9_007_199_254_740_992_i64, 9_007_199_254_740_993, i64::MAX, i64::MAX - 1, i64::MIN, 0, -1];
        for (n, number) in large.into_iter().enumerate() {
            let badge = json!({"level": number, "pins": [number, 7], "issuer": {"floor": number}});
            let name = format!("user-{n}");
            let created = idp.post("/Users", holder(&name, &badge)).await;
            let path = format!("/Users/{}", created.created());
            let read = idp.get(&path).await;
            assert!(read.text.contains(&format!("\"level\":{number},")), "{}", read.text);
            assert_eq!(read.ok()[BADGE], badge);
            idp.finds(&[(format!("{BADGE}:level eq {number}").as_str(), &[name.as_str()])]).await;
            let other = json!([{"op": "replace", "path": format!("{BADGE}:pins"), "value": [number]}]);
            assert_eq!(idp.patch(&path, other).await.ok()[BADGE]["pins"], json!([number]));
        }
        let top = format!("{BADGE}:level gt {}", i64::MAX - 1);
        idp.finds(&[
            (top.as_str(), &["user-2"]),
            (format!("{BADGE}:level lt -1").as_str(), &["user-4"]),
            (
                format!("{BADGE}:level ge 9007199254740993 and {BADGE}:level lt {}", i64::MAX - 1).as_str(),
                &["user-1"],
            ),
        ])
        .await;
        for (n, share) in
            ["0.1", "19.99", "-0.5", "1e-7", "3.141592653589793", "2.5E3", "7", "100000000000000000000.5"]
                .into_iter()
                .enumerate()
        {
            let body = holder(&format!("share-{n}"), &json!({"share": "SHARE"})).to_string();
            let created = idp.call("POST", "/Users", &[], body.replace("\"SHARE\"", share)).await;
            let path = format!("/Users/{}", created.created());
            let value: f64 = share.parse().unwrap();
            let read = idp.read(&path).await;
            let kept = read[BADGE]["share"].as_f64().unwrap();
            assert_eq!(kept.to_bits(), value.to_bits(), "{share}");
            assert_eq!(
                idp.find("/Users", &format!("{BADGE}:share eq {share}")).await.ids().len(),
                1,
                "{share}"
            );
            let same = idp.call("PUT", &path, &[], body.replace("\"SHARE\"", share)).await;
            assert_eq!(same.ok(), read, "the same number is no change: {share}");
        }
        for wrong in ["1.5", "1e400", "123456789012345678901234567890", "true", "[1, 2]", "{}", "\"seven\""] {
            let body = holder("wrong", &json!({"level": "LEVEL"})).to_string();
            let answer = idp.call("POST", "/Users", &[], body.replace("\"LEVEL\"", wrong)).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}: {answer:?}");
        }
        assert!(idp.found("userName eq \"wrong\"").await.is_empty());
    }
}
