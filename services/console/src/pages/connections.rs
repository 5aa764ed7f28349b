//! Identity providers: registering one, setting it up with its requests before one's eyes, tokens and set-up links.

use axum::extract::{Path, Query};
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Cursor;
use super::setup::{instructions, light, request_rows, values};
use crate::api::Page;
use crate::elements::{
    self, Input, Kind, Tone, action, badge, behind_glass, copyable, from, next, nothing, refused, status,
    table, time, time_or,
};
use crate::failure::Failure;
use crate::forms::Fields;
use crate::guide::{GUIDES, guide};
use crate::live::{Part, follow};
use crate::resources::{Connection, Created, Credential, ScimRequest};
use crate::session::InTenant;
use crate::shell;

const PLACE: &str = "/connections";

pub(crate) async fn list(desk: InTenant, Query(cursor): Query<Cursor>) -> Result<Markup, Failure> {
    let page: Page<Connection> = desk.get(format!("/connections?limit=50{}", cursor.query())).await?;
    let mut rows = Vec::new();
    for connection in &page.items {
        let last: Page<ScimRequest> =
            desk.glimpse(format!("/connections/{}/requests?limit=1", connection.id)).await?;
        rows.push((connection, last.hidden, last.items.into_iter().next()));
    }
    let shown = html! {
        @for (connection, hidden, last) in &rows {
            tr {
                td { a href=(desk.page(format!("/connections/{}", connection.id))) { (connection.name) } }
                td { (guide(&connection.provider).name) }
                td { (status(&connection.status)) }
                td {
                    @if let Some(last) = last {
                        (time(&last.at)) " " @if last.status >= 400 { (badge(Tone::Bad, "refused")) }
                    } @else if *hidden { (behind_glass()) } @else { span.muted { "not within a week" } }
                }
            }
        }
    };
    Ok(shell::page(
        &desk,
        PLACE,
        "Identity providers",
        &html! {
            @if desk.may_edit() {
                div.actions { a.button.first href=(desk.page("/connections/new")) { "Add an identity provider" } }
            }
            @if rows.is_empty() {
                (nothing("No identity provider is registered yet.", &html! {
                    p { "Add the one that your people are kept in. It gets a base URL and a token of its own." }
                }))
            } @else {
                (table("Identity providers", &["Name", "Provider", "Status", "Last heard"], &shown))
                (next(&desk.page(PLACE), page.next_cursor.as_deref()))
            }
        },
    ))
}

fn new_page(desk: &InTenant, fields: &Fields) -> Markup {
    let providers: Vec<(&str, &str)> = GUIDES.iter().map(|guide| (guide.id, guide.name)).collect();
    shell::page(
        desk,
        PLACE,
        "Add an identity provider",
        &html! {
            section.card {
                (refused(fields))
                form method="post" action=(desk.page("/connections")) {
                    (elements::once())
                    (elements::select(fields, "provider", "Provider", "Where your people are kept.", &providers))
                    (Input { name: "name", label: "Name", required: true, example: "Corporate directory",
                        hint: "What you and your colleagues call it.", ..Input::default() }.show(fields))
                    (elements::select(fields, "method", "Method", "How people get here.", &[
                        ("scim", "SCIM: the provider pushes every change, within seconds"),
                    ]))
                    (Input { name: "strict", label: "Refuse what strays from the standard", kind: Kind::Checkbox,
                        hint: "Leave this off: providers speak dialects, which are understood and noted. Switch it on to test a client of your own.",
                        ..Input::default() }.show(fields))
                    button.first type="submit" { "Add it" }
                }
            }
        },
    )
}

pub(crate) async fn new(desk: InTenant) -> Markup {
    new_page(&desk, &Fields::default().with("provider", "oracle"))
}

