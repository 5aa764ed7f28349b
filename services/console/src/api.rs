//! Asking the REST API, in this process, in the name of whoever is signed in.

use axum::Router;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, IF_MATCH};
use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use guard::Source;
use http_body_util::BodyExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt as _;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The API, with a credential.
#[derive(Clone, Debug)]
pub struct Api {
    router: Router,
    credential: SecretString,
    /// Where somebody comes from whose credential may be a guess.
    source: Option<Source>,
}

/// A page of a list.
#[derive(Debug, Deserialize)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
    /// Whether the operator would have to break glass to see what there is.
    #[serde(skip)]
    pub hidden: bool,
}

impl<T> Page<T> {
    /// A list of which nothing is shown.
    pub fn hidden() -> Self {
        Self { items: Vec::new(), next_cursor: None, hidden: true }
    }
}

/// A problem with one field.
#[derive(Clone, Debug, Deserialize)]
pub struct FieldProblem {
    /// Its path in the body, such as `user_sync.scope`.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Why the API refused or failed (RFC 9457).
#[derive(Clone, Debug, Default, thiserror::Error)]
#[error("{status}: {detail}")]
pub struct Problem {
    /// The status.
    pub status: StatusCode,
    /// What happened, in words.
    pub detail: String,
    /// The fields that are wrong.
    pub errors: Vec<FieldProblem>,
    /// What an operator finds the request by.
    pub request_id: Option<String>,
    /// What would let it through, as the API calls it.
    pub needs: Option<String>,
}

impl Problem {
    /// Whether the operator has to break glass first.
    pub fn is_behind_glass(&self) -> bool {
        self.needs.as_deref() == Some("break-glass")
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ProblemBody {
    title: String,
    detail: Option<String>,
    errors: Vec<FieldProblem>,
    needs: Option<String>,
}

/// A call that is being put together.
#[derive(Debug)]
pub struct Call<'a> {
    api: &'a Api,
    method: Method,
    path: String,
    body: Option<Value>,
    headers: Vec<(HeaderName, String)>,
}

impl Api {
    /// The API as it is for the bearer of `credential`.
    pub fn new(router: Router, credential: SecretString) -> Self {
        Self { router, credential, source: None }
    }

    /// The same, for somebody from there, whose tries are counted.
    #[must_use]
    pub fn coming_from(mut self, source: Option<Source>) -> Self {
        self.source = source;
        self
    }

    /// A call; `path` begins behind `/v1`.
    pub fn call(&self, method: Method, path: impl AsRef<str>) -> Call<'_> {
        let path = format!("/v1{}", path.as_ref());
        Call { api: self, method, path, body: None, headers: Vec::new() }
    }

    /// Reads.
    pub async fn get<T: DeserializeOwned>(&self, path: impl AsRef<str>) -> Result<T, Problem> {
        self.call(Method::GET, path).send().await
    }

    /// Reads what may not be there.
    pub async fn find<T: DeserializeOwned>(&self, path: impl AsRef<str>) -> Result<Option<T>, Problem> {
        match self.get(path).await {
            Ok(found) => Ok(Some(found)),
            Err(problem) if problem.status == StatusCode::NOT_FOUND => Ok(None),
            Err(problem) => Err(problem),
        }
    }

    /// Reads every page of a list that has few.
    pub async fn all<T: DeserializeOwned>(
        &self,
        path: impl AsRef<str>,
        most: usize,
    ) -> Result<Vec<T>, Problem> {
        let path = path.as_ref();
        let separator = if path.contains('?') { '&' } else { '?' };
        let mut all: Vec<T> = Vec::new();
        let mut cursor = String::new();
        loop {
            let page: Page<T> = self.get(format!("{path}{separator}limit=100{cursor}")).await?;
            all.extend(page.items);
            match page.next_cursor {
                Some(next) if all.len() < most => cursor = format!("&cursor={}", query(&next)),
                _ => return Ok(all),
            }
        }
    }
}

impl Call<'_> {
    /// With a JSON body.
    #[must_use]
    pub fn json(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Carried out once, however often the form is sent.
    #[must_use]
    pub fn once(mut self, key: &str) -> Self {
        if !key.is_empty() {
            self.headers.push((IDEMPOTENCY_KEY, key.to_owned()));
        }
        self
    }

    /// Only on what was shown.
    #[must_use]
    pub fn if_match(mut self, etag: &str) -> Self {
        if !etag.is_empty() {
            self.headers.push((IF_MATCH, etag.to_owned()));
        }
        self
    }

    /// Sends it and reads the answer.
    pub async fn send<T: DeserializeOwned>(self) -> Result<T, Problem> {
        self.send_tagged().await.map(|(answer, _)| answer)
    }

    /// As [`Self::send`], with the answer's entity tag.
    pub async fn send_tagged<T: DeserializeOwned>(self) -> Result<(T, String), Problem> {
        let request = self.request()?;
        let response = match self.api.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let (head, body) = response.into_parts();
        let header = |name: &HeaderName| {
            head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let (status, etag, request_id) = (head.status, header(&ETAG), header(&REQUEST_ID));
        let body = body.collect().await.map_err(|_| broken(request_id.clone()))?.to_bytes();
        if !status.is_success() {
            let body: ProblemBody = serde_json::from_slice(&body).unwrap_or_default();
            let detail = body.detail.unwrap_or(body.title);
            return Err(Problem { status, detail, errors: body.errors, request_id, needs: body.needs });
        }
        let body = if body.is_empty() { b"null" } else { &body[..] };
        let answer = serde_json::from_slice(body).map_err(|error| {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "an answer of the API was not understood"
            );
            broken(request_id)
        })?;
        Ok((answer, etag.unwrap_or_default()))
    }

    fn request(&self) -> Result<Request<Body>, Problem> {
        let mut request = Request::builder().method(self.method.clone()).uri(&self.path);
        if let Some(source) = self.api.source {
            request = request.extension(source);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let mut credential = HeaderValue::try_from(format!("Bearer {}", self.api.credential.expose_secret()))
            .map_err(|_| Problem { status: StatusCode::UNAUTHORIZED, ..Problem::default() })?;
        credential.set_sensitive(true);
        request = request.header(AUTHORIZATION, credential);
        let body = match &self.body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        // A path that is no path comes from the address bar.
        request.body(body).map_err(|_| Problem { status: StatusCode::NOT_FOUND, ..Problem::default() })
    }
}

fn broken(request_id: Option<String>) -> Problem {
    let detail = "The API's answer could not be read".to_owned();
    Problem { status: StatusCode::INTERNAL_SERVER_ERROR, detail, request_id, ..Problem::default() }
}

/// Text as a value in a query.
pub fn query(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
