//! How each identity provider is set up, in the words of its own console. Where a provider's menus differ between
//! editions the steps say what to look for rather than where exactly it stands.
//!
//! Sources: the providers' public documentation of SCIM provisioning (see docs/identity-providers.md).

use maud::{Markup, html};

/// How a provider is set up.
#[derive(Debug)]
pub(crate) struct Guide {
    /// What the API calls it.
    pub(crate) id: &'static str,
    /// What people call it.
    pub(crate) name: &'static str,
    /// What its form calls the base URL; Oracle's asks for it in two parts.
    pub(crate) base: BaseUrl,
    /// What its form calls the token.
    pub(crate) token: &'static str,
    /// What to do there before the values are asked for.
    pub(crate) before: &'static [&'static str],
    /// How its connection is tested.
    pub(crate) test: &'static str,
    /// What to do there afterwards.
    pub(crate) after: &'static [&'static str],
    /// What is good to know.
    pub(crate) notes: &'static [&'static str],
}

/// How a form asks for the base URL.
#[derive(Debug)]
pub(crate) enum BaseUrl {
    /// In one field.
    Whole(&'static str),
    /// Host and path in two fields.
    Split {
        /// The name of the field with the host.
        host: &'static str,
        /// The name of the field with the path.
        path: &'static str,
    },
}

/// The guides, in the order in which providers are offered.
pub(crate) const GUIDES: &[Guide] = &[
    Guide {
        id: "oracle",
        name: "Oracle IDCS / OCI Identity Domains",
        base: BaseUrl::Split { host: "Host Name", path: "Base URI" },
        token: "Access Token",
        before: &[
            "In the identity domain's console open **Applications** (IDCS) or **Integrated applications** (OCI) and add one from the **App Catalog**.",
            "Search for **GenericScim - Bearer Token** and choose it. Give the application a name such as `Rollcall`, and go on to **Provisioning**.",
            "Switch **Enable Provisioning** on. The form **Configure Connectivity** appears.",
        ],
        test: "Press **Test Connectivity**. Oracle answers that the connection was successful, and the light on this page turns green.",
        after: &[
            "Under **Select Provisioning Operations** tick **Create**, **Update**, **De-provision** and, where the template has them, activation and the push of group memberships.",
            "Switch **Enable Synchronization** on if Oracle should compare with what it finds here, and save.",
            "**Activate** the application, then assign users and groups to it. Each assignment arrives here within seconds.",
        ],
        notes: &[
            "The Base URI is taken with or without a slash at its end, and with a second one in front.",
            "An update that does not mention whether a user is active leaves that as it is.",
        ],
    },
    Guide {
        id: "okta",
        name: "Okta",
        base: BaseUrl::Whole("Base URL"),
        token: "API Token (Authorization: Bearer)",
        before: &[
            "In the admin console open **Applications** → **Browse App Catalog** and add **SCIM 2.0 Test App (OAuth Bearer Token)**; or take an application of yours, **General** → **App Settings** → **Edit**, and choose **SCIM** provisioning.",
            "Open **Provisioning** → **Integration** → **Configure API Integration** and tick **Enable API integration**. (In an application of yours: **SCIM connector base URL**, unique identifier `userName`, authentication mode **HTTP Header**.)",
        ],
        test: "Press **Test API Credentials** (or **Test Connector Configuration**). Okta asks for a few users, and the light on this page turns green.",
        after: &[
            "Save, open **Provisioning** → **To App** → **Edit**, and enable **Create Users**, **Update User Attributes** and **Deactivate Users**.",
            "Assign people under **Assignments**.",
            "Groups: under **Push Groups** choose which groups are pushed. Assigning a group assigns its people; it does not push the group.",
        ],
        notes: &[
            "Okta never deletes users: whoever is unassigned is deactivated, and the link's settings say what becomes of the account.",
        ],
    },
    Guide {
        id: "entra",
        name: "Microsoft Entra ID",
        base: BaseUrl::Whole("Tenant URL"),
        token: "Secret Token",
        before: &[
            "In the Entra admin center open **Enterprise applications** → **New application** → **Create your own application**, name it, and choose **Integrate any other application you don't find in the gallery**.",
            "Open the application's **Provisioning** → **New configuration** (or **Get started**, mode **Automatic**).",
        ],
        test: "Press **Test connection**. Entra looks a user up that does not exist, and the light on this page turns green.",
        after: &[
            "Create the configuration, and look at **Attribute mapping**: `userPrincipalName` → `userName` is what people are recognised by; `mail` → `emails[type eq \"work\"].value`.",
            "Assign users and groups to the application, or set the scope to all.",
            "**Start provisioning**. Entra's cycles come every 20 to 40 minutes; **Provision on demand** sends one person at once.",
        ],
        notes: &[
            "Append `?aadOptscim062020` to the Tenant URL for requests that keep to the standard; both ways are understood.",
            "Entra deactivates first and deletes 30 days later.",
        ],
    },
    Guide {
        id: "onelogin",
        name: "OneLogin",
        base: BaseUrl::Whole("SCIM Base URL"),
        token: "SCIM Bearer Token",
        before: &[
            "Under **Applications** → **Add App** choose **SCIM Provisioner with SAML (SCIM v2 Core)** (or the enterprise one) and save it.",
            "Open its **Configuration** tab. Leave **Custom Headers** empty, and the **SCIM JSON Template** as it is.",
        ],
        test: "Under **API Connection** press **Enable**. The light on this page turns green with the first request.",
        after: &[
            "On the tab **Provisioning** tick **Enable provisioning**, and choose what becomes of people when they are deleted or lose access.",
            "On **Parameters** tick **Include in User Provisioning** for **Groups** if groups are to come along; rules set which.",
            "Assign the application to people or roles.",
        ],
        notes: &[
            "A template may leave out what it likes: missing `schemas` and unknown attributes are understood.",
        ],
    },
    Guide {
        id: "google",
        name: "Google Workspace",
        base: BaseUrl::Whole("Endpoint URL"),
        token: "Access token",
        before: &[
            "Google provisions the applications of its catalog alone. In the admin console open **Apps** → **Web and mobile apps** → **Add app** → **Search for apps**, and take one whose autoprovisioning asks for an access token and an endpoint URL.",
            "Open **Autoprovisioning** → **Configure autoprovisioning**.",
        ],
        test: "Google makes no separate test: the light on this page turns green with its first request.",
        after: &[
            "Map the attributes, choose the group whose members are provisioned, choose what happens on suspension and deletion, and switch autoprovisioning on.",
        ],
        notes: &["Groups are not pushed by autoprovisioning: use default groups in the link's settings."],
    },
    Guide {
        id: "jumpcloud",
        name: "JumpCloud",
        base: BaseUrl::Whole("Base URL"),
        token: "Token Key",
        before: &[
            "Under **SSO Applications** → **Add New Application** choose a **Custom Application** with **Export users to this app (Identity Management)**.",
            "Open its tab **Identity Management**, and choose **SCIM API** and **SCIM 2.0**.",
        ],
        test: "Enter the address of a test user that does not exist yet and press **Test Connection**. JumpCloud creates, changes and removes that user and a group, and the light on this page turns green.",
        after: &[
            "Press **Activate**, tick **Enable management of User Groups and Group Membership**, save, and bind user groups to the application.",
        ],
        notes: &[
            "The test user passes through your directory: link the sites after the test, or choose an address outside the link's scope.",
        ],
    },
    Guide {
        id: "ping",
        name: "PingOne / PingFederate",
        base: BaseUrl::Whole("SCIM Base URL"),
        token: "OAuth Access Token / Bearer token",
        before: &[
            "PingOne: **Integrations** → **Provisioning** → **New Connection** → **Identity Store** → **SCIM Outbound**. PingFederate: an SP connection with **Outbound Provisioning**, type **SCIM 2.0**.",
            "Choose SCIM version **2.0** and the authentication method **OAuth 2 Bearer Token**. Users resource `/Users`, groups resource `/Groups`, filter `userName eq \"%s\"`.",
        ],
        test: "Press **Test Connection**. The light on this page turns green.",
        after: &[
            "Choose the actions (create, update, disable; on removal: disable or delete), map the attributes, make a rule for who is provisioned, and switch both on.",
        ],
        notes: &[],
    },
    Guide {
        id: "keycloak",
        name: "Keycloak",
        base: BaseUrl::Whole("SCIM endpoint"),
        token: "Bearer token",
        before: &[
            "Keycloak pushes through an extension, such as **scim-for-keycloak** or a SCIM user federation provider. Install one and restart.",
            "In the realm open **User federation** (or the extension's own page) and add a **SCIM 2.0** service provider; authentication mode **Bearer**.",
        ],
        test: "Save, and let it synchronize once. The light on this page turns green with the first request.",
        after: &[
            "Enable users and groups to be propagated, and run **Synchronize all users** once for who is there already.",
        ],
        notes: &["Keycloak's ids arrive as `externalId`."],
    },
    Guide {
        id: "generic",
        name: "Another provider (SCIM 2.0)",
        base: BaseUrl::Whole("SCIM base URL"),
        token: "Bearer token",
        before: &[
            "In your provider's console find where an application is provisioned by **SCIM 2.0** with a **bearer token**.",
        ],
        test: "Use its test if it has one, or let it look up a user. The light on this page turns green with the first request.",
        after: &["Enable creation, changes, deactivation and, if it can, groups; then assign people."],
        notes: &[
            "Everything of RFC 7643 and 7644 is served: filters, PATCH, Bulk, cursors. The endpoint `/ServiceProviderConfig` says so.",
        ],
    },
];

/// The guide of a provider; that for any where there is none of its own.
pub(crate) fn guide(provider: &str) -> &'static Guide {
    let own = GUIDES.iter().find(|guide| guide.id == provider);
    own.unwrap_or(&GUIDES[GUIDES.len() - 1])
}

