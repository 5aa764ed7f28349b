//! Filters: how values of each type compare, and absent ones (RFC 7644 §3.4.2.2, table 3).

use std::time::Duration;

use serde_json::json;

use crate::harness::{ENTERPRISE, Edge};
use crate::rules;

rules!(
    s03_text_compares_as_its_attribute_says,
    s04_what_is_empty_is_not_present,
    s05_an_absent_value_is_not_equal_to_any,
    s06_null_stands_for_absence,
    s09_booleans_are_not_quoted_unless_tolerated,
    s10_order_is_for_text_and_time,
    s11_parts_are_for_text_and_an_empty_part_is_in_all,
);

/// RFC 7643 §2.2 `caseExact`. Our choice: case folds as Unicode says, not in ASCII alone.
async fn s03_text_compares_as_its_attribute_says(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = json!({
        "externalId": "00uA",
        "displayName": "Straße ΣΊΣΥΦΟΣ",
        "emails": [{"value": "Änne@Acme.example"}],
    });
    let id = idp.person("ÄNNE@acme.example", ann).await;
    idp.person("bob", json!({"externalId": "00ua"})).await;
    let ann: &[&str] = &["ÄNNE@acme.example"];
    for path in ["userName", "emails.value", "emails"] {
        for (op, text) in [("eq", "änne@ACME.example"), ("sw", "äNN"), ("co", "NE@ACME"), ("ew", ".EXAMPLE")]
        {
            let filter = format!("{path} {op} \"{text}\"");
            assert_eq!(idp.found(&filter).await, ann, "{filter}");
        }
        assert!(idp.found(&format!("{path} eq \"anne@acme.example\"")).await.is_empty());
    }
    let (upper, exact) = (format!("id eq \"{}\"", id.to_uppercase()), format!("id eq \"{id}\""));
    let start = format!("id sw \"{}\"", &id[..30]);
    idp.finds(&[
        ("displayName eq \"STRASSE σίσυφος\"", ann),
        ("displayName co \"ße σίΣυφο\"", ann),
        ("displayName eq \"STRAE σίσυφος\"", &[]),
        ("externalId eq \"00uA\"", ann),
        ("externalId eq \"00ua\"", &["bob"]),
        ("externalId eq \"00UA\"", &[]),
        ("externalId sw \"00\"", &["ÄNNE@acme.example", "bob"]),
        ("externalId ew \"A\"", ann),
        ("externalId co \"UA\"", &[]),
        ("externalId gt \"00uA\"", &["bob"]),
        (exact.as_str(), ann),
        (start.as_str(), ann),
        (upper.as_str(), &[]),
        ("meta.version eq \"W/\\\"1\\\"\"", &["ÄNNE@acme.example", "bob"]),
        ("meta.version eq \"w/\\\"1\\\"\"", &[]),
    ])
    .await;
    let group = idp.group("Straße", &[]).await;
    assert_eq!(idp.find("/Groups", "displayName eq \"STRASSE\"").await.ids(), [group]);
}

/// RFC 7644 table 3, `pr`. Our choice: an empty string is absent.
async fn s04_what_is_empty_is_not_present(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let empty = json!({
            "title": "", "nickName": null, "emails": [], "name": {}, "externalId": "", "roles": null,
            ENTERPRISE: {"manager": {}, "department": ""},
        });
        idp.person("empty", empty).await;
        let full = json!({
            "title": "Chief", "nickName": "C", "name": {"givenName": "A", "familyName": ""}, "active": false,
            "externalId": "1", "emails": [{"type": "work", "value": "a@b"}], "roles": [{"display": "Admin"}],
            ENTERPRISE: {"manager": {"value": "1"}, "department": "Sales"},
        });
        idp.person("full", full).await;
        let extension = [
            format!("{ENTERPRISE}:manager pr"),
            format!("{ENTERPRISE}:manager.value pr"),
            format!("{ENTERPRISE}:department pr"),
        ];
        let paths = [
            "title",
            "nickName",
            "emails",
            "emails.value",
            "emails.type",
            "name",
            "name.givenName",
            "externalId",
            "roles",
            "roles.display",
            "active",
        ];
        let present: Vec<String> = paths.iter().map(|path| format!("{path} pr")).chain(extension).collect();
        for filter in present {
            assert_eq!(idp.found(&filter).await, ["full"], "{filter}");
            let absent = format!("not ({filter})");
            assert_eq!(idp.found(&absent).await, ["empty"], "{absent}");
        }
        idp.finds(&[
            ("name.familyName pr", &[]),
            ("roles.value pr", &[]),
            ("groups pr", &[]),
            ("emails[value pr]", &["full"]),
            ("roles[value pr]", &[]),
            ("userName pr and id pr and meta.created pr and schemas pr", &["empty", "full"]),
        ])
        .await;
    }
}

