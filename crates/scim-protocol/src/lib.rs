//! SCIM 2.0 schemas, filters, paths, PATCH and projection (RFC 7643/7644), without I/O.
