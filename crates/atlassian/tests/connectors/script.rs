//! A server that answers exactly the calls that a test foresees, each once.

use std::sync::Arc;

use atlassian::http::HttpSettings;
use atlassian::{Budget, Credentials, Product, Site};
use serde_json::{Value, json};
use url::Url;
use wiremock::matchers::{any, body_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A scripted site and a connector to it.
pub(crate) struct Script {
    api: &'static str,
    authorization: String,
    pub(crate) server: MockServer,
    pub(crate) site: Arc<dyn Site>,
    pub(crate) budget: Arc<Budget>,
}

/// One foreseen call: method, path below the API's, and what must be in the query.
pub(crate) struct Call {
    method: &'static str,
    path: &'static str,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
}

pub(crate) fn call(method: &'static str, path: &'static str) -> Call {
    Call { method, path, query: Vec::new(), body: None }
}

impl Call {
    pub(crate) fn query(mut self, name: &'static str, value: &str) -> Self {
        self.query.push((name, value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }
}

pub(crate) fn bearer() -> Credentials {
    serde_json::from_value(json!({ "type": "bearer", "token": "t0ken" })).unwrap()
}

pub(crate) fn settings() -> HttpSettings {
    HttpSettings { allow_targets: vec!["127.0.0.0/8".parse().unwrap()], ..HttpSettings::default() }
}

impl Script {
    /// A site of a product, whose API is at that path, which may be empty; `/` where it is not below the site's address.
    pub(crate) async fn of(
        product: Product,
        api: &'static str,
        credentials: Credentials,
        settings: &HttpSettings,
    ) -> Self {
        let authorization = match credentials.expose_json() {
            secret if secret["type"] == "bearer" => format!("Bearer {}", secret["token"].as_str().unwrap()),
            _ => "Basic YXBwOnB3".to_owned(),
        };
        let server = MockServer::start().await;
        // Without this an unforeseen call would look like the product's 404.
        let unforeseen = Mock::given(any()).respond_with(ResponseTemplate::new(418)).with_priority(u8::MAX);
        unforeseen.expect(0).mount(&server).await;
        let base_url = Url::parse(&format!("{}/at/", server.uri())).unwrap();
        let budget = Arc::default();
        let site = atlassian::connect_within(&budget, product, &base_url, credentials, settings).unwrap();
        Self { api, authorization, server, site, budget }
    }

    /// Foresees a call; calls that are alike are answered in the order in which they were foreseen. The
    /// test fails when a call is not made.
    pub(crate) async fn foresee(&self, call: Call, answer: ResponseTemplate) {
        let whole = match self.api {
            "/" => format!("/{}", call.path),
            "" => format!("/at/{}", call.path),
            api => format!("/at/{api}/{}", call.path),
        };
        let mut mock = Mock::given(method(call.method)).and(path(whole));
        mock = mock
            .and(header("authorization", self.authorization.as_str()))
            .and(header("accept", "application/json"));
        for (name, value) in call.query {
            mock = mock.and(query_param(name, value));
        }
        if let Some(body) = call.body {
            mock = mock.and(body_json(body));
        }
        if call.method != "GET" {
            mock = mock.and(header("x-atlassian-token", "no-check"));
        }
        mock.respond_with(answer).up_to_n_times(1).expect(1).mount(&self.server).await;
    }
}

/// An answer with a JSON body.
pub(crate) fn answer(status: u16, body: Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}
