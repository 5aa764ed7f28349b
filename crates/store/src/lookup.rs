//! Keys of look-up columns. An index entry has a size limit (2,704 bytes on PostgreSQL) and SCIM strings
//! have none, so a long text is looked up by its start and its digest. Equal texts have equal keys; that
//! different ones do not is as sure as SHA-256.

use std::borrow::Cow;

use aws_lc_rs::digest;

/// Bytes that a key may have before it is shortened.
const MAX_BYTES: usize = 640;
/// Bytes of the text that a shortened key starts with: as far as that, keys sort and begin as their texts do.
const START_BYTES: usize = 512;

/// The key of text whose case does not count. A key is its own key.
pub(crate) fn folded(text: &str) -> String {
    exact(&scim_protocol::fold(text))
}

/// The key of text whose case counts.
pub(crate) fn exact(text: &str) -> String {
    let text = without_nul(text);
    if text.len() <= MAX_BYTES {
        return text.into_owned();
    }
    let hash = hex::encode(digest::digest(&digest::SHA256, text.as_bytes()));
    format!("{}…{hash}", &text[..text.floor_char_boundary(START_BYTES)])
}

/// Where the keys of texts begin that start with `start` in any case, and before what they end.
pub(crate) fn beginning(start: &str) -> (String, String) {
    let mut from = without_nul(&scim_protocol::fold(start)).into_owned();
    from.truncate(from.floor_char_boundary(START_BYTES));
    // No stored text has this character, which is the last that there is.
    let until = format!("{from}\u{10ffff}");
    (from, until)
}

/// Text that PostgreSQL can hold: NUL, which no stored resource has, becomes the replacement character.
/// Such text comes in searches, and in what sites and providers say that is quoted in records.
pub(crate) fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// The same for all strings of a JSON value, names included.
pub(crate) fn json_without_nul(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::String(text) if text.contains('\0') => Value::String(without_nul(&text).into_owned()),
        Value::Array(items) => items.into_iter().map(json_without_nul).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (without_nul(&name).into_owned(), json_without_nul(value)))
            .collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_have_short_keys_that_differ_where_the_texts_do() {
        let long = "é".repeat(5_000);
        let key = folded(&long);
        assert!(key.len() <= MAX_BYTES, "{key}");
        assert_eq!(key, folded(&long.to_uppercase()), "case does not count");
        assert_ne!(key, folded(&format!("{long}x")));
        assert_eq!(folded(&key), key, "a key is its own key");
        assert_ne!(exact(&long), exact(&long.to_uppercase()), "case counts");
    }

    #[test]
    fn short_texts_are_their_own_keys() {
        assert_eq!(folded("Ann@Example.com"), "ann@example.com");
        assert_eq!(exact("00uA"), "00uA");
    }

    #[test]
    fn nul_is_replaced_wherever_it_stands() {
        let value = serde_json::json!({"a\0": ["b\0", {"c": "\0"}], "n": 1});
        let expected = serde_json::json!({"a\u{fffd}": ["b\u{fffd}", {"c": "\u{fffd}"}], "n": 1});
        assert_eq!(json_without_nul(value), expected);
        assert_eq!(exact("a\0"), "a\u{fffd}");
    }
}
