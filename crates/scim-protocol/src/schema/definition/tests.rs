use super::*;
use crate::schema::{ResourceTypes, all};

fn definition(attributes: &Value) -> Value {
    json!({"id": "urn:acme:scim:2.0:Badge", "name": "Badge", "attributes": attributes})
}

#[track_caller]
fn read(attributes: &Value) -> Schema {
    Schema::from_definition(&definition(attributes)).unwrap()
}

/// The fields at fault and what is wrong with them.
#[track_caller]
fn refused(definition: &Value) -> Vec<(String, String)> {
    let problems = Schema::from_definition(definition).expect_err(&definition.to_string());
    problems.into_iter().map(|problem| (problem.field, problem.problem)).collect()
}

#[track_caller]
fn fields(attributes: &Value) -> Vec<String> {
    refused(&definition(attributes)).into_iter().map(|(field, _)| field).collect()
}

#[test]
fn absent_characteristics_have_the_defaults_of_the_rfc() {
    let schema = read(&json!([{"name": "level"}, {"name": "site", "type": "reference"}]));
    assert_eq!(schema.attributes[0], Attribute::new("level", AttributeType::String, ""));
    assert!(schema.attributes[1].case_exact, "references are case-exact (RFC 7643 §2.3.7)");
    let unnamed = json!({"id": "urn:acme:badge", "attributes": [{"name": "a"}], "description": null});
    assert_eq!(Schema::from_definition(&unnamed).unwrap().name, "urn:acme:badge");
}

#[test]
fn what_is_shown_reads_back_as_the_same_schema() {
    let schema = read(&json!([
        {"name": "level", "type": "integer", "required": true, "description": "How far\nit opens"},
        {"name": "doors", "multiValued": true, "caseExact": true, "returned": "request"},
        {"name": "owner", "type": "complex", "mutability": "immutable", "subAttributes": [
            {"name": "value", "returned": "always"},
            {"name": "$ref", "type": "reference", "referenceTypes": ["User"]},
            {"name": "kind", "canonicalValues": ["key", "card"], "multiValued": true},
        ]},
    ]));
    assert_eq!(Schema::from_definition(&schema.to_definition()).unwrap(), schema);
    let mut shown = schema.to_definition();
    shown["schemas"] = json!(["urn:ietf:params:scim:schemas:core:2.0:Schema"]);
    shown["meta"] = json!({"resourceType": "Schema"});
    assert_eq!(Schema::from_definition(&shown).unwrap(), schema, "as another server shows it");
}

#[test]
fn problems_name_their_field_and_attribute_and_come_together() {
    let problems = refused(&json!({
        "id": "badge", "colour": "red",
        "attributes": [
            {"name": "1st", "type": "text"},
            {"name": "owner", "type": "complex", "subAttributes": [{"name": "value", "multivalued": true}]},
        ],
    }));
    let expected = [
        ("colour", "is not part of a definition (RFC 7643 §7)"),
        ("id", "must be a URN, such as urn:example:scim:schemas:2.0:Badge"),
        (
            "attributes[0].name",
            "must start with a letter and have letters, digits, and $ - _ only (attribute 1st)",
        ),
        (
            "attributes[0].type",
            "must be one of string, boolean, decimal, integer, dateTime, binary, reference, complex (attribute 1st)",
        ),
        (
            "attributes[1].subAttributes[0].multivalued",
            "is not part of a definition (RFC 7643 §7) (attribute owner.value)",
        ),
    ];
    assert_eq!(problems, expected.map(|(field, problem)| (field.to_owned(), problem.to_owned())));
}

#[test]
fn what_is_no_definition_is_refused() {
    for other in [json!(null), json!([]), json!("urn:acme:badge"), json!(1)] {
        assert_eq!(refused(&other)[0].0, ".", "{other}");
    }
    for attributes in [json!(null), json!([]), json!({}), json!("a")] {
        assert_eq!(fields(&attributes), ["attributes"], "{attributes}");
    }
    assert_eq!(fields(&json!([null, "a", {}])), ["attributes[0]", "attributes[1]", "attributes[2].name"]);
}

#[test]
fn names_are_words_that_no_path_takes_apart() {
    for name in ["a", "A-b", "a_b", "a$", "a1"] {
        read(&json!([{"name": name}]));
    }
    for name in ["", "1a", "$a", "_a", "-a", "a.b", "a:b", "a b", "a[b]", "ä", "a\u{0}", "$ref"] {
        assert!(fields(&json!([{"name": name}])).contains(&"attributes[0].name".to_owned()), "{name:?}");
    }
    let twice = json!([{"name": "level"}, {"name": "badge"}, {"name": "LEVEL"}]);
    assert_eq!(fields(&twice), ["attributes[2].name"]);
    let in_both = json!([
        {"name": "a", "type": "complex", "subAttributes": [{"name": "a"}, {"name": "$ref"}]},
        {"name": "b", "type": "complex", "subAttributes": [{"name": "a"}]},
    ]);
    assert_eq!(read(&in_both).attributes.len(), 2, "names are apart where their attributes are");
}

