//! The chain of an audit log, so that anybody can check it who has the entries: the digest of an entry is SHA-256 over the
//! digest before it and the entry in canonical JSON (RFC 8785); before the first one stands SHA-256 over
//! `rollcall audit log of ` and the tenant's id.

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::entity::audit_entry;
use crate::id::TenantId;

/// An entry as the REST API shows it, but for its digest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Its id.
    pub id: String,
    /// Its number, from 1.
    pub sequence: i64,
    /// When, in RFC 3339.
    pub at: String,
    /// Who.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// What it was done to.
    pub object_kind: String,
    /// The id of that.
    pub object_id: String,
    /// What was said of it.
    pub detail: Option<Value>,
}

impl From<&audit_entry::Model> for Entry {
    fn from(row: &audit_entry::Model) -> Self {
        Self {
            id: row.id.to_string(),
            sequence: row.sequence.unwrap_or(0),
            at: row.at.to_string(),
            actor: row.actor.clone(),
            action: row.action.clone(),
            object_kind: row.object_kind.clone(),
            object_id: row.object_id.clone(),
            detail: row.detail.clone(),
        }
    }
}

/// What stands before the first entry.
pub fn beginning(tenant: TenantId) -> Vec<u8> {
    digest(&SHA256, format!("rollcall audit log of {tenant}").as_bytes()).as_ref().to_vec()
}

/// The digest of an entry behind one of digest `before`.
pub fn next(before: &[u8], entry: &Entry) -> serde_json::Result<Vec<u8>> {
    let mut bytes = before.to_vec();
    bytes.extend(serde_json_canonicalizer::to_vec(entry)?);
    Ok(digest(&SHA256, &bytes).as_ref().to_vec())
}

/// What is wrong with a chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Numbers are missing, or come twice.
    #[error("entry {expected} is missing; {found} stands in its place")]
    Gap {
        /// The number that should come.
        expected: i64,
        /// The number that comes.
        found: i64,
    },
    /// The entry is not the one that was written, or the one before it is not.
    #[error("entry {0} is not what was written, or something before it was changed")]
    Changed(i64),
}

/// Checks entries, in order of their numbers, from the first one on. Returns the last digest.
pub fn check<'a>(
    tenant: TenantId,
    entries: impl IntoIterator<Item = (&'a Entry, &'a [u8])>,
) -> Result<Vec<u8>, Broken> {
    let mut before = beginning(tenant);
    for (expected, (entry, digest)) in (1..).zip(entries) {
        if entry.sequence != expected {
            return Err(Broken::Gap { expected, found: entry.sequence });
        }
        let made = next(&before, entry).map_err(|_| Broken::Changed(expected))?;
        if made != digest {
            return Err(Broken::Changed(expected));
        }
        before = made;
    }
    Ok(before)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    type Log = Vec<(Entry, Vec<u8>)>;

    fn log(tenant: TenantId, count: i64) -> Log {
        let mut before = beginning(tenant);
        let entries = (1..=count).map(|sequence| {
            let entry = Entry {
                id: format!("id-{sequence}"),
                sequence,
                at: "2026-01-01T00:00:00Z".to_owned(),
                actor: "operator".to_owned(),
                action: "site.update".to_owned(),
                object_kind: "site".to_owned(),
                object_id: "s".to_owned(),
                detail: Some(json!({"b": sequence, "a": [1.0, "é"]})),
            };
            before = next(&before, &entry).unwrap();
            (entry, before.clone())
        });
        entries.collect()
    }

    fn checked(tenant: TenantId, log: &[(Entry, Vec<u8>)]) -> Result<Vec<u8>, Broken> {
        check(tenant, log.iter().map(|(entry, digest)| (entry, digest.as_slice())))
    }

    #[test]
    fn whatever_is_done_to_a_log_is_found() {
        let tenant = TenantId::generate();
        let whole = log(tenant, 5);
        assert_eq!(checked(tenant, &whole).unwrap(), whole[4].1);
        assert_eq!(checked(tenant, &[]).unwrap(), beginning(tenant));
        let bent = |bend: &dyn Fn(&mut Log)| {
            let mut log = whole.clone();
            bend(&mut log);
            checked(tenant, &log)
        };
        assert_eq!(bent(&|log| drop(log.remove(2))), Err(Broken::Gap { expected: 3, found: 4 }));
        assert_eq!(bent(&|log| drop(log.remove(0))), Err(Broken::Gap { expected: 1, found: 2 }));
        assert_eq!(bent(&|log| log.swap(1, 2)), Err(Broken::Gap { expected: 2, found: 3 }));
        assert_eq!(bent(&|log| log[1].0.actor = "key:1".to_owned()), Err(Broken::Changed(2)));
        assert_eq!(bent(&|log| log[3].0.detail = None), Err(Broken::Changed(4)));
        // Whoever makes one digest anew is found at the next one.
        let anew = bent(&|log| {
            log[1].0.actor = "key:1".to_owned();
            log[1].1 = next(&log[0].1.clone(), &log[1].0).unwrap();
        });
        assert_eq!(anew, Err(Broken::Changed(3)));
        assert_eq!(checked(TenantId::generate(), &whole), Err(Broken::Changed(1)), "another tenant's log");
    }

    #[test]
    fn the_order_of_fields_and_the_form_of_numbers_do_not_count() {
        let tenant = TenantId::generate();
        let mut log = log(tenant, 1);
        log[0].0.detail = Some(serde_json::from_str(r#"{"a": [1, "\u00e9"], "b": 1}"#).unwrap());
        assert!(checked(tenant, &log).is_ok(), "databases keep JSON in a form of their own");
    }
}
