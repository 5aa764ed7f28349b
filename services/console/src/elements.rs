//! What pages are made of.

use maud::{Markup, Render, html};
use uuid::Uuid;

use crate::forms::Fields;

/// A field of a form, with its label, its hint, and what is wrong with it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Input<'a> {
    /// Its name in the form.
    pub name: &'a str,
    /// Its name in the API, where problems are told.
    pub path: &'a str,
    /// What it is.
    pub label: &'a str,
    /// How to fill it in.
    pub hint: &'a str,
    /// An example of what to write.
    pub example: &'a str,
    /// What browsers make of it.
    pub kind: Kind,
    /// Whether it must be filled in.
    pub required: bool,
    /// The id of a list of suggestions.
    pub list: &'a str,
}

/// Kinds of fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// A line of text.
    #[default]
    Text,
    /// A line of code: an expression, a filter, a name.
    Code,
    /// A secret; never shown again.
    Secret,
    /// An address.
    Url,
    /// Several lines of code.
    Lines,
    /// Yes or no.
    Checkbox,
}

impl Input<'_> {
    /// The field with what `fields` has for it.
    pub fn show(&self, fields: &Fields) -> Markup {
        let problem = fields.problem_of(if self.path.is_empty() { self.name } else { self.path });
        let (hint_id, problem_id) = (format!("{}-hint", self.name), format!("{}-problem", self.name));
        let described = [
            (!self.hint.is_empty()).then_some(hint_id.as_str()),
            problem.is_some().then_some(problem_id.as_str()),
        ];
        let described: Vec<&str> = described.into_iter().flatten().collect();
        let described = (!described.is_empty()).then(|| described.join(" "));
        let invalid = problem.is_some().then_some("true");
        let example = (!self.example.is_empty()).then_some(self.example);
        let list = (!self.list.is_empty()).then_some(self.list);
        let value = fields.get(self.name);
        let label = html! { label for=(self.name) { (self.label) @if self.required { " " span.required { "required" } } } };
        let hint = html! { @if !self.hint.is_empty() { p.hint id=(hint_id) { (self.hint) } } };
        html! {
            div.field.check[self.kind == Kind::Checkbox] {
                @match self.kind {
                    Kind::Checkbox => {
                        input type="checkbox" id=(self.name) name=(self.name) checked[fields.checked(self.name)]
                            aria-describedby=[described];
                        div { (label) (hint) }
                    }
                    Kind::Lines => {
                        (label) (hint)
                        textarea.code id=(self.name) name=(self.name) rows="4" placeholder=[example] spellcheck="false"
                            aria-describedby=[described] aria-invalid=[invalid] { (value) }
                    }
                    kind => {
                        (label) (hint)
                        input.code[kind == Kind::Code] id=(self.name) name=(self.name) placeholder=[example]
                            type=(match kind {
                                Kind::Secret => "password", Kind::Url => "url", _ => "text",
                            })
                            value=(if kind == Kind::Secret { "" } else { value }) list=[list] required[self.required]
                            autocomplete=(if kind == Kind::Secret { "new-password" } else { "off" })
                            spellcheck="false" aria-describedby=[described] aria-invalid=[invalid];
                    }
                }
                @if let Some(problem) = problem { p.problem id=(problem_id) { (problem) } }
            }
        }
    }
}

/// A choice among few.
pub fn select(fields: &Fields, name: &str, label: &str, hint: &str, choices: &[(&str, &str)]) -> Markup {
    let chosen = fields.get(name);
    let (hint_id, problem_id) = (format!("{name}-hint"), format!("{name}-problem"));
    let problem = fields.problem_of(name);
    html! {
        div.field {
            label for=(name) { (label) }
            @if !hint.is_empty() { p.hint id=(hint_id) { (hint) } }
            select id=(name) name=(name) aria-describedby=[(!hint.is_empty()).then_some(&hint_id)] {
                @for (value, words) in choices {
                    option value=(value) selected[*value == chosen] { (words) }
                }
            }
            @if let Some(problem) = problem { p.problem id=(problem_id) { (problem) } }
        }
    }
}

