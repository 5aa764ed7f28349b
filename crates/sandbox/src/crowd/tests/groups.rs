use axum::http::StatusCode;
use serde_json::json;

use super::{ann, ask, server};

#[tokio::test]
async fn groups_are_made_found_and_deleted() {
    let crowd = server();
    let team = || Some(json!({ "name": "Team", "type": "GROUP", "active": true }));
    assert_eq!(ask(&crowd, "POST", "/group", team()).await.status, StatusCode::CREATED);
    let again = ask(&crowd, "POST", "/group", team()).await;
    assert_eq!((again.status, &again.body["reason"]), (StatusCode::BAD_REQUEST, &json!("INVALID_GROUP")));
    assert_eq!(ask(&crowd, "GET", "/group?groupname=team", None).await.body["name"], "Team");
    let all = ask(&crowd, "GET", "/search?entity-type=group", None).await.body;
    assert_eq!(all["groups"].as_array().unwrap().len(), 3);
    assert_eq!(ask(&crowd, "DELETE", "/group?groupname=team", None).await.status, StatusCode::NO_CONTENT);
    let gone = ask(&crowd, "GET", "/group?groupname=team", None).await;
    assert_eq!((gone.status, &gone.body["reason"]), (StatusCode::NOT_FOUND, &json!("GROUP_NOT_FOUND")));
}

#[tokio::test]
async fn members_join_and_leave_one_by_one() {
    let crowd = server();
    ask(&crowd, "POST", "/user", Some(ann())).await;
    ask(&crowd, "POST", "/group", Some(json!({ "name": "team", "type": "GROUP" }))).await;
    let path = "/group/user/direct?groupname=team";
    let join = |name: &str| Some(json!({ "name": name }));
    assert_eq!(ask(&crowd, "POST", path, join("ANN")).await.status, StatusCode::CREATED);
    let again = ask(&crowd, "POST", path, join("ann")).await;
    let reason = &again.body["reason"];
    assert_eq!((again.status, reason), (StatusCode::CONFLICT, &json!("MEMBERSHIP_ALREADY_EXISTS")));
    assert_eq!(ask(&crowd, "POST", path, join("nobody")).await.status, StatusCode::BAD_REQUEST);
    let nowhere = ask(&crowd, "POST", "/group/user/direct?groupname=x", join("ann")).await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
    let members = ask(&crowd, "GET", &format!("{path}&expand=user"), None).await.body;
    assert_eq!((&members["users"][0]["name"], &members["users"][0]["active"]), (&json!("Ann"), &json!(true)));
    let groups = ask(&crowd, "GET", "/user/group/direct?username=ann", None).await.body;
    assert_eq!(groups["groups"][0]["name"], "team");
    let leave = format!("{path}&username=ann");
    assert_eq!(ask(&crowd, "DELETE", &leave, None).await.status, StatusCode::NO_CONTENT);
    let again = ask(&crowd, "DELETE", &leave, None).await;
    assert_eq!(
        (again.status, &again.body["reason"]),
        (StatusCode::NOT_FOUND, &json!("MEMBERSHIP_NOT_FOUND"))
    );
}
