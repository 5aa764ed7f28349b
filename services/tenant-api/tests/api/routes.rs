//! The walk along every route of the document: nobody gets in without a credential, with a wrong one, with
//! another tenant's, or with another tenant's ids.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Answer, Api, OPERATOR, PUBLIC_URL, text};
use crate::organization::{Organization, add_group, add_user, definition, sign_in_body, site_body};

on_both!(
    no_route_opens_without_its_own_tenants_credential,
    no_route_reaches_another_tenants_objects,
    no_cursor_leads_into_another_tenant,
    every_route_opens_to_its_own_tenant,
    the_router_serves_what_the_document_says_and_nothing_else,
    every_example_of_the_document_is_taken,
);

/// One operation of the document.
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) path: String,
    /// Names in the path's braces, the tenant's left out.
    ids: Vec<String>,
    /// Names of required parameters of the query.
    query: Vec<String>,
    /// Whether it answers in pages.
    is_paged: bool,
}

/// Every operation that the document lists.
pub(crate) fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&tenant_api::openapi_json()).unwrap();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let names = |place: &str| {
                let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
                let mut names = Vec::new();
                for parameter in &parameters {
                    if parameter["in"] == place && parameter["required"] == true {
                        names.push(text(parameter, "name"));
                    }
                }
                names
            };
            operations.push(Operation {
                id: text(operation, "operationId"),
                method: method.clone(),
                path: path.clone(),
                ids: names("path").into_iter().filter(|name| name != "tenant").collect(),
                query: names("query"),
                is_paged: operation["parameters"].to_string().contains("\"cursor\""),
            });
        }
    }
    assert!(operations.len() > 30);
    operations
}

impl Operation {
    fn in_tenant(&self) -> bool {
        self.path.starts_with("/v1/tenants/{tenant}")
    }

    /// All names by which another tenant's object can be put into the address.
    fn references(&self) -> Vec<&str> {
        self.ids.iter().chain(&self.query).map(String::as_str).collect()
    }

    /// The address in `tenant`, where the object of each name is the one of the organization that `of` gives.
    pub(crate) fn path_of<'a>(&self, tenant: &Organization, of: &dyn Fn(&str) -> &'a Organization) -> String {
        let mut path = self.path.replace("{tenant}", &tenant.tenant.id);
        for name in &self.ids {
            path = path.replace(&format!("{{{name}}}"), object(of(name), name));
        }
        assert!(!path.contains('{'), "{path} has a parameter without a value");
        for (index, name) in self.query.iter().enumerate() {
            let separator = if index == 0 { '?' } else { '&' };
            path = format!("{path}{separator}{name}={}", object(of(name), name));
        }
        path
    }
}

/// The organization's object that a parameter names. A parameter that is not here needs a case.
fn object<'a>(organization: &'a Organization, name: &str) -> &'a str {
    match name {
        "key" => &organization.key,
        "break_glass" => &organization.break_glass,
        "connection" | "connection_id" => &organization.connection,
        "token" => &organization.token,
        "setup_link" => &organization.setup_link,
        "site" => &organization.site,
        "link" => &organization.link,
        "run" => &organization.run,
        "schema" => &organization.schema,
        "user" => &organization.user,
        "group" => &organization.group,
        "account" => &organization.account,
        unknown => panic!("no test has an object for the parameter {unknown}"),
    }
}

