//! The file: what a tenant is made of, by names.

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::admin::api::Api;

/// A tenant's configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Document {
    pub(super) connections: Vec<Connection>,
    pub(super) sites: Vec<Site>,
    pub(super) links: Vec<Link>,
    pub(super) schemas: Vec<Schema>,
}

/// An identity provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Connection {
    pub(super) name: String,
    pub(super) provider: String,
    #[serde(default)]
    pub(super) strict: bool,
    #[serde(default = "active")]
    pub(super) status: String,
}

/// An Atlassian site.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Site {
    pub(super) name: String,
    pub(super) product: String,
    pub(super) base_url: String,
    /// The certificate authorities that alone are trusted there, in PEM form.
    #[serde(default, deserialize_with = "trimmed", skip_serializing_if = "Option::is_none")]
    pub(super) certificate_authorities: Option<String>,
    #[serde(default = "active")]
    pub(super) status: String,
    /// Where its credentials are found; they are in no file.
    pub(super) credentials: SecretReference,
}

/// A text as the API keeps it: how a file ends its lines is the file's business.
fn trimmed<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.map(|text| text.replace("\r\n", "\n").trim().to_owned()))
}

/// Where a secret is: JSON in a variable of the environment, or in a file of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum SecretReference {
    Env(String),
    File(String),
}

/// Which connection feeds which site, by their names, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    pub(super) connection: String,
    pub(super) site: String,
    #[serde(default)]
    pub(super) precedence: i32,
    #[serde(default)]
    pub(super) enabled: bool,
    #[serde(default)]
    pub(super) user_sync: Map<String, Value>,
    #[serde(default)]
    pub(super) group_sync: Map<String, Value>,
    #[serde(default)]
    pub(super) safety: Map<String, Value>,
    #[serde(default)]
    pub(super) schedule: Map<String, Value>,
}

/// A schema extension.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Schema {
    pub(super) resource_type: String,
    pub(super) definition: Value,
}

fn active() -> String {
    "active".to_owned()
}

impl Link {
    pub(super) fn ends(&self) -> String {
        format!("{}/{}", self.connection, self.site)
    }
}

impl Schema {
    /// Its URI.
    pub(super) fn id(&self) -> &str {
        self.definition["id"].as_str().unwrap_or_default()
    }
}

impl SecretReference {
    /// Reads the secret. What is wrong is said without it.
    pub(super) fn read(&self) -> anyhow::Result<Value> {
        let text = match self {
            Self::Env(name) => std::env::var_os(name)
                .and_then(|value| value.into_string().ok())
                .with_context(|| format!("{name} is not set in the environment"))?,
            Self::File(path) => std::fs::read_to_string(path).with_context(|| format!("reading {path}"))?,
        };
        let secret = SecretString::from(text);
        serde_json::from_str(secret.expose_secret()).map_err(|_| {
            anyhow::anyhow!(
                "{self:?} holds no JSON; it must be such as {{\"type\":\"bearer\",\"token\":\"…\"}}"
            )
        })
    }
}

impl Document {
    /// Whether every name is there once, and every link has its ends.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let mut connections = BTreeSet::new();
        for connection in &self.connections {
            ensure!(connections.insert(&connection.name), "two connections are called {:?}", connection.name);
        }
        let mut sites = BTreeSet::new();
        for site in &self.sites {
            ensure!(sites.insert(&site.name), "two sites are called {:?}", site.name);
        }
        let mut links = BTreeSet::new();
        for link in &self.links {
            ensure!(links.insert(link.ends()), "{} is linked twice", link.ends());
            ensure!(
                connections.contains(&link.connection),
                "link {}: no such connection in the file",
                link.ends()
            );
            ensure!(sites.contains(&link.site), "link {}: no such site in the file", link.ends());
        }
        Ok(())
    }
}

/// The variable that a site's credentials are looked for in, unless the file says otherwise.
fn variable(site: &str) -> String {
    let letters = site
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' });
    format!("ROLLCALL_CREDENTIALS_{}", letters.collect::<String>())
}

/// The tenant as it is.
pub(super) async fn of_tenant(api: &Api) -> anyhow::Result<Document> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let map = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let (connections, sites) = (api.all("/connections").await?, api.all("/sites").await?);
    let name = |items: &[Value], id: &Value| {
        items.iter().find(|item| item["id"] == *id).map_or_else(String::new, |item| text(&item["name"]))
    };
    let links = api.all("/links").await?;
    let document = Document {
        links: links
            .iter()
            .map(|link| Link {
                connection: name(&connections, &link["connection_id"]),
                site: name(&sites, &link["site_id"]),
                precedence: link["precedence"]
                    .as_i64()
                    .and_then(|value| i32::try_from(value).ok())
                    .unwrap_or(0),
                enabled: link["enabled"] == true,
                user_sync: map(&link["user_sync"]),
                group_sync: map(&link["group_sync"]),
                safety: map(&link["safety"]),
                schedule: map(&link["schedule"]),
            })
            .collect(),
        connections: connections
            .iter()
            .map(|connection| Connection {
                name: text(&connection["name"]),
                provider: text(&connection["provider"]),
                strict: connection["strict"] == true,
                status: text(&connection["status"]),
            })
            .collect(),
        sites: sites
            .iter()
            .map(|site| Site {
                credentials: SecretReference::Env(variable(&text(&site["name"]))),
                name: text(&site["name"]),
                product: text(&site["product"]),
                base_url: text(&site["base_url"]),
                certificate_authorities: site["certificate_authorities"].as_str().map(str::to_owned),
                // That a site refuses our credentials is its state, and nobody's wish.
                status: if site["status"] == "paused" { text(&site["status"]) } else { active() },
            })
            .collect(),
        schemas: api
            .all("/schemas")
            .await?
            .into_iter()
            .map(|mut schema| Schema {
                resource_type: text(&schema["resource_type"]),
                definition: schema["definition"].take(),
            })
            .collect(),
    };
    document.check().context("this tenant cannot be told by names; rename what is called alike")?;
    Ok(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_hold_together_is_refused() {
        let read = |text: &str| {
            let document: Document = serde_saphyr::from_str(text).map_err(anyhow::Error::from)?;
            document.check().map(|()| document)
        };
        let sites =
            "sites: [{name: Jira, product: jira-data-center, base_url: 'https://j', credentials: {env: J}}]";
        let connections = "connections: [{name: IdP, provider: okta}]";
        let whole =
            read(&format!("{connections}\n{sites}\nlinks: [{{connection: IdP, site: Jira}}]")).unwrap();
        assert_eq!(whole.connections[0].status, "active");
        for (text, problem) in [
            (format!("{sites}\nlinks: [{{connection: IdP, site: Jira}}]"), "no such connection"),
            (
                "connections: [{name: a, provider: okta}, {name: a, provider: okta}]".to_owned(),
                "two connections",
            ),
            ("conections: []".to_owned(), "conections"),
            ("sites: [{name: J, product: p, base_url: u, credentials: {token: secret}}]".to_owned(), "token"),
        ] {
            let error = format!("{:#}", read(&text).unwrap_err());
            assert!(error.contains(problem), "{error}");
        }
    }

    #[test]
    fn credentials_are_looked_for_under_the_sites_name() {
        assert_eq!(variable("Jira (EU)"), "ROLLCALL_CREDENTIALS_JIRA__EU_");
    }
}
