//! The HTTP client of every connector: time limits, a cap on answers, no redirects, and only addresses that
//! may be called.
//!
//! Sites' addresses are tenants' input. [`target`] says which addresses may be called; the resolver asks it
//! for every address a name resolves to, on each new connection, and [`crate::connect`] asks it for
//! addresses that are written as numbers and so are never resolved.

pub mod budget;
mod resolver;
mod retry_after;
pub mod target;

use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, StatusCode, redirect};
use telemetry::trace;
use tracing::Instrument as _;
use tracing::field::Empty;
use url::Url;

use self::budget::Budget;
use crate::error::SiteError;

pub(crate) use retry_after::retry_after;

/// The most that is read of one answer, in bytes. A page of 1,000 Jira users is about 1 MB.
pub const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;

/// As much is read of an answer that is not needed, in bytes.
const BEGINNING: usize = 64 * 1024;

/// How long an idle connection is kept. Tomcat, on which Jira runs, closes it after 20 s by default; a
/// request that meets the closing would have an unknown outcome.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// Limits and rules of outgoing HTTP.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Private, loopback and other special ranges that may be called all the same; the operator's choice.
    pub allow_targets: Vec<IpNet>,
    /// How long a connection may take to come about, name resolution and TLS included.
    pub connect_timeout: Duration,
    /// How long a call may take in all.
    pub request_timeout: Duration,
    /// The `User-Agent`. Not a browser's: products guard browsers' writes against cross-site requests.
    pub user_agent: String,
    /// Certificate authorities that are trusted besides those of the machine, such as a company's own.
    pub authorities: Authorities,
    /// Whether those alone are trusted.
    pub trusts_nobody_else: bool,
    /// What all sites with these settings share. Made when the first of them is connected: whoever changes the other
    /// settings afterwards changes this as well, by its default.
    pub clients: Clients,
}

/// The clients of a process, one for each scheme: a client holds the machine's certificates, too much for each of
/// thousands of sites. Connections to one host are kept apart from those to others, and credentials go with each
/// request.
#[derive(Clone, Debug, Default)]
pub struct Clients(Arc<Made>);

#[derive(Debug, Default)]
struct Made {
    http: OnceLock<reqwest::Client>,
    https: OnceLock<reqwest::Client>,
}

/// Certificate authorities.
#[derive(Clone, Debug, Default)]
pub struct Authorities(Vec<reqwest::Certificate>);

/// A file that was to hold certificates holds none.
#[derive(Debug, thiserror::Error)]
#[error("no certificates in PEM form: {0}")]
pub struct NoCertificates(String);

impl Authorities {
    /// Those of a PEM bundle, of which there must be one.
    pub fn from_pem(pem_bundle: &[u8]) -> Result<Self, NoCertificates> {
        let found = reqwest::Certificate::from_pem_bundle(pem_bundle)
            .map_err(|error| NoCertificates(innermost(&error)))?;
        if found.is_empty() {
            return Err(NoCertificates("nothing that begins with -----BEGIN CERTIFICATE-----".to_owned()));
        }
        // What is between the lines is only read when a client is made.
        #[expect(clippy::disallowed_methods, reason = "nothing is called by it")]
        let tried = reqwest::Client::builder().tls_certs_only(found.iter().cloned()).build();
        tried.map_err(|error| NoCertificates(innermost(&error)))?;
        Ok(Self(found))
    }
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            allow_targets: Vec::new(),
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
            user_agent: concat!("Rollcall/", env!("CARGO_PKG_VERSION")).to_owned(),
            authorities: Authorities::default(),
            trusts_nobody_else: false,
            clients: Clients::default(),
        }
    }
}

/// A client that obeys [`HttpSettings`]. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct HttpClient {
    client: reqwest::Client,
    budget: Arc<Budget>,
}

