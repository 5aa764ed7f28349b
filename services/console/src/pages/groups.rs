//! Groups of the directories: found by how they begin, what they become at each site, who is missing.

use axum::extract::{Path, Query};
use axum::http::Method;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::Cursor;
use super::links::Names;
use super::people::{Search, timeline};
use crate::api::Page;
use crate::elements::{Tone, badge, next, nothing, table, time};
use crate::failure::Failure;
use crate::resources::{Group, Link, PreviewedGroup, TimelineEntry};
use crate::session::InTenant;
use crate::shell;

const PLACE: &str = "/groups";

pub(crate) async fn list(desk: InTenant, Query(mut search): Query<Search>) -> Result<Markup, Failure> {
    let connections = search.connections(&desk).await?;
    if connections.is_empty() {
        return Ok(shell::page(
            &desk,
            PLACE,
            "Groups",
            &nothing("No identity provider is registered yet.", &html! {}),
        ));
    }
    let page: Page<Group> = desk.get(format!("/groups?{}", search.query())).await?;
    let rows = html! {
        @for group in &page.items {
            tr {
                td { a href=(desk.page(format!("/groups/{}", group.id))) { (group.display_name) } }
                td { code { (group.external_id.as_deref().unwrap_or("–")) } }
                td { (time(&group.last_modified_at)) }
            }
        }
    };
    let own = desk.page(PLACE);
    Ok(shell::page(
        &desk,
        PLACE,
        "Groups",
        &html! {
            (search.form(&own, "Name begins with", &connections))
            @if page.items.is_empty() {
                (nothing(if search.begins.is_empty() { "The provider has sent no group yet." } else { "No group begins like that." }, &html! {}))
            } @else {
                (table("Groups", &["Name", "Provider's id", "Changed"], &rows))
                (next(&format!("{own}?connection={}", search.connection), page.next_cursor.as_deref()))
            }
        },
    ))
}

#[derive(Deserialize)]
pub(crate) struct OfGroup {
    group: Uuid,
}

#[derive(Deserialize)]
struct Parked {
    value: String,
    since: String,
}

pub(crate) async fn show(
    desk: InTenant,
    Path(OfGroup { group: id }): Path<OfGroup>,
    Query(cursor): Query<Cursor>,
) -> Result<Markup, Failure> {
    let group: Group = desk.get(format!("/groups/{id}")).await?;
    let entries: Page<TimelineEntry> =
        desk.get(format!("/groups/{id}/timeline?limit=30{}", cursor.query())).await?;
    let names = Names::of(&desk).await?;
    let mut becomes = Vec::new();
    for link in desk.api.all::<Link>(desk.of("/links"), 1_000).await? {
        if link.connection_id == group.connection_id {
            // The API previews pages of groups in the order of their ids: the one before this one leads to it.
            let before = Uuid::from_u128(id.as_u128().saturating_sub(1));
            let path = desk.of(format!("/links/{}/preview/groups?limit=1&cursor={before}", link.id));
            let page: Page<PreviewedGroup> = desk.api.call(Method::POST, path).json(json!({})).send().await?;
            becomes.extend(page.items.into_iter().next().map(|seen| (link, seen)));
        }
    }
    let parked = if group.parked_members > 0 {
        desk.get::<Page<Parked>>(format!("/groups/{id}/parked-members?limit=100")).await?.items
    } else {
        Vec::new()
    };
    Ok(shell::page(
        &desk,
        PLACE,
        &group.display_name,
        &html! {
            dl.facts {
                dt { "Provider's id" } dd { code { (group.external_id.as_deref().unwrap_or("–")) } }
                dt { "SCIM id" } dd { code { (group.id) } }
                dt { "Changed" } dd { (time(&group.last_modified_at)) }
            }
            section.card {
                h2 { "What it becomes" }
                @if becomes.is_empty() { p { "Its identity provider is linked to no site." } }
                ul {
                    @for (link, seen) in &becomes {
                        li {
                            a href=(desk.page(format!("/links/{}", link.id))) { (names.get(&link.site_id)) } ": "
                            @if let Some(reason) = &seen.excluded { (badge(Tone::Plain, "does not reach it")) " " (reason) }
                            @else { strong { (seen.site_groups.join(", ")) } }
                        }
                    }
                }
            }
            @if group.parked_members > 0 {
                section.card {
                    h2 { "Members that are not there yet" }
                    p { "The provider named " (group.parked_members) " members before it sent them. Each joins as soon as it arrives." }
                    (table("Members that are not there yet", &["Named as", "Since"], &html! {
                        @for member in &parked { tr { td { code { (member.value) } } td { (time(&member.since)) } } }
                    }))
                }
            }
            section.card {
                h2 { "What happened" }
                @if entries.items.is_empty() { p.muted { "Nothing yet." } }
                (timeline(&entries.items, &names))
                (next(&desk.page(format!("/groups/{id}")), entries.next_cursor.as_deref()))
            }
        },
    ))
}
