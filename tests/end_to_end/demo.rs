//! `rollcall demo --once`: what the README promises first.

use crate::program::command;

#[test]
fn demo_ends_with_matching_sites_and_shows_them() {
    let run = command().args(["demo", "--once"]).output().unwrap();
    let told = String::from_utf8(run.stdout).unwrap();
    let complaints = String::from_utf8(run.stderr).unwrap();
    assert!(run.status.success(), "{told}\n{complaints}");
    for expected in ["acme", "globex", "matches", "/v1/docs", "curl"] {
        assert!(told.contains(expected), "{expected} is missing in:\n{told}");
    }
    assert!(!told.contains("DIFFERS"), "{told}");
    assert_eq!(complaints, "", "a demo that goes well has nothing to complain of");
}

#[test]
fn demo_of_all_products_ends_with_six_matching_sites_and_says_what_they_cannot_do() {
    let run = command().args(["demo", "--once", "--all-products"]).output().unwrap();
    let told = String::from_utf8(run.stdout).unwrap();
    assert!(run.status.success(), "{told}\n{}", String::from_utf8_lossy(&run.stderr));
    for product in ["Jira", "Confluence", "Bitbucket", "Crowd", "Atlassian Cloud", "Jira Cloud"] {
        let row = told.lines().find(|line| line.contains(&format!("┆ {product} ")) && line.contains("acme"));
        assert!(row.is_some_and(|row| row.contains("matches")), "{product}:\n{told}");
    }
    for expected in
        ["keeps this user name", "keeps this address", "stays active, without access", "not possible here"]
    {
        assert!(told.contains(expected), "{expected} is missing in:\n{told}");
    }
}

#[test]
fn demo_fails_when_the_sites_do_not_match_in_time() {
    let run = command().args(["demo", "--once", "--within", "0"]).output().unwrap();
    assert_eq!(run.status.code(), Some(1), "{}", String::from_utf8_lossy(&run.stdout));
    assert!(String::from_utf8_lossy(&run.stdout).contains("differ"));
}
