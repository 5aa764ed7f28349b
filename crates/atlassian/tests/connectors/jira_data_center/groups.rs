//! Finding, making, deleting and listing groups.

use atlassian::SiteError;
use atlassian::site::{PageStart, SiteGroup};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::{refusal, script};
use crate::script::{Call, answer, call};

fn picker(query: &str) -> Call {
    call("GET", "groups/picker").query("query", query)
}

fn shown(total: usize, names: &[&str]) -> ResponseTemplate {
    let groups: Vec<Value> =
        names.iter().map(|name| json!({ "name": name, "html": "<b>x</b>", "labels": [] })).collect();
    answer(200, json!({ "header": "Showing some", "total": total, "groups": groups }))
}

#[tokio::test]
async fn group_is_found_by_its_whole_name_in_any_case() {
    let script = script().await;
    script.foresee(picker("DEV team"), shown(3, &["dev teams", "all dev team", "Dev Team"])).await;
    let found = script.site.find_group("DEV team").await.unwrap();
    assert_eq!(found, Some(SiteGroup { name: "Dev Team".into() }));
}

#[tokio::test]
async fn group_that_a_complete_list_lacks_is_none() {
    let script = script().await;
    script.foresee(picker("dev"), shown(1, &["developers"])).await;
    assert_eq!(script.site.find_group("dev").await, Ok(None));
    assert_eq!(script.site.find_group("").await, Ok(None));
}

#[tokio::test]
async fn list_that_is_cut_short_leads_to_a_direct_question() {
    let direct = || call("GET", "group/member").query("groupname", "dev").query("maxResults", "1");
    let script = script().await;
    script.foresee(picker("dev"), shown(900, &["dev-a", "dev-b"])).await;
    script.foresee(direct(), answer(200, json!({ "values": [], "isLast": true }))).await;
    assert_eq!(script.site.find_group("dev").await, Ok(Some(SiteGroup { name: "dev".into() })));

    script.foresee(picker("dev"), shown(900, &["dev-a", "dev-b"])).await;
    script.foresee(direct(), refusal(404, "")).await;
    assert_eq!(script.site.find_group("dev").await, Ok(None));
}

#[tokio::test]
async fn group_is_made() {
    let script = script().await;
    let made = call("POST", "group").body(json!({ "name": "dev" }));
    script.foresee(made, answer(201, json!({ "name": "dev", "self": "x", "users": {} }))).await;
    assert_eq!(script.site.create_group("dev").await, Ok(()));
}

#[tokio::test]
async fn refused_group_is_told_by_a_look_and_not_by_the_sentence() {
    let script = script().await;
    script.foresee(call("POST", "group"), refusal(400, "schon da")).await;
    script.foresee(picker("dev"), shown(1, &["DEV"])).await;
    let error = script.site.create_group("dev").await.unwrap_err();
    assert_eq!(error, SiteError::AlreadyExists { detail: "schon da".into() });

    script.foresee(call("POST", "group"), refusal(400, "schon da")).await;
    script.foresee(picker("dev"), shown(0, &[])).await;
    let error = script.site.create_group("dev").await.unwrap_err();
    assert_eq!(error, SiteError::Rejected { status: 400, detail: "schon da".into() });
}

#[tokio::test]
async fn group_that_is_gone_is_deleted() {
    let delete = || call("DELETE", "group").query("groupname", "dev");
    let script = script().await;
    script.foresee(delete(), ResponseTemplate::new(200)).await;
    script.foresee(delete(), refusal(404, "")).await;
    script.foresee(delete(), refusal(400, "")).await;
    script.foresee(picker("dev"), shown(0, &[])).await;
    for _ in 0..3 {
        assert_eq!(script.site.delete_group("dev").await, Ok(()));
    }
    script.foresee(delete(), refusal(400, "last admin group")).await;
    script.foresee(picker("dev"), shown(1, &["dev"])).await;
    let error = script.site.delete_group("dev").await.unwrap_err();
    assert_eq!(error, SiteError::Rejected { status: 400, detail: "last admin group".into() });
}

#[tokio::test]
async fn all_groups_are_listed_or_none() {
    let script = script().await;
    script.foresee(picker(""), shown(2, &["a", "b"])).await;
    let page = script.site.list_groups(PageStart::FIRST).await.unwrap();
    assert_eq!(page.items.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(page.next, None);

    script.foresee(picker(""), shown(3, &["a", "b"])).await;
    let error = script.site.list_groups(PageStart::FIRST).await.unwrap_err();
    assert_eq!(error, SiteError::NotPossible("Jira shows 2 of its 3 groups".into()));
}
