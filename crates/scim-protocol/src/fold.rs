//! Comparing text whose case does not count.

use unicode_normalization::UnicodeNormalization as _;

/// The comparison key of text whose case does not count (`caseExact: false`, RFC 7643 §7): Unicode default
/// case folding, and NFC so that the same letters written with and without combining marks are equal. It
/// serves comparing only; what was sent is what is stored.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let folded = caseless::default_case_fold_str(&text.nfc().collect::<String>());
    folded.nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_folds_beyond_ascii() {
        assert_eq!(fold("ÄNNE@Example.com"), fold("änne@example.COM"));
        assert_eq!(fold("STRASSE"), fold("straße"));
        assert_ne!(fold("anne"), fold("änne"));
    }

    #[test]
    fn combining_marks_compare_equal() {
        assert_eq!(fold("e\u{301}"), fold("\u{e9}"));
    }
}
