//! Filters: how they are read, and what can be asked for (RFC 7644 §3.4.2.2).

use std::time::Duration;

use serde_json::json;

use crate::harness::{ENTERPRISE, Edge, GROUP, Idp, USER};
use crate::rules;

rules!(
    s01_not_binds_tightest_then_and_then_or,
    s02_operators_names_and_urns_are_read_in_any_case,
    s07_any_element_matches_and_brackets_mean_one_element,
    s08_brackets_hold_no_brackets_and_work_on_single_values,
    s12_meta_can_be_asked_for,
    s13_groups_and_members_find_each_other,
    s14_schemas_and_the_enterprise_extension_can_be_asked_for,
    s16_a_plus_is_a_space_unless_only_a_plus_finds_someone,
);

/// RFC 7644 §3.4.2.2, "Order of operations".
async fn s01_not_binds_tightest_then_and_then_or(edge: Edge) {
    let idp = edge.idp("acme").await;
    idp.person("ann", json!({"title": "A", "active": true})).await;
    idp.person("bob", json!({"title": "B", "active": true})).await;
    idp.person("cid", json!({"title": "B", "active": false})).await;
    idp.finds(&[
        ("title eq \"A\" or title eq \"B\" and active eq false", &["ann", "cid"]),
        ("active eq false and title eq \"B\" or title eq \"A\"", &["ann", "cid"]),
        ("(title eq \"A\" or title eq \"B\") and active eq false", &["cid"]),
        ("active eq false and (title eq \"A\" or title eq \"B\")", &["cid"]),
        ("not (title eq \"A\") and active eq true", &["bob"]),
        ("not (title eq \"A\" and active eq true)", &["bob", "cid"]),
        ("not (title eq \"B\") or active eq false", &["ann", "cid"]),
        ("not (title eq \"B\" or active eq false)", &["ann"]),
        ("not(title eq \"A\")", &["bob", "cid"]),
        ("not (not (title eq \"A\"))", &["ann"]),
        ("not ((title eq \"A\") or not (active eq true))", &["bob"]),
        ("((title eq \"A\"))", &["ann"]),
        ("title eq \"A\" and active eq true or title eq \"B\" and active eq false", &["ann", "cid"]),
        ("title eq \"A\" and (active eq true or title eq \"B\") and active eq false", &[]),
    ])
    .await;
}

/// RFC 7644 §3.4.2.2: attribute names and operators are case-insensitive; RFC 7643 §2.1, §3.1: so are URNs.
async fn s02_operators_names_and_urns_are_read_in_any_case(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let ann = json!({
            "title": "Chief",
            "emails": [{"value": "ann@work", "type": "work"}],
            ENTERPRISE: {"department": "Sales"},
        });
        idp.person("ann", ann).await;
        idp.person("bob", json!({"title": "Clerk"})).await;
        let core = format!("{}:userName eq \"ann\"", USER.to_uppercase());
        let mixed = format!("{}:USERNAME Eq \"ann\"", USER.replace("core", "CORE"));
        let extension = format!("{}:DEPARTMENT eQ \"Sales\"", ENTERPRISE.to_uppercase());
        let ann: &[&str] = &["ann"];
        idp.finds(&[
            ("USERNAME EQ \"ann\"", ann),
            ("uSeRnAmE nE \"ann\"", &["bob"]),
            ("Title CO \"hie\" AND Title SW \"c\" aNd TITLE Ew \"f\"", ann),
            ("TITLE PR", &["ann", "bob"]),
            ("NOT (title Co \"lerk\")", ann),
            ("title GT \"chief\" Or title Lt \"chief\"", &["bob"]),
            ("title GE \"chief\" AND title LE \"chief\"", ann),
            ("Emails.TYPE eq \"work\"", ann),
            ("EMAILS[Type Eq \"work\" And VALUE Sw \"ann\"]", ann),
            ("Meta.ResourceType EQ \"User\"", &["ann", "bob"]),
            (core.as_str(), ann),
            (mixed.as_str(), ann),
            (extension.as_str(), ann),
        ])
        .await;
        // The values keep their own case rules.
        idp.finds(&[("meta.resourceType eq \"user\"", &[])]).await;
    }
}

