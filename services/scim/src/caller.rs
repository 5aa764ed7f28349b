//! The extractor that binds a handler to the caller's own directory.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use scim_protocol::Strictness;
use scim_protocol::schema::ResourceTypes;
use store::caller::ScimCaller;
use store::clock::Clock;
use store::directory::WriteContext;
use store::groups::Groups;
use store::schema_extensions::SchemasVersion;
use store::users::Users;
use telemetry::trace;

use crate::Scim;
use crate::error::Failure;

/// The caller's directory: nothing outside it can be reached from here.
#[derive(Clone, Debug)]
pub struct Directory {
    /// Its users.
    pub users: Users,
    /// Its groups.
    pub groups: Groups,
    /// What they may hold.
    pub resource_types: Arc<ResourceTypes>,
    /// How dialects are treated.
    pub strictness: Strictness,
    /// The base URL that locations start with, without a trailing slash.
    pub base_url: String,
    /// For the timeline and traces.
    pub context: WriteContext,
    /// Where the time comes from.
    pub clock: Clock,
}

impl FromRequestParts<Scim> for Directory {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, scim: &Scim) -> Result<Self, Self::Rejection> {
        let Some(caller) = parts.extensions.get::<ScimCaller>() else {
            tracing::error!("a request reached the SCIM handlers without a caller");
            return Err(Failure::Internal);
        };
        let tenant = scim.store.tenant(caller.tenant_id);
        let version = SchemasVersion(caller.schemas);
        let resource_types = scim.schemas.get(&scim.store, caller.tenant_id, version).await?;
        let trace_context = parts.headers.get("traceparent").and_then(|value| value.to_str().ok());
        let trace_context = trace_context.filter(|text| is_traceparent(text)).map(str::to_owned);
        // What is done at sites follows from what is done here.
        let trace_context = trace::traceparent(&tracing::Span::current()).or(trace_context);
        Ok(Self {
            users: tenant.users(caller.connection_id).with_types(&resource_types),
            groups: tenant.groups(caller.connection_id).with_types(&resource_types),
            resource_types,
            strictness: if caller.strict { Strictness::Strict } else { Strictness::Lenient },
            base_url: format!("{}/scim/{}/v2", scim.public_url, caller.connection_id),
            context: WriteContext { request_id: caller.request_id.clone(), trace_context },
            clock: scim.store.clock().clone(),
        })
    }
}

/// `00-{trace id}-{span id}-{flags}` (W3C Trace Context §3.2): tasks keep it, so nothing else gets in.
fn is_traceparent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_hex = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    parts.iter().map(|part| part.len()).eq([2, 32, 16, 2]) && parts.iter().all(|part| is_hex(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_four_groups_of_lower_case_hex() {
        assert!(is_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        assert!(!is_traceparent("00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01"));
        assert!(!is_traceparent("ann@example.com"));
        assert!(!is_traceparent(""));
    }
}
