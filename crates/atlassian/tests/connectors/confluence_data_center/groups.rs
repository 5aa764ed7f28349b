//! Groups and who is in them.

use atlassian::SiteError;
use atlassian::site::{PageStart, SiteGroup};
use serde_json::json;
use wiremock::ResponseTemplate;

use super::{anna, get_key, groups, groups_of, page, person, refusal, script};
use crate::script::{Call, answer, call};

fn put() -> Call {
    call("PUT", "user/anna/group/team%20a%3Bb")
}

fn delete() -> Call {
    call("DELETE", "user/anna/group/team%20a%3Bb")
}

const TEAM: &str = "team a;b";

#[tokio::test]
async fn a_group_is_found_as_the_site_spells_it() {
    let script = script().await;
    script.foresee(call("GET", "group/TEAM"), answer(200, json!({ "type": "group", "name": "Team" }))).await;
    script.foresee(call("GET", "group/crew"), refusal(404, "No group found")).await;
    assert_eq!(script.site.find_group("TEAM").await, Ok(Some(SiteGroup { name: "Team".into() })));
    assert_eq!(script.site.find_group("crew").await, Ok(None));
}

#[tokio::test]
async fn names_that_no_path_can_carry_are_not_possible_and_never_sent() {
    let script = script().await;
    for name in ["a/b", "..", ".", ""] {
        let site = &script.site;
        for error in [
            site.find_group(name).await.unwrap_err(),
            site.create_group(name).await.unwrap_err(),
            site.delete_group(name).await.unwrap_err(),
            site.add_member(name, &anna()).await.unwrap_err(),
            site.remove_member(name, &anna()).await.unwrap_err(),
            site.list_members(name, PageStart::FIRST).await.unwrap_err(),
        ] {
            assert!(matches!(error, SiteError::NotPossible(_)), "{name:?}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_group_is_made_once() {
    let script = script().await;
    let create = || call("POST", "admin/group").body(json!({ "type": "group", "name": "team" }));
    script.foresee(create(), answer(201, json!({ "type": "group", "name": "team" }))).await;
    script.foresee(create(), refusal(409, "exists")).await;
    assert_eq!(script.site.create_group("team").await, Ok(()));
    let error = script.site.create_group("team").await.unwrap_err();
    assert!(matches!(error, SiteError::AlreadyExists { .. }), "{error:?}");
}

#[tokio::test]
async fn a_group_that_is_gone_is_deleted_already() {
    let script = script().await;
    script.foresee(call("DELETE", "admin/group/team"), ResponseTemplate::new(204)).await;
    script.foresee(call("DELETE", "admin/group/team"), refusal(404, "")).await;
    script.foresee(call("DELETE", "admin/group/team"), refusal(400, "the last one")).await;
    assert_eq!(script.site.delete_group("team").await, Ok(()));
    assert_eq!(script.site.delete_group("team").await, Ok(()));
    let error = script.site.delete_group("team").await.unwrap_err();
    assert_eq!(error, SiteError::Rejected { status: 400, detail: "the last one".into() });
}

#[tokio::test]
async fn one_member_is_one_call() {
    let script = script().await;
    script.foresee(put(), ResponseTemplate::new(204)).await;
    script.foresee(delete(), ResponseTemplate::new(204)).await;
    assert_eq!(script.site.add_member(TEAM, &anna()).await, Ok(()));
    assert_eq!(script.site.remove_member(TEAM, &anna()).await, Ok(()));
}

#[tokio::test]
async fn a_refused_member_who_is_in_already_is_no_error() {
    for status in [400, 409] {
        let script = script().await;
        script.foresee(put(), refusal(status, "")).await;
        script.foresee(get_key("k1"), answer(200, person("k1", "anna", true))).await;
        script.foresee(groups_of("k1"), groups(&["TEAM A;B"])).await;
        assert_eq!(script.site.add_member(TEAM, &anna()).await, Ok(()));
    }
}

#[tokio::test]
async fn a_member_who_was_renamed_behind_our_back_is_named_anew() {
    let script = script().await;
    script.foresee(put(), refusal(404, "No user found")).await;
    script.foresee(get_key("k1"), answer(200, person("k1", "annabel", true))).await;
    script.foresee(groups_of("k1"), groups(&[])).await;
    script.foresee(call("PUT", "user/annabel/group/team%20a%3Bb"), ResponseTemplate::new(204)).await;
    assert_eq!(script.site.add_member(TEAM, &anna()).await, Ok(()));
}

#[tokio::test]
async fn a_member_cannot_join_a_group_that_is_not_there() {
    let script = script().await;
    script.foresee(put(), refusal(404, "No group found")).await;
    script.foresee(get_key("k1"), answer(200, person("k1", "anna", true))).await;
    script.foresee(groups_of("k1"), groups(&["other"])).await;
    let error = script.site.add_member(TEAM, &anna()).await.unwrap_err();
    assert!(matches!(error, SiteError::NotFound { .. }), "{error:?}");
}

#[tokio::test]
async fn who_leaves_a_group_that_is_gone_is_told_apart_from_who_is_not_in_it() {
    for (found, expected) in [(200, true), (404, false)] {
        let script = script().await;
        script.foresee(delete(), refusal(404, "")).await;
        script.foresee(get_key("k1"), answer(200, person("k1", "anna", true))).await;
        script.foresee(groups_of("k1"), groups(&[])).await;
        let look = call("GET", "group/team%20a%3Bb");
        let shown = if found == 200 { answer(200, json!({ "name": TEAM })) } else { refusal(404, "") };
        script.foresee(look, shown).await;
        assert_eq!(script.site.remove_member(TEAM, &anna()).await.is_ok(), expected);
    }
}

#[tokio::test]
async fn members_and_groups_are_listed() {
    let script = script().await;
    let members = call("GET", "group/team/member").query("start", "0").query("expand", "status");
    script.foresee(members, page(&[person("k1", "anna", false)])).await;
    script.foresee(call("GET", "group/gone/member"), refusal(404, "")).await;
    script.foresee(call("GET", "group").query("start", "0"), groups(&["team", "Crew"])).await;
    let members = script.site.list_members("team", PageStart::FIRST).await.unwrap();
    assert_eq!((members.items[0].key.as_str(), members.items[0].active, members.next), ("k1", false, None));
    let error = script.site.list_members("gone", PageStart::FIRST).await.unwrap_err();
    assert!(matches!(error, SiteError::NotFound { .. }), "{error:?}");
    let names = script.site.list_groups(PageStart::FIRST).await.unwrap().items;
    assert_eq!(names.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), ["team", "Crew"]);
}
