//! Requests derived from the discovery documents: what `/Schemas` and `/ServiceProviderConfig` say is what runs
//! (RFC 7643 §5, §7).

use http::StatusCode;
use scim_protocol::schema::Schema;
use serde_json::{Map, Value, json};
use store::entity::words::ObjectKind;

use crate::asking::names;
use crate::harness::{Edge, Idp, patch_op};
use crate::rules;

rules!(s76_every_schema_is_true_of_what_runs, s76_every_advertised_feature_runs);

/// A schema's attribute or sub-attribute, as `/Schemas` describes it.
#[derive(Clone)]
struct Described {
    /// As it stands in a path: `name`, `name.givenName`, `urn:…:User:department`.
    path: String,
    /// As it stands in a document, for [`Value::pointer`].
    pointer: String,
    definition: Value,
}

impl Described {
    fn is(&self, what: &str, value: &str) -> bool {
        self.definition[what] == value
    }

    fn name(&self) -> &str {
        self.definition["name"].as_str().unwrap()
    }

    fn is_list(&self) -> bool {
        self.definition["multiValued"] == true
    }

    fn subs(&self) -> Vec<Self> {
        let of = |sub: &Value| {
            let name = sub["name"].as_str().unwrap();
            Self {
                path: format!("{}.{name}", self.path),
                pointer: format!("{}/{name}", self.pointer),
                definition: sub.clone(),
            }
        };
        self.definition["subAttributes"].as_array().into_iter().flatten().map(of).collect()
    }
}

/// A resource type as discovery describes it.
struct Kind {
    name: String,
    endpoint: String,
    schemas: Vec<String>,
    attributes: Vec<Described>,
}

async fn kinds(idp: &Idp) -> Vec<Kind> {
    let mut kinds = Vec::new();
    for kind in idp.read("/ResourceTypes").await["Resources"].as_array().unwrap() {
        let core = kind["schema"].as_str().unwrap();
        let extensions = kind["schemaExtensions"].as_array().into_iter().flatten();
        let mut schemas = vec![core.to_owned()];
        schemas.extend(extensions.map(|extension| extension["schema"].as_str().unwrap().to_owned()));
        let mut attributes = Vec::new();
        for urn in &schemas {
            let schema = idp.read(&format!("/Schemas/{urn}")).await;
            for definition in schema["attributes"].as_array().unwrap() {
                let name = definition["name"].as_str().unwrap();
                let (path, pointer) = if urn == core {
                    (name.to_owned(), format!("/{name}"))
                } else {
                    (format!("{urn}:{name}"), format!("/{urn}/{name}"))
                };
                attributes.push(Described { path, pointer, definition: definition.clone() });
            }
        }
        kinds.push(Kind {
            name: kind["name"].as_str().unwrap().to_owned(),
            endpoint: kind["endpoint"].as_str().unwrap().to_owned(),
            schemas,
            attributes,
        });
    }
    kinds
}

/// Makes values that differ from number to number. What refers to a resource refers to `target`.
struct Samples<'a> {
    number: usize,
    target: &'a str,
}

impl Samples<'_> {
    /// A value of an attribute as a whole.
    fn of(&self, attribute: &Described) -> Value {
        let one = self.element(attribute);
        if attribute.is_list() { json!([one]) } else { one }
    }

    fn element(&self, attribute: &Described) -> Value {
        let (name, number) = (attribute.name(), self.number);
        match attribute.definition["type"].as_str().unwrap() {
            "string" => json!(format!("{name} É {number}")),
            "boolean" => json!(number % 2 == 0),
            "integer" => json!(number),
            "decimal" => json!(0.5 + f64::from(u32::try_from(number).unwrap())),
            "dateTime" => json!(format!("2026-01-31T12:00:{:02}Z", number % 60)),
            "binary" => json!(format!("QUJ{}", ["D", "E", "F"][number % 3])),
            "reference" => json!(format!("https://acme.example/É/{number}")),
            "complex" => self.object(attribute),
            other => unreachable!("an unknown type {other}"),
        }
    }

    fn object(&self, attribute: &Described) -> Value {
        // A member is whom its id names; the rest is filled by the server.
        if attribute.path == "members" {
            return json!({"value": self.target});
        }
        let written = attribute.subs().into_iter().filter(|sub| sub.is("mutability", "readWrite"));
        let pairs = written.map(|sub| (sub.name().to_owned(), self.of(&sub)));
        Value::Object(pairs.collect::<Map<_, _>>())
    }

    /// A body of all attributes that a client writes.
    fn body(&self, kind: &Kind) -> Value {
        let mut body = json!({"schemas": kind.schemas});
        for attribute in &kind.attributes {
            if attribute.is("mutability", "readWrite") || attribute.is("mutability", "writeOnly") {
                put(&mut body, &attribute.pointer, self.of(attribute));
            }
        }
        body
    }
}

