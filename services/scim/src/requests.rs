//! Noting the last requests of each connection, for whoever sets a provider up: what came, how it was answered, and why
//! it was refused. They are written down together once a second, a bounded number of each connection; nobody waits
//! for that, and what a killed process had not written is missing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::USER_AGENT;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use store::Store;
use store::caller::ScimCaller;
use store::id::{ConnectionId, TenantId};
use store::requests::NewRequest;
use tokio::time::Instant;

/// How often is written down what came.
const EVERY: Duration = Duration::from_secs(1);
/// Requests of one connection and one kind (carried out, refused) that are noted within that time.
const OF_A_KIND: usize = 25;
/// Connections that are noted within that time.
const CONNECTIONS: usize = 10_000;
/// Bytes of a body that are noted; of a longer one nothing is, as secrets in it could not be found.
const BODY: usize = 8 * 1024;
/// Bytes of a refusal that are read for its reason.
const REFUSAL: usize = 64 * 1024;
/// Characters of paths and names of clients.
const TEXT: usize = 1_000;
/// What stands for a secret.
const MASK: &str = "***";

/// Notes requests. Clones share what was not written down yet.
#[derive(Clone, Debug)]
pub struct Requests {
    store: Store,
    recent: Arc<Mutex<HashMap<ConnectionId, Recent>>>,
}

/// What came of one connection since the last time.
#[derive(Debug, Default)]
struct Recent {
    /// Unknown for requests that were never let in.
    tenant: Option<TenantId>,
    good: Vec<NewRequest>,
    refused: Vec<NewRequest>,
}

impl Requests {
    /// Notes into this database, as long as [`Self::keep_up`] runs.
    pub fn new(store: Store) -> Self {
        Self { store, recent: Arc::default() }
    }

    /// Writes down what came, once a second; returns only when dropped.
    pub async fn keep_up(&self) {
        let mut interval = tokio::time::interval(EVERY);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            self.write().await;
        }
    }

    /// Writes down what came.
    pub async fn write(&self) {
        let recent = std::mem::take(&mut *self.recent.lock().unwrap_or_else(PoisonError::into_inner));
        for (connection, recent) in recent {
            if let Err(error) = self.write_of(connection, recent).await {
                // They may be missing, and the tenant may have gone.
                tracing::debug!(error = &error as &dyn std::error::Error, "requests were not noted");
            }
        }
    }

    async fn write_of(&self, connection: ConnectionId, recent: Recent) -> store::Result<()> {
        let tenant = match recent.tenant {
            Some(tenant) => Some(tenant),
            None => self.store.tenant_of_connection(connection).await?,
        };
        let Some(tenant) = tenant else { return Ok(()) };
        let mut requests = recent.good;
        requests.extend(recent.refused);
        requests.sort_by_key(|request| request.at);
        self.store.tenant(tenant).requests(connection).insert(requests).await
    }

    /// Notes that a request was not let in.
    pub(crate) fn note_stranger(&self, connection: ConnectionId, problem: &str) {
        self.note(
            connection,
            None,
            NewRequest {
                at: self.store.clock().now(),
                method: String::new(),
                path: String::new(),
                status: StatusCode::UNAUTHORIZED.as_u16(),
                duration: Duration::ZERO,
                request_id: None,
                user_agent: None,
                sent: None,
                problem: Some(problem.to_owned()),
            },
        );
    }

    fn note(&self, connection: ConnectionId, tenant: Option<TenantId>, request: NewRequest) {
        let mut all = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= CONNECTIONS && !all.contains_key(&connection) {
            return;
        }
        let recent = all.entry(connection).or_default();
        recent.tenant = recent.tenant.or(tenant);
        let kind = if request.status < 400 { &mut recent.good } else { &mut recent.refused };
        if kind.len() < OF_A_KIND {
            kind.push(request);
        }
    }

    /// Which requests of a connection are still noted: good ones, refused ones.
    fn wanted(&self, connection: ConnectionId) -> (bool, bool) {
        let all = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&connection)
            .map_or((true, true), |recent| (recent.good.len() < OF_A_KIND, recent.refused.len() < OF_A_KIND))
    }
}

