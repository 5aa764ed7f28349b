//! `/Users`.

use serde_json::{Value, json};

use super::{BASE_PATH, Quirks, ask, patch, person, start, user, with};
use crate::testing::call;

#[tokio::test]
async fn user_is_made_active_found_by_name_and_shown_with_its_account() {
    let cloud = start();
    let id = user(&cloud, "ada").await;
    let found = ask(&cloud, "GET", "/Users?filter=userName%20eq%20%22ADA%22", None).await;
    assert_eq!(found.body["totalResults"], 1);
    let ada = &found.body["Resources"][0];
    assert_eq!((&ada["id"], &ada["active"], &ada["title"]), (&json!(id), &json!(true), &json!("Engineer")));
    assert!(ada["urn:scim:schemas:extension:atlassian-external:1.0"]["atlassianAccountId"].is_string());
    assert_eq!(found.header("content-type"), "application/scim+json;charset=UTF-8");
    assert_eq!(found.header("x-ausername"), "");
}

#[tokio::test]
async fn name_address_and_external_id_are_taken_by_one_user() {
    let cloud = start();
    user(&cloud, "ada").await;
    for (changed, value, said) in
        [("displayName", json!("x"), "userName[ada]"), ("userName", json!("eve"), "email[ada@example.com]")]
    {
        let mut body = person("ada");
        body[changed] = value;
        let answer = ask(&cloud, "POST", "/Users", Some(body)).await;
        assert_eq!((answer.status.as_u16(), &answer.body["scimType"]), (409, &json!("uniqueness")));
        assert_eq!(answer.body["status"], "409");
        let detail = answer.body["detail"].as_str().unwrap();
        assert_eq!(detail, format!("Resource [USER]: with {said} already exists."));
    }
}

#[tokio::test]
async fn other_filters_wrong_keys_and_other_directories_are_refused() {
    let cloud = start();
    let other = ask(&cloud, "GET", "/Users?filter=emails%20eq%20%22a@b.c%22", None).await;
    assert_eq!((other.status.as_u16(), &other.body["scimType"]), (400, &json!("invalidFilter")));
    let path = format!("{BASE_PATH}/Users");
    let wrong = call(&cloud, Some("Bearer wrong"), "GET", &path, None).await;
    assert_eq!((wrong.status.as_u16(), &wrong.body["status"]), (401, &json!("401")));
    assert_eq!(call(&cloud, None, "GET", &path, None).await.status, 401);
    let stranger =
        call(&cloud, Some(crate::testing::ADMIN), "GET", "/scim/directory/other/Users", None).await;
    assert_eq!(stranger.status, 403);
}

#[tokio::test]
async fn put_empties_what_is_left_out_and_patch_leaves_it() {
    let cloud = start();
    let id = user(&cloud, "ada").await;
    let path = format!("/Users/{id}");
    let off = json!([{ "op": "replace", "path": "active", "value": false }]);
    let patched = ask(&cloud, "PATCH", &path, Some(patch(&off))).await;
    assert_eq!((&patched.body["active"], &patched.body["title"]), (&json!(false), &json!("Engineer")));
    let mut body = person("ada");
    body.as_object_mut().unwrap().remove("title");
    let put = ask(&cloud, "PUT", &path, Some(body)).await;
    assert_eq!(
        (&put.body["active"], &put.body["title"]),
        (&json!(true), &Value::Null),
        "active is the default"
    );
}

#[tokio::test]
async fn deleted_user_is_gone_and_made_anew_is_another() {
    let cloud = start();
    let id = user(&cloud, "ada").await;
    assert_eq!(ask(&cloud, "DELETE", &format!("/Users/{id}"), None).await.status, 204);
    for method in ["GET", "DELETE"] {
        assert_eq!(ask(&cloud, method, &format!("/Users/{id}"), None).await.status, 404);
    }
    assert_ne!(user(&cloud, "ada").await, id);
}

#[tokio::test]
async fn lists_lag_behind_and_reading_by_identifier_does_not() {
    let cloud = with(Quirks::default());
    let id = user(&cloud, "ada").await;
    let filter = "/Users?filter=userName%20eq%20%22ada%22";
    assert_eq!(ask(&cloud, "GET", filter, None).await.body["totalResults"], 0);
    assert_eq!(ask(&cloud, "GET", &format!("/Users/{id}"), None).await.status, 200);
    assert_eq!(
        ask(&cloud, "POST", "/Users", Some(person("ada"))).await.status,
        409,
        "uniqueness does not lag"
    );
    tokio::time::sleep(Quirks::default().lag).await;
    assert_eq!(ask(&cloud, "GET", filter, None).await.body["totalResults"], 1);
}

#[tokio::test]
async fn address_of_an_account_elsewhere_is_joined_by_a_new_user_and_refused_to_another() {
    let cloud = start();
    let id = user(&cloud, "ada").await;
    let change = json!({ "foreign_emails": ["new@example.com"] });
    call(&cloud, None, "POST", "/_sandbox/organization", Some(change)).await;
    let mut body = person("ada");
    body["emails"][0]["value"] = json!("new@example.com");
    assert_eq!(ask(&cloud, "PUT", &format!("/Users/{id}"), Some(body.clone())).await.status, 409);
    body["userName"] = json!("new");
    assert_eq!(ask(&cloud, "POST", "/Users", Some(body)).await.status, 201);
}
