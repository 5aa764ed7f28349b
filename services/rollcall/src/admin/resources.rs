//! Keys, connections, tokens, sites, links and the audit log.

use std::process::ExitCode;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::DIFFERS;
use super::api::{Api, encoded};
use super::arguments::{
    ConnectionsArguments, ConnectionsCommand, KeysArguments, KeysCommand, LinksArguments, LinksCommand,
    SitesArguments, SitesCommand, TokensArguments, TokensCommand,
};
use super::output::{self, Columns};

const KEYS: Columns<'_> = &[
    ("name", "/name"),
    ("role", "/role"),
    ("made", "/created_at"),
    ("last used", "/last_used_at"),
    ("expires", "/expires_at"),
    ("revoked", "/revoked_at"),
    ("id", "/id"),
];
const CONNECTIONS: Columns<'_> = &[
    ("name", "/name"),
    ("provider", "/provider"),
    ("status", "/status"),
    ("SCIM base URL", "/scim/base_url"),
    ("id", "/id"),
];
const REQUESTS: Columns<'_> = &[
    ("at", "/at"),
    ("method", "/method"),
    ("path", "/path"),
    ("status", "/status"),
    ("ms", "/duration_ms"),
    ("why refused", "/problem"),
];
const TOKENS: Columns<'_> = &[
    ("name", "/name"),
    ("made", "/created_at"),
    ("last used", "/last_used_at"),
    ("expires", "/expires_at"),
    ("revoked", "/revoked_at"),
    ("id", "/id"),
];
const SITES: Columns<'_> = &[
    ("name", "/name"),
    ("product", "/product"),
    ("address", "/base_url"),
    ("status", "/status"),
    ("why", "/status_reason"),
    ("id", "/id"),
];
const CHECKS: Columns<'_> = &[("ok", "/ok"), ("what", "/name"), ("found", "/detail")];
const LINKS: Columns<'_> = &[
    ("connection", "/connection"),
    ("site", "/site"),
    ("on", "/enabled"),
    ("precedence", "/precedence"),
    ("next run", "/next_run_at"),
    ("id", "/id"),
];
const HELD: Columns<'_> = &[
    ("kind", "/kind"),
    ("name", "/name"),
    ("why it waits", "/reason"),
    ("since", "/marked_at"),
    ("id", "/object_id"),
];
pub(super) async fn keys(api: &Api, arguments: KeysArguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        KeysCommand::List => output::list(api.output, &api.all("/keys").await?, KEYS)?,
        KeysCommand::Create { name, role, expires_at } => {
            let body = json!({"name": name, "role": role, "expires_at": expires_at});
            output::object(api.output, &api.post("/keys", body).await?)?;
        }
        KeysCommand::Revoke { id } => {
            api.delete(&format!("/keys/{}", encoded(&id))).await?;
        }
        KeysCommand::Rotate(_) => anyhow::bail!("keys are exchanged at the database, not through the API"),
    }
    Ok(ExitCode::SUCCESS)
}

async fn connection(api: &Api, name: &str) -> anyhow::Result<String> {
    Ok(format!("/connections/{}", api.id_of("/connections", "connection", name).await?))
}

