//! The ledger: which account at which site belongs to whom, and putting that right.

use axum::extract::{Path, Query};
use axum::http::Method;
use axum::response::Redirect;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Cursor;
use super::links::Names;
use crate::api::{Page, query};
use crate::elements::{self, Input, Kind, Tone, badge, next, nothing, select, table, time_or};
use crate::failure::Failure;
use crate::forms::Fields;
use crate::resources::{LedgerAccount, Site};
use crate::session::InTenant;
use crate::shell;

const PLACE: &str = "/ledger";

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Search {
    #[serde(default)]
    site: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    claimed: String,
    #[serde(flatten)]
    cursor: Cursor,
}

const CLAIMED: &[(&str, &str)] =
    &[("", "All accounts"), ("true", "Claimed by somebody"), ("false", "Claimed by nobody")];

pub(crate) async fn list(desk: InTenant, Query(mut search): Query<Search>) -> Result<Markup, Failure> {
    let sites: Vec<Site> = desk.api.all(desk.of("/sites"), 1_000).await?;
    if !sites.iter().any(|site| site.id == search.site) {
        search.site = sites.first().map(|site| site.id.clone()).unwrap_or_default();
    }
    if sites.is_empty() {
        return Ok(shell::page(&desk, PLACE, "Ledger", &nothing("No site is registered yet.", &html! {})));
    }
    let mut wanted = String::new();
    if !search.username.trim().is_empty() {
        wanted.push_str("&username=");
        wanted.push_str(&query(search.username.trim()));
    }
    if matches!(search.claimed.as_str(), "true" | "false") {
        wanted.push_str("&claimed=");
        wanted.push_str(&search.claimed);
    }
    let path = format!("/sites/{}/accounts?limit=50{wanted}{}", search.site, search.cursor.query());
    let page: Page<LedgerAccount> = desk.get(path).await?;
    let names = Names::of(&desk).await?;
    let fields = Fields::default()
        .with("site", search.site.as_str())
        .with("username", search.username.as_str())
        .with("claimed", search.claimed.as_str());
    let choices: Vec<(&str, &str)> =
        sites.iter().map(|site| (site.id.as_str(), site.name.as_str())).collect();
    let rows = html! {
        @for account in &page.items {
            tr {
                td { a href=(desk.page(format!("/ledger/{}/{}", search.site, account.id))) { (account.username) } }
                td { (account.display_name.as_deref().unwrap_or_default()) }
                td { (state(account)) }
                td { @for claim in &account.claimed_by { a href=(desk.page(format!("/people/{}", claim.user_id))) { (names.get(&claim.connection_id)) } " " } }
            }
        }
    };
    let own = desk.page(PLACE);
    Ok(shell::page(
        &desk,
        PLACE,
        "Ledger",
        &html! {
            p.muted { "Which account at a site belongs to which person. The product's own key is the identity; names are only how it was found." }
            form.search method="get" action=(own) role="search" {
                (select(&fields, "site", "Site", "", &choices))
                (Input { name: "username", label: "User name begins with", ..Input::default() }.show(&fields))
                (select(&fields, "claimed", "Which", "", CLAIMED))
                button.first type="submit" { "Search" }
            }
            @if page.items.is_empty() { (nothing("No account of that kind is known.", &html! {})) } @else {
                (table("Accounts", &["User name", "Name", "State", "Claimed by people of"], &rows))
                (next(&format!("{own}?site={}{wanted}", search.site), page.next_cursor.as_deref()))
            }
        },
    ))
}

fn state(account: &LedgerAccount) -> Markup {
    html! {
        @match account.active {
            Some(true) => (badge(Tone::Good, "Active")),
            Some(false) => (badge(Tone::Plain, "Not active")),
            None => (badge(Tone::Plain, "Not seen yet")),
        }
        @if account.in_doubt { " " (badge(Tone::Warn, "Being looked up")) }
        @if account.claimed_by.iter().any(|claim| claim.doubt.is_some()) { " " (badge(Tone::Warn, "Not settled")) }
    }
}

#[derive(Deserialize)]
pub(crate) struct OfAccount {
    site: Uuid,
    account: Uuid,
}

