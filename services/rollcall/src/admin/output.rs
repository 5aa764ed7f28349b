//! Answers as tables for people, or as JSON for programs.

use std::io::{IsTerminal as _, Write as _};

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use serde_json::Value;

use crate::admin::arguments::Output;

/// How wide a table is where nobody says, in characters.
const WIDTH: u16 = 140;

/// Columns of a table: heading, and the pointer to the value in an item.
pub(crate) type Columns<'a> = &'a [(&'a str, &'a str)];

/// Writes a line to the standard output.
pub(crate) fn line(text: impl AsRef<str>) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{}", text.as_ref())?)
}

/// Whether somebody looks on, who likes to see a bar move.
pub(crate) fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// Items as a table with these columns, or as a JSON array.
pub(crate) fn list(output: Output, items: &[Value], columns: Columns<'_>) -> anyhow::Result<()> {
    if output == Output::Json {
        return line(serde_json::to_string_pretty(items)?);
    }
    if items.is_empty() {
        return line("none");
    }
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    if !std::io::stdout().is_terminal() {
        table.set_width(WIDTH);
    }
    table.set_header(columns.iter().map(|(heading, _)| *heading));
    for item in items {
        table.add_row(columns.iter().map(|(_, pointer)| cell(item.pointer(pointer).unwrap_or(&Value::Null))));
    }
    line(table.to_string())
}

/// One object: its fields below each other, or as JSON.
pub(crate) fn object(output: Output, item: &Value) -> anyhow::Result<()> {
    if output == Output::Json {
        return line(serde_json::to_string_pretty(item)?);
    }
    let Some(fields) = item.as_object() else { return line(cell(item)) };
    let width = fields.keys().map(String::len).max().unwrap_or(0);
    for (name, value) in fields {
        match value {
            Value::Object(_) => line(format!("{name:width$}  {value:#}"))?,
            value => line(format!("{name:width$}  {}", cell(value)))?,
        }
    }
    Ok(())
}