pub(super) async fn connections(api: &Api, arguments: ConnectionsArguments) -> anyhow::Result<ExitCode> {
    let status = async |name: &str, status: &str| {
        let changed = api.patch(&connection(api, name).await?, json!({ "status": status })).await?;
        output::object(api.output, &changed)
    };
    match arguments.command {
        ConnectionsCommand::List => output::list(api.output, &api.all("/connections").await?, CONNECTIONS)?,
        ConnectionsCommand::Create { name, provider, strict } => {
            let body = json!({"name": name, "provider": provider, "strict": strict});
            output::object(api.output, &api.post("/connections", body).await?)?;
        }
        ConnectionsCommand::Show { connection: name } => {
            output::object(api.output, &api.get(&connection(api, &name).await?).await?)?;
        }
        ConnectionsCommand::Pause { connection } => status(&connection, "paused").await?,
        ConnectionsCommand::Resume { connection } => status(&connection, "active").await?,
        ConnectionsCommand::Requests { connection: name, refused, limit } => {
            let path = format!("{}/requests?refused={refused}&limit={limit}", connection(api, &name).await?);
            let page = api.get(&path).await?;
            output::list(api.output, page["items"].as_array().map_or(&[], Vec::as_slice), REQUESTS)?;
        }
        ConnectionsCommand::SetupLink { connection: name, hours } => {
            let path = format!("{}/setup-links", connection(api, &name).await?);
            output::object(api.output, &api.post(&path, json!({ "hours": hours })).await?)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn tokens(api: &Api, arguments: TokensArguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        TokensCommand::List { connection: name } => {
            let path = format!("{}/tokens", connection(api, &name).await?);
            let page = api.get(&path).await?;
            output::list(api.output, page["items"].as_array().map_or(&[], Vec::as_slice), TOKENS)?;
        }
        TokensCommand::Create { connection: of, name, expires_at } => {
            let path = format!("{}/tokens", connection(api, &of).await?);
            let made = api.post(&path, json!({"name": name, "expires_at": expires_at})).await?;
            output::object(api.output, &made)?;
        }
        TokensCommand::Revoke { connection: of, id } => {
            api.delete(&format!("{}/tokens/{}", connection(api, &of).await?, encoded(&id))).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn site(api: &Api, name: &str) -> anyhow::Result<String> {
    Ok(format!("/sites/{}", api.id_of("/sites", "site", name).await?))
}

pub(super) async fn sites(api: &Api, arguments: SitesArguments) -> anyhow::Result<ExitCode> {
    let status = async |name: &str, status: &str| {
        let changed = api.patch(&site(api, name).await?, json!({ "status": status })).await?;
        output::object(api.output, &changed)
    };
    match arguments.command {
        SitesCommand::List => output::list(api.output, &api.all("/sites").await?, SITES)?,
        SitesCommand::Create { name, product, base_url, credentials, certificate_authorities } => {
            // The reader's own message may quote the secret.
            let credentials: Value = serde_json::from_str(credentials.expose_secret())
                .map_err(|_| anyhow::anyhow!("credentials: is no JSON"))?;
            let authorities = certificate_authorities.map(|file| {
                std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))
            });
            let body = json!({
                "name": name, "product": product, "base_url": base_url, "credentials": credentials,
                "certificate_authorities": authorities.transpose()?,
            });
            output::object(api.output, &api.post("/sites", body).await?)?;
        }
        SitesCommand::Show { site: name } => {
            output::object(api.output, &api.get(&site(api, &name).await?).await?)?;
        }
        SitesCommand::Test { site: name } => {
            let test = api.post(&format!("{}/test", site(api, &name).await?), json!({})).await?;
            output::list(api.output, test["checks"].as_array().context("checks")?, CHECKS)?;
            if test["ok"] != true {
                return Ok(ExitCode::from(DIFFERS));
            }
        }
        SitesCommand::Pause { site } => status(&site, "paused").await?,
        SitesCommand::Resume { site } => status(&site, "active").await?,
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn links(api: &Api, arguments: LinksArguments) -> anyhow::Result<ExitCode> {
    let change = async |name: &str, body: Value| {
        let changed = api.patch(&format!("/links/{}", encoded(&api.link(name).await?)), body).await?;
        output::object(api.output, &changed)
    };
    let answer = async |name: &str, verb: &str, ids: Vec<String>| {
        let path = format!("/links/{}/held/{verb}", encoded(&api.link(name).await?));
        let body = if ids.is_empty() { json!({}) } else { json!({ "object_ids": ids }) };
        output::object(api.output, &api.post(&path, body).await?)
    };
    match arguments.command {
        LinksCommand::List => {
            let (connections, sites) = (api.all("/connections").await?, api.all("/sites").await?);
            let name = |items: &[Value], id: &Value| {
                items.iter().find(|item| item["id"] == *id).map_or(Value::Null, |item| item["name"].clone())
            };
            let mut links = api.all("/links").await?;
            for link in &mut links {
                link["connection"] = name(&connections, &link["connection_id"]);
                link["site"] = name(&sites, &link["site_id"]);
            }
            output::list(api.output, &links, LINKS)?;
        }
        LinksCommand::Create { connection, site, enabled } => {
            let connection = api.id_of("/connections", "connection", &connection).await?;
            let site = api.id_of("/sites", "site", &site).await?;
            let body = json!({"connection_id": connection, "site_id": site, "enabled": enabled});
            output::object(api.output, &api.post("/links", body).await?)?;
        }
        LinksCommand::Show { link } => {
            let link = api.get(&format!("/links/{}", encoded(&api.link(&link).await?))).await?;
            output::object(api.output, &link)?;
        }
        LinksCommand::Enable { link } => change(&link, json!({"enabled": true})).await?,
        LinksCommand::Disable { link } => change(&link, json!({"enabled": false})).await?,
        LinksCommand::Held { link } => {
            let path = format!("/links/{}/held", encoded(&api.link(&link).await?));
            output::list(api.output, &api.all(&path).await?, HELD)?;
        }
        LinksCommand::Approve { link, ids } => answer(&link, "approve", ids).await?,
        LinksCommand::Reject { link, ids } => answer(&link, "reject", ids).await?,
    }
    Ok(ExitCode::SUCCESS)
}
