//! The settings of a link, with what they would come to for real people and groups while one types.

use axum::extract::Path;
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde_json::{Value, json};

use super::links::{Names, OfLink, PLACE};
use crate::api::{Page, Problem};
use crate::elements::{Input, Kind, Tone, badge, refused, select, table};
use crate::failure::Failure;
use crate::forms::Fields;
use crate::resources::{Link, PreviewedGroup, PreviewedUser, User};
use crate::session::InTenant;
use crate::shell;

/// Groups and people that a preview shows.
const PREVIEWED: usize = 20;
/// Windows beside the link's own that the form has.
const MORE_WINDOWS: usize = 5;

const DEPROVISION: &[(&str, &str)] = &[
    ("deactivate", "Deactivate the account; it keeps its groups"),
    ("delete", "Delete the account"),
    ("strip_groups", "Leave it active, and take it out of the groups that links gave"),
    ("keep", "Leave it as it is"),
];
const MATCHES: &[(&str, &str)] = &[
    ("", "–"),
    ("id", "the product's own key"),
    ("username", "the user name"),
    ("email", "the e-mail address"),
];
const MODES: &[(&str, &str)] = &[
    ("on_the_fly", "On the fly: each group becomes the site group of its name"),
    ("manual", "By hand: as the mapping says"),
    ("off", "Not at all"),
];
const WINDOW: &[(&str, &str)] = &[
    ("hours", "Hours"),
    ("max_deactivations", "Deactivations"),
    ("max_deactivations_percent", "… and percent"),
    ("max_withdrawals", "Losing groups"),
    ("max_withdrawals_percent", "… and percent"),
];

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn lines(value: &Value) -> String {
    value.as_array().into_iter().flatten().map(text).collect::<Vec<_>>().join("\n")
}

/// Lines of the form `one → two`, where the second part may be several names.
fn arrow_lines(value: &Value, left: &str, right: &str) -> String {
    let line = |entry: &Value| {
        let names = match &entry[right] {
            Value::Array(names) => names.iter().map(text).collect::<Vec<_>>().join(", "),
            other => text(other).to_owned(),
        };
        format!("{} → {names}", text(&entry[left]))
    };
    value.as_array().into_iter().flatten().map(line).collect::<Vec<_>>().join("\n")
}

/// A line's two sides; a line without an arrow has an empty second one, which the API refuses by its place.
fn sides(line: &str) -> (&str, &str) {
    let split = line.split_once('→').or_else(|| line.split_once("=>"));
    split.map_or((line.trim(), ""), |(left, right)| (left.trim(), right.trim()))
}

/// The form as a link's settings fill it in.
fn filled(link: &Link) -> Fields {
    let (users, groups, safety) = (&link.user_sync, &link.group_sync, &link.safety);
    let on = |value: &Value| value.as_bool().unwrap_or_default();
    let mut fields = Fields::default()
        .with("precedence", link.precedence.to_string())
        .with_checked("create", on(&users["create"]))
        .with_checked("update", on(&users["update"]))
        .with_checked("reactivate", on(&users["reactivate"]))
        .with("on_deprovision", text(&users["on_deprovision"]))
        .with("scope", text(&users["scope"]))
        .with("username_if_taken", text(&users["username_if_taken"]))
        .with("default_project_lead", text(&users["default_project_lead"]))
        .with("default_component_lead", text(&users["default_component_lead"]))
        .with("mode", text(&groups["mode"]))
        .with("mappings", arrow_lines(&groups["mappings"], "idp_group", "site_groups"))
        .with("rename", arrow_lines(&groups["rename"], "pattern", "replace"))
        .with_checked("create_missing", on(&groups["create_missing"]))
        .with_checked("keep_existing", on(&groups["keep_existing"]))
        .with("cron", text(&link.schedule["cron"]))
        .with("timezone", text(&link.schedule["timezone"]));
    for name in ["username", "display_name", "email"] {
        fields = fields.with(&format!("attribute_{name}"), text(&users["attributes"][name]));
    }
    for (index, name) in ["match_1", "match_2", "match_3"].iter().enumerate() {
        fields = fields.with(name, text(&users["match"][index]));
    }
    for name in ["include", "exclude", "protected", "default_groups_new_users", "default_groups_all_users"] {
        fields = fields.with(name, lines(&groups[name]));
    }
    for (name, _) in WINDOW {
        let own = if *name == "hours" { &safety["window_hours"] } else { &safety[*name] };
        fields = fields.with(&format!("window_0_{name}"), own.to_string());
        for (index, window) in safety["more_windows"].as_array().into_iter().flatten().enumerate() {
            fields = fields.with(&format!("window_{}_{name}", index + 1), window[*name].to_string());
        }
    }
    fields
}

