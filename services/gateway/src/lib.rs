//! The SCIM edge: authenticate, limit, route.
