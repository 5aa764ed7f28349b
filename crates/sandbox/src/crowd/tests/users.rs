use axum::http::StatusCode;
use serde_json::json;

use super::{Quirks, ann, ask, ask_as, server, with};
use crate::testing::{ADMIN, basic};

#[tokio::test]
async fn only_the_application_logs_in() {
    let crowd = server();
    let known = ask(&crowd, "GET", "/config/cookie", None).await;
    assert_eq!((known.status, known.header("x-embedded-crowd-version")), (StatusCode::OK, "Crowd/5.3.0"));
    ask(&crowd, "POST", "/user", Some(ann())).await;
    for authorization in [ADMIN, &basic("ann", "pw"), &basic("rollcall", "wrong")] {
        for _ in 0..5 {
            let refused = ask_as(&crowd, authorization, "GET", "/config/cookie", None).await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "and never a CAPTCHA");
        }
    }
    assert_eq!(ask(&crowd, "GET", "/config/cookie", None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_user_is_made_shown_and_deleted() {
    let crowd = server();
    assert_eq!(ask(&crowd, "POST", "/user", Some(ann())).await.status, StatusCode::CREATED);
    let again = ask(&crowd, "POST", "/user", Some(ann())).await;
    assert_eq!((again.status, &again.body["reason"]), (StatusCode::BAD_REQUEST, &json!("INVALID_USER")));
    let shown = ask(&crowd, "GET", "/user?username=ANN", None).await.body;
    assert_eq!((&shown["name"], &shown["display-name"]), (&json!("Ann"), &json!("Ann B")));
    assert_eq!((&shown["email"], &shown["active"]), (&json!("ann@x.example"), &json!(true)));
    let by_key = format!("/user?key={}", shown["key"].as_str().unwrap());
    assert_eq!(ask(&crowd, "GET", &by_key, None).await.body["name"], "Ann");
    assert_eq!(ask(&crowd, "DELETE", "/user?username=ann", None).await.status, StatusCode::NO_CONTENT);
    let gone = ask(&crowd, "GET", "/user?username=ann", None).await;
    assert_eq!((gone.status, &gone.body["reason"]), (StatusCode::NOT_FOUND, &json!("USER_NOT_FOUND")));
    let without_password = json!({ "name": "ben", "active": true });
    let refused = ask(&crowd, "POST", "/user", Some(without_password)).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_update_writes_the_user_whole() {
    for empties in [true, false] {
        let crowd = with(Quirks { empties_what_is_left_out: empties, ..Quirks::default() });
        ask(&crowd, "POST", "/user", Some(ann())).await;
        let update = json!({ "name": "ann", "active": false, "display-name": "Ann C" });
        let updated = ask(&crowd, "PUT", "/user?username=Ann", Some(update)).await;
        assert_eq!(updated.status, StatusCode::NO_CONTENT);
        let shown = ask(&crowd, "GET", "/user?username=ann", None).await.body;
        assert_eq!((&shown["display-name"], &shown["active"]), (&json!("Ann C"), &json!(false)));
        assert_eq!(shown["email"], if empties { "" } else { "ann@x.example" });
        let other = json!({ "name": "ben", "active": false });
        let refused = ask(&crowd, "PUT", "/user?username=ann", Some(other)).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn a_renamed_user_keeps_key_and_groups() {
    let crowd = server();
    ask(&crowd, "POST", "/user", Some(ann())).await;
    let key = ask(&crowd, "GET", "/user?username=ann", None).await.body["key"].clone();
    let taken = json!({ "new-name": "Rollcall" });
    let refused = ask(&crowd, "POST", "/user/rename?username=ann", Some(taken)).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let renamed = ask(&crowd, "POST", "/user/rename?username=ann", Some(json!({ "new-name": "zoe" }))).await;
    assert_eq!((&renamed.body["name"], &renamed.body["key"]), (&json!("zoe"), &key));
}

#[tokio::test]
async fn users_are_searched_by_one_comparison() {
    let crowd = server();
    ask(&crowd, "POST", "/user", Some(ann())).await;
    let all = ask(&crowd, "GET", "/search?entity-type=user", None).await.body;
    assert_eq!(all["users"].as_array().unwrap().len(), 2);
    assert!(all["users"][0]["email"].is_null(), "only names unless expanded");
    let by_email = "/search?entity-type=user&expand=user&restriction=email%20%3D%20%22ANN%40x.example%22";
    let found = ask(&crowd, "GET", by_email, None).await.body;
    assert_eq!(found["users"][0]["email"], "ann@x.example");
    let second = ask(&crowd, "GET", "/search?entity-type=user&start-index=1&max-results=1", None).await.body;
    assert_eq!(second["users"][0]["name"], "rollcall");
    for wrong in ["email", "email%20%3D%20ann", "shoe%20%3D%20%22x%22", "email%20%3D%20%22a%22b%22"] {
        let path = format!("/search?entity-type=user&restriction={wrong}");
        assert_eq!(ask(&crowd, "GET", &path, None).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn an_application_that_may_not_write_is_told_so() {
    let crowd = with(Quirks { may_write: false, ..Quirks::default() });
    let refused = ask(&crowd, "POST", "/user", Some(ann())).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(refused.body["reason"], "APPLICATION_PERMISSION_DENIED");
    assert_eq!(ask(&crowd, "GET", "/user?username=rollcall", None).await.status, StatusCode::OK);
}
