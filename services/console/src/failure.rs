//! What is shown instead of a page that cannot be shown.

use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;

use crate::api::{Problem, query};
use crate::shell;

/// Marks a page that is not shown to the operator before glass is broken.
#[derive(Clone, Copy, Debug)]
pub struct BehindGlass;

/// Why there is no page.
#[derive(Debug)]
pub enum Failure {
    /// Nobody is signed in, or no longer: they are asked to, and come back to the address.
    SignIn(String),
    /// There is nothing at that address.
    NotFound,
    /// The API refused or failed.
    Api(Problem),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        match problem.status {
            StatusCode::UNAUTHORIZED => Self::SignIn(String::new()),
            StatusCode::NOT_FOUND => Self::NotFound,
            _ => Self::Api(problem),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::SignIn(back) if back.is_empty() => Redirect::to("/console/sign-in?ended").into_response(),
            Self::SignIn(back) => {
                Redirect::to(&format!("/console/sign-in?back={}", query(&back))).into_response()
            }
            Self::NotFound => not_found(),
            Self::Api(problem) => {
                let title = match problem.status {
                    StatusCode::FORBIDDEN => "You may not do this",
                    StatusCode::CONFLICT => "That is not possible now",
                    StatusCode::PRECONDITION_FAILED => "Somebody else was faster",
                    StatusCode::BAD_GATEWAY => "The site did not answer",
                    StatusCode::SERVICE_UNAVAILABLE => "Not available for a moment",
                    status if status.is_server_error() => "Something went wrong on our side",
                    _ => "That did not work",
                };
                let page = shell::plain(
                    title,
                    &html! {
                        h1 { (title) }
                        p { (problem.detail) }
                        @if !problem.errors.is_empty() {
                            ul { @for error in &problem.errors { li { code { (error.field) } ": " (error.problem) } } }
                        }
                        @if let Some(id) = &problem.request_id {
                            p.muted { "An operator finds this request in the logs by its id: " code { (id) } }
                        }
                        p { a.button href="/console" { "Back to the console" } }
                    },
                );
                let mut response = (problem.status, page).into_response();
                if problem.is_behind_glass() {
                    response.extensions_mut().insert(BehindGlass);
                }
                response
            }
        }
    }
}

pub(crate) fn not_found() -> Response {
    let page = shell::plain(
        "Not found",
        &html! {
            h1 { "There is nothing here" }
            p { "What this address stands for is not there, or is not yours to see." }
            p { a.button href="/console" { "Back to the console" } }
        },
    );
    (StatusCode::NOT_FOUND, page).into_response()
}

pub(crate) async fn no_page(_: Uri) -> Response {
    not_found()
}

pub(crate) fn cross_site() -> Response {
    let page = shell::plain(
        "Refused",
        &html! {
            h1 { "That came from another site" }
            p { "A form of another site tried to do this in your name, so it was refused. Open the console and do it there." }
            p { a.button href="/console" { "Open the console" } }
        },
    );
    (StatusCode::FORBIDDEN, page).into_response()
}
