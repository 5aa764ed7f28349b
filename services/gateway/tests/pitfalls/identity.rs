//! Ids and names, the text they are made of, and who comes first (RFC 7643 §3.1, RFC 7644 §3.3, §3.6).

use std::collections::BTreeSet;
use std::time::Duration;

use http::StatusCode;
use serde_json::json;

use crate::asking::with;
use crate::harness::{self, ENTERPRISE, Edge, Idp, group, patch_op, user};
use crate::rules;

rules!(
    s81_what_is_deleted_is_gone_and_its_name_is_free,
    s82_ids_are_opaque_and_of_one_directory,
    s83_text_survives_or_is_refused,
    s85_of_two_at_once_neither_is_lost,
    s86_time_does_not_go_back,
);

/// RFC 7644 §3.6.
async fn s81_what_is_deleted_is_gone_and_its_name_is_free(edge: Edge) {
    let idp = edge.idp("acme").await;
    let body = with(
        "Ann",
        json!({"externalId": "1", "displayName": "Ann", "emails": [{"value": "a@x"}, {"value": "b@x"}]}),
    );
    let (id, other) = (idp.post("/Users", body.clone()).await.created(), idp.user("other").await);
    let staff = idp.group("Staff", &[&id]).await;
    let mut ids = vec![id.clone()];
    for _ in 0..2 {
        let last = ids.last().unwrap().clone();
        let path = format!("/Users/{last}");
        let answer = idp.delete(&path).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::NO_CONTENT, ""));
        assert_eq!(answer.header("content-type"), "");
        idp.delete(&path).await.refused(404, "");
        idp.get(&path).await.refused(404, "");
        idp.put(&path, body.clone()).await.refused(404, "");
        idp.patch(&path, json!([{"op": "add", "path": "title", "value": "x"}])).await.refused(404, "");
        assert_eq!(idp.get("/Users").await.ids(), [other.as_str()]);
        assert_eq!(idp.get("/Users?count=0").await.ok()["totalResults"], 1);
        let searched = idp.search("/.search", json!({"filter": "userName eq \"ann\""})).await.ok();
        assert_eq!(searched["totalResults"], 0);
        for gone in [
            "userName eq \"ann\"",
            "externalId eq \"1\"",
            "displayName eq \"ann\"",
            "emails eq \"a@x\"",
            "emails.value eq \"b@x\"",
            "displayName co \"a\"",
            &format!("id eq \"{last}\""),
            &format!("groups.value eq \"{staff}\""),
        ] {
            assert!(idp.found(gone).await.is_empty(), "{gone}");
        }
        assert!(idp.members(&staff).await.is_empty());
        let again = idp.post("/Users", body.clone()).await.created();
        assert!(!ids.contains(&again), "an id is not used twice");
        ids.push(again.clone());
        for found in ["userName eq \"ann\"", "externalId eq \"1\"", "emails eq \"b@x\""] {
            assert_eq!(idp.find("/Users", found).await.ids(), [again.as_str()]);
        }
        assert_eq!(
            idp.read(&format!("/Users/{again}")).await.get("groups"),
            None,
            "memberships do not come back"
        );
    }
    assert_eq!(idp.delete(&format!("/Groups/{staff}")).await.status, StatusCode::NO_CONTENT);
    idp.delete(&format!("/Groups/{staff}")).await.refused(404, "");
    assert_eq!(idp.get("/Groups").await.ok()["totalResults"], 0);
    assert_ne!(idp.group("Staff", &[]).await, staff);
}