/// The settings that a form says, as the API takes them.
fn said(fields: &Fields) -> Value {
    let mut attributes = json!({});
    for name in ["username", "display_name", "email"] {
        // Null takes an expression away.
        attributes[name] = fields.text_or_null(&format!("attribute_{name}"));
    }
    let matches: Vec<&str> = ["match_1", "match_2", "match_3"]
        .iter()
        .map(|name| fields.get(name))
        .filter(|kind| !kind.is_empty())
        .collect();
    let mappings: Vec<Value> = fields
        .lines("mappings")
        .into_iter()
        .map(|line| {
            let (group, names) = sides(line);
            let names: Vec<&str> = names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
            json!({"idp_group": group, "site_groups": names})
        })
        .collect();
    let rename: Vec<Value> = fields
        .lines("rename")
        .into_iter()
        .map(|line| {
            let (pattern, replace) = sides(line);
            json!({"pattern": pattern, "replace": replace})
        })
        .collect();
    let window = |index: usize| {
        let mut window = json!({});
        for (name, _) in WINDOW {
            window[*name] = fields.number(&format!("window_{index}_{name}"));
        }
        window
    };
    let mut safety = window(0);
    safety["window_hours"] = safety["hours"].take();
    if let Some(safety) = safety.as_object_mut() {
        safety.shift_remove("hours");
    }
    let more = (1..=MORE_WINDOWS).filter(|index| !fields.get(&format!("window_{index}_hours")).is_empty());
    safety["more_windows"] = more.map(window).collect();
    json!({
        "user_sync": {
            "create": fields.checked("create"), "update": fields.checked("update"),
            "reactivate": fields.checked("reactivate"), "on_deprovision": fields.get("on_deprovision"),
            "scope": fields.get("scope"), "match": matches, "attributes": attributes,
            "username_if_taken": fields.get("username_if_taken"),
            "default_project_lead": fields.text_or_null("default_project_lead"),
            "default_component_lead": fields.text_or_null("default_component_lead"),
        },
        "group_sync": {
            "mode": fields.get("mode"), "mappings": mappings, "rename": rename,
            "include": fields.lines("include"), "exclude": fields.lines("exclude"),
            "protected": fields.lines("protected"),
            "default_groups_new_users": fields.lines("default_groups_new_users"),
            "default_groups_all_users": fields.lines("default_groups_all_users"),
            "create_missing": fields.checked("create_missing"), "keep_existing": fields.checked("keep_existing"),
        },
        "safety": safety,
    })
}

/// The settings of a form that a plan takes: those that are not saved are planned with.
pub(super) fn to_plan(fields: &Fields) -> Value {
    let mut body = said(fields);
    body["precedence"] = precedence(fields);
    body
}

fn precedence(fields: &Fields) -> Value {
    let text = fields.get("precedence");
    text.parse::<i32>().map_or_else(|_| Value::String(text.to_owned()), Value::from)
}

