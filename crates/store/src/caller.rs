//! Who sends a SCIM request: what the gateway found out about the bearer of a token, and all that a
//! SCIM handler believes.

use crate::id::{ConnectionId, TenantId, TokenId};

/// An authenticated identity provider, bound to one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimCaller {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The one connection that its token opens.
    pub connection_id: ConnectionId,
    /// The token used.
    pub token_id: TokenId,
    /// Refuse dialects instead of repairing them.
    pub strict: bool,
    /// Which schema extensions its users and groups may hold: another number whenever they changed.
    pub schemas: u64,
    /// The request's id, answered in `x-request-id`.
    pub request_id: String,
}