pub(crate) async fn create(desk: InTenant, fields: Fields) -> Result<Response, Failure> {
    let body = json!({
        "name": fields.get("name"), "provider": fields.get("provider"), "strict": fields.checked("strict"),
    });
    let call = desk.api.call(Method::POST, desk.of("/connections")).json(body).once(fields.get("once"));
    match call.send::<Created>().await {
        Ok(made) => {
            Ok(Redirect::to(&desk.page(format!("/connections/{}?done=created", made.id))).into_response())
        }
        Err(problem) if problem.status.is_client_error() => {
            Ok((problem.status, new_page(&desk, &fields.refused(problem))).into_response())
        }
        Err(problem) => Err(problem.into()),
    }
}

/// What was just made and is shown this once.
#[derive(Default)]
struct JustMade {
    token: Option<String>,
    setup_url: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct OfConnection {
    connection: Uuid,
}

#[derive(Deserialize)]
pub(crate) struct OfToken {
    connection: Uuid,
    token: Uuid,
}

#[derive(Deserialize)]
pub(crate) struct OfSetupLink {
    connection: Uuid,
    setup_link: Uuid,
}

fn tokens(desk: &InTenant, connection: &Connection, tokens: &[Credential]) -> Markup {
    let base = desk.page(format!("/connections/{}/tokens", connection.id));
    let rows = html! {
        @for token in tokens {
            tr {
                td { (token.name) }
                td { (time(&token.created_at)) }
                td { (time_or(token.last_used_at.as_deref(), "never")) (from(token.last_used_from.as_deref())) }
                td { (time_or(token.expires_at.as_deref(), "never")) @if token.ends_soon { " " (badge(Tone::Warn, "Soon")) } }
                td {
                    @if token.revoked_at.is_some() { (badge(Tone::Plain, "Revoked")) } @else if desk.may_edit() {
                        (action(&format!("{base}/{}/revoke", token.id), "Revoke", "danger",
                            "The provider is refused at once if it still uses this token. Revoke it?"))
                    } @else { (badge(Tone::Good, "In force")) }
                }
            }
        }
    };
    html! {
        section.card #tokens {
            h2 { "Tokens" }
            @if tokens.is_empty() {
                p { "There is no token yet: the provider cannot reach anything." }
            } @else {
                (table("Tokens", &["Name", "Made", "Last used", "Expires", "Action"], &rows))
            }
            @if desk.may_edit() {
                details {
                    summary { "Exchange the token without an outage" }
                    ol {
                        li { "Make a new token. The old one goes on working." }
                        li { "Put the new one into the provider's form and test it there." }
                        li { "See above that the new one is used and the old one no longer is; then revoke the old one." }
                    }
                }
                form.search method="post" action=(base) {
                    (elements::once())
                    (Input { name: "name", label: "Name of the new token", required: true, example: "2026-12",
                        ..Input::default() }.show(&Fields::default()))
                    (Input { name: "expires_at", label: "Expires (empty: never)", example: "2027-12-01T00:00:00Z", kind: Kind::Code,
                        ..Input::default() }.show(&Fields::default()))
                    button.first type="submit" { "Make a token" }
                }
            }
        }
    }
}

fn setup_links(desk: &InTenant, connection: &Connection, links: &[Credential], made: Option<&str>) -> Markup {
    let base = desk.page(format!("/connections/{}/setup-links", connection.id));
    let rows = html! {
        @for link in links {
            tr {
                td { (time(&link.created_at)) }
                td { (time_or(link.last_used_at.as_deref(), "not yet")) (from(link.last_used_from.as_deref())) }
                td { (time_or(link.expires_at.as_deref(), "never")) }
                td {
                    @if link.revoked_at.is_some() { (badge(Tone::Plain, "Revoked")) } @else {
                        (action(&format!("{base}/{}/revoke", link.id), "Revoke", "danger", ""))
                    }
                }
            }
        }
    };
    html! {
        section.card #setup-links {
            h2 { "Somebody else administers the provider?" }
            p { "Send them a link. Whoever opens it sees this set-up page, makes tokens for this provider, and nothing else." }
            @if let Some(url) = made {
                div.secret role="status" {
                    (copyable("setup-url", "Set-up link", url))
                    p { "It is shown this once. Send it in a way that only they can read." }
                }
            }
            @if !links.is_empty() { (table("Set-up links", &["Made", "Opened", "Ends", "Action"], &rows)) }
            form method="post" action=(base) {
                (elements::once())
                button type="submit" { "Make a link for 3 days" }
            }
        }
    }
}

