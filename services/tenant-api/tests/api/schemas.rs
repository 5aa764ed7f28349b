//! Schema extensions: what may be registered, what may change later, and what nobody loses.

use serde_json::{Value, json};
use store::directory::WriteContext;
use store::id::ConnectionId;
use store::users::UserWrite;

use crate::harness::{Api, text};
use crate::organization::{Organization, Tenant, definition};

on_both!(
    a_schema_is_registered_and_shown_with_every_characteristic,
    all_that_is_wrong_with_a_definition_is_named,
    a_urn_means_one_thing_in_a_tenant,
    a_definition_changes_at_the_version_that_was_read,
    data_of_a_schema_keeps_it_from_changing_what_the_data_is,
    a_schema_is_made_once_by_an_idempotency_key,
    the_audit_log_has_every_definition,
);

fn with(urn: &str, attributes: Value) -> Value {
    let mut definition = json!({"id": urn});
    definition["attributes"] = attributes;
    json!({"resource_type": "user", "definition": definition})
}

async fn refused(api: &Api, tenant: &Tenant, body: Value, status: u16) -> Value {
    api.post(&tenant.path("/schemas"), body).by(&tenant.admin).send().await.expect(status)
}

async fn put(api: &Api, path: &str, tenant: &Tenant, definition: Value) -> crate::harness::Answer {
    api.call("PUT", path).by(&tenant.admin).json(json!({"definition": definition})).send().await
}

async fn a_schema_is_registered_and_shown_with_every_characteristic(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let body =
        with("urn:acme:scim:2.0:Badge", json!([{"name": "level", "type": "integer", "required": true}]));
    let answer = api.post(&tenant.path("/schemas"), body).by(&tenant.admin).send().await;
    assert_eq!(answer.header("etag"), "W/\"1\"");
    let made = answer.expect(201);
    assert_eq!(made["resource_type"], "user");
    let expected = json!({
        "id": "urn:acme:scim:2.0:Badge", "name": "urn:acme:scim:2.0:Badge", "description": "",
        "attributes": [{
            "name": "level", "type": "integer", "multiValued": false, "description": "", "required": true,
            "caseExact": false, "mutability": "readWrite", "returned": "default", "uniqueness": "none",
        }],
    });
    assert_eq!(made["definition"], expected);
    let path = tenant.path(&format!("/schemas/{}", text(&made, "id")));
    assert_eq!(api.get(&path).by(&tenant.auditor).send().await.expect(200), made);
    let list = api.get(&tenant.path("/schemas")).by(&tenant.auditor).send().await.expect(200);
    assert_eq!(list, json!({"items": [made], "next_cursor": null}));
    for by in [&tenant.auditor, &tenant.owner] {
        let expected = if *by == tenant.owner { 204 } else { 403 };
        api.delete(&path).by(by).send().await.expect(expected);
    }
    api.get(&path).by(&tenant.auditor).send().await.expect(404);
}

async fn all_that_is_wrong_with_a_definition_is_named(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let urn = "urn:acme:badge";
    for (body, fields) in [
        (json!({"definition": definition("a")}), vec!["."]),
        (json!({"resource_type": "site", "definition": definition("a")}), vec!["resource_type"]),
        (json!({"resource_type": "user", "definition": definition("a"), "required": true}), vec!["required"]),
        (json!({"resource_type": "user", "definition": "urn:a"}), vec!["definition"]),
        (with("badge", json!([{"name": "a"}])), vec!["definition.id"]),
        (with(scim_user(), json!([{"name": "a"}])), vec!["definition.id"]),
        (
            with(urn, json!([{"name": "a.b", "type": "text"}, {"name": "c", "uniqueness": "server"}])),
            vec![
                "definition.attributes[0].name",
                "definition.attributes[0].type",
                "definition.attributes[1].uniqueness",
            ],
        ),
        (
            with(
                urn,
                json!([{"name": "a", "type": "complex", "subAttributes": [{"name": "b", "returned": "never"}]}]),
            ),
            vec!["definition.attributes[0].subAttributes[0].returned"],
        ),
    ] {
        let answer = api.post(&tenant.path("/schemas"), body.clone()).by(&tenant.admin).send().await;
        assert_eq!(answer.fields(422), fields, "{body}");
    }
    let list = api.get(&tenant.path("/schemas")).by(&tenant.auditor).send().await.expect(200);
    assert_eq!(list["items"], json!([]));
}

fn scim_user() -> &'static str {
    "urn:ietf:params:scim:schemas:core:2.0:user"
}

async fn a_urn_means_one_thing_in_a_tenant(api: Api) {
    let (tenant, other) = (Tenant::new(&api, "acme").await, Tenant::new(&api, "zenith").await);
    let body = |urn: &str| with(urn, json!([{"name": "level"}]));
    tenant.make(&api, "/schemas", body("urn:acme:Badge")).await;
    other.make(&api, "/schemas", body("urn:acme:Badge")).await;
    let taken = refused(&api, &tenant, body("URN:ACME:badge"), 409).await;
    assert!(text(&taken, "detail").contains("case does not count"), "{taken}");
    let ambiguous = refused(&api, &tenant, body("urn:acme:badge:level"), 409).await;
    assert!(text(&ambiguous, "detail").contains("attribute"), "{ambiguous}");
    for number in 1..store::schema_extensions::MAX_EXTENSIONS {
        tenant.make(&api, "/schemas", body(&format!("urn:acme:n{number}"))).await;
    }
    let many = refused(&api, &tenant, body("urn:acme:more"), 409).await;
    assert!(text(&many, "detail").contains("20"), "{many}");
}

