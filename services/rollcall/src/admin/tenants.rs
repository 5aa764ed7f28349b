//! Tenants, as the operator sees them.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::json;

use super::api::{Api, encoded};
use super::arguments::ClientArguments;
use super::output::{self, Columns};
use crate::commands::erase_tenant::EraseArguments;

const TENANTS: Columns<'_> = &[
    ("slug", "/slug"),
    ("name", "/name"),
    ("status", "/status"),
    ("registered", "/created_at"),
    ("id", "/id"),
];

#[derive(Debug, Args)]
pub(crate) struct TenantsArguments {
    #[command(subcommand)]
    pub(crate) command: TenantsCommand,
    #[command(flatten)]
    pub(crate) client: ClientArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TenantsCommand {
    /// List all tenants.
    List,
    /// Register a tenant.
    Create {
        /// Stands for it in paths: small letters, digits, hyphens.
        slug: String,
        /// Name for people [default: the slug]
        #[arg(long)]
        name: Option<String>,
    },
    /// Refuse a tenant's providers and keys, and do nothing at its sites.
    Suspend {
        /// The tenant's slug.
        slug: String,
    },
    /// Serve a suspended tenant again.
    Resume {
        /// The tenant's slug.
        slug: String,
    },
    /// See a tenant's people and open its doors for a time (operator).
    ///
    /// The tenant sees the reason, and each look is in its audit log.
    BreakGlass {
        /// The tenant's slug.
        slug: String,
        /// Who needs it and what for, such as "A. Lovelace, ticket 4711".
        #[arg(long)]
        reason: String,
        /// Minutes that it lasts, 480 at the most.
        #[arg(long, default_value_t = 60)]
        minutes: u32,
    },
    /// Erase a suspended tenant for good: its key is destroyed first, then everything that is kept of it goes.
    ///
    /// It works on the database itself, as `migrate` does. Stopped, it is begun again and goes on. What was done at its
    /// sites stays, and backups keep what they have; export its audit log before (`audit export`).
    Erase(Box<EraseArguments>),
    /// End at once what `break-glass` began (operator, or the tenant's owner).
    CloseGlass {
        /// The tenant's slug.
        slug: String,
    },
}

pub(super) async fn tenants(api: &Api, arguments: TenantsArguments) -> anyhow::Result<ExitCode> {
    let status = async |slug: &str, status: &str| {
        let path = format!("/tenants/{}", encoded(slug));
        let changed = api.call(Method::PATCH, &path, Some(json!({ "status": status }))).await?;
        output::object(api.output, &changed)
    };
    match arguments.command {
        TenantsCommand::List => output::list(api.output, &api.all_of("/tenants").await?, TENANTS)?,
        TenantsCommand::Create { slug, name } => {
            let body = json!({"slug": slug, "name": name.unwrap_or_else(|| slug.clone())});
            output::object(api.output, &api.call(Method::POST, "/tenants", Some(body)).await?)?;
        }
        TenantsCommand::Suspend { slug } => status(&slug, "suspended").await?,
        TenantsCommand::Resume { slug } => status(&slug, "active").await?,
        TenantsCommand::BreakGlass { slug, reason, minutes } => {
            let path = format!("/tenants/{}/break-glass", encoded(&slug));
            let body = json!({"reason": reason, "minutes": minutes});
            output::object(api.output, &api.call(Method::POST, &path, Some(body)).await?)?;
        }
        TenantsCommand::Erase(_) => anyhow::bail!("tenants are erased at the database, not through the API"),
        TenantsCommand::CloseGlass { slug } => {
            let path = format!("/tenants/{}/break-glass", encoded(&slug));
            for broken in api.all_of(&path).await?.iter().filter(|broken| broken["open"] == true) {
                let id = broken["id"].as_str().unwrap_or_default();
                api.call(Method::DELETE, &format!("{path}/{id}"), None).await?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
