//! What setting a provider up takes: values to copy, steps, and its requests as they come. On a connection's page, and
//! on a page of its own for whoever has a set-up link and nothing else.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use guard::Source;
use maud::{Markup, html};
use secrecy::SecretString;
use serde_json::json;

use crate::Console;
use crate::api::{Api, Page};
use crate::elements::{self, Input, Tone, badge, copyable, time};
use crate::failure::Failure;
use crate::forms::Fields;
use crate::guide::{BaseUrl, Guide, guide, words};
use crate::live::{Part, follow};
use crate::resources::{Connection, Created, ScimRequest};
use crate::session::{Cookies, Kind, Session, Who};
use crate::shell;

/// What the provider's form asks for, under its own names.
pub(super) fn values(connection: &Connection, guide: &Guide, token: Option<&str>) -> Markup {
    html! {
        @match guide.base {
            BaseUrl::Whole(label) => (copyable("base-url", label, &connection.scim.base_url)),
            BaseUrl::Split { host, path } => {
                (copyable("host-name", host, &connection.scim.host_name))
                (copyable("base-uri", path, &connection.scim.base_uri))
            }
        }
        @if let Some(token) = token {
            div.secret role="status" {
                (copyable("token", guide.token, token))
                p { "It is shown this once. Copy it into the provider's form now." }
            }
        } @else {
            p { strong { (guide.token) } ": a token is shown once, when it is made. "
                a href="#tokens" { "Make one below" } " if you have none at hand." }
        }
    }
}

/// What to do at the provider.
pub(super) fn instructions(guide: &Guide) -> Markup {
    html! {
        ol.steps {
            @for step in guide.before { li { p { (words(step)) } } }
            li { p { "Copy the values above into the form." } }
            li { p { (words(guide.test)) } }
            @for step in guide.after { li { p { (words(step)) } } }
        }
        @for note in guide.notes { p.hint { (words(note)) } }
    }
}

/// Whether the provider is connected, in one light, and its last requests.
pub(super) fn light(requests: &[ScimRequest]) -> Markup {
    let stranger = |request: &&ScimRequest| request.status == StatusCode::UNAUTHORIZED;
    let newest = requests.first();
    html! {
        @match newest {
            None => {
                p.light role="status" { "Waiting for the first request" }
                p.muted { "Nothing has reached this base URL yet. Copy the values, and press the provider's test." }
            }
            Some(request) if stranger(&request) => {
                p.light.off role="status" { "Something knocks, with a token that does not fit" }
                p { (request.problem.as_deref().unwrap_or_default()) }
            }
            Some(request) if request.status >= 500 => {
                p.light.off role="status" { "It came through, and we could not answer" }
                p { "The provider tries again by itself. If this stays, tell the operator." }
            }
            Some(request) => {
                p.light.on role="status" { "Connected" }
                @if request.status >= 400 {
                    p { "The last request was refused: " (request.problem.as_deref().unwrap_or("no reason is known")) }
                }
            }
        }
        @if !requests.is_empty() {
            (elements::table("Last requests", &["When", "Request", "Answer", "Took", "From"], &request_rows(requests)))
        }
    }
}

/// Requests as rows of a table.
pub(super) fn request_rows(requests: &[ScimRequest]) -> Markup {
    html! {
        @for request in requests {
            tr {
                td { (time(&request.at)) }
                td {
                    @if request.method.is_empty() { span.muted { "not let in" } }
                    @else { code { (request.method) " " (request.path) } }
                    @if let Some(problem) = &request.problem { p.problem { (problem) } }
                    @if let Some(sent) = &request.sent {
                        details id={"sent-" (request.id)} { summary { "What it sent" } pre { (indented(sent)) } }
                    }
                    @if let Some(id) = &request.request_id { p.hint { "Request " code { (id) } } }
                }
                td { (badge(if request.status < 400 { Tone::Good } else { Tone::Bad }, request.status)) }
                td.number { @if !request.method.is_empty() { (format!("{:.1} ms", request.duration_ms)) } }
                td { (request.user_agent.as_deref().unwrap_or_default()) }
            }
        }
    }
}

fn indented(json: &str) -> String {
    serde_json::from_str::<serde_json::Value>(json)
        .map_or_else(|_| json.to_owned(), |value| format!("{value:#}"))
}

