//! Everything of one tenant. A [`TenantStore`] is made from an authenticated caller's tenant; nothing
//! below takes a tenant id, so nothing can take a wrong one.

use std::sync::Arc;

use scim_protocol::schema::ResourceTypes;

use crate::accounts::Accounts;
use crate::audit::Audit;
use crate::break_glass::BreakGlass;
use crate::connections::Connections;
use crate::database::Store;
use crate::error::Result;
use crate::groups::Groups;
use crate::id::{ConnectionId, SiteId, TenantId};
use crate::keys::ApiKeys;
use crate::links::Links;
use crate::requests::Requests;
use crate::runs::Runs;
use crate::schema_extensions::SchemaExtensions;
use crate::sessions::Sessions;
use crate::setup_links::SetupLinks;
use crate::sign_in::SignIn;
use crate::sites::Sites;
use crate::tasks::Tasks;
use crate::tenants::Tenants;
use crate::timeline::Timeline;
use crate::tokens::Tokens;
use crate::users::Users;

/// One tenant's repositories.
#[derive(Clone, Debug)]
pub struct TenantStore {
    pub(crate) store: Store,
    pub(crate) id: TenantId,
}

impl TenantStore {
    /// The tenant.
    pub fn id(&self) -> TenantId {
        self.id
    }

    /// The clock of the store.
    pub fn now(&self) -> crate::clock::Timestamp {
        self.store.clock.now()
    }

    /// The registry of tenants.
    pub fn tenants(&self) -> Tenants {
        self.store.tenants()
    }

    /// The sessions of everybody.
    pub fn sessions(&self) -> Sessions {
        self.store.sessions()
    }

    /// Its API keys.
    pub fn api_keys(&self) -> ApiKeys {
        ApiKeys { tenant: self.clone() }
    }

    /// How its people sign in by an identity provider of its own.
    pub fn sign_in(&self) -> SignIn {
        SignIn { tenant: self.clone() }
    }

    /// When the operator may see its people.
    pub fn break_glass(&self) -> BreakGlass {
        BreakGlass { tenant: self.clone() }
    }

    /// Its connections.
    pub fn connections(&self) -> Connections {
        Connections { tenant: self.clone() }
    }

    /// The bearer tokens of one of its connections.
    pub fn tokens(&self, connection: ConnectionId) -> Tokens {
        Tokens { tenant: self.clone(), connection }
    }

    /// The last SCIM requests of one of its connections.
    pub fn requests(&self, connection: ConnectionId) -> Requests {
        Requests { tenant: self.clone(), connection }
    }

    /// The links that open the set-up page of one of its connections.
    pub fn setup_links(&self, connection: ConnectionId) -> SetupLinks {
        SetupLinks { tenant: self.clone(), connection }
    }

    /// Its sites.
    pub fn sites(&self) -> Sites {
        Sites { tenant: self.clone() }
    }

    /// Its links.
    pub fn links(&self) -> Links {
        Links { tenant: self.clone() }
    }

    /// Its schema extensions.
    pub fn schema_extensions(&self) -> SchemaExtensions {
        SchemaExtensions { tenant: self.clone() }
    }

    /// The users of one of its directories, with the standard resource types (see [`Users::with_types`]).
    pub fn users(&self, connection: ConnectionId) -> Users {
        Users { tenant: self.clone(), connection, types: Arc::clone(ResourceTypes::standard()) }
    }

    /// The groups of one of its directories, with the standard resource types (see [`Groups::with_types`]).
    pub fn groups(&self, connection: ConnectionId) -> Groups {
        Groups { tenant: self.clone(), connection, types: Arc::clone(ResourceTypes::standard()) }
    }

    /// The tasks at one of its sites.
    pub fn tasks(&self, site: SiteId) -> Tasks {
        Tasks { tenant: self.clone(), site }
    }

    /// The accounts at one of its sites.
    pub fn accounts(&self, site: SiteId) -> Accounts {
        Accounts { tenant: self.clone(), site }
    }

    /// Its runs.
    pub fn runs(&self) -> Runs {
        Runs { tenant: self.clone() }
    }

    /// Its timeline.
    pub fn timeline(&self) -> Timeline {
        Timeline { tenant: self.clone() }
    }

    /// Its audit log.
    pub fn audit(&self) -> Audit {
        Audit { tenant: self.clone() }
    }

    /// The tenant's wrapped key.
    pub(crate) async fn wrapped_key(&self) -> Result<crate::vault::WrappedKey> {
        let row = self.store.tenants().get(self.id).await?;
        Ok(crate::vault::WrappedKey(row.wrapped_key))
    }
}
