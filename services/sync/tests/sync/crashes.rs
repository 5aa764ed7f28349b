//! Kills between any two lines, calls whose outcome is unknown, leases that are lost.

use std::time::{Duration, Instant};

use sandbox::faults::{FaultKind, Faults};
use serde_json::json;
use store::id::{GroupId, UserId};

use crate::simulated::Write;
use crate::world::{World, eventually, names};

at_every_product!(
    unknown_outcome_of_any_write_is_looked_at_and_not_repeated,
    kill_in_the_middle_of_any_write_loses_and_doubles_nothing,
    cut_off_work_is_looked_at_again,
    stop_finishes_or_gives_back_within_its_limit,
);

mod with_renames {
    use super::{
        creation_in_doubt_is_found_under_its_name_after_a_rename,
        creation_killed_is_found_under_its_name_after_a_rename,
    };

    on_both_databases!(
        creation_in_doubt_is_found_under_its_name_after_a_rename,
        creation_killed_is_found_under_its_name_after_a_rename,
    );
}

/// How a write comes about, and how it shows that it was made.
impl Write {
    /// Asks for it in the directory.
    async fn ask(self, world: &World, fault: FaultKind, ada: UserId, team: GroupId) {
        match self {
            Self::CreateAccount => drop(world.user("grace").await),
            Self::Deactivate => world.active(ada, false).await,
            Self::DeleteAccount => world.delete(ada).await,
            Self::CreateGroup => drop(world.group(&crew(fault), &[ada]).await),
            Self::AddMember => world.join(team, &[world.user("linus").await]).await,
            Self::RemoveMember => world.leave(team, &[ada]).await,
        }
    }

    fn is_done(self, world: &World, fault: FaultKind) -> bool {
        match self {
            Self::CreateAccount => world.is_active("grace"),
            Self::Deactivate => world.account("ada").is_some() && !world.has_access("ada"),
            Self::DeleteAccount => world.account("ada").is_none(),
            Self::CreateGroup => world.members(&crew(fault)) == names(&["ada"]),
            Self::AddMember => world.members("team") == names(&["ada", "linus"]),
            Self::RemoveMember => world.members("team") == names(&[]),
        }
    }

    /// The world in which it is asked for: `on_deprovision` matters for the deletion alone.
    async fn prepare(self, world: &mut World) -> (UserId, GroupId) {
        let on_deprovision = if self == Self::DeleteAccount { "delete" } else { "deactivate" };
        world.settings(settings(on_deprovision)).await;
        let name = "ada";
        let ada = world.user(name).await;
        let team = world.group("team", &[ada]).await;
        world.work().await;
        assert!(world.is_active("ada") && world.members("team") == names(&["ada"]));
        (ada, team)
    }

    /// Takes away what `prepare` and `ask` made, for the next kind.
    async fn clean_up(world: &mut World) {
        world.settings(settings("delete")).await;
        for user in world.tenant.users(world.connection).after(None, 10).await.unwrap() {
            world.delete(user.id).await;
        }
        for group in world.tenant.groups(world.connection).after(None, 10).await.unwrap() {
            world.delete_group(group.id).await;
        }
        world.work().await;
        assert_eq!(world.state().users.len(), world.product.own_accounts(), "only our own account is left");
    }
}

/// All of the test together is beyond the threshold.
fn settings(on_deprovision: &str) -> serde_json::Value {
    json!({"user_sync": {"on_deprovision": on_deprovision}, "safety": {"max_deactivations": 1_000}})
}

/// A group that was made stays at the site, so each time it is another.
fn crew(fault: FaultKind) -> String {
    format!("crew {fault:?}")
}

fn always(kind: FaultKind, operation: &str) -> Faults {
    Faults {
        probabilities: [(kind, 1.0)].into(),
        only: vec![operation.to_owned()],
        hang_seconds: 60,
        ..Faults::default()
    }
}

/// The site never answers a creation, although it makes it.
fn creations_hang(world: &World) -> &'static str {
    let operation = world.product.operation(Write::CreateAccount);
    world.faults(always(FaultKind::TimeoutAfter, operation));
    operation
}

