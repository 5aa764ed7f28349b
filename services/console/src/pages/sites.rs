//! Atlassian sites: registering, testing, what waits there.

use axum::extract::{Path, Query};
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Cursor;
use super::links::Names;
use crate::api::Page;
use crate::elements::{
    self, Input, Kind, Tone, action, badge, next, nothing, refused, status, table, time, time_or,
};
use crate::failure::Failure;
use crate::forms::Fields;
use crate::resources::{Created, Link, Site, SiteTest};
use crate::session::InTenant;
use crate::shell;
use crate::words::{PRODUCTS, product, sentence};

const PLACE: &str = "/sites";

const CREDENTIALS: &[(&str, &str)] = &[
    ("bearer", "Token (personal access token, or the directory's API key)"),
    ("basic", "Name and password"),
    ("api_key", "E-mail address and API token of an Atlassian account"),
];

#[derive(Deserialize)]
pub(crate) struct OfSite {
    site: Uuid,
}

pub(crate) async fn list(desk: InTenant, Query(cursor): Query<Cursor>) -> Result<Markup, Failure> {
    let page: Page<Site> = desk.get(format!("/sites?limit=50{}", cursor.query())).await?;
    let rows = html! {
        @for site in &page.items {
            tr {
                td { a href=(desk.page(format!("/sites/{}", site.id))) { (site.name) } }
                td { (product(&site.product)) }
                td { (site.base_url) }
                td { (status(&site.status)) @if let Some(reason) = &site.status_reason { p.hint { (reason) } } }
            }
        }
    };
    Ok(shell::page(
        &desk,
        PLACE,
        "Sites",
        &html! {
            @if desk.may_edit() { div.actions { a.button.first href=(desk.page("/sites/new")) { "Add a site" } } }
            @if page.items.is_empty() {
                (nothing("No site is registered yet.", &html! { p { "Add the Jira, Confluence, Bitbucket or Crowd whose accounts should follow your directory." } }))
            } @else {
                (table("Sites", &["Name", "Product", "Address", "Status"], &rows))
                (next(&desk.page(PLACE), page.next_cursor.as_deref()))
            }
        },
    ))
}

/// The fields of credentials; which of them are needed depends on the type.
fn credentials(fields: &Fields) -> Markup {
    let secret = |name, label| {
        Input { name, path: "credentials", label, kind: Kind::Secret, ..Input::default() }.show(fields)
    };
    let text = |name, label, hint| Input { name, label, hint, path: "-", ..Input::default() }.show(fields);
    html! {
        (elements::select(fields, "type", "Log in with", "", CREDENTIALS))
        div data-when="type=bearer" { (secret("token", "Token")) }
        div data-when="type=basic" {
            (text("username", "User name", ""))
            (secret("password", "Password"))
        }
        div data-when="type=api_key" {
            (text("email", "E-mail address", ""))
            (secret("api_token", "API token"))
            fieldset {
                legend { "The organization's key" }
                p.hint { "Optional for Jira Cloud, where people are then found although they hide their addresses, and suspended rather \
                          than taken out of their groups. Needed for Bitbucket Cloud." }
                (text("organization_id", "Organization id", "As Atlassian Administration shows it."))
                (text("directory_id", "Directory id", ""))
                (secret("organization_key", "Organization API key"))
            }
        }
    }
}

/// The credentials of a form, as the API takes them.
fn given(fields: &Fields) -> Value {
    match fields.get("type") {
        "basic" => {
            json!({"type": "basic", "username": fields.get("username"), "password": fields.get("password")})
        }
        "api_key" => {
            let mut given =
                json!({"type": "api_key", "email": fields.get("email"), "token": fields.get("api_token")});
            if !fields.get("organization_id").is_empty() {
                given["organization"] = json!({
                    "id": fields.get("organization_id"), "directory_id": fields.get("directory_id"),
                    "api_key": fields.get("organization_key"),
                });
            }
            given
        }
        kind => json!({"type": kind, "token": fields.get("token")}),
    }
}

