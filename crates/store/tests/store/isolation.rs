//! One tenant's rows cannot be seen, changed or referred to by another's.

use scim_protocol::filter;
use serde_json::json;
use store::Error;
use store::entity::words::TaskKind;
use store::id::UserId;
use store::links::NewLink;
use store::search::{Query, Start};
use store::users::Users;

use crate::place::{LEASE, Place, context, create_user, furnish, on_both};

on_both!(
    two_tenants_with_the_same_names_see_only_their_own,
    foreign_keys_forbid_rows_that_refer_to_another_tenants,
    a_link_needs_a_connection_of_its_own_tenant,
);

/// The users of a directory that a search finds.
async fn found(users: &Users, filter: &str) -> Vec<UserId> {
    let filter = filter::parse(filter).unwrap();
    let query = Query { filter: Some(&filter), sort: None, base_url: "" };
    let found = users.search(&query, true).page(&Start::Offset(0), 10).await.unwrap();
    assert_eq!(users.search(&query, true).count().await.unwrap(), found.len() as u64);
    found.into_iter().map(|found| found.row.row.id).collect()
}

async fn two_tenants_with_the_same_names_see_only_their_own(place: Place) {
    let id = place.store.tenants().insert("globex", "Globex").await.unwrap().id;
    let globex = place.store.tenant(id);
    let (connection, site, _) = furnish(&globex).await;
    let ours = place.user("ann").await;
    let theirs = create_user(&globex, connection, "ANN").await;
    let group = place.group("Staff", &[ours.0]).await;
    // Their tenant with our connection's id: the pair does not exist.
    for directory in [globex.users(connection), globex.users(place.connection)] {
        assert!(directory.find(ours).await.unwrap().is_none());
        assert!(
            found(&directory, &format!("id eq \"{ours}\" or groups.value eq \"{group}\"")).await.is_empty()
        );
        assert!(directory.holding_groups(&[ours]).await.unwrap().is_empty());
        let deleted = directory.delete(ours, &context(), |_| Ok::<_, std::convert::Infallible>(())).await;
        assert!(deleted.is_err());
    }
    let directory = globex.users(connection);
    assert_eq!(directory.find_by_user_name("ann").await.unwrap().unwrap().id, theirs);
    for filter in ["userName eq \"ann\"", "userName pr", "title eq null or groups pr", "not (id eq \"x\")"] {
        assert_eq!(found(&directory, filter).await, [theirs], "{filter}");
    }
    let groups = globex.groups(connection);
    assert!(groups.find(group).await.unwrap().is_none());
    assert!(groups.named("Staff", None, 10).await.unwrap().is_empty());
    let filter = filter::parse(&format!("members.value eq \"{ours}\" or id pr")).unwrap();
    let query = Query { filter: Some(&filter), sort: None, base_url: "" };
    assert!(groups.search(&query).page(&Start::Offset(0), 10).await.unwrap().is_empty());
    assert!(groups.members(group).await.unwrap().is_empty());
    assert!(globex.timeline().list(ours.0, None, 10).await.unwrap().is_empty());
    assert!(globex.tasks(place.site).find(TaskKind::User, ours.0).await.unwrap().is_none());
    assert!(globex.tasks(place.site).claim(uuid::Uuid::now_v7(), LEASE, 10).await.unwrap().is_empty());
    let claimed = globex.tasks(site).claim(uuid::Uuid::now_v7(), LEASE, 10).await.unwrap();
    assert_eq!(claimed.iter().map(|task| task.object_id).collect::<Vec<_>>(), [theirs.0]);
    assert!(matches!(globex.sites().get(place.site).await, Err(Error::NotFound("site"))));
    assert!(matches!(globex.connections().get(place.connection).await, Err(Error::NotFound(_))));
    assert!(matches!(globex.tokens(place.connection).insert("t", None).await, Err(Error::NotFound(_))));
    assert!(place.tenant.users(place.connection).find(ours).await.unwrap().is_some());
}

async fn a_link_needs_a_connection_of_its_own_tenant(place: Place) {
    let globex = place.store.tenants().insert("globex", "Globex").await.unwrap().id;
    let (_, site_id, _) = furnish(&place.store.tenant(globex)).await;
    let connection_id = place.connection;
    let new = NewLink {
        connection_id,
        site_id,
        precedence: 0,
        enabled: true,
        settings: json!({}),
        next_run_at: None,
    };
    let refused = place.store.tenant(globex).links().insert(new).await.unwrap_err();
    assert!(matches!(refused, Error::NotFound("connection")), "{refused:?}");
    assert_eq!(place.number("SELECT MAX(generation) AS n FROM connections").await, 1, "each linked once");
}

async fn foreign_keys_forbid_rows_that_refer_to_another_tenants(place: Place) {
    let id = place.store.tenants().insert("globex", "Globex").await.unwrap().id;
    let ann = place.user("ann").await;
    let group = place.group("Staff", &[]).await;
    let [globex, connection, site, link, ann, group] =
        [id.0, place.connection.0, place.site.0, place.link.0, ann.0, group.0].map(|id| place.literal(id));
    for sql in [
        format!(
            "INSERT INTO users (tenant_id, connection_id, id, user_name_folded, active, document, search, \
             version, created_at, last_modified_at) \
             VALUES ({globex}, {connection}, {globex}, 'eve', TRUE, '{{}}', '{{}}', 1, 0, 0)"
        ),
        format!(
            "INSERT INTO groups (tenant_id, connection_id, id, display_name, display_name_folded, document, \
             search, version, created_at, last_modified_at) \
             VALUES ({globex}, {connection}, {globex}, 'x', 'x', '{{}}', '{{}}', 1, 0, 0)"
        ),
        format!("INSERT INTO group_members VALUES ({globex}, {connection}, {group}, {ann}, 'user')"),
        format!("INSERT INTO user_emails VALUES ({globex}, {connection}, 'a@b', {ann})"),
        format!(
            "INSERT INTO links (tenant_id, id, connection_id, site_id, precedence, enabled, settings, version, \
             created_at, updated_at) \
             VALUES ({globex}, {globex}, {connection}, {site}, 0, TRUE, '{{}}', 1, 0, 0)"
        ),
        format!(
            "INSERT INTO tasks (tenant_id, site_id, kind, object_id, connection_id, generation, rank, state, \
             due_at, marked_at, attempts, verify, approved) \
             VALUES ({globex}, {site}, 'user', {ann}, {connection}, 1, 0, 'ready', 0, 0, 0, FALSE, FALSE)"
        ),
        format!(
            "INSERT INTO accounts (tenant_id, site_id, id, username, username_folded, created_by_us, in_doubt, \
             created_at) VALUES ({globex}, {site}, {ann}, 'a', 'a', FALSE, FALSE, 0)"
        ),
        format!("INSERT INTO deprovisions VALUES ({globex}, {link}, {ann}, 0)"),
        format!("UPDATE users SET tenant_id = {globex} WHERE id = {ann}"),
    ] {
        let refused = place.sql(&sql).await.unwrap_err();
        let is_foreign_key =
            matches!(refused.sql_err(), Some(sea_orm::SqlErr::ForeignKeyConstraintViolation(_)));
        assert!(is_foreign_key, "{sql}: {refused}");
    }
}
