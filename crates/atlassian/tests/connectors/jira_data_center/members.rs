//! Who is in a group: adding, removing, listing.

use atlassian::SiteError;
use atlassian::site::{AccountRef, PageStart};
use serde_json::json;
use wiremock::ResponseTemplate;

use super::{refusal, script, user, user_in};
use crate::script::{Call, Script, answer, call};

fn anna() -> AccountRef {
    AccountRef { key: "JIRAUSER1".into(), username: "anna".into() }
}

fn add(name: &str) -> Call {
    call("POST", "group/user").query("groupname", "dev & ops").body(json!({ "name": name }))
}

fn remove(name: &str) -> Call {
    call("DELETE", "group/user").query("groupname", "dev & ops").query("username", name)
}

fn look() -> Call {
    call("GET", "user").query("key", "JIRAUSER1").query("expand", "groups")
}

fn picker(found: bool) -> (Call, ResponseTemplate) {
    let groups = if found { json!([{ "name": "dev & ops" }]) } else { json!([]) };
    let shown = answer(200, json!({ "total": usize::from(found), "groups": groups }));
    (call("GET", "groups/picker").query("query", "dev & ops"), shown)
}

async fn add_anna(script: &Script) -> Result<(), SiteError> {
    script.site.add_member("dev & ops", &anna()).await
}

async fn remove_anna(script: &Script) -> Result<(), SiteError> {
    script.site.remove_member("dev & ops", &anna()).await
}

#[tokio::test]
async fn adding_and_removing_take_one_call() {
    let script = script().await;
    script.foresee(add("anna"), answer(201, json!({ "name": "dev & ops" }))).await;
    script.foresee(remove("anna"), ResponseTemplate::new(200)).await;
    assert_eq!(add_anna(&script).await, Ok(()));
    assert_eq!(remove_anna(&script).await, Ok(()));
}

#[tokio::test]
async fn adding_who_is_in_already_is_fine() {
    let script = script().await;
    script.foresee(add("anna"), refusal(400, "ist schon Mitglied")).await;
    script.foresee(look(), answer(200, user_in("JIRAUSER1", "anna", &["x", "Dev & Ops"]))).await;
    assert_eq!(add_anna(&script).await, Ok(()));
}

#[tokio::test]
async fn refused_member_who_is_not_in_stays_refused() {
    let script = script().await;
    script.foresee(add("anna"), refusal(400, "no licence left")).await;
    script.foresee(look(), answer(200, user_in("JIRAUSER1", "anna", &["x"]))).await;
    let error = add_anna(&script).await.unwrap_err();
    assert_eq!(error, SiteError::Rejected { status: 400, detail: "no licence left".into() });
}

#[tokio::test]
async fn adding_to_a_missing_group_or_a_missing_account_is_not_found() {
    let script = script().await;
    script.foresee(add("anna"), refusal(404, "no group")).await;
    script.foresee(look(), answer(200, user("JIRAUSER1", "anna", true))).await;
    assert_eq!(add_anna(&script).await, Err(SiteError::NotFound { detail: "no group".into() }));

    script.foresee(add("anna"), refusal(404, "no user")).await;
    script.foresee(look(), refusal(404, "")).await;
    assert_eq!(add_anna(&script).await, Err(SiteError::NotFound { detail: "the account is gone".into() }));
}

#[tokio::test]
async fn account_renamed_behind_our_back_is_added_and_removed_by_its_new_name() {
    let script = script().await;
    script.foresee(add("anna"), refusal(404, "no user")).await;
    script.foresee(look(), answer(200, user("JIRAUSER1", "anna.b", true))).await;
    script.foresee(add("anna.b"), answer(201, json!({}))).await;
    assert_eq!(add_anna(&script).await, Ok(()));

    script.foresee(remove("anna"), refusal(404, "no user")).await;
    script.foresee(look(), answer(200, user_in("JIRAUSER1", "anna.b", &["dev & ops"]))).await;
    script.foresee(remove("anna.b"), ResponseTemplate::new(200)).await;
    assert_eq!(remove_anna(&script).await, Ok(()));
}

#[tokio::test]
async fn removing_who_is_out_or_gone_is_fine() {
    let script = script().await;
    script.foresee(remove("anna"), refusal(400, "ist kein Mitglied")).await;
    script.foresee(look(), answer(200, user_in("JIRAUSER1", "anna", &["x"]))).await;
    assert_eq!(remove_anna(&script).await, Ok(()));

    script.foresee(remove("anna"), refusal(404, "no user")).await;
    script.foresee(look(), refusal(404, "")).await;
    let (call, shown) = picker(true);
    script.foresee(call, shown).await;
    assert_eq!(remove_anna(&script).await, Ok(()));
}

