//! What the services say to each other when they run apart: gRPC contracts, compiled from the `.proto` files
//! beside this crate, and the [`pass`] that a gateway gives a request along for the SCIM handlers.
//!
//! In one process the same clients talk to the same servers as `tower` services, without a network between.

pub mod pass;

/// Header of an answer by which a process says that it did not begin a request, so that another one may.
pub const NOT_BEGUN: &str = "x-rollcall-not-begun";

/// Which cell serves a token, and when that changes.
pub mod routing {
    /// Version 1.
    #[expect(
        missing_docs,
        clippy::all,
        clippy::allow_attributes,
        clippy::pedantic,
        reason = "generated; the contracts carry the documentation"
    )]
    pub mod v1 {
        tonic::include_proto!("rollcall.routing.v1");
    }
}
