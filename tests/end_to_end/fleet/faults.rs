//! Twenty thousand random SCIM writes while processes, databases, clocks and sites fail in every way that we know:
//! in the end the site is as the acknowledged writes say, nothing is lost, and no account was created twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use sandbox::faults::Faults;
use serde_json::json;

use super::{Fleet, Role};
use crate::faults::site::Site;
use crate::faults::writer::Names;
use crate::faults::{
    assert_made_once, join, nothing_is_too_much, random_faults, seed, settle, start_writers,
};
use crate::tenant::{Tenant, text};

const WRITES: usize = 20_000;
const WRITERS: usize = 8;
/// How long the site may take to match once nothing fails any more.
const SETTLING_LIMIT: Duration = Duration::from_mins(4);
/// Longer than a lease, and than a gateway waits for a process that says nothing.
const STANDSTILL: Duration = Duration::from_secs(7);

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    Kill(Role),
    Stop(Role),
    PostgresCrash,
    RedisCrash,
    DeadSite,
    SlowSite,
}

const FAULTS: [Fault; 11] = [
    Fault::Kill(Role::Gateway),
    Fault::Kill(Role::Scim),
    Fault::Kill(Role::Sync),
    Fault::Kill(Role::Api),
    Fault::Stop(Role::Gateway),
    Fault::Stop(Role::Scim),
    Fault::Stop(Role::Sync),
    Fault::PostgresCrash,
    Fault::RedisCrash,
    Fault::DeadSite,
    Fault::SlowSite,
];

#[tokio::test(flavor = "multi_thread")]
async fn sites_equal_the_acknowledged_writes_after_every_kind_of_fault() {
    let seed = seed();
    println!("seed {seed}: set ROLLCALL_TEST_SEED to repeat these writes and faults");
    let began = Instant::now();
    let no_limits = [("ROLLCALL_TENANT_RATE", "0"), ("ROLLCALL_TOKEN_RATE", "0")];
    let mut fleet = Fleet::start(&no_limits).await;
    // One process of each kind has a clock of its own: two minutes lie between the fastest and the slowest.
    for (role, clock) in [(Role::Gateway, "-60"), (Role::Scim, "+60"), (Role::Sync, "-60")] {
        let member = fleet.one_of(role, 0);
        member.kill();
        member.clock = Some(clock);
        member.start();
    }
    fleet.wait_until_ready().await;
    let tenant = Tenant::register_at(&fleet.api_url(), "acme").await;
    let site = Site::jira().await;
    tenant.link(site.product, &site.base_url, nothing_is_too_much()).await;
    site.set_faults(random_faults(seed));

    let written = Arc::new(AtomicUsize::new(0));
    let writers = start_writers(&tenant, Names::ComeBack, seed, (WRITERS, WRITES), &written);
    let happened = harm(&mut fleet, &site, seed, &written).await;
    let oracle = join(writers).await;
    println!(
        "{} writes acknowledged after {:?}; {happened:?}",
        written.load(Ordering::SeqCst),
        began.elapsed()
    );
    for fault in FAULTS {
        assert!(happened.contains_key(&fault), "{fault:?} did not happen");
    }

    fleet.wait_until_ready().await;
    oracle.assert_directory(&tenant).await;
    site.set_faults(Faults::default());
    // It would be tried again by itself, after minutes at the most; its admin says that it is mended.
    let sites = tenant.get("/sites").await;
    tenant.patch(&format!("/sites/{}", text(&sites["items"][0], "id")), &json!({"status": "active"})).await;
    let store = fleet.store().await;
    settle(&store, &tenant, (std::slice::from_ref(&site), &oracle), SETTLING_LIMIT).await;
    assert_made_once(&site, &oracle, began);
}

/// Lets everything happen in a random order, again and again, until all is written.
async fn harm(fleet: &mut Fleet, site: &Site, seed: u64, written: &AtomicUsize) -> BTreeMap<Fault, usize> {
    let mut random = StdRng::seed_from_u64(seed ^ 0x666c_6565);
    let mut happened = BTreeMap::new();
    loop {
        let mut faults = FAULTS;
        faults.shuffle(&mut random);
        for fault in faults {
            if written.load(Ordering::SeqCst) >= WRITES {
                return happened;
            }
            tokio::time::sleep(Duration::from_millis(random.random_range(500..1_500))).await;
            let index = random.random_range(0..2);
            match fault {
                Fault::Kill(role) => {
                    let member = fleet.one_of(role, if role == Role::Api { 0 } else { index });
                    member.kill();
                    tokio::time::sleep(Duration::from_millis(random.random_range(0..1_000))).await;
                    member.start();
                }
                Fault::Stop(role) => {
                    let member = fleet.one_of(role, index);
                    member.signal("STOP");
                    tokio::time::sleep(STANDSTILL).await;
                    member.signal("CONT");
                }
                Fault::PostgresCrash => {
                    fleet.postgres.crash();
                    tokio::time::sleep(Duration::from_millis(random.random_range(0..2_000))).await;
                    fleet.postgres.start().await;
                }
                Fault::RedisCrash => {
                    fleet.redis.crash();
                    tokio::time::sleep(Duration::from_secs(2)).await;
                    fleet.redis.start().await;
                }
                Fault::DeadSite => {
                    site.set_faults(Faults { down: true, ..Faults::default() });
                    tokio::time::sleep(Duration::from_secs(3)).await;
                    site.set_faults(random_faults(random.random()));
                }
                Fault::SlowSite => {
                    let slow = Faults { latency_ms: 2_000, ..random_faults(random.random()) };
                    site.set_faults(slow);
                    tokio::time::sleep(Duration::from_secs(5)).await;
                    site.set_faults(random_faults(random.random()));
                }
            }
            *happened.entry(fault).or_default() += 1;
        }
    }
}
