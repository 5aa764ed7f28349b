//! Rules that the product at the site sets, whatever an admin's settings say.

use scim_protocol::fold;

/// What a product demands of accounts and groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProductRules {
    /// Names of the groups that carry the product's administration. Links neither fill nor empty them.
    pub admin_groups: Vec<String>,
    /// Whether user names that differ in case alone are different. Atlassian's products say no, so a
    /// change of case alone is not worth a rename (Confluence lower-cases names and would never match).
    pub username_case_sensitive: bool,
    /// Whether an account has no user name, and goes by its e-mail address.
    pub username_is_email: bool,
    /// Whether deactivating an account means taking its access away: its groups, and what it holds by itself.
    pub withdraws_access: bool,
    /// What the product cannot do, whatever is asked for.
    pub obstacles: Obstacles,
}

/// For each step that a product may lack: why it cannot be made there, in words; `None` where it can.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Obstacles {
    /// Making an account.
    pub create_account: Option<String>,
    /// Changing an account's user name.
    pub rename_account: Option<String>,
    /// Changing an account's name for people and its e-mail address.
    pub change_profile: Option<String>,
    /// Deactivating an account, and activating it again.
    pub deactivate_account: Option<String>,
    /// Deleting an account.
    pub delete_account: Option<String>,
}

impl ProductRules {
    /// Whether two user names are one to the product.
    pub fn same_username(&self, one: &str, other: &str) -> bool {
        if self.username_case_sensitive { one == other } else { fold(one) == fold(other) }
    }

    /// Why an account cannot be deleted, where it can be deactivated all the same.
    pub(crate) fn obstacle_to_delete_alone(&self) -> Option<&str> {
        let Obstacles { delete_account, deactivate_account, .. } = &self.obstacles;
        delete_account.as_deref().filter(|_| deactivate_account.is_none())
    }

    /// Whether a group belongs to the product's administration.
    pub fn is_admin_group(&self, name: &str) -> bool {
        let folded = fold(name.trim());
        self.admin_groups.iter().any(|group| fold(group.trim()) == folded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn username_case_counts_only_where_the_product_says_so() {
        let insensitive = ProductRules::default();
        let sensitive = ProductRules { username_case_sensitive: true, ..ProductRules::default() };
        assert!(insensitive.same_username("Änne", "änne"));
        assert!(!sensitive.same_username("Anne", "anne"));
    }

    #[test]
    fn admin_groups_compare_without_case_and_surrounding_space() {
        let rules = ProductRules { admin_groups: vec!["jira-administrators".into()], ..Default::default() };
        assert!(rules.is_admin_group(" Jira-Administrators "));
        assert!(!rules.is_admin_group("jira-users"));
    }
}
