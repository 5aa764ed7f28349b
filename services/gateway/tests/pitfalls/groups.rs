//! Groups and their members (RFC 7643 §4.2).

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use crate::asking::{extend, values};
use crate::harness::{Edge, GROUP, Idp, group, patch_op};
use crate::rules;

rules!(
    s62_a_group_needs_a_name_and_need_not_be_the_only_one_with_it,
    s63_members_are_set_by_their_id_and_the_rest_is_ours,
    s64_an_unknown_member_waits_and_strictly_is_refused,
    s65_who_is_no_member_may_be_removed,
    s66_a_remove_with_values_removes_those_and_a_bare_one_all,
    s67_the_same_members_change_nothing,
    s68_a_deletion_takes_memberships_with_it,
    s69_a_users_groups_are_direct_or_through_others,
    s70_groups_within_themselves_come_to_an_end,
    s71_ten_thousand_members_are_one_request,
);

async fn users(idp: &Idp, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..count {
        ids.push(idp.user(&format!("user-{n}")).await);
    }
    ids
}

fn listed(ids: &[String]) -> Vec<Value> {
    ids.iter().map(|id| json!({"value": id})).collect()
}

fn refs(ids: &[String]) -> Vec<&str> {
    ids.iter().map(String::as_str).collect()
}

/// RFC 7643 §4.2 `displayName`. Our choice: providers have duplicates, and a look-up finds them all.
async fn s62_a_group_needs_a_name_and_need_not_be_the_only_one_with_it(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let ids =
            [idp.group("Staff", &[]).await, idp.group("Staff", &[]).await, idp.group("STAFF", &[]).await];
        let other = idp.group("Stuff", &[]).await;
        assert_eq!(idp.find("/Groups", "displayName eq \"staff\"").await.ids(), ids);
        assert_eq!(
            idp.get("/Groups?filter=displayName%20eq%20%22staff%22&startIndex=2&count=1").await.ids(),
            ids[1..2]
        );
        let rename = json!([{"op": "replace", "path": "displayName", "value": "sTaFF"}]);
        idp.patch(&format!("/Groups/{other}"), rename).await.ok();
        assert_eq!(idp.find("/Groups", "displayName eq \"staff\"").await.ids().len(), 4);
        let path = format!("/Groups/{other}");
        let before = idp.read(&path).await;
        for name in [None, Some(json!(null)), Some(json!("")), Some(json!("  ")), Some(json!("\u{3000}\t"))] {
            let mut body = json!({"schemas": [GROUP], "externalId": "x"});
            if let Some(name) = &name {
                body["displayName"] = name.clone();
            }
            idp.post("/Groups", body.clone()).await.refused(400, "invalidValue");
            idp.put(&path, body).await.refused(400, "invalidValue");
        }
        assert_eq!(idp.read(&path).await, before);
        assert_eq!(idp.get("/Groups").await.ids().len(), 4);
    }
}

