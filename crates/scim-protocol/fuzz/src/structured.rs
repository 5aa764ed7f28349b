//! PATCH requests built from words of the schemas, since random bytes seldom spell them.

use arbitrary::{Result, Unstructured};
use scim_protocol::Strictness::Lenient;
use scim_protocol::patch::PATCH_OP;
use scim_protocol::resource;
use scim_protocol::schema::{self, ENTERPRISE_USER, USER};
use serde_json::{Map, Value, json};

use super::patches;

const OPS: [&str; 5] = ["add", "replace", "remove", "Add", "Remove"];
const NAMES: [&str; 20] = [
    "userName",
    "name",
    "displayName",
    "title",
    "active",
    "emails",
    "phoneNumbers",
    "addresses",
    "groups",
    "roles",
    "x509Certificates",
    "members",
    "externalId",
    "id",
    "meta",
    "schemas",
    "password",
    "emails.value",
    "name.givenName",
    "photos",
];
const SUBS: [&str; 14] = [
    "value",
    "type",
    "primary",
    "display",
    "$ref",
    "givenName",
    "familyName",
    "formatted",
    "locality",
    "country",
    "department",
    "manager",
    "VALUE",
    "unknown",
];
const TEXTS: [&str; 15] = [
    "a",
    "A",
    "b",
    "work",
    "home",
    "Work",
    "",
    " ",
    "true",
    "False",
    "u1",
    "u2",
    "e\u{301}",
    "2026-01-31T12:00:00Z",
    "x\"]\\",
];
const PATHS: [&str; 12] = [
    "members.type",
    "emails.type",
    "emails.primary",
    "emails.value",
    "addresses.locality",
    "name.familyName",
    "schemas[value pr]",
    "urn:ietf:params:scim:schemas:core:2.0:User:name.familyName",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
    ENTERPRISE_USER,
    " members ",
];
const COMPARISONS: [&str; 7] = ["eq", "ne", "co", "sw", "ew", "gt", "le"];

/// A resource and a PATCH, drawn from the bytes: the same rules as for `patch`.
pub fn patch_structured(data: &[u8]) {
    let mut source = Unstructured::new(data);
    let Ok((resource, body)) = draw(&mut source) else { return };
    for resource_type in schema::all() {
        if let Ok((stored, _)) = resource::from_request(resource.clone(), resource_type, Lenient) {
            patches::check_patch(&stored, &body, resource_type);
        }
    }
}

fn draw(source: &mut Unstructured<'_>) -> Result<(Value, Value)> {
    let mut resource =
        Map::from_iter([("userName".to_owned(), json!("anne")), ("displayName".to_owned(), json!("Anne"))]);
    for _ in 0..source.int_in_range(0..=4)? {
        let name = *source.choose(&NAMES)?;
        resource.insert(name.to_owned(), value_for(name, source)?);
    }
    if source.arbitrary()? {
        let department = text(source)?;
        resource
            .insert(ENTERPRISE_USER.to_owned(), json!({"department": department, "manager": {"value": "m"}}));
    }
    let mut operations = Vec::new();
    for _ in 0..source.int_in_range(1..=4)? {
        operations.push(operation(source)?);
    }
    Ok((Value::Object(resource), json!({"schemas": [PATCH_OP], "Operations": operations})))
}

fn operation(source: &mut Unstructured<'_>) -> Result<Value> {
    let op = *source.choose(&OPS)?;
    let name = *source.choose(&NAMES)?;
    if source.ratio(1, 4)? {
        let mut members = Map::new();
        for _ in 0..source.int_in_range(0..=3)? {
            let name = *source.choose(&NAMES)?;
            members.insert(name.to_owned(), value_for(name, source)?);
        }
        if source.ratio(1, 4)? {
            members.insert(ENTERPRISE_USER.to_owned(), object(source, 1)?);
        }
        return Ok(json!({"op": op, "value": members}));
    }
    let path = match source.int_in_range(0..=3u8)? {
        0 => name.to_owned(),
        1 => (*source.choose(&PATHS)?).to_owned(),
        2 => format!("{name}[{}]", filter(source)?),
        _ => format!("{name}[{}].{}", filter(source)?, source.choose(&SUBS)?),
    };
    if op.eq_ignore_ascii_case("remove") && source.ratio(2, 3)? {
        return Ok(json!({"op": op, "path": path}));
    }
    Ok(json!({"op": op, "path": path, "value": value_for(name, source)?}))
}

fn filter(source: &mut Unstructured<'_>) -> Result<String> {
    let mut words = Vec::new();
    for _ in 0..source.int_in_range(1..=2)? {
        let sub = source.choose(&SUBS)?;
        let comparison = source.choose(&COMPARISONS)?;
        words.push(match source.int_in_range(0..=3u8)? {
            0 => format!("{sub} pr"),
            1 => format!("{sub} eq true"),
            2 => format!("not ({sub} {comparison} {})", json!(text(source)?)),
            _ => format!("{sub} {comparison} {}", json!(text(source)?)),
        });
    }
    Ok(words.join(source.choose(&[" and ", " or "])?))
}

/// Mostly of the form that the attribute takes.
fn value_for(name: &str, source: &mut Unstructured<'_>) -> Result<Value> {
    if source.ratio(1, 6)? {
        return any_value(source, 2);
    }
    match name {
        "active" => Ok(json!(source.arbitrary::<bool>()?)),
        "name" | "meta" => object(source, 1),
        "emails" | "phoneNumbers" | "addresses" | "groups" | "roles" | "x509Certificates" | "members"
        | "photos" => {
            let mut elements = Vec::new();
            for _ in 0..source.int_in_range(0..=3)? {
                elements.push(object(source, 1)?);
            }
            Ok(Value::Array(elements))
        }
        "schemas" => Ok(json!([USER])),
        _ => Ok(json!(text(source)?)),
    }
}

fn object(source: &mut Unstructured<'_>, depth: u8) -> Result<Value> {
    let mut members = Map::new();
    for _ in 0..source.int_in_range(0..=3)? {
        let sub = *source.choose(&SUBS)?;
        let value = match sub {
            "primary" if source.ratio(7, 8)? => json!(source.arbitrary::<bool>()?),
            _ if source.ratio(7, 8)? => json!(text(source)?),
            _ => any_value(source, depth)?,
        };
        members.insert(sub.to_owned(), value);
    }
    Ok(Value::Object(members))
}

fn any_value(source: &mut Unstructured<'_>, depth: u8) -> Result<Value> {
    match source.int_in_range(0..=if depth == 0 { 3 } else { 5u8 })? {
        0 => Ok(Value::Null),
        1 => Ok(json!(source.arbitrary::<bool>()?)),
        2 => Ok(json!(source.arbitrary::<i64>()?)),
        3 => Ok(json!(text(source)?)),
        4 => {
            let mut elements = Vec::new();
            for _ in 0..source.int_in_range(0..=2)? {
                elements.push(any_value(source, depth - 1)?);
            }
            Ok(Value::Array(elements))
        }
        _ => object(source, depth - 1),
    }
}

fn text(source: &mut Unstructured<'_>) -> Result<String> {
    if source.ratio(1, 12)? { source.arbitrary() } else { Ok((*source.choose(&TEXTS)?).to_owned()) }
}
