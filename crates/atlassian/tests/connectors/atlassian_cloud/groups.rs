//! Groups and who is in them.

use atlassian::SiteError;
use atlassian::site::{PageStart, SiteGroup};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::{anna, find_group, group, list, patch_of, refusal, script, user};
use crate::script::{answer, call};

fn add() -> Value {
    json!({ "op": "add", "path": "members", "value": [{ "value": "u-1" }] })
}

#[tokio::test]
async fn group_is_looked_up_once_and_one_member_is_one_call() {
    let script = script().await;
    script.foresee(find_group("team"), list(&[group("g-1", "team")], 1)).await;
    let remove = json!({ "op": "remove", "path": "members[value eq \"u-1\"]" });
    script.foresee(patch_of("Groups/g-1", &add()), answer(200, group("g-1", "team"))).await;
    script.foresee(patch_of("Groups/g-1", &remove), answer(200, group("g-1", "team"))).await;
    assert_eq!(script.site.add_member("team", &anna()).await, Ok(()));
    assert_eq!(script.site.remove_member("TEAM", &anna()).await, Ok(()));
}

#[tokio::test]
async fn answer_with_a_hundred_thousand_members_is_not_read() {
    let script = script().await;
    script.foresee(find_group("team"), list(&[group("g-1", "team")], 1)).await;
    let whole = ResponseTemplate::new(200).set_body_bytes(vec![b'x'; 20 * 1024 * 1024]);
    script.foresee(patch_of("Groups/g-1", &add()), whole).await;
    assert_eq!(script.site.add_member("team", &anna()).await, Ok(()));
}

#[tokio::test]
async fn long_page_of_a_stranger_is_no_answer_of_the_directory() {
    let script = script().await;
    script.foresee(find_group("team"), list(&[group("g-1", "team")], 1)).await;
    let page = ResponseTemplate::new(404).set_body_bytes(vec![b'x'; 4 * 1024 * 1024]);
    script.foresee(patch_of("Groups/g-1", &add()), page).await;
    let error = script.site.add_member("team", &anna()).await.unwrap_err();
    assert!(matches!(error, SiteError::Protocol { .. }), "{error:?}");
}

#[tokio::test]
async fn group_that_was_made_anew_is_found_again() {
    let script = script().await;
    script.foresee(find_group("team"), list(&[group("g-1", "team")], 1)).await;
    script.foresee(patch_of("Groups/g-1", &add()), refusal(404, "gone")).await;
    script.foresee(call("GET", "Users/u-1"), answer(200, user("u-1", "anna", true))).await;
    script.foresee(find_group("team"), list(&[group("g-2", "team")], 1)).await;
    script.foresee(patch_of("Groups/g-2", &add()), answer(200, group("g-2", "team"))).await;
    assert_eq!(script.site.add_member("team", &anna()).await, Ok(()));
}

#[tokio::test]
async fn group_or_user_that_is_gone_is_not_found() {
    let script = script().await;
    script.foresee(find_group("team"), list(&[], 0)).await;
    let error = script.site.add_member("team", &anna()).await.unwrap_err();
    assert!(matches!(error, SiteError::NotFound { .. }), "{error:?}");
    script.foresee(find_group("crew"), list(&[group("g-1", "crew")], 1)).await;
    script.foresee(patch_of("Groups/g-1", &add()), refusal(400, "A member is not in this directory")).await;
    script.foresee(call("GET", "Users/u-1"), refusal(404, "gone")).await;
    let error = script.site.add_member("crew", &anna()).await.unwrap_err();
    assert_eq!(error, SiteError::NotFound { detail: "the user is gone".into() });
}

#[tokio::test]
async fn taking_out_who_is_gone_is_no_error_and_of_no_group_is_one() {
    let script = script().await;
    script.foresee(find_group("team"), list(&[group("g-1", "team")], 1)).await;
    script.foresee(call("PATCH", "Groups/g-1"), refusal(404, "gone")).await;
    script.foresee(call("GET", "Users/u-1"), refusal(404, "gone")).await;
    assert_eq!(script.site.remove_member("team", &anna()).await, Ok(()));
    script.foresee(find_group("crew"), list(&[], 0)).await;
    script.foresee(find_group("crew"), list(&[], 0)).await;
    let error = script.site.remove_member("crew", &anna()).await.unwrap_err();
    assert!(matches!(error, SiteError::NotFound { .. }), "{error:?}");
}

#[tokio::test]
async fn group_is_made_and_known_from_then_on() {
    let script = script().await;
    let schemas = ["urn:ietf:params:scim:schemas:core:2.0:Group"];
    let body = json!({ "schemas": schemas, "displayName": "team" });
    script.foresee(call("POST", "Groups").body(body), answer(201, group("g-1", "team"))).await;
    script.foresee(patch_of("Groups/g-1", &add()), answer(200, group("g-1", "team"))).await;
    script.foresee(call("DELETE", "Groups/g-1"), ResponseTemplate::new(204)).await;
    script.foresee(find_group("team"), list(&[], 0)).await;
    assert_eq!(script.site.create_group("team").await, Ok(()));
    assert_eq!(script.site.add_member("team", &anna()).await, Ok(()));
    assert_eq!(script.site.delete_group("team").await, Ok(()));
    assert_eq!(script.site.delete_group("team").await, Ok(()));
}

#[tokio::test]
async fn name_that_is_taken_is_the_directorys_or_a_conflict_to_be_resolved_by_hand() {
    let script = script().await;
    let said = "Resource [GROUP]: with displayName[team] already exists.";
    script.foresee(call("POST", "Groups"), refusal(409, said)).await;
    script.foresee(find_group("team"), list(&[], 0)).await;
    script.foresee(find_group("team"), list(&[group("g-1", "team")], 1)).await;
    let error = script.site.create_group("team").await.unwrap_err();
    assert!(matches!(error, SiteError::AlreadyExists { .. }), "it shows after a while: {error:?}");
    script.foresee(call("POST", "Groups"), refusal(409, said)).await;
    for _ in 0..4 {
        script.foresee(find_group("local"), list(&[], 0)).await;
    }
    let error = script.site.create_group("local").await.unwrap_err();
    assert!(matches!(error, SiteError::Rejected { status: 409, .. }), "{error:?}");
    assert!(error.to_string().contains("Review groups"), "{error}");
}

#[tokio::test]
async fn members_are_read_one_by_one() {
    let script = script().await;
    script.foresee(find_group("team"), list(&[group("g-1", "team")], 1)).await;
    let mut whole = group("g-1", "team");
    whole["members"] = json!([{ "value": "u-1" }, { "value": "u-9" }]);
    script.foresee(call("GET", "Groups/g-1"), answer(200, whole)).await;
    script.foresee(call("GET", "Users/u-1"), answer(200, user("u-1", "anna", true))).await;
    script.foresee(call("GET", "Users/u-9"), refusal(404, "gone")).await;
    let page = script.site.list_members("team", PageStart::FIRST).await.unwrap();
    assert_eq!((page.items.len(), page.next), (1, None));
}

#[tokio::test]
async fn groups_are_listed() {
    let script = script().await;
    let page = call("GET", "Groups").query("startIndex", "1").query("count", "1000");
    script.foresee(page, list(&[group("g-1", "team")], 1)).await;
    let groups = script.site.list_groups(PageStart::FIRST).await.unwrap();
    assert_eq!((groups.items, groups.next), (vec![SiteGroup { name: "team".into() }], None));
}