/// Lets a request through and notes it.
pub(crate) async fn note(State(requests): State<Requests>, request: Request, next: Next) -> Response {
    let Some(caller) = request.extensions().get::<ScimCaller>().cloned() else {
        return next.run(request).await;
    };
    let (good, refused) = requests.wanted(caller.connection_id);
    if !good && !refused {
        return next.run(request).await;
    }
    let began = Instant::now();
    let at = requests.store.clock().now();
    let method = request.method().to_string();
    let path = request.uri().path_and_query().map_or("", |path| path.as_str());
    let path = path.chars().take(TEXT).collect();
    let user_agent = user_agent(request.headers());
    let sent: Arc<Mutex<Vec<u8>>> = Arc::default();
    let copy = Arc::clone(&sent);
    let request =
        request.map(|body| Body::new(body.inspect_frame(move |frame| keep(&copy, frame.data_ref()))));
    let response = next.run(request).await;
    let status = response.status();
    let (response, problem) =
        if status.as_u16() >= 400 && refused { read_refusal(response).await } else { (response, None) };
    let sent = std::mem::take(&mut *sent.lock().unwrap_or_else(PoisonError::into_inner));
    let noted = NewRequest {
        at,
        method,
        path,
        status: status.as_u16(),
        duration: began.elapsed(),
        request_id: Some(caller.request_id),
        user_agent,
        sent: shown(&sent),
        problem,
    };
    requests.note(caller.connection_id, Some(caller.tenant_id), noted);
    response
}

/// One byte more than is shown tells that there is more.
fn keep(copy: &Mutex<Vec<u8>>, data: Option<&Bytes>) {
    let mut kept = copy.lock().unwrap_or_else(PoisonError::into_inner);
    let room = (BODY + 1).saturating_sub(kept.len());
    kept.extend(data.into_iter().flatten().take(room));
}

fn user_agent(headers: &HeaderMap) -> Option<String> {
    Some(headers.get(USER_AGENT)?.to_str().ok()?.chars().take(TEXT).collect())
}

/// Reads why a request was refused, and gives the answer back as it was. A longer one is none of ours.
async fn read_refusal(response: Response) -> (Response, Option<String>) {
    let announced = http_body::Body::size_hint(response.body()).upper();
    if announced.is_none_or(|length| length > REFUSAL as u64) {
        return (response, None);
    }
    let (parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, REFUSAL).await else {
        return (Response::from_parts(parts, Body::empty()), None);
    };
    let problem = serde_json::from_slice::<Value>(&bytes)
        .ok()
        .and_then(|body| Some(body.get("detail")?.as_str()?.chars().take(TEXT).collect()));
    (Response::from_parts(parts, Body::from(bytes)), problem)
}

/// A body as it may be shown.
fn shown(sent: &[u8]) -> Option<String> {
    if sent.is_empty() || sent.len() > BODY {
        return None;
    }
    let mut value = serde_json::from_slice::<Value>(sent).ok()?;
    mask(&mut value);
    serde_json::to_string(&value).ok()
}

fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    ["password", "secret", "token", "credential"].iter().any(|word| name.contains(word))
}

/// Masks the values of attributes that may be secrets, those that a PATCH names in its path included.
fn mask(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let names_secret = members.get("path").and_then(Value::as_str).is_some_and(is_secret);
            for (name, member) in members {
                if is_secret(name) || (names_secret && name == "value") {
                    *member = Value::String(MASK.to_owned());
                } else {
                    mask(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_masked_wherever_they_stand() {
        let body = r#"{"userName":"ada","Password":"hunter2","Operations":[
            {"op":"replace","path":"password","value":"hunter3"},{"op":"add","value":{"password":"hunter4","title":"x"}}]}"#;
        let shown = shown(body.as_bytes()).unwrap();
        assert!(!shown.contains("hunter"), "{shown}");
        assert!(shown.contains("ada") && shown.contains("title"), "{shown}");
    }

    #[test]
    fn of_what_cannot_be_searched_for_secrets_nothing_is_shown() {
        assert_eq!(shown(b"password=hunter2"), None);
        assert_eq!(shown(br#"{"password":"hunter2""#), None, "cut off");
        assert_eq!(shown(format!("{{\"a\":\"{}\"}}", "x".repeat(BODY)).as_bytes()), None);
        assert_eq!(shown(b""), None);
    }
}
