//! Sending SCIM requests as an identity provider does, over HTTP.

use std::{collections::HashSet, time::Duration};

use reqwest::{Client, Method, StatusCode, header};
use serde_json::Value;

/// The media type of SCIM (RFC 7644 §3.1).
const SCIM_JSON: &str = "application/scim+json";

/// How long an identity provider waits for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A SCIM resource as the server returned it.
pub type Resource = Value;

/// Why a step of a conversation failed.
#[derive(Debug, thiserror::Error)]
pub enum ConversationError {
    /// No answer came, or it broke off; whether the step was carried out is unknown.
    #[error("{operation} got no answer")]
    Transport {
        /// The method and path.
        operation: String,
        /// What went wrong on the way.
        source: reqwest::Error,
    },
    /// The server refused.
    #[error("{operation} was answered with {status}: {text}")]
    Refused {
        /// The method and path.
        operation: String,
        /// The answer's status code.
        status: u16,
        /// The answer's body as it came, or its start.
        text: String,
    },
    /// The server answered something that is not what SCIM asks for.
    #[error("{operation} was answered with something that is no SCIM: {problem}")]
    Malformed {
        /// The method and path.
        operation: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl ConversationError {
    /// Returns the status code of a refusal.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            Self::Transport { .. } | Self::Malformed { .. } => None,
        }
    }
}

/// The SCIM end of one application at an identity provider.
#[derive(Clone, Debug)]
pub(super) struct ScimClient {
    client: Client,
    base_url: String,
    token: String,
}

impl ScimClient {
    /// `base_url` may end in a slash.
    pub(super) fn new(base_url: &str, token: &str, user_agent: &str) -> Result<Self, ConversationError> {
        #[expect(
            clippy::disallowed_methods,
            reason = "this stands for somebody else's program, not for our connector"
        )]
        let builder = Client::builder();
        let client =
            builder.user_agent(user_agent).timeout(PATIENCE).build().map_err(|source| {
                ConversationError::Transport { operation: "starting".to_owned(), source }
            })?;
        let base_url = base_url.trim_end_matches('/').to_owned();
        Ok(Self { client, base_url, token: token.to_owned() })
    }

    /// Sends a request and returns the body, which is null when there is none.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, ConversationError> {
        let operation = format!("{method} {path}");
        let transport = |source| ConversationError::Transport { operation: operation.clone(), source };
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.base_url))
            .bearer_auth(&self.token)
            .header(header::ACCEPT, SCIM_JSON)
            .query(query);
        if let Some(body) = body {
            request = request.header(header::CONTENT_TYPE, SCIM_JSON).body(body.to_string());
        }
        let response = request.send().await.map_err(transport)?;
        let status = response.status();
        let text = response.text().await.map_err(transport)?;
        if !status.is_success() {
            return Err(ConversationError::Refused {
                operation,
                status: status.as_u16(),
                text: start_of(&text),
            });
        }
        if text.is_empty() && status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text)
            .map_err(|error| ConversationError::Malformed { operation, problem: error.to_string() })
    }

    /// Sends a DELETE; a resource that is gone already is as good.
    pub(super) async fn delete(&self, path: &str) -> Result<(), ConversationError> {
        match self.send(Method::DELETE, path, &[], None).await {
            Err(error) if error.status() != Some(404) => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Returns the resources that the filter finds, from the first page.
    pub(super) async fn find(&self, path: &str, filter: &str) -> Result<Vec<Resource>, ConversationError> {
        let page = self.send(Method::GET, path, &[("filter", filter)], None).await?;
        Ok(page["Resources"].as_array().cloned().unwrap_or_default())
    }

    /// Reads a whole collection page by page (RFC 7644 §3.4.2.4).
    ///
    /// Fails when the pages do not add up to `totalResults`, or when one resource comes twice.
    pub(super) async fn read_all(
        &self,
        path: &str,
        count: usize,
    ) -> Result<Vec<Resource>, ConversationError> {
        let malformed = |problem: &str| ConversationError::Malformed {
            operation: format!("GET {path}"),
            problem: problem.to_owned(),
        };
        let mut resources: Vec<Resource> = Vec::new();
        let mut ids = HashSet::new();
        loop {
            let (start_index, count) = ((resources.len() + 1).to_string(), count.to_string());
            let query = [("startIndex", start_index.as_str()), ("count", count.as_str())];
            let page = self.send(Method::GET, path, &query, None).await?;
            let total = page["totalResults"].as_u64().ok_or_else(|| malformed("totalResults is missing"))?;
            let found = page["Resources"].as_array().map(Vec::as_slice).unwrap_or_default();
            for resource in found {
                let id = resource["id"].as_str().ok_or_else(|| malformed("a resource has no id"))?;
                if !ids.insert(id.to_owned()) {
                    return Err(malformed("a resource came on two pages"));
                }
                resources.push(resource.clone());
            }
            if resources.len() as u64 >= total {
                return Ok(resources);
            }
            if found.is_empty() {
                return Err(malformed("the pages end before totalResults"));
            }
        }
    }
}

/// Returns the id of a resource that the server has just returned.
pub(super) fn id_of(operation: &str, resource: &Resource) -> Result<String, ConversationError> {
    resource["id"].as_str().filter(|id| !id.is_empty()).map(ToOwned::to_owned).ok_or_else(|| {
        ConversationError::Malformed {
            operation: operation.to_owned(),
            problem: "the resource has no id".to_owned(),
        }
    })
}

/// Quotes text for a filter, whose strings are those of JSON (RFC 7644 §3.4.2.2).
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn start_of(text: &str) -> String {
    text.chars().take(2_000).collect()
}
