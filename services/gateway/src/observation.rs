//! What is recorded of a request: a span, a line when it ends, and metrics. Routes are recorded as patterns,
//! because paths and queries carry names and e-mail addresses; tokens are recorded nowhere.

use std::time::Instant;

use http::{Method, StatusCode};
use store::id::{ConnectionId, TenantId};
use telemetry::trace;
use tracing::Span;
use tracing::field::Empty;

use crate::route::Target;

/// Counts answers by method, resource and status.
const REQUESTS: &str = "rollcall_scim_requests_total";
/// Seconds from a request's head to its answer's head, by method and resource.
const SECONDS: &str = "rollcall_scim_request_seconds";

/// A request under observation.
#[derive(Debug)]
pub(crate) struct Observation {
    span: Span,
    started: Instant,
    method: &'static str,
    resource: &'static str,
}

impl Observation {
    /// Begins with what is known before anyone is authenticated; `came_from` is the client's own `traceparent`.
    pub(crate) fn begin(
        method: &Method,
        target: Option<&Target>,
        request_id: &str,
        came_from: Option<&str>,
    ) -> Self {
        let method = known_method(method);
        let (resource, route) = target.map_or(("none", "none"), |target| endpoint(target.below.path()));
        let span = tracing::info_span!(
            "scim_request",
            otel.kind = "server",
            trace_id = Empty,
            method,
            route,
            request_id,
            tenant_id = Empty,
            connection_id = Empty,
            status = Empty,
            duration_ms = Empty,
        );
        if let Some(came_from) = came_from {
            trace::continue_from(&span, came_from);
        }
        if let Some(id) = trace::trace_id(&span) {
            tracing::record_all!(span, trace_id = id);
        }
        Self { span, started: Instant::now(), method, resource }
    }

    /// The span that the request is worked on in.
    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Notes whose request it is.
    pub(crate) fn authenticated(&self, tenant: TenantId, connection: ConnectionId) {
        tracing::record_all!(self.span, tenant_id = display(tenant), connection_id = display(connection));
    }

    /// Ends with the answer's status.
    pub(crate) fn end(self, status: StatusCode) {
        let elapsed = self.started.elapsed();
        let duration_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        tracing::record_all!(self.span, status = status.as_u16(), duration_ms);
        self.span.in_scope(|| tracing::info!("answered"));
        metrics::counter!(
            REQUESTS,
            "method" => self.method,
            "resource" => self.resource,
            "status" => status.as_str().to_owned(),
        )
        .increment(1);
        metrics::histogram!(SECONDS, "method" => self.method, "resource" => self.resource)
            .record(elapsed.as_secs_f64());
    }
}

/// The method as a label; a client cannot make up new ones.
fn known_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        _ => "other",
    }
}

/// The resource and the route as labels; a client cannot make up new ones.
fn endpoint(below: &str) -> (&'static str, &'static str) {
    let mut segments = below.trim_start_matches('/').split('/');
    let first = segments.next().unwrap_or_default();
    let (second, third) = (segments.next(), segments.next());
    let (resource, collection, search, one) = match first {
        "Users" => ("Users", "/Users", "/Users/.search", "/Users/{id}"),
        "Groups" => ("Groups", "/Groups", "/Groups/.search", "/Groups/{id}"),
        "Schemas" => ("Schemas", "/Schemas", "none", "/Schemas/{id}"),
        "ResourceTypes" => ("ResourceTypes", "/ResourceTypes", "none", "/ResourceTypes/{id}"),
        "ServiceProviderConfig" => ("ServiceProviderConfig", "/ServiceProviderConfig", "none", "none"),
        "Me" => ("Me", "/Me", "none", "none"),
        ".search" => ("any", "/.search", "none", "none"),
        "Bulk" => ("any", "/Bulk", "none", "none"),
        _ => return ("none", "none"),
    };
    match (second, third) {
        (None, _) => (resource, collection),
        (Some(".search"), None) => (resource, search),
        (Some(_), None) => (resource, one),
        (Some(_), Some(_)) => (resource, "none"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_patterns_and_never_what_the_client_wrote() {
        assert_eq!(endpoint("/Users/ann@example.com"), ("Users", "/Users/{id}"));
        assert_eq!(endpoint("/Groups/.search"), ("Groups", "/Groups/.search"));
        assert_eq!(endpoint("/.search"), ("any", "/.search"));
        assert_eq!(endpoint("/Bulk"), ("any", "/Bulk"));
        assert_eq!(endpoint("/Users/1/2"), ("Users", "none"));
        assert_eq!(endpoint("/ann@example.com"), ("none", "none"));
        assert_eq!(endpoint("/"), ("none", "none"));
        assert_eq!(known_method(&Method::from_bytes(b"ANN").unwrap()), "other");
    }
}