async fn page(desk: &InTenant, id: Uuid, made: JustMade) -> Result<Markup, Failure> {
    let connection: Connection = desk.get(format!("/connections/{id}")).await?;
    let credentials: Page<Credential> = desk.get(format!("/connections/{id}/tokens")).await?;
    let links: Page<Credential> = desk.get(format!("/connections/{id}/setup-links")).await?;
    let recent = recent(desk, id).await?;
    let guide = guide(&connection.provider);
    let edit = desk.page(format!("/connections/{id}/edit"));
    let paused = connection.status == "paused";
    Ok(shell::page(
        desk,
        PLACE,
        &connection.name,
        &html! {
            p { (guide.name) " " (status(&connection.status)) }
            @if paused {
                p.warning { "Paused: the provider is told to come back later (503). Nothing it sends is lost, as it tries again." }
            }
            div.actions {
                a.button href=(desk.page(format!("/people?connection={id}"))) { "People" }
                a.button href=(desk.page(format!("/groups?connection={id}"))) { "Groups" }
                a.button href=(desk.page(format!("/connections/{id}/requests"))) { "All requests" }
                @if desk.may_edit() { a.button href=(desk.page(format!("/links/new?connection={id}"))) { "Link to a site" } }
            }
            section.card {
                h2 { "Is it connected?" }
                div data-live=(desk.page(format!("/connections/{id}/live"))) { (recent) }
            }
            section.card #values {
                h2 { "What the provider asks for" }
                (values(&connection, guide, made.token.as_deref()))
            }
            section.card {
                h2 { "Step by step" }
                (instructions(guide))
            }
            (tokens(desk, &connection, &credentials.items))
            @if desk.may_edit() {
                (setup_links(desk, &connection, &links.items, made.setup_url.as_deref()))
                section.card {
                    h2 { "Settings" }
                    form method="post" action=(edit) {
                        @let fields = Fields::default().with("name", connection.name.as_str()).with_checked("strict", connection.strict);
                        (Input { name: "name", label: "Name", required: true, ..Input::default() }.show(&fields))
                        (Input { name: "strict", label: "Refuse what strays from the standard", kind: Kind::Checkbox,
                            hint: "Dialects are then refused instead of being understood.", ..Input::default() }.show(&fields))
                        div.actions {
                            button.first type="submit" name="save" value="yes" { "Save" }
                            @if paused {
                                button type="submit" name="status" value="active" { "Resume" }
                            } @else {
                                button type="submit" name="status" value="paused"
                                    data-confirm="The provider's requests are put off until you resume. Pause it?" { "Pause" }
                            }
                        }
                    }
                }
            }
        },
    ))
}

async fn recent(desk: &InTenant, id: Uuid) -> Result<Markup, Failure> {
    let requests: Page<ScimRequest> = desk.glimpse(format!("/connections/{id}/requests?limit=5")).await?;
    if requests.hidden {
        return Ok(html! {
            p.note {
                "What the provider sends tells of people, so operators see it behind glass: "
                a href=(desk.page("/break-glass")) { "give a reason" } "."
            }
        });
    }
    Ok(light(&requests.items))
}

pub(crate) async fn show(desk: InTenant, Path(of): Path<OfConnection>) -> Result<Markup, Failure> {
    page(&desk, of.connection, JustMade::default()).await
}

pub(crate) async fn live(desk: InTenant, Path(of): Path<OfConnection>) -> Response {
    follow(move || {
        let desk = desk.clone();
        async move { Some(Part { html: recent(&desk, of.connection).await.ok()?, ended: false }) }
    })
}

