//! API keys: who may use the REST API and this console.

use axum::extract::Path;
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::Page;
use crate::elements::{
    self, Input, Tone, action, badge, copyable, from, refused, select, table, time, time_or,
};
use crate::failure::Failure;
use crate::forms::Fields;
use crate::resources::{Created, Credential};
use crate::session::InTenant;
use crate::{shell, words};

const ROLES: &[(&str, &str)] = &[
    ("admin", "Admin: changes everything but keys"),
    ("auditor", "Auditor: sees everything, changes nothing"),
    ("owner", "Owner: changes keys, too"),
];

async fn page(desk: &InTenant, fields: &Fields, made: Option<&str>) -> Result<Markup, Failure> {
    let keys: Page<Credential> = desk.get("/keys").await?;
    let rows = html! {
        @for key in &keys.items {
            tr {
                td { (key.name) }
                td { (words::sentence(key.role.as_deref().unwrap_or_default())) }
                td { (time(&key.created_at)) }
                td { (time_or(key.last_used_at.as_deref(), "never")) (from(key.last_used_from.as_deref())) }
                td { (time_or(key.expires_at.as_deref(), "never")) @if key.ends_soon { " " (badge(Tone::Warn, "Soon")) } }
                td {
                    @if key.revoked_at.is_some() { (badge(Tone::Plain, "Revoked")) } @else {
                        (action(&desk.page(format!("/keys/{}/revoke", key.id)), "Revoke", "danger",
                            "Whoever uses this key is refused at once. Revoke it?"))
                    }
                }
            }
        }
    };
    Ok(shell::page(
        desk,
        "/keys",
        "Keys",
        &html! {
            @if let Some(key) = made {
                div.secret role="status" {
                    h2 { "The new key" }
                    (copyable("new-key", "Key", key))
                    p { "It is shown this once. Keep it where secrets are kept." }
                }
            }
            (table("Keys", &["Name", "Role", "Made", "Last used", "Expires", "Action"], &rows))
            section.card {
                h2 { "Make a key" }
                p.muted { "To exchange a key: make a new one, put it to use, see above that the old one is no longer used, revoke that." }
                (refused(fields))
                form method="post" action=(desk.page("/keys")) {
                    (elements::once())
                    (Input { name: "name", label: "Name", hint: "Who or what uses it.", required: true, ..Input::default() }.show(fields))
                    (select(fields, "role", "Role", "", ROLES))
                    (Input { name: "expires_at", label: "Expires", example: "2027-01-31T00:00:00Z", kind: elements::Kind::Code,
                        hint: "A date and time, or nothing for a key that ends only when it is revoked.", ..Input::default() }.show(fields))
                    button.first type="submit" { "Make the key" }
                }
            }
        },
    ))
}

pub(crate) async fn list(desk: InTenant) -> Result<Markup, Failure> {
    page(&desk, &Fields::default(), None).await
}

pub(crate) async fn create(desk: InTenant, fields: Fields) -> Result<Response, Failure> {
    let body = json!({
        "name": fields.get("name"), "role": fields.get("role"), "expires_at": fields.text_or_null("expires_at"),
    });
    let call = desk.api.call(Method::POST, desk.of("/keys")).json(body).once(fields.get("once"));
    match call.send::<Created>().await {
        Ok(made) => Ok(page(&desk, &Fields::default(), made.key.as_deref()).await?.into_response()),
        Err(problem) if problem.status.is_client_error() => {
            let status = problem.status;
            Ok((status, page(&desk, &fields.refused(problem), None).await?).into_response())
        }
        Err(problem) => Err(problem.into()),
    }
}

pub(crate) async fn revoke(
    desk: InTenant,
    Path((_, key)): Path<(String, Uuid)>,
) -> Result<Redirect, Failure> {
    desk.api.call(Method::DELETE, desk.of(format!("/keys/{key}"))).send::<Value>().await?;
    Ok(Redirect::to(&desk.page("/keys?done=revoked")))
}
