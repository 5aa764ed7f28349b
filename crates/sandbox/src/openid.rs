//! A simulated OpenID provider: people sign in at it, and it vouches for them. Written from OpenID Connect Core 1.0 and
//! Discovery 1.0, RFC 6749 and RFC 7636.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use aws_lc_rs::{digest, rand};
use axum::extract::{Query, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

/// Seconds that a token is good for.
const LIFETIME: u64 = 300;

/// A provider that answers on a port of this machine until it is dropped.
pub struct OpenIdProvider {
    /// What it is called, and where it describes itself.
    pub issuer: String,
    shared: Shared,
    server: JoinHandle<()>,
}

impl fmt::Debug for OpenIdProvider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OpenIdProvider").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl Drop for OpenIdProvider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(Clone)]
struct Shared(Arc<Mutex<Inside>>);

struct Inside {
    /// Where it is.
    here: String,
    issuer: String,
    client_id: String,
    client_secret: String,
    /// Who signs in next: the claims besides those that every token has. Nobody has been chosen: a page asks.
    person: Map<String, Value>,
    key: Key,
    codes: HashMap<String, Asked>,
    calls: HashMap<&'static str, usize>,
    is_down: bool,
}

struct Key {
    id: String,
    signing: EncodingKey,
}

struct Asked {
    redirect_uri: String,
    challenge: String,
    nonce: Option<String>,
}

fn random() -> String {
    let mut bytes = [0_u8; 16];
    // Nothing that a simulation makes needs to be guarded.
    let _ = rand::fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn new_key() -> io::Result<Key> {
    let broken = || io::Error::other("no signing key could be made");
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
        .map_err(|_| broken())?;
    Ok(Key { id: random(), signing: EncodingKey::from_ec_der(pkcs8.as_ref()) })
}

#[expect(clippy::disallowed_methods, reason = "tokens say by the clock on the wall how long they are good")]
fn seconds_now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl OpenIdProvider {
    /// Starts one that knows one client.
    pub async fn start(client_id: &str, client_secret: &str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let issuer = format!("http://{}", listener.local_addr()?);
        let shared = Shared(Arc::new(Mutex::new(Inside {
            here: issuer.clone(),
            issuer: issuer.clone(),
            client_id: client_id.to_owned(),
            client_secret: client_secret.to_owned(),
            person: Map::new(),
            key: new_key()?,
            codes: HashMap::new(),
            calls: HashMap::new(),
            is_down: false,
        })));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(describe))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/keys", get(keys))
            .with_state(shared.clone());
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the sandbox stopped serving");
            }
        });
        Ok(Self { issuer, shared, server })
    }

    /// Says who signs in from now on, by their claims.
    pub fn be(&self, claims: &Value) {
        self.shared.lock().person = claims.as_object().cloned().unwrap_or_default();
    }

    /// Signs with another key from now on, and no longer shows the one before.
    pub fn exchange_key(&self) -> io::Result<()> {
        self.shared.lock().key = new_key()?;
        Ok(())
    }

    /// Calls itself something else than its address, as Oracle does.
    pub fn call_itself(&self, issuer: &str) {
        issuer.clone_into(&mut self.shared.lock().issuer);
    }

    /// Answers 503 to everything, or no longer.
    pub fn be_down(&self, down: bool) {
        self.shared.lock().is_down = down;
    }

    /// How often something was asked: `describe`, `keys`, `token`.
    pub fn calls(&self, what: &str) -> usize {
        self.shared.lock().calls.get(what).copied().unwrap_or_default()
    }

    /// A token with these claims and those that every token has, which these replace.
    pub fn sign(&self, claims: &Value) -> String {
        self.shared.lock().sign(claims.as_object().cloned().unwrap_or_default())
    }

    /// What a browser does: goes to `url`, and comes back with the query of the address that it is sent to.
    pub fn visit(&self, url: &Url) -> Result<HashMap<String, String>, String> {
        let asked = Query::<Authorization>::try_from_uri(&url.as_str().parse().map_err(|_| "no address")?)
            .map_err(|error| error.to_string())?;
        let back = self.shared.lock().authorize(asked.0)?;
        Ok(back.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, what: &'static str) -> Result<MutexGuard<'_, Inside>, StatusCode> {
        let mut inside = self.lock();
        *inside.calls.entry(what).or_default() += 1;
        if inside.is_down { Err(StatusCode::SERVICE_UNAVAILABLE) } else { Ok(inside) }
    }
}

#[derive(Deserialize)]
struct Authorization {
    response_type: String,
    client_id: String,
    redirect_uri: String,
    scope: String,
    state: String,
    nonce: Option<String>,
    code_challenge: String,
    code_challenge_method: String,
    /// Set by the page that asks.
    agreed: Option<String>,
}

impl Inside {
    fn sign(&self, claims: Map<String, Value>) -> String {
        let mut token = json!({
            "iss": self.issuer, "aud": self.client_id, "iat": seconds_now(), "exp": seconds_now() + LIFETIME,
        });
        if let Value::Object(token) = &mut token {
            token.extend(claims);
        }
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.key.id.clone());
        jsonwebtoken::encode(&header, &token, &self.key.signing).unwrap_or_default()
    }

    fn authorize(&mut self, asked: Authorization) -> Result<Url, String> {
        if asked.response_type != "code" || asked.client_id != self.client_id {
            return Err("unauthorized_client".to_owned());
        }
        if asked.code_challenge_method != "S256" || !asked.scope.split(' ').any(|scope| scope == "openid") {
            return Err("invalid_request".to_owned());
        }
        let code = random();
        let mut back = Url::parse(&asked.redirect_uri).map_err(|error| error.to_string())?;
        back.query_pairs_mut().append_pair("code", &code).append_pair("state", &asked.state);
        let kept =
            Asked { redirect_uri: asked.redirect_uri, challenge: asked.code_challenge, nonce: asked.nonce };
        self.codes.insert(code, kept);
        Ok(back)
    }
}