/// What was refused of a form, above it; its fields tell their own.
pub fn refused(fields: &Fields) -> Markup {
    html! {
        @if let Some(problem) = fields.problem() {
            div.warning role="alert" {
                p { (if problem.detail.is_empty() { "That was refused." } else { &problem.detail }) }
                @if !problem.errors.is_empty() {
                    ul { @for error in &problem.errors { li { code { (error.field) } " " (error.problem) } } }
                }
            }
        }
    }
}

/// Makes a form that was sent twice be carried out once.
pub fn once() -> Markup {
    html! { input type="hidden" name="once" value=(Uuid::new_v4()); }
}

/// A button that does one thing, in a form of its own; asks first where `confirm` says what will happen.
pub fn action(to: &str, label: &str, class: &str, confirm: &str) -> Markup {
    html! {
        form.inline method="post" action=(to) data-confirm=[(!confirm.is_empty()).then_some(confirm)] {
            (once())
            button class=(class) type="submit" { (label) }
        }
    }
}

/// Where a credential was used from, below when.
pub fn from(source: Option<&str>) -> Markup {
    html! { @if let Some(source) = source { p.hint { "from " code { (source) } } } }
}

/// What the operator does not see, in a place that is too small to say more.
pub fn behind_glass() -> Markup {
    html! { span.muted { "behind glass" } }
}

/// What colour a word has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Somebody should look.
    Warn,
    /// Something is wrong.
    Bad,
    /// Neither.
    Plain,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Good => "badge good",
            Self::Warn => "badge warn",
            Self::Bad => "badge bad",
            Self::Plain => "badge",
        }
    }
}

/// A word of state.
pub fn badge(tone: Tone, words: impl Render) -> Markup {
    html! { span class=(tone.class()) { (words) } }
}

/// The badge of a status that the API names.
pub fn status(name: &str) -> Markup {
    let tone = match name {
        "active" | "done" | "changed" => Tone::Good,
        "paused" | "held" | "suspended" | "ready" | "cancelled" => Tone::Warn,
        "failed" | "unauthorized" => Tone::Bad,
        _ => Tone::Plain,
    };
    badge(tone, if name == "ready" { "Waiting its turn".to_owned() } else { crate::words::sentence(name) })
}

/// A time, which scripts show as people say it.
pub fn time(at: &str) -> Markup {
    let shown = at.get(..16).map_or_else(|| at.to_owned(), |text| format!("{} UTC", text.replace('T', " ")));
    html! { time datetime=(at) { (shown) } }
}

/// A time that may not have come.
pub fn time_or(at: Option<&str>, never: &str) -> Markup {
    html! { @if let Some(at) = at { (time(at)) } @else { span.muted { (never) } } }
}

/// A value to be copied elsewhere.
pub fn copyable(id: &str, label: &str, value: &str) -> Markup {
    html! {
        div.copyable {
            label for=(id) { (label) }
            div.row {
                input.code id=(id) readonly value=(value) spellcheck="false";
                button type="button" data-copy=(id) aria-label={"Copy " (label)} { "Copy" }
            }
        }
    }
}

/// The way to the next page of a list; `address` ends with its query.
pub fn next(address: &str, cursor: Option<&str>) -> Markup {
    let separator = if address.contains('?') { '&' } else { '?' };
    html! {
        @if let Some(cursor) = cursor {
            p.next { a.button href={(address) (separator) "cursor=" (crate::api::query(cursor))} rel="next" { "Next page" } }
        }
    }
}

/// A table that can be scrolled by itself, as it may be wider than a phone.
pub fn table(label: &str, heads: &[&str], rows: &Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table {
                thead { tr { @for head in heads { th scope="col" { (head) } } } }
                tbody { (rows) }
            }
        }
    }
}

/// What stands where nothing is yet, and what to do.
pub fn nothing(words: &str, way: &Markup) -> Markup {
    html! { div.nothing { p { (words) } (way) } }
}