/// A whole answer, of any status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl HttpSettings {
    /// The same for one site that has authorities of its own: no other one may vouch for it. Its client holds these few
    /// certificates alone, and not the machine's.
    #[must_use]
    pub fn trusting_only(&self, authorities: Authorities) -> Self {
        Self { authorities, trusts_nobody_else: true, clients: Clients::default(), ..self.clone() }
    }

    /// The client of this process for an address that a tenant, or whom a tenant trusts, gave: it reaches only what may be
    /// called. [`SiteError::TargetRefused`] for an address written as a number that may not.
    pub fn client_for(&self, url: &Url) -> Result<reqwest::Client, SiteError> {
        target::check_target(url, &self.allow_targets)?;
        HttpClient::shared(self, url.scheme())
    }
}

impl HttpClient {
    /// A client for one site at `base_url`, whose calls keep to `budget`. Proxies of the environment are not used: a proxy would resolve
    /// names itself, past our rules.
    pub fn new(settings: &HttpSettings, base_url: &Url, budget: &Arc<Budget>) -> Result<Self, SiteError> {
        let client = Self::shared(settings, base_url.scheme())?;
        Ok(Self { client, budget: Arc::clone(budget) })
    }

    fn shared(settings: &HttpSettings, scheme: &str) -> Result<reqwest::Client, SiteError> {
        let made = &settings.clients.0;
        let shared = if scheme == "http" { &made.http } else { &made.https };
        if let Some(client) = shared.get() {
            return Ok(client.clone());
        }
        let client = Self::make(settings, scheme)
            .map_err(|error| SiteError::Unreachable { detail: innermost(&error) })?;
        Ok(shared.get_or_init(|| client).clone())
    }

    fn make(settings: &HttpSettings, scheme: &str) -> reqwest::Result<reqwest::Client> {
        #[expect(clippy::disallowed_methods, reason = "the one place that sets limits on a client")]
        let mut builder = reqwest::Client::builder()
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.request_timeout)
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .user_agent(&settings.user_agent)
            .dns_resolver(resolver::GuardedResolver::new(&settings.allow_targets));
        if scheme == "http" {
            // Without TLS no certificate is checked: this works on a machine that has no CA files.
            builder = builder.tls_certs_only([]);
        } else if settings.trusts_nobody_else {
            builder = builder.tls_certs_only(settings.authorities.0.iter().cloned());
        } else if !settings.authorities.0.is_empty() {
            builder = builder.tls_certs_merge(settings.authorities.0.iter().cloned());
        }
        builder.build()
    }

    /// Begins a request.
    pub(crate) fn request(&self, method: reqwest::Method, url: Url) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Sends a request when the budget has room for it, and reads the whole answer, which has at most
    /// `most_bytes`. `product` and `operation` name it in metrics and events; nothing of its content does.
    pub(crate) async fn send(
        &self,
        product: &'static str,
        operation: &'static str,
        request: RequestBuilder,
        most_bytes: usize,
    ) -> Result<Answer, SiteError> {
        self.send_and_read(product, operation, request, Reading::Whole { most_bytes }).await
    }

    /// The same for an answer of which a success says everything by its status. What is longer than an error may be
    /// is left unread.
    pub(crate) async fn send_for_status(
        &self,
        product: &'static str,
        operation: &'static str,
        request: RequestBuilder,
    ) -> Result<Answer, SiteError> {
        self.send_and_read(product, operation, request, Reading::Beginning { most_bytes: BEGINNING }).await
    }

    async fn send_and_read(
        &self,
        product: &'static str,
        operation: &'static str,
        request: RequestBuilder,
        reading: Reading,
    ) -> Result<Answer, SiteError> {
        let arrived = Instant::now();
        let passage = self.budget.pass().await?;
        let began = Instant::now();
        metrics::histogram!("rollcall_site_budget_wait_seconds", "product" => product)
            .record(began.duration_since(arrived).as_secs_f64());
        let span = tracing::info_span!(
            "site_call",
            otel.kind = "client",
            site.product = product,
            site.operation = operation,
            http.response.status_code = Empty,
        );
        let request = match trace::traceparent(&span) {
            Some(parent) => request.header("traceparent", parent),
            None => request,
        };
        let result = exchange(request, reading).instrument(span.clone()).await;
        if let Ok(answer) = &result {
            passage.answered(answer.status, &answer.headers);
            tracing::record_all!(span, http.response.status_code = answer.status.as_u16());
        }
        observe(product, operation, began.elapsed(), &result);
        result
    }
}

