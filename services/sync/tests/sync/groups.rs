//! Groups and memberships.

use serde_json::json;

use crate::world::{ADMIN, World, names};

on_both_databases!(
    member_costs_one_call_once_the_group_is_there,
    leaving_and_coming_back_is_followed,
    renamed_group_takes_its_members_along,
    deleted_group_loses_the_members_that_links_gave,
    members_of_nested_groups_belong,
    membership_that_no_link_gave_stays_unless_keep_existing_is_off,
    group_excluded_later_is_let_go_of,
    group_is_not_made_where_create_missing_is_off,
    default_groups_are_given,
    protected_groups_are_never_touched,
    group_gone_from_the_site_is_made_again_for_its_members,
    one_refused_group_does_not_keep_others_away,
);

async fn member_costs_one_call_once_the_group_is_there(mut world: World) {
    let ada = world.user("ada").await;
    let team = world.group("team", &[]).await;
    world.start();
    world.settle().await;
    let before = world.calls(None);
    world.join(team, &[ada]).await;
    world.settle().await;
    assert_eq!(world.members("team"), names(&["ada"]));
    assert_eq!(world.calls(None) - before, 1);
    world.stop().await;
}

async fn leaving_and_coming_back_is_followed(mut world: World) {
    let ada = world.user("ada").await;
    let team = world.group("team", &[ada]).await;
    world.work().await;
    for _ in 0..2 {
        world.leave(team, &[ada]).await;
        world.work().await;
        assert_eq!(world.members("team"), names(&[]));
        world.join(team, &[ada]).await;
        world.work().await;
        assert_eq!(world.members("team"), names(&["ada"]));
    }
}

async fn renamed_group_takes_its_members_along(mut world: World) {
    let (ada, grace) = (world.user("ada").await, world.user("grace").await);
    let team = world.group("old", &[ada, grace]).await;
    world.work().await;
    world.rename_group(team, "new").await;
    world.work().await;
    assert_eq!(world.members("new"), names(&["ada", "grace"]));
    assert_eq!(world.members("old"), names(&[]));
}

async fn deleted_group_loses_the_members_that_links_gave(mut world: World) {
    let ada = world.user("ada").await;
    world.behind_our_back("users", &json!({"name": "guest"})).await;
    world.behind_our_back("groups", &json!({"name": "team", "members": ["guest"]})).await;
    let team = world.group("team", &[ada]).await;
    world.work().await;
    assert_eq!(world.members("team"), names(&["ada", "guest"]));
    world.delete_group(team).await;
    world.work().await;
    assert_eq!(world.members("team"), names(&["guest"]));
}

async fn members_of_nested_groups_belong(mut world: World) {
    let ada = world.user("ada").await;
    let inner = world.group("inner", &[ada]).await;
    let outer = world.group("outer", &[store::id::UserId(inner.0)]).await;
    world.work().await;
    assert_eq!(world.members("outer"), names(&["ada"]));
    world.leave(outer, &[store::id::UserId(inner.0)]).await;
    world.work().await;
    assert_eq!(world.members("outer"), names(&[]));
    assert_eq!(world.members("inner"), names(&["ada"]));
}

async fn membership_that_no_link_gave_stays_unless_keep_existing_is_off(mut world: World) {
    world.behind_our_back("users", &json!({"name": "ada"})).await;
    world.behind_our_back("groups", &json!({"name": "theirs", "members": ["ada"]})).await;
    world.user("ada").await;
    world.group("theirs", &[]).await;
    world.work().await;
    assert_eq!(world.members("theirs"), names(&["ada"]));
    world.settings(json!({"group_sync": {"keep_existing": false}})).await;
    world.start();
    world.full_run().await;
    world.stop().await;
    assert_eq!(world.members("theirs"), names(&[]));
}

async fn group_excluded_later_is_let_go_of(mut world: World) {
    let ada = world.user("ada").await;
    let team = world.group("team", &[ada]).await;
    world.work().await;
    world.settings(json!({"group_sync": {"exclude": ["^team$"]}})).await;
    world.start();
    world.full_run().await;
    assert_eq!(world.members("team"), names(&["ada"]), "it is no longer ours to take");
    world.leave(team, &[ada]).await;
    world.settle().await;
    assert_eq!(world.members("team"), names(&["ada"]));
    // Nor after the rule is taken back: that nobody gave it away is no longer known.
    world.settings(json!({})).await;
    world.full_run().await;
    world.stop().await;
    assert_eq!(world.members("team"), names(&["ada"]));
}

async fn group_is_not_made_where_create_missing_is_off(mut world: World) {
    world.settings(json!({"group_sync": {"create_missing": false}})).await;
    world.behind_our_back("groups", &json!({"name": "there"})).await;
    let ada = world.user("ada").await;
    world.group("there", &[ada]).await;
    world.group("missing", &[ada]).await;
    world.work().await;
    assert_eq!(world.members("there"), names(&["ada"]));
    assert!(!world.state().groups.iter().any(|group| group.name == "missing"));
    world.behind_our_back("groups", &json!({"name": "missing"})).await;
    world.start();
    world.full_run().await;
    world.stop().await;
    assert_eq!(world.members("missing"), names(&["ada"]));
}

async fn default_groups_are_given(mut world: World) {
    world.behind_our_back("users", &json!({"name": "ada"})).await;
    let groups =
        json!({"default_groups_all_users": ["everybody"], "default_groups_new_users": ["newcomers"]});
    world.settings(json!({"group_sync": groups})).await;
    world.user("ada").await;
    world.user("grace").await;
    world.work().await;
    assert_eq!(world.members("everybody"), names(&["ada", "grace"]));
    assert_eq!(world.members("newcomers"), names(&["grace"]));
}

async fn protected_groups_are_never_touched(mut world: World) {
    let protected = json!({"protected": ["board"], "default_groups_all_users": ["jira-administrators"],
        "keep_existing": false});
    world.settings(json!({"group_sync": protected})).await;
    world.behind_our_back("users", &json!({"name": "chair"})).await;
    world.behind_our_back("groups", &json!({"name": "board", "members": ["chair"]})).await;
    let (ada, _) = (world.user("ada").await, world.user("chair").await);
    world.group("Board", &[ada]).await;
    world.group("Jira-Administrators", &[ada]).await;
    world.work().await;
    assert!(world.is_active("ada"));
    assert_eq!(world.members("board"), names(&["chair"]));
    assert_eq!(world.members("jira-administrators"), names(&[ADMIN]));
}

async fn group_gone_from_the_site_is_made_again_for_its_members(mut world: World) {
    let (ada, grace) = (world.user("ada").await, world.user("grace").await);
    let team = world.group("team", &[ada]).await;
    world.work().await;
    world.behind_our_back("groups", &json!({"delete": "team"})).await;
    world.join(team, &[grace]).await;
    world.work().await;
    assert_eq!(world.members("team"), names(&["grace"]), "the other is found by the next run");
    world.start();
    world.full_run().await;
    world.stop().await;
    assert_eq!(world.members("team"), names(&["ada", "grace"]));
}

async fn one_refused_group_does_not_keep_others_away(mut world: World) {
    let ada = world.user("ada").await;
    world.group(&"a".repeat(300), &[ada]).await;
    world.group("zebras", &[ada]).await;
    world.work().await;
    assert_eq!(world.members("zebras"), names(&["ada"]));
    let task = world.task(ada).await.expect("the refusal is remembered");
    assert!(task.last_error.unwrap().contains("255"), "as the site said it");
}