/// RFC 7644 §3.4.2.2, "Filters on multi-valued attributes".
async fn s07_any_element_matches_and_brackets_mean_one_element(edge: Edge) {
    let idp = edge.idp("acme").await;
    let both = json!({"emails": [
        {"value": "w@ann", "type": "work"}, {"value": "shared", "type": "home", "primary": true},
    ]});
    idp.person("ann", both).await;
    idp.person("bob", json!({"emails": [{"value": "shared", "type": "work"}]})).await;
    idp.person("cid", json!({})).await;
    idp.finds(&[
        ("emails.value eq \"shared\"", &["ann", "bob"]),
        ("emails eq \"shared\"", &["ann", "bob"]),
        ("emails co \"HARE\"", &["ann", "bob"]),
        ("emails eq \"w@ann\"", &["ann"]),
        ("emails.type eq \"work\" and emails.value eq \"shared\"", &["ann", "bob"]),
        ("emails[type eq \"work\" and value eq \"shared\"]", &["bob"]),
        ("emails[value eq \"shared\" and type eq \"home\"]", &["ann"]),
        ("emails[type eq \"work\"] and emails[value eq \"shared\"]", &["ann", "bob"]),
        ("emails[type eq \"work\" or value eq \"shared\"]", &["ann", "bob"]),
        ("emails[not (type eq \"work\")]", &["ann"]),
        ("not (emails[type eq \"work\"])", &["cid"]),
        ("emails[type eq \"work\" and not (value eq \"shared\")]", &["ann"]),
        ("emails[primary eq true].value eq \"shared\"", &["ann"]),
        ("emails[type eq \"work\"].value eq \"shared\"", &["bob"]),
        ("emails[type eq \"work\" and (value sw \"w\" or value sw \"x\")]", &["ann"]),
        ("emails[type eq \"work\" and value eq \"nobody\"]", &[]),
    ])
    .await;
}

/// RFC 7644 figure 1: a value path holds a filter over sub-attributes, and sub-attributes have none.
async fn s08_brackets_hold_no_brackets_and_work_on_single_values(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let ann = json!({
            "name": {"givenName": "Ann", "familyName": "A"},
            ENTERPRISE: {"manager": {"value": "m-1"}},
        });
        idp.person("ann", ann).await;
        idp.person("bob", json!({"name": {"givenName": "Bob", "familyName": "A"}})).await;
        let manager = format!("{ENTERPRISE}:manager[value eq \"m-1\"]");
        idp.finds(&[
            ("name[givenName eq \"Ann\"]", &["ann"]),
            ("name[givenName eq \"Bob\" and familyName eq \"A\"]", &["bob"]),
            ("name[givenName eq \"Ann\" and familyName eq \"B\"]", &[]),
            ("name[not (givenName eq \"Ann\")]", &["bob"]),
            ("meta[resourceType eq \"User\"] and name[familyName pr]", &["ann", "bob"]),
            (manager.as_str(), &["ann"]),
        ])
        .await;
        idp.refuses_filters(&[
            "emails[type[value eq \"x\"]]",
            "emails[addresses[type pr]]",
            "name[name[givenName pr]]",
            "emails[value pr and (type[value pr])]",
            "userName[value eq \"ann\"]",
            "active[value eq true]",
            "name.givenName[value eq \"Ann\"]",
            "emails.value[type eq \"work\"]",
            "emails[]",
            "emails[type eq \"work\"",
            "emails type eq \"work\"]",
            "emails[type eq \"work\"]]",
            "[type eq \"work\"]",
            "emails[(type eq \"work\"])",
        ])
        .await;
    }
}

/// RFC 7643 §3.1: `meta` is an attribute like others.
async fn s12_meta_can_be_asked_for(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = idp.user("ann").await;
    edge.clock.advance(Duration::from_mins(1));
    idp.user("bob").await;
    edge.clock.advance(Duration::from_mins(1));
    idp.patch(&format!("/Users/{ann}"), json!([{"op": "add", "path": "title", "value": "x"}])).await.ok();
    let location = format!("meta.location eq \"{}\"", idp.location(&format!("/Users/{ann}")));
    idp.finds(&[
        ("meta.lastModified gt \"2026-11-25T10:01:30Z\"", &["ann"]),
        ("meta.lastModified le \"2026-11-25T10:01:30Z\"", &["bob"]),
        ("meta.lastModified gt \"2026-11-25T10:02:00Z\"", &[]),
        ("meta.created lt \"2026-11-25T10:00:30Z\"", &["ann"]),
        ("meta.resourceType eq \"User\"", &["ann", "bob"]),
        ("meta.resourceType eq \"Group\"", &[]),
        ("meta.resourceType ne \"User\"", &[]),
        ("meta.version eq \"W/\\\"2\\\"\"", &["ann"]),
        (location.as_str(), &["ann"]),
        ("meta[resourceType eq \"User\" and lastModified lt \"2026-11-25T10:01:30Z\"]", &["bob"]),
        ("meta.created eq null", &[]),
    ])
    .await;
    let group = idp.group("Staff", &[]).await;
    for (filter, matches) in [
        ("meta.resourceType eq \"Group\"", true),
        ("meta.resourceType eq \"User\"", false),
        ("meta.lastModified gt \"2026-11-25T10:01:59Z\"", true),
        ("meta.lastModified gt \"2026-11-25T10:02:00Z\"", false),
    ] {
        let found = idp.find("/Groups", filter).await.ids();
        assert_eq!(found, Vec::from_iter(matches.then(|| group.clone())), "{filter}");
    }
}