/// RFC 7643 §3.1 `id`.
async fn s82_ids_are_opaque_and_of_one_directory(edge: Edge) {
    let idp = edge.idp("acme").await;
    let sibling = edge.idp_of(idp.tenant, false).await;
    let stranger = edge.idp("globex").await;
    let ann = idp.user("ann").await;
    let staff = idp.group("Staff", &[&ann]).await;
    let before = [idp.read(&format!("/Users/{ann}")).await, idp.read(&format!("/Groups/{staff}")).await];
    for other in [&sibling, &stranger] {
        let own = other.group("Own", &[]).await;
        for (path, body) in [
            (format!("/Users/{ann}"), user("ann")),
            (format!("/Groups/{staff}"), group("Staff", &[])),
            // The right id at the wrong endpoint is none either.
            (format!("/Groups/{ann}"), group("Staff", &[])),
            (format!("/Users/{staff}"), user("ann")),
        ] {
            other.get(&path).await.refused(404, "");
            other.put(&path, body).await.refused(404, "");
            other
                .patch(&path, json!([{"op": "add", "path": "externalId", "value": "x"}]))
                .await
                .refused(404, "");
            other.delete(&path).await.refused(404, "");
        }
        for filter in [format!("id eq \"{ann}\""), format!("groups.value eq \"{staff}\"")] {
            assert!(other.found(&filter).await.is_empty(), "{filter}");
        }
        assert!(other.find("/Groups", &format!("members eq \"{ann}\"")).await.ids().is_empty());
        let add = json!([{"op": "add", "path": "members", "value": [{"value": ann}]}]);
        let _refused_or_parked = other.patch(&format!("/Groups/{own}"), add).await;
        assert!(other.members(&own).await.is_empty(), "it is no member");
    }
    assert_eq!(
        [idp.read(&format!("/Users/{ann}")).await, idp.read(&format!("/Groups/{staff}")).await],
        before
    );
    // The same things in each directory have ids of their own, and one does not follow from another.
    let mut ids = BTreeSet::from([ann, staff]);
    for idp in [&idp, &sibling, &stranger] {
        for n in 0..50 {
            let id = idp.user(&format!("user-{n}")).await;
            let parsed: uuid::Uuid = id.parse().unwrap();
            let next = uuid::Uuid::from_u128(parsed.as_u128().wrapping_add(1)).to_string();
            idp.get(&format!("/Users/{next}")).await.refused(404, "");
            assert!(ids.insert(id));
        }
    }
    let starts: BTreeSet<&str> = ids.iter().map(|id| &id[24..]).collect();
    assert_eq!(starts.len(), ids.len(), "the random part is random");
}

