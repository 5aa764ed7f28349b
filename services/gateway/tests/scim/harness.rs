//! One edge over one database, and identity providers that talk to it.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use gateway::Gateway;
use gateway::admission::{Limits, SharedRates};
use gateway::cell::Cell;
use gateway::tokens::Tokens;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method, StatusCode};
use scim::routing::RoutingService;
use scim_protocol::{schema, searchable};
use sea_orm::{ConnectionTrait as _, DatabaseBackend};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use store::Store;
use store::clock::{Clock, Timestamp};
use store::connections::NewConnection;
use store::entity::words::ConnectionMethod;
use store::id::{ConnectionId, TenantId};
use store::testing::{TestStore, postgres_store_at, sqlite_store_at};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

pub(crate) const PUBLIC_URL: &str = "https://scim.rollcall.example";
pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Turns `async fn rule(edge: Edge)` into a test on each database.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                Box::pin(super::$name($crate::harness::Edge::sqlite().await)).await;
            }
        )+}
        mod postgres {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                Box::pin(super::$name($crate::harness::Edge::postgres().await)).await;
            }
        )+}
    };
}
pub(crate) use on_both;

/// The gateway over the SCIM handlers over one database.
pub(crate) struct Edge {
    pub(crate) store: TestStore,
    pub(crate) clock: Clock,
    pub(crate) tokens: Tokens,
    router: Router,
}

impl Edge {
    /// The same provider over two processes.
    pub(crate) async fn replicas(&self, idp: &Idp) -> [Idp; 2] {
        let (_, one) = edge(self.store.connect_again().await);
        let (_, other) = edge(self.store.connect_again().await);
        [one, other].map(|router| Idp { router, ..idp.clone() })
    }

    pub(crate) async fn sqlite() -> Self {
        let clock = start();
        Self::over(sqlite_store_at(clock.clone()).await, clock)
    }

    pub(crate) async fn postgres() -> Self {
        let clock = start();
        Self::over(postgres_store_at(clock.clone()).await, clock)
    }

    fn over(store: TestStore, clock: Clock) -> Self {
        let (tokens, router) = edge((*store).clone());
        Self { store, clock, tokens, router }
    }

    /// A provider of a new tenant.
    pub(crate) async fn idp(&self, slug: &str) -> Idp {
        let tenant = self.store.tenants().insert(slug, slug).await.unwrap().id;
        self.idp_of(tenant, false).await
    }

    /// Another provider of a tenant.
    pub(crate) async fn idp_of(&self, tenant: TenantId, strict: bool) -> Idp {
        let new = NewConnection {
            name: "Directory".into(),
            provider: "generic".into(),
            method: ConnectionMethod::Scim,
            strict,
        };
        let connection = self.store.tenant(tenant).connections().insert(new).await.unwrap().id;
        let token = self.token(tenant, connection, None).await;
        Idp { tenant, connection, token, router: self.router.clone() }
    }

    pub(crate) async fn token(
        &self,
        tenant: TenantId,
        connection: ConnectionId,
        expires_at: Option<Timestamp>,
    ) -> String {
        let tokens = self.store.tenant(tenant).tokens(connection);
        tokens.insert("test", expires_at).await.unwrap().1.expose_secret().to_owned()
    }

    pub(crate) async fn send(&self, request: Request) -> Answer {
        send(&self.router, request).await
    }
}

/// The gateway and the handlers over any store.
pub(crate) fn edge(store: Store) -> (Tokens, Router) {
    edge_within(Duration::from_secs(30), store)
}

/// The gateway and the handlers, which have that much time for a request.
pub(crate) fn edge_within(limit: Duration, store: Store) -> (Tokens, Router) {
    edge_of(limit, Limits::default(), None, store)
}

/// The same with limits of the gateway.
pub(crate) fn edge_of(
    limit: Duration,
    limits: Limits,
    shared: Option<SharedRates>,
    store: Store,
) -> (Tokens, Router) {
    edge_before(limit, limits, shared, scim::Scim::new(store, PUBLIC_URL))
}

/// The gateway before these handlers.
pub(crate) fn edge_before(
    limit: Duration,
    limits: Limits,
    shared: Option<SharedRates>,
    scim: scim::Scim,
) -> (Tokens, Router) {
    let clock = scim.store.clock().clone();
    let routing = RoutingService::new(&scim, CancellationToken::new());
    let cell = Cell::here("here", routing.server(), scim::router_within(limit, scim));
    let gateway = Gateway::new(&[cell], clock, limits, shared);
    (gateway.tokens().clone(), gateway::router(gateway))
}

fn start() -> Clock {
    Clock::fixed(Timestamp::parse("2026-11-25T10:00:00Z").unwrap())
}

/// An identity provider: one connection and its token.
#[derive(Clone)]
pub(crate) struct Idp {
    pub(crate) tenant: TenantId,
    pub(crate) connection: ConnectionId,
    pub(crate) token: String,
    pub(crate) router: Router,
}

impl Idp {
    pub(crate) fn base(&self) -> String {
        format!("/scim/{}/v2", self.connection)
    }

