//! Many tenants, each with a connection, a token, sites and links, made by the program's own repositories; and their
//! users, by bulk SQL.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use serde_json::json;
use store::Store;
use store::connections::NewConnection;
use store::entity::words::ConnectionMethod;
use store::links::NewLink;
use store::sites::NewSite;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::database::{Database, execute};
use crate::documents;
use crate::seed::filled;

/// The administrator's token at every site.
pub(crate) const SITE_TOKEN: &str = "sandbox-token";
/// Tenants that are made side by side.
const AT_ONCE: u64 = 8;
/// Tenants of one statement.
const CHUNK: usize = 500;

/// An identity provider of the load.
#[derive(Clone, Debug)]
pub(crate) struct Provider {
    pub(crate) tenant: Uuid,
    pub(crate) connection: Uuid,
    pub(crate) token: String,
}

/// How many there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Where all sites are: each is a site of its own to the program.
    pub(crate) site: SocketAddr,
    pub(crate) tenants: u64,
    pub(crate) sites: u64,
    pub(crate) users: u64,
}

pub(crate) async fn seed(database: &Database, size: Size) -> anyhow::Result<Vec<Provider>> {
    let started = Instant::now();
    let store = database.store().await?;
    let next = Arc::new(AtomicU64::new(0));
    let mut makers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (store, next) = (store.clone(), Arc::clone(&next));
        makers.spawn(async move {
            let mut made = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= size.tenants {
                    return anyhow::Ok(made);
                }
                if number % 1_000 == 999 {
                    eprintln!("seed: {} tenants after {:.0?}", number + 1, started.elapsed());
                }
                made.push(tenant(&store, number, size).await?);
            }
        });
    }
    let mut providers = Vec::new();
    while let Some(made) = makers.join_next().await {
        providers.extend(made.context("making tenants")??);
    }
    store.close().await?;
    let mut connection = database.connect().await?;
    execute(&mut connection, "SET synchronous_commit = off".to_owned()).await?;
    for some in providers.chunks(CHUNK) {
        execute(&mut connection, users(some, size.users)?).await?;
    }
    // As if everybody had been looked at when the sites were linked.
    execute(&mut connection, "DELETE FROM runs; DELETE FROM tasks".to_owned()).await?;
    execute(&mut connection, "VACUUM (ANALYZE)".to_owned()).await?;
    execute(&mut connection, "CHECKPOINT".to_owned()).await?;
    eprintln!("seed: their users after {:.0?}", started.elapsed());
    Ok(providers)
}

async fn tenant(store: &Store, number: u64, wanted: Size) -> anyhow::Result<Provider> {
    let id = store.tenants().insert(&format!("load-{number}"), &format!("Load {number}")).await?.id;
    let tenant = store.tenant(id);
    let connection = NewConnection {
        name: "Directory".to_owned(),
        provider: "oracle_idcs".to_owned(),
        method: ConnectionMethod::Scim,
        strict: false,
    };
    let connection_id = tenant.connections().insert(connection).await?.id;
    let (_, token) = tenant.tokens(connection_id).insert("load", None).await?;
    for site in 0..wanted.sites {
        let new = NewSite {
            certificate_authorities: None,
            name: format!("Site {site}"),
            product: "jira-data-center".to_owned(),
            base_url: format!("http://{}", wanted.site),
            credentials: json!({"type": "bearer", "token": SITE_TOKEN}).to_string().into_bytes().into(),
        };
        let site_id = tenant.sites().insert(new).await?.id;
        let link = NewLink {
            connection_id,
            site_id,
            precedence: 0,
            enabled: true,
            settings: json!({}),
            next_run_at: None,
        };
        tenant.links().insert(link).await?;
    }
    let token = token.expose_secret().to_owned();
    Ok(Provider { tenant: id.0, connection: connection_id.0, token })
}

/// Users 1 to `count` of each of these directories.
fn users(of: &[Provider], count: u64) -> anyhow::Result<String> {
    let stored = documents::stored_user()?;
    let number = "CAST(n AS text)";
    let (document, search) = (filled(&stored.document, number), filled(&stored.search, number));
    let directories: Vec<String> = of
        .iter()
        .map(|provider| {
            format!("(CAST('{}' AS uuid), CAST('{}' AS uuid))", provider.tenant, provider.connection)
        })
        .collect();
    Ok(format!(
        "INSERT INTO users (tenant_id, connection_id, id, user_name_folded, external_id, display_name_folded, \
           email_folded, active, document, search, version, created_at, last_modified_at) \
         SELECT tenant, connection, gen_random_uuid(), 'load.user.' || n || '@example.com', '00u' || n, \
           'load user ' || n, 'load.user.' || n || '@example.com', TRUE, {document}, {search}, 1, 0, 0 \
         FROM (VALUES {}) directories (tenant, connection), generate_series(1, {count}) n",
        directories.join(",")
    ))
}
