//! From `sortBy` and `sortOrder` to an order of rows, and to the condition that goes on after one of them.

use scim_protocol::sort::{KEY_CHARACTERS, Sort};
use sea_orm::QueryResult;
use uuid::Uuid;

use super::Kind;
use super::expression::{Step, Writer};
use crate::error::Result;

/// What a row is sorted by. Keys of one order are of one kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SortKey {
    /// Milliseconds since 1970.
    Instant(i64),
    /// The key of a value in the searchable form, cut to [`KEY_CHARACTERS`] or shortened as in the column.
    Text(String),
    /// An id.
    Id(Uuid),
}

/// A place between two rows in an order: after the row with this key and id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The row's key; `None` when it has no value, or when the order is that of creation.
    pub key: Option<SortKey>,
    /// The row's id.
    pub id: Uuid,
}

/// Which kind of keys an order has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keys {
    Instants,
    Texts,
    Ids,
}

/// An order by one expression, then by id.
#[derive(Clone, Debug)]
pub(super) struct Order {
    expression: String,
    keys: Keys,
    /// Whether there may be no value.
    nullable: bool,
    descending: bool,
}

impl Order {
    /// `None` where SQL has no key for the attribute, whose rows are then in order of creation.
    pub(super) fn of(sort: &Sort<'_>, kind: &Kind<'_>, writer: &mut Writer) -> Option<Self> {
        let (located, sub) = (sort.located(), sort.sub());
        let of = |expression: String, keys, nullable| {
            Some(Self { expression, keys, nullable, descending: sort.is_descending() })
        };
        let sub_name = sub.map(|sub| sub.name.as_str());
        if located.extension.is_none() {
            match (located.attribute.name.as_str(), sub_name) {
                ("id", _) => return of("r.id".to_owned(), Keys::Ids, false),
                ("meta", Some("created")) => return of("r.created_at".to_owned(), Keys::Instants, false),
                ("meta", Some("lastModified")) => {
                    return of("r.last_modified_at".to_owned(), Keys::Instants, false);
                }
                ("meta", Some("resourceType")) => {
                    let text = writer.bytewise(&format!("CAST('{}' AS text)", kind.resource_type.name));
                    return of(text, Keys::Texts, false);
                }
                ("meta", Some("location")) => {
                    let start = writer.bind(kind.address(kind.is_user));
                    let text = format!("{start} || {}", writer.id_text("r.id"));
                    return of(writer.bytewise(&text), Keys::Texts, false);
                }
                _ => {}
            }
        }
        if let Some(column) = kind.column(located) {
            let required = located.attribute.required;
            return of(format!("r.{column}"), Keys::Texts, !required);
        }
        let extension = located.extension.map(|extension| Step { name: &extension.id, list: false });
        let attributes = std::iter::once(located.attribute).chain(sub);
        let attributes =
            attributes.map(|attribute| Step { name: &attribute.name, list: attribute.multi_valued });
        let steps: Vec<Step<'_>> = extension.into_iter().chain(attributes).collect();
        let text = writer.first_at("r.search", &steps)?;
        let text = writer.start(&text, KEY_CHARACTERS);
        of(writer.bytewise(&text), Keys::Texts, true)
    }

    /// What to select besides the row.
    pub(super) fn selection(&self) -> String {
        format!(", {} AS sort_key", self.expression)
    }

    pub(super) fn read(&self, row: &QueryResult) -> Result<Option<SortKey>> {
        Ok(match self.keys {
            Keys::Instants => row.try_get::<Option<i64>>("", "sort_key")?.map(SortKey::Instant),
            Keys::Texts => row.try_get::<Option<String>>("", "sort_key")?.map(SortKey::Text),
            Keys::Ids => row.try_get::<Option<Uuid>>("", "sort_key")?.map(SortKey::Id),
        })
    }

    /// Absent values come last when ascending and first when descending (RFC 7644 §3.4.2.3).
    pub(super) fn clause(&self) -> String {
        let (order, nulls) = if self.descending { ("DESC", "FIRST") } else { ("ASC", "LAST") };
        let nulls = if self.nullable { format!(" NULLS {nulls}") } else { String::new() };
        format!("{} {order}{nulls}, r.id", self.expression)
    }

    /// Whether a key is one of this order.
    pub(super) fn has(&self, key: Option<&SortKey>) -> bool {
        match key {
            None => true,
            Some(SortKey::Instant(_)) => self.keys == Keys::Instants,
            Some(SortKey::Text(_)) => self.keys == Keys::Texts,
            Some(SortKey::Id(_)) => self.keys == Keys::Ids,
        }
    }

    /// The rows after a position.
    pub(super) fn after(&self, position: &Position, writer: &mut Writer) -> String {
        let expression = &self.expression;
        let Some(key) = &position.key else {
            let id = writer.bind(position.id);
            let within = format!("({expression} IS NULL AND r.id > {id})");
            let others =
                if self.descending { format!(" OR {expression} IS NOT NULL") } else { String::new() };
            return format!("({within}{others})");
        };
        let key = match key {
            SortKey::Instant(milliseconds) => writer.bind(*milliseconds),
            SortKey::Text(text) => writer.bind(text.as_str()),
            SortKey::Id(id) => writer.bind(*id),
        };
        let id = writer.bind(position.id);
        let sign = if self.descending { "<" } else { ">" };
        let beyond = format!("({expression} {sign}= {key} AND ({expression} {sign} {key} OR r.id > {id}))");
        if self.nullable && !self.descending { format!("({beyond} OR {expression} IS NULL)") } else { beyond }
    }
}
