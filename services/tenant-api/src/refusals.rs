//! What operations answer besides their success, for the OpenAPI document: sets of statuses by the shape
//! of the operation. The bodies are those of [`crate::error`].

use utoipa::IntoResponses;

use crate::error::Problem;

/// Of any operation.
#[derive(IntoResponses)]
pub enum Refusals {
    /// No credential, or none that opens anything
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(Problem),
    /// The caller's role does not allow it
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
    /// Too many credentials that open nothing came from there; again after `Retry-After`
    #[response(status = 429, content_type = "application/problem+json")]
    TooManyTries(Problem),
    /// The database is away; try again after `Retry-After`
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}

/// Of any operation of a tenant.
#[derive(IntoResponses)]
pub enum TenantRefusals {
    /// No credential, or none that opens anything
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(Problem),
    /// The caller's role does not allow it, the tenant is suspended, or the operator has not broken the glass
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
    /// No such resource in the caller's reach
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(Problem),
    /// Too many credentials that open nothing came from there; again after `Retry-After`
    #[response(status = 429, content_type = "application/problem+json")]
    TooManyTries(Problem),
    /// The database is away; try again after `Retry-After`
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}

/// Of signing in by a tenant's identity provider.
#[derive(IntoResponses)]
pub enum SignInRefusals {
    /// The body is not JSON
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(Problem),
    /// Whoever wants to come in is not let in; why is said
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
    /// No organization of that name has a sign-in of its own
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(Problem),
    /// The body is larger than 1 MiB
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// The body does not claim to be JSON
    #[response(status = 415, content_type = "application/problem+json")]
    UnsupportedMediaType(Problem),
    /// Unknown, missing or wrong fields
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(Problem),
    /// The identity provider did not answer, or not as one; what it said
    #[response(status = 502, content_type = "application/problem+json")]
    ProviderFailed(Problem),
    /// Too many credentials that open nothing came from there; again after `Retry-After`
    #[response(status = 429, content_type = "application/problem+json")]
    TooManyTries(Problem),
    /// The database is away; try again after `Retry-After`
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}

/// Of one that reads a query.
#[derive(IntoResponses)]
pub enum QueryRefusals {
    /// The query cannot be read
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(Problem),
}

/// Of a POST without a body.
#[derive(IntoResponses)]
pub enum RepeatRefusals {
    /// The `Idempotency-Key` cannot be read
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(Problem),
    /// The first request with this `Idempotency-Key` is still under way, or its outcome is not known
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(Problem),
    /// The body is larger than 1 MiB
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// The `Idempotency-Key` came before with another request
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(Problem),
}

/// Of a POST with a body.
#[derive(IntoResponses)]
pub enum CreateRefusals {
    /// The body is not JSON, or the `Idempotency-Key` cannot be read
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(Problem),
    /// It conflicts with something that exists; or the first request with this `Idempotency-Key` is still
    /// under way, or its outcome is not known, or it showed a secret that is not shown again
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(Problem),
    /// The body is larger than 1 MiB
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// The body does not claim to be JSON
    #[response(status = 415, content_type = "application/problem+json")]
    UnsupportedMediaType(Problem),
    /// Unknown, missing or wrong fields, all of them in `errors`; or the `Idempotency-Key` came before
    /// with another request
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(Problem),
}

/// Of a PUT.
#[derive(IntoResponses)]
pub enum ReplaceRefusals {
    /// The body is not JSON
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(Problem),
    /// What is stored forbids the change
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(Problem),
    /// The resource is no longer at the version in `If-Match`
    #[response(status = 412, content_type = "application/problem+json")]
    PreconditionFailed(Problem),
    /// The body is larger than 1 MiB
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// The body does not claim to be JSON
    #[response(status = 415, content_type = "application/problem+json")]
    UnsupportedMediaType(Problem),
    /// Unknown or wrong fields, all of them in `errors`
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(Problem),
}

/// Of a DELETE that what is stored may forbid.
#[derive(IntoResponses)]
pub enum DeleteRefusals {
    /// What is stored needs it
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(Problem),
    /// The resource is no longer at the version in `If-Match`
    #[response(status = 412, content_type = "application/problem+json")]
    PreconditionFailed(Problem),
}

/// Of a PATCH.
#[derive(IntoResponses)]
pub enum EditRefusals {
    /// The body is not JSON
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(Problem),
    /// The resource is no longer at the version in `If-Match`
    #[response(status = 412, content_type = "application/problem+json")]
    PreconditionFailed(Problem),
    /// The body is larger than 1 MiB
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// The body does not claim to be JSON
    #[response(status = 415, content_type = "application/problem+json")]
    UnsupportedMediaType(Problem),
    /// Unknown or wrong fields, all of them in `errors`
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(Problem),
}
