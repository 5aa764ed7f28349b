//! Where requests come from ([`source`]), and how often credentials may be guessed from there ([`tries`]).
//!
//! Our secrets have 256 bits and are not guessed; an operator's key may be somebody's words. What is limited is failing, so
//! that nobody who is known is held up.

pub mod source;
pub mod tries;

pub use source::{Proxies, Source};
pub use tries::{Guesses, Tries};
