use serde_json::json;

use super::*;
use crate::schema::{ENTERPRISE_USER, USER, group, user};

fn resource() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE_USER],
        "id": "1",
        "userName": "anne",
        "name": {"givenName": "Anne", "familyName": "Ek"},
        "emails": [{"value": "a@x", "type": "work"}, {"type": "home"}],
        "password": "secret",
        ENTERPRISE_USER: {"department": "D", "manager": {"value": "2"}},
        "meta": {"resourceType": "User"},
    })
}

fn shown(attributes: Option<&str>, excluded: Option<&str>) -> Value {
    Projection::parse(attributes, excluded, user()).unwrap().apply(resource())
}

#[test]
fn only_the_named_and_the_always_returned_are_shown() {
    let expected = json!({"schemas": [USER, ENTERPRISE_USER], "id": "1", "userName": "anne"});
    assert_eq!(shown(Some("USERNAME"), None), expected);
    assert_eq!(shown(Some(" userName , nonsense"), None), expected);
    assert_eq!(shown(Some("urn:ietf:params:scim:schemas:core:2.0:User:userName"), None), expected);
}

#[test]
fn always_returned_attributes_cannot_be_excluded() {
    let answer = shown(None, Some("id,schemas,emails,meta"));
    assert_eq!(answer["id"], "1");
    assert!(answer.get("schemas").is_some());
    assert!(answer.get("emails").is_none() && answer.get("meta").is_none());
    assert_eq!(answer["userName"], "anne");
}

#[test]
fn never_returned_attributes_are_not_shown_even_when_named() {
    assert_eq!(shown(None, None).get("password"), None);
    assert_eq!(shown(Some("password"), None).get("password"), None);
    assert_eq!(shown(None, Some("emails")).get("password"), None);
}

#[test]
fn sub_attributes_can_be_named_and_excluded() {
    let named = shown(Some("name.givenName,emails.value"), None);
    assert_eq!(named["name"], json!({"givenName": "Anne"}));
    assert_eq!(
        named["emails"],
        json!([{"value": "a@x"}]),
        "an element without the sub-attribute is not shown"
    );
    let excluded = shown(None, Some("name.givenName"));
    assert_eq!(excluded["name"], json!({"familyName": "Ek"}));
    assert_eq!(shown(Some("name,name.givenName"), None)["name"], resource()["name"]);
}

#[test]
fn extensions_are_named_by_urn_whole_or_in_part() {
    assert_eq!(shown(Some(ENTERPRISE_USER), None)[ENTERPRISE_USER], resource()[ENTERPRISE_USER]);
    let part = shown(Some(&format!("{ENTERPRISE_USER}:department")), None);
    assert_eq!(part[ENTERPRISE_USER], json!({"department": "D"}));
    assert_eq!(shown(None, Some(ENTERPRISE_USER)).get(ENTERPRISE_USER), None);
    let manager = shown(None, Some(&format!("{}:MANAGER.value", ENTERPRISE_USER.to_uppercase())));
    assert_eq!(manager[ENTERPRISE_USER], json!({"department": "D"}));
}

#[test]
fn both_parameters_together_are_refused_and_empty_ones_say_nothing() {
    assert_eq!(Projection::parse(Some("id"), Some("emails"), user()).unwrap_err().status, 400);
    assert_eq!(shown(Some(""), Some("  ")), shown(None, None));
}

#[test]
fn excluded_members_need_not_be_read() {
    let wants =
        |attributes, excluded| Projection::parse(attributes, excluded, group()).unwrap().wants("members");
    assert!(wants(None, None));
    assert!(!wants(None, Some("members")));
    assert!(!wants(Some("displayName"), None));
    assert!(wants(Some("members.value"), None));
    assert!(wants(None, Some("members.display")));
}

#[test]
fn request_attributes_appear_only_when_named() {
    let mut on_request = user().clone();
    let mut schema = (*on_request.schema).clone();
    let title = schema.attributes.iter_mut().find(|attribute| attribute.name == "title").unwrap();
    title.returned = Returned::Request;
    on_request.schema = schema.into();
    let resource = json!({"id": "1", "title": "Boss", "userName": "anne"});
    let shown = |attributes, excluded| {
        Projection::parse(attributes, excluded, &on_request)
            .unwrap()
            .apply(resource.clone())
            .get("title")
            .is_some()
    };
    assert!(!shown(None, None));
    assert!(!shown(None, Some("userName")));
    assert!(shown(Some("title"), None));
}