/// How much of an answer's body is wanted.
#[derive(Clone, Copy, Debug)]
enum Reading {
    /// All of it; a longer one is an error.
    Whole { most_bytes: usize },
    /// As much as this; the rest is left unread, and with it the connection.
    Beginning { most_bytes: usize },
}

async fn exchange(request: RequestBuilder, reading: Reading) -> Result<Answer, SiteError> {
    let mut response = request.send().await.map_err(classify)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(classify)? {
        match reading {
            Reading::Whole { most_bytes } if body.len() + chunk.len() > most_bytes => {
                let detail = format!("the answer is longer than {most_bytes} bytes");
                return Err(SiteError::Protocol { detail });
            }
            // What has come is kept: an error that seems to have no body would be taken for the product's own.
            Reading::Beginning { most_bytes } if body.len() + chunk.len() > most_bytes => {
                body.extend_from_slice(&chunk[..most_bytes - body.len()]);
                break;
            }
            Reading::Whole { .. } | Reading::Beginning { .. } => body.extend_from_slice(&chunk),
        }
    }
    Ok(Answer { status: response.status(), headers: response.headers().clone(), body })
}

/// Tells apart what certainly was not sent and what may have been applied.
fn classify(error: reqwest::Error) -> SiteError {
    // The address holds user names; it has no business in a message.
    let error = error.without_url();
    if let Some(refused) = sources(&error).find_map(|source| source.downcast_ref::<target::RefusedTarget>()) {
        return SiteError::TargetRefused { detail: refused.to_string() };
    }
    let detail = innermost(&error);
    if error.is_connect() {
        SiteError::Unreachable { detail }
    } else if error.is_timeout() {
        SiteError::Timeout { detail }
    } else if error.is_builder() {
        SiteError::Protocol { detail }
    } else {
        SiteError::Unavailable { status: None, retry_after: None, detail }
    }
}

fn sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The text of the first cause: the outer ones say only that sending failed.
fn innermost(error: &(dyn Error + 'static)) -> String {
    sources(error).last().map_or_else(String::new, ToString::to_string)
}

fn observe(
    product: &'static str,
    operation: &'static str,
    took: Duration,
    result: &Result<Answer, SiteError>,
) {
    let status = match result {
        Ok(answer) => Some(answer.status.as_u16()),
        Err(_) => None,
    };
    let outcome = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
    metrics::counter!(
        "rollcall_site_calls_total", "product" => product, "operation" => operation, "status" => outcome
    )
    .increment(1);
    metrics::histogram!("rollcall_site_call_seconds", "product" => product, "operation" => operation)
        .record(took.as_secs_f64());
    let wait = result.as_ref().ok().and_then(|answer| retry_after(&answer.headers));
    tracing::debug!(
        site.product = product,
        site.operation = operation,
        http.response.status_code = status,
        site.retry_after_seconds = wait.map(|wait| wait.as_secs()),
        duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "called a site"
    );
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn sites_with_the_same_settings_share_one_client() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 4_096];
            for _ in 0..2 {
                assert!(stream.read(&mut buffer).await.unwrap() > 0);
                stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            }
        });
        let settings =
            HttpSettings { allow_targets: vec!["127.0.0.0/8".parse().unwrap()], ..Default::default() };
        for _ in 0..2 {
            // A second client would wait for a second connection, which nobody accepts.
            let client = HttpClient::new(&settings, &url, &Arc::default()).unwrap();
            let request = client.request(reqwest::Method::GET, url.clone());
            let answer = client.send("jira-data-center", "test", request, 10).await.unwrap();
            assert_eq!(answer.status, StatusCode::NO_CONTENT);
        }
        served.await.unwrap();
    }
}
