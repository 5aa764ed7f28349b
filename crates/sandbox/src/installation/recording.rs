//! Writing down what connectors send and what the sites answer, to be held against the vendors' descriptions.
//!
//! Only where [`FOLDER`] names a folder, and only requests of Rollcall's own HTTP client: what a test asks by hand may
//! be wrong on purpose. Exchanges that are alike but for their values are written once a process.

use std::{
    collections::HashSet,
    fs::OpenOptions,
    io::Write as _,
    path::PathBuf,
    sync::{LazyLock, Mutex, PoisonError},
};

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{Uri, header},
    response::Response,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The environment variable that names the folder.
pub const FOLDER: &str = "ROLLCALL_RECORD_EXCHANGES";

/// What begins the `User-Agent` of our own client.
const OWN_AGENT: &str = "Rollcall/";

/// One request and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The product that answered, as it calls itself.
    pub product: String,
    /// The request's method.
    pub method: String,
    /// Its path, as it was sent.
    pub path: String,
    /// Names of its query's parameters, sorted.
    pub query: Vec<String>,
    /// Its body; `None` without one.
    pub request: Option<Value>,
    /// The answer's status.
    pub status: u16,
    /// Its body; `None` without one or where it is no JSON.
    pub answer: Option<Value>,
}

/// An exchange that is not answered yet.
pub(super) struct Begun {
    folder: &'static PathBuf,
    exchange: Exchange,
}

/// Reads the request, where exchanges are recorded.
pub(super) async fn begin(product: &str, request: Request) -> (Request, Option<Begun>) {
    let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let is_own = agent.is_some_and(|agent| agent.starts_with(OWN_AGENT));
    let Some(folder) = folder().filter(|_| is_own) else { return (request, None) };
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return (Request::from_parts(parts, Body::empty()), None);
    };
    let exchange = Exchange {
        product: product.to_owned(),
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: query_names(&parts.uri),
        request: (!bytes.is_empty()).then(|| serde_json::from_slice(&bytes).unwrap_or(Value::Null)),
        status: 0,
        answer: None,
    };
    (Request::from_parts(parts, Body::from(bytes)), Some(Begun { folder, exchange }))
}

impl Begun {
    /// Reads the answer and writes the exchange down.
    pub(super) async fn end(mut self, response: Response) -> Response {
        let (parts, body) = response.into_parts();
        let Ok(bytes) = to_bytes(body, usize::MAX).await else {
            return Response::from_parts(parts, Body::empty());
        };
        self.exchange.status = parts.status.as_u16();
        self.exchange.answer = serde_json::from_slice(&bytes).ok();
        self.write();
        Response::from_parts(parts, Body::from(bytes))
    }

    fn write(&self) {
        static SEEN: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
        let shape = self.exchange.shape();
        if !SEEN.lock().unwrap_or_else(PoisonError::into_inner).insert(shape) {
            return;
        }
        let file = self.folder.join(format!("{}.jsonl", std::process::id()));
        let line = serde_json::to_string(&self.exchange).map(|line| line + "\n");
        let written = line.map_err(std::io::Error::other).and_then(|line| {
            OpenOptions::new().create(true).append(true).open(&file)?.write_all(line.as_bytes())
        });
        if let Err(error) = written {
            tracing::error!(%error, file = %file.display(), "an exchange was not recorded");
        }
    }
}

impl Exchange {
    /// Everything but the values.
    fn shape(&self) -> String {
        let body = |body: &Option<Value>| body.as_ref().map_or_else(String::new, shape_of);
        format!(
            "{} {} {} {:?} {} {} {}",
            self.product,
            self.method,
            self.path,
            self.query,
            body(&self.request),
            self.status,
            body(&self.answer)
        )
    }
}

fn shape_of(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}:{}", shape_of(value))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => {
            let items: HashSet<String> = items.iter().map(shape_of).collect();
            let mut items: Vec<String> = items.into_iter().collect();
            items.sort();
            format!("[{}]", items.join(","))
        }
        Value::String(_) => "s".to_owned(),
        Value::Number(_) => "n".to_owned(),
        Value::Bool(_) => "b".to_owned(),
        Value::Null => "0".to_owned(),
    }
}

fn query_names(uri: &Uri) -> Vec<String> {
    let query = uri.query().unwrap_or("").as_bytes();
    let names: HashSet<String> =
        url::form_urlencoded::parse(query).map(|(name, _)| name.into_owned()).collect();
    let mut names: Vec<String> = names.into_iter().collect();
    names.sort();
    names
}

fn folder() -> Option<&'static PathBuf> {
    static NAMED: LazyLock<Option<PathBuf>> = LazyLock::new(named_folder);
    NAMED.as_ref()
}

fn named_folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).filter(|folder| !folder.is_empty()).map(PathBuf::from)
}