/// RFC 7643 §4.1.2 `groups` and §4.2 `members`. That an index answers is held by the store's own tests.
async fn s13_groups_and_members_find_each_other(edge: Edge) {
    let idp = edge.idp("acme").await;
    let other = edge.idp_of(idp.tenant, false).await;
    let (ann, bob) = (idp.user("ann").await, idp.user("bob").await);
    let (sales, support) = (idp.group("Sales", &[&ann]).await, idp.group("Support", &[&ann, &bob]).await);
    let all = idp.group("All", &[&sales]).await;
    for (filter, expected) in [
        (format!("groups.value eq \"{sales}\""), vec!["ann"]),
        (format!("groups.value eq \"{support}\""), vec!["ann", "bob"]),
        (format!("groups eq \"{support}\""), vec!["ann", "bob"]),
        (format!("groups[value eq \"{all}\"]"), vec!["ann"]),
        (format!("groups.value eq \"{sales}\" and groups.value eq \"{support}\""), vec!["ann"]),
        (format!("groups[value eq \"{sales}\" and value eq \"{support}\"]"), vec![]),
        (format!("not (groups.value eq \"{sales}\")"), vec!["bob"]),
        (format!("groups.value eq \"{ann}\""), vec![]),
        ("groups.value eq \"no id\"".into(), vec![]),
        ("groups pr".into(), vec!["ann", "bob"]),
    ] {
        assert_eq!(idp.found(&filter).await, expected, "{filter}");
    }
    for (filter, expected) in [
        (format!("members.value eq \"{ann}\""), vec![&sales, &support]),
        (format!("members eq \"{bob}\""), vec![&support]),
        (format!("members[value eq \"{bob}\"]"), vec![&support]),
        (format!("members eq \"{sales}\""), vec![&all]),
        (format!("members.value eq \"{ann}\" and members.value eq \"{bob}\""), vec![&support]),
        (format!("not (members.value eq \"{bob}\")"), vec![&sales, &all]),
        (format!("displayName eq \"sales\" and members eq \"{ann}\""), vec![&sales]),
        (format!("displayName eq \"sales\" and members eq \"{bob}\""), vec![]),
        (format!("{GROUP}:members.value eq \"{bob}\""), vec![&support]),
        ("members eq \"no id\"".into(), vec![]),
    ] {
        assert_eq!(
            idp.find("/Groups", &filter).await.ids(),
            expected.into_iter().cloned().collect::<Vec<_>>(),
            "{filter}"
        );
    }
    // Another directory has neither.
    assert!(other.found(&format!("groups.value eq \"{sales}\"")).await.is_empty());
    assert!(other.find("/Groups", &format!("members eq \"{ann}\"")).await.ids().is_empty());
}

