//! Comparing text whose case does not count.

use unicode_normalization::UnicodeNormalization as _;

/// The comparison key of text whose case does not count (`caseExact: false`, RFC 7643 §7).
///
/// It is Unicode's canonical caseless matching: decompose, full case folding, then NFC, so that the same
/// letters written with and without combining marks are equal. Folding a key again changes nothing. It
/// serves comparing only; what was sent is what is stored.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let folded = caseless::default_case_fold_str(&text.nfd().collect::<String>());
    folded.nfc().collect()
}

/// Whether two texts have the same key; without building the keys where both are ASCII.
pub(crate) fn equal(left: &str, right: &str) -> bool {
    if left.is_ascii() && right.is_ascii() {
        return left.eq_ignore_ascii_case(right);
    }
    fold(left) == fold(right)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_folds_beyond_ascii() {
        assert_eq!(fold("ÄNNE@Example.com"), fold("änne@example.COM"));
        assert_eq!(fold("STRASSE"), fold("straße"));
        assert_eq!(fold("ΣΊΣΥΦΟΣ"), fold("σίσυφος"));
        assert_ne!(fold("anne"), fold("änne"));
    }

    #[test]
    fn combining_marks_compare_equal() {
        assert_eq!(fold("e\u{301}"), fold("\u{e9}"));
        assert_eq!(fold("E\u{301}"), fold("\u{e9}"));
    }

    #[test]
    fn ascii_and_its_lookalikes_have_one_key() {
        assert!(equal("k", "\u{212a}"), "the Kelvin sign folds to k");
        assert!(!equal("k", "q"));
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(text in "\\PC{0,24}") {
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
        }
    }
}