pub(crate) async fn show(desk: InTenant, Path(of): Path<OfAccount>) -> Result<Markup, Failure> {
    let OfAccount { site, account: id } = of;
    let account: LedgerAccount = desk.get(format!("/sites/{site}/accounts/{id}")).await?;
    let names = Names::of(&desk).await?;
    let site_text = site.to_string();
    Ok(shell::page(
        &desk,
        PLACE,
        &account.username,
        &html! {
            dl.facts {
                dt { "Site" } dd { a href=(desk.page(format!("/sites/{site}"))) { (names.get(&site_text)) } }
                dt { "State" } dd { (state(&account)) }
                dt { "The site's own key" } dd { code { (account.key.as_deref().unwrap_or("not seen yet")) } }
                dt { "Display name" } dd { (account.display_name.as_deref().unwrap_or("–")) }
                dt { "E-mail address" } dd { (account.email.as_deref().unwrap_or("–")) }
                dt { "Where from" } dd { (if account.created_by_us { "made by us" } else { "was there, and taken over" }) }
                dt { "Last seen" } dd { (time_or(account.observed_at.as_deref(), "never")) }
                dt { "Groups by us" } dd { @if account.groups.is_empty() { "none" } @else { (account.groups.join(", ")) } }
            }
            section.card {
                h2 { "Claimed by" }
                @if account.claimed_by.is_empty() { p { "Nobody any more: nothing is done about it." } }
                ul {
                    @for claim in &account.claimed_by {
                        li {
                            a href=(desk.page(format!("/people/{}", claim.user_id))) { "A person of " (names.get(&claim.connection_id)) }
                            @if let Some(doubt) = &claim.doubt { " " (badge(Tone::Warn, "not settled")) " " (doubt) }
                        }
                    }
                }
            }
            @if desk.may_edit() {
                section.card {
                    h2 { "Two accounts of one person?" }
                    form.search method="post" action=(desk.page(format!("/ledger/{site}/{id}/merge")))
                        data-confirm="Whoever claims the other account claims this one from now on; the other is left as it is at the site. Join them?" {
                        (elements::once())
                        (Input { name: "from", label: "Join another account of the ledger into this one, by its id", kind: Kind::Code, required: true, ..Input::default() }.show(&Fields::default()))
                        button type="submit" { "Join" }
                    }
                    p.hint { "This one's id: " code { (account.id) } }
                }
            }
        },
    ))
}

pub(crate) async fn merge(
    desk: InTenant,
    Path(OfAccount { site, account }): Path<OfAccount>,
    fields: Fields,
) -> Result<Redirect, Failure> {
    let path = desk.of(format!("/sites/{site}/accounts/{account}/merge"));
    let call = desk.api.call(Method::POST, path).json(json!({"from": fields.get("from")}));
    call.once(fields.get("once")).send::<Value>().await?;
    Ok(Redirect::to(&desk.page(format!("/ledger/{site}/{account}?done=relinked"))))
}

#[derive(Deserialize)]
pub(crate) struct OfClaim {
    site: Uuid,
    user: Uuid,
}

pub(crate) async fn relink(
    desk: InTenant,
    Path(OfClaim { site, user }): Path<OfClaim>,
    fields: Fields,
) -> Result<Redirect, Failure> {
    let path = desk.of(format!("/sites/{site}/users/{user}/account"));
    let call = desk.api.call(Method::PUT, path).json(json!({"username": fields.get("username")}));
    call.send::<Value>().await?;
    Ok(Redirect::to(&desk.page(format!("/people/{user}?done=relinked"))))
}

pub(crate) async fn split(
    desk: InTenant,
    Path(OfClaim { site, user }): Path<OfClaim>,
    fields: Fields,
) -> Result<Redirect, Failure> {
    let path = desk.of(format!("/sites/{site}/users/{user}/split"));
    let call = desk.api.call(Method::POST, path).json(json!({"username": fields.text_or_null("username")}));
    call.send::<Value>().await?;
    Ok(Redirect::to(&desk.page(format!("/people/{user}?done=relinked"))))
}
