//! The links that feed a site, compiled once per look at its queue.

use std::sync::Arc;

use policy::settings::{CompiledSettings, LinkSettings};
use store::entity::link;
use store::id::{ConnectionId, SiteId};
use store::tenant::TenantStore;

/// A link ready to be judged by.
#[derive(Clone, Debug)]
pub struct SiteLink {
    /// The row.
    pub row: link::Model,
    /// Its settings, with expressions compiled.
    pub settings: Arc<CompiledSettings>,
}

/// The links of one site.
#[derive(Clone, Debug, Default)]
pub struct SiteLinks(Vec<SiteLink>);

impl SiteLinks {
    /// Reads them. Settings were checked when they were saved; if one link's no longer compile, nothing can be
    /// said about any account that it may claim, and the problem is returned instead.
    pub async fn read(tenant: &TenantStore, site: SiteId) -> store::Result<Result<Self, String>> {
        let mut links = Vec::new();
        for row in tenant.links().of_site(site).await? {
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
        Ok(Ok(Self(links)))
    }

    /// All of them.
    pub fn all(&self) -> &[SiteLink] {
        &self.0
    }

    /// The link from a connection to this site.
    pub fn of(&self, connection: ConnectionId) -> Option<&SiteLink> {
        self.0.iter().find(|link| link.row.connection_id == connection)
    }
}