fn new_page(desk: &InTenant, fields: &Fields) -> Markup {
    let products: Vec<(&str, &str)> = PRODUCTS.iter().map(|product| (product.id, product.name)).collect();
    shell::page(
        desk,
        PLACE,
        "Add a site",
        &html! {
            section.card {
                (refused(fields))
                form method="post" action=(desk.page(PLACE)) autocomplete="off" {
                    (elements::once())
                    (elements::select(fields, "product", "Product", "", &products))
                    (Input { name: "name", label: "Name", required: true, example: "Jira", hint: "What you and your colleagues call it.", ..Input::default() }.show(fields))
                    (Input { name: "base_url", label: "Address", kind: Kind::Url, required: true, example: "https://jira.example.com",
                        hint: "As people open it, with its context path if it has one; of a cloud directory its SCIM base URL.", ..Input::default() }.show(fields))
                    @for product in PRODUCTS {
                        p.note data-when={"product=" (product.id)} {
                            (product.hint) " Address: " code { (product.address) } ". Log in with: "
                            (product.credentials.iter().map(|kind| match *kind {
                                "bearer" => "a token", "basic" => "name and password", _ => "e-mail address and API token",
                            }).collect::<Vec<_>>().join(", or ")) "."
                        }
                    }
                    (credentials(fields))
                    (Input { name: "certificate_authorities", label: "Certificate authorities", kind: Kind::Lines,
                            hint: "Only for a site behind a company's own: in PEM form, -----BEGIN CERTIFICATE----- and what follows. They alone are trusted there.", ..Input::default() }.show(fields))
                    p.hint { "Credentials are sealed with a key of your organization and never shown again." }
                    button.first type="submit" { "Add and test it" }
                }
            }
        },
    )
}

pub(crate) async fn new(desk: InTenant) -> Markup {
    new_page(&desk, &Fields::default().with("product", "jira-data-center").with("type", "bearer"))
}

pub(crate) async fn create(desk: InTenant, fields: Fields) -> Result<Response, Failure> {
    let body = json!({
        "name": fields.get("name"), "product": fields.get("product"), "base_url": fields.get("base_url"),
        "credentials": given(&fields), "certificate_authorities": fields.text_or_null("certificate_authorities"),
    });
    let call = desk.api.call(Method::POST, desk.of(PLACE)).json(body).once(fields.get("once"));
    match call.send::<Created>().await {
        Ok(made) => Ok(page(&desk, made.id.parse().unwrap_or_default(), true).await?.into_response()),
        Err(problem) if problem.status.is_client_error() => {
            Ok((problem.status, new_page(&desk, &fields.refused(problem))).into_response())
        }
        Err(problem) => Err(problem.into()),
    }
}

fn test_result(test: &SiteTest) -> Markup {
    let rows = html! {
        @for check in &test.checks {
            tr {
                td { (if check.ok { badge(Tone::Good, "OK") } else { badge(Tone::Bad, "Look at this") }) }
                td { (sentence(&check.name)) }
                td { (check.detail) }
            }
        }
    };
    html! {
        section.card #test {
            h2 { "Test" }
            @if test.ok { p.done role="status" { "Everything that we need is there." } }
            @else { p.warning role="alert" { "Something is missing: see what to do." } }
            (table("Checks", &["Result", "What", "Found"], &rows))
        }
    }
}

