//! When the operator may see a tenant's people: the operator asks for it here, and everybody of the tenant sees it.

use axum::extract::{Path, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::Page;
use crate::elements::{self, Input, Tone, action, badge, nothing, refused, table, time};
use crate::failure::{BehindGlass, Failure};
use crate::forms::Fields;
use crate::resources::BreakGlass;
use crate::session::{InTenant, Kind, Role};
use crate::shell;

const PLACE: &str = "/break-glass";

async fn page(desk: &InTenant, fields: &Fields) -> Result<Markup, Failure> {
    let times: Page<BreakGlass> = desk.get(PLACE).await?;
    let is_operator = desk.session.who.kind == Kind::Operator;
    let rows = html! {
        @for broken in times.items.iter().rev() {
            tr {
                td { (broken.reason) }
                td { (time(&broken.opened_at)) }
                td { (time(broken.closed_at.as_deref().unwrap_or(&broken.expires_at))) }
                td {
                    @if !broken.open { (badge(Tone::Plain, "Over")) }
                    @else if desk.session.may(Role::Owner) {
                        (action(&desk.page(format!("{PLACE}/{}/close", broken.id)), "End it now", "danger",
                            "The operator sees nobody of this tenant from then on. End it?"))
                    } @else { (badge(Tone::Bad, "Open")) }
                }
            }
        }
    };
    Ok(shell::page(
        desk,
        PLACE,
        "Operator access",
        &html! {
            p.muted {
                "The operator of this installation sees how this tenant is set up and how it fares, and nobody's name. To see \
                 people, or to make keys, tokens, sites and links, a reason has to be given; it is shown here, and every look is in the audit log."
            }
            @if times.items.is_empty() { (nothing("The operator has never asked to see anybody here.", &html! {})) } @else {
                (table("When the operator could see people", &["Who and what for", "From", "Until", "Now"], &rows))
            }
            @if is_operator {
                section.card {
                    h2 { "Break the glass" }
                    (refused(fields))
                    form method="post" action=(desk.page(PLACE)) {
                        (elements::once())
                        (Input { name: "reason", label: "Who are you, and what for?", required: true, example: "A. Lovelace, ticket 4711",
                            hint: "The tenant reads this.", ..Input::default() }.show(fields))
                        (Input { name: "minutes", label: "Minutes", example: "60",
                            hint: "1 to 480; 60 when this is empty.", ..Input::default() }.show(fields))
                        button.danger type="submit" { "Break the glass" }
                    }
                }
            }
        },
    ))
}

pub(crate) async fn show(desk: InTenant) -> Result<Markup, Failure> {
    page(&desk, &Fields::default()).await
}

pub(crate) async fn create(desk: InTenant, fields: Fields) -> Result<Response, Failure> {
    // What is no number is refused by the API, in words.
    let minutes = match fields.get("minutes").trim() {
        "" => Value::Null,
        text => text.parse::<u32>().map_or_else(|_| json!(text), |minutes| json!(minutes)),
    };
    let body = json!({"reason": fields.get("reason"), "minutes": minutes});
    let call = desk.api.call(Method::POST, desk.of(PLACE)).json(body).once(fields.get("once"));
    match call.send::<Value>().await {
        Ok(_) => Ok(Redirect::to(&desk.page("?done=broken")).into_response()),
        Err(problem) if problem.status.is_client_error() => {
            let status = problem.status;
            Ok((status, page(&desk, &fields.refused(problem)).await?).into_response())
        }
        Err(problem) => Err(problem.into()),
    }
}

pub(crate) async fn close(desk: InTenant, Path((_, id)): Path<(String, Uuid)>) -> Result<Redirect, Failure> {
    desk.api.call(Method::DELETE, desk.of(format!("{PLACE}/{id}"))).send::<Value>().await?;
    Ok(Redirect::to(&desk.page(format!("{PLACE}?done=closed"))))
}

/// Leads the operator to where glass is broken, from whatever is behind it.
pub(crate) async fn lead_there(
    Path(of): Path<std::collections::HashMap<String, String>>,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    match (response.extensions().get::<BehindGlass>(), of.get("tenant")) {
        (Some(_), Some(tenant)) if crate::session::is_plain(tenant) => {
            Redirect::to(&format!("/console/t/{tenant}{PLACE}?done=behind-glass")).into_response()
        }
        _ => response,
    }
}
