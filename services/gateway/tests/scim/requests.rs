//! What is noted of the last requests of a connection.

use std::time::Duration;

use gateway::admission::Limits;
use scim::requests::Requests;
use serde_json::{Value, json};
use store::entity::scim_request;

use crate::harness::{Answer, Edge, Idp, PUBLIC_URL, USER, edge_before, on_both};

on_both!(
    requests_are_noted_with_what_was_said_and_no_secret,
    a_request_that_is_not_let_in_is_noted_with_what_to_do,
    a_flood_is_noted_in_part,
);

/// Handlers whose notes the test writes down.
struct Noting {
    edge: Edge,
    requests: Requests,
    idp: Idp,
}

impl Noting {
    async fn new(edge: Edge) -> Self {
        let scim = scim::Scim::new((*edge.store).clone(), PUBLIC_URL);
        let requests = scim.requests.clone();
        let (_, router) = edge_before(Duration::from_secs(30), Limits::default(), None, scim);
        let idp = Idp { router, ..edge.idp("acme").await };
        Self { edge, requests, idp }
    }

    async fn noted(&self, idp: &Idp) -> Vec<scim_request::Model> {
        self.requests.write().await;
        let requests = self.edge.store.tenant(idp.tenant).requests(idp.connection);
        let mut noted = requests.list(false, None, 1_000).await.unwrap();
        noted.reverse();
        noted
    }
}

#[track_caller]
fn expect(answer: Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{answer:?}");
    answer.body
}

async fn requests_are_noted_with_what_was_said_and_no_secret(edge: Edge) {
    let noting = Noting::new(edge).await;
    let idp = &noting.idp;
    expect(idp.get("/Users?startIndex=1&count=1").await, 200);
    let body = json!({"schemas": [USER], "userName": "ada", "password": "hunter2"});
    let id = idp.post("/Users", body.clone()).await.created();
    expect(idp.post("/Users", body).await, 409);
    let operations = json!([{"op": "replace", "path": "nonsense[", "value": "x"}]);
    expect(idp.patch(&format!("/Users/{id}"), operations).await, 400);
    let noted = noting.noted(idp).await;
    let seen: Vec<(&str, &str, i32)> =
        noted.iter().map(|row| (row.method.as_str(), row.path.as_str(), row.status)).collect();
    let user = format!("/Users/{id}");
    assert_eq!(
        seen,
        [
            ("GET", "/Users?startIndex=1&count=1", 200),
            ("POST", "/Users", 201),
            ("POST", "/Users", 409),
            ("PATCH", user.as_str(), 400)
        ]
    );
    assert_eq!(noted[0].sent, None);
    let sent = noted[1].sent.as_deref().unwrap();
    assert!(sent.contains("ada") && !sent.contains("hunter2"), "{sent}");
    assert!(noted[2].problem.as_deref().unwrap().contains("userName"), "{:?}", noted[2]);
    assert!(noted[3].problem.is_some() && noted[3].sent.as_deref().unwrap().contains("nonsense["));
    assert!(noted.iter().all(|row| row.request_id.is_some()));
}

async fn a_request_that_is_not_let_in_is_noted_with_what_to_do(edge: Edge) {
    let noting = Noting::new(edge).await;
    let (idp, other) = (&noting.idp, noting.edge.idp("zenith").await);
    let with = |token: &str| Idp { token: token.to_owned(), ..idp.clone() };
    expect(with("rollcall_scim_wrong").get("/Users").await, 401);
    expect(with(&other.token).get("/Users").await, 401);
    let noted = noting.noted(idp).await;
    assert_eq!(noted.len(), 2, "{noted:?}");
    for row in &noted {
        assert_eq!(row.status, 401);
        assert!(row.problem.as_deref().unwrap().contains("Copy it again"), "{row:?}");
    }
    assert!(noting.noted(&other).await.is_empty(), "it was not asked for");

    expect(with("").get("/Users").await, 401);
    let missing = |row: &scim_request::Model| {
        row.problem.as_deref().is_some_and(|problem| problem.contains("sends no token"))
    };
    let told = async {
        while !noting.noted(idp).await.iter().any(missing) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let told = tokio::time::timeout(Duration::from_secs(5), told).await;
    assert!(told.is_ok(), "a request without a token is told of");
}

async fn a_flood_is_noted_in_part(edge: Edge) {
    let noting = Noting::new(edge).await;
    for _ in 0..60 {
        expect(noting.idp.get("/Users?count=0").await, 200);
    }
    expect(noting.idp.get("/Users/nobody").await, 404);
    let noted = noting.noted(&noting.idp).await;
    assert_eq!(noted.len(), 26, "25 good ones, and the refused one");
}
