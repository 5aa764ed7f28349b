//! What a match of `group_sync.rename` becomes, checked before it is saved.

use regex::Regex;

/// Checks that every reference in a replacement is to a group that the pattern captures: the regex crate would
/// put nothing in place of one that is not there, and read `$1_x` as the group named `1_x`.
pub(super) fn check(replace: &str, pattern: &Regex) -> Result<(), String> {
    let mut rest = replace;
    while let Some(position) = rest.find('$') {
        rest = &rest[position + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            rest = after;
            continue;
        }
        let name = if let Some(braced) = rest.strip_prefix('{') {
            braced.split_once('}').map(|(name, _)| name).ok_or("has a ${ without its }")?
        } else {
            let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
            &rest[..end.unwrap_or(rest.len())]
        };
        if name.is_empty() {
            return Err("has a $ that names no group: write $$ for a dollar sign".to_owned());
        }
        let is_captured = match name.parse::<usize>() {
            Ok(number) => number < pattern.captures_len(),
            Err(_) => pattern.capture_names().flatten().any(|known| known == name),
        };
        if !is_captured {
            let digits: String = name.chars().take_while(char::is_ascii_digit).collect();
            let hint = if digits.is_empty() || digits.len() == name.len() {
                format!("the pattern has {} groups in brackets", pattern.captures_len() - 1)
            } else {
                format!("write ${{{digits}}} before a letter, digit or underscore")
            };
            return Err(format!("names the group {name}, which the pattern does not capture: {hint}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_must_be_captured() {
        let pattern = Regex::new("^(a)(?P<team>b)$").unwrap();
        for good in ["", "x", "$1-$2", "${1}x", "$team", "${team}_x", "$$1", "$0", "100 $$"] {
            assert_eq!(check(good, &pattern), Ok(()), "{good}");
        }
        let cases = [
            (
                "$3",
                "names the group 3, which the pattern does not capture: the pattern has 2 groups in brackets",
            ),
            (
                "$1_x",
                "names the group 1_x, which the pattern does not capture: write ${1} before a letter, digit or underscore",
            ),
            (
                "$other",
                "names the group other, which the pattern does not capture: the pattern has 2 groups in brackets",
            ),
            ("a$", "has a $ that names no group: write $$ for a dollar sign"),
            ("$ 5", "has a $ that names no group: write $$ for a dollar sign"),
            ("${1", "has a ${ without its }"),
        ];
        for (bad, problem) in cases {
            assert_eq!(check(bad, &pattern), Err(problem.to_owned()), "{bad}");
        }
    }
}