pub(crate) async fn open(
    State(console): State<Console>,
    source: Option<Extension<Source>>,
    cookies: Cookies,
    Path(secret): Path<String>,
) -> Result<Response, Failure> {
    let secret = SecretString::from(secret);
    let api = Api::new(console.api, secret.clone()).coming_from(source.map(|Extension(source)| source));
    match api.get::<Who>("/me").await {
        // The address goes on without the secret, so that it stays in no history and is not handed on.
        Ok(who) if who.kind == Kind::SetupLink => {
            Ok((cookies.begin(&secret, who), Redirect::to("/setup")).into_response())
        }
        Ok(_) => Err(Failure::NotFound),
        Err(problem) if problem.status == StatusCode::UNAUTHORIZED => Ok(gone()),
        Err(problem) => Err(Failure::Api(problem)),
    }
}

fn gone() -> Response {
    let page = shell::plain(
        "Set-up link",
        &html! {
            h1 { "This link no longer works" }
            p { "Set-up links end after some days, and can be revoked. Ask whoever sent it to you for a new one." }
        },
    );
    (StatusCode::UNAUTHORIZED, page).into_response()
}

/// The session of a set-up link: the API, the path of its connection, and its tenant's name.
fn visited(session: &Session) -> Option<(String, &str)> {
    let (tenant, connection) = (session.who.tenant.as_ref()?, session.who.connection_id.as_ref()?);
    Some((format!("/tenants/{}/connections/{connection}", tenant.id), &tenant.name))
}

async fn page(session: &Session, token: Option<&str>) -> Result<Markup, Failure> {
    let (path, tenant) = visited(session).ok_or(Failure::NotFound)?;
    let connection: Connection = session.api.get(&path).await?;
    let requests: Page<ScimRequest> = session.api.get(format!("{path}/requests?limit=5")).await?;
    let guide = guide(&connection.provider);
    Ok(shell::plain(
        &format!("Set up {}", connection.name),
        &html! {
            h1 { "Set up " (connection.name) }
            p { (tenant) " keeps its Atlassian accounts in step with " strong { (guide.name) } ". This page has what its form asks for." }
            h2 { "Is it connected?" }
            div data-live="/setup/live" { (light(&requests.items)) }
            h2 #values { "What the provider asks for" }
            (values(&connection, guide, token))
            form #tokens method="post" action="/setup/tokens" {
                (Input { name: "name", label: "Name of a new token", required: true, hint: "Such as today's date.", ..Input::default() }
                    .show(&Fields::default()))
                button.first type="submit" { "Make a token" }
            }
            h2 { "Step by step" }
            (instructions(guide))
        },
    ))
}

/// A link that ended meanwhile is told so, and nobody is asked to sign in.
fn ended(failure: Failure) -> Response {
    match failure {
        Failure::SignIn(_) => gone(),
        other => other.into_response(),
    }
}

pub(crate) async fn show(session: Option<Session>) -> Response {
    let Some(session) = session else { return gone() };
    match page(&session, None).await {
        Ok(page) => page.into_response(),
        Err(failure) => ended(failure),
    }
}

pub(crate) async fn live(session: Option<Session>) -> Response {
    let Some(session) = session else { return gone() };
    follow(move || {
        let session = session.clone();
        async move {
            let (path, _) = visited(&session)?;
            let requests: Page<ScimRequest> =
                session.api.get(format!("{path}/requests?limit=5")).await.ok()?;
            Some(Part { html: light(&requests.items), ended: false })
        }
    })
}

pub(crate) async fn create_token(session: Option<Session>, fields: Fields) -> Response {
    let Some(session) = session else { return gone() };
    match make_token(&session, &fields).await {
        Ok(page) => page.into_response(),
        Err(failure) => ended(failure),
    }
}

async fn make_token(session: &Session, fields: &Fields) -> Result<Markup, Failure> {
    let (path, _) = visited(session).ok_or(Failure::NotFound)?;
    let call =
        session.api.call(Method::POST, format!("{path}/tokens")).json(json!({"name": fields.get("name")}));
    let made: Created = call.send().await?;
    page(session, made.token.as_deref()).await
}