/// RFC 7643 §2.3.1: text is Unicode. Our choice: what is stored is what was sent; only comparing normalizes, and
/// only canonically, so that no two names become one that people can tell apart.
async fn s83_text_survives_or_is_refused(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [&idp, &strict] {
        let texts = [
            "x".repeat(10 * 1024),
            "é".repeat(5 * 1024),
            "👩‍👩‍👧‍👦🏳️‍🌈🦀".to_owned(),
            "e\u{301}\u{323}o\u{308}".to_owned(),
            "\u{202e}שלום עליכם \u{202c}مرحبا".to_owned(),
            "\u{feff}\u{200b}\u{200d}\u{2060}".to_owned(),
            "\u{1}\u{1f}\u{7f}\u{85}\u{2028}\u{2029}".to_owned(),
            "\u{fffe}\u{ffff}\u{10ffff}\u{fffd}".to_owned(),
            "' OR '1'='1'; DROP TABLE users; --".to_owned(),
            "%_\\%' \" ` $1 ? :name {{7*7}} <script>".to_owned(),
            " leading and trailing ".to_owned(),
            "ﬃ ① ｆｕｌｌ ª ² Å \u{212b} \u{1e9b}\u{323}".to_owned(),
        ];
        for (n, text) in texts.iter().enumerate() {
            let more = json!({
                "externalId": text, "displayName": text, "title": text, "name": {"familyName": text},
                "emails": [{"value": text, "type": text}], ENTERPRISE: {"department": text},
            });
            let created = idp.post("/Users", with(text, more.clone())).await;
            let path = format!("/Users/{}", created.created());
            let read = idp.read(&path).await;
            assert_eq!(read["userName"], text.as_str());
            for (name, value) in more.as_object().unwrap() {
                assert_eq!(read[name], *value, "{name}: {text:.40}");
            }
            if text.len() < 4_000 {
                let quoted = json!(text).to_string();
                for attribute in
                    ["userName", "externalId", "displayName", "emails.value", "title", "name.familyName"]
                {
                    let found = idp.find("/Users", &format!("{attribute} eq {quoted}")).await.ids();
                    assert_eq!(found, [read["id"].as_str().unwrap()], "{attribute}: {text}");
                }
            }
            let longer = json!([{"op": "replace", "path": "title", "value": format!("{text}{n}")}]);
            assert_eq!(idp.patch(&path, longer).await.ok()["title"], format!("{text}{n}"));
            let group = idp.post("/Groups", group(text, &[])).await;
            assert_eq!(group.body["displayName"], text.as_str(), "{group:?}");
            idp.post("/Users", user(text)).await.refused(409, "uniqueness");
        }
        // One letter written in two ways is one name, and stays as it was sent.
        idp.user("jose\u{301}").await;
        idp.post("/Users", user("jos\u{e9}")).await.refused(409, "uniqueness");
        idp.finds(&[("userName eq \"JOS\u{c9}\"", &["jose\u{301}"])]).await;
        // What only looks alike are different people.
        for name in ["ann", "ａｎｎ", "аnn", "①", "1", "x²", "x2", "ª", "a", "ann\u{200b}", " ann"] {
            idp.user(name).await;
            assert_eq!(idp.found(&format!("userName eq \"{name}\"")).await, [name]);
        }
        // What no text is.
        let before = idp.get("/Users?count=0").await.ok()["totalResults"].clone();
        idp.post("/Users", user("a\u{0}b")).await.refused(400, "invalidValue");
        for attribute in ["title", "externalId", "displayName"] {
            idp.post("/Users", with("nul", json!({attribute: "\u{0}"}))).await.refused(400, "invalidValue");
        }
        idp.post("/Users", with("nul", json!({"emails": [{"value": "a\u{0}"}]})))
            .await
            .refused(400, "invalidValue");
        idp.post("/Users", with("nul", json!({ENTERPRISE: {"department": "a\u{0}"}})))
            .await
            .refused(400, "invalidValue");
        idp.post("/Groups", group("a\u{0}b", &[])).await.refused(400, "invalidValue");
        let one = idp.find("/Users", "userName eq \"ann\"").await.ids().remove(0);
        for lone in ["\\ud83e", "\\udd80", "\\udd80\\ud83e", "\\ud83ex", "\\uD800\\u0041"] {
            let body = user("LONE").to_string().replace("LONE", lone);
            idp.call("POST", "/Users", &[], body.clone()).await.refused(400, "invalidSyntax");
            idp.call("PUT", &format!("/Users/{one}"), &[], body).await.refused(400, "invalidSyntax");
            let patch = patch_op(json!([{"op": "add", "path": "title", "value": "LONE"}])).to_string();
            idp.call("PATCH", &format!("/Users/{one}"), &[], patch.replace("LONE", lone))
                .await
                .refused(400, "invalidSyntax");
        }
        idp.call("POST", "/Users", &[], b"{\"userName\":\"\xff\xfe\"}".to_vec())
            .await
            .refused(400, "invalidSyntax");
        idp.call("POST", "/Users", &[], b"{\"userName\":\"\xed\xa0\xbd\"}".to_vec())
            .await
            .refused(400, "invalidSyntax");
        assert_eq!(idp.get("/Users?count=0").await.ok()["totalResults"], before);
        assert_eq!(idp.read(&format!("/Users/{one}")).await["meta"]["version"], "W/\"1\"");
        // A pair is a letter.
        let body = user("PAIR").to_string().replace("PAIR", "\\ud83e\\udd80 pair");
        assert_eq!(idp.call("POST", "/Users", &[], body).await.body["userName"], "🦀 pair");
    }
}

