//! Noting the last requests of each connection, for whoever sets a provider up: what came, how it was answered, and why
//! it was refused. They are written down together once a second, a bounded number of each connection; nobody waits
//! for that, and what a killed process had not written is missing.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::USER_AGENT;
use http::{HeaderMap, StatusCode, Uri};
use http_body_util::BodyExt as _;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use store::Store;
use store::caller::ScimCaller;
use store::id::{ConnectionId, TenantId};
use store::requests::{NewRequest, Noted};
use tokio::time::Instant;

/// How often is written down what came.
const EVERY: Duration = Duration::from_secs(1);
/// After how many times old requests are forgotten.
const FORGET_EVERY: u32 = 60;
/// Requests of one connection and one kind (carried out, refused) that are noted within that time.
const OF_A_KIND: usize = 25;
/// Requests of one connection whose token does not open it that are noted within that time.
const OF_STRANGERS: usize = 5;
/// Connections for which such requests are noted: anybody can make up their ids.
const STRANGE: usize = 1_000;
/// Requests of all connections that are noted within that time; with their bodies they take 40 MiB at the most.
const OF_ALL: usize = 5_000;
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
    recent: Arc<Mutex<Recent>>,
}

/// What came since the last time.
#[derive(Debug, Default)]
struct Recent {
    noted: Vec<Noted>,
    counts: HashMap<ConnectionId, Counts>,
    /// How many came for connections that their tokens do not open.
    strangers: HashMap<ConnectionId, usize>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    good: usize,
    refused: usize,
}

impl Recent {
    /// Which requests of a connection are still noted: good ones, refused ones.
    fn wants(&self, connection: ConnectionId) -> (bool, bool) {
        if self.noted.len() >= OF_ALL {
            return (false, false);
        }
        let counts = self.counts.get(&connection).copied().unwrap_or_default();
        (counts.good < OF_A_KIND, counts.refused < OF_A_KIND)
    }

    fn note(&mut self, tenant: TenantId, connection: ConnectionId, request: NewRequest) {
        let is_good = request.status < 400;
        let (good, refused) = self.wants(connection);
        if (is_good && good) || (!is_good && refused) {
            let counts = self.counts.entry(connection).or_default();
            *(if is_good { &mut counts.good } else { &mut counts.refused }) += 1;
            self.noted.push(Noted { tenant: Some(tenant), connection, request });
        }
    }

    fn note_stranger(&mut self, connection: ConnectionId, request: NewRequest) {
        if self.strangers.len() >= STRANGE && !self.strangers.contains_key(&connection) {
            return;
        }
        let count = self.strangers.entry(connection).or_default();
        if *count < OF_STRANGERS {
            *count += 1;
            self.noted.push(Noted { tenant: None, connection, request });
        }
    }
}

impl Requests {
    /// Notes into this database, as long as [`Self::keep_up`] runs.
    pub fn new(store: Store) -> Self {
        Self { store, recent: Arc::default() }
    }

    /// Writes down what came, once a second, and forgets what is old, once a minute; returns only when dropped.
    pub async fn keep_up(&self) {
        let mut interval = tokio::time::interval(EVERY);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut written = BTreeSet::new();
        for round in 1_u32.. {
            interval.tick().await;
            written.extend(self.write().await);
            if round.is_multiple_of(FORGET_EVERY) {
                for (tenant, connection) in std::mem::take(&mut written) {
                    let requests = self.store.tenant(tenant).requests(connection);
                    told(requests.forget_old().await, "old requests were not forgotten");
                }
            }
        }
    }

    /// Writes down what came. Returns the connections that it was of.
    pub async fn write(&self) -> Vec<(TenantId, ConnectionId)> {
        let noted = std::mem::take(&mut *self.lock()).noted;
        if noted.is_empty() {
            return Vec::new();
        }
        told(self.store.note_requests(noted).await, "requests were not noted").unwrap_or_default()
    }

