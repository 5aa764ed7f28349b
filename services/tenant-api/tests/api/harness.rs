//! The API as its callers see it, over a database of its own and a clock that only a test moves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use atlassian::http::HttpSettings;
use axum::Router;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use sandbox::openid::OpenIdProvider;
use sea_orm::{ConnectionTrait as _, DatabaseBackend, Statement};
use serde_json::Value;
use store::testing::{TestStore, postgres_store_at, sqlite_store_at};
use store::{Clock, TenantStore, Timestamp};
use tenant_api::caller::Looks;
use tenant_api::oidc::provider::Providers;
use tenant_api::{ApiState, JwtKeys};

use crate::scripted_rules::ScriptedRules;
use tower::ServiceExt as _;

pub(crate) const OPERATOR: &str = "operator-key-of-the-tests";
/// What we are at the identity provider that tenants' people sign in at.
pub(crate) const CLIENT_ID: &str = "rollcall-of-the-tests";
pub(crate) const CLIENT_SECRET: &str = "client-secret-of-the-tests";
pub(crate) const PUBLIC_URL: &str = "https://scim.example.com/rollcall/";

pub(crate) struct Api {
    pub(crate) store: TestStore,
    pub(crate) clock: Clock,
    pub(crate) router: Router,
    /// Where tenants' people sign in.
    pub(crate) openid: OpenIdProvider,
    /// Digests of tokens that caches were told to drop.
    pub(crate) revoked: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Api {
    pub(crate) async fn on_sqlite() -> Self {
        let clock = new_year();
        Self::over(sqlite_store_at(clock.clone()).await, clock).await
    }

    pub(crate) async fn on_postgresql() -> Self {
        let clock = new_year();
        Self::over(postgres_store_at(clock.clone()).await, clock).await
    }

    async fn over(store: TestStore, clock: Clock) -> Self {
        let openid = OpenIdProvider::start(CLIENT_ID, CLIENT_SECRET).await.unwrap();
        let revoked = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let told = Arc::clone(&revoked);
        let router = tenant_api::router(ApiState {
            store: store.clone(),
            public_url: PUBLIC_URL.parse().unwrap(),
            operator_key_digest: Some(store::secret::digest(OPERATOR)),
            signing: JwtKeys::new(&[3; 32]),
            http: loopback_allowed(),
            providers: Providers::new(loopback_allowed()),
            looks: Looks::default(),
            rules: Arc::new(ScriptedRules),
            revocations: Arc::new(move |digest: &[u8]| told.lock().unwrap().push(digest.to_vec())),
        });
        Self { store, clock, router, openid, revoked }
    }

    /// The same database behind other rules of outgoing HTTP.
    pub(crate) fn with_http(&self, http: HttpSettings) -> Router {
        tenant_api::router(ApiState {
            store: self.store.clone(),
            public_url: PUBLIC_URL.parse().unwrap(),
            operator_key_digest: Some(store::secret::digest(OPERATOR)),
            signing: JwtKeys::new(&[3; 32]),
            providers: Providers::new(http.clone()),
            http,
            looks: Looks::default(),
            rules: Arc::new(ScriptedRules),
            revocations: Arc::new(|_: &[u8]| {}),
        })
    }

    pub(crate) fn tenant(&self, id: &str) -> TenantStore {
        self.store.tenant(id.parse().unwrap())
    }

    pub(crate) fn call(&self, method: &str, path: &str) -> Call {
        Call {
            router: self.router.clone(),
            method: method.to_uppercase().parse().unwrap(),
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: Body::empty(),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        self.call("GET", path)
    }

    pub(crate) fn post(&self, path: &str, body: Value) -> Call {
        self.call("POST", path).json(body)
    }

    pub(crate) fn patch(&self, path: &str, body: Value) -> Call {
        self.call("PATCH", path).json(body)
    }

    pub(crate) fn delete(&self, path: &str) -> Call {
        self.call("DELETE", path)
    }

    /// Runs one statement that no API offers.
    pub(crate) async fn execute(&self, sql: &str) {
        let mut store = self.store.clone();
        store.connection_mut().execute_unprepared(sql).await.unwrap();
    }

    /// Every row of every table of tenants but what repeats are answered by.
    pub(crate) async fn rows(&self) -> BTreeMap<String, Vec<String>> {
        let mut store = self.store.clone();
        let connection = store.connection_mut();
        let backend = connection.get_database_backend();
        let mut all = BTreeMap::new();
        for table in store::moving::TABLES.iter().filter(|table| **table != "idempotency_keys") {
            let row = if backend == DatabaseBackend::Sqlite {
                let columns = format!(
                    "SELECT group_concat('quote(\"' || name || '\")', '||') AS row FROM pragma_table_info('{table}')"
                );
                let columns = connection.query_one_raw(Statement::from_string(backend, columns)).await;
                columns.unwrap().unwrap().try_get::<String>("", "row").unwrap()
            } else {
                "CAST(t AS text)".to_owned()
            };
            let rows = format!("SELECT {row} AS row FROM \"{table}\" t ORDER BY 1");
            let rows = connection.query_all_raw(Statement::from_string(backend, rows)).await.unwrap();
            let rows = rows.iter().map(|row| row.try_get::<String>("", "row").unwrap()).collect();
            all.insert((*table).to_owned(), rows);
        }
        all
    }

    /// Lets nothing be added to audit logs, or lets it again.
    pub(crate) async fn refuse_audit_entries(&self, refuse: bool) {
        let is_embedded =
            self.store.clone().connection_mut().get_database_backend() == DatabaseBackend::Sqlite;
        let statements: &[&str] = match (is_embedded, refuse) {
            (true, true) => {
                &["CREATE TRIGGER no_audit BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END"]
            }
            (true, false) => &["DROP TRIGGER no_audit"],
            (false, true) => &[
                "CREATE FUNCTION no_audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$",
                "CREATE TRIGGER no_audit BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION no_audit()",
            ],
            (false, false) => &["DROP TRIGGER no_audit ON audit", "DROP FUNCTION no_audit"],
        };
        for statement in statements {
            self.execute(statement).await;
        }
    }

    /// Whether `secret` stands anywhere in the database: in a text, or in bytes.
    pub(crate) async fn database_holds(&self, secret: &str) -> bool {
        let mut store = self.store.clone();
        let connection = store.connection_mut();
        if connection.get_database_backend() == DatabaseBackend::Sqlite {
            let path = self.store.url().strip_prefix("sqlite://").unwrap();
            let path = path.split('?').next().unwrap();
            return [path.to_owned(), format!("{path}-wal")].iter().any(|file| {
                let bytes = std::fs::read(file).unwrap_or_default();
                bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
            });
        }
        let query = |sql: String| Statement::from_string(DatabaseBackend::Postgres, sql);
        let tables = "SELECT CAST(tablename AS text) AS name FROM pg_tables WHERE schemaname = 'public'";
        let tables = connection.query_all_raw(query(tables.to_owned())).await.unwrap();
        assert!(tables.len() > 15, "all tables are searched");
        for table in tables {
            let table: String = table.try_get("", "name").unwrap();
            let rows = query(format!("SELECT CAST(t AS text) AS row FROM \"{table}\" t"));
            for row in connection.query_all_raw(rows).await.unwrap() {
                let row: String = row.try_get("", "row").unwrap();
                if row.contains(secret) || row.contains(&hex::encode(secret)) {
                    return true;
                }
            }
        }
        false
    }
}

fn new_year() -> Clock {
    Clock::fixed(Timestamp::parse("2026-01-01T00:00:00Z").unwrap())
}

pub(crate) fn loopback_allowed() -> HttpSettings {
    HttpSettings { allow_targets: vec!["127.0.0.0/8".parse().unwrap()], ..HttpSettings::default() }
}

/// A request that is being put together.
pub(crate) struct Call {
    pub(crate) router: Router,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Body,
}

impl Call {
    pub(crate) fn by(self, credential: &str) -> Self {
        self.header("authorization", &format!("Bearer {credential}"))
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.append(name, value.parse().unwrap());
        self
    }

    #[expect(clippy::needless_pass_by_value, reason = "a body is written where it is sent")]
    pub(crate) fn json(self, body: Value) -> Self {
        self.text(body.to_string())
    }

    /// A body that claims to be JSON.
    pub(crate) fn text(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        if !self.headers.contains_key(CONTENT_TYPE) {
            self.headers.insert(CONTENT_TYPE, "application/json".parse().unwrap());
        }
        self
    }

    pub(crate) fn through(mut self, router: Router) -> Self {
        self.router = router;
        self
    }

    /// Sends it, and checks what holds of every answer.
    pub(crate) async fn send(self) -> Answer {
        let answer = self.send_to_what_is_broken().await;
        answer.check();
        answer
    }

    /// Sends it where it may well fail.
    pub(crate) async fn send_to_what_is_broken(self) -> Answer {
        let what = format!("{} {}", self.method, self.path);
        let mut request = Request::builder().method(self.method).uri(self.path).body(self.body).unwrap();
        *request.headers_mut() = self.headers;
        let response = self.router.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            what,
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    what: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    /// The body as it came.
    pub(crate) text: String,
}

impl Answer {
    fn check(&self) {
        assert_ne!(self.status, StatusCode::INTERNAL_SERVER_ERROR, "{self:?}");
        assert!(self.headers.contains_key("x-request-id"), "{self:?}");
        assert!(!self.headers.contains_key(AUTHORIZATION), "{self:?}");
        assert_eq!(self.headers[CACHE_CONTROL], "no-store", "{self:?}");
        assert_eq!(self.headers["x-content-type-options"], "nosniff", "{self:?}");
        if self.status.is_client_error() || self.status.is_server_error() {
            assert_eq!(self.headers[CONTENT_TYPE], "application/problem+json", "{self:?}");
            assert_eq!(self.body["type"], "about:blank", "{self:?}");
            assert_eq!(self.body["status"], self.status.as_u16(), "{self:?}");
            assert!(self.body["title"].is_string(), "{self:?}");
        }
    }

    /// The body of an answer of this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}: {self:?}", self.what);
        self.body
    }

    /// The fields that a 422 or 400 names.
    #[track_caller]
    pub(crate) fn fields(self, status: u16) -> Vec<String> {
        let body = self.expect(status);
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

/// A text field of a body.
#[track_caller]
pub(crate) fn text(body: &Value, field: &str) -> String {
    body[field].as_str().unwrap_or_else(|| panic!("{field} in {body}")).to_owned()
}
