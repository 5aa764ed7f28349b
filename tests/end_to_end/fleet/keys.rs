//! The master key and the tenants' keys are exchanged while providers write, workers work and admins edit.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::stream::{self, StreamExt as _};
use serde_json::{Value, json};
use store::sites::NewSite;
use store::testing::MASTER_KEY;
use store::vault::Vault;
use store::{Store, StoreOptions};
use zeroize::Zeroizing;

use super::rotation::{Told, load};
use super::{Fleet, Role};
use crate::faults::nothing_is_too_much;
use crate::faults::site::Site;
use crate::process::Process;
use crate::program::command;
use crate::tenant::{Tenant, client, text};

const TENANTS: usize = 1_000;
const SITES: usize = 10;
const NEW: [u8; 32] = [42; 32];

/// Many tenants whose keys are old.
async fn furnish(store: &Store) {
    let tenants =
        stream::iter(0..TENANTS)
            .map(|number| async move {
                store.tenants().insert(&format!("tenant-{number}"), "T").await.unwrap().id
            })
            .buffer_unordered(8)
            .collect::<Vec<_>>()
            .await;
    let places = tenants.iter().flat_map(|tenant| (0..SITES).map(move |site| (*tenant, site)));
    let made = stream::iter(places).for_each_concurrent(8, |(tenant, site)| async move {
        let new = NewSite {
            certificate_authorities: None,
            name: format!("site-{site}"),
            product: "jira-data-center".to_owned(),
            base_url: "https://jira.example.com".to_owned(),
            credentials: Zeroizing::new(format!("{tenant}/{site}").into_bytes()),
        };
        store.tenant(tenant).sites().insert(new).await.unwrap();
    });
    made.await;
}

/// Sets the keys of all processes but the gateways, which have none; one process of each role at a time.
async fn restart_with(fleet: &mut Fleet, keys: &str) {
    for index in 0..2 {
        for role in [Role::Scim, Role::Api, Role::Sync] {
            if index < fleet.of(role).count() {
                fleet.one_of(role, index).set("ROLLCALL_MASTER_KEY", keys);
            }
        }
        let next = [Role::Scim, Role::Api, Role::Sync].into_iter().filter_map(|role| {
            fleet.members.iter().enumerate().filter(|(_, member)| member.role == role).nth(index)
        });
        let next: Vec<usize> = next.map(|(place, _)| place).collect();
        let members = fleet.members.iter_mut().enumerate().filter(|(place, _)| next.contains(place));
        futures::future::join_all(members.map(|(_, member)| async {
            assert_eq!(member.terminate().await, Some(0), "{}", member.log());
            member.start();
        }))
        .await;
        fleet.wait_until_ready().await;
    }
}

/// An admin who gives a site its credentials again and again, and tests it.
async fn edit(
    tenant: Arc<Tenant>,
    site: String,
    token: String,
    stop: Arc<AtomicBool>,
    edits: Arc<AtomicUsize>,
) {
    let path = format!("{}/sites/{site}", tenant.api);
    while !stop.load(Ordering::SeqCst) {
        let body = json!({"credentials": {"type": "bearer", "token": token}});
        let edited = client().patch(&path).bearer_auth(&tenant.key).json(&body).send().await.unwrap();
        assert_eq!(edited.status(), 200);
        let tested = client().post(format!("{path}/test")).bearer_auth(&tenant.key).send().await.unwrap();
        let tested: Value = tested.json().await.unwrap();
        assert_eq!(tested["ok"], true, "{tested}");
        edits.fetch_add(1, Ordering::SeqCst);
    }
}

fn rotate(fleet: &Fleet, keys: &str) -> std::process::Command {
    let mut rotate = command();
    rotate
        .args(["keys", "rotate", "--tenant-keys"])
        .env("ROLLCALL_DATABASE_URL", fleet.postgres.url())
        .env("ROLLCALL_MASTER_KEY", keys);
    rotate
}