/// RFC 7643 §4.2 `members`, §8.4.
async fn s63_members_are_set_by_their_id_and_the_rest_is_ours(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let ann = idp.user("ann").await;
        let inner = idp.group("Inner", &[]).await;
        let wrong = json!([
            {"value": ann, "type": "Group", "$ref": "https://elsewhere.example/Groups/1", "display": "Somebody"},
            {"value": inner, "type": "User", "$ref": "../Users/1", "display": "Something", "unknown": 1},
        ]);
        let right = json!([
            {"value": ann, "type": "User", "$ref": idp.location(&format!("/Users/{ann}"))},
            {"value": inner, "type": "Group", "$ref": idp.location(&format!("/Groups/{inner}"))},
        ]);
        let created =
            idp.post("/Groups", json!({"schemas": [GROUP], "displayName": "Outer", "members": wrong})).await;
        let id = created.created();
        let path = format!("/Groups/{id}");
        let by_id = |members: &Value| {
            let mut members = members.as_array().unwrap().clone();
            members.sort_by_key(|member| member["value"].as_str().unwrap().to_owned());
            members
        };
        let right = by_id(&right);
        assert_eq!(by_id(&created.body["members"]), right);
        assert_eq!(by_id(&idp.read(&path).await["members"]), right);
        let put =
            idp.put(&path, json!({"schemas": [GROUP], "displayName": "Outer", "members": wrong})).await.ok();
        assert_eq!((by_id(&put["members"]), &put["meta"]["version"]), (right.clone(), &json!("W/\"1\"")));
        idp.patch(&path, json!([{"op": "replace", "path": "members", "value": []}])).await.ok();
        for value in wrong.as_array().unwrap() {
            idp.patch(&path, json!([{"op": "add", "path": "members", "value": [value]}])).await.ok();
        }
        assert_eq!(by_id(&idp.read(&path).await["members"]), right);
        // The reference leads to the member.
        for member in &right {
            let place = member["$ref"].as_str().unwrap().strip_prefix(&idp.location("")).unwrap().to_owned();
            assert_eq!(idp.read(&place).await["id"], member["value"]);
        }
        for (filter, matches) in [
            ("members.type eq \"Group\"", true),
            ("members[type eq \"User\"]", true),
            ("members.type eq \"Robot\"", false),
        ] {
            let found = idp.find("/Groups", filter).await.ids();
            assert_eq!(found, Vec::from_iter(matches.then(|| id.clone())), "{filter}");
        }
        let nobody = idp
            .patch(&path, json!([{"op": "add", "path": "members", "value": [{"display": "Somebody"}]}]))
            .await;
        assert_eq!(nobody.status, StatusCode::BAD_REQUEST, "{nobody:?}");
    }
}

/// RFC 7644 leaves it open. Our choice: who is named as a member before it is provisioned becomes one when it
/// is, since providers that push groups first never say it again.
async fn s64_an_unknown_member_waits_and_strictly_is_refused(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for (method, answered) in [("POST", 201), ("PUT", 200), ("PATCH", 200)] {
        let names = [format!("{method}-ann"), format!("{method}-bob")];
        let path = format!("/Groups/{}", idp.group("Staff", &[]).await);
        let body = match method {
            "PATCH" => patch_op(json!([{"op": "add", "path": "members", "value": listed(&names)}])),
            _ => group("Staff", &refs(&names)),
        };
        let asked = if method == "POST" { "/Groups" } else { path.as_str() };
        let answer = idp.call(method, asked, &[], body.to_string()).await;
        assert_eq!(answer.status.as_u16(), answered, "{answer:?}");
        assert!(answer.body.get("members").is_none(), "{method}: nobody is a member yet");
        let path = format!("/Groups/{}", answer.body["id"].as_str().unwrap());
        let ann = idp.person("ann", json!({"userName": names[0]})).await;
        let bob = idp.person(&format!("{method}-robert"), json!({"externalId": names[1]})).await;
        assert_eq!(values(&idp.read(&path).await["members"]), [ann, bob], "{method}");

        let own = format!("/Groups/{}", strict.group("Staff", &[]).await);
        let asked = if method == "POST" { "/Groups" } else { own.as_str() };
        strict.call(method, asked, &[], body.to_string()).await.refused(400, "invalidValue");
        assert!(strict.read(&own).await.get("members").is_none(), "{method}");
    }
}

/// RFC 7644 §3.5.2.2.
async fn s65_who_is_no_member_may_be_removed(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let people = users(&idp, 3).await;
        let path = format!("/Groups/{}", idp.group("Staff", &refs(&people[..2])).await);
        let before = idp.read(&path).await;
        edge.clock.advance(Duration::from_mins(1));
        for nobody in [people[2].clone(), uuid::Uuid::now_v7().to_string(), "no id".into(), String::new()] {
            let operation = json!([{"op": "remove", "path": format!("members[value eq \"{nobody}\"]")}]);
            assert_eq!(idp.patch(&path, operation).await.ok(), before, "{nobody}");
        }
        let one = json!([{"op": "remove", "path": format!("members[value eq \"{}\" or value eq \"{}\"]", people[0], people[2])}]);
        let after = idp.patch(&path, one.clone()).await.ok();
        assert_eq!(
            (values(&after["members"]), &after["meta"]["version"]),
            (vec![people[1].as_str()], &json!("W/\"2\""))
        );
        assert_eq!(idp.patch(&path, one).await.ok(), after, "again");
    }
}

