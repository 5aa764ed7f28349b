//! The fuzz targets' rules over their committed corpora, and over generated input: a short run of what
//! `make fuzz` runs for long.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;

use proptest::prelude::*;

/// What the fuzz targets call, shared by path since it is no part of the crate's interface.
#[path = "../fuzz/src/lib.rs"]
pub mod rules;

/// Feeds every file of a corpus to a rule.
fn replay(target: &str, at_least: usize, rule: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= at_least, "only {} files for {target}", files.len());
    for file in files {
        // Shown when the rule below fails, so that one knows which file it was.
        println!("{}", file.display());
        rule(&fs::read(&file).unwrap());
    }
}

#[test]
fn filters_of_the_corpus_keep_the_rules() {
    replay("filter", 30, rules::filter);
}

#[test]
fn paths_of_the_corpus_keep_the_rules() {
    replay("path", 25, rules::path);
}

#[test]
fn patches_of_the_corpus_keep_the_rules() {
    replay("patch", 30, rules::patch);
}

#[test]
fn resources_of_the_corpus_keep_the_rules() {
    replay("resource", 20, rules::resource);
}

#[test]
fn queries_of_the_corpus_keep_the_rules() {
    replay("query", 15, rules::query);
}

/// Words of filters and paths, in any order.
fn words() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => proptest::sample::select(vec![
            "userName", "emails", "emails.value", "name", "members", "active", "meta.lastModified", "title", "value",
            "type", "urn:ietf:params:scim:schemas:core:2.0:User:", "not ", "(", ")", "[", "]", ".", " eq ", " ne ",
            " co ", " pr", " gt ", " and ", " or ", "\"work\"", "\"\"", "true", "null", "1e3", "-7", " ",
        ]).prop_map(str::to_owned),
        1 => "\\PC{0,3}",
    ];
    proptest::collection::vec(word, 0..12).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn generated_filters_keep_the_rules(text in words()) {
        rules::filter(text.as_bytes());
    }

    #[test]
    fn generated_queries_keep_the_rules(names in words(), number in "[-+0-9a]{0,21}", sort in words(), time in "[-0-9T:.+Z]{0,30}") {
        rules::query(format!("attributes={names}&count={number}&sortBy={sort}&since={time}").as_bytes());
    }

    #[test]
    fn generated_patches_keep_the_rules(bytes in proptest::collection::vec(any::<u8>(), 64..768)) {
        rules::patch_structured(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn generated_paths_keep_the_rules(text in words()) {
        rules::path(text.as_bytes());
    }
}
