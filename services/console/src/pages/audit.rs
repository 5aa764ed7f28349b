//! Who changed what.

use axum::extract::Query;
use maud::{Markup, html};

use super::Cursor;
use crate::api::Page;
use crate::elements::{next, nothing, table, time};
use crate::failure::Failure;
use crate::resources::AuditEntry;
use crate::session::InTenant;
use crate::shell;

pub(crate) async fn list(desk: InTenant, Query(cursor): Query<Cursor>) -> Result<Markup, Failure> {
    let page: Page<AuditEntry> = desk.get(format!("/audit?limit=50{}", cursor.query())).await?;
    let rows = html! {
        @for entry in &page.items {
            tr {
                td { (time(&entry.at)) }
                td { code { (entry.actor) } }
                td { code { (entry.action) } }
                td {
                    code.muted { (entry.object_id) }
                    @if let Some(detail) = &entry.detail {
                        details { summary { "What was said" } pre { (format!("{detail:#}")) } }
                    }
                }
            }
        }
    };
    Ok(shell::page(
        &desk,
        "/audit",
        "Audit log",
        &html! {
            p.muted { "Every change of the configuration, the newest first. What happened to people is on their timelines." }
            @if page.items.is_empty() { (nothing("Nothing was changed yet.", &html! {})) } @else {
                (table("Changes", &["When", "Who", "What", "Of what"], &rows))
                (next(&desk.page("/audit"), page.next_cursor.as_deref()))
            }
        },
    ))
}