fn user_fields(fields: &Fields) -> Markup {
    let check = |name, label, hint| {
        Input { name, label, hint, kind: Kind::Checkbox, ..Input::default() }.show(fields)
    };
    let code = |name, path, label, hint, example| {
        Input { name, path, label, hint, example, kind: Kind::Code, ..Input::default() }.show(fields)
    };
    html! {
        section.card {
            h2 { "People" }
            fieldset {
                legend { "What is done to accounts" }
                (check("create", "Create accounts", "For people who have none there."))
                (check("update", "Update accounts", "User name, display name and e-mail address follow the directory."))
                (check("reactivate", "Activate again", "An account that is deactivated, when its person is active."))
                (select(fields, "on_deprovision", "When somebody leaves", "When no directory has them as an active person in scope any more.", DEPROVISION))
            }
            (code("scope", "user_sync.scope", "Only who matches", "A SCIM filter; empty for everybody. Groups may be asked for.", "groups.display eq \"atlassian-users\" and userType ne \"Contractor\""))
            fieldset {
                legend { "How an account that is there already is recognised" }
                p.hint { "In this order. After that the product's own key is the identity: a new name or address is a change of the same account." }
                div.beside {
                    (select(fields, "match_1", "First by", "", MATCHES))
                    (select(fields, "match_2", "then by", "", MATCHES))
                    (select(fields, "match_3", "then by", "", MATCHES))
                }
            }
            fieldset {
                legend { "What accounts are made of" }
                p.hint { "Jinja expressions over " code { "user" } ", the SCIM resource; empty for the usual." }
                (code("attribute_username", "user_sync.attributes.username", "User name", "", "user.userName | split('@') | first | lower"))
                (code("attribute_display_name", "user_sync.attributes.display_name", "Display name", "", "user.name.givenName ~ ' ' ~ user.name.familyName"))
                (code("attribute_email", "user_sync.attributes.email", "E-mail address", "", "(user.emails | selectattr('type', 'equalto', 'work') | first).value"))
                (code("username_if_taken", "user_sync.username_if_taken", "User name where that is taken", "Counts n from 2 until a name is free; empty to make no account then.", "username ~ n"))
            }
            fieldset {
                legend { "Who takes over what leaving people lead (Jira)" }
                p.hint { "Without them the deactivation of a lead is held until you say." }
                div.beside {
                    (code("default_project_lead", "user_sync.default_project_lead", "Projects go to", "", "pm-office"))
                    (code("default_component_lead", "user_sync.default_component_lead", "Components go to", "", "pm-office"))
                }
            }
        }
    }
}

fn group_fields(fields: &Fields) -> Markup {
    let check = |name, label, hint| {
        Input { name, label, hint, kind: Kind::Checkbox, ..Input::default() }.show(fields)
    };
    let area = |name, path, label, hint, example| {
        Input { name, path, label, hint, example, kind: Kind::Lines, ..Input::default() }.show(fields)
    };
    html! {
        section.card {
            h2 { "Groups" }
            (select(fields, "mode", "How groups of the directory become groups of the site", "", MODES))
            div data-when="mode=manual" {
                (area("mappings", "group_sync.mappings", "Mapping", "One line a group of the directory: its name (or id), an arrow, site groups with commas between. The preview has a button for each real group.", "All Staff → jira-software-users, confluence-users"))
            }
            div data-when="mode=on_the_fly" {
                (area("rename", "group_sync.rename", "Rename", "One line a rule: regular expression, arrow, replacement. $1 stands for what a bracket matched.", "^SG-(.+)$ → $1"))
            }
            div data-when="mode=on_the_fly,manual" {
                (area("include", "group_sync.include", "Only groups that match", "One regular expression a line, any of which will do; empty for all.", "^jira-"))
                (area("exclude", "group_sync.exclude", "But none that match", "One regular expression a line.", "-test$"))
                (check("create_missing", "Create groups that the site lacks", ""))
                (check("keep_existing", "Keep members whom no link put there", "Off: whoever was put into such a group by hand is taken out."))
            }
            (area("default_groups_all_users", "group_sync.default_groups_all_users", "Groups for everybody", "One site group a line.", "jira-software-users"))
            (area("default_groups_new_users", "group_sync.default_groups_new_users", "Groups for new accounts", "For accounts that we made.", "newcomers"))
            (area("protected", "group_sync.protected", "Groups that are never touched", "Besides the product's own admin groups.", "finance-leads"))
        }
    }
}

fn safety_fields(fields: &Fields) -> Markup {
    html! {
        section.card {
            h2 { "Safety" }
            p { "What takes access away waits for your answer when it passes both the number and the percentage of a window. "
                "Giving access never waits." }
            @if let Some(problem) = fields.problem_of("safety") { p.problem { (problem) } }
            (table("Windows", &WINDOW.iter().map(|(_, label)| *label).collect::<Vec<_>>(), &html! {
                @for index in 0..=MORE_WINDOWS {
                    tr { @for (name, label) in WINDOW {
                        @let field = format!("window_{index}_{name}");
                        td { input type="number" min="0" name=(field) value=(fields.get(&field)) aria-label={(label) ", window " (index + 1)}; }
                    } }
                }
            }))
        }
        section.card {
            h2 { "By itself" }
            div.beside {
                (Input { name: "cron", path: "schedule.cron", label: "Full synchronization at", kind: Kind::Code, example: "0 3 * * *",
                    hint: "Cron: minute, hour, day, month, weekday. Empty for none.", ..Input::default() }.show(fields))
                (Input { name: "timezone", path: "schedule.timezone", label: "Time zone", kind: Kind::Code, example: "Europe/Berlin", ..Input::default() }.show(fields))
            }
            (Input { name: "precedence", label: "Precedence", kind: Kind::Code, hint: "Where several links of one site disagree about a value, the larger wins.", ..Input::default() }.show(fields))
        }
    }
}

