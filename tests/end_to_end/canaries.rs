//! Every secret that a test uses is a canary: when the test ends, none of them may stand in what the program logged,
//! or in a backup of its database.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use store::testing::MASTER_KEY;

use crate::program::OPERATOR_KEY;

static USED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Bytes of an internal key of the tests.
pub(crate) const INTERNAL_KEY: [u8; 32] = [5; 32];

/// Notes that a test uses a secret.
pub(crate) fn note(secret: &str) {
    assert!(secret.len() >= 8, "{secret} would be found anywhere");
    USED.lock().unwrap().insert(secret.to_owned());
}

/// Every way in which the secrets that were used could be written.
fn forms() -> Vec<(String, Vec<u8>)> {
    let mut forms = Vec::new();
    let mut add = |secret: &str, bytes: &[u8]| {
        // Base64 of something longer shows the same letters in one of three places; without what depends on the rest.
        let shifted = (0..3).map(|before| {
            let padded = [&vec![0; before], bytes].concat();
            let encoded = STANDARD_NO_PAD.encode(&padded).into_bytes();
            encoded[[0, 2, 3][before]..encoded.len() - 1].to_vec()
        });
        let url_safe = URL_SAFE_NO_PAD.encode(bytes).into_bytes();
        let hex = hex::encode(bytes).into_bytes();
        let upper = hex::encode_upper(bytes).into_bytes();
        let percent: String = url::form_urlencoded::byte_serialize(bytes).collect();
        let all = [bytes.to_vec(), url_safe, hex, upper, percent.into_bytes()];
        forms.extend(all.into_iter().chain(shifted).map(|form| (secret.to_owned(), form)));
    };
    for (name, key) in [("the master key", MASTER_KEY), ("the internal key", INTERNAL_KEY)] {
        add(name, &key);
    }
    add(OPERATOR_KEY, OPERATOR_KEY.as_bytes());
    for secret in USED.lock().unwrap().iter() {
        add(secret, secret.as_bytes());
    }
    forms
}

/// The secrets that stand in what `read` gives.
fn found(read: impl std::io::Read) -> BTreeSet<String> {
    let (secrets, patterns): (Vec<String>, Vec<Vec<u8>>) = forms().into_iter().unzip();
    let search = AhoCorasick::new(patterns).unwrap();
    let found = search.stream_find_iter(BufReader::new(read));
    found.map(|found| secrets[found.unwrap().pattern().as_usize()].clone()).collect()
}

/// Fails if any secret that was used stands in a text.
pub(crate) fn check_text(what: &str, text: &str) {
    assert_eq!(found(text.as_bytes()), BTreeSet::new(), "{what} holds secrets");
}

/// The same for a file; one that is not there holds none.
pub(crate) fn check_file(path: &Path) {
    let Ok(file) = File::open(path) else { return };
    assert_eq!(found(file), BTreeSet::new(), "{} holds secrets", path.display());
}

/// The same for a database: its files, or what a backup of it would have.
pub(crate) fn check_database(url: &str) {
    if let Some(path) = url.strip_prefix("sqlite://") {
        let path = path.split('?').next().unwrap();
        for suffix in ["", "-wal"] {
            check_file(Path::new(&format!("{path}{suffix}")));
        }
        return;
    }
    let mut backup =
        Command::new("pg_dump").arg(url).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let secrets = found(backup.stdout.take().unwrap());
    assert!(backup.wait().unwrap().success(), "no backup can be made of {url}");
    assert_eq!(secrets, BTreeSet::new(), "a backup holds secrets");
}

#[test]
fn a_canary_is_found_however_it_is_written() {
    note("a-canary-of-this-test");
    let secret = "a-canary-of-this-test";
    for written in [
        format!("Bearer {secret}"),
        format!("{{\"sent\":\"{}\"}}", hex::encode(secret)),
        STANDARD_NO_PAD.encode(secret),
        STANDARD_NO_PAD.encode(format!("rollcall:{secret}")),
        STANDARD_NO_PAD.encode(format!("rollcal:{secret}!")),
        STANDARD_NO_PAD.encode(format!("rollca:{secret}!!")),
    ] {
        assert_eq!(found(written.as_bytes()).into_iter().collect::<Vec<_>>(), [secret], "{written}");
    }
    assert_eq!(found("a canary of another test".as_bytes()), BTreeSet::new());
    assert!(!found(hex::encode(MASTER_KEY).as_bytes()).is_empty());
}
