//! Waiting until sites are as the acknowledged writes say, and telling of those who are not.

use std::time::{Duration, Instant};

use store::Store;
use store::testing::{task_errors, told_of};

use super::oracle::Oracle;
use super::site::Site;
use crate::tenant::Tenant;

/// Waits until each site matches and no task is left; a failure tells what an admin would read of the users concerned.
pub(crate) async fn settle(
    store: &Store,
    tenant: &Tenant,
    (sites, oracle): (&[Site], &Oracle),
    limit: Duration,
) {
    let deadline = Instant::now() + limit;
    loop {
        let differences: Vec<String> = sites.iter().flat_map(|site| oracle.differences(site)).collect();
        let waiting = store.backlog_by_state().await.unwrap();
        if differences.is_empty() && waiting.is_empty() {
            return;
        }
        if Instant::now() > deadline {
            let shown = &differences[..differences.len().min(20)];
            eprintln!("{} differences: {shown:#?}\ntasks: {waiting:?}", differences.len());
            eprintln!("{:?}", task_errors(store).await);
            tell_of_users(tenant, oracle, &shown.join("\n")).await;
            for name in shown.iter().filter_map(|difference| difference.split(' ').nth(1)).take(3) {
                eprintln!("{name}: {:#?}", told_of(store, name).await);
            }
            for site in sites {
                eprintln!("{} is {}", site.product, site.base_url);
            }
            panic!("{} differences, {} kinds of waiting tasks", differences.len(), waiting.len());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Prints what an admin would read about the users whom the differences name.
async fn tell_of_users(tenant: &Tenant, oracle: &Oracle, differences: &str) {
    for (id, user) in oracle.named_in(differences).take(3) {
        eprintln!("{id} {user:?}");
        for told in ["explain", "timeline?limit=100"] {
            eprintln!("{told}: {:#}", tenant.get(&format!("/users/{id}/{told}")).await);
        }
    }
}
