//! A workspace of Bitbucket in the Cloud. The site's address ends in the workspace's slug, `at`.

use atlassian::site::{AccountQuery, AccountRef, AccountUpdate, NewAccount, PageStart};
use atlassian::{Credentials, Product, SiteError};
use serde_json::{Value, json};
use url::Url;
use wiremock::ResponseTemplate;

use crate::script::{Call, Script, answer, bearer, call, settings};

const ADA: &str = "1.0/groups/at/team/members/%7Bu-1%7D";

fn api_key(organization: &Value) -> Credentials {
    let body = json!({ "type": "api_key", "email": "app", "token": "pw", "organization": organization });
    serde_json::from_value(body).unwrap()
}

/// The organization is not called by these tests.
async fn script() -> Script {
    let key = json!({ "id": "o", "directory_id": "d", "api_key": "k", "base_url": "http://127.0.0.1:9" });
    Script::of(Product::BitbucketCloud, "/", api_key(&key), &settings()).await
}

fn ada() -> AccountRef {
    AccountRef { key: "{u-1}".into(), username: "ada@example.com".into() }
}

fn user() -> Value {
    json!({ "type": "user", "uuid": "{u-1}", "display_name": "Ada" })
}

fn list_groups() -> Call {
    call("GET", "1.0/groups/at").query("exclude_members", "true")
}

fn groups(all: &[(&str, &str)]) -> ResponseTemplate {
    let shown: Vec<Value> =
        all.iter().map(|(name, slug)| json!({ "name": name, "slug": slug, "permission": null })).collect();
    answer(200, json!(shown))
}

fn refusal(status: u16, text: &str) -> ResponseTemplate {
    answer(status, json!({ "type": "error", "error": { "message": text } }))
}

fn members_of_team() -> Call {
    call("GET", "1.0/groups/at/team/members")
}

fn get_ada() -> Call {
    call("GET", "2.0/workspaces/at/members/%7Bu-1%7D")
}

#[tokio::test]
async fn group_is_looked_up_once_and_one_member_is_one_call() {
    let script = script().await;
    script.foresee(list_groups(), groups(&[("Team", "team")])).await;
    script.foresee(call("PUT", ADA).body(json!({})), answer(200, user())).await;
    script.foresee(call("DELETE", ADA), ResponseTemplate::new(204)).await;
    assert_eq!(script.site.add_member("team", &ada()).await, Ok(()));
    assert_eq!(script.site.remove_member("TEAM", &ada()).await, Ok(()));
}

#[tokio::test]
async fn whoever_is_in_already_or_out_is_no_error() {
    let script = script().await;
    script.foresee(list_groups(), groups(&[("team", "team")])).await;
    script.foresee(call("PUT", ADA), refusal(409, "Already a member")).await;
    script.foresee(members_of_team(), answer(200, json!([user()]))).await;
    assert_eq!(script.site.add_member("team", &ada()).await, Ok(()));
    script.foresee(call("DELETE", ADA), refusal(404, "Not a member")).await;
    script.foresee(members_of_team(), answer(200, json!([]))).await;
    assert_eq!(script.site.remove_member("team", &ada()).await, Ok(()));
}

#[tokio::test]
async fn account_that_left_the_workspace_is_told_apart_from_a_refusal() {
    let script = script().await;
    script.foresee(list_groups(), groups(&[("team", "team")])).await;
    for found in [refusal(404, "No such member"), answer(200, json!({ "user": user() }))] {
        script.foresee(call("PUT", ADA), refusal(404, "Member not found")).await;
        script.foresee(members_of_team(), answer(200, json!([]))).await;
        script.foresee(get_ada(), found).await;
    }
    let gone = SiteError::NotFound { detail: "the account is not in the workspace".into() };
    assert_eq!(script.site.add_member("team", &ada()).await, Err(gone));
    let refused = SiteError::NotFound { detail: "Member not found".into() };
    assert_eq!(script.site.add_member("team", &ada()).await, Err(refused));
}

#[tokio::test]
async fn group_that_is_another_by_now_is_found_again() {
    let script = script().await;
    script.foresee(list_groups(), groups(&[("team", "team")])).await;
    script.foresee(call("PUT", ADA), refusal(404, "Group not found")).await;
    script.foresee(members_of_team(), refusal(404, "Group not found")).await;
    script.foresee(list_groups(), groups(&[("team", "team-2")])).await;
    script.foresee(call("PUT", "1.0/groups/at/team-2/members/%7Bu-1%7D"), answer(200, user())).await;
    assert_eq!(script.site.add_member("team", &ada()).await, Ok(()));
}

