//! Asking the REST API over HTTP.

use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::{Client, Method, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use url::Url;
use uuid::Uuid;

use crate::admin::arguments::{ClientArguments, Output};

/// How long an answer may take: a plan of a large directory takes some time.
const PATIENCE: Duration = Duration::from_mins(2);

/// The API, with a credential.
#[derive(Debug)]
pub(crate) struct Api {
    client: Client,
    url: Url,
    key: SecretString,
    tenant: OnceCell<String>,
    pub(crate) output: Output,
}

/// Text as a part of a path or a query.
pub(crate) fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

impl Api {
    #[expect(
        clippy::disallowed_methods,
        reason = "it is the user who says where the API is, and not a tenant"
    )]
    pub(crate) fn new(arguments: &ClientArguments) -> anyhow::Result<Self> {
        let key = arguments.api_key.clone().context(
            "no key: set ROLLCALL_API_KEY to an API key of your organization, or to the operator's key",
        )?;
        Ok(Self {
            client: Client::builder().timeout(PATIENCE).build()?,
            url: arguments.api_url.clone(),
            key,
            tenant: OnceCell::new_with(arguments.tenant.clone()),
            output: arguments.output,
        })
    }

    /// The tenant that is meant: the one that was named, or the one that the key is of.
    pub(crate) async fn tenant(&self) -> anyhow::Result<&str> {
        let asked = self.tenant.get_or_try_init(async || {
            let who = self.call(Method::GET, "/me", None).await?;
            let slug = who["tenant"]["slug"].as_str();
            slug.map(str::to_owned).context("which tenant? Name it by --tenant, or set ROLLCALL_TENANT")
        });
        asked.await.map(String::as_str)
    }

    /// A path of the tenant.
    pub(crate) async fn of(&self, rest: &str) -> anyhow::Result<String> {
        Ok(format!("/tenants/{}{rest}", encoded(self.tenant().await?)))
    }

    pub(crate) async fn get(&self, rest: &str) -> anyhow::Result<Value> {
        self.call(Method::GET, &self.of(rest).await?, None).await
    }

    pub(crate) async fn post(&self, rest: &str, body: Value) -> anyhow::Result<Value> {
        self.call(Method::POST, &self.of(rest).await?, Some(body)).await
    }

    pub(crate) async fn patch(&self, rest: &str, body: Value) -> anyhow::Result<Value> {
        self.call(Method::PATCH, &self.of(rest).await?, Some(body)).await
    }

    pub(crate) async fn delete(&self, rest: &str) -> anyhow::Result<Value> {
        self.call(Method::DELETE, &self.of(rest).await?, None).await
    }

    /// Every item of a list.
    pub(crate) async fn all(&self, rest: &str) -> anyhow::Result<Vec<Value>> {
        self.all_of(&self.of(rest).await?).await
    }

    /// Every item of a list at a whole path.
    pub(crate) async fn all_of(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let mut page =
                self.call(Method::GET, &format!("{path}{separator}limit=500{cursor}"), None).await?;
            if let Value::Array(more) = page["items"].take() {
                items.extend(more);
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={}", encoded(next)),
                None => return Ok(items),
            }
        }
    }

    /// The object of a list that an id or a name means.
    pub(crate) async fn named(&self, list: &str, what: &str, name: &str) -> anyhow::Result<Value> {
        let mut found = self.all(list).await?;
        found.retain(|item| item["id"] == name || item["name"] == name);
        match found.len() {
            0 => bail!("no {what} has the id or the name {name:?}"),
            1 => Ok(found.remove(0)),
            many => bail!("{many} {what}s are called {name:?}; use the id"),
        }
    }

    /// The id of the object of a list that an id or a name means.
    pub(crate) async fn id_of(&self, list: &str, what: &str, name: &str) -> anyhow::Result<String> {
        let found = self.named(list, what, name).await?;
        Ok(found["id"].as_str().unwrap_or_default().to_owned())
    }

    /// The id of the link that an id, or the names of both its ends mean.
    pub(crate) async fn link(&self, name: &str) -> anyhow::Result<String> {
        let Some((connection, site)) = name.split_once('/') else { return Ok(name.to_owned()) };
        let connection = self.id_of("/connections", "connection", connection).await?;
        let site = self.id_of("/sites", "site", site).await?;
        let links = self.all("/links").await?;
        let link = links.iter().find(|link| link["connection_id"] == connection && link["site_id"] == site);
        let id = link.and_then(|link| link["id"].as_str());
        id.map(str::to_owned).with_context(|| format!("{name} is not linked"))
    }

    /// The id of the user that an id or a user name means.
    pub(crate) async fn user(&self, name: &str) -> anyhow::Result<String> {
        if name.parse::<Uuid>().is_ok() {
            return Ok(name.to_owned());
        }
        let mut found = Vec::new();
        for connection in self.all("/connections").await? {
            let id = connection["id"].as_str().unwrap_or_default();
            let path = format!("/users?connection_id={id}&user_name={}", encoded(name));
            found.extend(self.all(&path).await?);
        }
        match found.as_slice() {
            [] => bail!(
                "no user is called {name:?}; `rollcall users search` finds people by their first letters"
            ),
            [one] => Ok(one["id"].as_str().unwrap_or_default().to_owned()),
            many => bail!("{} users of several connections are called {name:?}; use the id", many.len()),
        }
    }

    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Value> {
        let base = self.url.as_str().trim_end_matches('/');
        let mut request = self.client.request(method.clone(), format!("{base}/v1{path}"));
        request = request.bearer_auth(self.key.expose_secret());
        if method == Method::POST {
            // A repeat by a proxy is carried out once.
            request = request.header("idempotency-key", Uuid::new_v4().to_string());
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.with_context(|| format!("{base} does not answer"))?;
        let status = answer.status();
        let text = answer.text().await.context("the answer broke off")?;
        if status.is_success() {
            let text = if text.is_empty() { "null" } else { &text };
            return serde_json::from_str(text)
                .with_context(|| format!("{base} is no Rollcall: its answer is not JSON"));
        }
        Err(refusal(status, &serde_json::from_str(&text).unwrap_or(json!({}))))
    }
}

/// Why the API refused, with every field that is wrong.
fn refusal(status: StatusCode, problem: &Value) -> anyhow::Error {
    if status == StatusCode::UNAUTHORIZED {
        return anyhow::anyhow!("the key opens nothing here: it may be mistyped, revoked or expired");
    }
    let detail = problem["detail"].as_str().or_else(|| problem["title"].as_str());
    let mut lines = vec![detail.map_or_else(|| format!("the API answered {status}"), str::to_owned)];
    if problem["needs"] == "break-glass" {
        lines.push(
            "  run: rollcall tenants break-glass TENANT --reason 'who you are, and what for'".to_owned(),
        );
    }
    for error in problem["errors"].as_array().into_iter().flatten() {
        let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        lines.push(format!("  {}: {}", text("field"), text("problem")));
    }
    anyhow::anyhow!(lines.join("\n"))
}