/// A body with which the operation succeeds; `unique` keeps those apart that must differ.
pub(crate) fn valid_body(id: &str, organization: &Organization, unique: &str) -> Option<Value> {
    let unique = unique.to_lowercase();
    match id {
        "create_tenant" => Some(json!({"slug": format!("new-{unique}"), "name": "New"})),
        "break_glass" => Some(json!({"reason": "somebody, for something"})),
        "create_key" => Some(json!({"name": "new", "role": "auditor"})),
        "replace_sign_in" => Some(sign_in_body(&organization.issuer)),
        "start_sign_in" => Some(json!({"tenant": organization.tenant.slug})),
        "create_connection" => Some(json!({"name": "new", "provider": "okta"})),
        "create_token" => Some(json!({"name": "new"})),
        "create_site" => Some(site_body("new")),
        "create_link" => {
            Some(json!({"connection_id": organization.connection, "site_id": organization.site}))
        }
        "update_connection" | "update_site" | "update_tenant" => Some(json!({"name": unique})),
        "update_link" => Some(json!({"precedence": 1})),
        "create_schema" => Some(json!({"resource_type": "user", "definition": definition(&unique)})),
        "replace_schema" => Some(json!({"definition": definition("badge")})),
        "create_run" => Some(json!({})),
        "answer_conflict" => Some(json!({"answer": "another_person", "username": format!("ada-{unique}")})),
        "relink_user" => Some(json!({"account_id": organization.account, "take_over": true})),
        "merge_accounts" => Some(json!({"from": organization.spare_account})),
        _ => None,
    }
}

/// Whether an operation asks for no credential: it is how one is come by. `sign_in.rs` says what it asks for.
pub(crate) fn is_public(id: &str) -> bool {
    matches!(id, "start_sign_in" | "finish_sign_in")
}

/// Whether an operation is about the session that was sent. `sign_in.rs` has tests of it.
pub(crate) fn is_of_session(id: &str) -> bool {
    matches!(id, "rotate_session" | "end_session")
}

/// Whether an operation settles something about a user or account, so that it cannot be called for them again.
pub(crate) fn is_done_once(id: &str) -> bool {
    matches!(id, "get_conflict" | "answer_conflict" | "merge_accounts" | "split_user")
}

async fn call(api: &Api, operation: &Operation, path: &str, of: &Organization, by: Option<&str>) -> Answer {
    let mut call = api.call(&operation.method, path);
    if let Some(credential) = by {
        call = call.by(credential);
    }
    if let Some(body) = valid_body(&operation.id, of, "walk") {
        call = call.json(body);
    }
    call.send().await
}

/// Two tenants that differ in nothing but their slugs: names and providers are the same.
async fn two(api: &Api) -> (Organization, Organization) {
    (Organization::at_work(api, "acme").await, Organization::at_work(api, "zenith").await)
}

