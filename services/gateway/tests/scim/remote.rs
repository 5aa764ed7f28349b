//! The gateway before handlers of other processes, over a real network: nothing is lost on the way, and what is broken
//! there costs a provider a repetition at the most.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use gateway::Gateway;
use gateway::admission::Limits;
use http::StatusCode;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use proto::pass::PassKeys;
use scim::edge::{Edge, edge};
use scim::routing::RoutingService;
use scim::stall::StallWatch;
use serde_json::json;
use store::clock::Clock;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use crate::harness::{self, Idp, PUBLIC_URL, group, on_both, user};
use crate::wait::until;

on_both!(what_is_asked_and_answered_survives_the_way);

/// Longer than a process is believed to be ready that no longer is.
const NOTICED: Duration = Duration::from_millis(1_200);

/// Handlers that are served on a port of their own.
struct Process {
    address: SocketAddr,
    draining: Arc<AtomicBool>,
    work: AbortHandle,
}

impl Process {
    async fn start(place: &harness::Edge, key: u8) -> Self {
        let scim = scim::Scim::new((*place.store).clone(), PUBLIC_URL);
        let routing = RoutingService::new(&scim, CancellationToken::new());
        let draining = Arc::default();
        let passes = PassKeys::one(&[key; 32]).unwrap();
        let stalls = StallWatch::default();
        let router = edge(Edge { scim, routing, passes, stalls, draining: Arc::clone(&draining) });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let work = tokio::spawn(serve(listener, router)).abort_handle();
        Self { address, draining, work }
    }
}

/// Serves until aborted, and the connections with it.
async fn serve(listener: TcpListener, router: Router) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let service = TowerToHyperService::new(router.clone());
        connections.spawn(async move {
            let builder = Builder::new(TokioExecutor::new());
            drop(builder.serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

/// The provider behind a gateway that sends its requests to these addresses.
fn through(idp: &Idp, addresses: &[SocketAddr]) -> Idp {
    let uris: Vec<http::Uri> =
        addresses.iter().map(|address| format!("http://{address}").parse().unwrap()).collect();
    let passes = PassKeys::one(&[1; 32]).unwrap();
    let cell = gateway::remote::cell("default", &uris, passes, Clock::default()).unwrap();
    // The handlers' tokens do not end by the clock here.
    let gateway = Gateway::new(&[cell], Clock::default(), Limits::default(), None);
    Idp { router: gateway::router(gateway), ..idp.clone() }
}

async fn served(idp: &Idp) {
    until("served", || async { idp.get("/Users?count=0").await.status == StatusCode::OK }).await;
}

async fn what_is_asked_and_answered_survives_the_way(place: harness::Edge) {
    let here = place.idp("acme").await;
    let process = Process::start(&place, 1).await;
    let there = through(&here, &[process.address]);
    served(&there).await;
    let ann = there.user("ann@acme.example").await;
    assert_eq!(
        there.find("/Users", "userName eq \"ANN@acme.example\"").await.ids(),
        std::slice::from_ref(&ann)
    );
    let created = there.post("/Users", user("bob")).await;
    let location = created.header("location").to_owned();
    assert_eq!(location, here.location(&format!("/Users/{}", created.created())));
    let path = format!("/Users/{ann}");
    let title = json!([{"op": "replace", "path": "title", "value": "Chief"}]);
    assert_eq!(there.patch(&path, title).await.ok()["title"], "Chief");
    let etag = there.get(&path).await.header("etag").to_owned();
    assert_eq!(there.call("GET", &path, &[("if-none-match", &etag)], Body::empty()).await.status, 304);
    there.call("PUT", &path, &[("if-match", "W/\"0\"")], user("ann").to_string()).await.refused(412, "");
    assert_eq!(there.call("HEAD", &path, &[], Body::empty()).await.text, "");
    there.post("/Users", user("bob")).await.refused(409, "uniqueness");
    there.get("/Nothing").await.refused(404, "");
    // An answer that is sent as it is read.
    let members = here.many_users(&place, 1_500).await;
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let crew = there.post("/Groups", group("Crew", &members)).await.created();
    let path = format!("/Groups/{crew}");
    assert_eq!(there.get(&path).await.body["members"].as_array().unwrap().len(), 1_500);
    assert_eq!(there.get(&path).await.text, here.get(&path).await.text);
    // Bodies that are too long without saying so, or end before they are whole.
    let pieces = |count: usize, last: std::io::Result<Bytes>| {
        let pieces = std::iter::repeat_with(|| Ok(Bytes::from(vec![b' '; 1024 * 1024])));
        let pieces: Vec<std::io::Result<Bytes>> = pieces.take(count).chain([last]).collect();
        Body::from_stream(futures::stream::iter(pieces))
    };
    let long = pieces(5, Ok(Bytes::new()));
    there.call("POST", "/Users", &[], long).await.refused(413, "");
    let broken = pieces(1, Err(std::io::Error::other("the client went")));
    there.call("POST", "/Users", &[], broken).await.refused(400, "");
    assert_eq!(there.delete(&format!("/Groups/{crew}")).await.status, StatusCode::NO_CONTENT);
    // A token of another tenant opens nothing on this way either.
    let globex = place.idp("globex").await;
    let stranger = Idp { token: globex.token, ..there.clone() };
    assert_eq!(stranger.get("/Users").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn process_that_goes_or_drains_is_left_out_and_nobody_notices() {
    let place = harness::Edge::sqlite().await;
    let here = place.idp("acme").await;
    let (one, other) = (Process::start(&place, 1).await, Process::start(&place, 1).await);
    let there = through(&here, &[one.address, other.address]);
    served(&there).await;
    tokio::time::sleep(NOTICED).await;
    one.draining.store(true, Ordering::SeqCst);
    tokio::time::sleep(NOTICED).await;
    // What is told to drain gets nothing more: cutting it off fails nobody.
    one.work.abort();
    for number in 0..30 {
        there.user(&format!("user-{number}")).await;
    }
    // What goes without a word fails no question, as those may be asked again elsewhere.
    let third = Process::start(&place, 1).await;
    let there = through(&here, &[other.address, third.address]);
    served(&there).await;
    tokio::time::sleep(NOTICED).await;
    other.work.abort();
    for _ in 0..30 {
        assert_eq!(there.get("/Users?count=0").await.status, StatusCode::OK);
    }
    third.work.abort();
    let answer = there.get("/Users").await;
    answer.refused(503, "");
    assert!(!answer.header("retry-after").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn process_with_another_key_or_without_a_word_is_not_the_providers_concern() {
    let place = harness::Edge::sqlite().await;
    let here = place.idp("acme").await;
    // It takes connections and says nothing, as a process that stands still does.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let good = Process::start(&place, 1).await;
    let wrong = Process::start(&place, 2).await;
    let there = through(&here, &[silent.local_addr().unwrap(), good.address]);
    served(&there).await;
    tokio::time::sleep(NOTICED).await;
    for number in 0..20 {
        there.user(&format!("user-{number}")).await;
    }
    // With the wrong key every request is refused as not begun, and none is told that its token is wrong.
    let there = through(&here, &[wrong.address]);
    tokio::time::sleep(NOTICED).await;
    let answer = there.get("/Users").await;
    answer.refused(503, "");
    assert_eq!(answer.header("x-rollcall-not-begun"), "", "between processes of ours");
}