/// RFC 7644 §3.5.2.2 gives `remove` no value; Entra and others name members in one.
async fn s66_a_remove_with_values_removes_those_and_a_bare_one_all(edge: Edge) {
    let (tolerant, strict) = edge.tolerant_and_strict().await;
    for (idp, tolerated) in [(&tolerant, true), (&strict, false)] {
        let people = users(idp, 6).await;
        let id = idp.group("Staff", &refs(&people)).await;
        let path = format!("/Groups/{id}");
        for (n, value) in [
            json!([{"value": people[0]}]),
            json!([{"$ref": null, "value": people[1], "display": "x"}]),
            json!({"value": people[2]}),
            json!([people[3]]),
        ]
        .into_iter()
        .enumerate()
        {
            let before = idp.members(&id).await;
            let answer = idp.patch(&path, json!([{"op": "remove", "path": "members", "value": value}])).await;
            if tolerated {
                assert_eq!(answer.status, StatusCode::OK, "{value}: {answer:?}");
                assert_eq!(idp.members(&id).await, people[n + 1..], "{value}");
            } else {
                answer.refused(400, "invalidSyntax");
                assert_eq!(idp.members(&id).await, before, "read literally this would empty the group");
            }
        }
        let several = json!([{"op": "remove", "path": format!("members[value eq \"{}\" or value eq \"{}\"]", people[4], people[3])}]);
        idp.patch(&path, several).await.ok();
        assert!(!idp.members(&id).await.contains(&people[4]));
        assert!(idp.members(&id).await.contains(&people[5]));
        let emptied = idp.patch(&path, json!([{"op": "remove", "path": "members"}])).await.ok();
        assert_eq!(emptied.get("members"), None);
        assert!(idp.found("groups pr").await.is_empty());
    }
}

/// Providers send the whole list again and again.
async fn s67_the_same_members_change_nothing(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let people = users(&idp, 3).await;
        let path = format!("/Groups/{}", idp.group("Staff", &refs(&people[..2])).await);
        let before = idp.get(&path).await;
        let of_user = idp.read(&format!("/Users/{}", people[0])).await;
        edge.clock.advance(Duration::from_mins(1));
        let reversed = [people[1].clone(), people[0].clone(), people[1].clone()];
        for same in [
            json!({"op": "replace", "path": "members", "value": listed(&people[..2])}),
            json!({"op": "replace", "path": "members", "value": listed(&reversed)}),
            json!({"op": "replace", "value": {"members": listed(&reversed)}}),
            json!({"op": "add", "path": "members", "value": listed(&people[..1])}),
            json!({"op": "add", "value": {"members": listed(&people[..2])}}),
        ] {
            let answer = idp.patch(&path, json!([same])).await;
            assert_eq!(answer.header("etag"), before.header("etag"), "{same}");
            assert_eq!(answer.ok(), before.body, "{same}");
        }
        let there_and_back = json!([
            {"op": "remove", "path": format!("members[value eq \"{}\"]", people[0])},
            {"op": "add", "path": "members", "value": listed(&people[..1])},
        ]);
        assert_eq!(idp.patch(&path, there_and_back).await.ok(), before.body);
        assert_eq!(idp.put(&path, group("Staff", &refs(&reversed))).await.ok(), before.body);
        assert_eq!(idp.read(&format!("/Users/{}", people[0])).await, of_user);
        // One more, one less and one other are changes.
        for (n, members) in [&people[..], &people[..2], &people[1..]].into_iter().enumerate() {
            let replace = json!([{"op": "replace", "path": "members", "value": listed(members)}]);
            let after = idp.patch(&path, replace).await.ok();
            assert_eq!(
                (values(&after["members"]), &after["meta"]["version"]),
                (refs(members), &json!(format!("W/\"{}\"", n + 2)))
            );
        }
    }
}

