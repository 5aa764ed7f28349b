//! Groups and who is in them.

use atlassian::SiteError;
use atlassian::site::{PageStart, SiteGroup};
use serde_json::json;
use wiremock::ResponseTemplate;

use super::{anna, get_key, get_name, groups, groups_of, refusal, script, user};
use crate::script::{Call, answer, call};

fn add(name: &str) -> Call {
    call("POST", "group/user/direct").query("groupname", "team").body(json!({ "name": name }))
}

fn remove(name: &str) -> Call {
    call("DELETE", "group/user/direct").query("groupname", "team").query("username", name)
}

fn get_group(name: &str) -> Call {
    call("GET", "group").query("groupname", name)
}

#[tokio::test]
async fn a_group_is_found_made_and_deleted() {
    let script = script().await;
    script.foresee(get_group("TEAM"), answer(200, json!({ "name": "Team", "type": "GROUP" }))).await;
    assert_eq!(script.site.find_group("TEAM").await, Ok(Some(SiteGroup { name: "Team".into() })));
    let create = || call("POST", "group").body(json!({ "name": "team", "type": "GROUP", "active": true }));
    script.foresee(create(), ResponseTemplate::new(201)).await;
    assert_eq!(script.site.create_group("team").await, Ok(()));
    script.foresee(create(), refusal(400, "INVALID_GROUP")).await;
    script.foresee(get_group("team"), answer(200, json!({ "name": "team" }))).await;
    let error = script.site.create_group("team").await.unwrap_err();
    assert!(matches!(error, SiteError::AlreadyExists { .. }), "{error:?}");
    let delete = || call("DELETE", "group").query("groupname", "team");
    script.foresee(delete(), ResponseTemplate::new(204)).await;
    script.foresee(delete(), refusal(404, "GROUP_NOT_FOUND")).await;
    assert_eq!(script.site.delete_group("team").await, Ok(()));
    assert_eq!(script.site.delete_group("team").await, Ok(()));
}

#[tokio::test]
async fn one_member_is_one_call() {
    let script = script().await;
    script.foresee(add("anna"), ResponseTemplate::new(201)).await;
    script.foresee(remove("anna"), ResponseTemplate::new(204)).await;
    assert_eq!(script.site.add_member("team", &anna()).await, Ok(()));
    assert_eq!(script.site.remove_member("team", &anna()).await, Ok(()));
}

#[tokio::test]
async fn a_member_who_is_in_already_is_no_error() {
    let script = script().await;
    script.foresee(add("anna"), refusal(409, "MEMBERSHIP_ALREADY_EXISTS")).await;
    script.foresee(get_name("anna"), answer(200, user("1:a", "anna", true))).await;
    script.foresee(groups_of("anna"), groups(&["TEAM"])).await;
    assert_eq!(script.site.add_member("team", &anna()).await, Ok(()));
}

#[tokio::test]
async fn a_member_who_was_renamed_behind_our_back_is_named_anew() {
    let script = script().await;
    script.foresee(add("anna"), refusal(400, "USER_NOT_FOUND")).await;
    script.foresee(get_name("anna"), refusal(404, "USER_NOT_FOUND")).await;
    script.foresee(get_key("1:a"), answer(200, user("1:a", "zoe", true))).await;
    script.foresee(groups_of("zoe"), groups(&[])).await;
    script.foresee(add("zoe"), ResponseTemplate::new(201)).await;
    assert_eq!(script.site.add_member("team", &anna()).await, Ok(()));
}

#[tokio::test]
async fn who_is_not_in_the_group_is_told_apart_from_a_group_that_is_not_there() {
    for there in [true, false] {
        let script = script().await;
        script.foresee(remove("anna"), refusal(404, "MEMBERSHIP_NOT_FOUND")).await;
        script.foresee(get_name("anna"), answer(200, user("1:a", "anna", true))).await;
        script.foresee(groups_of("anna"), groups(&[])).await;
        let shown =
            if there { answer(200, json!({ "name": "team" })) } else { refusal(404, "GROUP_NOT_FOUND") };
        script.foresee(get_group("team"), shown).await;
        assert_eq!(script.site.remove_member("team", &anna()).await.is_ok(), there);
    }
}

#[tokio::test]
async fn members_and_groups_are_listed() {
    let script = script().await;
    let members = call("GET", "group/user/direct").query("groupname", "team").query("expand", "user");
    script.foresee(members, answer(200, json!({ "users": [user("1:a", "anna", false)] }))).await;
    script.foresee(call("GET", "search").query("entity-type", "group"), groups(&["team", "Crew"])).await;
    let members = script.site.list_members("team", PageStart::FIRST).await.unwrap();
    assert_eq!((members.items[0].key.as_str(), members.items[0].active), ("1:a", false));
    let names = script.site.list_groups(PageStart::FIRST).await.unwrap().items;
    assert_eq!(names.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), ["team", "Crew"]);
}
