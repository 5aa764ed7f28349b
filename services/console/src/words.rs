//! The console's words for what the API names in snake case.

/// What was just done, by the code that the address has.
pub(crate) fn done(query: &str) -> Option<&'static str> {
    let code = query.split('&').find_map(|part| part.strip_prefix("done="))?;
    DONE.iter().find(|(known, _)| *known == code).map(|(_, words)| *words)
}

const DONE: &[(&str, &str)] = &[
    ("saved", "Saved."),
    ("created", "Created."),
    ("revoked", "Revoked: it opens nothing any more."),
    ("paused", "Paused. What comes meanwhile waits and is done when you resume."),
    ("resumed", "Resumed."),
    ("approved", "Approved: the work goes on."),
    ("rejected", "Rejected: these accounts stay as they are."),
    ("answered", "Answered: everybody concerned is looked at anew."),
    ("relinked", "Linked: everybody concerned is looked at anew."),
    ("cancelled", "Stopped. What was done stays done."),
    ("asked", "On its way: the steps appear below as they happen."),
    ("broken", "You see this tenant's people for now. Every look is noted in its audit log."),
    ("closed", "Over: the operator sees nobody of this tenant any more."),
    ("behind-glass", "That is behind glass: say below who you are and what for."),
    ("suspended", "Suspended: its providers and keys are refused, and nothing is done at its sites."),
    ("served", "Served again."),
    ("credentials", "New credentials are in use."),
];

/// A plan's action.
pub(crate) fn action(name: &str) -> String {
    let known = match name {
        "create_account" => "Create account",
        "update_account" => "Update account",
        "reactivate" => "Activate again",
        "deactivate" => "Deactivate",
        "delete_account" => "Delete account",
        "hand_over" => "Hand over",
        "ensure_group" => "Create group",
        "add_member" => "Add to group",
        "remove_member" => "Take out of group",
        other => return sentence(other),
    };
    known.to_owned()
}

/// Snake case as words.
pub(crate) fn sentence(name: &str) -> String {
    let words = name.replace(['_', '-'], " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The console's name of a product.
pub(crate) fn product(name: &str) -> String {
    PRODUCTS
        .iter()
        .find(|product| product.id == name)
        .map_or_else(|| sentence(name), |product| product.name.to_owned())
}

/// A product to choose, and what it asks for.
pub(crate) struct Product {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) address: &'static str,
    pub(crate) credentials: &'static [&'static str],
    pub(crate) hint: &'static str,
}

/// The products, in the order in which they are offered.
pub(crate) const PRODUCTS: &[Product] = &[
    Product {
        id: "jira-data-center",
        name: "Jira Data Center",
        address: "https://jira.example.com",
        credentials: &["bearer", "basic"],
        hint: "A personal access token of an account with the global permission Jira System Administrators (Profile → \
               Personal Access Tokens), or its user name and password.",
    },
    Product {
        id: "confluence-data-center",
        name: "Confluence Data Center",
        address: "https://confluence.example.com",
        credentials: &["bearer", "basic"],
        hint: "A personal access token of a system administrator (Profile → Settings → Personal Access Tokens), or its \
               user name and password.",
    },
    Product {
        id: "bitbucket-data-center",
        name: "Bitbucket Data Center",
        address: "https://bitbucket.example.com",
        credentials: &["bearer", "basic"],
        hint: "An HTTP access token of a system administrator (Manage account → HTTP access tokens), or its user name and \
               password.",
    },
    Product {
        id: "crowd",
        name: "Crowd, or Jira's user server",
        address: "https://crowd.example.com/crowd",
        credentials: &["basic"],
        hint: "The name and password of an application (Crowd: Applications → Add application; Jira: User management → Jira \
               user server), not those of a person.",
    },
    Product {
        id: "atlassian-cloud",
        name: "Atlassian Cloud (organization's directory)",
        address: "https://api.atlassian.com/scim/directory/…",
        credentials: &["bearer"],
        hint: "Atlassian Administration → Security → Identity providers → your directory → Set up user provisioning shows the \
               SCIM base URL and the API key.",
    },
    Product {
        id: "jira-cloud",
        name: "Jira Cloud (without such a directory)",
        address: "https://acme.atlassian.net",
        credentials: &["api_key"],
        hint: "The e-mail address and an API token of a site administrator (id.atlassian.com → Security → API tokens). With \
               the organization's key as well, people can be found by address and suspended.",
    },
    Product {
        id: "bitbucket-cloud",
        name: "Bitbucket Cloud (groups of a workspace)",
        address: "https://bitbucket.org/acme",
        credentials: &["api_key"],
        hint: "The e-mail address and an API token of a workspace administrator, and the organization's key.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_are_not_known_say_nothing() {
        assert_eq!(done("a=b&done=saved"), Some("Saved."));
        assert_eq!(done("done=<script>"), None);
        assert_eq!(done(""), None);
    }

    #[test]
    fn snake_case_reads_as_words() {
        assert_eq!(action("add_member"), "Add to group");
        assert_eq!(action("something_new"), "Something new");
        assert_eq!(sentence(""), "");
        assert_eq!(product("crowd"), "Crowd, or Jira's user server");
    }
}
