//! A site that refuses, limits, fails or hangs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use sandbox::faults::{FaultKind, Faults, RateLimit};
use serde_json::json;
use store::entity::words::{SiteStatus, TenantStatus};
use store::sites::SiteEdit;
use tower::ServiceExt as _;

use crate::world::{ADMIN, RunningEngine, World, bearer, eventually};

on_both_databases!(
    wrong_credentials_pause_the_site_after_one_call,
    captcha_pauses_the_site_after_one_call,
    credentials_that_cease_to_work_pause_the_site,
    password_changed_in_the_middle_of_work_leads_to_no_captcha,
    account_that_may_not_administer_pauses_the_site,
    retry_after_is_obeyed_by_all_workers,
    rate_limit_is_lived_with,
    site_that_is_down_gets_single_probes_and_recovers,
    site_that_is_gone_leaves_nothing_in_doubt,
    object_that_always_hangs_holds_up_no_other,
    paused_and_failing_sites_do_not_keep_the_engine_busy,
    suspended_tenant_does_nothing_at_its_sites,
    settings_that_cannot_be_read_change_nothing,
);

async fn is_paused(world: &World) {
    eventually("the site is paused", async || world.site_row().await.status == SiteStatus::Paused).await;
}

async fn twenty_users(world: &World) {
    for number in 0..20 {
        world.user(&format!("user{number}")).await;
    }
}

fn all_are_there(world: &World) -> bool {
    (0..20).all(|number| world.is_active(&format!("user{number}")))
}

async fn wrong_credentials_pause_the_site_after_one_call(mut world: World) {
    twenty_users(&world).await;
    let basic = json!({"type": "basic", "username": ADMIN, "password": "wrong"});
    for wrong in [basic, json!({"type": "bearer", "token": "wrong"})] {
        let before = world.calls(None);
        world.credentials(&wrong).await;
        world.start();
        is_paused(&world).await;
        world.stop().await;
        assert_eq!(world.calls(None) - before, 1);
        assert!(world.site_row().await.status_reason.unwrap().contains("credentials"));
    }
    world.credentials(&bearer()).await;
    world.work().await;
    assert!(all_are_there(&world));
}

async fn captcha_pauses_the_site_after_one_call(mut world: World) {
    for _ in 0..3 {
        let request = Request::get("/rest/api/2/myself").header("authorization", "Basic cm9sbGNhbGw6eA==");
        world.sandbox.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    }
    world.credentials(&json!({"type": "basic", "username": ADMIN, "password": "sandbox-password"})).await;
    twenty_users(&world).await;
    let before = world.calls(None);
    world.start();
    is_paused(&world).await;
    world.stop().await;
    assert_eq!(world.calls(None) - before, 1);
    assert!(world.site_row().await.status_reason.unwrap().contains("CAPTCHA"));
}

async fn credentials_that_cease_to_work_pause_the_site(mut world: World) {
    world.user("ada").await;
    world.work().await;
    world.behind_our_back("users", &json!({"name": ADMIN, "active": false})).await;
    let before = world.calls(None);
    twenty_users(&world).await;
    world.start();
    is_paused(&world).await;
    world.stop().await;
    assert_eq!(world.calls(None) - before, 1, "the first call after a rest is made alone");
    world.behind_our_back("users", &json!({"name": ADMIN, "active": true})).await;
    let edit = SiteEdit { status: Some(SiteStatus::Active), ..SiteEdit::default() };
    world.tenant.sites().update(world.site, None, edit).await.unwrap();
    world.work().await;
    assert!(all_are_there(&world));
}

async fn password_changed_in_the_middle_of_work_leads_to_no_captcha(mut world: World) {
    let basic = |password: &str| json!({"type": "basic", "username": ADMIN, "password": password});
    world.credentials(&basic("sandbox-password")).await;
    twenty_users(&world).await;
    world.start();
    world.called("POST /user", 4).await;
    world.behind_our_back("users", &json!({"name": ADMIN, "password": "another"})).await;
    is_paused(&world).await;
    world.stop().await;
    world.credentials(&basic("another")).await;
    world.work().await;
    assert!(all_are_there(&world));
}

async fn account_that_may_not_administer_pauses_the_site(mut world: World) {
    for group in ["jira-administrators", "jira-system-administrators"] {
        world.behind_our_back("groups", &json!({"name": group, "members": []})).await;
    }
    twenty_users(&world).await;
    world.start();
    is_paused(&world).await;
    world.stop().await;
    assert_eq!(world.calls(Some("POST /user")), 1);
    assert_eq!(world.calls(Some("GET /mypermissions")), 1);
}

