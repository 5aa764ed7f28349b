//! A tenant with a directory that feeds a site.

use std::time::Duration;

use sea_orm::{ConnectionTrait as _, DatabaseBackend, DatabaseConnection, Statement};
use serde_json::json;
use store::clock::{Clock, Timestamp};
use store::connections::NewConnection;
use store::directory::WriteContext;
use store::entity::words::ConnectionMethod;
use store::groups::{GroupWrite, MemberRequest, Refusal};
use store::id::{ConnectionId, GroupId, LinkId, SiteId, UserId};
use store::links::NewLink;
use store::members::MemberDelta;
use store::naming::{MemberName, UnknownMembers};
use store::sites::NewSite;
use store::testing::{TestStore, postgres_store_at, sqlite_store_at};
use store::users::UserWrite;
use store::{Store, TenantStore};
use uuid::Uuid;

pub(crate) const LEASE: Duration = Duration::from_mins(1);

/// Turns `async fn rule(place: Place)` into a test on each database.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                Box::pin(super::$name($crate::place::Place::sqlite().await)).await;
            }
        )+}
        mod postgres {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                Box::pin(super::$name($crate::place::Place::postgres().await)).await;
            }
        )+}
    };
}
pub(crate) use on_both;

/// One tenant's connection, site and link.
pub(crate) struct Place {
    pub(crate) store: TestStore,
    pub(crate) clock: Clock,
    pub(crate) tenant: TenantStore,
    pub(crate) connection: ConnectionId,
    pub(crate) site: SiteId,
    pub(crate) link: LinkId,
}

impl Place {
    pub(crate) async fn sqlite() -> Self {
        let clock = start();
        Self::over(sqlite_store_at(clock.clone()).await, clock).await
    }

    pub(crate) async fn postgres() -> Self {
        let clock = start();
        Self::over(postgres_store_at(clock.clone()).await, clock).await
    }

    async fn over(store: TestStore, clock: Clock) -> Self {
        let id = store.tenants().insert("acme", "Acme").await.unwrap().id;
        let tenant = store.tenant(id);
        let (connection, site, link) = furnish(&tenant).await;
        Self { store, clock, tenant, connection, site, link }
    }

    /// The same through another pool of connections, such as a second process has.
    pub(crate) async fn replica(&self) -> TenantStore {
        self.store.connect_again().await.tenant(self.tenant.id())
    }

    pub(crate) async fn user(&self, name: &str) -> UserId {
        create_user(&self.tenant, self.connection, name).await
    }

    pub(crate) async fn group(&self, name: &str, members: &[Uuid]) -> GroupId {
        let write = GroupWrite {
            document: json!({"displayName": name}),
            members: MemberDelta {
                add: members.iter().copied().map(MemberName::from).collect(),
                ..MemberDelta::default()
            },
            summary: "Created".into(),
            detail: None,
        };
        self.tenant
            .groups(self.connection)
            .insert(write, UnknownMembers::Refused, &context())
            .await
            .unwrap()
            .id
    }

    /// Adds and removes members.
    pub(crate) async fn change_members(&self, group: GroupId, add: &[Uuid], remove: &[Uuid]) {
        change_members(&self.tenant, self.connection, group, add, remove).await;
    }

    /// Runs SQL text as it is.
    pub(crate) async fn sql(&self, sql: &str) -> Result<u64, sea_orm::DbErr> {
        let mut store = (*self.store).clone();
        Ok(store.connection_mut().execute_unprepared(sql).await?.rows_affected())
    }

    /// The number that a query with one column `n` answers.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let mut store: Store = (*self.store).clone();
        number(store.connection_mut(), sql).await
    }

    pub(crate) fn is_postgres(&self) -> bool {
        let mut store = (*self.store).clone();
        store.connection_mut().get_database_backend() == DatabaseBackend::Postgres
    }

    /// An id as SQL text.
    pub(crate) fn literal(&self, id: Uuid) -> String {
        let mut store = (*self.store).clone();
        match store.connection_mut().get_database_backend() {
            DatabaseBackend::Postgres => format!("'{id}'"),
            _ => format!("X'{}'", id.simple()),
        }
    }
}

fn start() -> Clock {
    Clock::fixed(Timestamp::parse("2026-11-25T10:00:00Z").unwrap())
}

pub(crate) fn context() -> WriteContext {
    WriteContext { request_id: "test".into(), trace_context: None }
}

pub(crate) async fn number(database: &DatabaseConnection, sql: &str) -> i64 {
    let statement = Statement::from_string(database.get_database_backend(), sql);
    database.query_one_raw(statement).await.unwrap().unwrap().try_get("", "n").unwrap()
}

/// A connection, a site and the link between them.
pub(crate) async fn furnish(tenant: &TenantStore) -> (ConnectionId, SiteId, LinkId) {
    let new = NewConnection {
        name: "Directory".into(),
        provider: "generic".into(),
        method: ConnectionMethod::Scim,
        strict: false,
    };
    let connection_id = tenant.connections().insert(new).await.unwrap().id;
    let new = NewSite {
        certificate_authorities: None,
        name: "Jira".into(),
        product: "jira-data-center".into(),
        base_url: "https://jira.example".into(),
        credentials: b"secret".to_vec().into(),
    };
    let site_id = tenant.sites().insert(new).await.unwrap().id;
    let new = NewLink {
        connection_id,
        site_id,
        precedence: 0,
        enabled: true,
        settings: json!({}),
        next_run_at: None,
    };
    let link = tenant.links().insert(new).await.unwrap().id;
    (connection_id, site_id, link)
}

pub(crate) fn user_write(name: &str) -> UserWrite {
    UserWrite { document: json!({"userName": name}), summary: "Created".into(), detail: None }
}

pub(crate) async fn create_user(tenant: &TenantStore, connection: ConnectionId, name: &str) -> UserId {
    tenant.users(connection).insert(user_write(name), &context()).await.unwrap().id
}

pub(crate) async fn change_members(
    tenant: &TenantStore,
    connection: ConnectionId,
    group: GroupId,
    add: &[Uuid],
    remove: &[Uuid],
) {
    let members = MemberDelta {
        replaces_all: false,
        add: add.iter().copied().map(MemberName::from).collect(),
        remove: remove.iter().map(ToString::to_string).collect(),
    };
    let request = MemberRequest { named: members.add.clone(), ..MemberRequest::default() };
    let groups = tenant.groups(connection);
    let modified = groups
        .modify(group, &context(), &request, |before| {
            Ok::<_, Refusal<std::convert::Infallible>>(GroupWrite {
                document: before.row.document.clone(),
                members: members.clone(),
                summary: "Changed".into(),
                detail: None,
            })
        })
        .await
        .unwrap();
    assert!(modified.changed);
}