    /// Notes that a request was not let in.
    pub(crate) fn note_stranger(&self, connection: ConnectionId, problem: &str) {
        let request = NewRequest {
            at: self.store.clock().now(),
            method: String::new(),
            path: String::new(),
            status: StatusCode::UNAUTHORIZED.as_u16(),
            duration: Duration::ZERO,
            request_id: None,
            user_agent: None,
            sent: None,
            problem: Some(problem.to_owned()),
        };
        self.lock().note_stranger(connection, request);
    }

    fn lock(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came of it, if anything did: requests may be missing.
fn told<T>(done: store::Result<T>, what: &'static str) -> Option<T> {
    done.inspect_err(|error| tracing::debug!(error = error as &dyn std::error::Error, "{what}")).ok()
}

/// Lets a request through and notes it.
pub(crate) async fn note(State(requests): State<Requests>, request: Request, next: Next) -> Response {
    let Some(caller) = request.extensions().get::<ScimCaller>().cloned() else {
        return next.run(request).await;
    };
    let (good, refused) = requests.lock().wants(caller.connection_id);
    if !good && !refused {
        return next.run(request).await;
    }
    let began = Instant::now();
    let at = requests.store.clock().now();
    let method = request.method().to_string();
    let path = shown_path(request.uri());
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
    requests.lock().note(caller.tenant_id, caller.connection_id, noted);
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

/// Path and query as they may be shown: a query that speaks of a secret may hold one.
fn shown_path(uri: &Uri) -> String {
    let path = match uri.query() {
        Some(query) if is_secret(&percent_decode_str(query).decode_utf8_lossy()) => {
            format!("{}?{MASK}", uri.path())
        }
        Some(query) => format!("{}?{query}", uri.path()),
        None => uri.path().to_owned(),
    };
    path.chars().take(TEXT).collect()
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
                let asks_for_secret = name == "filter" && member.as_str().is_some_and(is_secret);
                if is_secret(name) || asks_for_secret || (names_secret && name == "value") {
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
    fn filters_that_ask_for_secrets_are_masked() {
        let path = |path: &str| shown_path(&path.parse().unwrap());
        assert_eq!(path("/Users?filter=pass%77ord+eq+%22hunter2%22"), "/Users?***");
        assert_eq!(path("/Users?startIndex=1&count=2"), "/Users?startIndex=1&count=2");
        let body = br#"{"filter":"password eq \"hunter2\"","count":1}"#;
        assert!(!shown(body).unwrap().contains("hunter2"));
    }

    #[test]
    fn strangers_take_no_room_from_those_who_are_known() {
        let request = |status| NewRequest {
            at: store::Timestamp(0),
            method: String::new(),
            path: String::new(),
            status,
            duration: Duration::ZERO,
            request_id: None,
            user_agent: None,
            sent: None,
            problem: None,
        };
        let mut recent = Recent::default();
        for _ in 0..2 * STRANGE {
            recent.note_stranger(ConnectionId::generate(), request(401));
        }
        assert_eq!(recent.noted.len(), STRANGE);
        let (tenant, connection) = (TenantId::generate(), ConnectionId::generate());
        for _ in 0..2 * OF_A_KIND {
            recent.note(tenant, connection, request(200));
            recent.note(tenant, connection, request(404));
        }
        assert_eq!(recent.noted.len(), STRANGE + 2 * OF_A_KIND);
        for _ in 0..2 * OF_ALL {
            recent.note(tenant, ConnectionId::generate(), request(200));
        }
        assert_eq!(recent.noted.len(), OF_ALL);
        assert_eq!(recent.wants(ConnectionId::generate()), (false, false));
    }

    #[test]
    fn of_what_cannot_be_searched_for_secrets_nothing_is_shown() {
        assert_eq!(shown(b"password=hunter2"), None);
        assert_eq!(shown(br#"{"password":"hunter2""#), None, "cut off");
        assert_eq!(shown(format!("{{\"a\":\"{}\"}}", "x".repeat(BODY)).as_bytes()), None);
        assert_eq!(shown(b""), None);
    }
}
