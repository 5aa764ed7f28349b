//! Programs of two versions on one database.

use store::SchemaDifference;

use crate::place::{Place, on_both};

on_both!(schema_of_a_later_version_is_told_and_stays);

async fn schema_of_a_later_version_is_told_and_stays(place: Place) {
    assert_eq!(place.store.schema().await.unwrap(), SchemaDifference::default());
    place.sql("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_later', 0)").await.unwrap();
    place.sql("DELETE FROM seaql_migrations WHERE version = 'm0012_route_changes'").await.unwrap();
    let told = place.store.schema().await.unwrap();
    assert_eq!(told.later, ["m9999_later"]);
    assert_eq!(told.pending, ["m0012_route_changes"]);
    // Neither this program's migrations nor the other's can be carried out safely.
    assert!(place.store.migrate().await.is_err());
    place
        .sql("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m0012_route_changes', 0)")
        .await
        .unwrap();
    place.store.migrate().await.unwrap();
    place.user("ann").await;
}
