use axum::http::StatusCode;
use serde_json::json;

use super::{Quirks, ask, ask_as, create, peopled, site, with};
use crate::{SimulatedSite, testing::basic};

#[tokio::test]
async fn everybody_is_told_the_version_and_who_is_asking() {
    let bitbucket = site();
    let anonymous = ask_as(&bitbucket, None, "GET", "/application-properties", None).await;
    assert_eq!((anonymous.status, anonymous.header("x-ausername")), (StatusCode::OK, ""));
    assert_eq!(anonymous.body["version"], "9.4.2");
    let known = ask(&bitbucket, "GET", "/application-properties", None).await;
    assert_eq!(known.header("x-ausername"), "rollcall");
}

#[tokio::test]
async fn a_stranger_and_somebody_who_may_not_are_both_401_and_told_apart_by_the_header() {
    let bitbucket = site();
    let stranger = ask_as(&bitbucket, None, "GET", "/admin/users", None).await;
    assert_eq!((stranger.status, stranger.header("x-ausername")), (StatusCode::UNAUTHORIZED, ""));
    let ann = json!({ "name": "ann", "password": "pw" });
    ask(&bitbucket, "POST", "/_sandbox/users", Some(ann)).await;
    let barred = ask_as(&bitbucket, Some(&basic("ann", "pw")), "GET", "/admin/users", None).await;
    assert_eq!((barred.status, barred.header("x-ausername")), (StatusCode::UNAUTHORIZED, "ann"));
    assert_eq!(barred.body["errors"][0]["exceptionName"], "com.atlassian.bitbucket.AuthorisationException");
}

#[tokio::test]
async fn people_are_found_by_a_part_of_name_display_name_or_address() {
    let bitbucket = site();
    create(&bitbucket, "Ann").await;
    for filter in ["an", "ANN", "n%40exam"] {
        let found = ask(&bitbucket, "GET", &format!("/admin/users?filter={filter}"), None).await;
        assert_eq!(found.body["values"][0]["name"], "Ann", "{filter}");
        assert_eq!(found.body["size"], 1, "{filter}");
    }
    let id = ask(&bitbucket, "GET", "/admin/users?filter=ann", None).await.body["values"][0]["id"].clone();
    assert_eq!(id, 102);
}

#[tokio::test]
async fn a_page_says_where_the_next_one_starts() {
    let bitbucket = peopled(30);
    let first = ask(&bitbucket, "GET", "/admin/users", None).await.body;
    assert_eq!((&first["size"], &first["isLastPage"]), (&json!(25), &json!(false)));
    assert_eq!(first["nextPageStart"], 25);
    let last = ask(&bitbucket, "GET", "/admin/users?start=25&limit=5000", None).await.body;
    assert_eq!(
        (&last["size"], &last["isLastPage"], &last["limit"]),
        (&json!(6), &json!(true), &json!(1_000))
    );
    assert!(last["nextPageStart"].is_null());
}

#[tokio::test]
async fn an_account_is_made_from_the_query_and_joins_unless_that_is_declined() {
    let bitbucket = site();
    assert_eq!(create(&bitbucket, "ann").await.status, StatusCode::NO_CONTENT);
    let ben = "/admin/users?name=ben&displayName=B&emailAddress=b%40x.example&notify=true";
    assert_eq!(ask(&bitbucket, "POST", ben, None).await.status, StatusCode::NO_CONTENT);
    let state = bitbucket.state();
    let users = state.groups.iter().find(|group| group.name == "stash-users").unwrap();
    assert_eq!(users.members, ["ben", "rollcall"]);
    assert_eq!(state.creates_by_name.len(), 2);
    assert_eq!(create(&bitbucket, "ANN").await.status, StatusCode::CONFLICT);
    for query in [
        "displayName=B&emailAddress=b%40x.example&password=x",
        "name=c&emailAddress=b%40x.example&password=x",
        "name=c&displayName=B&password=x",
        "name=c&displayName=B&emailAddress=b&password=x",
        "name=c&displayName=B&emailAddress=b%40x.example",
    ] {
        let refused = ask(&bitbucket, "POST", &format!("/admin/users?{query}"), None).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn the_licence_is_counted_where_access_is_given() {
    let bitbucket = with(Quirks { seats: Some(1), ..Quirks::default() });
    assert_eq!(create(&bitbucket, "ann").await.status, StatusCode::NO_CONTENT, "no access, no seat");
    let joining = json!({ "group": "stash-users", "users": ["ann"] });
    let refused = ask(&bitbucket, "POST", "/admin/groups/add-users", Some(joining)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn details_change_and_what_is_left_out_stays() {
    let bitbucket = site();
    create(&bitbucket, "ann").await;
    let update = json!({ "name": "ANN", "displayName": "Ann B." });
    let updated = ask(&bitbucket, "PUT", "/admin/users", Some(update)).await;
    assert_eq!(updated.body["displayName"], "Ann B.");
    assert_eq!(updated.body["emailAddress"], "ann@example.com");
    let nobody = json!({ "name": "ben", "email": "b@x.example" });
    assert_eq!(ask(&bitbucket, "PUT", "/admin/users", Some(nobody)).await.status, StatusCode::NOT_FOUND);
    let unclear = json!({ "name": "ann", "email": "none" });
    assert_eq!(ask(&bitbucket, "PUT", "/admin/users", Some(unclear)).await.status, StatusCode::BAD_REQUEST);
    let inactive = json!({ "name": "ann", "active": false });
    let refused = ask(&bitbucket, "PUT", "/admin/users", Some(inactive)).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "there is no such field");
}

#[tokio::test]
async fn a_renamed_account_keeps_its_id_and_groups() {
    let bitbucket = site();
    create(&bitbucket, "ann").await;
    create(&bitbucket, "ben").await;
    ask(&bitbucket, "POST", "/admin/groups?name=team", None).await;
    ask(&bitbucket, "POST", "/admin/groups/add-users", Some(json!({ "group": "team", "users": ["ann"] })))
        .await;
    let rename = |to: &str| Some(json!({ "name": "ann", "newName": to }));
    assert_eq!(
        ask(&bitbucket, "POST", "/admin/users/rename", rename("Ben")).await.status,
        StatusCode::CONFLICT
    );
    let renamed = ask(&bitbucket, "POST", "/admin/users/rename", rename("zoe")).await;
    assert_eq!((&renamed.body["name"], &renamed.body["id"]), (&json!("zoe"), &json!(102)));
    let groups = ask(&bitbucket, "GET", "/admin/users/more-members?context=zoe", None).await;
    assert_eq!(groups.body["values"], json!([{ "name": "team", "deletable": true }]));
}

#[tokio::test]
async fn everybody_but_oneself_can_be_deleted() {
    let bitbucket = site();
    create(&bitbucket, "ann").await;
    let deleted = ask(&bitbucket, "DELETE", "/admin/users?name=ann", None).await;
    assert_eq!((deleted.status, &deleted.body["id"]), (StatusCode::OK, &json!(102)));
    let again = ask(&bitbucket, "DELETE", "/admin/users?name=ann", None).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    let oneself = ask(&bitbucket, "DELETE", "/admin/users?name=rollcall", None).await;
    assert_eq!(oneself.status, StatusCode::CONFLICT);
}
