//! `/Groups`.

use serde_json::{Value, json};

use super::{ask, patch, start, user};
use crate::atlassian_cloud::AtlassianCloud;
use crate::{SimulatedSite, testing::call};

async fn group(cloud: &AtlassianCloud, name: &str) -> (u16, Value) {
    let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name });
    let answer = ask(cloud, "POST", "/Groups", Some(body)).await;
    (answer.status.as_u16(), answer.body)
}

#[tokio::test]
async fn members_are_added_and_removed_one_by_one() {
    let cloud = start();
    let (ada, bob) = (user(&cloud, "ada").await, user(&cloud, "bob").await);
    let (_, made) = group(&cloud, "team").await;
    let path = format!("/Groups/{}", made["id"].as_str().unwrap());
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": ada }, { "value": bob }] }]);
    for _ in 0..2 {
        let answer = ask(&cloud, "PATCH", &path, Some(patch(&add))).await;
        assert_eq!(answer.body["members"].as_array().unwrap().len(), 2);
    }
    let groups = ask(&cloud, "GET", &format!("/Users/{ada}"), None).await.body["groups"].clone();
    assert_eq!(groups[0]["display"], "team");
    let remove = json!([{ "op": "remove", "path": format!("members[value eq \"{ada}\"]") }]);
    let answer = ask(&cloud, "PATCH", &path, Some(patch(&remove))).await;
    assert_eq!(answer.body["members"][0]["value"], json!(bob));
}

#[tokio::test]
async fn removing_members_without_a_filter_empties_the_group() {
    let cloud = start();
    let (ada, bob) = (user(&cloud, "ada").await, user(&cloud, "bob").await);
    let (_, made) = group(&cloud, "team").await;
    let path = format!("/Groups/{}", made["id"].as_str().unwrap());
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": ada }, { "value": bob }] }]);
    ask(&cloud, "PATCH", &path, Some(patch(&add))).await;
    let remove = json!([{ "op": "remove", "path": "members", "value": [{ "value": ada }] }]);
    assert_eq!(ask(&cloud, "PATCH", &path, Some(patch(&remove))).await.body["members"], json!([]));
}

#[tokio::test]
async fn name_is_unique_in_the_whole_organization() {
    let cloud = start();
    let change = json!({ "local_groups": ["Admins"] });
    call(&cloud, None, "POST", "/_sandbox/organization", Some(change)).await;
    assert_eq!(group(&cloud, "team").await.0, 201);
    for name in ["team", "admins"] {
        let (status, body) = group(&cloud, name).await;
        assert_eq!((status, &body["scimType"]), (409, &json!("uniqueness")), "{name}");
    }
    let listed = ask(&cloud, "GET", "/Groups", None).await;
    assert_eq!(listed.body["totalResults"], 1, "a local group is not the directory's");
}

#[tokio::test]
async fn strangers_join_nothing_and_group_made_anew_is_another() {
    let cloud = start();
    let (_, made) = group(&cloud, "team").await;
    let path = format!("/Groups/{}", made["id"].as_str().unwrap());
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": "nobody" }] }]);
    assert_eq!(ask(&cloud, "PATCH", &path, Some(patch(&add))).await.status, 400);
    assert_eq!(ask(&cloud, "DELETE", &path, None).await.status, 204);
    assert_eq!(ask(&cloud, "PATCH", &path, Some(patch(&add))).await.status, 404);
    assert_ne!(group(&cloud, "team").await.1["id"], made["id"]);
    assert_eq!(cloud.state().groups.len(), 1);
}
