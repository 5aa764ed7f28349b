//! The console in a real browser: the six steps from nothing to a synchronized site, each page seen in light and dark
//! and looked at by axe.

mod chromium;
mod guards;
mod pages;
mod providers;
mod sign_in;
mod steps;
