//! How the organization's people sign in: its identity provider, and which groups may what.

use axum::extract::State;
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Console;
use crate::elements::{Input, Kind, action, copyable, refused};
use crate::failure::Failure;
use crate::forms::Fields;
use crate::session::InTenant;
use crate::shell;

#[derive(Debug, Deserialize)]
struct SignIn {
    issuer: String,
    token_issuer: Option<String>,
    client_id: String,
    has_client_secret: bool,
    audience: Option<String>,
    claim: String,
    roles: Vec<RoleRule>,
    #[serde(rename = "sign_in_url")]
    begin: String,
}

#[derive(Debug, Deserialize)]
struct RoleRule {
    value: String,
    role: String,
}

fn fields(known: Option<&SignIn>) -> Fields {
    let Some(known) = known else {
        return Fields::default().with("claim", "groups");
    };
    let roles: Vec<String> =
        known.roles.iter().map(|rule| format!("{}: {}", rule.role, rule.value)).collect();
    Fields::default()
        .with("issuer", known.issuer.as_str())
        .with("token_issuer", known.token_issuer.as_deref().unwrap_or_default())
        .with("client_id", known.client_id.as_str())
        .with("audience", known.audience.as_deref().unwrap_or_default())
        .with("claim", known.claim.as_str())
        .with("roles", roles.join("\n"))
}

/// Where the provider sends people back to: it must know before anything is saved here.
fn redirect_uri(console: &Console) -> String {
    format!("{}/console/sign-in/callback", console.public_url.as_str().trim_end_matches('/'))
}

fn page(console: &Console, desk: &InTenant, known: Option<&SignIn>, fields: &Fields) -> Markup {
    let secret_hint = match known {
        Some(known) if known.has_client_secret => "There is one, and it stays when this is left empty.",
        _ => "As the provider shows it, if it gave one.",
    };
    shell::page(
        desk,
        "/sign-in",
        "Sign-in",
        &html! {
            p { "Let your people sign in to this console as they do at work, by OpenID Connect: the provider says who they are, \
                 and its groups say what they may do. Keys work on as before." }
            section.card {
                h2 { "For the provider, and for your people" }
                (copyable("redirect-uri", "Redirect URI", &redirect_uri(console)))
                @match known {
                    Some(known) => {
                        (copyable("sign-in-url", "Where your people begin", &known.begin))
                        (action(&desk.page("/sign-in/remove"), "Remove", "danger",
                            "Everybody who signed in by the provider is signed out at once. Remove it?"))
                    }
                    None => {
                        p { "Register a confidential web application at the provider (authorization code), with this redirect URI, \
                             and let it send the groups with the ID token. Then fill in the form." }
                    }
                }
            }
            section.card {
                h2 { "The provider" }
                (refused(fields))
                form method="post" action=(desk.page("/sign-in")) {
                    (Input { name: "issuer", label: "Issuer", kind: Kind::Url, required: true,
                        example: "https://idcs-acme.identity.oraclecloud.com",
                        hint: "The address behind which /.well-known/openid-configuration is. It is asked before anything is saved.",
                        ..Input::default() }.show(fields))
                    (Input { name: "token_issuer", label: "Issuer in its tokens", kind: Kind::Code,
                        example: "https://identity.oraclecloud.com/",
                        hint: "Only where it calls itself something else, as Oracle does.", ..Input::default() }.show(fields))
                    (Input { name: "client_id", label: "Client id", kind: Kind::Code, required: true,
                        hint: "Of the application that you registered there for Rollcall.", ..Input::default() }.show(fields))
                    (Input { name: "client_secret", label: "Client secret", kind: Kind::Secret, hint: secret_hint,
                        ..Input::default() }.show(&Fields::default()))
                    (Input { name: "claim", label: "Claim", kind: Kind::Code, required: true,
                        hint: "What in the token says who may what: groups, roles, realm_access.roles, email.",
                        ..Input::default() }.show(fields))
                    (Input { name: "roles", label: "Roles", kind: Kind::Lines, required: true,
                        example: "admin: Rollcall Admins",
                        hint: "A line each: owner, admin or auditor, a colon, and the value of the claim that gives this role. \
                               Whoever has none is not let in.", ..Input::default() }.show(fields))
                    (Input { name: "audience", label: "Audience of access tokens", kind: Kind::Code,
                        hint: "For scripts that use the REST API with the provider's tokens; nothing, where that is the client id.",
                        ..Input::default() }.show(fields))
                    button.first type="submit" { "Save" }
                }
            }
        },
    )
}

pub(crate) async fn show(State(console): State<Console>, desk: InTenant) -> Result<Markup, Failure> {
    let known: Option<SignIn> = desk.api.find(desk.of("/sign-in")).await?;
    Ok(page(&console, &desk, known.as_ref(), &fields(known.as_ref())))
}

pub(crate) async fn save(
    State(console): State<Console>,
    desk: InTenant,
    sent: Fields,
) -> Result<Response, Failure> {
    let known: Option<SignIn> = desk.api.find(desk.of("/sign-in")).await?;
    let rules = sent.lines("roles").into_iter().map(|line| {
        // A line without a colon has no role that the API knows, and is refused by its name.
        let (role, value) = line.split_once(':').unwrap_or((line, ""));
        json!({"role": role.trim(), "value": value.trim()})
    });
    let mut body = json!({
        "issuer": sent.get("issuer"), "token_issuer": sent.text_or_null("token_issuer"),
        "client_id": sent.get("client_id"), "audience": sent.text_or_null("audience"),
        "claim": sent.get("claim"), "roles": rules.collect::<Vec<Value>>(),
    });
    if !sent.get("client_secret").is_empty() {
        body["client_secret"] = json!(sent.get("client_secret"));
    }
    match desk.api.call(Method::PUT, desk.of("/sign-in")).json(body).send::<Value>().await {
        Ok(_) => Ok(Redirect::to(&desk.page("/sign-in?done=saved")).into_response()),
        Err(problem) if problem.status.is_client_error() => {
            let status = problem.status;
            Ok((status, page(&console, &desk, known.as_ref(), &sent.refused(problem))).into_response())
        }
        Err(problem) => Err(problem.into()),
    }
}

pub(crate) async fn remove(desk: InTenant) -> Result<Redirect, Failure> {
    desk.api.call(Method::DELETE, desk.of("/sign-in")).send::<Value>().await?;
    Ok(Redirect::to(&desk.page("/sign-in?done=saved")))
}
