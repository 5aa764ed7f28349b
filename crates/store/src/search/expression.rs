//! The few words of SQL that conditions are made of, for both databases. Values are bound; names, which come
//! from schemas, stand in quotes.

use sea_orm::{DatabaseBackend, Value};

/// SQL text, and whether it holds for exactly the rows that are asked for (else for more).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) sql: String,
    pub(super) exact: bool,
}

const TRUE: &str = "TRUE";
const FALSE: &str = "FALSE";

impl Condition {
    pub(super) fn exact(sql: String) -> Self {
        Self { sql, exact: true }
    }

    pub(super) fn constant(holds: bool) -> Self {
        Self::exact(if holds { TRUE } else { FALSE }.to_owned())
    }

    /// Holds for every row, since SQL cannot tell.
    pub(super) fn unknown() -> Self {
        Self { sql: TRUE.to_owned(), exact: false }
    }

    pub(super) fn is_true(&self) -> bool {
        self.sql == TRUE
    }

    pub(super) fn is_false(&self) -> bool {
        self.sql == FALSE
    }

    /// What is not so, and what is unknown because a value is absent: a filter knows no third truth value.
    pub(super) fn not(self) -> Self {
        match self {
            inexact if !inexact.exact => Self::unknown(),
            constant if constant.is_true() => Self::constant(false),
            constant if constant.is_false() => Self::constant(true),
            Self { sql, .. } => Self::exact(format!("({sql}) IS NOT TRUE")),
        }
    }

    pub(super) fn all(conditions: Vec<Self>) -> Self {
        if conditions.iter().any(|condition| condition.is_false() && condition.exact) {
            return Self::constant(false);
        }
        let exact = conditions.iter().all(|condition| condition.exact);
        let parts = conditions.into_iter().filter(|condition| !condition.is_true()).collect();
        Self { sql: join(parts, " AND ").unwrap_or_else(|| TRUE.to_owned()), exact }
    }

    pub(super) fn any(conditions: Vec<Self>) -> Self {
        if conditions.iter().any(|condition| condition.is_true() && condition.exact) {
            return Self::constant(true);
        }
        if conditions.iter().any(Self::is_true) {
            return Self::unknown();
        }
        let exact = conditions.iter().all(|condition| condition.exact);
        let parts = conditions.into_iter().filter(|condition| !condition.is_false()).collect();
        Self { sql: join(parts, " OR ").unwrap_or_else(|| FALSE.to_owned()), exact }
    }
}

/// Joins as a balanced tree: SQLite bounds the depth of an expression, and a chain would be as deep as long.
fn join(mut parts: Vec<Condition>, word: &str) -> Option<String> {
    match parts.len() {
        0 => None,
        1 => parts.pop().map(|only| only.sql),
        count => {
            let right = join(parts.split_off(count / 2), word)?;
            Some(format!("({}{word}{right})", join(parts, word)?))
        }
    }
}

/// Writes expressions for one database and collects the values that they bind.
#[derive(Debug)]
pub(super) struct Writer {
    backend: DatabaseBackend,
    values: Vec<Value>,
    aliases: usize,
}

/// A step of a path into a searchable form.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'a> {
    pub(super) name: &'a str,
    /// Whether a list is there, of which any element is meant.
    pub(super) list: bool,
}

/// The values that a path leads to.
#[derive(Clone, Debug)]
pub(super) enum Values {
    /// One value, NULL when it is absent.
    One(String),
    /// A list: what to select from, and the value in each row of it.
    Any { from: String, value: String },
}

/// The elements of a list.
#[derive(Clone, Debug)]
pub(super) struct Elements {
    pub(super) from: String,
    /// An element as JSON.
    pub(super) json: String,
    /// An element that is a plain value, as text.
    pub(super) text: String,
}

impl Writer {
    /// Starts with the values that the statement around the condition binds as `$1`, `$2`, ….
    pub(super) fn new(backend: DatabaseBackend, values: Vec<Value>) -> Self {
        Self { backend, values, aliases: 0 }
    }

    pub(super) fn is_postgres(&self) -> bool {
        self.backend == DatabaseBackend::Postgres
    }

    pub(super) fn into_values(self) -> Vec<Value> {
        self.values
    }

