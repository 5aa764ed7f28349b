//! Named after the statements of RFC 7644 §3.4.2.2 and our choices where it leaves one.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::Strictness::{Lenient, Strict};
use crate::error::ScimType;
use crate::schema::{ENTERPRISE_USER, ResourceType, ResourceTypes, Schema, USER, group, user};

fn anne() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE_USER],
        "id": "aB1",
        "externalId": "Ext-1",
        "userName": "Anne@Example.com",
        "displayName": "Ännë",
        "title": "",
        "name": {"givenName": "Anne", "familyName": "O'Neil \"x\""},
        "active": true,
        "emails": [
            {"value": "anne@work.example", "type": "work", "primary": true},
            {"value": "anne@home.example", "type": "home"},
        ],
        "roles": [],
        "groups": [{"value": "g1", "display": "Team"}],
        ENTERPRISE_USER: {"department": "Sales", "manager": {"value": "m1"}},
        "meta": {
            "resourceType": "User",
            "lastModified": "2026-01-31T12:00:00.500Z",
            "version": "W/\"3\"",
        },
    })
}

fn holds(text: &str) -> bool {
    holds_for(text, &anne(), user())
}

fn holds_for(text: &str, resource: &Value, resource_type: &ResourceType) -> bool {
    let filter = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    filter.check(resource_type, Lenient).unwrap_or_else(|error| panic!("{text}: {error}"));
    filter.matches(resource, resource_type)
}

#[track_caller]
fn assert_matches(table: &[(&str, bool)]) {
    for (text, expected) in table {
        assert_eq!(holds(text), *expected, "{text}");
    }
}

fn refused(text: &str, strictness: crate::Strictness) -> ScimError {
    match parse(text) {
        Err(error) => error,
        Ok(filter) => filter.check(user(), strictness).expect_err(text),
    }
}

#[test]
fn not_binds_tightest_then_and_then_or() {
    assert_matches(&[
        ("userName pr or title pr and active eq false", true),
        ("(userName pr or title pr) and active eq false", false),
        ("not (title pr) and active eq true", true),
        ("not (title pr and active eq true)", true),
        ("not(active eq true) or userName pr", true),
    ]);
}

