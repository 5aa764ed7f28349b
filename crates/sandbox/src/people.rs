//! Made-up people: always the same ones, all at `example.com`.

/// Given names, in the order in which they are handed out.
const GIVEN_NAMES: [&str; 20] = [
    "Ada", "Bruno", "Chiara", "Dmitri", "Elif", "Farah", "Goran", "Hana", "Ines", "Jonas", "Kofi", "Lena",
    "Mateo", "Nadia", "Olu", "Priya", "Quentin", "Rosa", "Sven", "Tara",
];

/// Family names; one is used up for every round through the given names.
const FAMILY_NAMES: [&str; 25] = [
    "Abbott",
    "Bergström",
    "Castillo",
    "Dubois",
    "Eriksen",
    "Farouk",
    "Gallagher",
    "Hoffmann",
    "Ivanov",
    "Jensen",
    "Kowalska",
    "Lindqvist",
    "Mbeki",
    "Novak",
    "O'Brien",
    "Petrov",
    "Quigley",
    "Rossi",
    "Sørensen",
    "Tanaka",
    "Ueda",
    "Vasquez",
    "Weber",
    "Xu",
    "Yilmaz",
];

/// One made-up person, as an identity provider knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The log-in name, such as `ada.abbott.0`; unique for each index.
    pub username: String,
    /// The given name.
    pub given_name: String,
    /// The family name; some are not ASCII.
    pub family_name: String,
    /// The work e-mail address.
    pub email: String,
    /// Whether the identity provider lets them in.
    pub active: bool,
}

impl Person {
    /// Returns the person with this index: the same for the same index, different for every other.
    pub fn sample(index: usize) -> Self {
        let given_name = GIVEN_NAMES[index % GIVEN_NAMES.len()];
        let family_name = FAMILY_NAMES[(index / GIVEN_NAMES.len()) % FAMILY_NAMES.len()];
        let letters: String = family_name.chars().filter(char::is_ascii_alphabetic).collect();
        let username = format!("{given_name}.{letters}.{index}").to_lowercase();
        Self {
            email: format!("{username}@example.com"),
            username,
            given_name: given_name.to_owned(),
            family_name: family_name.to_owned(),
            active: true,
        }
    }

    /// Returns the name as people write it: given name, then family name.
    pub fn display_name(&self) -> String {
        format!("{} {}", self.given_name, self.family_name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Person;

    #[test]
    fn sample_people_are_distinct_and_repeatable() {
        let usernames: HashSet<String> = (0..2_000).map(|index| Person::sample(index).username).collect();
        assert_eq!(usernames.len(), 2_000);
        assert_eq!(Person::sample(25), Person::sample(25));
        assert_eq!(Person::sample(0).email, "ada.abbott.0@example.com");
    }
}