async fn no_route_opens_without_its_own_tenants_credential(api: Api) {
    let (own, other) = two(&api).await;
    let expired = json!({"name": "short", "role": "owner", "expires_at": "2026-01-01T00:00:01Z"});
    let expired = text(&own.tenant.make(&api, "/keys", expired).await, "key");
    let revoked = own.tenant.make(&api, "/keys", json!({"name": "gone", "role": "owner"})).await;
    let path = own.tenant.path(&format!("/keys/{}", text(&revoked, "id")));
    api.delete(&path).by(&own.tenant.owner).send().await.expect(204);
    api.clock.advance(Duration::from_secs(1));
    let changes = (own.tenant.changes(&api).await, other.tenant.changes(&api).await);

    let wrong = [
        "rollcall_key_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        own.scim_token.clone(),
        expired,
        text(&revoked, "key"),
        "eyJhbGciOiJub25lIn0.e30.".to_owned(),
        OPERATOR.to_uppercase(),
    ];
    let mut refusals = BTreeSet::new();
    for operation in operations() {
        if is_public(&operation.id) {
            continue;
        }
        let path = operation.path_of(&own, &|_| &own);
        let what = format!("{} {}", operation.method, operation.path);
        let mut refused = async |credential: Option<&str>| {
            let answer = call(&api, &operation, &path, &own, credential).await;
            assert_eq!(answer.status, 401, "{what} by {credential:?}");
            assert_eq!(answer.header("www-authenticate"), "Bearer", "{what}");
            refusals.insert(answer.body.to_string());
        };
        refused(None).await;
        for credential in &wrong {
            refused(Some(credential)).await;
        }
        if operation.in_tenant() {
            for credential in [&other.tenant.owner, &other.tenant.admin, &other.tenant.auditor] {
                let answer = call(&api, &operation, &path, &own, Some(credential)).await;
                assert_eq!(answer.status, 404, "{what} by another tenant");
                let by_slug = path.replace(&own.tenant.id, &own.tenant.slug);
                let by_slug = call(&api, &operation, &by_slug, &own, Some(credential)).await;
                let nobody = path.replace(&own.tenant.id, "nobody");
                let nobody = call(&api, &operation, &nobody, &own, Some(credential)).await;
                assert_eq!(answer.body, by_slug.body, "{what}");
                assert_eq!(answer.body, nobody.body, "{what}: another's tenant is as unknown as none");
            }
        } else {
            let answer = call(&api, &operation, &path, &own, Some(&other.tenant.owner)).await;
            let expected = match operation.id.as_str() {
                "list_tenants" | "create_tenant" => 403,
                // It is about the key that was sent, and nobody's tenant.
                "create_access_token" | "who_am_i" => 200,
                "create_session" => 201,
                // A key is no session.
                "rotate_session" | "end_session" => 401,
                new => panic!("{new} is outside any tenant and has no case"),
            };
            assert_eq!(answer.status.as_u16(), expected, "{what} by a tenant's owner");
        }
    }
    assert_eq!(refusals.len(), 1, "a refusal tells nothing: {refusals:?}");
    let after = (own.tenant.changes(&api).await, other.tenant.changes(&api).await);
    // The other's owner signed in, with a key of its own.
    assert_eq!(after, (changes.0, changes.1 + 1), "nothing was changed");
}

async fn no_route_reaches_another_tenants_objects(api: Api) {
    let (own, other) = two(&api).await;
    own.tenant.break_glass(&api).await;
    let changes = (own.tenant.changes(&api).await, other.tenant.changes(&api).await);
    let mut reached = 0;
    for operation in operations() {
        let names = operation.references();
        // Each way to put at least one of the other's objects beside our own.
        for choice in 1..(1_usize << names.len()) {
            let of = |name: &str| {
                let index = names.iter().position(|other| *other == name).unwrap();
                if choice & (1 << index) == 0 { &own } else { &other }
            };
            let path = operation.path_of(&own, &of);
            for credential in [&own.tenant.owner, OPERATOR] {
                let answer = call(&api, &operation, &path, &own, Some(credential)).await;
                assert_eq!(answer.status, 404, "{} {path}", operation.method);
                assert!(!answer.body.to_string().contains("Oracle IDCS"), "{answer:?}");
            }
            reached += 1;
        }
    }
    assert!(reached > 25, "only {reached} addresses were tried");

    // References in bodies are the other way in.
    for (connection, site, field) in [
        (&other.connection, &own.site, vec!["connection_id"]),
        (&own.connection, &other.site, vec!["site_id"]),
        (&other.connection, &other.site, vec!["connection_id", "site_id"]),
    ] {
        let body = json!({"connection_id": connection, "site_id": site});
        let refused = api.post(&own.tenant.path("/links"), body).by(&own.tenant.owner).send().await;
        assert_eq!(refused.fields(422), field);
    }
    let site = own.tenant.path(&format!("/sites/{}", own.site));
    let relink = json!({"account_id": other.account});
    let path = format!("{site}/users/{}/account", own.user);
    api.call("put", &path).json(relink).by(&own.tenant.owner).send().await.expect(404);
    let merge = json!({"from": other.account});
    let path = format!("{site}/accounts/{}/merge", own.account);
    api.post(&path, merge).by(&own.tenant.owner).send().await.expect(404);
    let confirm = json!({"user_ids": [other.user]});
    let confirmed = api.post(&format!("{site}/conflicts"), confirm).by(&own.tenant.owner).send().await;
    assert_eq!(confirmed.expect(200)["confirmed"], 0);
    let after = (own.tenant.changes(&api).await, other.tenant.changes(&api).await);
    assert_eq!(after, (changes.0 + 1, changes.1), "nothing was changed but our own audit log");
}

