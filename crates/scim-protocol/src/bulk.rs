//! Bulk (RFC 7644 §3.7): many operations in one request, which may refer to each other's new resources by
//! `bulkId`.
//!
//! [`BulkRequest::parse`] reads the message, [`BulkRequest::steps`] says in which order what is done, and
//! [`Call::resolve`] puts the ids of what has been created in the place of references. Whoever performs the
//! steps keeps [`Created`] and makes an [`Outcome`] of each operation.
//!
//! A text that begins with `bulkId:` is a reference wherever it stands in `data`; no other text is touched.

use serde_json::{Map, Value, json};

use crate::Strictness;
use crate::error::ScimError;

mod order;
mod references;

pub use references::Created;

/// URN of the `BulkRequest` message.
pub const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// URN of the `BulkResponse` message.
pub const BULK_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

/// Operations of one request at the most; `ServiceProviderConfig` says so.
pub const MAX_OPERATIONS: usize = 1_000;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Creates.
    Post,
    /// Replaces.
    Put,
    /// Changes.
    Patch,
    /// Deletes.
    Delete,
}

impl Method {
    const ALL: [Self; 4] = [Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// The collection that an operation works at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `/Users`.
    Users,
    /// `/Groups`.
    Groups,
}

impl Endpoint {
    /// The path below the base URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Users => "/Users",
            Self::Groups => "/Groups",
        }
    }
}

/// A `BulkRequest` message.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkRequest {
    /// Errors after which the rest is not processed; `None` when all is, whatever fails.
    pub fail_on_errors: Option<usize>,
    /// As sent.
    pub operations: Vec<BulkOperation>,
}

/// One operation of a request, well-formed or not: each has a result of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkOperation {
    /// The method as it was written, for the result.
    pub method: Option<String>,
    /// What the result is recognised by, and the new resource of a POST is referred to by.
    pub bulk_id: Option<String>,
    /// What is asked for, or why that cannot be told.
    pub call: Result<Call, ScimError>,
}

/// What an operation asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// What it does.
    pub method: Method,
    /// Where.
    pub endpoint: Endpoint,
    /// With which resource; none for POST.
    pub id: Option<String>,
    /// The version that the resource must have.
    pub version: Option<String>,
    /// The body; none for DELETE.
    pub data: Option<Value>,
}

/// What is done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Perform the operation of this index.
    Perform(usize),
    /// Perform it without those of its members whose groups refer back to it (RFC 7644 §3.7.1): they come
    /// by [`Step::AddMembers`].
    PerformWithout(usize, Vec<String>),
    /// Add the members of these `bulkId`s to the group that the operation of this index has created.
    AddMembers(usize, Vec<String>),
    /// Refuse it: it refers to something that in turn waits for it.
    Refuse(usize),
}

/// What became of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// HTTP status.
    pub status: u16,
    /// Where the resource is; none for a POST that failed.
    pub location: Option<String>,
    /// The version that it has now.
    pub version: Option<String>,
    /// The error, when it failed.
    pub response: Option<Value>,
}

impl Outcome {
    /// A failure.
    pub fn refused(error: &ScimError, location: Option<String>) -> Self {
        Self { status: error.status, location, version: None, response: Some(error.to_json()) }
    }

    /// Whether `failOnErrors` counts it.
    pub fn is_error(&self) -> bool {
        !(200..300).contains(&self.status)
    }
}

impl BulkRequest {
    /// Reads a message.
    ///
    /// An operation that cannot be read is an error of its own; what refuses the whole request is a message
    /// of another form (400 `invalidSyntax`), two POSTs of one `bulkId` (400 `invalidValue`), and more than
    /// [`MAX_OPERATIONS`] (413).
    pub fn parse(body: Value, strictness: Strictness) -> Result<Self, ScimError> {
        let Value::Object(members) = body else {
            return Err(ScimError::invalid_syntax("A Bulk body is a JSON object"));
        };
        let (mut urns, mut operations, mut limit) = (None, None, None);
        for (name, value) in members {
            match name.to_ascii_lowercase().as_str() {
                "schemas" => urns = Some(value),
                "operations" => operations = Some(value),
                "failonerrors" => limit = Some(value),
                _ => {}
            }
        }
        let says_so = |urn: &Value| urn.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(BULK_REQUEST));
        match &urns {
            None if strictness.is_lenient() => {}
            Some(Value::Array(urns)) if urns.iter().any(says_so) => {}
            _ => return Err(ScimError::invalid_syntax(format!("schemas must hold {BULK_REQUEST}"))),
        }
        let Some(Value::Array(operations)) = operations else {
            return Err(ScimError::invalid_syntax("Operations must be a list"));
        };
        if operations.is_empty() {
            return Err(ScimError::invalid_syntax("Operations is empty"));
        }
        if operations.len() > MAX_OPERATIONS {
            return Err(ScimError::payload_too_large(format!(
                "A request may have {MAX_OPERATIONS} operations (maxOperations), not {}",
                operations.len()
            )));
        }
        let operations: Vec<BulkOperation> =
            operations.into_iter().map(|operation| BulkOperation::read(operation, strictness)).collect();
        references::check_distinct(&operations)?;
        Ok(Self { fail_on_errors: fail_on_errors(limit)?, operations })
    }

    /// What is done, in order: as sent, except that a POST comes before what refers to its resource.
    pub fn steps(&self) -> Vec<Step> {
        order::steps(&self.operations)
    }
}

