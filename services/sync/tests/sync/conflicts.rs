//! Two people who seem to be one, one who got two accounts, and what an admin says of them.

use serde_json::{Value, json};
use store::accounts::correction::{Relinking, SeenAccount, Target, rules};
use store::entity::words::{RunOutcome, TaskState};
use store::id::{ConnectionId, UserId};
use sync::Planner;
use sync::connectors::Connectors;

use crate::world::{World, add_connection, add_link, names, person};

on_both_databases!(
    namesakes_are_kept_apart_until_it_is_said_who_they_are,
    whoever_is_another_person_gets_an_account_of_their_own,
    the_doubt_is_lifted_once_the_addresses_agree,
    whoever_is_in_doubt_keeps_nobodys_account_alive_and_takes_none_along,
    who_leaves_the_scope_beside_a_namesake_takes_no_strangers_account_along,
    a_user_is_linked_to_the_account_that_is_theirs,
    a_colleagues_account_is_taken_over_only_when_that_is_said,
    two_accounts_of_one_person_are_joined,
    an_account_that_is_worked_on_is_not_corrected,
);

fn namesake(name: &str, email: &str) -> Value {
    let mut document = person(name);
    document["emails"] = json!([{"value": email, "primary": true}]);
    document
}

struct Namesakes {
    second: ConnectionId,
    ours: UserId,
    theirs: UserId,
}

/// Two users of one name in two directories, in a group each; the first has worked for a while.
async fn namesakes(world: &mut World) -> Namesakes {
    let second = add_connection(&world.tenant, "second").await;
    add_link(&world.tenant, second, world.site, 10, json!({})).await;
    let ours = world.user("ada").await;
    world.group("red", &[ours]).await;
    world.work().await;
    let theirs = world.user_in(second, namesake("ADA", "ada@elsewhere.example")).await;
    world.group_in(second, "blue", &[theirs]).await;
    Namesakes { second, ours, theirs }
}

fn planner(world: &World) -> Planner {
    Planner::new(Connectors::new(world.options.http.clone()))
}

async fn reasons(world: &World, connection: ConnectionId, user: UserId) -> Vec<String> {
    let explained = planner(world).explain(&world.tenant, world.site, connection, user, None).await.unwrap();
    assert!(explained.0.pending.is_empty(), "{explained:?}");
    explained.0.not_done.into_iter().map(|skipped| skipped.reason).collect()
}

const DOUBT: &str = "the user's e-mail address is ada@elsewhere.example, and that of the account's person \
    ada@example.com: they may be two people";

async fn namesakes_are_kept_apart_until_it_is_said_who_they_are(mut world: World) {
    let Namesakes { second, theirs, .. } = namesakes(&mut world).await;
    let link = world.tenant.links().of_connection(second).await.unwrap().remove(0);
    let planned = planner(&world).plan(&world.tenant, &link, 100).await.unwrap();
    assert_eq!(planned.plan.not_done[0].reason, DOUBT, "told beforehand");
    world.work().await;
    assert_eq!((world.members("red"), world.members("blue")), (names(&["ada"]), names(&[])));
    let ada = world.account("ada").unwrap();
    assert_eq!((ada.display_name.as_str(), ada.email.as_str()), ("The ada", "ada@example.com"));
    let accounts = world.tenant.accounts(world.site);
    let doubtful = accounts.doubtful_claims(None, 10).await.unwrap();
    assert_eq!((doubtful.len(), doubtful[0].user_id), (1, theirs));
    assert_eq!(doubtful[0].doubt.as_deref(), Some(DOUBT));
    assert_eq!(reasons(&world, second, theirs).await, [DOUBT]);
    let task = world.task(theirs).await.unwrap();
    assert!(task.state == TaskState::Failed && task.last_error.unwrap().contains("conflicts"));
    assert!(world.timeline(theirs).await[0].contains("they may be two people"));

    let outlook = planner(&world).conflict_outlook(&world.tenant, world.site, theirs).await.unwrap().unwrap();
    let steps: Vec<&str> = outlook.same_person.pending.iter().map(|step| step.action).collect();
    assert_eq!(steps, ["update_account", "ensure_group", "add_member"], "{outlook:?}");
    assert!(outlook.another_person.not_done[0].reason.contains("the answer may give one"), "{outlook:?}");
    assert_eq!(accounts.confirm_claims(None).await.unwrap(), 1);
    world.work().await;
    // The second directory's link has the higher precedence.
    let shared = world.state().users.into_iter().find(|user| user.key == ada.key).unwrap();
    assert_eq!(shared.email, "ada@elsewhere.example");
    assert_eq!(world.members("blue"), names(&[&shared.name]));
    assert_eq!(accounts.count_doubtful_claims().await.unwrap(), 0);
    world.start();
    world.full_run().await;
    world.stop().await;
    assert_eq!(accounts.count_doubtful_claims().await.unwrap(), 0, "what was said is not asked again");
}

