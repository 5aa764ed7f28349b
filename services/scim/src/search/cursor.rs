//! Cursors (RFC 9865): where a list goes on, told by the client.
//!
//! A cursor is the key and the id of the last resource that was shown, so nothing is kept for it here, any
//! replica can go on, and what comes or goes meanwhile moves nothing: no resource is shown twice and none that
//! stays is left out. It belongs to one list (base URL, endpoint, filter and order) and ends after
//! [`TIMEOUT`]; a page may have another `count` than the one before.

use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use scim_protocol::error::ScimError;
use store::clock::Timestamp;
use store::search::{Position, SortKey};
use uuid::Uuid;

/// How long a cursor is good for: a nightly import may pause for hours.
pub(crate) const TIMEOUT: Duration = Duration::from_hours(24);

/// The form of the text below; another one is not understood.
const VERSION: u8 = 1;

/// Which list a cursor belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListDigest([u8; 16]);

impl ListDigest {
    /// Of whatever decides which resources a list has, and in which order.
    pub(crate) fn of(parts: &[&str]) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut start = [0; 16];
        start.copy_from_slice(&context.finish().as_ref()[..16]);
        Self(start)
    }
}

/// A place in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// How many matches there were when the first page was read: counting them again would cost more than
    /// the page.
    pub(crate) total: usize,
    /// Whether pluses in the filter were taken literally.
    pub(crate) literal: bool,
    /// Whether the last resource shown is a user, and no group.
    pub(crate) is_user: bool,
    /// What it was sorted by.
    pub(crate) position: Position,
}

impl Cursor {
    /// The text for the client, of characters that need no escape in a URL.
    pub(crate) fn encode(&self, list: ListDigest, now: Timestamp) -> String {
        let mut bytes = vec![VERSION, u8::from(self.literal) | u8::from(self.is_user) << 1];
        bytes.extend(list.0);
        bytes.extend(now.0.to_be_bytes());
        bytes.extend((self.total as u64).to_be_bytes());
        bytes.extend(self.position.id.as_bytes());
        match &self.position.key {
            None => {}
            Some(SortKey::Instant(milliseconds)) => {
                bytes.push(b'i');
                bytes.extend(milliseconds.to_be_bytes());
            }
            Some(SortKey::Text(text)) => {
                bytes.push(b't');
                bytes.extend(text.as_bytes());
            }
            Some(SortKey::Id(id)) => {
                bytes.push(b'u');
                bytes.extend(id.as_bytes());
            }
        }
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor of this list: else 400 `invalidCursor`, or `expiredCursor` when it is too old.
    pub(crate) fn decode(text: &str, list: ListDigest, now: Timestamp) -> Result<Self, ScimError> {
        let invalid =
            || ScimError::invalid_cursor("The cursor is none of this list: begin again with an empty cursor");
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
        let mut reader = Reader(&bytes);
        let flags = match reader.array() {
            Some([VERSION, flags]) if flags <= 3 => flags,
            _ => return Err(invalid()),
        };
        if reader.array() != Some(list.0) {
            return Err(invalid());
        }
        let issued = Timestamp(i64::from_be_bytes(reader.array().ok_or_else(invalid)?));
        if now.since(issued) > TIMEOUT {
            return Err(ScimError::expired_cursor(format!(
                "The cursor is older than {} seconds: begin again with an empty cursor",
                TIMEOUT.as_secs()
            )));
        }
        let total = u64::from_be_bytes(reader.array().ok_or_else(invalid)?);
        let id = Uuid::from_bytes(reader.array().ok_or_else(invalid)?);
        let key = match (reader.array(), reader.0) {
            (None, []) => None,
            (Some([b'i']), rest) => {
                Some(SortKey::Instant(i64::from_be_bytes(rest.try_into().map_err(|_| invalid())?)))
            }
            (Some([b't']), rest) => {
                let text = str::from_utf8(rest).ok().filter(|text| !text.contains('\0'));
                Some(SortKey::Text(text.ok_or_else(invalid)?.to_owned()))
            }
            (Some([b'u']), rest) => Some(SortKey::Id(Uuid::from_slice(rest).map_err(|_| invalid())?)),
            _ => return Err(invalid()),
        };
        Ok(Self {
            total: usize::try_from(total).map_err(|_| invalid())?,
            literal: flags & 1 == 1,
            is_user: flags & 2 == 2,
            position: Position { key, id },
        })
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (start, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*start)
    }
}

#[cfg(test)]
mod tests {
    use scim_protocol::error::ScimType;

    use super::*;

    const NOW: Timestamp = Timestamp(1_764_000_000_000);

    fn list() -> ListDigest {
        ListDigest::of(&["https://scim.example/v2", "/Users", "userName pr", ""])
    }

    fn cursors() -> Vec<Cursor> {
        let keys = [
            None,
            Some(SortKey::Instant(-1)),
            Some(SortKey::Text("é".to_owned())),
            Some(SortKey::Text(String::new())),
            Some(SortKey::Id(Uuid::from_u128(9))),
        ];
        let cursor = |key| Cursor {
            total: 12,
            literal: true,
            is_user: true,
            position: Position { key, id: Uuid::from_u128(7) },
        };
        keys.into_iter().map(cursor).collect()
    }

    #[test]
    fn a_cursor_is_read_as_it_was_written_in_characters_that_need_no_escape() {
        for cursor in cursors() {
            let text = cursor.encode(list(), NOW);
            assert!(
                text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)),
                "{text}"
            );
            assert_eq!(Cursor::decode(&text, list(), NOW), Ok(cursor));
        }
    }

    #[test]
    fn a_cursor_of_another_list_or_none_at_all_is_invalid() {
        let other = ListDigest::of(&["https://scim.example/v2", "/Users", "", "userName pr"]);
        let kind = |text: &str, list| Cursor::decode(text, list, NOW).unwrap_err().scim_type;
        for cursor in cursors() {
            let text = cursor.encode(list(), NOW);
            assert_eq!(kind(&text, other), Some(ScimType::InvalidCursor));
            for end in 1..60 {
                // A text key may end anywhere, and still be one.
                let Ok(read) = Cursor::decode(&text[..end.min(text.len() - 1)], list(), NOW) else {
                    continue;
                };
                assert_ne!(read, cursor);
            }
        }
        for text in ["", "x", "not a cursor", "AQ", "////", "1"] {
            assert_eq!(kind(text, list()), Some(ScimType::InvalidCursor), "{text:?}");
        }
    }

    #[test]
    fn a_cursor_ends_after_a_day() {
        for cursor in cursors() {
            let text = cursor.encode(list(), NOW);
            assert!(Cursor::decode(&text, list(), NOW.plus(TIMEOUT)).is_ok());
            let late = NOW.plus(TIMEOUT + Duration::from_millis(1));
            let error = Cursor::decode(&text, list(), late).unwrap_err();
            assert_eq!(error.scim_type, Some(ScimType::ExpiredCursor));
        }
    }
}
