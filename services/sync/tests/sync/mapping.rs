//! Directory groups that become site groups of other names: by hand, and by renaming on the way.

use serde_json::{Value, json};

use crate::world::{World, names};

on_both_databases!(
    mappings_lead_many_groups_to_many,
    mapping_by_id_outlives_a_new_name,
    mapping_that_is_taken_out_lets_go,
    admin_group_is_filled_by_a_mapping_alone,
    renamed_group_follows_who_joins_and_leaves,
    group_deleted_or_renamed_in_the_directory_loses_what_it_was_renamed_to,
    members_by_hand_leave_a_renamed_group_where_nothing_is_kept,
);

fn manual(mappings: &Value) -> Value {
    json!({"group_sync": {"mode": "manual", "mappings": mappings}})
}

fn stamped() -> Value {
    json!({"group_sync": {"rename": [{"pattern": "^idp-(.+)$", "replace": "jira-$1"}]}})
}

async fn run(world: &mut World) {
    world.start();
    world.full_run().await;
    world.stop().await;
}

async fn mappings_lead_many_groups_to_many(mut world: World) {
    world
        .settings(manual(&json!([
            {"idp_group": "staff", "site_groups": ["jira-users", "wiki-users"]},
            {"idp_group": "guests", "site_groups": ["jira-users"]},
        ])))
        .await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let staff = world.group("Staff", &[ada]).await;
    world.group("guests", &[ada, bob]).await;
    world.group("elsewhere", &[ada]).await;
    world.work().await;
    assert_eq!(world.members("jira-users"), names(&["ada", "bob"]));
    assert_eq!(world.members("wiki-users"), names(&["ada"]));
    assert!(!world.state().groups.iter().any(|group| ["Staff", "elsewhere"].contains(&group.name.as_str())));
    world.leave(staff, &[ada]).await;
    world.work().await;
    assert_eq!(world.members("jira-users"), names(&["ada", "bob"]), "another mapping still asks for it");
    assert_eq!(world.members("wiki-users"), names(&[]));
}

async fn mapping_by_id_outlives_a_new_name(mut world: World) {
    let ada = world.user("ada").await;
    let staff = world.group("staff", &[ada]).await;
    world.settings(manual(&json!([{"idp_group": staff.0, "site_groups": ["jira-users"]}]))).await;
    world.work().await;
    world.rename_group(staff, "people").await;
    run(&mut world).await;
    assert_eq!(world.members("jira-users"), names(&["ada"]));
}

async fn mapping_that_is_taken_out_lets_go(mut world: World) {
    let ada = world.user("ada").await;
    world.group("staff", &[ada]).await;
    world.settings(manual(&json!([{"idp_group": "staff", "site_groups": ["jira-users"]}]))).await;
    world.work().await;
    world.settings(manual(&json!([]))).await;
    run(&mut world).await;
    assert_eq!(
        world.members("jira-users"),
        names(&["ada"]),
        "a setting that is edited takes nobody's access"
    );
}

async fn admin_group_is_filled_by_a_mapping_alone(mut world: World) {
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let root = world.group("jira-administrators", &[ada]).await;
    world.work().await;
    assert!(!world.members("jira-administrators").contains("ada"));
    let mut outright = manual(&json!([{"idp_group": root.0, "site_groups": ["jira-administrators"]}]));
    world.settings(outright.clone()).await;
    run(&mut world).await;
    let before = world.members("jira-administrators");
    assert!(before.contains("ada"));
    world.join(root, &[bob]).await;
    world.leave(root, &[ada]).await;
    outright["group_sync"]["keep_existing"] = json!(false);
    world.settings(outright).await;
    run(&mut world).await;
    let after = world.members("jira-administrators");
    assert!(after.contains("bob") && !after.contains("ada"), "{after:?}");
    assert_eq!(after.len(), before.len(), "whoever was an administrator before is one still");
}

async fn renamed_group_follows_who_joins_and_leaves(mut world: World) {
    world.settings(stamped()).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let team = world.group("idp-team", &[ada]).await;
    world.group("plain", &[bob]).await;
    world.work().await;
    assert_eq!(world.members("jira-team"), names(&["ada"]));
    assert_eq!(world.members("plain"), names(&["bob"]));
    world.join(team, &[bob]).await;
    world.leave(team, &[ada]).await;
    world.work().await;
    assert_eq!(world.members("jira-team"), names(&["bob"]));
}

async fn group_deleted_or_renamed_in_the_directory_loses_what_it_was_renamed_to(mut world: World) {
    world.settings(stamped()).await;
    let ada = world.user("ada").await;
    world.behind_our_back("users", &json!({"name": "guest"})).await;
    world.behind_our_back("groups", &json!({"name": "jira-red", "members": ["guest"]})).await;
    let red = world.group("idp-red", &[ada]).await;
    let blue = world.group("idp-blue", &[ada]).await;
    world.work().await;
    assert_eq!(world.members("jira-red"), names(&["ada", "guest"]));
    world.delete_group(red).await;
    world.rename_group(blue, "idp-green").await;
    world.work().await;
    assert_eq!(world.members("jira-red"), names(&["guest"]), "who was there before stays");
    assert_eq!(world.members("jira-blue"), names(&[]));
    assert_eq!(world.members("jira-green"), names(&["ada"]));
}

async fn members_by_hand_leave_a_renamed_group_where_nothing_is_kept(mut world: World) {
    let ada = world.user("ada").await;
    let bob = world.user("bob").await;
    world.behind_our_back("users", &json!({"name": "bob"})).await;
    world.behind_our_back("groups", &json!({"name": "jira-team", "members": ["bob"]})).await;
    world.group("idp-team", &[ada]).await;
    world.group("other", &[bob]).await;
    let mut settings = stamped();
    settings["group_sync"]["keep_existing"] = json!(false);
    world.settings(settings).await;
    run(&mut world).await;
    // Who was looked at before the group's own work waits for the next run.
    run(&mut world).await;
    assert_eq!(world.members("jira-team"), names(&["ada"]));
}