/// Text with `**strong**` and `` `code` `` in it.
pub(crate) fn words(text: &str) -> Markup {
    html! {
        @for (strong, part) in text.split("**").enumerate().map(|(index, part)| (index % 2 == 1, part)) {
            @if strong { strong { (part) } } @else {
                @for (index, part) in part.split('`').enumerate() {
                    @if index % 2 == 1 { code { (part) } } @else { (part) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_elements_and_text_is_escaped() {
        let shown = words("Press **Test** for `a <b>` & go").into_string();
        assert_eq!(shown, "Press <strong>Test</strong> for <code>a &lt;b&gt;</code> &amp; go");
    }

    /// The guides as a page of the documentation.
    fn page() -> String {
        let mut page = vec![
            "# Identity providers".to_owned(),
            String::new(),
            "The console shows these steps beside the values that the provider's form asks for, and a light that turns green".into(),
            "when its test arrives. `ROLLCALL_WRITE_DOCS=1 cargo test -p console` writes this page from the console's own text.".into(),
            String::new(),
            "Sources are the providers' public documentation: docs.oracle.com (catalog application GenericScim), ".to_owned()
                + "developer.okta.com",
            "(SCIM 2.0 protocol reference), learn.microsoft.com (Develop a SCIM endpoint), developers.onelogin.com, ".to_owned()
                + "support.google.com,",
            "jumpcloud.com/support, docs.pingidentity.com. None of them was reached from here: what each sends is replayed in the"
                .into(),
            "suite from its documentation, and menus may have moved since.".into(),
        ];
        for guide in GUIDES {
            page.extend([String::new(), format!("## {}", guide.name), String::new()]);
            let address = match guide.base {
                BaseUrl::Whole(label) => format!("**{label}**: the base URL. "),
                BaseUrl::Split { host, path } => {
                    format!("**{host}** and **{path}**: the base URL in two parts. ")
                }
            };
            let values = format!("Copy the values into the form. {address}**{}**: a token.", guide.token);
            let steps = guide.before.iter().copied().chain([values.as_str(), guide.test]);
            let steps = steps.chain(guide.after.iter().copied());
            page.extend(steps.enumerate().map(|(index, step)| format!("{}. {step}", index + 1)));
            if !guide.notes.is_empty() {
                page.push(String::new());
                page.extend(guide.notes.iter().map(|note| format!("- {note}")));
            }
        }
        page.join("\n") + "\n"
    }

    #[test]
    fn the_documentation_has_the_guides() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/identity-providers.md");
        if std::env::var_os("ROLLCALL_WRITE_DOCS").is_some() {
            std::fs::write(file, page()).unwrap();
        }
        let written = std::fs::read_to_string(file).unwrap_or_default();
        assert!(written == page(), "run ROLLCALL_WRITE_DOCS=1 cargo test -p console");
    }

    #[test]
    fn every_mark_is_closed() {
        for guide in GUIDES {
            let texts = guide.before.iter().chain(guide.after).chain(guide.notes).chain([&guide.test]);
            for text in texts {
                assert!(text.matches("**").count() % 2 == 0 && text.matches('`').count() % 2 == 0, "{text}");
            }
        }
        assert_eq!(guide("okta").id, "okta");
        assert_eq!(guide("unheard-of").id, "generic");
    }
}
