//! Tenant-scoped SCIM handlers.
