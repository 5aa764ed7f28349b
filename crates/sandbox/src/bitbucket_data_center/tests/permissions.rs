use axum::http::StatusCode;
use serde_json::json;

use super::{ask, create, site};

#[tokio::test]
async fn permissions_are_granted_listed_and_revoked() {
    let bitbucket = site();
    create(&bitbucket, "ann").await;
    let groups = ask(&bitbucket, "GET", "/admin/permissions/groups", None).await.body;
    assert_eq!(
        groups["values"],
        json!([
            { "group": { "name": "bitbucket-admins" }, "permission": "SYS_ADMIN" },
            { "group": { "name": "stash-users" }, "permission": "LICENSED_USER" },
        ])
    );
    let grant = "/admin/permissions/users?name=ann&permission=PROJECT_CREATE";
    assert_eq!(ask(&bitbucket, "PUT", grant, None).await.status, StatusCode::NO_CONTENT);
    let users = ask(&bitbucket, "GET", "/admin/permissions/users?filter=ANN", None).await.body;
    assert_eq!(users["values"][0]["permission"], "PROJECT_CREATE");
    assert_eq!(users["values"][0]["user"]["name"], "ann");
    let revoke = "/admin/permissions/users?name=ann";
    assert_eq!(ask(&bitbucket, "DELETE", revoke, None).await.status, StatusCode::NO_CONTENT);
    let users = ask(&bitbucket, "GET", "/admin/permissions/users", None).await.body;
    assert_eq!(users["size"], 0);
    let unknown = "/admin/permissions/groups?name=stash-users&permission=FLY";
    assert_eq!(ask(&bitbucket, "PUT", unknown, None).await.status, StatusCode::BAD_REQUEST);
    let own = ask(&bitbucket, "DELETE", "/admin/permissions/groups?name=bitbucket-admins", None).await;
    assert_eq!(own.status, StatusCode::CONFLICT);
}
