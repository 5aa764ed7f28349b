//! User names that are taken, and what accounts are called instead.

use serde_json::{Value, json};
use store::id::UserId;
use sync::Planner;
use sync::connectors::Connectors;

use crate::world::{World, add_connection, add_link, names, person};

on_both_databases!(
    whoever_is_to_be_called_like_a_colleague_gets_a_counted_name,
    a_name_that_a_colleague_gives_up_is_waited_for,
    an_account_that_is_not_to_be_taken_over_keeps_its_name,
    without_a_rule_a_taken_name_is_refused,
    a_name_that_stands_in_goes_when_the_directory_has_another,
    a_namesake_who_is_another_person_is_named_by_the_rule,
);

/// Accounts are called by what is before the @, and counted.
fn by_local_part() -> Value {
    json!({"user_sync": {
        "attributes": {"username": "user.userName | split('@') | first"}, "username_if_taken": "username ~ n",
    }})
}

impl World {
    /// An account that stands there and is nobody's of the directory.
    async fn stranger(&self, name: &str) {
        let address = format!("{name}@strangers.example");
        let account = json!({"name": name, "display_name": "A stranger", "email": address});
        self.behind_our_back("users", &account).await;
    }
}

async fn planned(world: &World) -> (Vec<String>, Vec<String>) {
    let planned = world.plan().await.plan;
    let steps = planned.changes.iter().map(|change| format!("{} {}", change.action, change.object.name));
    (steps.collect(), planned.not_done.into_iter().map(|left| left.reason).collect())
}

fn all_names(world: &World) -> Vec<String> {
    let mut all: Vec<String> = world.state().users.into_iter().map(|user| user.name).collect();
    all.retain(|name| name != "rollcall");
    all.sort_unstable();
    all
}

async fn johns(world: &World) -> [UserId; 3] {
    let mut johns = [UserId::generate(); 3];
    for (place, company) in johns.iter_mut().zip(["a.test", "b.test", "c.test"]) {
        let mut document = person(&format!("john@{company}"));
        document["emails"] = json!([{"value": format!("john@{company}")}]);
        *place = world.user_in(world.connection, document).await;
    }
    johns
}

async fn whoever_is_to_be_called_like_a_colleague_gets_a_counted_name(mut world: World) {
    world.settings(by_local_part()).await;
    let johns = johns(&world).await;
    world.group("team", &johns).await;
    let (steps, not_done) = planned(&world).await;
    assert_eq!(steps.iter().filter(|step| step.starts_with("create_account")).count(), 3, "{not_done:?}");
    world.work().await;
    assert_eq!(all_names(&world), ["john", "john2", "john3"]);
    assert_eq!(world.members("team").len(), 3);
    assert_eq!(planned(&world).await, (vec![], vec![]), "and then nothing is left to do");
    world.start();
    let run = world.full_run().await;
    world.stop().await;
    assert_eq!(world.tenant.runs().outcomes(run.id).await.unwrap().len(), 1, "nobody is renamed");
    assert_eq!(all_names(&world), ["john", "john2", "john3"]);
    // The name becomes free, and who has another keeps that.
    let first = johns.iter().copied().find(|_| true).unwrap();
    world.edit(first, json!({"userName": "johannes@a.test"})).await;
    world.edit(johns[1], json!({"displayName": "John of B"})).await;
    world.work().await;
    let left: Vec<String> = all_names(&world);
    assert!(left.contains(&"johannes".to_owned()) && left.len() == 3, "{left:?}");
}

async fn a_name_that_a_colleague_gives_up_is_waited_for(mut world: World) {
    world.settings(json!({"user_sync": {"username_if_taken": "username ~ n"}})).await;
    let ada = world.user("ada").await;
    world.work().await;
    world.edit(ada, json!({"userName": "countess"})).await;
    world.user("ada").await;
    world.work().await;
    assert_eq!(all_names(&world), ["ada", "countess"]);
}