async fn page(desk: &InTenant, id: Uuid, tested: bool) -> Result<Markup, Failure> {
    let site: Site = desk.get(format!("/sites/{id}")).await?;
    let test = if tested {
        Some(
            desk.api
                .call(Method::POST, desk.of(format!("/sites/{id}/test")))
                .json(json!({}))
                .send::<SiteTest>()
                .await?,
        )
    } else {
        None
    };
    let links: Vec<Link> = desk.api.all(desk.of("/links"), 1_000).await?;
    let names = Names::of(desk).await?;
    let links: Vec<&Link> = links.iter().filter(|link| link.site_id == site.id).collect();
    let own = desk.page(format!("/sites/{id}"));
    Ok(shell::page(
        desk,
        PLACE,
        &site.name,
        &html! {
            p { (product(&site.product)) " at " (site.base_url) " " (status(&site.status)) }
            @if let Some(reason) = &site.status_reason {
                div.warning {
                    p { (reason) }
                    @if let Some(at) = &site.resume_at { p { "It is tried again " (time(at)) "." } }
                }
            }
            @if let Some(backlog) = &site.backlog {
                dl.figures {
                    div { dt { "waiting" } dd { (backlog.waiting) } }
                    div { dt { "refused by the site" } dd { (backlog.failed) } }
                    div { dt { "held for an answer" } dd { (backlog.held) } }
                    div { dt { "oldest waiting since" } dd { (time_or(backlog.oldest.as_deref(), "–")) } }
                }
            }
            @if desk.may_edit() {
                div.actions {
                    (action(&format!("{own}/test"), "Test it", "first", ""))
                    form.inline method="post" action=(own) {
                        @if site.status == "active" {
                            button type="submit" name="status" value="paused"
                                data-confirm="Nothing is done at this site until you resume; what comes meanwhile waits. Pause it?" { "Pause" }
                        } @else { button type="submit" name="status" value="active" { "Resume" } }
                    }
                    a.button href=(desk.page(format!("/ledger?site={id}"))) { "Accounts in the ledger" }
                }
            }
            @if let Some(test) = &test { (test_result(test)) }
            section.card {
                h2 { "Fed by" }
                @if links.is_empty() { p { "No identity provider feeds this site yet." } }
                ul { @for link in &links { li {
                    a href=(desk.page(format!("/links/{}", link.id))) { (names.get(&link.connection_id)) }
                    @if !link.enabled { " " (badge(Tone::Warn, "Off")) }
                } } }
                @if desk.may_edit() { a.button href=(desk.page(format!("/links/new?site={id}"))) { "Link an identity provider" } }
            }
            @if desk.may_edit() {
                section.card {
                    h2 { "Settings" }
                    form method="post" action=(own) {
                        @let fields = Fields::default().with("name", site.name.as_str()).with("base_url", site.base_url.as_str())
                            .with("certificate_authorities", site.certificate_authorities.as_deref().unwrap_or_default());
                        (Input { name: "name", label: "Name", required: true, ..Input::default() }.show(&fields))
                        (Input { name: "base_url", label: "Address", kind: Kind::Url, required: true,
                            hint: "An address on another host needs the credentials again: make a new site for it.", ..Input::default() }.show(&fields))
                        (Input { name: "certificate_authorities", label: "Certificate authorities", kind: Kind::Lines,
                            hint: "Only for a site behind a company's own: in PEM form, -----BEGIN CERTIFICATE----- and what follows. They alone are trusted there.", ..Input::default() }.show(&fields))
                        button type="submit" { "Save" }
                    }
                }
                section.card {
                    h2 { "Credentials" }
                    p.muted { "New ones are used from the next call on, and resume a site that refused the old ones." }
                    form method="post" action={(own) "/credentials"} autocomplete="off" {
                        (credentials(&Fields::default().with("type", if site.product == "crowd" { "basic" } else { "bearer" })))
                        button type="submit" { "Replace the credentials" }
                    }
                }
            }
        },
    ))
}

pub(crate) async fn show(desk: InTenant, Path(OfSite { site }): Path<OfSite>) -> Result<Markup, Failure> {
    page(&desk, site, false).await
}

pub(crate) async fn test(desk: InTenant, Path(OfSite { site }): Path<OfSite>) -> Result<Markup, Failure> {
    page(&desk, site, true).await
}

pub(crate) async fn edit(
    desk: InTenant,
    Path(OfSite { site }): Path<OfSite>,
    fields: Fields,
) -> Result<Redirect, Failure> {
    let (body, done) = match fields.get("status") {
        "" => (
            json!({
                "name": fields.get("name"), "base_url": fields.get("base_url"),
                "certificate_authorities": fields.get("certificate_authorities").trim(),
            }),
            "saved",
        ),
        status => (json!({ "status": status }), if status == "paused" { "paused" } else { "resumed" }),
    };
    desk.api.call(Method::PATCH, desk.of(format!("/sites/{site}"))).json(body).send::<Value>().await?;
    Ok(Redirect::to(&desk.page(format!("/sites/{site}?done={done}"))))
}

pub(crate) async fn replace_credentials(
    desk: InTenant,
    Path(OfSite { site }): Path<OfSite>,
    fields: Fields,
) -> Result<Redirect, Failure> {
    let body = Value::Object(Map::from_iter([("credentials".to_owned(), given(&fields))]));
    desk.api.call(Method::PATCH, desk.of(format!("/sites/{site}"))).json(body).send::<Value>().await?;
    Ok(Redirect::to(&desk.page(format!("/sites/{site}?done=credentials"))))
}
