//! Bringing a tenant to what a file says. Each step is one call that leaves the tenant whole; what was done before a
//! failure stays, and doing it again goes on from there.

use anyhow::Context as _;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::document::{Connection, Document, Link, Schema, Site};
use crate::admin::api::{Api, encoded};

/// Creates and changes what the file says; `credentials` replaces those of sites that are there.
pub(super) async fn apply(
    api: &Api,
    wanted: &Document,
    found: &Document,
    credentials: bool,
) -> anyhow::Result<()> {
    for schema in &wanted.schemas {
        let standing = found.schemas.iter().find(|other| other.id() == schema.id());
        apply_schema(api, schema, standing).await.with_context(|| format!("schema {}", schema.id()))?;
    }
    for connection in &wanted.connections {
        let standing = found.connections.iter().find(|other| other.name == connection.name);
        let applied = apply_connection(api, connection, standing).await;
        applied.with_context(|| format!("connection {:?}", connection.name))?;
    }
    for site in &wanted.sites {
        let standing = found.sites.iter().find(|other| other.name == site.name);
        apply_site(api, site, standing, credentials)
            .await
            .with_context(|| format!("site {:?}", site.name))?;
    }
    for link in &wanted.links {
        let standing = found.links.iter().find(|other| other.ends() == link.ends());
        apply_link(api, link, standing).await.with_context(|| format!("link {}", link.ends()))?;
    }
    Ok(())
}

async fn apply_schema(api: &Api, schema: &Schema, standing: Option<&Schema>) -> anyhow::Result<()> {
    match standing {
        Some(standing) if standing == schema => {}
        Some(_) => {
            let all = api.all("/schemas").await?;
            let row = all.iter().find(|row| row["definition"]["id"] == schema.id()).context("it is gone")?;
            let id = row["id"].as_str().unwrap_or_default();
            let path = api.of(&format!("/schemas/{}", encoded(id))).await?;
            api.call(Method::PUT, &path, Some(json!({"definition": schema.definition}))).await?;
        }
        None => {
            let body = json!({"resource_type": schema.resource_type, "definition": schema.definition});
            api.post("/schemas", body).await?;
        }
    }
    Ok(())
}

async fn apply_connection(
    api: &Api,
    wanted: &Connection,
    standing: Option<&Connection>,
) -> anyhow::Result<()> {
    if standing.is_some_and(|standing| standing == wanted) {
        return Ok(());
    }
    if let Some(standing) = standing {
        anyhow::ensure!(
            standing.provider == wanted.provider,
            "its provider cannot be changed; make another connection"
        );
    } else {
        let body = json!({"name": wanted.name, "provider": wanted.provider, "strict": wanted.strict});
        api.post("/connections", body).await?;
    }
    if standing.is_some() || wanted.status != "active" {
        let id = api.id_of("/connections", "connection", &wanted.name).await?;
        api.patch(&format!("/connections/{id}"), json!({"strict": wanted.strict, "status": wanted.status}))
            .await?;
    }
    Ok(())
}

async fn apply_site(
    api: &Api,
    wanted: &Site,
    standing: Option<&Site>,
    credentials: bool,
) -> anyhow::Result<()> {
    let mut change = Map::new();
    match standing {
        None => {
            let body = json!({
                "name": wanted.name, "product": wanted.product, "base_url": wanted.base_url,
                "credentials": wanted.credentials.read()?,
                "certificate_authorities": wanted.certificate_authorities,
            });
            api.post("/sites", body).await?;
            if wanted.status != "active" {
                change.insert("status".to_owned(), json!(wanted.status));
            }
        }
        Some(standing) => {
            anyhow::ensure!(
                standing.product == wanted.product,
                "its product cannot be changed; make another site"
            );
            if standing.base_url != wanted.base_url {
                change.insert("base_url".to_owned(), json!(wanted.base_url));
            }
            if standing.certificate_authorities != wanted.certificate_authorities {
                let pem = wanted.certificate_authorities.as_deref().unwrap_or_default();
                change.insert("certificate_authorities".to_owned(), json!(pem));
            }
            if standing.status != wanted.status {
                change.insert("status".to_owned(), json!(wanted.status));
            }
            if credentials {
                change.insert("credentials".to_owned(), wanted.credentials.read()?);
            }
        }
    }
    if !change.is_empty() {
        let id = api.id_of("/sites", "site", &wanted.name).await?;
        api.patch(&format!("/sites/{id}"), Value::Object(change)).await?;
    }
    Ok(())
}

/// What makes `stands` become `wanted` when it is merged into it (RFC 7396): what is to go is null.
fn merged(stands: Option<&Value>, wanted: Value) -> Value {
    let Value::Object(mut wanted) = wanted else { return wanted };
    for name in stands.and_then(Value::as_object).into_iter().flat_map(Map::keys) {
        if !wanted.contains_key(name) {
            wanted.insert(name.clone(), Value::Null);
        }
    }
    Value::Object(wanted)
}

/// A link's fields that differ from those that stand.
fn changes(wanted: &Link, standing: Option<&Link>) -> Map<String, Value> {
    let mut change = Map::new();
    if standing.is_none_or(|standing| standing.precedence != wanted.precedence) {
        change.insert("precedence".to_owned(), json!(wanted.precedence));
    }
    if standing.is_none_or(|standing| standing.enabled != wanted.enabled) {
        change.insert("enabled".to_owned(), json!(wanted.enabled));
    }
    let sections = |link: &Link| {
        [
            ("user_sync", link.user_sync.clone()),
            ("group_sync", link.group_sync.clone()),
            ("safety", link.safety.clone()),
            ("schedule", link.schedule.clone()),
        ]
    };
    let standing = standing.map(sections);
    for (index, (section, settings)) in sections(wanted).into_iter().enumerate() {
        let stands = standing.as_ref().map(|sections| &sections[index].1);
        let differing: Map<String, Value> = settings
            .into_iter()
            .filter_map(|(name, value)| {
                let stands = stands.and_then(|stands| stands.get(&name));
                (stands != Some(&value)).then(|| (name, merged(stands, value)))
            })
            .collect();
        if !differing.is_empty() {
            change.insert(section.to_owned(), Value::Object(differing));
        }
    }
    change
}

async fn apply_link(api: &Api, wanted: &Link, standing: Option<&Link>) -> anyhow::Result<()> {
    let mut change = changes(wanted, standing);
    if change.is_empty() {
        return Ok(());
    }
    if standing.is_some() {
        let id = api.link(&wanted.ends()).await?;
        api.patch(&format!("/links/{}", encoded(&id)), Value::Object(change)).await?;
    } else {
        let connection = api.id_of("/connections", "connection", &wanted.connection).await?;
        let site = api.id_of("/sites", "site", &wanted.site).await?;
        change.insert("connection_id".to_owned(), json!(connection));
        change.insert("site_id".to_owned(), json!(site));
        api.post("/links", Value::Object(change)).await?;
    }
    Ok(())
}
