//! What a plan was made of, in so few letters that an admin can hand it back.

use std::fmt;
use std::str::FromStr;

/// Letters of each part: 64 bits, against accidents and not against attackers, who could edit the settings as well.
pub const PART: usize = 16;

/// Everything that a plan follows from. Two plans of one digest are the same plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanDigest {
    settings: String,
    directory: String,
    site: String,
}

impl PlanDigest {
    /// The digest of these parts, each of [`PART`] hexadecimal letters.
    pub fn new(settings: String, directory: String, site: String) -> Self {
        Self { settings, directory, site }
    }

    /// What has moved since `before`, in words; nothing when nothing has.
    pub fn moved_since(&self, before: &Self) -> Vec<&'static str> {
        let parts = [
            ("the settings of the site's links", self.settings == before.settings),
            ("the directory's users and groups", self.directory == before.directory),
            ("what is known of the site", self.site == before.site),
        ];
        parts.into_iter().filter(|(_, same)| !same).map(|(what, _)| what).collect()
    }
}

impl fmt::Display for PlanDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}-{}", self.settings, self.directory, self.site)
    }
}

impl FromStr for PlanDigest {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_part = |part: &&str| part.len() == PART && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        let parts: Vec<&str> = text.split('-').filter(is_part).collect();
        match (parts.as_slice(), text.len() == 3 * PART + 2) {
            ([settings, directory, site], true) => Ok(Self {
                settings: (*settings).to_owned(),
                directory: (*directory).to_owned(),
                site: (*site).to_owned(),
            }),
            _ => Err("is no digest of a plan"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(settings: char, directory: char) -> PlanDigest {
        let part = |letter: char| letter.to_string().repeat(PART);
        PlanDigest::new(part(settings), part(directory), part('0'))
    }

    #[test]
    fn a_digest_reads_back_and_says_what_moved() {
        let (one, other) = (digest('a', 'b'), digest('a', 'c'));
        assert_eq!(one.to_string().parse(), Ok(one.clone()));
        assert_eq!(one.moved_since(&one), [""; 0]);
        assert_eq!(one.moved_since(&other), ["the directory's users and groups"]);
        let text = one.to_string();
        for bad in
            ["", "x", &text[1..], &format!("{text}-"), &text.replace('-', "_"), &text.replace('-', "--")]
        {
            assert!(bad.parse::<PlanDigest>().is_err(), "{bad}");
        }
    }
}