/// RFC 7643 §3 `schemas`, RFC 7644 §3.10 on full names.
async fn s14_schemas_and_the_enterprise_extension_can_be_asked_for(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let boss = idp.user("boss").await;
        let ann =
            json!({ENTERPRISE: {"department": "Sales", "employeeNumber": "7", "manager": {"value": boss}}});
        idp.person("ann", ann).await;
        for (filter, expected) in [
            (format!("schemas eq \"{USER}\""), vec!["boss", "ann"]),
            (format!("schemas eq \"{ENTERPRISE}\""), vec!["ann"]),
            (format!("schemas eq \"{GROUP}\""), vec![]),
            (format!("not (schemas eq \"{ENTERPRISE}\")"), vec!["boss"]),
            (format!("{ENTERPRISE}:department eq \"sales\""), vec!["ann"]),
            (format!("{ENTERPRISE}:department eq \"support\""), vec![]),
            (format!("{ENTERPRISE}:department pr"), vec!["ann"]),
            (format!("{ENTERPRISE}:employeeNumber sw \"7\""), vec!["ann"]),
            (format!("{ENTERPRISE}:manager.value eq \"{boss}\""), vec!["ann"]),
            (format!("{ENTERPRISE}:manager eq \"{boss}\""), vec!["ann"]),
            (format!("{ENTERPRISE}:manager[value eq \"{boss}\"]"), vec!["ann"]),
            (format!("{ENTERPRISE}:manager.value eq \"{}\"", boss.to_uppercase()), vec![]),
            (format!("{USER}:userName eq \"ann\" and {ENTERPRISE}:department pr"), vec!["ann"]),
        ] {
            assert_eq!(idp.found(&filter).await, expected, "{filter}");
        }
    }
}

/// RFC 7644 §3.4.2.2 has filters in a query, where form encoding makes `+` a space. Our choice: tolerance takes a
/// plus that was not encoded for one when the filter with a space finds nobody.
async fn s16_a_plus_is_a_space_unless_only_a_plus_finds_someone(edge: Edge) {
    let (tolerant, strict) = edge.tolerant_and_strict().await;
    let listed = async |idp: &Idp, query: &str| -> Vec<String> {
        let body = idp.get(&format!("/Users?{query}")).await.ok();
        let found = body["Resources"].as_array().unwrap().iter();
        let names: Vec<String> = found.map(|user| user["userName"].as_str().unwrap().to_owned()).collect();
        assert_eq!(body["totalResults"], names.len());
        names
    };
    for (idp, tolerated) in [(&tolerant, true), (&strict, false)] {
        let plus = json!({"title": "a b", "emails": [{"value": "ann+x@acme"}, {"value": "ann+y@acme"}]});
        idp.person("ann+x@acme", plus).await;
        idp.person("ann x@acme", json!({"displayName": "A+B"})).await;
        idp.person("bob+x@acme", json!({"displayName": "A B"})).await;
        for (query, found) in [
            ("filter=userName+eq+%22ann%2Bx@acme%22", "ann+x@acme"),
            ("filter=userName%20eq%20%22ann%2Bx@acme%22", "ann+x@acme"),
            ("filter=userName+eq+%22ann%20x@acme%22", "ann x@acme"),
            // Who is found with a space is meant with a space.
            ("filter=userName+eq+%22ann+x@acme%22", "ann x@acme"),
            ("filter=displayName+eq+%22a+b%22", "bob+x@acme"),
            ("filter=title+eq+%22a+b%22+and+userName+pr", "ann+x@acme"),
        ] {
            assert_eq!(listed(idp, query).await, [found], "{query}");
        }
        for (query, found) in [
            ("filter=userName+eq+%22bob+x@acme%22", "bob+x@acme"),
            ("filter=userName%20eq%20%22BOB+x@acme%22", "bob+x@acme"),
            ("count=5&Filter=userName+eq+%22bob+x@acme%22", "bob+x@acme"),
            ("filter=emails.value+eq+%22ann+x@acme%22", "ann+x@acme"),
            ("filter=emails+eq+%22ann+y@acme%22+or+title+eq+%22none%22", "ann+x@acme"),
            ("filter=(userName+sw+%22bob+%22)", "bob+x@acme"),
        ] {
            let expected = Vec::from_iter(tolerated.then(|| found.to_owned()));
            assert_eq!(listed(idp, query).await, expected, "{query}");
        }
        for nobody in ["filter=userName+eq+%22cid+x@acme%22", "filter=userName+eq+%22bob%20x@acme%22"] {
            assert!(listed(idp, nobody).await.is_empty(), "{nobody}");
        }
        // A body is no form: what stands there is meant.
        let searched = json!({"filter": "userName eq \"bob x@acme\""});
        assert!(idp.search("/Users/.search", searched).await.ids().is_empty());
        let searched = json!({"filter": "userName eq \"bob+x@acme\""});
        assert_eq!(idp.search("/Users/.search", searched).await.ids().len(), 1);
        let group = idp.group("C+D", &[]).await;
        let found = idp.get("/Groups?filter=displayName+eq+%22c+d%22").await.ids();
        assert_eq!(found, Vec::from_iter(tolerated.then_some(group)));
        idp.get("/Users?filter=userName+eq+%22a+b").await.refused(400, "invalidFilter");
    }
}
