//! Directories with values of every kind in every attribute.

use std::collections::BTreeSet;
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use scim_protocol::schema::{
    Attribute, AttributeType, Extension, Mutability, ResourceType, ResourceTypes, Returned, Schema,
};
use scim_protocol::{Strictness, etag, resource};
use serde_json::{Map, Value, json};
use store::entity::words::MemberKind;
use store::entity::{group, user};
use store::groups::{GroupWrite, Groups};
use store::members::{Member, MemberDelta};
use store::naming::{MemberName, UnknownMembers};
use store::users::{HoldingGroup, UserWrite, Users};
use uuid::Uuid;

use crate::place::{Place, context, furnish};

pub(super) const BASE: &str = "https://scim.example/scim/1/v2";
pub(super) const BADGE: &str = "urn:example:params:Badge";

/// Words that meet each other in every way: case, accents, what folds to several letters, what SQL, JSON and
/// patterns give a meaning to, and texts longer than the columns keep.
pub(super) fn words() -> Vec<String> {
    let short = [
        "a",
        "A",
        "ab",
        "Ab",
        "aB c",
        "b",
        "é",
        "e\u{301}",
        "É",
        "straße",
        "STRASSE",
        "ſ",
        "s",
        "k",
        "\u{212a}",
        "İ",
        "i\u{307}",
        "ß",
        "SS",
        "o'neil",
        "say \"hi\"",
        "back\\slash",
        "100%",
        "under_score",
        "$1",
        "😀",
        "a\u{10ffff}",
        "\u{d7ff}",
        "\u{e000}",
        "ﬀ",
        "ff",
        " lead",
        "trail ",
        "true",
        "1",
        "2026-01-31",
    ];
    let long = ["la", "LB", "lé"].map(|start| format!("{start}{}", "é".repeat(330)));
    short.into_iter().map(str::to_owned).chain(long).collect()
}

pub(super) fn numbers(kind: AttributeType) -> Vec<Value> {
    let whole = [
        json!(0),
        json!(1),
        json!(-1),
        json!(42),
        json!(9_007_199_254_740_993_i64),
        json!(i64::MIN),
        json!(u64::MAX),
    ];
    let fractions = [json!(0.5), json!(-0.5), json!(1.0), json!(42.000_001), json!(1e300), json!(-1e-300)];
    match kind {
        AttributeType::Integer => whole.into(),
        _ => whole.into_iter().chain(fractions).collect(),
    }
}

pub(super) const INSTANTS: [&str; 8] = [
    "2026-01-31T12:00:00Z",
    "2026-01-31T13:00:00+01:00",
    "2026-01-31T12:00:00.000001Z",
    "2026-01-31T12:00:00.5Z",
    "2026-01-31T11:59:59.999999999Z",
    "1969-12-31T23:59:59.5Z",
    "0001-01-01T00:00:00Z",
    "2026-11-25T10:00:00.000Z",
];

/// A made-up extension with an attribute of each kind, plain and listed.
fn badge() -> Schema {
    let kinds = ["string", "boolean", "decimal", "integer", "dateTime", "binary", "reference"];
    let plain = kinds.iter().map(|kind| json!({"name": format!("one-{kind}"), "type": kind}));
    let lists =
        kinds.iter().map(|kind| json!({"name": format!("any_{kind}"), "type": kind, "multiValued": true}));
    let exact = [json!({"name": "exact", "type": "string", "caseExact": true})];
    let subs: Vec<Value> = plain
        .clone()
        .chain([json!({"name": "value"}), json!({"name": "primary", "type": "boolean"})])
        .collect();
    let nested: Vec<Value> = lists.clone().collect();
    let complex = [
        json!({"name": "complexes", "type": "complex", "multiValued": true, "subAttributes": subs}),
        json!({"name": "complex", "type": "complex", "subAttributes": nested}),
        json!({"name": "lists", "type": "complex", "multiValued": true, "subAttributes": nested}),
    ];
    let attributes: Vec<Value> = plain.chain(lists).chain(exact).chain(complex).collect();
    Schema::from_definition(&json!({"id": BADGE, "name": "Badge", "attributes": attributes})).unwrap()
}

