//! A tenant that is erased.

use store::Error;
use store::entity::words::TenantStatus;
use store::moving::TABLES;

use crate::key_rotation::sign_in;
use crate::place::{Place, on_both};

on_both!(an_erased_tenant_opens_nothing_at_once_and_leaves_nothing_in_the_end);

/// Rows of each table that are of `tenant`, or of any but that.
async fn rows(place: &Place, of_it: bool) -> Vec<i64> {
    let is = if of_it { "=" } else { "<>" };
    let tenant = place.literal(place.tenant.id().0);
    let mut counts = Vec::new();
    for table in TABLES {
        let column = if *table == "tenants" { "id" } else { "tenant_id" };
        let sql = format!("SELECT COUNT(*) AS n FROM {table} WHERE {column} {is} {tenant}");
        counts.push(place.number(&sql).await);
    }
    counts
}

async fn an_erased_tenant_opens_nothing_at_once_and_leaves_nothing_in_the_end(place: Place) {
    let tenants = place.store.tenants();
    let id = place.tenant.id();
    let mut members = Vec::new();
    for number in 0..7 {
        members.push(place.user(&format!("user-{number}")).await.0);
    }
    place.group("Staff", &members).await;
    place.tenant.sign_in().put(sign_in("secret"), None).await.unwrap();
    let (token, _) = place.tenant.tokens(place.connection).insert("token", None).await.unwrap();
    place.tenant.audit().insert("operator", "site.create", "site", "x".into(), None).await.unwrap();
    let other = tenants.register("other", "Other", "operator").await.unwrap();
    let others = rows(&place, false).await;
    let site = place.tenant.sites().get(place.site).await.unwrap();
    assert!(matches!(tenants.begin_erasure(id).await, Err(Error::Conflict("tenants_served"))));
    place.tenant.sites().open_credentials(&site).await.unwrap();

    tenants.set_status(id, TenantStatus::Suspended).await.unwrap();
    let mut erasure = tenants.begin_erasure(id).await.unwrap();
    assert!(matches!(place.tenant.sites().open_credentials(&site).await, Err(Error::Sealed)));
    assert!(place.store.find_scim_token(&token.digest).await.unwrap().is_none());
    assert!(place.tenant.links().list(None, 10).await.unwrap().iter().all(|link| !link.enabled));
    tenants.check_keys().await.unwrap();

    // Whoever erases it is stopped in the middle, and begins again.
    let first = erasure.go_on(2).await.unwrap().unwrap();
    assert!(first.rows <= 2);
    drop(erasure);
    let mut erasure = tenants.begin_erasure(id).await.unwrap();
    while let Some(erased) = erasure.go_on(2).await.unwrap() {
        assert!(erased.rows <= 2, "{erased:?}");
    }
    assert_eq!(rows(&place, true).await.iter().sum::<i64>(), 0);
    assert_eq!(rows(&place, false).await, others, "the other tenant is whole");
    assert!(matches!(tenants.begin_erasure(id).await, Err(Error::NotFound(_))));
    assert!(tenants.stands(other.id).await.unwrap());
}
