//! The links that feed a site, compiled once per look at its queue.

use std::borrow::Cow;
use std::sync::Arc;

use policy::account::{Claim, DirectoryGroup, DirectoryUser, NamedBy};
use policy::settings::{CompiledSettings, LinkSettings};
use scim_protocol::fold;
use scim_protocol::schema::ResourceTypes;
use serde_json::{Value, json};
use store::entity::{claim, link, user};
use store::id::{ConnectionId, SiteId, UserId};
use store::tenant::TenantStore;
use store::users::HoldingGroup;

/// A link ready to be judged by.
#[derive(Clone, Debug)]
pub struct SiteLink {
    /// The row.
    pub row: link::Model,
    /// Its settings, with expressions compiled.
    pub settings: Arc<CompiledSettings>,
}

impl SiteLink {
    /// What the link's directory says of a user, and the groups that hold it.
    pub(crate) fn claim(
        &self,
        user_id: UserId,
        user: Option<DirectoryUser>,
        groups: Vec<HoldingGroup>,
    ) -> Claim {
        Claim {
            link: self.row.id.0,
            connection: self.row.connection_id.0,
            precedence: self.row.precedence,
            settings: Arc::clone(&self.settings),
            enabled: self.row.enabled,
            user_id: user_id.0,
            user,
            groups: groups
                .into_iter()
                .map(|group| DirectoryGroup { id: group.group_id.0, name: group.display_name })
                .collect(),
            doubt: None,
        }
    }

    /// The same of a user that claims an account of the ledger already.
    pub(crate) fn standing_claim(
        &self,
        row: &claim::Model,
        mut user: Option<DirectoryUser>,
        groups: Vec<HoldingGroup>,
    ) -> Claim {
        if let (Some(user), Some(given)) = (&mut user, &row.given_name)
            && row.given_for.as_ref().is_none_or(|taken| *taken == fold(user.user_name.trim()))
        {
            user.user_name.clone_from(given);
            user.named_by = if row.given_for.is_some() { NamedBy::Rule } else { NamedBy::Hand };
        }
        Claim { doubt: row.doubt.clone(), ..self.claim(row.user_id, user, groups) }
    }

    /// What the link would call a user's account where `taken` is taken, in order; nothing where it has no rule for it, or
    /// the directory no such user.
    pub(crate) async fn other_names(
        &self,
        tenant: &TenantStore,
        user: UserId,
        taken: &str,
    ) -> store::Result<Vec<String>> {
        if self.settings.user_sync.username_if_taken.is_empty() {
            return Ok(Vec::new());
        }
        let users = tenant.users(self.row.connection_id);
        let Some(found) = users.find(user).await? else { return Ok(Vec::new()) };
        let groups = users.holding_groups(&[user]).await?.remove(&user).unwrap_or_default();
        Ok(self.settings.other_names(&document(self, &found, &groups), taken))
    }
}

/// The links of one site.
#[derive(Clone, Debug)]
pub struct SiteLinks {
    links: Vec<SiteLink>,
    /// What the tenant's users are made of.
    types: Arc<ResourceTypes>,
}

impl SiteLinks {
    /// Reads them. Settings were checked when they were saved; if one link's no longer compile, nothing can be
    /// said about any account that it may claim, and the problem is returned instead.
    pub async fn read(tenant: &TenantStore, site: SiteId) -> store::Result<Result<Self, String>> {
        Self::of_rows(tenant, tenant.links().of_site(site).await?).await
    }

    /// The same of rows, which need not be as they are stored.
    pub(crate) async fn of_rows(
        tenant: &TenantStore,
        rows: Vec<link::Model>,
    ) -> store::Result<Result<Self, String>> {
        let mut links = Vec::new();
        for row in rows {
            let settings = serde_json::from_value::<LinkSettings>(row.settings.clone());
            match settings
                .map_err(|error| error.to_string())
                .and_then(|settings| settings.compile().map_err(|problems| format!("{problems:?}")))
            {
                Ok(compiled) => links.push(SiteLink { row, settings: Arc::new(compiled) }),
                Err(problem) => {
                    let problem = format!("The settings of link {} cannot be used: {problem}", row.id);
                    return Ok(Err(problem));
                }
            }
        }
        // Only a scope asks what an attribute is.
        let has_scope = links.iter().any(|link| !link.settings.user_sync.scope.is_empty());
        let types = if has_scope {
            tenant.schema_extensions().resource_types().await?
        } else {
            Arc::clone(ResourceTypes::standard())
        };
        Ok(Ok(Self { links, types }))
    }

    /// All of them.
    pub fn all(&self) -> &[SiteLink] {
        &self.links
    }

    /// A directory's user as a link sees it; `groups` are all that hold it.
    pub fn read_user(&self, link: &SiteLink, user: &user::Model, groups: &[HoldingGroup]) -> DirectoryUser {
        link.settings.read_user(&document(link, user, groups), &self.types.user)
    }

    /// The link from a connection to this site.
    pub fn of(&self, connection: ConnectionId) -> Option<&SiteLink> {
        self.links.iter().find(|link| link.row.connection_id == connection)
    }
}

/// The user's resource, with its groups where the link asks for them.
fn document<'a>(link: &SiteLink, user: &'a user::Model, groups: &[HoldingGroup]) -> Cow<'a, Value> {
    let mut document = Cow::Borrowed(&user.document);
    if link.settings.asks_for_groups_of_users() {
        let groups = groups.iter().map(|group| {
            let kind = if group.direct == 1 { "direct" } else { "indirect" };
            json!({"value": group.group_id, "display": group.display_name, "type": kind})
        });
        document.to_mut()["groups"] = groups.collect();
    }
    document
}