/// A place in one tenant's list is none in another's: whoever shows it there sees their own, or is refused.
async fn no_cursor_leads_into_another_tenant(api: Api) {
    let (mut own, mut other) = two(&api).await;
    for organization in [&mut own, &mut other] {
        let store = api.tenant(&organization.tenant.id);
        for name in ["grace", "mary"] {
            add_user(&store, &organization.connection, name).await;
            add_group(&store, &organization.connection, name, &["somebody", "nobody"]).await;
            organization.tenant.site(&api, name).await;
            organization.meet_another(&api).await;
        }
    }
    let mut tried = 0;
    let is_list = |operation: &Operation| operation.method == "get" && operation.is_paged;
    let lists = operations().into_iter().filter(|operation| operation.in_tenant() && is_list(operation));
    for operation in lists {
        let page = async |of: &Organization, cursor: &str| {
            let path = operation.path_of(of, &|_| of);
            let separator = if path.contains('?') { '&' } else { '?' };
            let path = format!("{path}{separator}limit=1{cursor}");
            api.get(&path).by(&of.tenant.owner).send().await
        };
        let first = page(&own, "").await.expect(200);
        let Some(cursor) = first["next_cursor"].as_str() else { continue };
        let shown = page(&other, &format!("&cursor={cursor}")).await;
        assert!(matches!(shown.status.as_u16(), 200 | 400), "{}: {shown:?}", operation.id);
        let own_next = page(&own, &format!("&cursor={cursor}")).await.expect(200);
        for item in own_next["items"].as_array().into_iter().flatten() {
            let id = item["id"].as_str().or_else(|| item["object_id"].as_str()).unwrap_or(&own.tenant.id);
            assert!(!shown.text.contains(id), "{} shows another's", operation.id);
        }
        tried += 1;
    }
    assert!(tried >= 6, "only {tried} lists had a second page");
}

/// The counterpart: the same calls succeed where they should, so the refusals above mean something.
async fn every_route_opens_to_its_own_tenant(api: Api) {
    let (mut own, other) = two(&api).await;
    let before = other.tenant.changes(&api).await;
    // Making a link needs ends that are not linked yet.
    let mut unlinked = Organization::new(&api, "third").await;
    let all = operations();
    let (deletes, rest): (Vec<_>, Vec<_>) = all.iter().partition(|operation| operation.method == "delete");
    for operation in rest.into_iter().chain(deletes) {
        if is_public(&operation.id) || is_of_session(&operation.id) {
            continue;
        }
        if is_done_once(&operation.id) {
            own.meet_another(&api).await;
        }
        let path = operation.path_of(&own, &|_| &own);
        let by = if matches!(
            operation.id.as_str(),
            "list_tenants" | "create_tenant" | "update_tenant" | "break_glass"
        ) {
            OPERATOR
        } else {
            &own.tenant.owner
        };
        if operation.id == "create_link" {
            unlinked.connection = own.tenant.connection(&api, "Okta").await;
            unlinked.site = own.site.clone();
        }
        let of = if operation.id == "create_link" { &unlinked } else { &own };
        let answer = call(&api, operation, &path, of, Some(by)).await;
        assert!(answer.status.is_success(), "{} {path}: {answer:?}", operation.method);
        assert_eq!(answer.text.is_empty(), answer.status == 204, "{answer:?}");
        let names_other = answer.text.contains(&other.tenant.id);
        assert!(!names_other || operation.id == "list_tenants", "{answer:?}");
    }
    assert_eq!(other.tenant.changes(&api).await, before, "the other tenant was left alone");
}