pub(super) fn types() -> Arc<ResourceTypes> {
    let mut types = (**ResourceTypes::standard()).clone();
    let extension = Extension { schema: Arc::new(badge()), required: false };
    types.user.extensions.push(extension.clone());
    types.group.extensions.push(extension);
    Arc::new(types)
}

/// What `ROLLCALL_TEST_SEED` says, or a new one; tests print it when they fail.
#[expect(clippy::disallowed_methods, reason = "only tests read this variable; it is no configuration")]
pub(super) fn seed() -> u64 {
    let given = std::env::var("ROLLCALL_TEST_SEED").ok();
    given.map_or_else(|| rand::rng().next_u64(), |text| text.parse().unwrap())
}

pub(super) fn pick<'a, T>(random: &mut StdRng, from: &'a [T]) -> &'a T {
    &from[random.random_range(0..from.len())]
}

/// One directory, as it is shown.
pub(super) struct Sample {
    pub(super) users: Users,
    pub(super) groups: Groups,
    pub(super) types: Arc<ResourceTypes>,
    pub(super) shown_users: Vec<(user::Model, Value)>,
    pub(super) shown_groups: Vec<(group::Model, Value)>,
}

impl Sample {
    /// Fills a new directory of the place's tenant.
    pub(super) async fn new(place: &Place, seed: u64, users: usize, groups: usize) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let types = types();
        let (connection, _, _) = furnish(&place.tenant).await;
        let directory = (
            place.tenant.users(connection).with_types(&types),
            place.tenant.groups(connection).with_types(&types),
        );
        let mut ids: Vec<Uuid> = Vec::new();
        for n in 0..users {
            place.clock.advance(std::time::Duration::from_micros(random.random_range(0..3_000)));
            let mut body = body(&mut random, &types.user);
            let name = pick(&mut random, &words()).clone();
            body["userName"] = json!(if n % 2 == 0 { format!("{name}{n}") } else { name });
            let (document, _) = resource::from_request(body, &types.user, Strictness::Lenient).unwrap();
            let write = UserWrite { document, summary: "Created".into(), detail: None };
            // A name that is taken already is passed over.
            if let Ok(row) = directory.0.insert(write, &context()).await {
                ids.push(row.id.0);
            }
        }
        for _ in 0..groups {
            place.clock.advance(std::time::Duration::from_micros(random.random_range(0..3_000)));
            let mut body = body(&mut random, &types.group);
            body["displayName"] = json!(pick(&mut random, &words()).trim());
            body.as_object_mut().unwrap().remove("members");
            let (document, _) = resource::from_request(body, &types.group, Strictness::Lenient).unwrap();
            let add: BTreeSet<Uuid> =
                (0..random.random_range(0..5)).map(|_| *pick(&mut random, &ids)).collect();
            let add = add.into_iter().map(MemberName::from).collect();
            let members = MemberDelta { add, ..MemberDelta::default() };
            let write = GroupWrite { document, members, summary: "Created".into(), detail: None };
            let inserted = directory.1.insert(write, UnknownMembers::Refused, &context()).await;
            ids.push(inserted.unwrap().id.0);
        }
        Self::read(directory, types).await
    }

    async fn read((users, groups): (Users, Groups), types: Arc<ResourceTypes>) -> Self {
        let mut shown_users = Vec::new();
        let mut shown_groups = Vec::new();
        for row in users.after(None, 10_000).await.unwrap() {
            let holding = users.holding_groups(&[row.id]).await.unwrap().remove(&row.id).unwrap_or_default();
            shown_users.push((row.clone(), show_user(&row, &holding)));
        }
        for row in groups.after(None, 10_000).await.unwrap() {
            let members = groups.members(row.id).await.unwrap();
            shown_groups.push((row.clone(), show_group(&row, &members)));
        }
        Self { users, groups, types, shown_users, shown_groups }
    }
}