/// Puts a value at a pointer of at most two steps.
fn put(body: &mut Value, pointer: &str, value: Value) {
    let steps: Vec<&str> = pointer.trim_start_matches('/').split('/').collect();
    match steps[..] {
        [name] => body[name] = value,
        [holder, name] => body[holder][name] = value,
        _ => unreachable!("{pointer} is too deep"),
    }
}

fn take(body: &mut Value, pointer: &str) {
    let (holder, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(holder).unwrap().as_object_mut().unwrap().shift_remove(name);
}

/// What a client writes is read back, and the answer shows no more than the schemas describe.
fn assert_shown(kind: &Kind, sent: &Value, shown: &Value) {
    for attribute in &kind.attributes {
        let (given, found) = (sent.pointer(&attribute.pointer), shown.pointer(&attribute.pointer));
        let place = &attribute.path;
        if attribute.is("returned", "never") || attribute.is("mutability", "readOnly") {
            assert_eq!(found, None, "{place}");
        } else if attribute.path == "members" {
            assert_eq!(found.unwrap()[0]["value"], given.unwrap()[0]["value"]);
        } else {
            assert_eq!(found, given, "{place}");
        }
    }
    let mut known: Vec<String> = ["schemas", "id", "externalId", "meta"].map(str::to_owned).to_vec();
    known.extend(kind.schemas.iter().cloned());
    known.extend(kind.attributes.iter().map(|attribute| attribute.name().to_owned()));
    for name in names(shown) {
        assert!(known.iter().any(|known| known == name), "{name} is described nowhere");
    }
}

/// A schema of a tenant's own with an attribute of each type, alone and in a list.
fn of_every_type() -> Schema {
    let types = ["string", "boolean", "decimal", "integer", "dateTime", "binary", "reference", "complex"];
    let attributes = types.into_iter().flat_map(|kind| {
        [false, true].map(|list| {
            let name = format!("{kind}{}", if list { "List" } else { "" });
            let mut attribute = json!({"name": name, "type": kind, "multiValued": list});
            if kind == "complex" {
                attribute["subAttributes"] = json!([{"name": "value"}, {"name": "level", "type": "integer"}]);
            }
            attribute
        })
    });
    let attributes: Vec<Value> = attributes.collect();
    let definition =
        json!({"id": "urn:acme:scim:schemas:2.0:Every", "name": "Every", "attributes": attributes});
    Schema::from_definition(&definition).unwrap()
}

async fn s76_every_schema_is_true_of_what_runs(edge: Edge) {
    let tenant = edge.store.tenants().insert("acme", "Acme").await.unwrap().id;
    for kind in [ObjectKind::User, ObjectKind::Group] {
        let mut schema = of_every_type();
        schema.id = format!("{}{kind:?}", schema.id);
        edge.store.tenant(tenant).schema_extensions().insert(kind, &schema).await.unwrap();
    }
    for strict in [false, true] {
        let idp = edge.idp_of(tenant, strict).await;
        let target = idp.user("target").await;
        for kind in kinds(&idp).await {
            let samples = Samples { number: 2, target: &target };
            let body = samples.body(&kind);
            let created = idp.post(&kind.endpoint, body.clone()).await;
            let path = format!("{}/{}", kind.endpoint, created.created());
            assert_eq!(created.body["schemas"], json!(kind.schemas));
            assert_eq!(created.body["meta"]["resourceType"], kind.name);
            assert_shown(&kind, &body, &created.body);
            assert_eq!(idp.read(&path).await, created.body);
            assert_eq!(idp.put(&path, body.clone()).await.ok(), created.body, "a PUT of the same");
            asked_for(&idp, &kind, &created.body).await;
            shown_alone(&idp, &kind, &path, &created.body).await;
            changed(&idp, &kind, &path, &target).await;
            let present = idp.read(&path).await;
            refused(&idp, &kind, &present).await;
        }
    }
}

/// Every attribute answers `pr` and `eq`, by the case rules that its schema says.
async fn asked_for(idp: &Idp, kind: &Kind, resource: &Value) {
    let id = resource["id"].as_str().unwrap();
    for attribute in &kind.attributes {
        if attribute.is("returned", "never") {
            idp.find(&kind.endpoint, &format!("{} pr", attribute.path)).await.refused(403, "sensitive");
            continue;
        }
        let Some(value) = resource.pointer(&attribute.pointer) else { continue };
        let element = if attribute.is_list() { &value[0] } else { value };
        let mut leaves = vec![(attribute.clone(), element.clone(), None)];
        if attribute.is("type", "complex") {
            let inner = |sub: Described| {
                let value = element.get(sub.name())?.clone();
                let brackets = format!("{}[{} eq {value}]", attribute.path, sub.name());
                Some((sub, value, Some(brackets)))
            };
            leaves = attribute.subs().into_iter().filter_map(inner).collect();
        }
        for (leaf, value, brackets) in leaves {
            let equal = format!("{} eq {value}", leaf.path);
            for filter in [format!("{} pr", leaf.path), equal.clone()].into_iter().chain(brackets) {
                let found = idp.find(&kind.endpoint, &filter).await.ids();
                assert!(found.iter().any(|found| found == id), "{filter}");
            }
            let absent = idp.find(&kind.endpoint, &format!("not ({} pr)", leaf.path)).await.ids();
            assert!(absent.iter().all(|found| found != id), "{}", leaf.path);
            if !value.is_string() || leaf.is("type", "dateTime") {
                continue;
            }
            let text = value.to_string();
            let lower = text.to_lowercase();
            let other_case = if text == lower { text.to_uppercase() } else { lower };
            let found = idp.find(&kind.endpoint, &format!("{} eq {other_case}", leaf.path)).await.ids();
            let ignores_case = leaf.definition["caseExact"] == false;
            assert_eq!(found.iter().any(|found| found == id), ignores_case, "{} eq {other_case}", leaf.path);
        }
    }
}

/// Every attribute can be chosen alone, and left out.
async fn shown_alone(idp: &Idp, kind: &Kind, path: &str, whole: &Value) {
    for attribute in &kind.attributes {
        let chosen = idp.read(&format!("{path}?attributes={}", attribute.path)).await;
        let mut expected = json!({"schemas": whole["schemas"], "id": whole["id"]});
        if let Some(value) = whole.pointer(&attribute.pointer) {
            put(&mut expected, &attribute.pointer, value.clone());
        }
        assert_eq!(chosen, expected, "{}", attribute.path);
        let without = idp.read(&format!("{path}?excludedAttributes={}", attribute.path)).await;
        let mut expected = whole.clone();
        if whole.pointer(&attribute.pointer).is_some() {
            take(&mut expected, &attribute.pointer);
        }
        // The version of a user says which groups it shows.
        assert_eq!(without, expected, "{}", attribute.path);
        for sub in attribute.subs() {
            let chosen = idp.read(&format!("{path}?attributes={}", sub.path)).await;
            let Some(value) = chosen.pointer(&attribute.pointer) else { continue };
            let element = if attribute.is_list() { &value[0] } else { value };
            assert_eq!(names(element), [sub.name()], "{}", sub.path);
        }
    }
}

/// Every attribute can be replaced, removed and added by PATCH as its mutability says.
async fn changed(idp: &Idp, kind: &Kind, path: &str, target: &str) {
    let samples = Samples { number: 3, target };
    for attribute in &kind.attributes {
        let before = idp.read(path).await;
        let value = samples.of(attribute);
        let at = |op: &str, value: &Value| json!([{"op": op, "path": attribute.path, "value": value}]);
        let place = &attribute.path;
        let remove = json!([{"op": "remove", "path": place}]);
        if attribute.is("mutability", "readOnly") {
            for operations in [at("add", &value), at("replace", &value), remove] {
                idp.patch(path, operations).await.refused(400, "mutability");
            }
            continue;
        }
        if attribute.is("returned", "never") {
            assert_eq!(idp.patch(path, at("replace", &value)).await.ok(), before, "{place}");
            continue;
        }
        let replaced = idp.patch(path, at("replace", &value)).await.ok();
        if attribute.path == "members" {
            assert_eq!(replaced["members"][0]["value"], target);
        } else {
            assert_eq!(replaced.pointer(&attribute.pointer), Some(&value), "{place}");
            assert_ne!(replaced["meta"]["version"], before["meta"]["version"], "{place}");
        }
        if attribute.definition["required"] == true {
            idp.patch(path, remove).await.refused(400, "mutability");
            continue;
        }
        assert_eq!(idp.patch(path, remove).await.ok().pointer(&attribute.pointer), None, "{place}");
        let added = idp.patch(path, at("add", &value)).await.ok();
        assert_eq!(added.pointer(&attribute.pointer), replaced.pointer(&attribute.pointer), "{place}");
        // A sub-attribute of a single value has a path of its own.
        for sub in attribute
            .subs()
            .into_iter()
            .filter(|sub| !attribute.is_list() && sub.is("mutability", "readWrite"))
        {
            let other = Samples { number: 4, target }.of(&sub);
            let step = json!([{"op": "replace", "path": sub.path, "value": other}]);
            assert_eq!(idp.patch(path, step).await.ok().pointer(&sub.pointer), Some(&other), "{}", sub.path);
        }
    }
}

/// What is required, unique, ours to fill or of one value is so.
async fn refused(idp: &Idp, kind: &Kind, present: &Value) {
    let samples = Samples { number: 7, target: "nobody" };
    for attribute in &kind.attributes {
        let place = &attribute.path;
        let mut other = samples.body(kind);
        take_members(&mut other);
        if attribute.definition["required"] == true {
            let mut without = other.clone();
            take(&mut without, &attribute.pointer);
            idp.post(&kind.endpoint, without).await.refused(400, "invalidValue");
        }
        if attribute.is("uniqueness", "server") {
            let mut same = other.clone();
            put(&mut same, &attribute.pointer, present.pointer(&attribute.pointer).unwrap().clone());
            idp.post(&kind.endpoint, same).await.refused(409, "uniqueness");
        }
        if attribute.is("mutability", "readOnly") {
            let mut echo = other.clone();
            put(&mut echo, &attribute.pointer, json!([{"value": "mine"}]));
            let created = idp.post(&kind.endpoint, echo).await;
            let path = format!("{}/{}", kind.endpoint, created.created());
            assert_eq!(created.body.pointer(&attribute.pointer), None, "{place}");
            assert_eq!(idp.delete(&path).await.status, StatusCode::NO_CONTENT);
        } else if attribute.is("returned", "default") {
            let wrong = if attribute.is_list() { json!(5) } else { json!(["two", "values"]) };
            let mut broken = other;
            put(&mut broken, &attribute.pointer, wrong);
            idp.post(&kind.endpoint, broken).await.refused(400, "invalidValue");
        }
    }
    // What is not unique may be there twice.
    let mut same = present.clone();
    for attribute in kind.attributes.iter().filter(|attribute| attribute.is("uniqueness", "server")) {
        put(&mut same, &attribute.pointer, samples.of(attribute));
    }
    idp.post(&kind.endpoint, same).await.created();
}

/// A member that is nobody is another rule's matter.
fn take_members(body: &mut Value) {
    body.as_object_mut().unwrap().shift_remove("members");
}

/// RFC 7643 §5: each feature by the flag that advertises it.
async fn s76_every_advertised_feature_runs(edge: Edge) {
    let idp = edge.idp("acme").await;
    let config = idp.read("/ServiceProviderConfig").await;
    let supported = |feature: &str| config[feature]["supported"].as_bool().unwrap();
    let (bob, ann) = (idp.user("bob").await, idp.user("ann").await);
    let path = format!("/Users/{ann}");

    assert!(supported("patch"));
    let title = json!([{"op": "add", "path": "title", "value": "Chief"}]);
    assert_eq!(idp.patch(&path, title.clone()).await.ok()["title"], "Chief");

    assert!(supported("filter"));
    assert_eq!(idp.find("/Users", "title eq \"chief\"").await.ids(), [ann.as_str()]);

    assert!(supported("etag"));
    let etag = idp.get(&path).await.header("etag").to_owned();
    assert_eq!(
        idp.call("GET", &path, &[("if-none-match", &etag)], "").await.status,
        StatusCode::NOT_MODIFIED
    );
    idp.call("PATCH", &path, &[("if-match", "\"0\"")], patch_op(title).to_string()).await.refused(412, "");

    // No password is kept, so that none can be changed.
    assert!(!supported("changePassword"));
    let secret = json!([{"op": "replace", "path": "password", "value": "secret"}]);
    assert_eq!(idp.patch(&path, secret).await.header("etag"), etag);

    let sorted = idp.get("/Users?sortBy=userName&sortOrder=ascending").await.ids();
    let by_name = [ann.clone(), bob.clone()];
    assert_eq!(sorted == by_name, supported("sort"));

    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [{"method": "DELETE", "path": format!("/Users/{bob}")}],
    });
    let answer = idp.post("/Bulk", bulk).await;
    assert_eq!(answer.status == StatusCode::OK, supported("bulk"), "{answer:?}");
    assert_eq!(idp.get(&format!("/Users/{bob}")).await.status == StatusCode::NOT_FOUND, supported("bulk"));

    let schemes = config["authenticationSchemes"].as_array().unwrap();
    assert_eq!(schemes.len(), 1);
    assert_eq!(schemes[0]["type"], "oauthbearertoken");
    let stranger = crate::harness::request("GET", &format!("{}{path}", idp.base()), None, "");
    assert_eq!(edge.send(stranger).await.header("www-authenticate"), "Bearer");
}
