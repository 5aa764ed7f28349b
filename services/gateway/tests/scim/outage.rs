//! A database that is gone is answered with 503 and Retry-After, and nothing is half done.

use std::time::Duration;

use axum::body::Body;
use http::StatusCode;
use serde_json::json;
use store::links::NewLink;
use store::sites::NewSite;
use store::testing::MASTER_KEY;
use store::vault::Vault;
use store::{Store, StoreOptions};

use crate::harness::{self, Answer, Edge, Idp, group, patch_op, send, user};
use crate::wait::until;
use crate::wire::Wire;

fn assert_unavailable(answer: &Answer) {
    answer.refused(503, "");
    assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0), "{answer:?}");
}

/// Every kind of call, on a user and a group that exist.
async fn call_everything(idp: &Idp, user_id: &str, group_id: &str) -> Vec<Answer> {
    let (user_path, group_path) = (format!("/Users/{user_id}"), format!("/Groups/{group_id}"));
    let title = patch_op(json!([{"op": "replace", "path": "title", "value": "Chief"}])).to_string();
    let empty = patch_op(json!([{"op": "remove", "path": "members"}])).to_string();
    let mut answers = Vec::new();
    for (method, path, body) in [
        ("GET", "/Users", String::new()),
        ("GET", user_path.as_str(), String::new()),
        ("GET", "/Groups?filter=displayName%20eq%20%22Staff%22", String::new()),
        ("GET", group_path.as_str(), String::new()),
        ("POST", "/Users", user("new@acme.example").to_string()),
        ("POST", "/Groups", group("New", &[user_id]).to_string()),
        ("PUT", user_path.as_str(), user("renamed@acme.example").to_string()),
        ("PUT", group_path.as_str(), group("Renamed", &[]).to_string()),
        ("PATCH", user_path.as_str(), title),
        ("PATCH", group_path.as_str(), empty),
        ("DELETE", user_path.as_str(), String::new()),
        ("DELETE", group_path.as_str(), String::new()),
    ] {
        answers.push(idp.call(method, path, &[], body).await);
    }
    answers
}

async fn state(idp: &Idp) -> String {
    idp.get("/Users").await.text + &idp.get("/Groups").await.text
}

#[tokio::test]
async fn a_closed_sqlite_database_is_unavailable_and_unchanged() {
    let edge = Edge::sqlite().await;
    let idp = edge.idp("acme").await;
    let user_id = idp.user("ann@acme.example").await;
    let group_id = idp.group("Staff", &[&user_id]).await;
    let before = state(&idp).await;
    let file = edge.store.connect_again().await;
    (*edge.store).clone().close().await.unwrap();
    for answer in call_everything(&idp, &user_id, &group_id).await {
        assert_unavailable(&answer);
    }
    let (_, router) = harness::edge(file);
    assert_eq!(state(&Idp { router, ..idp }).await, before);
}

/// A store that reaches the edge's PostgreSQL database over a wire.
pub(crate) async fn over_a_wire(edge: &Edge) -> (Wire, Store) {
    let mut url = url::Url::parse(edge.store.url()).unwrap();
    let wire = Wire::to(url.host_str().unwrap().to_owned(), url.port().unwrap_or(5432)).await;
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(wire.port)).unwrap();
    let mut options = StoreOptions::new(url.as_str());
    options.max_connections = 3;
    options.acquire_timeout = Duration::from_millis(500);
    let store = Store::connect(options, Vault::new(&MASTER_KEY).unwrap()).await.unwrap();
    (wire, store)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_server_out_of_reach_is_unavailable_and_comes_back() {
    let edge = Edge::postgres().await;
    let idp = edge.idp("acme").await;
    let (user_id, before) = {
        let user_id = idp.user("ann@acme.example").await;
        let group_id = idp.group("Staff", &[&user_id]).await;
        ((user_id, group_id), state(&idp).await)
    };
    let (wire, store) = over_a_wire(&edge).await;
    let (_, router) = harness::edge(store);
    let remote = Idp { router, ..idp.clone() };
    assert_eq!(state(&remote).await, before);
    wire.cut_after(0);
    for answer in call_everything(&remote, &user_id.0, &user_id.1).await {
        assert_unavailable(&answer);
    }
    wire.mend();
    until("it comes back as it was", || async { state(&remote).await == before }).await;
    remote.user("new@acme.example").await;
}

/// The wire is cut after one packet, after two, …: at each step of the transaction. Whenever that is, the
/// group, its members, the tasks of the members and the timeline are all there or none of them is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wire_cut_in_the_middle_of_a_write_leaves_nothing_half_done() {
    let edge = Edge::postgres().await;
    let idp = edge.idp("acme").await;
    let site = linked_site(&edge, &idp).await;
    let members = [idp.user("ann@acme.example").await, idp.user("bob@acme.example").await];
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let tenant = edge.store.tenant(idp.tenant);
    let (wire, store) = over_a_wire(&edge).await;
    let (_, router) = harness::edge(store);
    let remote = Idp { router: router.clone(), ..idp.clone() };
    let (mut refused, mut packets) = (0, 0);
    loop {
        wire.mend();
        // The token is remembered and a connection is open, so that the cut hits the transaction.
        until("ready", || async { remote.get("/Users").await.status == StatusCode::OK }).await;
        wire.cut_after(packets);
        let name = format!("Group {packets}");
        let create = harness::request(
            "POST",
            &format!("{}/Groups", idp.base()),
            Some(&idp.token),
            Body::from(group(&name, &members).to_string()),
        );
        let answer = send(&router, create).await;
        let found = idp.find("/Groups", &format!("displayName eq \"{name}\"")).await.ok();
        let there = found["totalResults"].as_u64().unwrap();
        if there == 1 {
            let group = &found["Resources"][0];
            assert_eq!(group["members"].as_array().unwrap().len(), 2, "half a group after {packets}");
            let id: uuid::Uuid = group["id"].as_str().unwrap().parse().unwrap();
            assert_eq!(tenant.timeline().list(id, None, 10).await.unwrap().len(), 1);
            let task = tenant.tasks(site).find(store::entity::words::TaskKind::Group, id).await.unwrap();
            assert!(task.is_some(), "a group without its task after {packets}");
        }
        if answer.status == StatusCode::CREATED {
            assert_eq!(there, 1, "answered and lost after {packets}");
            break;
        }
        assert_unavailable(&answer);
        refused += 1;
        packets += 1;
        assert!(packets < 60, "it never succeeds");
    }
    assert!(refused > 5, "the cuts hit {refused} steps only");
    // What was refused marked nobody: each user has the entries of its creation and of the groups that exist.
    let groups = idp.get("/Groups?count=0").await.ok()["totalResults"].as_u64().unwrap();
    let entries = tenant.timeline().list(members[0].parse().unwrap(), None, 100).await.unwrap().len();
    assert_eq!(entries as u64, 1 + groups);
}

async fn linked_site(edge: &Edge, idp: &Idp) -> store::id::SiteId {
    let tenant = edge.store.tenant(idp.tenant);
    let new = NewSite {
        certificate_authorities: None,
        name: "Jira".into(),
        product: "jira-data-center".into(),
        base_url: "https://jira.acme.example".into(),
        credentials: b"secret".to_vec().into(),
    };
    let site = tenant.sites().insert(new).await.unwrap().id;
    let new = NewLink {
        connection_id: idp.connection,
        site_id: site,
        precedence: 0,
        enabled: true,
        settings: json!({}),
        next_run_at: None,
    };
    tenant.links().insert(new).await.unwrap();
    site
}