    /// Binds a value and returns its placeholder.
    pub(super) fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("e{}", self.aliases)
    }

    /// The values at the end of a path from `base`, an expression of JSON. `None` when a name cannot be written
    /// as SQL, here and below.
    pub(super) fn values(&mut self, base: &str, steps: &[Step<'_>]) -> Option<Values> {
        if !are_quotable(steps) {
            return None;
        }
        let Some(first) = steps.iter().position(|step| step.list) else {
            return Some(Values::One(self.text_at(base, steps)));
        };
        if self.is_postgres() {
            // Lax paths pass over what is not there.
            let elements = self.elements(base, steps)?;
            return Some(Values::Any { from: elements.from, value: elements.text });
        }
        let (list, rest) = steps.split_at(first + 1);
        let elements = self.elements(base, list)?;
        Some(match rest {
            [] => Values::Any { from: elements.from, value: elements.text },
            rest => match self.values(&elements.json, rest)? {
                Values::One(value) => Values::Any { from: elements.from, value },
                Values::Any { from, value } => {
                    Values::Any { from: format!("{} CROSS JOIN {from}", elements.from), value }
                }
            },
        })
    }

    /// The elements of the list at the end of a path.
    pub(super) fn elements(&mut self, base: &str, steps: &[Step<'_>]) -> Option<Elements> {
        if !are_quotable(steps) {
            return None;
        }
        let alias = self.alias();
        if self.is_postgres() {
            let from = format!("jsonb_path_query({base}, '{}') AS {alias}(v)", path(steps));
            let text = format!("({alias}.v #>> '{{}}')");
            return Some(Elements { from, json: format!("{alias}.v"), text });
        }
        let from = format!("json_each({base}, '{}') AS {alias}", path_without_lists(steps));
        // Text that is no JSON would be an error.
        let json = format!("CASE {alias}.type WHEN 'object' THEN {alias}.value END");
        Some(Elements { from, json, text: format!("{alias}.value") })
    }

    /// The object at the end of a path without lists; NULL when it is absent.
    pub(super) fn json_at(&self, base: &str, steps: &[Step<'_>]) -> Option<String> {
        if !are_quotable(steps) {
            return None;
        }
        if !self.is_postgres() {
            return Some(self.text_at(base, steps));
        }
        let arrows: Vec<String> = steps.iter().map(|step| format!(" -> '{}'", quoted(step.name))).collect();
        Some(format!("({base}{})", arrows.concat()))
    }

    /// The one value at the end of a path, as text.
    fn text_at(&self, base: &str, steps: &[Step<'_>]) -> String {
        if !self.is_postgres() {
            return format!("json_extract({base}, '{}')", path_without_lists(steps));
        }
        let last = steps.len().saturating_sub(1);
        let arrow = |(index, step): (usize, &Step<'_>)| {
            let arrow = if index == last { "->>" } else { "->" };
            format!(" {arrow} '{}'", quoted(step.name))
        };
        let arrows: String = steps.iter().enumerate().map(arrow).collect();
        format!("({base}{arrows})")
    }

    /// The first value at the end of a path: what sorting goes by.
    pub(super) fn first_at(&self, base: &str, steps: &[Step<'_>]) -> Option<String> {
        if !are_quotable(steps) {
            return None;
        }
        if self.is_postgres() {
            let keys = steps.iter().flat_map(|step| {
                let name = format!("'{}'", quoted(step.name));
                std::iter::once(name).chain(step.list.then(|| "'0'".to_owned()))
            });
            return Some(format!("({base} #>> ARRAY[{}])", keys.collect::<Vec<_>>().join(",")));
        }
        let keys = steps
            .iter()
            .map(|step| format!(".\"{}\"{}", quoted(step.name), if step.list { "[0]" } else { "" }));
        Some(format!("json_extract({base}, '${}')", keys.collect::<String>()))
    }

    /// An id as the text that clients see.
    pub(super) fn id_text(&self, id: &str) -> String {
        if self.is_postgres() {
            return format!("CAST({id} AS text)");
        }
        let part = |from, length| format!("substr(hex({id}), {from}, {length})");
        let parts = [part(1, 8), part(9, 4), part(13, 4), part(17, 4), part(21, 12)];
        format!("lower({})", parts.join(" || '-' || "))
    }

    /// An expression of text that is compared byte by byte.
    pub(super) fn bytewise(&self, text: &str) -> String {
        if self.is_postgres() { format!("({text}) COLLATE \"C\"") } else { text.to_owned() }
    }

    /// So many characters from the start of a text.
    pub(super) fn start(&self, text: &str, characters: usize) -> String {
        let name = if self.is_postgres() { "left" } else { "substr" };
        let from = if self.is_postgres() { "" } else { "1, " };
        format!("{name}({text}, {from}{characters})")
    }

    /// `text` has `wanted` in it. Patterns are not used: their special characters would have to be escaped.
    pub(super) fn contains(&self, text: &str, wanted: &str) -> String {
        let name = if self.is_postgres() { "strpos" } else { "instr" };
        format!("{name}({text}, {wanted}) > 0")
    }

    /// `text` starts with `wanted`.
    pub(super) fn starts_with(&self, text: &str, wanted: &str) -> String {
        if self.is_postgres() {
            format!("starts_with({text}, {wanted})")
        } else {
            format!("substr({text}, 1, length({wanted})) = {wanted}")
        }
    }

    /// `text` ends with `wanted`, which is not empty.
    pub(super) fn ends_with(&self, text: &str, wanted: &str) -> String {
        if self.is_postgres() {
            format!("right({text}, length({wanted})) = {wanted}")
        } else {
            format!("substr({text}, -length({wanted})) = {wanted}")
        }
    }
}

/// Whether names can stand in quotes in both databases' paths.
fn are_quotable(steps: &[Step<'_>]) -> bool {
    let breaks = |character: char| matches!(character, '"' | '\\') || character.is_control();
    steps.iter().all(|step| !step.name.contains(breaks))
}

fn quoted(name: &str) -> String {
    name.replace('\'', "''")
}

/// A path of PostgreSQL (SQL/JSON): `$."emails"[*]."value"`.
fn path(steps: &[Step<'_>]) -> String {
    let steps =
        steps.iter().map(|step| format!(".\"{}\"{}", quoted(step.name), if step.list { "[*]" } else { "" }));
    format!("${}", steps.collect::<String>())
}

/// A path of SQLite: `$."name"."givenName"`.
fn path_without_lists(steps: &[Step<'_>]) -> String {
    let steps = steps.iter().map(|step| format!(".\"{}\"", quoted(step.name)));
    format!("${}", steps.collect::<String>())
}
