//! A tenant with a connection and a linked site, registered through the REST API.

use reqwest::{Client, Response};
use serde_json::{Value, json};

use crate::canaries;
use crate::program::{OPERATOR_KEY, Program};

/// What an identity provider and an admin need to know.
pub(crate) struct Tenant {
    pub(crate) client: Client,
    /// `…/v1/tenants/{slug}`.
    pub(crate) api: String,
    /// The owner's API key.
    pub(crate) key: String,
    /// The SCIM base URL of its one connection.
    pub(crate) scim: String,
    /// That connection's token.
    pub(crate) token: String,
    pub(crate) connection_id: String,
}

impl Tenant {
    /// Registers a tenant with one connection.
    pub(crate) async fn register(program: &Program, slug: &str) -> Self {
        Self::register_at(&program.url(), slug).await
    }

    /// The same through a REST API at `url`.
    pub(crate) async fn register_at(url: &str, slug: &str) -> Self {
        Self::register_with(url, slug, OPERATOR_KEY).await
    }

    /// The same as an operator with a key of their own.
    pub(crate) async fn register_with(url: &str, slug: &str, operator_key: &str) -> Self {
        let mut tenant = Self {
            client: client(),
            api: format!("{url}/v1/tenants/{slug}"),
            key: operator_key.to_owned(),
            scim: String::new(),
            token: String::new(),
            connection_id: String::new(),
        };
        let tenants = format!("{url}/v1/tenants");
        tenant.post_to(&tenants, &json!({"slug": slug, "name": slug})).await;
        let made = tenant.post("/keys", &json!({"name": "tests", "role": "owner"})).await;
        tenant.key = text(&made, "key");
        canaries::note(&tenant.key);
        let connection = tenant.post("/connections", &json!({"name": "IdP", "provider": "generic"})).await;
        tenant.connection_id = text(&connection, "id");
        tenant.scim = text(&connection["scim"], "base_url");
        let path = format!("/connections/{}/tokens", tenant.connection_id);
        tenant.token = text(&tenant.post(&path, &json!({"name": "tests"})).await, "token");
        canaries::note(&tenant.token);
        tenant
    }

    /// Registers a simulated site and links the connection to it. Returns the link's id.
    pub(crate) async fn link(&self, product: &str, base_url: &str, settings: Value) -> String {
        let site = self
            .post(
                "/sites",
                &json!({
                    "name": product, "product": product, "base_url": base_url,
                    "credentials": credentials(product),
                }),
            )
            .await;
        let mut link = settings;
        link["connection_id"] = json!(self.connection_id);
        link["site_id"] = site["id"].clone();
        text(&self.post("/links", &link).await, "id")
    }

    /// POST below the SCIM base URL, as the identity provider.
    pub(crate) async fn scim_post(&self, path: &str, body: &Value) -> Response {
        let request = self.client.post(format!("{}{path}", self.scim)).bearer_auth(&self.token);
        let request = request.header("content-type", "application/scim+json").body(body.to_string());
        request.send().await.unwrap()
    }

    /// GET below the SCIM base URL, as the identity provider; it must succeed.
    pub(crate) async fn scim_get(&self, path: &str) -> Value {
        self.get_from(&format!("{}{path}", self.scim), &self.token).await
    }

    /// GET below the tenant, as its owner; it must succeed.
    pub(crate) async fn get(&self, path: &str) -> Value {
        self.get_from(&format!("{}{path}", self.api), &self.key).await
    }

    async fn get_from(&self, url: &str, bearer: &str) -> Value {
        let answer = self.client.get(url).bearer_auth(bearer).send().await.unwrap();
        assert!(answer.status().is_success(), "GET {url}: {}", answer.status());
        answer.json().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        self.post_to(&format!("{}{path}", self.api), body).await
    }

    /// PATCH below the tenant, as its owner; it must succeed.
    pub(crate) async fn patch(&self, path: &str, body: &Value) {
        let request = self.client.patch(format!("{}{path}", self.api)).bearer_auth(&self.key);
        let answer = request.json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "PATCH {path}: {}", answer.status());
    }

    async fn post_to(&self, url: &str, body: &Value) -> Value {
        let answer = self.client.post(url).bearer_auth(&self.key).json(body).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "POST {url}: {status}: {text}");
        serde_json::from_str(&text).unwrap()
    }
}

/// A client that uses no proxy of the environment.
#[expect(clippy::disallowed_methods, reason = "the tests talk to their own loopback ports")]
pub(crate) fn client() -> Client {
    Client::builder().no_proxy().timeout(std::time::Duration::from_secs(30)).build().unwrap()
}

/// A text member that must be there.
pub(crate) fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("{name} is missing in {value}")).to_owned()
}

/// What we log in at a simulated site with.
fn credentials(product: &str) -> Value {
    ["sandbox-password", "sandbox-token"].into_iter().for_each(canaries::note);
    if product == "crowd" {
        return json!({"type": "basic", "username": "rollcall", "password": "sandbox-password"});
    }
    if product == "jira-cloud" {
        return json!({"type": "api_key", "email": "rollcall@example.com", "token": "sandbox-token"});
    }
    json!({"type": "bearer", "token": "sandbox-token"})
}