async fn unknown_outcome_of_any_write_is_looked_at_and_not_repeated(mut world: World) {
    for write in Write::ALL {
        for kind in [FaultKind::DropConnection, FaultKind::InternalError, FaultKind::Unavailable] {
            let (ada, team) = write.prepare(&mut world).await;
            let operation = world.product.operation(write);
            let asked = world.writes(write);
            world.faults(always(kind, operation));
            write.ask(&world, kind, ada, team).await;
            world.start();
            world.called(operation, asked + 1).await;
            world.faults(Faults::default());
            world.settle().await;
            world.stop().await;
            assert!(write.is_done(&world, kind), "{write:?} after {kind:?}");
            Write::clean_up(&mut world).await;
        }
    }
}

async fn kill_in_the_middle_of_any_write_loses_and_doubles_nothing(mut world: World) {
    for write in Write::ALL {
        for kind in [FaultKind::TimeoutBefore, FaultKind::TimeoutAfter] {
            world.options.account_lease = Duration::from_secs(30);
            let (ada, team) = write.prepare(&mut world).await;
            let operation = world.product.operation(write);
            let asked = world.writes(write);
            let creations = world.writes(Write::CreateAccount);
            world.faults(always(kind, operation));
            write.ask(&world, kind, ada, team).await;
            // Of whoever is killed, so that its hold ends soon.
            world.options.account_lease = Duration::from_secs(1);
            world.start();
            world.called(operation, asked + 1).await;
            world.kill().await;
            world.faults(Faults::default());
            world.options.account_lease = Duration::from_secs(30);
            world.start();
            world.settle().await;
            world.stop().await;
            assert!(write.is_done(&world, kind), "{write:?} after a kill, {kind:?}");
            if write == Write::CreateAccount && kind == FaultKind::TimeoutAfter {
                assert_eq!(
                    world.writes(Write::CreateAccount) - creations,
                    1,
                    "it was found, not asked for again"
                );
            }
            Write::clean_up(&mut world).await;
        }
    }
}

async fn creation_in_doubt_is_found_under_its_name_after_a_rename(mut world: World) {
    creations_hang(&world);
    world.options.http.request_timeout = Duration::from_millis(700);
    let ada = world.user("ada").await;
    world.start();
    eventually("the answer was waited for", async || world.site_row().await.failures > 0).await;
    let emails = json!([{"value": "countess@example.com"}]);
    world.stop().await;
    world.edit(ada, json!({"userName": "countess", "emails": emails})).await;
    world.faults(Faults::default());
    world.options.http.request_timeout = Duration::from_secs(10);
    world.work().await;
    assert!(world.is_active("countess"));
    assert_eq!(world.state().users.len(), 2);
    assert_eq!(world.writes(Write::CreateAccount), 1);
}

async fn creation_killed_is_found_under_its_name_after_a_rename(mut world: World) {
    let creation = creations_hang(&world);
    let ada = world.user("ada").await;
    world.options.account_lease = Duration::from_secs(1);
    world.start();
    world.called(creation, 1).await;
    world.kill().await;
    let emails = json!([{"value": "countess@example.com"}]);
    world.edit(ada, json!({"userName": "countess", "emails": emails})).await;
    world.faults(Faults::default());
    world.work().await;
    assert!(world.is_active("countess"));
    assert_eq!(world.state().users.len(), 2);
    assert_eq!(world.writes(Write::CreateAccount), 1);
}

async fn cut_off_work_is_looked_at_again(mut world: World) {
    creations_hang(&world);
    world.options.account_lease = Duration::from_secs(1);
    world.options.http.request_timeout = Duration::from_mins(1);
    world.user("ada").await;
    world.work().await;
    assert!(world.is_active("ada"));
    assert_eq!(world.writes(Write::CreateAccount), 1);
}

async fn stop_finishes_or_gives_back_within_its_limit(mut world: World) {
    world.options.http.request_timeout = Duration::from_mins(1);
    let creation = creations_hang(&world);
    let ada = world.user("ada").await;
    let grace = world.user("grace").await;
    world.start();
    world.called(creation, 1).await;
    let began = Instant::now();
    world.stop().await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    for user in [ada, grace] {
        assert_eq!(world.task(user).await.expect("still marked").lease_owner, None);
    }
    let ledgers = [world.ledger(ada).await, world.ledger(grace).await];
    assert!(ledgers.iter().flatten().all(|ledger| ledger.lease_owner.is_none()), "nobody must wait");
    assert!(ledgers.iter().flatten().any(|ledger| ledger.in_doubt));
    world.faults(Faults::default());
    world.work().await;
    assert!(world.is_active("ada") && world.is_active("grace"));
    world.is_created_once("ada");
    world.is_created_once("grace");
}