#[tokio::test(flavor = "multi_thread")]
async fn exchanging_every_key_that_seals_secrets_fails_no_request_and_goes_on_after_a_kill() {
    let no_limits = [("ROLLCALL_TENANT_RATE", "0"), ("ROLLCALL_TOKEN_RATE", "0")];
    let mut fleet = Fleet::start(&no_limits).await;
    let store = fleet.store().await;
    furnish(&store).await;
    let jira = Site::jira().await;
    let tenant = Arc::new(Tenant::register_at(&fleet.api_url(), "acme").await);
    tenant.link(jira.product, &jira.base_url, nothing_is_too_much()).await;
    let site = text(&tenant.get("/sites").await["items"][0], "id");
    let old_keys = "UPDATE tenants SET key_made_at = key_made_at - 864000000";
    fleet.postgres.run(old_keys);
    let told = Arc::new(Told::default());
    let clients: Vec<_> = (0..2)
        .map(|number| {
            let (url, token) = (format!("{}/Users", tenant.scim), tenant.token.clone());
            tokio::spawn(load(client(), url, token, number, Arc::clone(&told)))
        })
        .collect();

    let (old, new) = (STANDARD.encode(MASTER_KEY), STANDARD.encode(NEW));
    restart_with(&mut fleet, &format!("{old},{new}")).await;
    restart_with(&mut fleet, &format!("{new},{old}")).await;
    let (stop, edits) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let admin = tokio::spawn(edit(
        Arc::clone(&tenant),
        site.clone(),
        "sandbox-token".to_owned(),
        Arc::clone(&stop),
        Arc::clone(&edits),
    ));

    let both = format!("{new},{old}");
    let killed = Process::start(
        rotate(&fleet, &both).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()),
    );
    let renewed = || -> usize {
        let count = "SELECT count(*) FROM tenants WHERE key_made_at >= created_at";
        fleet.postgres.run(count).parse().unwrap()
    };
    let began = Instant::now();
    while renewed() < 50 {
        assert!(began.elapsed() < Duration::from_mins(1), "no key is exchanged");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(killed);
    let before = renewed();
    assert!(before < TENANTS, "it was killed in the middle: {before}");
    let mut again = rotate(&fleet, &both);
    let said = tokio::task::spawn_blocking(move || again.output().unwrap()).await.unwrap();
    let text_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text_of(&said.stdout), text_of(&said.stderr));
    assert!(said.status.success(), "{out}{err}");
    let rest = TENANTS + 1 - before;
    assert!(out.contains(&format!("{rest} tenants have another key")), "{before} were done before: {out}");
    println!("killed after {before} of {} tenants; then: {out}", TENANTS + 1);

    stop.store(true, Ordering::SeqCst);
    admin.await.expect("an admin met a failure");
    assert!(edits.load(Ordering::SeqCst) > 5, "credentials were given and tried meanwhile");
    restart_with(&mut fleet, &new).await;
    told.stop.store(true, Ordering::SeqCst);
    let mut created = 0;
    for client in clients {
        created += client.await.expect("a client met a failure");
    }
    println!("{created} users created, {edits:?} edits of credentials, none failed");

    // Every secret opens by the new key, and none by the old one.
    let options = StoreOptions::new(fleet.postgres.url());
    let after = Store::connect(options, Vault::new(&NEW).unwrap()).await.unwrap();
    let mut opened = 0;
    let mut last = None;
    loop {
        let page = after.tenants().list(last, 200).await.unwrap();
        let Some(row) = page.last() else { break };
        last = Some(row.id);
        for row in page {
            let sites = after.tenant(row.id).sites();
            for site in sites.list(None, 100).await.unwrap() {
                let secret = sites.open_credentials(&site).await.unwrap();
                let number = site.name.strip_prefix("site-");
                assert!(number.is_none_or(|number| *secret == format!("{}/{number}", row.id).into_bytes()));
                opened += 1;
            }
        }
    }
    assert_eq!(opened, TENANTS * SITES + 1);
    assert!(matches!(store.tenants().check_keys().await, Err(store::Error::Sealed)));
    // The site has everybody: its credentials opened all the time.
    let began = Instant::now();
    while tenant.get(&format!("/sites/{site}")).await["backlog"]["waiting"] != 0 {
        assert!(began.elapsed() < Duration::from_mins(1), "work is left");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let shown = tenant.get(&format!("/sites/{site}")).await;
    assert_eq!((&shown["status"], &shown["backlog"]["failed"]), (&json!("active"), &json!(0)), "{shown}");
}