async fn whoever_is_another_person_gets_an_account_of_their_own(mut world: World) {
    let Namesakes { second, theirs, .. } = namesakes(&mut world).await;
    world.work().await;
    let accounts = world.tenant.accounts(world.site);
    accounts.deny_claim(theirs, None, "admin").await.unwrap();
    world.work().await;
    assert_eq!(world.members("blue"), names(&[]), "never matched to it again");
    assert!(world.task(theirs).await.unwrap().last_error.unwrap().contains("another user's account"));
    let taken = accounts.deny_claim(theirs, Some("ada2"), "admin").await;
    assert!(matches!(taken, Err(store::Error::Conflict(rules::UNCLAIMED))), "{taken:?}");
    let link = world.tenant.links().of_connection(second).await.unwrap().remove(0);
    let planned = planner(&world).plan(&world.tenant, &link, 100).await.unwrap();
    assert_eq!(
        planned.plan.not_done[0].reason,
        "the user name is that of another user's account at this site"
    );
    // The other way to an account: link it to one that stands there.
    world.behind_our_back("users", &json!({"name": "ada2", "email": "ada@elsewhere.example"})).await;
    let seen = planner(&world).find_account(&world.tenant, world.site, "ada2").await.unwrap().unwrap();
    let seen = Target::Seen(SeenAccount {
        key: seen.key,
        username: seen.username,
        display_name: seen.display_name,
        email: seen.email,
        active: seen.active,
    });
    let how = Relinking { keeps_username: true, ..Relinking::default() };
    accounts.relink((theirs, second), &seen, how).await.unwrap();
    world.work().await;
    assert_eq!((world.members("red"), world.members("blue")), (names(&["ada"]), names(&["ada2"])));
    world.edit_in(second, theirs, json!({"displayName": "Ada of elsewhere"})).await;
    world.start();
    world.full_run().await;
    world.stop().await;
    assert_eq!(world.account("ada2").unwrap().display_name, "Ada of elsewhere");
    assert_eq!(world.account("ada").unwrap().display_name, "The ada");
}

async fn the_doubt_is_lifted_once_the_addresses_agree(mut world: World) {
    let Namesakes { second, theirs, .. } = namesakes(&mut world).await;
    world.work().await;
    assert_eq!(world.members("blue"), names(&[]));
    world.edit_in(second, theirs, json!({"emails": []})).await;
    world.work().await;
    assert_eq!(world.members("blue"), names(&[]), "silence is no agreement");
    world.edit_in(second, theirs, json!({"emails": [{"value": "Ada@Example.com"}]})).await;
    world.work().await;
    let shared =
        world.state().users.into_iter().find(|user| user.email.eq_ignore_ascii_case("ada@example.com"));
    let name = shared.unwrap().name;
    assert_eq!((world.members("red"), world.members("blue")), (names(&[&name]), names(&[&name])));
}

async fn whoever_is_in_doubt_keeps_nobodys_account_alive_and_takes_none_along(mut world: World) {
    let Namesakes { second, ours, theirs } = namesakes(&mut world).await;
    world.work().await;
    world.user("grace").await;
    world.work().await;
    let gone = world.user_in(second, namesake("grace", "grace@elsewhere.example")).await;
    world.work().await;
    world.delete_in(second, gone).await;
    world.delete(ours).await;
    world.work().await;
    assert!(world.is_active("grace"), "left by who was never its person");
    assert!(!world.is_active("ada"), "its person has left");
    assert!(world.ledger(gone).await.is_none());
    assert_eq!(world.members("blue"), names(&[]));
    // And it is not handed on to who is left.
    world.start();
    world.full_run().await;
    world.tenant.tasks(world.site).look_at(second, theirs).await.unwrap();
    world.settle().await;
    world.stop().await;
    assert!(!world.is_active("ada"));
}

async fn who_leaves_the_scope_beside_a_namesake_takes_no_strangers_account_along(mut world: World) {
    world.settings(json!({"user_sync": {"create": false}})).await;
    let Namesakes { theirs, .. } = namesakes(&mut world).await;
    world.work().await;
    assert!(world.account("ada").is_none(), "nobody has made one");
    assert_eq!(world.tenant.accounts(world.site).doubtful_claims(None, 10).await.unwrap()[0].user_id, theirs);
    world.behind_our_back("users", &json!({"name": "ada", "email": "stranger@example.com"})).await;
    world.settings(json!({"user_sync": {"create": false, "scope": "userName ne \"ada\""}})).await;
    world.work().await;
    assert!(world.is_active("ada"));
}

