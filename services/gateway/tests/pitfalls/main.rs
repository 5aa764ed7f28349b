//! Where SCIM servers go wrong: one test a rule, over HTTP, on SQLite and on PostgreSQL.
//!
//! The number in a test's name is the rule's place in the list of 86 that this suite holds; [`every_rule_has_a_test`]
//! counts them. Rules are of RFC 7643 (schema) and RFC 7644 (protocol); where those leave a choice, ours is
//! said in the test's comment.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod asking;
mod bulk;
mod create_and_replace;
mod derived;
mod discovery;
mod extensions;
mod filters;
mod filters_by_type;
mod filters_refused;
mod groups;
#[path = "../scim/harness.rs"]
mod harness;
mod identity;
mod lists;
mod orders;
mod patch;
mod patch_paths;
mod patch_targets;
mod protocol;
mod values;

use std::collections::BTreeSet;

/// How many rules there are.
const RULES: u32 = 86;

/// Tests of a section, on both databases; their names are counted.
macro_rules! rules {
    ($($name:ident),+ $(,)?) => {
        crate::harness::on_both!($($name),+);
        pub(crate) const NAMES: &[&str] = &[$(stringify!($name)),+];
    };
}
pub(crate) use rules;

#[test]
fn every_rule_has_a_test() {
    let sections = [
        bulk::NAMES,
        filters::NAMES,
        filters_by_type::NAMES,
        filters_refused::NAMES,
        lists::NAMES,
        orders::NAMES,
        create_and_replace::NAMES,
        values::NAMES,
        patch::NAMES,
        patch_targets::NAMES,
        patch_paths::NAMES,
        groups::NAMES,
        protocol::NAMES,
        identity::NAMES,
        discovery::NAMES,
        derived::NAMES,
        extensions::NAMES,
    ];
    let number = |name: &str| name.strip_prefix('s')?.split('_').next()?.parse::<u32>().ok();
    let numbers: BTreeSet<u32> = sections.concat().into_iter().filter_map(number).collect();
    let missing: Vec<u32> = (1..=RULES).filter(|rule| !numbers.contains(rule)).collect();
    assert_eq!(missing, Vec::<u32>::new(), "rules without a test");
    assert_eq!(numbers.last(), Some(&RULES), "a number that no rule has");
}
