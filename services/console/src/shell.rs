//! What stands around every page: head, navigation, who is signed in, what was just done.

use maud::{DOCTYPE, Markup, html};

use crate::assets::address;
use crate::session::{InTenant, Kind, Role, Session};

/// The pages of a tenant: address, name, and who sees it in the navigation.
const NAVIGATION: &[(&str, &str, Role)] = &[
    ("", "Overview", Role::Auditor),
    ("/connections", "Identity providers", Role::Auditor),
    ("/sites", "Sites", Role::Auditor),
    ("/links", "Links", Role::Auditor),
    ("/people", "People", Role::Auditor),
    ("/groups", "Groups", Role::Auditor),
    ("/review", "To review", Role::Auditor),
    ("/ledger", "Ledger", Role::Auditor),
    ("/audit", "Audit log", Role::Auditor),
    ("/break-glass", "Operator access", Role::Auditor),
    ("/keys", "Keys", Role::Owner),
    ("/sign-in", "Sign-in", Role::Owner),
];

fn document(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Rollcall" }
                link rel="icon" type="image/svg+xml" href=(address("icon.svg"));
                link rel="stylesheet" href=(address("console.css"));
                script src=(address("console.js")) type="module" {}
            }
            (body)
        }
    }
}

fn brand(href: &str) -> Markup {
    html! {
        a.brand href=(href) {
            img src=(address("icon.svg")) alt="" width="24" height="24";
            "Rollcall"
        }
    }
}

/// A page without navigation: for whoever is not signed in.
pub fn plain(title: &str, content: &Markup) -> Markup {
    document(
        title,
        &html! {
            body.plain {
                header.top { (brand("/console")) }
                main #main { (content) }
            }
        },
    )
}

fn with_navigation(session: &Session, title: &str, navigation: &Markup, content: &Markup) -> Markup {
    let who = match session.who.kind {
        Kind::Operator => "operator",
        Kind::SetupLink => "set-up link",
        Kind::Key | Kind::Person => match session.who.role {
            Some(Role::Owner) => "owner",
            Some(Role::Admin) => "admin",
            _ => "auditor",
        },
    };
    document(
        title,
        &html! {
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    (brand(&session.home()))
                    div.who {
                        span.muted { "Signed in as " (who) }
                        form method="post" action="/console/sign-out" {
                            button.quiet type="submit" { "Sign out" }
                        }
                    }
                }
                div.columns {
                    (navigation)
                    main #main tabindex="-1" { (content) }
                }
            }
        },
    )
}

/// A page of a tenant; `current` is its place in the navigation.
pub fn page(desk: &InTenant, current: &str, title: &str, content: &Markup) -> Markup {
    let navigation = html! {
        nav aria-label="Pages" {
            @if desk.session.who.kind == Kind::Operator {
                a.up href="/console/tenants" { "All tenants" }
            }
            p.tenant { (desk.tenant.name) }
            details.menu open {
                summary { "Menu" }
                ul {
                    @for (place, name, role) in NAVIGATION {
                        @if desk.session.may(*role) {
                            li {
                                a href=(desk.page(place)) aria-current=[(*place == current).then_some("page")] {
                                    (name)
                                }
                            }
                        }
                    }
                    li { a href="/v1/docs" { "REST API" } }
                }
            }
        }
    };
    with_navigation(
        &desk.session,
        title,
        &navigation,
        &html! {
            @if let Some(done) = desk.done { p.done role="status" { (done) } }
            @if desk.tenant.status == "suspended" {
                p.warning { "This tenant is suspended: its providers and keys are refused, and nothing is done at its sites." }
            }
            h1 { (title) }
            (content)
        },
    )
}

/// A page of the operator's.
pub fn operators_page(session: &Session, title: &str, done: Option<&str>, content: &Markup) -> Markup {
    let navigation = html! {
        nav aria-label="Pages" {
            ul {
                li { a href="/console/tenants" aria-current="page" { "Tenants" } }
                li { a href="/v1/docs" { "REST API" } }
            }
        }
    };
    with_navigation(
        session,
        title,
        &navigation,
        &html! {
            @if let Some(done) = done { p.done role="status" { (done) } }
            h1 { (title) }
            (content)
        },
    )
}