/// RFC 7644 §3.4.2.2 leaves it open. Our choice: what a single-valued attribute does not have is not equal to
/// anything. A list without elements has none that differs.
async fn s05_an_absent_value_is_not_equal_to_any(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = json!({
        "title": "Chief", "active": true, "name": {"givenName": "Ann"}, "emails": [{"value": "ann@b", "type": "work"}],
        ENTERPRISE: {"department": "Sales"},
    });
    idp.person("ann", ann).await;
    idp.person("bob", json!({})).await;
    let department = format!("{ENTERPRISE}:department ne \"Sales\"");
    let other = format!("{ENTERPRISE}:department ne \"Support\"");
    let manager = format!("{ENTERPRISE}:manager.value ne \"1\"");
    idp.finds(&[
        ("title ne \"Chief\"", &["bob"]),
        ("title ne \"CHIEF\"", &["bob"]),
        ("title ne \"Clerk\"", &["ann", "bob"]),
        ("active ne true", &["bob"]),
        ("active ne false", &["ann", "bob"]),
        ("name.givenName ne \"Ann\"", &["bob"]),
        (department.as_str(), &["bob"]),
        (other.as_str(), &["ann", "bob"]),
        (manager.as_str(), &["ann", "bob"]),
        ("not (title ne \"Chief\")", &["ann"]),
        ("emails.value ne \"ann@b\"", &[]),
        ("emails.value ne \"other\"", &["ann"]),
        ("emails[type ne \"home\"]", &["ann"]),
        ("emails[display ne \"x\"]", &["ann"]),
        ("emails[type ne \"work\"]", &[]),
    ])
    .await;
}

/// Our choice, since the RFC's grammar has `null` and no meaning for it.
async fn s06_null_stands_for_absence(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let ann = json!({
            "title": "Chief", "active": false, "name": {"givenName": "Ann"}, "emails": [{"value": "ann@b"}],
            ENTERPRISE: {"department": "Sales"},
        });
        idp.person("ann", ann).await;
        idp.person("bob", json!({})).await;
        let department = format!("{ENTERPRISE}:department");
        for path in ["title", "active", "name", "name.givenName", "emails", "emails.value", &department] {
            for null in ["null", "NULL"] {
                assert_eq!(idp.found(&format!("{path} eq {null}")).await, ["bob"], "{path} eq {null}");
                assert_eq!(idp.found(&format!("{path} ne {null}")).await, ["ann"], "{path} ne {null}");
            }
            assert_eq!(idp.found(&format!("not ({path} eq null)")).await, ["ann"], "not {path}");
        }
        idp.finds(&[
            ("emails[type eq null]", &["ann"]),
            ("emails[type ne null]", &[]),
            ("title eq \"null\"", &[]),
            ("userName eq null", &[]),
        ])
        .await;
        idp.refuses_filters(&["title gt null", "title co null", "active ge null", "title eq nil"]).await;
    }
}

/// RFC 7644 §3.4.2.2: a boolean is `true` or `false`; quoted ones are a habit of Entra.
async fn s09_booleans_are_not_quoted_unless_tolerated(edge: Edge) {
    let (tolerant, strict) = edge.tolerant_and_strict().await;
    for idp in [&tolerant, &strict] {
        idp.person("ann", json!({"active": true, "emails": [{"value": "a", "primary": true}]})).await;
        idp.person("bob", json!({"active": false, "emails": [{"value": "b", "primary": false}]})).await;
        idp.finds(&[
            ("active eq true", &["ann"]),
            ("active eq false", &["bob"]),
            ("active ne true", &["bob"]),
            ("emails.primary eq true", &["ann"]),
            ("emails[primary eq false]", &["bob"]),
        ])
        .await;
        idp.refuses_filters(&[
            "active eq \"maybe\"",
            "active eq 1",
            "active eq \"\"",
            "active eq \"1\"",
            "active eq yes",
            "userName eq true",
            "title eq 5",
        ])
        .await;
    }
    let quoted =
        ["active eq \"true\"", "active eq \"True\"", "active ne \"FALSE\"", "emails[primary eq \"true\"]"];
    strict.refuses_filters(&quoted).await;
    for filter in quoted {
        assert_eq!(tolerant.found(filter).await, ["ann"], "{filter}");
    }
    tolerant.finds(&[("active eq \"false\"", &["bob"])]).await;
}

