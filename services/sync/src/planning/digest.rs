//! What a plan was made of, hashed on the way.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use policy::plan::digest::{PART, PlanDigest};

/// Takes in what a plan is made of, always in the same order.
pub(super) struct Digesting {
    settings: Context,
    directory: Context,
    site: Context,
}

impl Digesting {
    pub(super) fn new() -> Self {
        let part = || Context::new(&SHA256);
        Self { settings: part(), directory: part(), site: part() }
    }

    pub(super) fn settings(&mut self, value: &impl fmt::Debug) {
        take(&mut self.settings, value);
    }

    pub(super) fn directory(&mut self, value: &impl fmt::Debug) {
        take(&mut self.directory, value);
    }

    pub(super) fn site(&mut self, value: &impl fmt::Debug) {
        take(&mut self.site, value);
    }

    pub(super) fn finish(self) -> PlanDigest {
        PlanDigest::new(letters(self.settings), letters(self.directory), letters(self.site))
    }
}

fn take(context: &mut Context, value: &impl fmt::Debug) {
    context.update(format!("{value:?}\n").as_bytes());
}

fn letters(context: Context) -> String {
    hex::encode(&context.finish().as_ref()[..PART / 2])
}
