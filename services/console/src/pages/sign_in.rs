//! Signing in by a key, and signing out.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use secrecy::SecretString;
use serde::Deserialize;

use crate::Console;
use crate::api::{Api, Problem};
use crate::elements::{Input, Kind};
use crate::failure::Failure;
use crate::forms::Fields;
use crate::session::{self, Cookies, Session, Who};
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

pub(crate) async fn sign_in(
    State(console): State<Console>,
    cookies: Cookies,
    fields: Fields,
) -> Result<Response, Failure> {
    let key = SecretString::from(fields.get("key").to_owned());
    let api = Api::new(console.api, key.clone());
    match api.get::<Who>("/me").await {
        Ok(who) if who.kind != session::Kind::SetupLink => {
            let home = Session { api, who: who.clone() }.home();
            // Only an address of ours: a link must not lead whoever signs in elsewhere.
            let back = Some(fields.get("back")).filter(|back| back.starts_with("/console/"));
            Ok((cookies.begin(&key, who), Redirect::to(back.unwrap_or(&home))).into_response())
        }
        Ok(_) => Ok(refuse(fields)),
        Err(problem) if problem.status == StatusCode::UNAUTHORIZED => Ok(refuse(fields)),
        Err(problem) => Err(Failure::Api(problem)),
    }
}

fn refuse(fields: Fields) -> Response {
    let detail = "That key opens nothing here. It may be mistyped, revoked or expired.".to_owned();
    let fields = fields.refused(Problem { status: StatusCode::UNAUTHORIZED, detail, ..Problem::default() });
    (StatusCode::UNAUTHORIZED, page(&fields, false)).into_response()
}

pub(crate) async fn sign_out(cookies: Cookies) -> impl IntoResponse {
    (cookies.end(), Redirect::to("/console/sign-in"))
}
