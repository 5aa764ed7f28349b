//! Simulated identity providers that are set up with nothing but what the console's page shows: Oracle, Okta, Entra.

use reqwest::{Client, Method, RequestBuilder};
use sandbox::idp::oracle_idcs::OracleIdcs;
use sandbox::people::Person;
use serde_json::{Value, json};

use crate::tenant::client;

/// A provider, and what its console asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Provider {
    Oracle,
    Okta,
    Entra,
}

impl Provider {
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Oracle => "oracle",
            Self::Okta => "okta",
            Self::Entra => "entra",
        }
    }

    /// Fields with the base URL or its parts, in their order.
    pub(crate) fn address_fields(self) -> &'static [&'static str] {
        if self == Self::Oracle { &["host-name", "base-uri"] } else { &["base-url"] }
    }

    /// What its form calls its test.
    pub(crate) fn test_words(self) -> &'static str {
        match self {
            Self::Oracle => "Test Connectivity",
            Self::Okta => "Test API Credentials",
            Self::Entra => "Test connection",
        }
    }
}

/// A provider with base URL and token filled in.
pub(crate) struct Configured {
    provider: Provider,
    base_url: String,
    token: String,
    client: Client,
}

impl Configured {
    pub(crate) fn new(provider: Provider, base_url: &str, token: &str) -> Self {
        Self { provider, base_url: base_url.to_owned(), token: token.to_owned(), client: client() }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let name = match self.provider {
            Provider::Oracle => "Oracle-IDCS",
            Provider::Okta => "Okta SCIM Client 1.0.0",
            Provider::Entra => "Microsoft-Entra-Provisioning",
        };
        let request = self.client.request(method, format!("{}{path}", self.base_url));
        request.bearer_auth(&self.token).header("user-agent", name)
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Value {
        let request = self.request(method, path).header("content-type", "application/scim+json");
        let answer = request.body(body.to_string()).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// The provider's test button; the status that it met.
    pub(crate) async fn test(&self) -> u16 {
        let query = match self.provider {
            Provider::Oracle => {
                let oracle = OracleIdcs::new(&self.base_url, &self.token).unwrap();
                return oracle.test_connectivity().await.map_or(401, |()| 200);
            }
            Provider::Okta => vec![("startIndex", "1"), ("count", "2")],
            Provider::Entra => vec![("filter", "userName eq \"5b9c0a3e-0000-4000-8000-c0ffee000001\"")],
        };
        self.request(Method::GET, "/Users").query(&query).send().await.unwrap().status().as_u16()
    }

    /// Assigns people and two groups: everybody, and every third of them.
    pub(crate) async fn provision(&self, from: usize, count: usize) {
        let mut ids = Vec::new();
        for index in from..from + count {
            ids.push(self.create(&Person::sample(index)).await);
        }
        for (name, every) in [("everyone", 1), ("pilot", 3)] {
            let members: Vec<Value> = ids.iter().step_by(every).map(|id| json!({ "value": id })).collect();
            let group = json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "members": members,
            });
            self.send(Method::POST, "/Groups", &group).await;
        }
    }

    async fn create(&self, person: &Person) -> String {
        if self.provider == Provider::Oracle {
            let oracle = OracleIdcs::new(&self.base_url, &self.token).unwrap();
            return oracle.provision_user(person).await.unwrap();
        }
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": person.username, "externalId": format!("ext-{}", person.username),
            "name": {"givenName": person.given_name, "familyName": person.family_name},
            "displayName": format!("{} {}", person.given_name, person.family_name),
            "emails": [{"primary": true, "type": "work", "value": person.email}], "active": true,
        });
        if self.provider == Provider::Okta {
            // A random one, which nobody may ever see again.
            body["password"] = json!("correct-horse-battery");
        }
        self.send(Method::POST, "/Users", &body).await["id"].as_str().unwrap().to_owned()
    }
}
