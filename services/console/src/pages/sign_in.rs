//! Signing in by a key or by the organization's identity provider, and signing out.

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use guard::Source;
use maud::{Markup, html};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Console;
use crate::api::{Api, Problem};
use crate::elements::{Input, Kind};
use crate::failure::Failure;
use crate::forms::Fields;
use crate::session::{Begun, Cookies, Session, Who, is_plain};
use crate::shell;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Coming {
    #[serde(default)]
    back: String,
    ended: Option<String>,
}

fn page(fields: &Fields, ended: bool) -> Markup {
    shell::plain(
        "Sign in",
        &html! {
            h1 { "Sign in" }
            @if ended { p.note role="status" { "Your session has ended, or your key was revoked. Sign in again to go on." } }
            @if let Some(problem) = fields.problem() {
                p.warning role="alert" { (problem.detail) }
            }
            form method="post" action="/console/sign-in" {
                input type="hidden" name="back" value=(fields.get("back"));
                (Input {
                    name: "key", label: "Key", kind: Kind::Secret, required: true,
                    hint: "An API key of your organization (rollcall_key_…), which its owner or the operator makes; or the \
                           operator's key.",
                    ..Input::default()
                }.show(&Fields::default()))
                button.first type="submit" { "Sign in" }
            }
            section.card {
                h2 { "Sign in as you do at work" }
                form method="get" action="/console/sign-in/organization" {
                    (Input {
                        name: "tenant", label: "Organization", kind: Kind::Code, required: true, example: "acme",
                        hint: "Its short name, as in this console's addresses. An owner sets this sign-in up.",
                        ..Input::default()
                    }.show(fields))
                    button type="submit" { "Go on" }
                }
            }
            p.hint { "You stay signed in for 12 hours at the most, and for one hour without doing anything." }
        },
    )
}

pub(crate) async fn show(Query(coming): Query<Coming>, session: Option<Session>) -> Response {
    match session {
        Some(session) if coming.ended.is_none() => Redirect::to(&session.home()).into_response(),
        _ => page(&Fields::default().with("back", coming.back), coming.ended.is_some()).into_response(),
    }
}

/// Who a session is of.
async fn who(console: &Console, session: &SecretString) -> Result<(Api, Who), Problem> {
    let api = Api::new(console.api.clone(), session.clone());
    let who = api.get::<Who>("/me").await?;
    Ok((api, who))
}

pub(crate) async fn sign_in(
    State(console): State<Console>,
    source: Option<Extension<Source>>,
    cookies: Cookies,
    fields: Fields,
) -> Result<Response, Failure> {
    let key = SecretString::from(fields.get("key").to_owned());
    let api = Api::new(console.api.clone(), key).coming_from(source.map(|Extension(source)| source));
    let begun = api.call(Method::POST, "/sessions").send::<Begun>().await;
    match begun {
        Ok(begun) => {
            let (api, who) = who(&console, &begun.session).await?;
            let home = Session { api, who: who.clone() }.home();
            // Only an address of ours: a link must not lead whoever signs in elsewhere.
            let back = Some(fields.get("back")).filter(|back| back.starts_with("/console/"));
            Ok((cookies.begin(&begun.session, who), Redirect::to(back.unwrap_or(&home))).into_response())
        }
        Err(problem) if problem.status == StatusCode::UNAUTHORIZED => Ok(refuse(fields)),
        Err(problem) if problem.status == StatusCode::TOO_MANY_REQUESTS => Ok(not_signed_in(&problem)),
        Err(problem) => Err(Failure::Api(problem)),
    }
}

fn refuse(fields: Fields) -> Response {
    let detail = "That key opens nothing here. It may be mistyped, revoked or expired.".to_owned();
    let fields = fields.refused(Problem { status: StatusCode::UNAUTHORIZED, detail, ..Problem::default() });
    (StatusCode::UNAUTHORIZED, page(&fields, false)).into_response()
}

pub(crate) async fn sign_out(State(console): State<Console>, cookies: Cookies) -> impl IntoResponse {
    if let Some(api) = cookies.api(&console) {
        // What has ended already cannot be ended; the cookie goes either way.
        let _ = api.call(Method::DELETE, "/sessions/current").send::<Value>().await;
    }
    (cookies.end(), Redirect::to("/console/sign-in"))
}