async fn a_definition_changes_at_the_version_that_was_read(api: Api) {
    let own = Organization::new(&api, "acme").await;
    let path = own.tenant.path(&format!("/schemas/{}", own.schema));
    let mut changed = definition("badge");
    changed["description"] = json!("What opens doors");
    changed["attributes"] = json!([{"name": "level", "type": "integer"}, {"name": "colour"}]);
    let call = |tag: &str| {
        api.call("PUT", &path)
            .by(&own.tenant.admin)
            .header("if-match", tag)
            .json(json!({"definition": changed}))
    };
    let answer = call("W/\"1\"").send().await;
    assert_eq!(answer.header("etag"), "W/\"2\"");
    assert_eq!(answer.expect(200)["definition"]["attributes"][1]["name"], "colour");
    call("W/\"1\"").send().await.expect(412);
    let elsewhere = put(&api, &path, &own.tenant, definition("BADGE")).await;
    assert_eq!(elsewhere.fields(422), ["definition.id"], "documents have the URN as it was spelled");
    let delete = |tag: &str| api.delete(&path).by(&own.tenant.admin).header("if-match", tag);
    delete("W/\"1\"").send().await.expect(412);
    delete("W/\"2\"").send().await.expect(204);
    put(&api, &path, &own.tenant, definition("badge")).await.expect(404);
}

async fn data_of_a_schema_keeps_it_from_changing_what_the_data_is(api: Api) {
    let own = Organization::new(&api, "acme").await;
    let path = own.tenant.path(&format!("/schemas/{}", own.schema));
    let of = |attributes: Value| {
        let mut definition = definition("badge");
        definition["attributes"] = attributes;
        definition
    };
    // Nobody holds any yet.
    put(&api, &path, &own.tenant, of(json!([{"name": "level"}]))).await.expect(200);
    put(&api, &path, &own.tenant, definition("badge")).await.expect(200);
    let users = api.tenant(&own.tenant.id).users(own.connection.parse::<ConnectionId>().unwrap());
    let document = json!({"userName": "bea", "urn:acme:schemas:badge": {"level": 7}});
    let write = UserWrite { document, summary: "Created".into(), detail: None };
    let context = WriteContext { request_id: "a-request".into(), trace_context: None };
    let bea = users.insert(write, &context).await.unwrap().id;

    let changed = of(json!([{"name": "level", "multiValued": true}]));
    let refused = put(&api, &path, &own.tenant, changed.clone()).await.expect(409);
    let detail = text(&refused, "detail");
    assert!(detail.contains("level has another type") && detail.contains("level is multiValued"), "{detail}");
    put(&api, &path, &own.tenant, of(json!([{"name": "Level", "type": "integer"}]))).await.expect(409);
    api.delete(&path).by(&own.tenant.admin).send().await.expect(409);
    let described = of(json!([{"name": "level", "type": "integer", "required": true}, {"name": "colour"}]));
    put(&api, &path, &own.tenant, described).await.expect(200);

    users.delete(bea, &context, |_| Ok::<_, std::convert::Infallible>(())).await.unwrap();
    put(&api, &path, &own.tenant, changed).await.expect(200);
    api.delete(&path).by(&own.tenant.admin).send().await.expect(204);
}

async fn a_schema_is_made_once_by_an_idempotency_key(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let body = json!({"resource_type": "group", "definition": definition("badge")});
    let call = || {
        let call = api.post(&tenant.path("/schemas"), body.clone()).by(&tenant.admin);
        call.header("idempotency-key", "k").send()
    };
    let made = call().await.expect(201);
    let again = call().await;
    assert_eq!((again.header("idempotency-replayed"), again.header("etag")), ("true", "W/\"1\""));
    assert_eq!(again.expect(201), made);
}

async fn the_audit_log_has_every_definition(api: Api) {
    let own = Organization::new(&api, "acme").await;
    let path = own.tenant.path(&format!("/schemas/{}", own.schema));
    put(&api, &path, &own.tenant, definition("badge")).await.expect(200);
    api.delete(&path).by(&own.tenant.admin).send().await.expect(204);
    let log = api.get(&own.tenant.path("/audit")).by(&own.tenant.auditor).send().await.expect(200);
    let of_schemas: Vec<&Value> = log["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["object_id"] == own.schema.as_str())
        .collect();
    let actions: Vec<String> = of_schemas.iter().rev().map(|entry| text(entry, "action")).collect();
    let mut sorted = actions.clone();
    sorted.sort();
    assert_eq!(sorted, ["schema.create", "schema.delete", "schema.update"]);
    for entry in of_schemas {
        assert_eq!(entry["detail"]["definition"]["id"], "urn:acme:schemas:badge", "{entry}");
    }
}