async fn retry_after_is_obeyed_by_all_workers(mut world: World) {
    world.user("ada").await;
    world.start();
    world.settle().await;
    world.faults(Faults { probabilities: [(FaultKind::TooManyRequests, 1.0)].into(), ..Faults::default() });
    twenty_users(&world).await;
    eventually("the site asked for a pause", async || world.site_row().await.resume_at.is_some()).await;
    let resume = world.site_row().await.resume_at.unwrap();
    let calls = world.calls(None);
    world.faults(Faults::default());
    let mut looks = 0;
    while world.tenant.now().plus(Duration::from_millis(50)) < resume {
        assert_eq!(world.calls(None), calls, "no call before {resume}");
        looks += 1;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(looks > 20, "the pause of a second was seen");
    world.settle().await;
    world.stop().await;
    assert!(all_are_there(&world));
}

async fn rate_limit_is_lived_with(mut world: World) {
    let rate_limit = Some(RateLimit { burst: 15, per_second: 60.0 });
    world.faults(Faults { rate_limit, ..Faults::default() });
    twenty_users(&world).await;
    world.work().await;
    assert!(all_are_there(&world));
    assert!(world.state().creates_by_name.values().all(|&n| n == 1));
    assert!(world.calls(None) < 150, "{} calls", world.calls(None));
}

async fn site_that_is_down_gets_single_probes_and_recovers(mut world: World) {
    world.user("ada").await;
    world.start();
    world.settle().await;
    world.faults(Faults { down: true, ..Faults::default() });
    let before = world.calls(None);
    twenty_users(&world).await;
    eventually("the site failed four times", async || world.site_row().await.failures >= 4).await;
    let (failures, calls) = (world.site_row().await.failures, world.calls(None) - before);
    // The first call is made alone, and each that follows is a probe. One may be under way.
    assert!(calls <= u64::try_from(failures).unwrap() + 1, "{calls} calls for {failures} failures");
    world.faults(Faults::default());
    world.settle().await;
    world.stop().await;
    assert!(all_are_there(&world));
    let row = world.site_row().await;
    assert_eq!((row.failures, row.resume_at, row.status_reason), (0, None, None));
}

async fn site_that_is_gone_leaves_nothing_in_doubt(mut world: World) {
    let ada = world.user("ada").await;
    world.start();
    world.settle().await;
    let running = world.served.take().unwrap();
    let address = running.address;
    running.stop().await;
    world.edit(ada, json!({"displayName": "Countess"})).await;
    eventually("the site was tried", async || world.site_row().await.failures >= 2).await;
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    world.served = Some(sandbox::serve(&*world.sandbox, listener).unwrap());
    world.settle().await;
    world.stop().await;
    assert_eq!(world.account("ada").unwrap().display_name, "Countess");
}

async fn object_that_always_hangs_holds_up_no_other(mut world: World) {
    world.options.http.request_timeout = Duration::from_millis(500);
    let poison = world.user("poison").await;
    world.start();
    world.settle().await;
    world.faults(Faults {
        probabilities: [(FaultKind::TimeoutBefore, 1.0)].into(),
        only: vec!["PUT /user".to_owned()],
        hang_seconds: 60,
        ..Faults::default()
    });
    // The most urgent of all.
    world.active(poison, false).await;
    world.called("PUT /user", 1).await;
    twenty_users(&world).await;
    eventually("the others are there", async || all_are_there(&world)).await;
    world.stop().await;
    assert!(world.is_active("poison"));
}

/// How many statements an engine of its own makes in a while.
async fn statements(world: &World, while_: Duration) -> u64 {
    let count = Arc::new(AtomicU64::new(0));
    let mut store = world.store.connect_again().await;
    store.connection_mut().set_metric_callback({
        let count = Arc::clone(&count);
        move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let engine = RunningEngine::start(store, world.options.clone());
    let began = Instant::now();
    tokio::time::sleep(while_).await;
    engine.kill().await;
    count.load(Ordering::Relaxed) * 1_000 / u64::try_from(began.elapsed().as_millis()).unwrap().max(1)
}

async fn paused_and_failing_sites_do_not_keep_the_engine_busy(mut world: World) {
    twenty_users(&world).await;
    world.options.poll_interval = Duration::from_millis(100);
    let second = Duration::from_secs(1);
    world.tenant.sites().pause(world.site, world.site_row().await.version, "test").await.unwrap();
    let paused = statements(&world, second).await;
    assert!(paused < 100, "{paused} statements a second at a paused site");
    assert_eq!(world.calls(None), 0);
    // Credentials that cannot be opened fail each look at the site.
    world.options.http.allow_targets.clear();
    let edit = SiteEdit { status: Some(SiteStatus::Active), ..SiteEdit::default() };
    world.tenant.sites().update(world.site, None, edit).await.unwrap();
    let refused = statements(&world, second).await;
    assert!(refused < 150, "{refused} statements a second at a site that cannot be connected");
}

async fn suspended_tenant_does_nothing_at_its_sites(mut world: World) {
    twenty_users(&world).await;
    let tenants = world.store.tenants();
    tenants.set_status(world.tenant.id(), TenantStatus::Suspended).await.unwrap();
    let busy = statements(&world, Duration::from_millis(300)).await;
    assert!(busy > 0, "the engine looked");
    assert_eq!(world.calls(None), 0);
    tenants.set_status(world.tenant.id(), TenantStatus::Active).await.unwrap();
    world.work().await;
    assert!(all_are_there(&world));
}

async fn settings_that_cannot_be_read_change_nothing(mut world: World) {
    world.user("ada").await;
    world.work().await;
    let before = world.calls(None);
    world.settings(json!({"of_a_later_version": true})).await;
    let grace = world.user("grace").await;
    world.start();
    is_paused(&world).await;
    world.stop().await;
    assert_eq!(world.calls(None), before);
    assert!(world.task(grace).await.is_some(), "the change is not lost");
}