#[derive(Debug, Deserialize)]
pub(crate) struct Organization {
    tenant: String,
}

/// An address for each organization, which it can keep among its own links.
pub(crate) async fn find_organization(Query(named): Query<Organization>) -> Response {
    let slug = named.tenant.trim().to_lowercase();
    if is_plain(&slug) {
        return Redirect::to(&format!("/console/sign-in/at/{slug}")).into_response();
    }
    let detail = "Short names have small letters, digits and hyphens.".to_owned();
    let fields = Fields::default().with("tenant", named.tenant);
    let fields = fields.refused(Problem { status: StatusCode::NOT_FOUND, detail, ..Problem::default() });
    (StatusCode::NOT_FOUND, page(&fields, false)).into_response()
}

/// Browsers let no form lead to another host here; a link may.
pub(crate) async fn show_organization(Path(slug): Path<String>) -> Result<Markup, Failure> {
    if !is_plain(&slug) {
        return Err(Failure::NotFound);
    }
    Ok(shell::plain(
        "Sign in",
        &html! {
            h1 { "Sign in to " (slug) }
            p { "Your organization's identity provider says who you are, and its groups what you may do here." }
            p { a.button.first #go href={ "/console/sign-in/at/" (slug) "/go" } { "Go to the identity provider" } }
            p { a href="/console/sign-in" { "Sign in with a key instead" } }
        },
    ))
}

#[derive(Debug, Deserialize)]
struct Started {
    authorization_url: String,
    pending: String,
}

pub(crate) async fn go(
    State(console): State<Console>,
    cookies: Cookies,
    Path(slug): Path<String>,
) -> Result<Response, Failure> {
    let nobody = Api::new(console.api, SecretString::default());
    let call = nobody.call(Method::POST, "/sign-in/start").json(json!({ "tenant": slug }));
    match call.send::<Started>().await {
        Ok(started) => {
            let there = Redirect::to(&started.authorization_url);
            Ok((cookies.keep_pending(started.pending), there).into_response())
        }
        Err(problem) => Ok(not_signed_in(&problem)),
    }
}

/// What the provider sends back (RFC 6749 §4.1.2).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Back {
    code: String,
    state: String,
    error: String,
    error_description: String,
}

pub(crate) async fn come_back(
    State(console): State<Console>,
    source: Option<Extension<Source>>,
    mut cookies: Cookies,
    Query(back): Query<Back>,
) -> Result<Response, Failure> {
    let pending = cookies.take_pending();
    let refused = |detail: String| {
        let problem = Problem { status: StatusCode::FORBIDDEN, detail, ..Problem::default() };
        not_signed_in(&problem)
    };
    if !back.error.is_empty() {
        let said = format!("The identity provider said: {} {}", back.error, back.error_description);
        return Ok((cookies.as_they_are(), refused(said)).into_response());
    }
    let Some(pending) = pending else {
        return Ok(refused("This sign-in was begun too long ago, or in another browser.".to_owned()));
    };
    let nobody = Api::new(console.api.clone(), SecretString::default());
    let nobody = nobody.coming_from(source.map(|Extension(source)| source));
    let body = json!({"pending": pending, "state": back.state, "code": back.code});
    match nobody.call(Method::POST, "/sign-in/finish").json(body).send::<Begun>().await {
        Ok(begun) => {
            let (api, who) = who(&console, &begun.session).await?;
            let home = Session { api, who: who.clone() }.home();
            Ok((cookies.begin(&begun.session, who), Redirect::to(&home)).into_response())
        }
        Err(problem) => Ok((cookies.as_they_are(), not_signed_in(&problem)).into_response()),
    }
}

fn not_signed_in(problem: &Problem) -> Response {
    let page = shell::plain(
        "You are not signed in",
        &html! {
            h1 { "You are not signed in" }
            p role="alert" { (problem.detail) }
            p { a.button href="/console/sign-in" { "Begin again" } }
        },
    );
    (problem.status, page).into_response()
}
