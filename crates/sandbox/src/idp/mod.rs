//! Simulated identity providers.