    pub(crate) fn location(&self, path: &str) -> String {
        format!("{PUBLIC_URL}{}{path}", self.base())
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = request(method, &format!("{}{path}", self.base()), Some(&self.token), body);
        for (name, value) in headers {
            request.headers_mut().insert(http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        send(&self.router, request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], Body::empty()).await
    }

    /// GET with a filter, encoded.
    pub(crate) async fn find(&self, path: &str, filter: &str) -> Answer {
        let query =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("filter", filter).finish();
        self.get(&format!("{path}?{query}")).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, &[], Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, &[], body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.call("PUT", path, &[], body.to_string()).await
    }

    pub(crate) async fn patch(&self, path: &str, operations: Value) -> Answer {
        self.call("PATCH", path, &[], patch_op(operations).to_string()).await
    }

    /// Creates a user and returns its id.
    pub(crate) async fn user(&self, user_name: &str) -> String {
        self.post("/Users", user(user_name)).await.created()
    }

    /// Creates a group and returns its id.
    pub(crate) async fn group(&self, name: &str, members: &[&str]) -> String {
        self.post("/Groups", group(name, members)).await.created()
    }

    /// Puts users into the directory by SQL, where creating them one by one would take too long, and
    /// returns their ids in order.
    pub(crate) async fn many_users(&self, edge: &Edge, count: usize) -> Vec<String> {
        let mut store = (*edge.store).clone();
        let database = store.connection_mut();
        let id = |uuid: uuid::Uuid| match database.get_database_backend() {
            DatabaseBackend::Postgres => format!("'{uuid}'"),
            _ => format!("X'{}'", uuid.simple()),
        };
        let ids: Vec<uuid::Uuid> = (0..count).map(|_| uuid::Uuid::now_v7()).collect();
        for chunk in ids.chunks(1_000) {
            let rows = chunk.iter().map(|user_id| {
                let name = format!("{user_id}@acme.example");
                let document = user(&name);
                let (tenant, connection) = (id(self.tenant.0), id(self.connection.0));
                let search = searchable::document(&document, schema::user());
                format!(
                    "({tenant}, {connection}, {}, '{name}', TRUE, '{document}', '{search}', 1, 0, 0)",
                    id(*user_id)
                )
            });
            let rows: Vec<String> = rows.collect();
            let sql = format!(
                "INSERT INTO users (tenant_id, connection_id, id, user_name_folded, active, document, \
                 search, version, created_at, last_modified_at) VALUES {}",
                rows.join(",")
            );
            database.execute_unprepared(&sql).await.unwrap();
        }
        ids.iter().map(ToString::to_string).collect()
    }

    /// The sorted member ids of a group.
    pub(crate) async fn members(&self, group: &str) -> Vec<String> {
        let answer = self.get(&format!("/Groups/{group}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let members = answer.body["members"].as_array().into_iter().flatten();
        let mut ids: Vec<String> =
            members.map(|member| member["value"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    }
}

pub(crate) fn user(user_name: &str) -> Value {
    json!({"schemas": [USER], "userName": user_name})
}

pub(crate) fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    json!({"schemas": [GROUP], "displayName": name, "members": members})
}

#[expect(clippy::needless_pass_by_value, reason = "a literal reads better at the call")]
pub(crate) fn patch_op(operations: Value) -> Value {
    json!({"schemas": [PATCH_OP], "Operations": operations})
}

#[expect(clippy::needless_pass_by_value, reason = "a literal reads better at the call")]
pub(crate) fn bulk_request(operations: Value) -> Value {
    json!({"schemas": [BULK_REQUEST], "Operations": operations})
}

pub(crate) fn request(method: &str, path: &str, token: Option<&str>, body: impl Into<Body>) -> Request {
    let mut request = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .uri(path)
        .header(CONTENT_TYPE, "application/scim+json");
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    request.body(body.into()).unwrap()
}

/// What came back. Whatever it is, its form was checked.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(crate) fn scim_type(&self) -> &str {
        self.body["scimType"].as_str().unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn created(&self) -> String {
        assert_eq!(self.status, StatusCode::CREATED, "{self:?}");
        self.body["id"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        self.body
    }

    #[track_caller]
    pub(crate) fn refused(&self, status: u16, scim_type: &str) {
        assert_eq!((self.status.as_u16(), self.scim_type()), (status, scim_type), "{self:?}");
    }

    /// The ids of a list, in its order.
    #[track_caller]
    pub(crate) fn ids(self) -> Vec<String> {
        let body = self.ok();
        let resources = body["Resources"].as_array().unwrap();
        assert_eq!(body["itemsPerPage"], resources.len());
        resources.iter().map(|resource| resource["id"].as_str().unwrap().to_owned()).collect()
    }
}

/// Sends a request and checks what holds for every answer: SCIM's content type, a request id, and errors
/// in SCIM's form, none of them our fault.
pub(crate) async fn send(router: &Router, request: Request) -> Answer {
    let called = format!("{} {:.200}", request.method(), request.uri().to_string());
    let is_head = request.method() == Method::HEAD;
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    let answer = Answer { status: parts.status, headers: parts.headers, text, body };
    assert_ne!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{called}: {answer:?}");
    assert!(!answer.header("x-request-id").is_empty(), "{called}: {answer:?}");
    if !answer.text.is_empty() {
        assert_eq!(answer.header("content-type"), "application/scim+json", "{called}: {answer:?}");
        assert!(answer.body.is_object(), "{called}: {answer:?}");
    }
    if (answer.status.is_client_error() || answer.status.is_server_error()) && !is_head {
        assert_eq!(answer.body["schemas"], json!([ERROR]), "{called}: {answer:?}");
        assert_eq!(answer.body["status"], answer.status.as_str(), "{called}: {answer:?}");
        assert!(answer.body["detail"].is_string(), "{called}: {answer:?}");
    }
    answer
}
