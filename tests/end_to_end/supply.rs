//! What the program is made of: crates of one registry, each as it was when it was locked, and no unsafe code of ours.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> Table {
    fs::read_to_string(root().join(path)).unwrap().parse().unwrap()
}

/// Folders of the workspace's crates.
fn members() -> BTreeSet<String> {
    let workspace = read("Cargo.toml");
    let mut members = BTreeSet::new();
    for member in workspace["workspace"]["members"].as_array().unwrap() {
        let member = member.as_str().unwrap();
        let Some(folder) = member.strip_suffix("/*") else {
            members.insert(member.to_owned());
            continue;
        };
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.join("Cargo.toml").exists() {
                members.insert(format!("{folder}/{}", path.file_name().unwrap().display()));
            }
        }
    }
    assert!(members.len() > 10, "{members:?}");
    members
}

#[test]
fn every_crate_is_ours_or_locked_with_its_digest_from_one_registry() {
    let own: BTreeSet<String> = members()
        .iter()
        .map(|member| read(&format!("{member}/Cargo.toml"))["package"]["name"].as_str().unwrap().to_owned())
        .collect();
    let lock = read("Cargo.lock");
    let mut sources = BTreeSet::new();
    for package in lock["package"].as_array().unwrap() {
        let text = |name: &str| package.get(name).and_then(Value::as_str);
        let name = text("name").unwrap();
        let Some(source) = text("source") else {
            assert!(own.contains(name), "{name} comes from nowhere");
            continue;
        };
        assert!(source.starts_with("registry+"), "{name} comes from {source}");
        assert!(text("checksum").is_some_and(|digest| digest.len() == 64), "{name} may be anything");
        sources.insert(source.to_owned());
    }
    assert_eq!(sources.len(), 1, "{sources:?}");
}

#[test]
fn no_crate_of_ours_may_have_unsafe_code() {
    let workspace = read("Cargo.toml");
    assert_eq!(workspace["workspace"]["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
    for member in members() {
        let lints = read(&format!("{member}/Cargo.toml")).get("lints").cloned();
        let inherits = lints.and_then(|lints| lints.get("workspace").and_then(Value::as_bool));
        assert_eq!(inherits, Some(true), "{member} does not keep to the workspace's lints");
    }
}
