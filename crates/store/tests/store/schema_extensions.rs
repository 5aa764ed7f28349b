//! A URN means one thing in a tenant, and no definition is taken from data that needs it.

use std::sync::Arc;

use scim_protocol::schema::{ResourceTypes, Schema};
use serde_json::{Value, json};
use store::Error;
use store::entity::words::ObjectKind::{Group, User};
use store::groups::{Before, GroupWrite, MemberRequest, Refusal};
use store::naming::UnknownMembers;
use store::schema_extensions::MAX_EXTENSIONS;
use store::users::UserWrite;

use crate::place::{Place, context, on_both};

on_both!(
    a_tenant_without_extensions_shares_the_standard_types,
    a_definition_is_read_back_as_it_was_registered,
    a_urn_is_registered_once_in_any_case_and_by_each_tenant,
    urns_that_read_as_attributes_of_each_other_are_refused,
    registrations_at_the_same_time_see_each_other,
    an_edit_needs_the_version_that_it_was_based_on,
    what_stored_data_may_not_fit_is_refused_while_there_is_any,
    an_extension_stays_while_any_directory_holds_its_data,
);

fn schema(urn: &str, attributes: &Value) -> Schema {
    Schema::from_definition(&json!({"id": urn, "attributes": attributes})).unwrap()
}

fn badge() -> Schema {
    schema("urn:acme:Badge", &json!([{"name": "level", "type": "integer"}, {"name": "colour"}]))
}

/// Stores a user as it is.
async fn store_user(place: &Place, name: &str, more: Value) -> store::id::UserId {
    let mut document = json!({"userName": name});
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let write = UserWrite { document, summary: "Created".into(), detail: None };
    place.tenant.users(place.connection).insert(write, &context()).await.unwrap().id
}

async fn a_tenant_without_extensions_shares_the_standard_types(place: Place) {
    let types = place.tenant.schema_extensions().resource_types().await.unwrap();
    assert!(Arc::ptr_eq(&types, ResourceTypes::standard()));
}

async fn a_definition_is_read_back_as_it_was_registered(place: Place) {
    let rich = schema(
        "urn:acme:scim:2.0:Rich",
        &json!([
            {"name": "share", "type": "decimal", "required": true, "returned": "always"},
            {"name": "kinds", "multiValued": true, "canonicalValues": ["a", "\u{e9}"], "mutability": "immutable"},
            {"name": "owner", "type": "complex", "description": "Who", "subAttributes": [
                {"name": "$ref", "type": "reference", "referenceTypes": ["User"]},
                {"name": "since", "type": "dateTime"},
            ]},
        ]),
    );
    let extensions = place.tenant.schema_extensions();
    let row = extensions.insert(Group, &rich).await.unwrap();
    extensions.insert(User, &badge()).await.unwrap();
    assert_eq!(extensions.get(row.id).await.unwrap(), row);
    assert_eq!(row.schema().unwrap(), rich);
    let types = place.replica().await.schema_extensions().resource_types().await.unwrap();
    assert_eq!(types.group.extension("URN:ACME:SCIM:2.0:RICH"), Some(&rich));
    assert_eq!(types.user.extension("urn:acme:badge"), Some(&badge()));
    assert_eq!(types.user.extension("urn:acme:scim:2.0:Rich"), None);
    assert_eq!((types.user.extensions.len(), types.group.extensions.len()), (2, 1));
}

async fn a_urn_is_registered_once_in_any_case_and_by_each_tenant(place: Place) {
    let extensions = place.tenant.schema_extensions();
    extensions.insert(User, &badge()).await.unwrap();
    for (kind, urn) in [(User, "urn:acme:Badge"), (User, "URN:ACME:BADGE"), (Group, "urn:acme:badge")] {
        let again = extensions.insert(kind, &schema(urn, &json!([{"name": "a"}]))).await;
        assert!(matches!(again, Err(Error::Conflict("schema_extensions_urn"))), "{urn}: {again:?}");
    }
    let globex = place.store.tenants().insert("globex", "Globex").await.unwrap().id;
    let globex = place.store.tenant(globex).schema_extensions();
    let theirs = globex.insert(User, &badge()).await.unwrap();
    assert!(matches!(extensions.get(theirs.id).await, Err(Error::NotFound("schema"))));
    assert!(matches!(extensions.delete(theirs.id, None).await, Err(Error::NotFound("schema"))));
    assert!(matches!(extensions.update(theirs.id, None, &badge()).await, Err(Error::NotFound("schema"))));
    assert_eq!(globex.list().await.unwrap(), [theirs]);
}

async fn urns_that_read_as_attributes_of_each_other_are_refused(place: Place) {
    let extensions = place.tenant.schema_extensions();
    extensions.insert(User, &badge()).await.unwrap();
    let a = json!([{"name": "a"}]);
    let refused = extensions.insert(Group, &schema("urn:acme:BADGE:level", &a)).await;
    assert!(matches!(refused, Err(Error::Conflict("schema_extensions_ambiguous"))), "{refused:?}");
    for number in 1..MAX_EXTENSIONS {
        extensions.insert(User, &schema(&format!("urn:acme:Badge:2.0:n{number}"), &a)).await.unwrap();
    }
    let many = extensions.insert(User, &schema("urn:acme:more", &a)).await;
    assert!(matches!(many, Err(Error::Conflict("schema_extensions_limit"))), "{many:?}");
}

