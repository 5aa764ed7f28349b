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
fn demo_fails_when_the_sites_do_not_match_in_time() {
    let run = command().args(["demo", "--once", "--within", "0"]).output().unwrap();
    assert_eq!(run.status.code(), Some(1), "{}", String::from_utf8_lossy(&run.stdout));
    assert!(String::from_utf8_lossy(&run.stdout).contains("differ"));
}