/// RFC 7644 §3.3.1 under load.
async fn s85_of_two_at_once_neither_is_lost(edge: Edge) {
    let idp = edge.idp("acme").await;
    let replicas = edge.replicas(&idp).await;
    for round in 0..15 {
        let creates = ["ann", "ANN"].map(|name| user(&format!("{name}-{round}")));
        let creates =
            replicas.clone().into_iter().zip(creates).map(|(idp, body)| {
                tokio::spawn(async move { idp.post("/Users", body).await.status.as_u16() })
            });
        let mut statuses: Vec<u16> =
            futures::future::join_all(creates).await.into_iter().map(Result::unwrap).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "round {round}");
    }
    let ids = idp.get("/Users").await.ids();
    assert_eq!(ids.len(), 15);
    let staff = idp.group("Staff", &[]).await;
    let path = format!("/Groups/{staff}");
    let patches = ids.iter().enumerate().map(|(n, id)| {
        let (idp, path) = (replicas[n % 2].clone(), path.clone());
        let add = json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
        tokio::spawn(async move { idp.patch(&path, add).await.status })
    });
    for status in futures::future::join_all(patches).await {
        assert_eq!(status.unwrap(), StatusCode::OK);
    }
    assert_eq!(idp.members(&staff).await, ids);
    assert_eq!(idp.get(&path).await.header("etag"), "W/\"16\"", "each change has a version");
    // Two at once at one user's different attributes: both are in.
    let user_path = format!("/Users/{}", ids[0]);
    let edits = ["title", "nickName"].into_iter().enumerate().map(|(n, attribute)| {
        let (idp, path) = (replicas[n].clone(), user_path.clone());
        let set = json!([{"op": "add", "path": attribute, "value": "x"}]);
        tokio::spawn(async move { idp.patch(&path, set).await.status })
    });
    for status in futures::future::join_all(edits).await {
        assert_eq!(status.unwrap(), StatusCode::OK);
    }
    let read = idp.read(&user_path).await;
    assert_eq!((&read["title"], &read["nickName"]), (&json!("x"), &json!("x")));
    // Two at once at one version: one of them.
    let etag = read["meta"]["version"].as_str().unwrap().split('.').next().unwrap().to_owned() + "\"";
    let etag = etag.replace("\"\"", "\"");
    let writes = [0, 1].map(|n| {
        let (idp, path, etag) = (replicas[n].clone(), user_path.clone(), etag.clone());
        let body = patch_op(json!([{"op": "replace", "path": "title", "value": format!("{n}")}])).to_string();
        tokio::spawn(
            async move { idp.call("PATCH", &path, &[("if-match", &etag)], body).await.status.as_u16() },
        )
    });
    let mut statuses: Vec<u16> =
        futures::future::join_all(writes).await.into_iter().map(Result::unwrap).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
}

/// The same database under a clock that is an hour behind, as another replica's may be.
async fn s86_time_does_not_go_back(edge: Edge) {
    let idp = edge.idp("acme").await;
    edge.clock.advance(Duration::from_hours(1));
    let ann = idp.user("ann").await;
    let staff = idp.group("Staff", &[]).await;
    let held = idp.group("Held", &[&ann]).await;
    let mut options = store::StoreOptions::new(edge.store.url());
    options.clock = store::Clock::fixed(store::Timestamp::parse("2026-11-25T10:00:00Z").unwrap());
    let vault = store::vault::Vault::new(&store::testing::MASTER_KEY).unwrap();
    let (_, router) = harness::edge(store::Store::connect(options, vault).await.unwrap());
    let behind = Idp { router, ..idp.clone() };
    let user_path = format!("/Users/{ann}");
    for (path, operation) in [
        (user_path.clone(), json!({"op": "add", "path": "title", "value": "Chief"})),
        (format!("/Groups/{staff}"), json!({"op": "replace", "path": "displayName", "value": "Crew"})),
        (format!("/Groups/{staff}"), json!({"op": "add", "path": "members", "value": [{"value": ann}]})),
    ] {
        let before = idp.read(&path).await["meta"].clone();
        let after = behind.patch(&path, json!([operation])).await.ok()["meta"].clone();
        assert_eq!(after["lastModified"], "2026-11-25T11:00:00.000Z", "{operation}");
        assert_eq!(after["created"], before["created"]);
        assert_ne!(after["version"], before["version"], "the version moves all the same");
    }
    let put = behind.put(&user_path, user("renamed")).await.ok();
    assert_eq!(put["meta"]["lastModified"], "2026-11-25T11:00:00.000Z");
    // Also where the change comes from elsewhere: a deleted user leaves its groups.
    assert_eq!(behind.delete(&user_path).await.status, StatusCode::NO_CONTENT);
    for id in [&staff, &held] {
        let read = idp.read(&format!("/Groups/{id}")).await;
        assert_eq!(
            (read.get("members"), &read["meta"]["lastModified"]),
            (None, &json!("2026-11-25T11:00:00.000Z"))
        );
    }
    // And it goes on when the clock does.
    edge.clock.advance(Duration::from_mins(1));
    let rename = json!([{"op": "replace", "path": "displayName", "value": "Team"}]);
    let meta = idp.patch(&format!("/Groups/{staff}"), rename).await.ok()["meta"].clone();
    assert_eq!(meta["lastModified"], "2026-11-25T11:01:00.000Z");
}