#[tokio::test]
async fn slug_that_would_address_something_else_is_never_sent() {
    for slug in ["..", "", "a/b"] {
        let script = script().await;
        script.foresee(list_groups(), groups(&[("team", slug)])).await;
        for _ in 0..2 {
            let refused = script.site.delete_group("team").await;
            assert!(matches!(refused, Err(SiteError::NotPossible(_))), "{slug}: {refused:?}");
        }
    }
}

#[tokio::test]
async fn name_that_is_taken_is_told_from_one_whose_slug_is() {
    let script = script().await;
    for there in ["Team A", "team-a"] {
        script.foresee(call("POST", "1.0/groups/at"), refusal(409, "exists")).await;
        script.foresee(list_groups(), groups(&[(there, "team-a")])).await;
    }
    let taken = script.site.create_group("team a").await;
    assert!(matches!(taken, Err(SiteError::AlreadyExists { .. })), "{taken:?}");
    let other = script.site.create_group("team a").await;
    assert!(matches!(other, Err(SiteError::NotPossible(_))), "{other:?}");
}

#[tokio::test]
async fn groups_of_a_person_come_of_one_call_or_of_one_each() {
    let script = script().await;
    let get = || (get_ada(), answer(200, json!({ "user": user() })));
    let whole = json!([
        { "name": "team", "slug": "team", "members": [user()] },
        { "name": "others", "slug": "others", "members": [] },
    ]);
    script.foresee(get().0, get().1).await;
    script.foresee(call("GET", "1.0/groups/at"), answer(200, whole)).await;
    let expected = Ok(Some(vec!["team".to_owned()]));
    assert_eq!(script.site.account_groups(&ada()).await, expected);
    script.foresee(get().0, get().1).await;
    script.foresee(call("GET", "1.0/groups/at"), ResponseTemplate::new(504)).await;
    script.foresee(list_groups(), groups(&[("team", "team"), ("others", "others")])).await;
    script.foresee(members_of_team(), answer(200, json!([user()]))).await;
    script.foresee(call("GET", "1.0/groups/at/others/members"), answer(200, json!([]))).await;
    assert_eq!(script.site.account_groups(&ada()).await, expected);
}

#[tokio::test]
async fn people_are_listed_page_by_page_without_addresses() {
    let script = script().await;
    let list = |page: &str| call("GET", "2.0/workspaces/at/members").query("page", page);
    let first = json!({ "values": [{ "user": user() }], "next": "http://elsewhere.example.com/?page=7" });
    script.foresee(list("1"), answer(200, first)).await;
    script.foresee(list("2"), answer(200, json!({ "values": [] }))).await;
    let page = script.site.list_accounts(PageStart::FIRST).await.unwrap();
    assert_eq!((page.items[0].key.as_str(), page.items[0].email.as_deref()), ("{u-1}", None));
    let second = script.site.list_accounts(page.next.unwrap()).await.unwrap();
    assert!(second.items.is_empty() && second.next.is_none());
}

#[tokio::test]
async fn what_is_the_persons_or_the_organizations_own_is_not_possible() {
    let script = script().await;
    let new = NewAccount { username: "a".into(), display_name: "A".into(), email: Some("a@x".into()) };
    let update = AccountUpdate { display_name: Some("B".into()), ..AccountUpdate::default() };
    for refused in [
        script.site.create_account(&new).await.map(drop),
        script.site.update_account(&ada(), &update).await.map(drop),
        script.site.delete_account(&ada()).await,
    ] {
        assert!(matches!(refused, Err(SiteError::NotPossible(_))), "{refused:?}");
    }
    script.foresee(get_ada(), refusal(404, "No such member")).await;
    assert_eq!(script.site.find_account(&AccountQuery::Known(ada())).await, Ok(None));
}

#[test]
fn organizations_key_and_a_workspace_are_needed() {
    let connect = |address: &str, credentials| {
        let base_url = Url::parse(address).unwrap();
        atlassian::connect(Product::BitbucketCloud, &base_url, credentials, &settings()).map(drop)
    };
    for credentials in [bearer(), api_key(&Value::Null)] {
        let refused = connect("https://bitbucket.org/acme", credentials);
        assert!(matches!(refused, Err(SiteError::Unauthorized { captcha: false, .. })), "{refused:?}");
    }
    let key = json!({ "id": "o", "directory_id": "d", "api_key": "k" });
    let refused = connect("https://bitbucket.org", api_key(&key));
    assert!(matches!(refused, Err(SiteError::TargetRefused { .. })), "{refused:?}");
    assert_eq!(connect("https://bitbucket.org/acme", api_key(&key)), Ok(()));
}