/// `failOnErrors`: zero is what clients send that mean no limit.
fn fail_on_errors(value: Option<Value>) -> Result<Option<usize>, ScimError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let number = value
                .as_u64()
                .ok_or_else(|| ScimError::invalid_value("failOnErrors must be a whole number"))?;
            Ok(Some(usize::try_from(number).unwrap_or(usize::MAX)).filter(|number| *number > 0))
        }
    }
}

impl BulkOperation {
    fn read(operation: Value, strictness: Strictness) -> Self {
        let members = match operation {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        let (mut method, mut bulk_id, mut path, mut version, mut data) = (None, None, None, None, None);
        for (name, value) in members.into_iter().filter(|(_, value)| !value.is_null()) {
            match name.to_ascii_lowercase().as_str() {
                "method" => method = Some(value),
                "bulkid" => bulk_id = Some(value),
                "path" => path = Some(value),
                "version" => version = Some(value),
                "data" => data = Some(value),
                _ => {}
            }
        }
        let text = |value: &Option<Value>| value.as_ref().and_then(Value::as_str).map(str::to_owned);
        let given_id = bulk_id.is_some();
        let (method, bulk_id) = (text(&method), text(&bulk_id).filter(|id| !id.is_empty()));
        let call = if given_id && bulk_id.is_none() {
            Err(ScimError::invalid_value("bulkId must be a text that is not empty"))
        } else {
            Call::read(method.as_deref(), bulk_id.as_deref(), (path, version, data), strictness)
        };
        Self { method, bulk_id, call }
    }

    /// The result as the response holds it (RFC 7644 §3.7); `status` is a string there.
    pub fn result(&self, outcome: Outcome) -> Value {
        let mut result = Map::new();
        let mut put = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                result.insert(name.into(), Value::String(value));
            }
        };
        put("location", outcome.location);
        put("method", self.method.clone());
        put("bulkId", self.bulk_id.clone());
        put("version", outcome.version);
        put("status", Some(outcome.status.to_string()));
        if let Some(response) = outcome.response {
            result.insert("response".into(), response);
        }
        Value::Object(result)
    }
}

/// A `BulkResponse` with the results of what was processed.
pub fn bulk_response(results: Vec<Value>) -> Value {
    let mut response = json!({ "schemas": [BULK_RESPONSE] });
    response["Operations"] = Value::Array(results);
    response
}

impl Call {
    fn read(
        method: Option<&str>,
        bulk_id: Option<&str>,
        (path, version, data): (Option<Value>, Option<Value>, Option<Value>),
        strictness: Strictness,
    ) -> Result<Self, ScimError> {
        let word = method.unwrap_or_default();
        let is_word = |known: &Method| match strictness {
            Strictness::Strict => known.as_str() == word,
            Strictness::Lenient => known.as_str().eq_ignore_ascii_case(word),
        };
        let method = Method::ALL.into_iter().find(is_word).ok_or_else(|| {
            ScimError::invalid_syntax(format!("method must be POST, PUT, PATCH or DELETE, not {word:?}"))
        })?;
        let path = path.as_ref().and_then(Value::as_str).unwrap_or_default();
        let (endpoint, id) = target(path).ok_or_else(|| {
            ScimError::invalid_value(format!("path must be /Users, /Groups, or one of those below: {path:?}"))
        })?;
        match (method, &id) {
            (Method::Post, Some(_)) => {
                return Err(ScimError::invalid_value(format!("POST goes to {}", endpoint.as_str())));
            }
            (Method::Put | Method::Patch | Method::Delete, None) => {
                return Err(ScimError::invalid_value(format!(
                    "{} needs the path of one resource, not {path:?}",
                    method.as_str()
                )));
            }
            _ => {}
        }
        if method == Method::Post && bulk_id.is_none() {
            return Err(ScimError::invalid_value("POST needs a bulkId"));
        }
        let version = match version {
            // There is no version to meet before there is a resource.
            Some(_) if method == Method::Post => None,
            None => None,
            Some(Value::String(version)) => Some(version),
            Some(_) => return Err(ScimError::invalid_value("version must be a text")),
        };
        let data = match (method, data) {
            (Method::Delete, _) => None,
            (_, Some(data @ Value::Object(_))) => Some(data),
            _ => return Err(ScimError::invalid_value(format!("{} needs data, an object", method.as_str()))),
        };
        Ok(Self { method, endpoint, id, version, data })
    }
}

/// `/Users` or `/Users/{id}`. Slashes may lack, double or trail, as in a URL of ours; there is no query.
fn target(path: &str) -> Option<(Endpoint, Option<String>)> {
    if path.contains(['?', '#']) {
        return None;
    }
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let endpoint = match segments.next()? {
        "Users" => Endpoint::Users,
        "Groups" => Endpoint::Groups,
        _ => return None,
    };
    let id = segments.next().map(str::to_owned);
    segments.next().is_none().then_some((endpoint, id))
}

#[cfg(test)]
mod tests;