async fn describe(State(shared): State<Shared>) -> Result<Json<Value>, StatusCode> {
    let inside = shared.count("describe")?;
    let (issuer, here) = (&inside.issuer, &inside.here);
    Ok(Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{here}/authorize"),
        "token_endpoint": format!("{here}/token"),
        "jwks_uri": format!("{here}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    })))
}

async fn keys(State(shared): State<Shared>) -> Result<Json<Value>, StatusCode> {
    let inside = shared.count("keys")?;
    let mut key = Jwk::from_encoding_key(&inside.key.signing, Algorithm::ES256)
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    key.common.key_id = Some(inside.key.id.clone());
    Ok(Json(json!({"keys": [key]})))
}

/// Asks whoever comes by a browser to agree, and sends them back.
async fn authorize(
    State(shared): State<Shared>,
    Query(asked): Query<Authorization>,
    uri: axum::http::Uri,
) -> Response {
    let mut inside = match shared.count("authorize") {
        Ok(inside) => inside,
        Err(status) => return status.into_response(),
    };
    if asked.agreed.is_none() {
        let there = format!("{}&agreed=yes", uri.path_and_query().map_or("", |path| path.as_str()));
        let there = there.replace('&', "&amp;").replace('"', "&quot;");
        let page = format!(
            "<!doctype html><html lang=en><title>Sandbox provider</title><main><h1>Sandbox provider</h1>\
             <p><a id=agree href=\"{there}\">Sign in</a></p></main></html>"
        );
        return Html(page).into_response();
    }
    match inside.authorize(asked) {
        Ok(back) => Redirect::to(back.as_str()).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, error).into_response(),
    }
}

#[derive(Deserialize)]
struct TokenRequest {
    grant_type: String,
    code: String,
    redirect_uri: String,
    code_verifier: String,
}

fn refuse(error: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response()
}

async fn token(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Form(request): Form<TokenRequest>,
) -> Response {
    let mut inside = match shared.count("token") {
        Ok(inside) => inside,
        Err(status) => return status.into_response(),
    };
    let client = STANDARD.encode(format!("{}:{}", inside.client_id, inside.client_secret));
    let shown = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if shown != format!("Basic {client}") {
        return (StatusCode::UNAUTHORIZED, Json(json!({"error": "invalid_client"}))).into_response();
    }
    if request.grant_type != "authorization_code" {
        return refuse("unsupported_grant_type");
    }
    let Some(asked) = inside.codes.remove(&request.code) else { return refuse("invalid_grant") };
    let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, request.code_verifier.as_bytes()));
    if challenge != asked.challenge || request.redirect_uri != asked.redirect_uri {
        return refuse("invalid_grant");
    }
    let mut claims = inside.person.clone();
    if let Some(nonce) = asked.nonce {
        claims.entry("nonce").or_insert(Value::String(nonce));
    }
    let id_token = inside.sign(claims);
    Json(json!({"access_token": random(), "token_type": "Bearer", "expires_in": LIFETIME, "id_token": id_token}))
        .into_response()
}