#[test]
fn operators_names_and_urns_are_read_in_any_case() {
    assert_matches(&[
        (r#"USERNAME EQ "anne@example.com""#, true),
        (r#"name.GIVENNAME Sw "an""#, true),
        ("URN:IETF:params:scim:schemas:core:2.0:user:userName PR", true),
        (r#"userName eq "x" OR active EQ TRUE"#, true),
        ("NOT (userName pr)", false),
    ]);
}

#[test]
fn strings_compare_by_the_attributes_case_exactness() {
    assert_matches(&[
        (r#"userName eq "ANNE@EXAMPLE.COM""#, true),
        (r#"displayName eq "äNNË""#, true),
        (r#"displayName co "NN""#, true),
        (r#"emails.value eq "ANNE@WORK.example""#, true),
        (r#"id eq "ab1""#, false),
        (r#"id eq "aB1""#, true),
        (r#"externalId eq "ext-1""#, false),
        (r#"meta.version eq "W/\"3\"""#, true),
    ]);
}

#[test]
fn pr_is_true_only_for_values_that_hold_something() {
    assert_matches(&[
        ("userName pr", true),
        ("title pr", false),
        ("roles pr", false),
        ("nickName pr", false),
        ("name pr", true),
        ("name.middleName pr", false),
        ("emails.display pr", false),
        ("active pr", true),
    ]);
}

#[test]
fn ne_on_an_absent_single_value_is_true() {
    assert_matches(&[
        (r#"nickName ne "x""#, true),
        (r#"name.middleName ne "x""#, true),
        (r#"userName ne "anne@example.com""#, false),
        (r#"emails.type ne "work""#, true),
        (r#"phoneNumbers.value ne "1""#, false),
    ]);
}

#[test]
fn null_compares_presence() {
    assert_matches(&[
        ("nickName eq null", true),
        ("nickName ne null", false),
        ("userName eq null", false),
        ("userName ne null", true),
        ("name eq null", false),
        ("emails eq null", false),
    ]);
    assert_eq!(refused("userName co null", Strict).scim_type, Some(ScimType::InvalidFilter));
    assert_eq!(refused("userName gt null", Strict).scim_type, Some(ScimType::InvalidFilter));
}

#[test]
fn multi_valued_attributes_match_by_any_element_and_brackets_by_one() {
    assert_matches(&[
        (r#"emails eq "anne@home.example""#, true),
        (r#"emails.value ew "home.example""#, true),
        (r#"emails.type eq "work" and emails.value eq "anne@home.example""#, true),
        (r#"emails[type eq "work" and value eq "anne@home.example"]"#, false),
        (r#"emails[type eq "home" and value eq "anne@home.example"]"#, true),
        ("emails[not (primary eq true)]", true),
        (r#"emails[type eq "work"].value eq "anne@work.example""#, true),
        (r#"emails[type eq "work"].value eq "anne@home.example""#, false),
    ]);
}

#[test]
fn brackets_work_on_single_complex_attributes_and_do_not_nest() {
    assert!(holds(r#"name[givenName eq "ANNE" and familyName co "Neil"]"#));
    assert!(!holds(r#"name[givenName eq "Bo"]"#));
    for text in [r#"emails[type[value eq "x"]]"#, r#"userName[value eq "x"]"#, r#"emails[type eq "work""#] {
        assert_eq!(refused(text, Lenient).scim_type, Some(ScimType::InvalidFilter), "{text}");
    }
}

#[test]
fn quoted_booleans_are_a_dialect() {
    assert_matches(&[
        ("active eq true", true),
        ("active ne true", false),
        (r#"active eq "True""#, true),
        (r#"active eq "False""#, false),
    ]);
    assert_eq!(refused(r#"active eq "true""#, Strict).scim_type, Some(ScimType::InvalidFilter));
    assert_eq!(refused(r#"active eq "perhaps""#, Lenient).scim_type, Some(ScimType::InvalidFilter));
}

#[test]
fn order_is_lexical_on_strings_by_instant_on_date_times_and_refused_on_booleans_and_binary() {
    assert_matches(&[
        (r#"userName gt "anna""#, true),
        (r#"userName lt "B""#, true),
        (r#"userName ge "ANNE@EXAMPLE.COM""#, true),
        (r#"meta.lastModified gt "2026-01-31T12:00:00.49Z""#, true),
        (r#"meta.lastModified gt "2026-01-31T13:00:00.49+01:00""#, true),
        (r#"meta.lastModified le "2026-01-31T13:00:00.5+01:00""#, true),
        (r#"meta.lastModified eq "2026-01-31T07:00:00.5-05:00""#, true),
        (r#"meta.lastModified lt "2026-01-31T12:00:00Z""#, false),
    ]);
    for text in ["active gt false", r#"x509Certificates.value lt "QQ==""#, r#"meta.created gt "yesterday""#] {
        assert_eq!(refused(text, Lenient).scim_type, Some(ScimType::InvalidFilter), "{text}");
    }
}

#[test]
fn text_operators_are_refused_on_other_types_and_match_every_present_value_when_empty() {
    for text in ["active co true", r#"active co "t""#, r#"meta.lastModified sw "2026""#, "userName co 5"] {
        assert_eq!(refused(text, Lenient).scim_type, Some(ScimType::InvalidFilter), "{text}");
    }
    assert_matches(&[(r#"userName co """#, true), (r#"userName sw """#, true), (r#"nickName ew """#, false)]);
}

#[test]
fn meta_and_schemas_can_be_searched() {
    assert_matches(&[
        (r#"meta.resourceType eq "User""#, true),
        (r#"meta.resourceType eq "Group""#, false),
        (&format!(r#"schemas eq "{ENTERPRISE_USER}""#), true),
        (r#"schemas eq "urn:other""#, false),
    ]);
}

#[test]
fn groups_and_members_are_found_by_id() {
    assert!(
        holds(r#"groups.value eq "g1""#) && holds(r#"groups eq "g1""#) && !holds(r#"groups.value eq "G1""#)
    );
    let team = json!({"id": "g1", "displayName": "Team", "members": [{"value": "u1"}, {"value": "u2"}]});
    for (text, expected) in [
        (r#"members eq "u2""#, true),
        (r#"members.value eq "u1""#, true),
        (r#"id eq "g1" and members eq "u3""#, false),
        (r#"members[value eq "u1"]"#, true),
    ] {
        assert_eq!(holds_for(text, &team, group()), expected, "{text}");
    }
}

#[test]
fn extension_attributes_are_named_by_urn() {
    assert_matches(&[
        (&format!(r#"{ENTERPRISE_USER}:department eq "sales""#), true),
        (&format!(r#"{ENTERPRISE_USER}:manager.value eq "m1""#), true),
        (&format!(r#"{ENTERPRISE_USER}:manager eq "m1""#), true),
        (&format!("{ENTERPRISE_USER}:costCenter pr"), false),
    ]);
}

#[test]
fn escapes_are_those_of_json() {
    assert_matches(&[
        (r#"name.familyName eq "O'Neil \"x\"""#, true),
        (r#"displayName eq "\u00c4nn\u00EB""#, true),
    ]);
    let filter = parse(r#"userName eq "\ud83d\ude00\\\/""#).unwrap();
    assert_eq!(filter.equality().unwrap().1, "😀\\/");
}

#[test]
fn what_is_no_filter_is_invalid_filter() {
    for text in [
        "",
        "   ",
        "userName",
        "userName eq",
        r#"userName eq "x"#,
        r#"userName eq "\ud83d""#,
        r#"userName eq "x" garbage"#,
        r#"userName is "x""#,
        r#"userName eq "x" and"#,
        r#"and userName eq "x""#,
        "userName eq x",
        "userName eq 'x'",
        r#"(userName eq "x""#,
        r#"userName eq "x")"#,
        "not userName pr",
        "5 eq 5",
        "userName.a.b pr",
        "userName pr pr",
        ":userName pr",
        "emails[] pr",
        "userName eq 1e999",
    ] {
        let error = parse(text).expect_err(text);
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidFilter)), "{text}");
    }
}

#[test]
fn length_and_depth_are_limited() {
    let nested = |depth: usize| format!("{}userName pr{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(MAX_FILTER_DEPTH)).is_ok());
    for text in [
        nested(MAX_FILTER_DEPTH + 1),
        nested(4_000),
        "not (".repeat(1_600),
        "(".repeat(8_000),
        format!(r#"userName eq "{}""#, "x".repeat(MAX_FILTER_BYTES)),
        format!("userName pr{}", " or userName pr".repeat(100_000)),
    ] {
        assert_eq!(parse(&text).unwrap_err().scim_type, Some(ScimType::InvalidFilter));
    }
    let chain = format!("title pr{}", " or title pr".repeat(500));
    assert!(!holds(&chain), "a long chain is no deep tree");
}

#[test]
fn unknown_attributes_are_refused_strictly_and_match_nothing_leniently() {
    for text in
        [r#"shoeSize eq "44""#, r#"userName.x eq "y""#, "urn:none:User:x pr", r#"emails[size eq "1"]"#]
    {
        assert_eq!(refused(text, Strict).scim_type, Some(ScimType::InvalidFilter), "{text}");
        assert!(!holds(text), "{text}");
    }
}

#[test]
fn never_returned_attributes_cannot_be_searched_for() {
    for text in [r#"password eq "x""#, "password pr", r#"userName pr or not (PASSWORD sw "a")"#] {
        let error = refused(text, Lenient);
        assert_eq!((error.status, error.scim_type), (403, Some(ScimType::Sensitive)), "{text}");
    }
}

#[test]
fn numbers_compare_by_value_without_rounding() {
    let compare = |left: &str, right: &str| {
        matching::compare_numbers(&serde_json::from_str(left).unwrap(), &serde_json::from_str(right).unwrap())
    };
    assert_eq!(compare("9007199254740993", "9007199254740992"), Some(std::cmp::Ordering::Greater));
    assert_eq!(compare("18446744073709551615", "-1"), Some(std::cmp::Ordering::Greater));
    assert_eq!(compare("1", "1.0"), Some(std::cmp::Ordering::Equal));
}

#[test]
fn required_equalities_are_those_that_every_match_satisfies() {
    let equalities = |text: &str| -> Vec<String> {
        let filter = parse(text).unwrap();
        filter.required_equalities().into_iter().map(|(path, value)| format!("{path}={value}")).collect()
    };
    assert_eq!(
        equalities(r#"userName eq "a" and (active eq true and externalId eq "b")"#),
        ["userName=a", "externalId=b"]
    );
    assert!(equalities(r#"userName eq "a" or externalId eq "b""#).is_empty());
    assert!(equalities(r#"not (userName eq "a")"#).is_empty());
    assert_eq!(
        equalities(r#"emails[type eq "work" and value eq "a"]"#),
        ["emails.type=work", "emails.value=a"]
    );
    assert!(equalities(r#"emails[type eq "work" or value eq "a"]"#).is_empty());
    assert!(parse(r#"userName eq "a""#).unwrap().equality().is_some());
    assert!(parse(r#"userName eq "a" and active eq true"#).unwrap().equality().is_none());
}

#[test]
fn mentions_finds_attributes_at_any_depth() {
    let filter = parse(r#"userName pr or not (Members.value eq "x")"#).unwrap();
    assert!(filter.mentions("members") && !filter.mentions("groups"));
    assert!(parse(r#"members[value eq "x"]"#).unwrap().mentions("members"));
}

fn any_path() -> impl Strategy<Value = AttributePath> {
    let name =
        "[a-zA-Z][a-zA-Z0-9_-]{0,8}".prop_filter("not is a word", |name| !name.eq_ignore_ascii_case("not"));
    let urn = proptest::option::of(Just("urn:ietf:params:scim:schemas:core:2.0:User".to_owned()));
    (urn, name.clone(), proptest::option::of(name))
        .prop_map(|(urn, attribute, sub_attribute)| AttributePath { urn, attribute, sub_attribute })
}

fn any_value() -> impl Strategy<Value = CompareValue> {
    prop_oneof![
        Just(CompareValue::Null),
        any::<bool>().prop_map(CompareValue::Bool),
        any::<i64>().prop_map(|number| CompareValue::Number(number.into())),
        (-1e300..1e300).prop_map(|number: f64| CompareValue::Number(Number::from_f64(number).unwrap())),
        "\\PC{0,12}".prop_map(CompareValue::String),
        any::<String>().prop_map(CompareValue::String),
    ]
}

fn any_leaf() -> impl Strategy<Value = Filter> {
    prop_oneof![
        any_path().prop_map(Filter::Present),
        (any_path(), proptest::sample::select(CompareOp::ALL.to_vec()), any_value())
            .prop_map(|(path, op, value)| Filter::Compare(path, op, value)),
    ]
}

fn any_chain(leaf: BoxedStrategy<Filter>) -> BoxedStrategy<Filter> {
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
    .boxed()
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let brackets = (any_path(), any_chain(any_leaf().boxed()))
        .prop_map(|(path, inner)| Filter::ValuePath(path, Box::new(inner)));
    any_chain(prop_oneof![3 => any_leaf(), 1 => brackets].boxed())
}

proptest! {
    #[test]
    fn reading_what_was_written_gives_the_same_tree(filter in any_filter()) {
        let text = filter.to_string();
        prop_assume!(text.len() <= MAX_FILTER_BYTES);
        prop_assert_eq!(parse(&text).map_err(|error| format!("{text}: {error}")), Ok(filter));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn no_near_filter_makes_parser_check_or_match_panic(
        words in proptest::collection::vec(
            prop_oneof![
                Just("userName".to_owned()), Just("emails".to_owned()), Just("[".to_owned()),
                Just("]".to_owned()), Just("(".to_owned()), Just(")".to_owned()), Just(".value".to_owned()),
                Just(" eq ".to_owned()), Just(" pr ".to_owned()), Just(" and ".to_owned()),
                Just(" or ".to_owned()), Just("not ".to_owned()), Just("\"x\"".to_owned()),
                Just("\"".to_owned()), Just("\\".to_owned()), Just("é".to_owned()), "\\PC",
            ],
            0..24,
        ),
    ) {
        let text = words.concat();
        match parse(&text) {
            Ok(filter) => {
                let again = parse(&filter.to_string()).map_err(|error| format!("{text}: {error}"));
                prop_assert_eq!(again, Ok(filter.clone()));
                let _ = filter.check(user(), Strict);
                let _ = filter.matches(&anne(), user());
            }
            Err(error) => prop_assert_eq!(error.scim_type, Some(ScimType::InvalidFilter)),
        }
    }
}

#[test]
fn whole_numbers_and_fractions_compare_without_rounding() {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let compare = |left: &str, right: &str| {
        let number = |text: &str| serde_json::from_str::<serde_json::Number>(text).unwrap();
        matching::compare_numbers(&number(left), &number(right)).unwrap()
    };
    assert_eq!(compare("9007199254740993", "9007199254740992.0"), Greater);
    assert_eq!(compare("9007199254740992.0", "9007199254740993"), Less);
    assert_eq!(compare("9007199254740992", "9007199254740992.0"), Equal);
    assert_eq!(compare("2", "2.5"), Less);
    assert_eq!(compare("-2", "-2.5"), Greater);
    assert_eq!(compare("18446744073709551615", "1e300"), Less);
    assert_eq!(compare("-9223372036854775808", "-1e300"), Greater);
}

#[test]
fn lists_within_a_complex_attribute_match_by_any_of_their_values() {
    let definition = json!({"id": "urn:acme:badge", "attributes": [
        {"name": "badge", "type": "complex", "subAttributes": [{"name": "doors", "multiValued": true}]},
    ]});
    let users = ResourceTypes::extended(vec![Schema::from_definition(&definition).unwrap()], vec![]);
    let resource = json!({"urn:acme:badge": {"badge": {"doors": ["north", "south"]}}});
    for (text, expected) in [
        (r#"urn:acme:badge:badge.doors eq "South""#, true),
        (r#"urn:acme:badge:badge.doors ne "south""#, true),
        (r#"urn:acme:badge:badge[doors eq "north"]"#, true),
        (r#"urn:acme:badge:badge[doors ne "north"]"#, true),
        (r#"urn:acme:badge:badge.doors eq "west""#, false),
    ] {
        let filter = parse(text).unwrap();
        filter.check(&users.user, Strict).unwrap();
        assert_eq!(filter.matches(&resource, &users.user), expected, "{text}");
    }
}