#[test]
fn characteristics_that_could_not_be_kept_are_refused() {
    for (characteristic, value) in [
        ("mutability", json!("readOnly")),
        ("mutability", json!("writeOnly")),
        ("mutability", json!("sometimes")),
        ("mutability", json!(true)),
        ("returned", json!("never")),
        ("returned", json!("Always")),
        ("uniqueness", json!("server")),
        ("uniqueness", json!("global")),
        ("uniqueness", json!("sometimes")),
        ("type", json!("datetime")),
        ("type", json!(["string"])),
        ("required", json!("true")),
        ("multiValued", json!(1)),
        ("caseExact", json!([])),
        ("description", json!("a\u{0}b")),
        ("description", json!("x".repeat(1_001))),
        ("canonicalValues", json!("a")),
        ("canonicalValues", json!(["a", 1])),
        ("canonicalValues", json!([""])),
        ("canonicalValues", json!(vec!["a"; 101])),
        ("referenceTypes", json!(["User"])),
        ("subAttributes", json!([{"name": "a"}])),
    ] {
        let attribute = json!([{"name": "level", characteristic: value}]);
        let problems = refused(&definition(&attribute));
        assert_eq!(problems[0].0, format!("attributes[0].{characteristic}"), "{attribute}");
        assert!(problems[0].1.ends_with("(attribute level)"), "{problems:?}");
    }
    assert_eq!(
        fields(&json!([{"name": "level", "type": "integer", "canonicalValues": ["1"]}])),
        ["attributes[0].canonicalValues"]
    );
    assert_eq!(fields(&json!([{"name": "a", "required": true, "mutability": "readOnly"}])).len(), 1);
}

#[test]
fn complex_attributes_have_sub_attributes_of_one_level() {
    for none in [
        json!({"name": "a", "type": "complex"}),
        json!({"name": "a", "type": "complex", "subAttributes": []}),
    ] {
        assert_eq!(fields(&json!([none])), ["attributes[0].subAttributes"]);
    }
    let deep = json!([{"name": "a", "type": "complex", "subAttributes": [
        {"name": "b", "type": "complex", "subAttributes": [{"name": "c"}]},
    ]}]);
    assert_eq!(fields(&deep), ["attributes[0].subAttributes[0].type"]);
}

#[test]
fn a_definition_has_a_bounded_size() {
    let many =
        |count: usize| -> Vec<Value> { (0..count).map(|n| json!({"name": format!("a{n}")})).collect() };
    assert_eq!(read(&json!(many(MAX_ATTRIBUTES))).attributes.len(), MAX_ATTRIBUTES);
    assert_eq!(fields(&json!(many(MAX_ATTRIBUTES + 1))), ["attributes"]);
    let subs = json!([
        {"name": "a", "type": "complex", "subAttributes": many(100)},
        {"name": "b", "type": "complex", "subAttributes": many(100)},
    ]);
    assert_eq!(fields(&subs), ["attributes[1].subAttributes"], "sub-attributes count");
    let wrong: Vec<Value> = (0..200).map(|_| json!({"name": "x".repeat(5_000), "type": 1})).collect();
    let problems = refused(&definition(&json!(wrong)));
    assert_eq!(problems.len(), MAX_PROBLEMS);
    assert!(problems.iter().all(|(field, problem)| field.len() + problem.len() < 700));
}

#[test]
fn the_standards_own_schemas_would_be_refused_as_a_tenants() {
    for schema in all().into_iter().flat_map(crate::schema::ResourceType::schemas) {
        assert_eq!(refused(&schema.to_definition())[0].0, "id");
    }
}

#[test]
fn a_tenant_without_extensions_shares_the_standard_types() {
    let standard = ResourceTypes::standard();
    assert!(std::sync::Arc::ptr_eq(&ResourceTypes::extended(vec![], vec![]), standard));
    let types = ResourceTypes::extended(vec![], vec![read(&json!([{"name": "level"}]))]);
    assert_eq!(types.group.extensions.len(), 1);
    assert!(!types.group.extensions[0].required);
    assert_eq!(types.user.extensions.len(), standard.user.extensions.len());
}
