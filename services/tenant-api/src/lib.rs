//! The REST control plane.
