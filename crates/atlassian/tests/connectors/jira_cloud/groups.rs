//! Groups and who is in them.

use atlassian::SiteError;
use atlassian::site::{PageStart, SiteGroup};
use serde_json::json;
use wiremock::ResponseTemplate;

use super::{anna, find_group, page, refusal, script, user};
use crate::script::{Call, answer, call};

fn team(id: &str) -> ResponseTemplate {
    page(&json!([{ "name": "team", "groupId": id }]))
}

fn add(id: &str) -> Call {
    call("POST", "group/user").query("groupId", id).body(json!({ "accountId": "a-1" }))
}

fn remove(id: &str) -> Call {
    call("DELETE", "group/user").query("groupId", id).query("accountId", "a-1")
}

fn groups_of(names: &[&str]) -> (Call, ResponseTemplate) {
    let groups: Vec<_> = names.iter().map(|name| json!({ "name": name, "groupId": "x" })).collect();
    (call("GET", "user/groups").query("accountId", "a-1"), answer(200, json!(groups)))
}

#[tokio::test]
async fn group_is_looked_up_once_and_one_member_is_one_call() {
    let script = script().await;
    script.foresee(find_group("team"), team("g-1")).await;
    script.foresee(add("g-1"), answer(201, json!({ "name": "team", "groupId": "g-1" }))).await;
    script.foresee(remove("g-1"), ResponseTemplate::new(200)).await;
    assert_eq!(script.site.add_member("team", &anna()).await, Ok(()));
    assert_eq!(script.site.remove_member("team", &anna()).await, Ok(()));
}

#[tokio::test]
async fn whoever_is_in_already_or_out_is_no_error() {
    let script = script().await;
    script.foresee(find_group("team"), team("g-1")).await;
    script.foresee(add("g-1"), refusal(400, "already a member")).await;
    let (ask, told) = groups_of(&["TEAM"]);
    script.foresee(ask, told).await;
    assert_eq!(script.site.add_member("team", &anna()).await, Ok(()));
    script.foresee(remove("g-1"), refusal(404, "not a member")).await;
    let (ask, told) = groups_of(&[]);
    script.foresee(ask, told).await;
    assert_eq!(script.site.remove_member("team", &anna()).await, Ok(()));
}

#[tokio::test]
async fn group_that_was_made_anew_is_found_again_and_one_that_is_gone_is_not_found() {
    let script = script().await;
    script.foresee(find_group("team"), team("g-1")).await;
    script.foresee(add("g-1"), refusal(404, "no such group")).await;
    let (ask, told) = groups_of(&[]);
    script.foresee(ask, told).await;
    script.foresee(find_group("team"), team("g-2")).await;
    script.foresee(add("g-2"), answer(201, json!({ "name": "team", "groupId": "g-2" }))).await;
    assert_eq!(script.site.add_member("team", &anna()).await, Ok(()));

    script.foresee(add("g-2"), refusal(404, "no such group")).await;
    let (ask, told) = groups_of(&[]);
    script.foresee(ask, told).await;
    script.foresee(find_group("team"), page(&json!([]))).await;
    let error = script.site.add_member("team", &anna()).await.unwrap_err();
    assert!(matches!(error, SiteError::NotFound { .. }), "{error:?}");
}

#[tokio::test]
async fn account_that_is_gone_joins_nothing() {
    let script = script().await;
    script.foresee(find_group("team"), team("g-1")).await;
    for (asked, refused) in [(add("g-1"), true), (remove("g-1"), false)] {
        script.foresee(asked, refusal(404, "no such user")).await;
        script.foresee(call("GET", "user/groups"), refusal(404, "no such user")).await;
        let done = if refused {
            script.site.add_member("team", &anna()).await
        } else {
            script.site.remove_member("team", &anna()).await
        };
        assert_eq!(done.is_err(), refused, "{done:?}");
    }
}

#[tokio::test]
async fn refusal_that_nothing_explains_stands() {
    let script = script().await;
    script.foresee(find_group("team"), team("g-1")).await;
    script.foresee(add("g-1"), refusal(403, "the group is managed by an identity provider")).await;
    let error = script.site.add_member("team", &anna()).await.unwrap_err();
    assert!(matches!(error, SiteError::Forbidden { .. }), "{error:?}");
    script.foresee(add("g-1"), refusal(400, "no licence")).await;
    let (ask, told) = groups_of(&[]);
    script.foresee(ask, told).await;
    script.foresee(find_group("team"), team("g-1")).await;
    let error = script.site.add_member("team", &anna()).await.unwrap_err();
    assert!(error.to_string().contains("no licence"), "{error}");
}

#[tokio::test]
async fn group_is_made_known_from_then_on_and_deleted() {
    let script = script().await;
    let create = || call("POST", "group").body(json!({ "name": "team" }));
    script.foresee(create(), answer(201, json!({ "name": "team", "groupId": "g-1" }))).await;
    script.foresee(add("g-1"), answer(201, json!({}))).await;
    assert_eq!(script.site.create_group("team").await, Ok(()));
    assert_eq!(script.site.add_member("team", &anna()).await, Ok(()));
    script.foresee(create(), refusal(400, "in use")).await;
    script.foresee(find_group("team"), team("g-1")).await;
    let error = script.site.create_group("team").await.unwrap_err();
    assert!(matches!(error, SiteError::AlreadyExists { .. }), "{error:?}");
    script.foresee(call("DELETE", "group").query("groupId", "g-1"), ResponseTemplate::new(200)).await;
    assert_eq!(script.site.delete_group("team").await, Ok(()));
}

#[tokio::test]
async fn lists_go_on_until_the_last_page() {
    let script = script().await;
    let part =
        |last: bool, values: serde_json::Value| answer(200, json!({ "isLast": last, "values": values }));
    script.foresee(find_group("team"), team("g-1")).await;
    let members = |start: &str| {
        call("GET", "group/member")
            .query("groupId", "g-1")
            .query("includeInactiveUsers", "true")
            .query("startAt", start)
    };
    script.foresee(members("0"), part(false, json!([user("a-1", Some("anna@example.com"), &[])]))).await;
    script.foresee(members("1"), part(true, json!([user("a-2", None, &[])]))).await;
    let first = script.site.list_members("team", PageStart::FIRST).await.unwrap();
    let second = script.site.list_members("team", first.next.unwrap()).await.unwrap();
    assert_eq!((second.items[0].key.as_str(), second.next), ("a-2", None));
    let groups = call("GET", "group/bulk").query("startAt", "0");
    script.foresee(groups, part(true, json!([{ "name": "team", "groupId": "g-1" }]))).await;
    let all = script.site.list_groups(PageStart::FIRST).await.unwrap();
    assert_eq!((all.items, all.next), (vec![SiteGroup { name: "team".into() }], None));
}

#[tokio::test]
async fn admin_groups_are_those_that_give_the_administration() {
    let script = script().await;
    for (access, name) in [("site-admin", "org-admins"), ("admin", "jira-admins-acme")] {
        let ask = call("GET", "group/bulk").query("accessType", access);
        script.foresee(ask, page(&json!([{ "name": name, "groupId": name }]))).await;
    }
    assert_eq!(script.site.admin_groups().await.unwrap(), ["org-admins", "jira-admins-acme"]);
}
