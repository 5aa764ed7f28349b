//! The tenant's admin in the demo: the REST API over HTTP, as anyone would use it.

use anyhow::Context as _;
use serde_json::Value;
use url::Url;

/// A caller of the REST API.
#[derive(Clone, Debug)]
pub(super) struct Admin {
    client: reqwest::Client,
    base: String,
    key: String,
}

impl Admin {
    pub(super) fn new(public_url: &Url, key: &str) -> anyhow::Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "it calls our own API on loopback, as an admin would")]
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { client, base: format!("{public_url}v1"), key: key.to_owned() })
    }

    /// The same API with another key.
    pub(super) fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    /// Posts `body` and returns the answer; anything but success is an error that quotes it.
    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self.client.post(format!("{}{path}", self.base)).bearer_auth(&self.key).json(body);
        let answer = request.send().await.with_context(|| format!("POST {path}"))?;
        let (status, text) = (answer.status(), answer.text().await?);
        anyhow::ensure!(status.is_success(), "POST {path} was answered with {status}: {text}");
        serde_json::from_str(&text).with_context(|| format!("the answer to POST {path}"))
    }
}

/// A text member of an answer.
pub(super) fn text<'a>(answer: &'a Value, pointer: &str) -> anyhow::Result<&'a str> {
    answer.pointer(pointer).and_then(Value::as_str).with_context(|| format!("the answer lacks {pointer}"))
}
