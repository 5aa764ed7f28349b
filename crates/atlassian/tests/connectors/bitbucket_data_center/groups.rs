//! Groups and who is in them.

use atlassian::SiteError;
use atlassian::site::{PageStart, SiteGroup};
use serde_json::json;
use wiremock::ResponseTemplate;

use super::{anna, find, groups, groups_of, page, refusal, script, user};
use crate::script::{Call, answer, call};

fn add(name: &str) -> Call {
    call("POST", "admin/groups/add-users").body(json!({ "group": "team", "users": [name] }))
}

fn remove(name: &str) -> Call {
    call("POST", "admin/groups/remove-user").body(json!({ "context": "team", "itemName": name }))
}

#[tokio::test]
async fn a_group_is_found_by_its_whole_name_as_the_site_spells_it() {
    let script = script().await;
    let find = |name: &str| call("GET", "admin/groups").query("filter", name);
    script.foresee(find("TEAM"), groups(&["team-a", "Team"])).await;
    script.foresee(find("crew"), groups(&["crew-a"])).await;
    assert_eq!(script.site.find_group("TEAM").await, Ok(Some(SiteGroup { name: "Team".into() })));
    assert_eq!(script.site.find_group("crew").await, Ok(None));
}

#[tokio::test]
async fn a_group_is_made_once_and_deleted_at_most_once() {
    let script = script().await;
    let group = |method| call(method, "admin/groups").query("name", "team a/b");
    script.foresee(group("POST"), answer(200, json!({ "name": "team a/b" }))).await;
    script.foresee(group("POST"), refusal(409, "exists")).await;
    script.foresee(group("DELETE"), answer(200, json!({ "name": "team a/b" }))).await;
    script.foresee(group("DELETE"), refusal(404, "")).await;
    script.foresee(group("DELETE"), refusal(409, "your own permission")).await;
    assert_eq!(script.site.create_group("team a/b").await, Ok(()));
    let error = script.site.create_group("team a/b").await.unwrap_err();
    assert!(matches!(error, SiteError::AlreadyExists { .. }), "{error:?}");
    assert_eq!(script.site.delete_group("team a/b").await, Ok(()));
    assert_eq!(script.site.delete_group("team a/b").await, Ok(()));
    let error = script.site.delete_group("team a/b").await.unwrap_err();
    assert_eq!(error, SiteError::Rejected { status: 409, detail: "your own permission".into() });
}

#[tokio::test]
async fn one_member_is_one_call() {
    let script = script().await;
    script.foresee(add("anna"), ResponseTemplate::new(200)).await;
    script.foresee(remove("anna"), ResponseTemplate::new(200)).await;
    assert_eq!(script.site.add_member("team", &anna()).await, Ok(()));
    assert_eq!(script.site.remove_member("team", &anna()).await, Ok(()));
}

#[tokio::test]
async fn who_is_not_in_the_group_is_told_apart_from_a_group_that_is_not_there() {
    for there in [true, false] {
        let script = script().await;
        script.foresee(remove("anna"), refusal(404, "")).await;
        script.foresee(find("anna"), page(&[user(7, "anna")])).await;
        script.foresee(groups_of("anna"), groups(&[])).await;
        let shown = if there { groups(&["team"]) } else { groups(&[]) };
        script.foresee(call("GET", "admin/groups").query("filter", "team"), shown).await;
        assert_eq!(script.site.remove_member("team", &anna()).await.is_ok(), there);
    }
}

#[tokio::test]
async fn a_member_who_was_renamed_behind_our_back_is_named_anew() {
    let script = script().await;
    script.foresee(add("anna"), refusal(404, "No such user")).await;
    script.foresee(find("anna"), page(&[])).await;
    script.foresee(find(""), page(&[user(7, "zoe")])).await;
    script.foresee(groups_of("zoe"), groups(&[])).await;
    script.foresee(add("zoe"), ResponseTemplate::new(200)).await;
    assert_eq!(script.site.add_member("team", &anna()).await, Ok(()));
}

#[tokio::test]
async fn a_licence_that_is_full_is_not_looked_into() {
    let script = script().await;
    script.foresee(add("anna"), refusal(403, "full")).await;
    let error = script.site.add_member("team", &anna()).await.unwrap_err();
    assert_eq!(error, SiteError::Forbidden { detail: "full".into() });
}

#[tokio::test]
async fn groups_that_administer_are_those_with_either_permission() {
    let script = script().await;
    let held = |name: &str, permission: &str| json!({ "group": { "name": name }, "permission": permission });
    let all = [
        held("users", "LICENSED_USER"),
        held("makers", "PROJECT_CREATE"),
        held("chiefs", "ADMIN"),
        held("roots", "SYS_ADMIN"),
    ];
    script.foresee(call("GET", "admin/permissions/groups"), page(&all)).await;
    assert_eq!(script.site.admin_groups().await, Ok(vec!["chiefs".to_owned(), "roots".to_owned()]));
}

#[tokio::test]
async fn members_and_groups_are_listed() {
    let script = script().await;
    let members = call("GET", "admin/groups/more-members").query("context", "team").query("start", "0");
    script.foresee(members, page(&[user(7, "anna")])).await;
    script.foresee(call("GET", "admin/groups").query("start", "0"), groups(&["team", "Crew"])).await;
    let members = script.site.list_members("team", PageStart::FIRST).await.unwrap();
    assert_eq!((members.items[0].key.as_str(), members.next), ("7", None));
    let names = script.site.list_groups(PageStart::FIRST).await.unwrap().items;
    assert_eq!(names.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), ["team", "Crew"]);
}
