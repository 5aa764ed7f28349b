//! Searching in SQL finds what matching in memory finds, in the same order, and by indexes.

mod directory;
mod filters;
mod matching;
mod orders;
mod plans;
