use super::*;
use crate::schema::{ENTERPRISE_USER, GROUP, USER};

const BASE: &str = "https://scim.example/v2";

fn types() -> &'static ResourceTypes {
    ResourceTypes::standard()
}

#[test]
fn schemas_say_what_the_definitions_say() {
    let listed = schemas(BASE, types());
    let ids: Vec<&str> =
        listed["Resources"].as_array().unwrap().iter().map(|schema| schema["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [USER, ENTERPRISE_USER, GROUP]);
    assert_eq!(listed["totalResults"], 3);
    let user = schema(BASE, types(), &USER.to_uppercase()).unwrap();
    let attribute = |name: &str| {
        user["attributes"].as_array().unwrap().iter().find(|a| a["name"] == name).unwrap().clone()
    };
    assert_eq!(attribute("userName")["required"], true);
    assert_eq!(attribute("userName")["uniqueness"], "server");
    assert_eq!(attribute("password")["returned"], "never");
    assert_eq!(attribute("groups")["mutability"], "readOnly");
    assert_eq!(attribute("active")["type"], "boolean");
    assert_eq!(attribute("emails")["subAttributes"][0]["name"], "value");
    assert_eq!(user["meta"]["location"], format!("{BASE}/Schemas/{USER}"));
    assert_eq!(schema(BASE, types(), "urn:none"), None);
}

#[test]
fn every_attribute_has_what_rfc_7643_section_7_asks_for() {
    fn check(attribute: &Value) {
        for key in [
            "name",
            "type",
            "multiValued",
            "description",
            "required",
            "caseExact",
            "mutability",
            "returned",
            "uniqueness",
        ] {
            assert!(attribute.get(key).is_some(), "{attribute} lacks {key}");
        }
        assert_eq!(attribute["type"] == "complex", attribute.get("subAttributes").is_some(), "{attribute}");
        assert_eq!(
            attribute["type"] == "reference",
            attribute.get("referenceTypes").is_some(),
            "{attribute}"
        );
        for sub in attribute["subAttributes"].as_array().into_iter().flatten() {
            check(sub);
        }
    }
    for schema in schemas(BASE, types())["Resources"].as_array().unwrap() {
        schema["attributes"].as_array().unwrap().iter().for_each(check);
    }
}

#[test]
fn resource_types_name_their_schemas_and_unknown_ones_are_absent() {
    let user = resource_type(BASE, types(), "User").unwrap();
    assert_eq!(user["schema"], USER);
    assert_eq!(user["schemaExtensions"], serde_json::json!([{"schema": ENTERPRISE_USER, "required": false}]));
    assert_eq!(resource_types(BASE, types())["totalResults"], 2);
    assert!(resource_type(BASE, types(), "Group").unwrap().get("schemaExtensions").is_none());
    assert_eq!(resource_type(BASE, types(), "Device"), None);
}

#[test]
fn service_provider_config_follows_the_features() {
    let bulk = Some(BulkLimits { max_operations: 3, max_payload_size: 1_000 });
    let cursor =
        Some(CursorLimits { default_page_size: 2, max_page_size: 7, timeout: Duration::from_mins(1) });
    let features = Features { filter_max_results: 7, sort: true, bulk, cursor };
    let config = service_provider_config(BASE, &features);
    let pagination = serde_json::json!({
        "cursor": true, "index": true, "defaultPaginationMethod": "index",
        "defaultPageSize": 2, "maxPageSize": 7, "cursorTimeout": 60,
    });
    assert_eq!(config["pagination"], pagination);
    assert_eq!(service_provider_config(BASE, &Features::default()).get("pagination"), None);
    assert_eq!(config["filter"], serde_json::json!({"supported": true, "maxResults": 7}));
    assert_eq!(config["sort"]["supported"], true);
    assert_eq!(config["patch"]["supported"], true);
    let limits = serde_json::json!({"supported": true, "maxOperations": 3, "maxPayloadSize": 1_000});
    assert_eq!(config["bulk"], limits);
    let none = serde_json::json!({"supported": false, "maxOperations": 0, "maxPayloadSize": 0});
    assert_eq!(service_provider_config(BASE, &Features::default())["bulk"], none);
    assert_eq!(config["authenticationSchemes"][0]["type"], "oauthbearertoken");
    assert_eq!(service_provider_config(BASE, &Features::default())["sort"]["supported"], false);
}