async fn an_account_that_is_not_to_be_taken_over_keeps_its_name(mut world: World) {
    for name in ["ada", "ada2"] {
        world.stranger(name).await;
    }
    let settings = json!({"user_sync": {"match": ["id", "email"], "username_if_taken": "username ~ n"}});
    world.settings(settings).await;
    let ada = world.user("ada").await;
    world.group("team", &[ada]).await;
    let (steps, _) = planned(&world).await;
    assert!(steps.contains(&"create_account ada".to_owned()), "{steps:?}");
    world.work().await;
    assert_eq!(world.account("ada3").unwrap().display_name, "The ada");
    assert_eq!(world.members("team"), names(&["ada3"]));
    for name in ["ada", "ada2"] {
        assert_eq!(world.account(name).unwrap().display_name, "A stranger");
    }
    assert_eq!(planned(&world).await, (vec![], vec![]));
    let explained = Planner::new(Connectors::new(world.options.http.clone()));
    let (explained, _) =
        explained.explain(&world.tenant, world.site, world.connection, ada, None).await.unwrap();
    let username = explained.values.iter().find(|value| value.what == "username").unwrap();
    assert_eq!(username.value.as_deref(), Some("ada3"));
    assert!(username.rule.contains("username_if_taken"), "{}", username.rule);
}

async fn without_a_rule_a_taken_name_is_refused(mut world: World) {
    world.stranger("ada").await;
    world.settings(json!({"user_sync": {"match": ["id", "email"]}})).await;
    let ada = world.user("ada").await;
    let (steps, not_done) = planned(&world).await;
    assert!(steps.is_empty() && not_done[0].contains("user_sync.match"), "{steps:?} {not_done:?}");
    world.work().await;
    assert_eq!(all_names(&world), ["ada"]);
    assert!(world.task(ada).await.unwrap().last_error.unwrap().contains("already exists"));
}

async fn a_name_that_stands_in_goes_when_the_directory_has_another(mut world: World) {
    world.settings(by_local_part()).await;
    let johns = johns(&world).await;
    world.work().await;
    let mut renamed = None;
    for john in johns {
        if world.ledger(john).await.unwrap().username == "john2" {
            world.edit(john, json!({"userName": "jack@b.test"})).await;
            renamed = Some(john);
        }
    }
    let key = world.ledger(renamed.unwrap()).await.unwrap().key;
    world.work().await;
    assert_eq!(all_names(&world), ["jack", "john", "john3"]);
    assert_eq!(world.ledger(renamed.unwrap()).await.unwrap().key, key, "the same account");
}

async fn a_namesake_who_is_another_person_is_named_by_the_rule(mut world: World) {
    let second = add_connection(&world.tenant, "second").await;
    let settings = json!({"user_sync": {"username_if_taken": "username ~ '.' ~ user.externalId"}});
    add_link(&world.tenant, second, world.site, 10, settings).await;
    world.user("ada").await;
    world.work().await;
    let mut theirs = person("ada");
    theirs["emails"] = json!([{"value": "ada@elsewhere.example"}]);
    theirs["externalId"] = json!("0042");
    let theirs = world.user_in(second, theirs).await;
    world.group_in(second, "blue", &[theirs]).await;
    world.work().await;
    assert_eq!(world.members("blue"), names(&[]), "who they are is not the rule's to say");
    let planner = Planner::new(Connectors::new(world.options.http.clone()));
    let outlook = planner.conflict_outlook(&world.tenant, world.site, theirs).await.unwrap().unwrap();
    assert_eq!(outlook.another_person.pending[0].action, "create_account", "{outlook:?}");
    world.tenant.accounts(world.site).deny_claim(theirs, None, "admin").await.unwrap();
    world.work().await;
    assert_eq!(world.members("blue"), names(&["ada.0042"]));
    assert_eq!(all_names(&world), ["ada", "ada.0042"]);
}
