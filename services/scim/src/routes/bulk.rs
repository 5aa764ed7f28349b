//! `POST /Bulk` (RFC 7644 §3.7).
//!
//! Each operation is a request of its own to the handlers of this crate, with a transaction and timeline
//! entry of its own: what one may do, and how it is answered, is said in one place. The RFC does not make
//! Bulk atomic, so the answer says of each operation what became of it, also when the time or the database
//! runs out in the middle.

use axum::body::{Body as RequestBody, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use axum::{Extension, Router};
use http::header::{CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_MATCH, LOCATION};
use http::{HeaderMap, Method, StatusCode};
use scim_protocol::bulk::{self, BulkRequest, Call, Created, Endpoint, Outcome, Step, bulk_response};
use scim_protocol::error::ScimError;
use scim_protocol::patch::PATCH_OP;
use serde_json::{Value, json};
use store::caller::ScimCaller;
use tokio::time::Instant;
use tower::ServiceExt as _;

use crate::answer::message;
use crate::body::{Body, MAX_BODY_BYTES};
use crate::caller::Directory;
use crate::error::Failure;
use crate::{Deadline, Scim, guarded};

/// Performs the operations of a `BulkRequest`.
pub async fn handle(
    State(scim): State<Scim>,
    directory: Directory,
    Extension(caller): Extension<ScimCaller>,
    Extension(deadline): Extension<Deadline>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Failure> {
    let request = BulkRequest::parse(body, directory.strictness)?;
    let handlers = Handlers {
        // A panic costs one operation, not the answer about all others.
        router: guarded(super::router(scim)),
        caller,
        trace_context: headers.get(TRACE_CONTEXT).cloned(),
        base_url: directory.base_url,
        until: deadline.of_work(),
    };
    let outcomes = Work::new(&request, handlers).perform().await;
    let processed = request.operations.iter().zip(outcomes);
    let results = processed.filter_map(|(operation, outcome)| Some(operation.result(outcome?)));
    Ok(message(StatusCode::OK, &bulk_response(results.collect())))
}

const TRACE_CONTEXT: HeaderName = HeaderName::from_static("traceparent");

/// A request under way.
struct Work<'a> {
    request: &'a BulkRequest,
    handlers: Handlers,
    created: Created,
    /// By the index of the operation; none for those that have not been processed.
    outcomes: Vec<Option<Outcome>>,
}

impl<'a> Work<'a> {
    fn new(request: &'a BulkRequest, handlers: Handlers) -> Self {
        let created = Created::none_of(&request.operations);
        Self { request, handlers, created, outcomes: vec![None; request.operations.len()] }
    }

    async fn perform(mut self) -> Vec<Option<Outcome>> {
        for step in self.request.steps() {
            match step {
                // What has been created is completed even so.
                Step::AddMembers(index, members) => self.add_members(index, &members).await,
                _ if self.is_over() => {}
                Step::Perform(index) => self.operation(index, &[]).await,
                Step::PerformWithout(index, members) => self.operation(index, &members).await,
                Step::Refuse(index) => {
                    let error = ScimError::new(
                        409,
                        "The operation refers by bulkId to one that in turn refers to it, and not as a member",
                    );
                    self.outcomes[index] = Some(Outcome::refused(&error, None));
                }
            }
        }
        self.outcomes
    }

    /// Whether there were as many errors as the client is willing to accept.
    fn is_over(&self) -> bool {
        let errors = self.outcomes.iter().flatten().filter(|outcome| outcome.is_error()).count();
        self.request.fail_on_errors.is_some_and(|limit| errors >= limit)
    }

    async fn operation(&mut self, index: usize, without: &[String]) {
        let operation = &self.request.operations[index];
        let resolved = operation.call.clone().and_then(|call| call.resolve(&self.created, without));
        let outcome = match resolved {
            Ok(call) => self.handlers.call(&call).await,
            Err(error) => Outcome::refused(&error, self.handlers.location_of(operation.call.as_ref().ok())),
        };
        let creates = operation.call.as_ref().is_ok_and(|call| call.method == bulk::Method::Post);
        if let (true, Some(bulk_id), Some(location)) = (creates, &operation.bulk_id, &outcome.location) {
            let id = location.rsplit('/').next().unwrap_or_default();
            self.created.insert(bulk_id, id.to_owned());
        }
        self.outcomes[index] = Some(outcome);
    }

    /// Adds members to a group that could not have them when it was created. Where that fails, the result is
    /// the error although there is a group: its location goes with it.
    async fn add_members(&mut self, index: usize, members: &[String]) {
        let bulk_id = self.request.operations[index].bulk_id.as_deref().unwrap_or_default();
        let Ok(group) = self.created.id(bulk_id) else { return };
        let Some(made) = self.outcomes[index].take() else { return };
        let (there, missing): (Vec<_>, Vec<_>) =
            members.iter().map(|member| self.created.id(member)).partition(Result::is_ok);
        let values: Vec<Value> = there.into_iter().flatten().map(|id| json!({ "value": id })).collect();
        let mut trouble = missing.into_iter().find_map(Result::err).map(|error| (409, error.detail));
        let mut version = made.version;
        if !values.is_empty() {
            let patched = self.handlers.call(&add_to(group, &values)).await;
            if patched.is_error() {
                let detail = patched.response.as_ref().and_then(|error| error["detail"].as_str());
                trouble = Some((patched.status, detail.unwrap_or_default().to_owned()));
            } else {
                version = patched.version;
            }
        }
        self.outcomes[index] = Some(match trouble {
            None => Outcome { version, ..made },
            Some((status, detail)) => {
                let detail = format!("The group was created, but without some of its members: {detail}");
                Outcome { version, ..Outcome::refused(&ScimError::new(status, detail), made.location) }
            }
        });
    }
}

fn add_to(group: &str, values: &[Value]) -> Call {
    let add = json!({ "op": "add", "path": "members", "value": values });
    Call {
        method: bulk::Method::Patch,
        endpoint: Endpoint::Groups,
        id: Some(group.to_owned()),
        version: None,
        data: Some(json!({ "schemas": [PATCH_OP], "Operations": [add] })),
    }
}

/// The handlers of this crate, called as the gateway calls them.
struct Handlers {
    router: Router,
    caller: ScimCaller,
    trace_context: Option<HeaderValue>,
    base_url: String,
    /// What has not ended by then is left.
    until: Instant,
}

impl Handlers {
    async fn call(&self, call: &Call) -> Outcome {
        let location = self.location_of(Some(call));
        let refused = |error: &ScimError| Outcome::refused(error, location.clone());
        if Instant::now() >= self.until {
            return refused(&ScimError::new(
                503,
                "Not begun: the time for the request was over; send it again",
            ));
        }
        let request = match self.request(call) {
            Ok(request) => request,
            Err(error) => return refused(&error),
        };
        match tokio::time::timeout_at(self.until, self.router.clone().oneshot(request)).await {
            Ok(Ok(response)) => outcome(response, location).await,
            Ok(Err(never)) => match never {},
            Err(_) => refused(&ScimError::new(
                503,
                "The time for the request was over during this operation; read the resource to see whether it was done",
            )),
        }
    }

    fn request(&self, call: &Call) -> Result<Request, ScimError> {
        let mut path = call.endpoint.as_str().to_owned();
        if let Some(id) = &call.id {
            path.push('/');
            path.push_str(id);
        }
        // The members of a group are not read for a result that does not show them.
        if call.endpoint == Endpoint::Groups {
            path.push_str("?excludedAttributes=members");
        }
        let body = call.data.as_ref().map_or_else(RequestBody::empty, |data| data.to_string().into());
        let mut request = Request::builder()
            .method(method(call.method))
            .uri(path)
            .header(CONTENT_TYPE, "application/scim+json")
            .extension(self.caller.clone())
            .body(body)
            // An id that can stand in no URL.
            .map_err(|_| ScimError::not_found("No such resource"))?;
        let headers = request.headers_mut();
        if let Some(version) = &call.version {
            // A version that can stand in no header is none of ours.
            let version = HeaderValue::from_str(version).map_err(|_| ScimError::precondition_failed())?;
            headers.insert(IF_MATCH, version);
        }
        if let Some(context) = &self.trace_context {
            headers.insert(TRACE_CONTEXT, context.clone());
        }
        Ok(request)
    }

    /// Where the resource of a call is; what is yet to be created is nowhere.
    fn location_of(&self, call: Option<&Call>) -> Option<String> {
        let call = call?;
        let id = call.id.as_deref().filter(|id| !id.starts_with("bulkId:"))?;
        Some(format!("{}{}/{id}", self.base_url, call.endpoint.as_str()))
    }
}

/// What became of a call. The body is left unread when it is the resource: RFC 7644 §3.7 lets us omit it.
async fn outcome(response: Response, location: Option<String>) -> Outcome {
    let (parts, body) = response.into_parts();
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let failed = !parts.status.is_success();
    let response = if failed {
        let body = to_bytes(body, MAX_BODY_BYTES).await.unwrap_or_default();
        Some(serde_json::from_slice(&body).unwrap_or_default())
    } else {
        None
    };
    Outcome {
        status: parts.status.as_u16(),
        location: header(LOCATION).or(location),
        version: header(ETAG),
        response,
    }
}

fn method(method: bulk::Method) -> Method {
    match method {
        bulk::Method::Post => Method::POST,
        bulk::Method::Put => Method::PUT,
        bulk::Method::Patch => Method::PATCH,
        bulk::Method::Delete => Method::DELETE,
    }
}
