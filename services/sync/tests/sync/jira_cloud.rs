//! What is particular about Jira in the Cloud: accounts are people's own and go by addresses, and what can be done with
//! them depends on the organization's key.

use std::time::Duration;

use sandbox::jira_cloud::{JiraCloud, Options, Quirks};
use serde_json::json;

use crate::simulated::Simulated;
use crate::world::{World, names};

async fn at(product: Simulated, quirks: Quirks) -> World {
    let jira = JiraCloud::new(Options { quirks, ..Options::default() });
    let store = store::testing::sqlite_store().await;
    World::at_site(store, product, Box::new(jira)).await
}

async fn with_key() -> World {
    at(Simulated::JiraCloudWithKey, Quirks::default()).await
}

async fn without_key() -> World {
    at(Simulated::JiraCloud, Quirks::default()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn person_is_invited_suspended_and_restored_with_the_groups_kept() {
    let mut world = with_key().await;
    let ada = world.user("ada").await;
    world.group("team", &[ada]).await;
    world.work().await;
    assert!(world.is_active("ada"));
    world.active(ada, false).await;
    world.work().await;
    assert!(!world.is_active("ada"));
    assert_eq!(world.members("team"), names(&["ada"]), "kept for the day of return");
    world.active(ada, true).await;
    world.work().await;
    assert!(world.is_active("ada"));
    world.is_created_once("ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_key_whoever_is_deactivated_loses_the_groups_and_gets_them_back() {
    let mut world = without_key().await;
    let ada = world.user("ada").await;
    world.group("team", &[ada]).await;
    world.work().await;
    world.active(ada, false).await;
    world.work().await;
    assert!(world.is_active("ada"), "the account is the person's");
    assert!(world.members("team").is_empty());
    world.start();
    world.full_run().await;
    world.settle().await;
    assert!(world.members("team").is_empty());
    world.active(ada, true).await;
    world.settle().await;
    world.stop().await;
    assert_eq!(world.members("team"), names(&["ada"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn new_address_keeps_the_link_and_is_told_to_be_the_persons_own_affair() {
    let mut world = with_key().await;
    let ada = world.user("ada").await;
    world.work().await;
    let key = world.account("ada").unwrap().key;
    world.edit(ada, json!({"userName": "countess", "displayName": "Ada L."})).await;
    world.edit(ada, json!({"emails": [{"value": "countess@example.com", "primary": true}]})).await;
    let team = world.group("team", &[ada]).await;
    world.work().await;
    let account = world.account("ada").expect("the same account under the address of before");
    assert_eq!(account.key, key);
    assert_eq!(world.members("team"), names(&["ada"]), "{team:?}");
    assert_eq!(world.state().users.len(), 2, "and ours");
    let timeline = world.timeline(ada).await;
    let told = timeline.iter().any(|entry| {
        entry.contains(
            "email: not possible here, because an Atlassian account's name and address are its person's",
        )
    });
    assert!(told, "{timeline:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_hides_the_address_is_found_with_the_key_and_invited_again_without() {
    for product in [Simulated::JiraCloudWithKey, Simulated::JiraCloud] {
        let mut world = at(product, Quirks { hides_emails: true, ..Quirks::default() }).await;
        world.behind_our_back("users", &json!({ "name": "ada@example.com" })).await;
        let ada = world.user("ada").await;
        world.group("team", &[ada]).await;
        world.work().await;
        assert_eq!(world.members("team"), names(&["ada"]), "{product:?}");
        assert!(world.state().creates_by_name.is_empty(), "{product:?}: the account was there");
        let ledger = world.ledger(ada).await.unwrap();
        assert_eq!(ledger.email.as_deref(), Some("ada@example.com"), "{product:?}: remembered");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invitation_that_is_answered_with_a_refusal_is_waited_for() {
    let mut world =
        at(Simulated::JiraCloud, Quirks { refuses_whom_it_invites: true, ..Quirks::default() }).await;
    let ada = world.user("ada").await;
    world.work().await;
    assert!(world.ledger(ada).await.unwrap().key.is_some());
    world.is_created_once("ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn user_with_our_own_address_gets_no_account() {
    for hides_emails in [false, true] {
        let mut world = at(Simulated::JiraCloud, Quirks { hides_emails, ..Quirks::default() }).await;
        let ours = world.user("rollcall").await;
        let team = world.group("team", &[ours]).await;
        world.work().await;
        assert!(world.members("team").is_empty(), "{team:?}");
        world.active(ours, false).await;
        world.work().await;
        assert!(world.is_active("rollcall"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_that_administer_are_neither_filled_nor_emptied() {
    let mut world = with_key().await;
    let ada = world.user("ada").await;
    world.group("site-admins", &[ada]).await;
    world.work().await;
    assert_eq!(world.members("site-admins"), names(&["rollcall"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_leads_goes_to_the_defaults_before_the_suspension() {
    // A default lead is somebody who is there for long.
    let quirks = Quirks { lag: Duration::ZERO, ..Quirks::default() };
    let mut world = at(Simulated::JiraCloudWithKey, quirks).await;
    world.settings(json!({"user_sync": {"default_project_lead": "grace@example.com"}})).await;
    let ada = world.user("ada").await;
    world.user("grace").await;
    world.work().await;
    let project = json!({
        "key": "HERS", "lead": "ada@example.com", "components": [{ "name": "Core", "lead": "ada@example.com" }],
    });
    world.behind_our_back("projects", &project).await;
    world.active(ada, false).await;
    world.work().await;
    assert!(world.is_active("ada"), "held: the component has nobody to go to");
    let both = json!({
        "default_project_lead": "grace@example.com", "default_component_lead": "rollcall@example.com",
    });
    world.settings(json!({ "user_sync": both })).await;
    world.work().await;
    assert!(!world.is_active("ada"));
    let hers = world.state().projects.into_iter().find(|project| project.key == "HERS").unwrap();
    assert_eq!(hers.lead, "grace@example.com");
    assert_eq!(hers.components[0].lead.as_deref(), Some("rollcall@example.com"));
}

#[tokio::test(flavor = "multi_thread")]
async fn key_of_the_organization_that_is_refused_pauses_the_site() {
    let mut world = with_key().await;
    let secret = json!({
        "type": "api_key", "email": "rollcall@example.com", "token": "sandbox-token",
        "organization": {
            "id": sandbox::organization::ORGANIZATION_ID, "directory_id": sandbox::organization::DIRECTORY_ID,
            "api_key": "revoked", "base_url": world.served.as_ref().unwrap().origin,
        },
    });
    world.credentials(&secret).await;
    world.user("ada").await;
    world.start();
    crate::world::eventually("the site is paused", async || {
        world.site_row().await.status == store::entity::words::SiteStatus::Paused
    })
    .await;
    world.stop().await;
    let error = world.site_row().await.status_reason.unwrap_or_default();
    assert!(error.contains("refuses our credentials"), "{error}");
}
