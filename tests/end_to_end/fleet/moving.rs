//! A tenant moves from a fleet to another cell while its provider writes: nothing that was answered is lost, and its
//! site comes to the same state.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Fleet;
use crate::faults::site::Site;
use crate::faults::writer::Names;
use crate::faults::{assert_made_once, join, nothing_is_too_much, seed, settle, start_writers};
use crate::program::command;
use crate::tenant::Tenant;

const WRITES: usize = 600;
const WRITERS: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn tenant_moves_to_another_cell_and_back_while_its_provider_writes() {
    let began = Instant::now();
    let fleet = Fleet::start_with_second_cell(&[]).await;
    let second = fleet.second.as_ref().expect("a second cell");
    let site = Site::jira().await;
    let tenant = Tenant::register_at(&fleet.api_url(), "acme").await;
    tenant.link(site.product, &site.base_url, nothing_is_too_much()).await;
    let written = Arc::new(AtomicUsize::new(0));
    let writers = start_writers(&tenant, Names::ComeBack, seed(), (WRITERS, WRITES), &written);
    let cells = [
        (fleet.postgres.url(), STANDARD.encode(store::testing::MASTER_KEY)),
        (second.database_url.clone(), second.master_key.clone()),
    ];
    for (number, [from, to]) in [[&cells[0], &cells[1]], [&cells[1], &cells[0]]].into_iter().enumerate() {
        while written.load(Ordering::SeqCst) < WRITES / 4 * (number + 1) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut move_tenant = command();
        move_tenant
            .args(["move-tenant", "acme"])
            .env("ROLLCALL_DATABASE_URL", &from.0)
            .env("ROLLCALL_MASTER_KEY", &from.1)
            .env("ROLLCALL_TO_DATABASE_URL", &to.0)
            .env("ROLLCALL_TO_MASTER_KEY", &to.1);
        let told = tokio::task::spawn_blocking(move || move_tenant.output().unwrap()).await.unwrap();
        let said = String::from_utf8_lossy(&told.stdout);
        assert!(told.status.success(), "{said}{}", String::from_utf8_lossy(&told.stderr));
        assert!(said.contains("acme is served by the other cell"), "{said}");
        println!("{said}");
        // Work goes on there.
        let before = written.load(Ordering::SeqCst);
        while written.load(Ordering::SeqCst) < (before + 20).min(WRITES) {
            assert!(began.elapsed() < Duration::from_mins(4), "nothing is answered by the other cell");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let oracle = join(writers).await;
    oracle.assert_directory(&tenant).await;
    let store = fleet.store().await;
    settle(&store, &tenant, (std::slice::from_ref(&site), &oracle), Duration::from_mins(2)).await;
    assert_made_once(&site, &oracle, began);
}