async fn registrations_at_the_same_time_see_each_other(place: Place) {
    let other = place.replica().await;
    let a = json!([{"name": "a"}]);
    let (one, two) = (schema("urn:acme:x", &a), schema("urn:acme:x:y", &a));
    let (ours, theirs) = (place.tenant.schema_extensions(), other.schema_extensions());
    let (left, right) = tokio::join!(ours.insert(User, &one), theirs.insert(User, &two));
    assert_eq!(usize::from(left.is_ok()) + usize::from(right.is_ok()), 1, "{left:?} {right:?}");
}

async fn an_edit_needs_the_version_that_it_was_based_on(place: Place) {
    let extensions = place.tenant.schema_extensions();
    let row = extensions.insert(User, &badge()).await.unwrap();
    let mut described = badge();
    described.description = "What opens doors".into();
    let edited = extensions.update(row.id, Some(1), &described).await.unwrap();
    assert_eq!((edited.version, edited.schema().unwrap()), (2, described.clone()));
    assert!(matches!(extensions.update(row.id, Some(1), &described).await, Err(Error::Stale)));
    assert!(matches!(extensions.delete(row.id, Some(1)).await, Err(Error::Stale)));
    let mut other = described;
    other.id = "urn:acme:badge".into();
    assert!(extensions.update(row.id, None, &other).await.is_err(), "documents have its URN as it was");
    extensions.delete(row.id, Some(2)).await.unwrap();
    assert!(matches!(extensions.delete(row.id, None).await, Err(Error::NotFound("schema"))));
}

async fn what_stored_data_may_not_fit_is_refused_while_there_is_any(place: Place) {
    let extensions = place.tenant.schema_extensions();
    let row = extensions.insert(User, &badge()).await.unwrap();
    store_user(
        &place,
        "ann",
        json!({"urn:acme:Badger": {"level": 1}, "urn:acme": 1, "title": "urn:acme:Badge"}),
    )
    .await;
    let text = schema("urn:acme:Badge", &json!([{"name": "level"}, {"name": "colour"}]));
    extensions.update(row.id, None, &text).await.unwrap();
    let bob = store_user(&place, "bob", json!({"urn:acme:Badge": {"level": "7"}})).await;
    let refused = extensions.update(row.id, None, &badge()).await;
    assert!(matches!(refused, Err(Error::Conflict("schema_extensions_in_use"))), "{refused:?}");
    let more = schema("urn:acme:Badge", &json!([{"name": "level"}, {"name": "colour"}, {"name": "new"}]));
    extensions.update(row.id, None, &more).await.unwrap();
    assert!(
        extensions.update(row.id, None, &text).await.is_err(),
        "an attribute may hold data once it is there"
    );
    let users = place.tenant.users(place.connection);
    users.delete(bob, &context(), |_| Ok::<_, std::convert::Infallible>(())).await.unwrap();
    extensions.update(row.id, None, &badge()).await.unwrap();
}

async fn an_extension_stays_while_any_directory_holds_its_data(place: Place) {
    let extensions = place.tenant.schema_extensions();
    let row = extensions.insert(Group, &badge()).await.unwrap();
    // Users with such a key have nothing to do with an extension of groups, nor do other tenants' groups.
    store_user(&place, "ann", json!({"urn:acme:Badge": {"level": 1}})).await;
    let group = |document| GroupWrite {
        document,
        members: store::members::MemberDelta::default(),
        summary: "Created".into(),
        detail: None,
    };
    let globex = place.store.tenant(place.store.tenants().insert("globex", "Globex").await.unwrap().id);
    let (theirs, ..) = crate::place::furnish(&globex).await;
    let holding = json!({"displayName": "Staff", "urn:acme:Badge": {"level": 1}});
    globex.groups(theirs).insert(group(holding.clone()), UnknownMembers::Refused, &context()).await.unwrap();
    let (second, ..) = crate::place::furnish(&place.tenant).await;
    let held = place
        .tenant
        .groups(second)
        .insert(group(holding), UnknownMembers::Refused, &context())
        .await
        .unwrap();
    let refused = extensions.delete(row.id, None).await;
    assert!(matches!(refused, Err(Error::Conflict("schema_extensions_in_use"))), "{refused:?}");
    let groups = place.tenant.groups(second);
    let empty =
        |_: Before<'_>| Ok::<_, Refusal<std::convert::Infallible>>(group(json!({"displayName": "Staff"})));
    groups.modify(held.id, &context(), &MemberRequest::default(), empty).await.unwrap();
    extensions.delete(row.id, None).await.unwrap();
    assert!(extensions.list().await.unwrap().is_empty());
}
