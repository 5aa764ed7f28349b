//! Two thousand random SCIM writes while the process is killed and the sites fail at random: in the end each
//! site is as the acknowledged writes say, nothing is lost, and no account was created twice.

mod disk;
pub(crate) mod oracle;
mod settling;
pub(crate) mod site;
pub(crate) mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sandbox::faults::{FaultKind, Faults};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use self::oracle::Oracle;
pub(crate) use self::settling::settle;
use self::site::Site;
use self::writer::{Names, Writer};
use crate::program::{Engine, Program};
use crate::tenant::Tenant;

const WRITES: usize = 2_000;
const WRITERS: usize = 4;
const KILLS: usize = 20;
/// How long the site may take to match once nothing fails any more.
const SETTLING_LIMIT: Duration = Duration::from_mins(4);

#[tokio::test(flavor = "multi_thread")]
async fn site_equals_the_acknowledged_writes_after_kills_and_faults_on_postgresql() {
    survive(Engine::Postgres, vec![Site::jira().await], Names::ComeBack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn site_equals_the_acknowledged_writes_after_kills_and_faults_on_sqlite() {
    survive(Engine::Sqlite, vec![Site::jira().await], Names::ComeBack).await;
}

/// All of them are fed by one connection at once.
#[tokio::test(flavor = "multi_thread")]
async fn sites_of_every_other_product_equal_the_acknowledged_writes_after_kills_and_faults() {
    survive(Engine::Postgres, Site::others().await, Names::OfRenamedStayAway).await;
}

async fn survive(engine: Engine, sites: Vec<Site>, names: Names) {
    let seed = seed();
    println!("seed {seed}: set ROLLCALL_TEST_SEED to repeat these writes");
    let began = Instant::now();
    // A killed worker's leases hold back what it was at; short ones keep the test short.
    let mut program = Program::start(engine, &[("ROLLCALL_LEASE_SECONDS", "5")]).await;
    let tenant = Tenant::register(&program, "acme").await;
    // Much is taken away by design here; the thresholds have tests of their own.
    let safety = json!({"safety": {"max_deactivations_percent": 100, "max_withdrawals_percent": 100}});
    for (index, site) in (0..).zip(&sites) {
        tenant.link(site.product, &site.base_url, safety.clone()).await;
        site.set_faults(random_faults(seed + index));
    }

    let written = Arc::new(AtomicUsize::new(0));
    let writers = start_writers(&tenant, names, seed, (WRITERS, WRITES), &written);
    kill_at_random_moments(&mut program, seed, &written).await;
    let oracle = join(writers).await;
    println!(
        "{} writes acknowledged and {KILLS} kills after {:?}",
        written.load(Ordering::SeqCst),
        began.elapsed()
    );

    // Nothing acknowledged is lost, and nothing else is there.
    oracle.assert_directory(&tenant).await;
    for site in &sites {
        site.set_faults(Faults::default());
    }
    settle(&program.database, &tenant, (&sites, &oracle), SETTLING_LIMIT).await;
    for site in &sites {
        assert_made_once(site, &oracle, began);
    }
}

/// Settings of a link for writers who take even more away by design.
pub(crate) fn nothing_is_too_much() -> Value {
    json!({"safety": {
        "max_deactivations_percent": 100, "max_withdrawals_percent": 100, "more_windows": [],
    }})
}

/// Begins so many writers, who make so many writes together.
pub(crate) fn start_writers(
    tenant: &Tenant,
    names: Names,
    seed: u64,
    (count, in_all): (usize, usize),
    written: &Arc<AtomicUsize>,
) -> Vec<JoinHandle<Oracle>> {
    let start = |index| {
        let mut writer = Writer::new(tenant, names, (index, seed), Arc::clone(written));
        tokio::spawn(async move {
            writer.write(in_all / count).await;
            writer.oracle
        })
    };
    (0..count).map(start).collect()
}

/// What all writers together have been promised.
pub(crate) async fn join(writers: Vec<JoinHandle<Oracle>>) -> Oracle {
    let mut oracle = Oracle::default();
    for writer in writers {
        oracle.join(writer.await.expect("a writer failed"));
    }
    oracle
}

/// Nobody was made twice at a site that has settled, and nobody is there who never was asked for.
pub(crate) fn assert_made_once(site: &Site, oracle: &Oracle, began: Instant) {
    let state = site.state();
    println!("{} settled after {:?} with {} calls", site.product, began.elapsed(), state.calls.total);
    for (name, times) in &state.creates_by_name {
        // Where accounts are renamed, a name is free again for whoever comes back under it.
        let again = if site.renames { oracle.times_free_and_taken(name) } else { 0 };
        assert!((1..=1 + again).contains(times), "{name} was created {times} times at {}", site.product);
    }
    oracle.assert_no_stranger(&state);
}

/// Kills and restarts the program after random numbers of writes, at a random moment of what follows.
async fn kill_at_random_moments(program: &mut Program, seed: u64, written: &AtomicUsize) {
    let mut random = StdRng::seed_from_u64(seed ^ 0x6b69_6c6c);
    let mut moments: Vec<usize> = (0..KILLS).map(|_| random.random_range(10..WRITES - 10)).collect();
    moments.sort_unstable();
    for moment in moments {
        while written.load(Ordering::SeqCst) < moment {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(random.random_range(0..40))).await;
        program.restart().await;
    }
}

pub(crate) fn random_faults(seed: u64) -> Faults {
    Faults {
        seed,
        probabilities: [
            (FaultKind::TooManyRequests, 0.02),
            (FaultKind::InternalError, 0.02),
            (FaultKind::Unavailable, 0.01),
            (FaultKind::TimeoutBefore, 0.01),
            (FaultKind::TimeoutAfter, 0.02),
            (FaultKind::DropConnection, 0.02),
        ]
        .into(),
        hang_seconds: 1,
        ..Faults::default()
    }
}

#[expect(clippy::disallowed_methods, reason = "only this test reads the variable; it is no configuration")]
pub(crate) fn seed() -> u64 {
    match std::env::var("ROLLCALL_TEST_SEED") {
        Ok(text) => text.parse().expect("ROLLCALL_TEST_SEED is a number"),
        Err(_) => 20_261_124,
    }
}
