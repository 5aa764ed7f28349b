//! One file a command.

pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod erase_tenant;
pub(crate) mod health;
pub(crate) mod migrate;
pub(crate) mod move_tenant;
pub(crate) mod openapi;
pub(crate) mod rotate_keys;
pub(crate) mod sandbox;
pub(crate) mod serve;
