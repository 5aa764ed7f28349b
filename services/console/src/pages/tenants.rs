//! The operator's page: all tenants.

use axum::extract::{Path, Query, RawQuery};
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Cursor;
use crate::api::Page;
use crate::elements::{self, Input, action, next, refused, status, table, time};
use crate::failure::Failure;
use crate::forms::Fields;
use crate::session::{Kind, Session, Tenant};
use crate::{shell, words};

fn operator(session: &Session) -> Result<(), Failure> {
    if session.who.kind == Kind::Operator { Ok(()) } else { Err(Failure::NotFound) }
}

async fn page(
    session: &Session,
    fields: &Fields,
    cursor: &Cursor,
    done: Option<&str>,
) -> Result<Markup, Failure> {
    let tenants: Page<Tenant> = session.api.get(format!("/tenants?limit=50{}", cursor.query())).await?;
    let rows = html! {
        @for tenant in &tenants.items {
            tr {
                td { a href={"/console/t/" (tenant.slug)} { (tenant.name) } }
                td { code { (tenant.slug) } }
                td { (status(&tenant.status)) }
                td { (time(&tenant.created_at)) }
                td {
                    @let to = format!("/console/tenants/{}/status", tenant.id);
                    @if tenant.status == "suspended" {
                        (action(&format!("{to}?to=active"), "Serve again", "quiet", ""))
                    } @else if tenant.status == "active" {
                        (action(&format!("{to}?to=suspended"), "Suspend", "danger",
                            "Its identity providers and keys are refused until you serve it again, and nothing is done at its sites. Suspend it?"))
                    }
                }
            }
        }
    };
    Ok(shell::operators_page(
        session,
        "Tenants",
        done,
        &html! {
            @if tenants.items.is_empty() {
                (elements::nothing("No organization is registered yet.", &html! { p { "Register the first one below." } }))
            } @else {
                (table("Tenants", &["Name", "Slug", "Status", "Registered", "Action"], &rows))
                (next("/console/tenants", tenants.next_cursor.as_deref()))
            }
            section.card {
                h2 { "Register a tenant" }
                (refused(fields))
                form method="post" action="/console/tenants" {
                    (elements::once())
                    (Input { name: "name", label: "Name", required: true, example: "Acme Inc.", ..Input::default() }.show(fields))
                    (Input { name: "slug", label: "Slug", required: true, example: "acme", kind: elements::Kind::Code,
                        hint: "Stands for the tenant in addresses: small letters, digits, hyphens. It stays.", ..Input::default() }.show(fields))
                    button.first type="submit" { "Register" }
                }
            }
        },
    ))
}

pub(crate) async fn list(
    session: Session,
    Query(cursor): Query<Cursor>,
    RawQuery(query): RawQuery,
) -> Result<Markup, Failure> {
    operator(&session)?;
    page(&session, &Fields::default(), &cursor, query.as_deref().and_then(words::done)).await
}

pub(crate) async fn create(session: Session, fields: Fields) -> Result<Response, Failure> {
    operator(&session)?;
    let body = json!({"name": fields.get("name"), "slug": fields.get("slug")});
    let call = session.api.call(Method::POST, "/tenants").json(body).once(fields.get("once"));
    match call.send::<Tenant>().await {
        Ok(tenant) => Ok(Redirect::to(&format!("/console/t/{}?done=created", tenant.slug)).into_response()),
        Err(problem) if problem.status.is_client_error() => {
            let code = problem.status;
            let page = page(&session, &fields.refused(problem), &Cursor::default(), None).await?;
            Ok((code, page).into_response())
        }
        Err(problem) => Err(problem.into()),
    }
}

#[derive(Debug, serde::Deserialize)]
pub(crate) struct To {
    to: String,
}

pub(crate) async fn set_status(
    session: Session,
    Path(tenant): Path<Uuid>,
    Query(To { to }): Query<To>,
) -> Result<Redirect, Failure> {
    operator(&session)?;
    let call = session.api.call(Method::PATCH, format!("/tenants/{tenant}")).json(json!({ "status": to }));
    call.send::<Value>().await?;
    let done = if to == "suspended" { "suspended" } else { "served" };
    Ok(Redirect::to(&format!("/console/tenants?done={done}")))
}