/// RFC 7644 table 3, `gt` to `le`.
async fn s10_order_is_for_text_and_time(edge: Edge) {
    let idp = edge.idp("acme").await;
    idp.person("Ann", json!({"externalId": "a"})).await;
    edge.clock.advance(Duration::from_millis(500));
    idp.person("bob", json!({"externalId": "B"})).await;
    edge.clock.advance(Duration::from_hours(1));
    idp.person("Cid", json!({})).await;
    let all: &[&str] = &["Ann", "bob", "Cid"];
    idp.finds(&[
        ("userName gt \"ann\"", &["bob", "Cid"]),
        ("userName ge \"ANN\"", all),
        ("userName lt \"BOB\"", &["Ann"]),
        ("userName le \"bob\"", &["Ann", "bob"]),
        ("userName gt \"bo\" and userName lt \"bobby\"", &["bob"]),
        // An exact attribute is ordered as its code points are; an absent value has no place in an order.
        ("externalId lt \"a\"", &["bob"]),
        ("externalId ge \"A\"", &["Ann", "bob"]),
        ("meta.created eq \"2026-11-25T11:00:00+01:00\"", &["Ann"]),
        ("meta.created eq \"2026-11-25T10:00:00Z\"", &["Ann"]),
        ("meta.created gt \"2026-11-25T10:00:00.0Z\"", &["bob", "Cid"]),
        ("meta.created gt \"2026-11-25T05:30:00.4999-04:30\"", &["bob", "Cid"]),
        ("meta.created ge \"2026-11-25T10:00:00.500Z\"", &["bob", "Cid"]),
        ("meta.created ge \"2026-11-25T10:00:00.5001Z\"", &["Cid"]),
        ("meta.created gt \"2026-11-25T10:00:00.499999999Z\"", &["bob", "Cid"]),
        ("meta.created lt \"2026-11-25T10:00:00.500000001Z\"", &["Ann", "bob"]),
        ("meta.created le \"2026-11-25T12:00:00.5+02:00\"", &["Ann", "bob"]),
        // As text this is after all of them.
        ("meta.created lt \"2026-11-26T00:30:00+14:00\"", &["Ann", "bob"]),
    ])
    .await;
    for op in ["gt", "ge", "lt", "le"] {
        for operand in
            ["active OP true", "active OP \"true\"", "emails.primary OP false", "emails[primary OP true]"]
        {
            idp.refuses_filters(&[&operand.replace("OP", op)]).await;
        }
        for operand in ["x509Certificates.value OP \"QQ==\"", "x509Certificates OP \"QQ==\""] {
            idp.refuses_filters(&[&operand.replace("OP", op)]).await;
        }
        idp.refuses_filters(&[&format!("name {op} \"A\""), &format!("meta.created {op} \"yesterday\"")])
            .await;
    }
}

/// RFC 7644 table 3, `co`, `sw` and `ew`.
async fn s11_parts_are_for_text_and_an_empty_part_is_in_all(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = json!({
        "title": "100% _a_ Chief", "active": true, "emails": [{"value": "ann@b"}],
        "profileUrl": "https://acme.example/Ann", "x509Certificates": [{"value": "QUJD"}],
    });
    idp.person("ann", ann).await;
    idp.person("bob", json!({"title": "100x xax chief"})).await;
    idp.person("cid", json!({})).await;
    for op in ["co", "sw", "ew"] {
        let empty = format!("title {op} \"\"");
        assert_eq!(idp.found(&empty).await, ["ann", "bob"], "{empty}");
        let empty = format!("emails {op} \"\" or emails.value {op} \"\"");
        assert_eq!(idp.found(&empty).await, ["ann"], "{empty}");
        let refused = [
            "active OP \"t\"",
            "active OP true",
            "meta.created OP \"2026\"",
            "meta.lastModified OP \"Z\"",
            "x509Certificates.value OP \"QU\"",
            "x509Certificates OP \"\"",
            "emails[primary OP \"t\"]",
            "name OP \"A\"",
            "userName OP 5",
            "userName OP false",
            "userName OP null",
        ];
        for filter in refused {
            idp.refuses_filters(&[&filter.replace("OP", op)]).await;
        }
    }
    // What is a wildcard in SQL is a letter here.
    idp.finds(&[
        ("title co \"0% _a\"", &["ann"]),
        ("title sw \"100%\"", &["ann"]),
        ("title sw \"100_\"", &[]),
        ("title co \"%\"", &["ann"]),
        ("title co \"_A_\"", &["ann"]),
        ("title ew \"CHIEF\"", &["ann", "bob"]),
        ("title ew \"100\"", &[]),
        ("title sw \"chief\"", &[]),
        ("title co \"chief chief\"", &[]),
        ("profileUrl sw \"https://acme\"", &["ann"]),
        ("profileUrl ew \"/ann\"", &[]),
    ])
    .await;
}