async fn the_router_serves_what_the_document_says_and_nothing_else(api: Api) {
    let documented: BTreeSet<String> = operations().into_iter().map(|operation| operation.path).collect();
    // axum shows its routes in its debug output, and nowhere else.
    let shown = format!("{:?}", api.router);
    let served: BTreeSet<String> = shown
        .split("RouteId(")
        .filter_map(|part| part.split_once("): \"")?.1.split('"').next())
        .filter(|path| path.starts_with("/v1/") && !path.contains("__private__axum") && *path != "/v1/")
        .map(str::to_owned)
        .collect();
    assert!(served.is_superset(&documented), "the routes can be read: {served:?}");
    let more: Vec<&String> = served.difference(&documented).collect();
    assert_eq!(more, ["/v1/docs", "/v1/openapi.json"], "served, but not documented");

    let own = Organization::at_work(&api, "acme").await;
    let all = operations();
    for operation in &all {
        let path = operation.path_of(&own, &|_| &own);
        for method in ["get", "post", "put", "patch", "delete"] {
            if all.iter().any(|other| other.path == operation.path && other.method == method) {
                continue;
            }
            let answer = api.call(method, &path).by(&own.tenant.owner).send().await;
            assert_eq!(answer.status, 405, "{method} {}", operation.path);
            assert!(!answer.header("allow").is_empty(), "{method} {}", operation.path);
        }
    }
    for path in ["/v1", "/v1/", "/v1/nothing", "/v1/tenants/acme/nothing", "/v1/tenants/acme/sites/"] {
        api.get(path).by(OPERATOR).send().await.expect(404);
    }
    let served = api.get("/v1/openapi.json").send().await.expect(200);
    assert_eq!(served, serde_json::from_str::<Value>(&tenant_api::openapi_json()).unwrap());
    let docs = api.get("/v1/docs").send().await;
    assert!(docs.header("content-type").starts_with("text/html"));
    assert!(docs.header("content-security-policy").starts_with("default-src 'none'"));
    assert!(PUBLIC_URL.ends_with('/'), "a base with a path and a slash is the harder case");
}

/// The examples as they are, but for ids, which are this organization's.
async fn every_example_of_the_document_is_taken(api: Api) {
    let mut own = Organization::at_work(&api, "acme").await;
    own.tenant.break_glass(&api).await;
    let mut sent = 0;
    for operation in operations() {
        let Some(mut body) = tenant_api::examples::body(&operation.id) else { continue };
        if operation.id == "finish_sign_in" {
            // What it takes is what another gave.
            continue;
        }
        if operation.id == "replace_sign_in" {
            body["issuer"] = json!(own.issuer);
            body["token_issuer"] = Value::Null;
        }
        if is_done_once(&operation.id) {
            own.meet_another(&api).await;
        }
        let unlinked = own.tenant.connection(&api, "Another").await;
        for (field, id) in [
            ("connection_id", &unlinked),
            ("site_id", &own.site),
            ("account_id", &own.account),
            ("from", &own.spare_account),
        ] {
            if body.get(field).is_some() {
                body[field] = json!(id);
            }
        }
        for field in ["object_ids", "user_ids"] {
            if body.get(field).is_some() {
                body[field] = json!([own.user]);
            }
        }
        if operation.id == "create_tenant" {
            body["slug"] = json!("another");
        }
        if operation.id == "replace_schema" || operation.id == "create_schema" {
            // The organization has one of another name already.
            body["definition"]["id"] = json!(format!(
                "urn:acme:schemas:{}",
                if operation.id == "create_schema" { "new" } else { "badge" }
            ));
        }
        let path = operation.path_of(&own, &|_| &own);
        let answer = api.call(&operation.method, &path).by(OPERATOR).json(body).send().await;
        assert!(answer.status.is_success(), "{}: {answer:?}", operation.id);
        sent += 1;
    }
    assert!(sent > 20, "only {sent} were sent");
}