async fn page(desk: &InTenant, link: &Link, fields: &Fields, etag: &str) -> Result<Markup, Failure> {
    let names = Names::of(desk).await?;
    let own = desk.page(format!("/links/{}", link.id));
    Ok(shell::page(
        desk,
        PLACE,
        &format!("Settings: {}", names.link(link)),
        &html! {
            (refused(fields))
            div.with-preview {
                form #settings method="post" action={(own) "/settings"} {
                    input type="hidden" name="etag" value=(etag);
                    (user_fields(fields))
                    (group_fields(fields))
                    (safety_fields(fields))
                    @if desk.may_edit() {
                        div.actions {
                            button.first type="submit" { "Save" }
                            button type="submit" formaction={(own) "/plan"} { "Plan with these, without saving" }
                            a.button.quiet href=(own) { "Back" }
                        }
                        @if link.enabled { p.hint { "The link is on: saved settings take effect at once." } }
                    }
                }
                aside.card.preview aria-label="Preview" {
                    h2 { "What it comes to" }
                    div data-preview={(own) "/settings/preview"} data-form="settings" { p.muted { "Loading…" } }
                }
            }
        },
    ))
}

async fn tagged(desk: &InTenant, of: OfLink) -> Result<(Link, String), Problem> {
    desk.api.call(Method::GET, desk.of(format!("/links/{}", of.link))).send_tagged().await
}

pub(crate) async fn show(desk: InTenant, Path(of): Path<OfLink>) -> Result<Markup, Failure> {
    let (link, etag) = tagged(&desk, of).await?;
    page(&desk, &link, &filled(&link), &etag).await
}

pub(crate) async fn save(
    desk: InTenant,
    Path(of): Path<OfLink>,
    fields: Fields,
) -> Result<Response, Failure> {
    let mut body = said(&fields);
    body["precedence"] = precedence(&fields);
    body["schedule"] = json!({"cron": fields.get("cron"), "timezone": fields.get("timezone")});
    let path = desk.of(format!("/links/{}", of.link));
    let call = desk.api.call(Method::PATCH, path).json(body).if_match(fields.get("etag"));
    match call.send::<Value>().await {
        Ok(_) => Ok(Redirect::to(&desk.page(format!("/links/{}?done=saved", of.link))).into_response()),
        Err(problem) if problem.status.is_client_error() => {
            let (link, etag) = tagged(&desk, of).await?;
            let status = problem.status;
            Ok((status, page(&desk, &link, &fields.refused(problem), &etag).await?).into_response())
        }
        Err(problem) => Err(problem.into()),
    }
}

fn group_preview(groups: &[PreviewedGroup], more: bool, by_hand: bool) -> Markup {
    html! {
        h3 { "Groups" }
        @if groups.is_empty() { p.muted { "The directory has no groups yet." } } @else {
            ul {
                @for group in groups {
                    li {
                        (group.display_name) " → "
                        @if let Some(reason) = &group.excluded { span.muted { "not: " (reason) } }
                        @else { strong { (group.site_groups.join(", ")) } }
                        @if by_hand && group.excluded.is_some() {
                            " " button type="button" data-into="mappings"
                                data-insert={(group.display_name) " → " (group.display_name.to_lowercase().replace(' ', "-"))} { "Map it" }
                        }
                    }
                }
            }
            @if more { p.muted { "The first " (groups.len()) " are shown." } }
        }
    }
}

fn user_preview(users: &[(User, PreviewedUser)]) -> Markup {
    html! {
        h3 { "People" }
        @if users.is_empty() { p.muted { "The directory has nobody yet." } }
        @for (user, seen) in users {
            p {
                strong { (user.user_name) } " "
                @if !seen.in_scope { (badge(Tone::Warn, "not in scope")) }
                @else if !seen.active { (badge(Tone::Plain, "not active")) }
                @else {
                    "→ " code { (seen.username.as_deref().unwrap_or("no name")) } ", "
                    (seen.display_name.as_deref().unwrap_or("no display name")) ", "
                    (seen.email.as_deref().unwrap_or("no address"))
                }
                @for problem in &seen.problems { br; span.problem { (problem) } }
            }
        }
    }
}