async fn a_user_is_linked_to_the_account_that_is_theirs(mut world: World) {
    world.behind_our_back("users", &json!({"name": "countess", "email": "old@example.com"})).await;
    let ada = world.user("ada").await;
    let team = world.group("team", &[ada]).await;
    world.work().await;
    assert_eq!(world.members("team"), names(&["ada"]), "no match rule could know");
    let seen = planner(&world).find_account(&world.tenant, world.site, "countess").await.unwrap().unwrap();
    let key = seen.key.clone();
    let seen = Target::Seen(SeenAccount {
        key: seen.key,
        username: seen.username,
        display_name: seen.display_name,
        email: seen.email,
        active: seen.active,
    });
    let accounts = world.tenant.accounts(world.site);
    let how = Relinking { keeps_username: true, ..Relinking::default() };
    let corrected = accounts.relink((ada, world.connection), &seen, how).await.unwrap();
    assert_eq!(corrected.released, []);
    let left = accounts.get(corrected.left.unwrap()).await.unwrap();
    assert_eq!(left.username, "ada");
    world.work().await;
    let countess = world.account("countess").unwrap();
    assert_eq!((countess.key, countess.email.as_str()), (key, "ada@example.com"));
    assert_eq!(world.members("team"), names(&["ada", "countess"]), "what was left is left as it is");
    world.leave(team, &[ada]).await;
    world.work().await;
    assert_eq!(world.members("team"), names(&["ada"]));
    let own = planner(&world).find_account(&world.tenant, world.site, "rollcall").await;
    assert!(own.unwrap_err().to_string().contains("whose credentials"), "never our own");
}

async fn a_colleagues_account_is_taken_over_only_when_that_is_said(mut world: World) {
    let (ada, grace) = (world.user("ada").await, world.user("grace").await);
    world.group("red", &[ada]).await;
    world.group("blue", &[grace]).await;
    world.work().await;
    let accounts = world.tenant.accounts(world.site);
    let graces = Target::Known(world.ledger(grace).await.unwrap().id);
    let how = Relinking { keeps_username: true, takes_over: false };
    let refused = accounts.relink((ada, world.connection), &graces, how).await;
    assert!(matches!(refused, Err(store::Error::Conflict(rules::COLLEAGUES))), "{refused:?}");
    let how = Relinking { takes_over: true, ..how };
    let corrected = accounts.relink((ada, world.connection), &graces, how).await.unwrap();
    assert_eq!(corrected.released, [grace]);
    // Crosswise: each has the other's.
    let adas = Target::Known(corrected.left.unwrap());
    accounts.relink((grace, world.connection), &adas, how).await.unwrap();
    world.work().await;
    assert_eq!((world.members("red"), world.members("blue")), (names(&["grace"]), names(&["ada"])));
    let names: Vec<String> = world.state().users.into_iter().map(|user| user.display_name).collect();
    assert!(names.contains(&"The ada".to_owned()) && names.contains(&"The grace".to_owned()), "{names:?}");
}

async fn two_accounts_of_one_person_are_joined(mut world: World) {
    let second = add_connection(&world.tenant, "second").await;
    add_link(&world.tenant, second, world.site, -1, json!({})).await;
    let ours = world.user("ada").await;
    let theirs = world.user_in(second, namesake("alovelace", "a.lovelace@elsewhere.example")).await;
    world.group("red", &[ours]).await;
    world.group_in(second, "blue", &[theirs]).await;
    world.work().await;
    assert_eq!((world.members("red"), world.members("blue")), (names(&["ada"]), names(&["alovelace"])));
    let (into, from) = (world.ledger(ours).await.unwrap().id, world.ledger(theirs).await.unwrap().id);
    let accounts = world.tenant.accounts(world.site);
    accounts.merge(from, into).await.unwrap();
    world.work().await;
    assert_eq!(
        (world.members("red"), world.members("blue")),
        (names(&["ada"]), names(&["ada", "alovelace"]))
    );
    assert!(world.is_active("alovelace"), "left as it is");
    world.delete(ours).await;
    world.work().await;
    let kept = world.state().users.into_iter().find(|user| user.email == "a.lovelace@elsewhere.example");
    assert!(kept.unwrap().active, "still claimed by the other directory");
    let again = accounts.merge(into, into).await;
    assert!(again.is_err(), "{again:?}");
}

async fn an_account_that_is_worked_on_is_not_corrected(mut world: World) {
    let ada = world.user("ada").await;
    world.work().await;
    let accounts = world.tenant.accounts(world.site);
    let lease = std::time::Duration::from_mins(1);
    let held = accounts.acquire(ada, world.connection, None, lease).await.unwrap();
    let store::accounts::Acquired::Held(held) = held else { panic!("{held:?}") };
    let refused = accounts.deny_claim(ada, None, "admin").await;
    assert!(matches!(refused, Err(store::Error::Conflict(rules::BUSY))), "{refused:?}");
    accounts.abandon(&held).await.unwrap();
    accounts.deny_claim(ada, Some("countess"), "admin").await.unwrap();
    world.work().await;
    assert!(world.is_active("countess") && world.is_active("ada"));
    let run = {
        world.start();
        let run = world.full_run().await;
        world.stop().await;
        run
    };
    let outcomes = world.tenant.runs().outcomes(run.id).await.unwrap();
    assert_eq!((outcomes.len(), outcomes[0].outcome), (1, RunOutcome::Unchanged), "{outcomes:?}");
}