fn show(document: &Value, id: Uuid, endpoint: &str, list: (&str, Vec<Value>), meta: &Value) -> Value {
    let mut resource = document.clone();
    let members = resource.as_object_mut().unwrap();
    members.insert("id".into(), json!(id));
    if !list.1.is_empty() {
        members.insert(list.0.into(), Value::Array(list.1));
    }
    members.insert("meta".into(), meta.clone());
    resource["meta"]["location"] = json!(format!("{BASE}/{endpoint}/{id}"));
    resource
}

fn show_user(row: &user::Model, holding: &[HoldingGroup]) -> Value {
    let groups = holding.iter().map(|group| {
        json!({
            "value": group.group_id,
            "$ref": format!("{BASE}/Groups/{}", group.group_id),
            "display": group.display_name,
            "type": if group.direct == 1 { "direct" } else { "indirect" },
        })
    });
    let groups: Vec<Value> = groups.collect();
    let version = if groups.is_empty() {
        etag::weak(row.version)
    } else {
        etag::weak_with(row.version, &json!(groups).to_string())
    };
    let (created, modified) = (row.created_at, row.last_modified_at);
    let meta =
        json!({"resourceType": "User", "created": created, "lastModified": modified, "version": version});
    show(&row.document, row.id.0, "Users", ("groups", groups), &meta)
}

fn show_group(row: &group::Model, members: &[Member]) -> Value {
    let members = members.iter().map(|member| {
        let (kind, endpoint) = match member.kind {
            MemberKind::User => ("User", "Users"),
            MemberKind::Group => ("Group", "Groups"),
        };
        json!({
            "value": member.member_id,
            "$ref": format!("{BASE}/{endpoint}/{}", member.member_id),
            "type": kind,
        })
    });
    let (created, modified, version) = (row.created_at, row.last_modified_at, etag::weak(row.version));
    let meta =
        json!({"resourceType": "Group", "created": created, "lastModified": modified, "version": version});
    show(&row.document, row.id.0, "Groups", ("members", members.collect()), &meta)
}

/// A body that gives some of the attributes that a client may set.
fn body(random: &mut StdRng, resource_type: &ResourceType) -> Value {
    let mut body = members(random, &resource_type.schema.attributes, 40);
    let words = words();
    if random.random_bool(0.7) {
        body.insert("externalId".into(), json!(pick(random, &words)));
    }
    for extension in &resource_type.extensions {
        let members = members(random, &extension.schema.attributes, 50);
        body.insert(extension.schema.id.clone(), Value::Object(members));
    }
    body.insert("schemas".into(), json!([resource_type.schema.id]));
    Value::Object(body)
}

fn members(random: &mut StdRng, attributes: &[Attribute], percent: u32) -> Map<String, Value> {
    let mut members = Map::new();
    for attribute in attributes {
        let settable = attribute.mutability != Mutability::ReadOnly && attribute.returned != Returned::Never;
        if !settable || attribute.name == "primary" || !random.random_ratio(percent, 100) {
            continue;
        }
        let value = if attribute.multi_valued {
            let elements = (0..random.random_range(1..4)).map(|_| value(random, attribute));
            let mut elements: Vec<Value> = elements.collect();
            let leads = random.random_range(0..elements.len());
            if attribute.sub("primary").is_some() && random.random_bool(0.5) {
                elements[leads]["primary"] = json!(true);
            }
            Value::Array(elements)
        } else {
            value(random, attribute)
        };
        members.insert(attribute.name.clone(), value);
    }
    members
}

fn value(random: &mut StdRng, attribute: &Attribute) -> Value {
    match attribute.kind {
        AttributeType::String | AttributeType::Reference => json!(pick(random, &words())),
        AttributeType::Boolean => json!(random.random_bool(0.5)),
        kind @ (AttributeType::Decimal | AttributeType::Integer) => pick(random, &numbers(kind)).clone(),
        AttributeType::DateTime => json!(pick(random, &INSTANTS)),
        AttributeType::Binary => json!(pick(random, &["AQID", "aqid", "AA=="])),
        AttributeType::Complex => Value::Object(members(random, &attribute.sub_attributes, 60)),
    }
}