async fn previewed(desk: &InTenant, of: OfLink, fields: &Fields) -> Result<Markup, Problem> {
    let settings = said(fields);
    let link: Link = desk.get(format!("/links/{}", of.link)).await?;
    let path = desk.of(format!("/links/{}/preview/groups?limit={PREVIEWED}", of.link));
    let body = json!({"group_sync": settings["group_sync"]});
    let groups: Page<PreviewedGroup> = desk.api.call(Method::POST, path).json(body).send().await?;
    let users: Page<User> = desk.get(format!("/users?connection_id={}&limit=5", link.connection_id)).await?;
    let mut seen = Vec::new();
    for user in users.items {
        let path = desk.of(format!("/links/{}/preview/users/{}", of.link, user.id));
        let body = json!({"user_sync": settings["user_sync"]});
        let preview = desk.api.call(Method::POST, path).json(body).send().await?;
        seen.push((user, preview));
    }
    Ok(html! {
        (group_preview(&groups.items, groups.next_cursor.is_some(), fields.get("mode") == "manual"))
        (user_preview(&seen))
    })
}

pub(crate) async fn preview(desk: InTenant, Path(of): Path<OfLink>, fields: Fields) -> Markup {
    match previewed(&desk, of, &fields).await {
        Ok(shown) => shown,
        Err(problem) => refused(&fields.refused(problem)),
    }
}

/// The whole form again, unseen: what was planned with unsaved settings can be saved from there.
pub(super) fn hidden(fields: &Fields) -> Markup {
    html! { @for (name, value) in fields.values() { input type="hidden" name=(name) value=(value); } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> Link {
        let users = json!({
            "create": true, "update": false, "reactivate": true, "on_deprovision": "keep", "scope": "active eq true",
            "match": ["id", "email"], "attributes": {"username": "user.userName"}, "username_if_taken": "username ~ n",
            "default_project_lead": "pm", "default_component_lead": null,
        });
        let groups = json!({
            "mode": "manual", "default_groups_new_users": ["new"], "default_groups_all_users": ["all", "users"],
            "mappings": [{"idp_group": "All Staff", "site_groups": ["a", "b"]}], "include": ["^x"], "exclude": [],
            "rename": [{"pattern": "^SG-(.+)$", "replace": "$1"}], "create_missing": false, "keep_existing": true,
            "protected": ["admins"],
        });
        let window = json!({"hours": 168, "max_deactivations": 30, "max_deactivations_percent": 25,
            "max_withdrawals": 300, "max_withdrawals_percent": 50});
        let safety = json!({"max_deactivations": 10, "max_deactivations_percent": 11, "max_withdrawals": 100,
            "max_withdrawals_percent": 20, "window_hours": 24, "more_windows": [window]});
        let link = json!({
            "id": "l", "connection_id": "c", "site_id": "s", "precedence": -3, "enabled": true, "user_sync": users,
            "group_sync": groups, "safety": safety, "schedule": {"cron": "", "timezone": "UTC"}, "next_run_at": null,
        });
        serde_json::from_value(link).unwrap()
    }

    #[test]
    fn a_form_says_what_it_was_filled_with() {
        let link = link();
        let said = to_plan(&filled(&link));
        let mut users = link.user_sync.clone();
        // What has no expression is told, since leaving it out would leave it as it is.
        users["attributes"]["display_name"] = Value::Null;
        users["attributes"]["email"] = Value::Null;
        assert_eq!(said["user_sync"], users);
        assert_eq!(said["group_sync"], link.group_sync);
        assert_eq!(said["safety"], link.safety);
        assert_eq!(said["precedence"], -3);
    }

    #[test]
    fn arrows_may_be_typed_in_ascii_and_what_is_no_number_reaches_the_api() {
        assert_eq!(sides("^SG-(.+)$ => $1"), ("^SG-(.+)$", "$1"));
        assert_eq!(sides("lonely"), ("lonely", ""));
        let fields = Fields::default().with("precedence", "high").with("window_0_hours", "a day");
        let said = to_plan(&fields);
        assert_eq!((&said["precedence"], &said["safety"]["window_hours"]), (&json!("high"), &json!("a day")));
    }
}