/// Our choice where the RFC says nothing: memberships never dangle.
async fn s68_a_deletion_takes_memberships_with_it(edge: Edge) {
    let idp = edge.idp("acme").await;
    let people = users(&idp, 2).await;
    let held = idp.group("Held", &refs(&people)).await;
    let also = idp.group("Also", &[&people[0]]).await;
    let apart = idp.group("Apart", &[&people[1]]).await;
    let outer = idp.group("Outer", &[&held]).await;
    let tag = async |path: String| idp.get(&path).await.header("etag").to_owned();
    let apart_before = idp.read(&format!("/Groups/{apart}")).await;
    edge.clock.advance(Duration::from_mins(1));
    assert_eq!(idp.delete(&format!("/Users/{}", people[0])).await.status, StatusCode::NO_CONTENT);
    for (id, left) in [(&held, &people[1..]), (&also, &[])] {
        let read = idp.read(&format!("/Groups/{id}")).await;
        assert_eq!(values(&read["members"]), left);
        assert_eq!(read["meta"]["version"], "W/\"2\"");
        assert_eq!(read["meta"]["lastModified"], "2026-11-25T10:01:00.000Z");
    }
    assert_eq!(idp.read(&format!("/Groups/{apart}")).await, apart_before, "what did not hold it stays");
    assert!(idp.find("/Groups", &format!("members eq \"{}\"", people[0])).await.ids().is_empty());

    let user_path = format!("/Users/{}", people[1]);
    let before = tag(user_path.clone()).await;
    let groups = |user: &Value| values(&user["groups"]).into_iter().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(groups(&idp.read(&user_path).await), [held.clone(), apart.clone(), outer.clone()]);
    assert_eq!(idp.delete(&format!("/Groups/{held}")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(groups(&idp.read(&user_path).await), [apart]);
    assert_ne!(tag(user_path.clone()).await, before, "what is shown changed");
    let read = idp.read(&format!("/Groups/{outer}")).await;
    assert_eq!((read.get("members"), &read["meta"]["version"]), (None, &json!("W/\"2\"")));
    idp.get(&format!("/Groups/{held}")).await.refused(404, "");
}

/// RFC 7643 §4.1.2 `groups`.
async fn s69_a_users_groups_are_direct_or_through_others(edge: Edge) {
    let idp = edge.idp("acme").await;
    let people = users(&idp, 2).await;
    let (ann, bob) = (&people[0], &people[1]);
    let inner = idp.group("Inner", &[ann]).await;
    let middle = idp.group("Middle", &[&inner]).await;
    let outer = idp.group("Outer", &[&middle, bob]).await;
    let both = idp.group("Both", &[ann, &inner]).await;
    let shown = async |id: &str| -> Vec<(String, String)> {
        let user = idp.read(&format!("/Users/{id}")).await;
        let groups = user["groups"].as_array().cloned().unwrap_or_default();
        for held in &groups {
            let place = format!("/Groups/{}", held["value"].as_str().unwrap());
            assert_eq!(held["$ref"], idp.location(&place));
            assert_eq!(idp.read(&place).await["displayName"], held["display"]);
        }
        let listed = idp.find("/Users", &format!("id eq \"{id}\"")).await.ok();
        assert_eq!(listed["Resources"][0]["groups"], user["groups"]);
        groups
            .iter()
            .map(|held| {
                (held["display"].as_str().unwrap().to_owned(), held["type"].as_str().unwrap().to_owned())
            })
            .collect()
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect()
    };
    let of_ann = [("Inner", "direct"), ("Middle", "indirect"), ("Outer", "indirect"), ("Both", "direct")];
    assert_eq!(shown(ann).await, pairs(&of_ann));
    assert_eq!(shown(bob).await, pairs(&[("Outer", "direct")]));
    for id in [&inner, &middle, &outer, &both] {
        assert!(idp.found(&format!("groups.value eq \"{id}\"")).await.contains(&"user-0".to_owned()));
    }
    idp.finds(&[
        ("groups[display eq \"outer\" and type eq \"indirect\"]", &["user-0"]),
        ("groups[display eq \"outer\" and type eq \"direct\"]", &["user-1"]),
    ])
    .await;
    idp.patch(&format!("/Groups/{middle}"), json!([{"op": "remove", "path": "members"}])).await.ok();
    assert_eq!(shown(ann).await, pairs(&[("Inner", "direct"), ("Both", "direct")]));
    let direct = json!([{"op": "add", "path": "members", "value": [{"value": ann}]}]);
    idp.patch(&format!("/Groups/{outer}"), direct).await.ok();
    assert_eq!(shown(ann).await, pairs(&[("Inner", "direct"), ("Outer", "direct"), ("Both", "direct")]));
}

/// RFC 7643 §4.2 does not forbid it.
async fn s70_groups_within_themselves_come_to_an_end(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = idp.user("user-0").await;
    let one = idp.group("One", &[&ann]).await;
    let two = idp.group("Two", &[&one]).await;
    let three = idp.group("Three", &[&two]).await;
    let add = |id: &str| json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
    for (group, member) in [(&one, &three), (&one, &one), (&two, &two)] {
        idp.patch(&format!("/Groups/{group}"), add(member)).await.ok();
    }
    let all = [&one, &two, &three];
    let groups = idp.read(&format!("/Users/{ann}")).await["groups"].clone();
    assert_eq!(values(&groups), all);
    let kinds: Vec<&Value> = groups.as_array().unwrap().iter().map(|held| &held["type"]).collect();
    assert_eq!(kinds, ["direct", "indirect", "indirect"]);
    for id in all {
        idp.finds(&[(format!("groups.value eq \"{id}\"").as_str(), &["user-0"])]).await;
        assert!(idp.members(id).await.len() <= 3);
        let rename = json!([{"op": "replace", "path": "externalId", "value": "renamed"}]);
        idp.patch(&format!("/Groups/{id}"), rename).await.ok();
    }
    assert_eq!(idp.get("/Groups").await.ids().len(), 3);
    assert_eq!(idp.get("/Users").await.ids(), [ann.as_str()]);
    let mut sorted = vec![ann.clone(), one.clone(), three.clone()];
    sorted.sort();
    assert_eq!(idp.members(&one).await, sorted);
    assert_eq!(idp.delete(&format!("/Groups/{one}")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(idp.members(&two).await, [two.as_str()]);
    assert_eq!(idp.read(&format!("/Users/{ann}")).await.get("groups"), None);
    let mut body = group("Self", &[&two]);
    extend(&mut body, json!({"externalId": "self"}));
    idp.put(&format!("/Groups/{two}"), body).await.ok();
    assert_eq!(idp.delete(&format!("/Groups/{two}")).await.status, StatusCode::NO_CONTENT);
}

/// Also a test of memory and of statements: how many they are is counted by the store's own tests.
async fn s71_ten_thousand_members_are_one_request(edge: Edge) {
    let idp = edge.idp("acme").await;
    let mut ids = idp.many_users(&edge, 10_000).await;
    ids.sort();
    let id = idp.group("Everyone", &[]).await;
    let path = format!("/Groups/{id}");
    let add = json!([{"op": "add", "path": "members", "value": listed(&ids)}]);
    let answer = idp.patch(&path, add).await;
    assert_eq!((answer.status, answer.header("etag")), (StatusCode::NO_CONTENT, "W/\"2\""), "one change");
    assert_eq!(idp.members(&id).await, ids);
    let answer = idp.put(&format!("{path}?attributes=displayName"), group("All", &refs(&ids[..9_999]))).await;
    assert_eq!((answer.header("etag"), &answer.body["displayName"]), ("W/\"3\"", &json!("All")));
    assert_eq!(idp.members(&id).await, ids[..9_999]);
    let listed_group = idp.read("/Groups").await["Resources"][0].clone();
    assert_eq!(values(&listed_group["members"]), refs(&ids[..9_999]));
    // One that is wrong undoes ten thousand that are not.
    let mut broken = listed(&ids);
    broken.push(json!({"value": 5}));
    let replace = json!([{"op": "replace", "path": "members", "value": broken}]);
    idp.patch(&path, replace).await.refused(400, "invalidValue");
    let stale = patch_op(json!([{"op": "remove", "path": "members"}])).to_string();
    idp.call("PATCH", &path, &[("if-match", "W/\"2\"")], stale).await.refused(412, "");
    assert_eq!(idp.get(&format!("{path}?excludedAttributes=members")).await.header("etag"), "W/\"3\"");
}