pub(crate) async fn edit(
    desk: InTenant,
    Path(OfConnection { connection }): Path<OfConnection>,
    fields: Fields,
) -> Result<Redirect, Failure> {
    let (body, done) = match fields.get("status") {
        "" => (json!({"name": fields.get("name"), "strict": fields.checked("strict")}), "saved"),
        status => (json!({ "status": status }), if status == "paused" { "paused" } else { "resumed" }),
    };
    let call = desk.api.call(Method::PATCH, desk.of(format!("/connections/{connection}"))).json(body);
    call.send::<Value>().await?;
    Ok(Redirect::to(&desk.page(format!("/connections/{connection}?done={done}"))))
}

pub(crate) async fn create_token(
    desk: InTenant,
    Path(OfConnection { connection }): Path<OfConnection>,
    fields: Fields,
) -> Result<Markup, Failure> {
    let body = json!({"name": fields.get("name"), "expires_at": fields.text_or_null("expires_at")});
    let path = desk.of(format!("/connections/{connection}/tokens"));
    let made: Created = desk.api.call(Method::POST, path).json(body).once(fields.get("once")).send().await?;
    page(&desk, connection, JustMade { token: made.token, ..JustMade::default() }).await
}

pub(crate) async fn revoke_token(desk: InTenant, Path(of): Path<OfToken>) -> Result<Redirect, Failure> {
    let OfToken { connection, token } = of;
    let path = desk.of(format!("/connections/{connection}/tokens/{token}"));
    desk.api.call(Method::DELETE, path).send::<Value>().await?;
    Ok(Redirect::to(&desk.page(format!("/connections/{connection}?done=revoked#tokens"))))
}

pub(crate) async fn create_setup_link(
    desk: InTenant,
    Path(OfConnection { connection }): Path<OfConnection>,
    fields: Fields,
) -> Result<Markup, Failure> {
    let path = desk.of(format!("/connections/{connection}/setup-links"));
    let call = desk.api.call(Method::POST, path).json(json!({})).once(fields.get("once"));
    let made: Created = call.send().await?;
    page(&desk, connection, JustMade { setup_url: made.url, ..JustMade::default() }).await
}

pub(crate) async fn revoke_setup_link(
    desk: InTenant,
    Path(of): Path<OfSetupLink>,
) -> Result<Redirect, Failure> {
    let OfSetupLink { connection, setup_link } = of;
    let path = desk.of(format!("/connections/{connection}/setup-links/{setup_link}"));
    desk.api.call(Method::DELETE, path).send::<Value>().await?;
    Ok(Redirect::to(&desk.page(format!("/connections/{connection}?done=revoked#setup-links"))))
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    refused: bool,
    #[serde(flatten)]
    cursor: Cursor,
}

pub(crate) async fn requests(
    desk: InTenant,
    Path(OfConnection { connection: id }): Path<OfConnection>,
    Query(which): Query<Which>,
) -> Result<Markup, Failure> {
    let connection: Connection = desk.get(format!("/connections/{id}")).await?;
    let path =
        format!("/connections/{id}/requests?limit=50&refused={}{}", which.refused, which.cursor.query());
    let page: Page<ScimRequest> = desk.get(path).await?;
    let own = desk.page(format!("/connections/{id}/requests"));
    Ok(shell::page(
        &desk,
        PLACE,
        &format!("Requests of {}", connection.name),
        &html! {
            p.muted { "The last 1,000 within a week, a second after they were answered; of a flood, 25 good and 25 refused ones a second. \
                       Passwords are masked." }
            div.actions {
                a.button href=(desk.page(format!("/connections/{id}"))) { "Back to " (connection.name) }
                @if which.refused { a.button href=(own) { "Show all" } }
                @else { a.button href={(own) "?refused=true"} { "Only refused ones" } }
            }
            @if page.items.is_empty() {
                (nothing("No request came.", &html! {}))
            } @else {
                (table("Requests", &["When", "Request", "Answer", "Took", "From"], &request_rows(&page.items)))
                (next(&format!("{own}?refused={}", which.refused), page.next_cursor.as_deref()))
            }
        },
    ))
}
