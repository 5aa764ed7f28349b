//! What this server can do, said by the same definitions that the handlers run on (RFC 7644 §4).

use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;
use scim_protocol::bulk::MAX_OPERATIONS;
use scim_protocol::discovery;
use scim_protocol::error::ScimError;

use crate::answer::message;
use crate::body::MAX_BODY_BYTES;
use crate::caller::Directory;
use crate::error::Failure;
use crate::path::Name;
use crate::search::{DEFAULT_PAGE, MAX_PAGE, TIMEOUT, parameters};

/// Filtering the discovery endpoints is forbidden (RFC 7644 §4): 403.
fn refuse_filter(query: Option<&str>) -> Result<(), Failure> {
    if parameters(query).contains_key("filter") {
        return Err(ScimError::new(403, "This endpoint cannot be filtered").into());
    }
    Ok(())
}

/// `GET /ServiceProviderConfig`.
pub async fn service_provider_config(
    directory: Directory,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    refuse_filter(query.as_deref())?;
    let bulk = discovery::BulkLimits { max_operations: MAX_OPERATIONS, max_payload_size: MAX_BODY_BYTES };
    let features = discovery::Features {
        filter_max_results: MAX_PAGE,
        bulk: Some(bulk),
        sort: true,
        cursor: Some(discovery::CursorLimits {
            default_page_size: DEFAULT_PAGE,
            max_page_size: MAX_PAGE,
            timeout: TIMEOUT,
        }),
    };
    Ok(message(StatusCode::OK, &discovery::service_provider_config(&directory.base_url, &features)))
}

/// `GET /Schemas`.
pub async fn schemas(directory: Directory, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    refuse_filter(query.as_deref())?;
    Ok(message(StatusCode::OK, &discovery::schemas(&directory.base_url, &directory.resource_types)))
}

/// `GET /Schemas/{urn}`.
pub async fn schema(
    directory: Directory,
    Name(id): Name,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    refuse_filter(query.as_deref())?;
    let schema = discovery::schema(&directory.base_url, &directory.resource_types, &id)
        .ok_or_else(|| ScimError::not_found(format!("No schema {id}")))?;
    Ok(message(StatusCode::OK, &schema))
}

/// `GET /ResourceTypes`.
pub async fn resource_types(directory: Directory, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    refuse_filter(query.as_deref())?;
    Ok(message(StatusCode::OK, &discovery::resource_types(&directory.base_url, &directory.resource_types)))
}

/// `GET /ResourceTypes/{name}`.
pub async fn resource_type(
    directory: Directory,
    Name(id): Name,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    refuse_filter(query.as_deref())?;
    let resource_type = discovery::resource_type(&directory.base_url, &directory.resource_types, &id)
        .ok_or_else(|| ScimError::not_found(format!("No resource type {id}")))?;
    Ok(message(StatusCode::OK, &resource_type))
}

/// `/Me`, whatever is asked of it: a provider's token stands for no user (RFC 7644 §3.11).
pub async fn me(_: Directory) -> Failure {
    ScimError::new(501, "The token of an identity provider belongs to no user").into()
}