#[tokio::test]
async fn removing_from_a_missing_group_is_not_found() {
    let script = script().await;
    script.foresee(remove("anna"), refusal(404, "no group")).await;
    script.foresee(look(), answer(200, user("JIRAUSER1", "anna", true))).await;
    let (call, shown) = picker(false);
    script.foresee(call, shown).await;
    assert_eq!(remove_anna(&script).await, Err(SiteError::NotFound { detail: "no group".into() }));
}

#[tokio::test]
async fn refused_removal_of_who_is_still_in_stays_refused() {
    let script = script().await;
    script.foresee(remove("anna"), refusal(400, "read-only directory")).await;
    script.foresee(look(), answer(200, user_in("JIRAUSER1", "anna", &["dev & ops"]))).await;
    let error = remove_anna(&script).await.unwrap_err();
    assert_eq!(error, SiteError::Rejected { status: 400, detail: "read-only directory".into() });
}

#[tokio::test]
async fn groups_that_are_cut_short_do_not_excuse_a_refusal() {
    let script = script().await;
    let mut cut_short = user_in("JIRAUSER1", "anna", &["x"]);
    cut_short["groups"]["size"] = json!(9);
    script.foresee(remove("anna"), refusal(400, "no")).await;
    for _ in 0..2 {
        script.foresee(look(), answer(200, cut_short.clone())).await;
    }
    assert_eq!(remove_anna(&script).await, Err(SiteError::Rejected { status: 400, detail: "no".into() }));
}

#[tokio::test]
async fn other_refusals_of_a_member_cost_no_look() {
    let script = script().await;
    script.foresee(add("anna"), refusal(403, "not you")).await;
    assert_eq!(add_anna(&script).await, Err(SiteError::Forbidden { detail: "not you".into() }));
    script.foresee(remove("anna"), refusal(503, "later")).await;
    assert!(remove_anna(&script).await.unwrap_err().outcome_unknown());
}

fn members(offset: &str) -> Call {
    call("GET", "group/member")
        .query("groupname", "dev & ops")
        .query("includeInactiveUsers", "true")
        .query("startAt", offset)
        .query("maxResults", "50")
}

#[tokio::test]
async fn members_are_listed_page_by_page_by_position() {
    let script = script().await;
    // The site gives 2 positions a page, and shows one of the first two only.
    let first = json!({
        "self": "x", "nextPage": "y", "maxResults": 2, "startAt": 0, "total": 3, "isLast": false,
        "values": [user("a", "a", true)]
    });
    let last = json!({ "maxResults": 2, "startAt": 2, "total": 3, "isLast": true, "values": [user("c", "c", false)] });
    script.foresee(members("0"), answer(200, first)).await;
    script.foresee(members("2"), answer(200, last)).await;
    let page = script.site.list_members("dev & ops", PageStart::FIRST).await.unwrap();
    assert_eq!(page.items[0].key, "a");
    let page = script.site.list_members("dev & ops", page.next.unwrap()).await.unwrap();
    assert_eq!((page.items[0].key.as_str(), page.items[0].active, page.next), ("c", false, None));
}

#[tokio::test]
async fn page_without_an_envelope_ends_by_its_total_or_when_empty() {
    let script = script().await;
    let by_total = json!({ "total": 2, "values": [user("a", "a", true), user("b", "b", true)] });
    script.foresee(members("0"), answer(200, by_total)).await;
    assert_eq!(script.site.list_members("dev & ops", PageStart::FIRST).await.unwrap().next, None);

    script.foresee(members("0"), answer(200, json!({ "values": [user("a", "a", true)] }))).await;
    script.foresee(members("1"), answer(200, json!({ "values": [] }))).await;
    let page = script.site.list_members("dev & ops", PageStart::FIRST).await.unwrap();
    let page = script.site.list_members("dev & ops", page.next.unwrap()).await.unwrap();
    assert_eq!((page.items.len(), page.next), (0, None));
}

#[tokio::test]
async fn page_that_leads_nowhere_is_refused() {
    let script = script().await;
    let nowhere = json!({ "maxResults": 0, "total": 5, "isLast": false, "values": [] });
    script.foresee(members("0"), answer(200, nowhere)).await;
    let error = script.site.list_members("dev & ops", PageStart::FIRST).await.unwrap_err();
    assert!(matches!(error, SiteError::Protocol { .. }), "{error:?}");
}

#[tokio::test]
async fn members_of_a_missing_group_are_not_found() {
    let script = script().await;
    script.foresee(members("0"), refusal(404, "no group")).await;
    let error = script.site.list_members("dev & ops", PageStart::FIRST).await.unwrap_err();
    assert_eq!(error, SiteError::NotFound { detail: "no group".into() });
}
