//! What users and groups of tenants may hold, remembered for as long as nobody edits a schema extension.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use scim_protocol::schema::ResourceTypes;
use store::Store;
use store::id::TenantId;
use store::schema_extensions::SchemasVersion;

const CAPACITY: u64 = 10_000;
const IDLE: Duration = Duration::from_mins(10);

/// The resource types of tenants by the version of their schema extensions: what a route names is never outdated.
#[derive(Clone, Debug)]
pub struct Schemas(Cache<(TenantId, SchemasVersion), Arc<ResourceTypes>>);

impl Default for Schemas {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(CAPACITY).time_to_idle(IDLE).build())
    }
}

impl Schemas {
    /// Remembers what was read.
    pub(crate) async fn remember(
        &self,
        tenant: TenantId,
        version: SchemasVersion,
        resource_types: Arc<ResourceTypes>,
    ) {
        if version != SchemasVersion(0) {
            self.0.insert((tenant, version), resource_types).await;
        }
    }

    /// The resource types of a tenant. They are newer than `version` where an extension was edited in between.
    pub(crate) async fn get(
        &self,
        store: &Store,
        tenant: TenantId,
        version: SchemasVersion,
    ) -> store::Result<Arc<ResourceTypes>> {
        if version == SchemasVersion(0) {
            return Ok(Arc::clone(ResourceTypes::standard()));
        }
        if let Some(known) = self.0.get(&(tenant, version)).await {
            return Ok(known);
        }
        let (read, resource_types) = store.tenant(tenant).schema_extensions().versioned().await?;
        self.remember(tenant, read, Arc::clone(&resource_types)).await;
        Ok(resource_types)
    }
}
