//! A revoked token opens nothing anywhere within a second, whatever else is out of order; and restarting everything,
//! one after the other, loses no request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use reqwest::Client;
use serde_json::json;

use super::{Fleet, Role};
use crate::tenant::{Tenant, client, text};

const CLIENTS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn revoked_token_is_refused_by_every_gateway_within_a_second_also_without_redis() {
    let mut fleet = Fleet::start(&[]).await;
    for redis_is_there in [true, false] {
        if !redis_is_there {
            fleet.redis.crash();
        }
        let tenant =
            Tenant::register_at(&fleet.api_url(), if redis_is_there { "acme" } else { "globex" }).await;
        let tokens = format!("{}/connections/{}/tokens", tenant.api, tenant.connection_id);
        let list = tenant.get(&format!("/connections/{}/tokens", tenant.connection_id)).await;
        let id = text(&list["items"][0], "id");
        let path = tenant.scim.strip_prefix(&fleet.url()).expect("the base URL is the balancer's");
        let gateways: Vec<String> = fleet
            .of(Role::Gateway)
            .map(|gateway| format!("http://{}{path}/Users?count=0", gateway.place.public))
            .collect();
        let ask =
            async |url: &str| client().get(url).bearer_auth(&tenant.token).send().await.unwrap().status();
        // For longer than an answer is believed without anyone confirming it, so that it is the changes that count.
        let warm = Instant::now() + Duration::from_secs(2);
        while Instant::now() < warm {
            for gateway in &gateways {
                assert_eq!(ask(gateway).await, StatusCode::OK);
            }
        }
        let revoked =
            tenant.client.delete(format!("{tokens}/{id}")).bearer_auth(&tenant.key).send().await.unwrap();
        assert_eq!(revoked.status(), StatusCode::NO_CONTENT);
        let since = Instant::now();
        for gateway in &gateways {
            while ask(gateway).await != StatusCode::UNAUTHORIZED {
                assert!(since.elapsed() < Duration::from_secs(1), "{gateway} still takes the token");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        println!("refused everywhere after {:?} (Redis: {redis_is_there})", since.elapsed());
    }
}

/// What clients were told while everything was restarted.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) answered: AtomicUsize,
    pub(super) later: AtomicUsize,
    pub(super) stop: AtomicBool,
}

#[tokio::test(flavor = "multi_thread")]
async fn restarting_every_process_in_turn_under_load_fails_no_request() {
    let no_limits = [("ROLLCALL_TENANT_RATE", "0"), ("ROLLCALL_TOKEN_RATE", "0")];
    let mut fleet = Fleet::start(&no_limits).await;
    let tenant = Tenant::register_at(&fleet.api_url(), "acme").await;
    let told = Arc::new(Told::default());
    let clients = (0..CLIENTS).map(|number| {
        let (url, token) = (format!("{}/Users", tenant.scim), tenant.token.clone());
        tokio::spawn(load(client(), url, token, number, Arc::clone(&told)))
    });
    let clients: Vec<_> = clients.collect();
    for index in 0..fleet.members.len() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = told.answered.load(Ordering::SeqCst);
        let member = &mut fleet.members[index];
        let asked = Instant::now();
        let code = member.terminate().await;
        println!("{} ended after {:?}", member.name, asked.elapsed());
        assert_eq!(code, Some(0), "{} ended badly:\n{}", member.name, member.log());
        assert!(!member.log().contains("cut off"), "{} did not come to an end by itself", member.name);
        member.start();
        fleet.wait_until_ready().await;
        assert!(told.answered.load(Ordering::SeqCst) > before, "nothing was answered meanwhile");
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    told.stop.store(true, Ordering::SeqCst);
    let mut created = 0;
    for client in clients {
        created += client.await.expect("a client met a failure");
    }
    println!(
        "{} requests answered while {} processes were restarted, {} told to come back (429 or 503 with Retry-After)",
        told.answered.load(Ordering::SeqCst),
        fleet.members.len(),
        told.later.load(Ordering::SeqCst)
    );
    let list = tenant.scim_get("/Users?count=0").await;
    assert_eq!(list["totalResults"], created, "what was answered is there, once");
}

/// Creates users and looks them up until told to stop. Returns how many were created.
pub(super) async fn load(
    client: Client,
    users: String,
    token: String,
    number: usize,
    told: Arc<Told>,
) -> usize {
    let mut created = 0;
    while !told.stop.load(Ordering::SeqCst) {
        let name = format!("user-{number}-{created}@example.com");
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": name, "displayName": name, "emails": [{"value": name}],
        })
        .to_string();
        let create = client.post(&users).header("content-type", "application/scim+json").body(body);
        let find = client.get(&users).query(&[("filter", format!("userName eq \"{name}\""))]);
        for (request, expected) in [(create, StatusCode::CREATED), (find, StatusCode::OK)] {
            loop {
                let request = request.try_clone().unwrap().bearer_auth(&token);
                let answer = request.send().await.expect("no answer at all");
                let status = answer.status();
                let comes_back = answer.headers().contains_key("retry-after");
                let text = answer.text().await.expect("half an answer");
                told.answered.fetch_add(1, Ordering::SeqCst);
                if status == expected {
                    break;
                }
                let later = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
                assert!(later && comes_back, "{status}: {text}");
                told.later.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        created += 1;
    }
    created
}
