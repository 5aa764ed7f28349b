//! Searching a directory: filters, orders and pages as SQL, the same for users and groups.
//!
//! The text of a statement depends on the shape of the filter only, never on the values in it, so that a
//! database prepares it once.

mod comparison;
mod expression;
mod filter;
mod order;
mod rows;

use std::marker::PhantomData;

use scim_protocol::filter::Filter;
use scim_protocol::schema::{Located, ResourceType};
use scim_protocol::sort::Sort;
pub use sea_orm::FromQueryResult;

pub use self::order::{Position, SortKey};

use self::expression::{Condition, Writer};
use self::filter::{Compiled, compile};
use self::order::Order;
use crate::database::Store;
use crate::error::{Error, Result};
use crate::id::{ConnectionId, TenantId};
use crate::statement::{count, rows};

/// What is searched for.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// What resources must match; checked against the resource type.
    pub filter: Option<&'a Filter>,
    /// Their order; without one, that of creation.
    pub sort: Option<&'a Sort<'a>>,
    /// The base URL that locations start with, without a trailing slash.
    pub base_url: &'a str,
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// After so many matches.
    Offset(u64),
    /// After a match that was seen, wherever it stands or stood.
    After(Position),
}

/// A row, and what it was sorted by.
#[derive(Clone, Debug)]
pub struct Match<M> {
    /// The row.
    pub row: M,
    /// Its key, if there was a `sort` and the row has a value.
    pub key: Option<SortKey>,
}

/// The kind of resource that is searched, and how it is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind<'a> {
    pub(crate) is_user: bool,
    pub(crate) resource_type: &'a ResourceType,
    pub(crate) base_url: &'a str,
}

impl Kind<'_> {
    /// The column of `r` that has an attribute's keys, shortened where they are long.
    fn column(&self, located: Located<'_>) -> Option<&'static str> {
        match located.attribute.name.as_str() {
            _ if located.extension.is_some() => None,
            "userName" if self.is_user => Some("user_name_folded"),
            "displayName" => Some("display_name_folded"),
            "externalId" => Some("external_id"),
            _ => None,
        }
    }

    /// What a location of a user or group has before the id.
    fn address(&self, of_user: bool) -> String {
        format!("{}/{}/", self.base_url, if of_user { "Users" } else { "Groups" })
    }
}

/// A table of directory rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// The columns that make a row's model, with the alias `r`.
    pub(crate) columns: &'static str,
    /// What is selected besides, beginning with a comma where it is something.
    pub(crate) more: &'static str,
    /// The same for pages with an offset: the rows that are skipped are computed in full as well.
    pub(crate) more_when_skipping: &'static str,
}

/// A search that is ready to be run.
#[derive(Debug)]
pub struct Search<'s, M> {
    store: &'s Store,
    table: Table,
    condition: Condition,
    values: Vec<sea_orm::Value>,
    inexact: Vec<String>,
    order: Option<Order>,
    row: PhantomData<fn() -> M>,
}

impl<'s, M: FromQueryResult> Search<'s, M> {
    pub(crate) fn new(
        store: &'s Store,
        (tenant, connection): (TenantId, ConnectionId),
        table: Table,
        kind: &Kind<'_>,
        query: &Query<'_>,
    ) -> Self {
        let mut writer = Writer::new(store.backend(), vec![tenant.into(), connection.into()]);
        let Compiled { condition, inexact } = match query.filter {
            Some(filter) => compile(filter, kind, &mut writer),
            None => Compiled { condition: Condition::constant(true), inexact: Vec::new() },
        };
        let order = query.sort.and_then(|sort| Order::of(sort, kind, &mut writer));
        let values = writer.into_values();
        Self { store, table, condition, values, inexact, order, row: PhantomData }
    }

    /// The attributes that SQL could not compare. If there are any, rows are candidates only, which the
    /// caller matches.
    pub fn inexact(&self) -> &[String] {
        &self.inexact
    }

    /// Whether a position is one of this search's order.
    pub fn has(&self, position: &Position) -> bool {
        match &self.order {
            Some(order) => order.has(position.key.as_ref()),
            None => position.key.is_none(),
        }
    }

    /// Matches in order.
    pub async fn page(&self, start: &Start, limit: u64) -> Result<Vec<Match<M>>> {
        let (sql, values) = self.select(start, limit);
        let matches = rows(&self.store.reader(), sql, values).await?.into_iter().map(|row| {
            let key = match &self.order {
                Some(order) => order.read(&row)?,
                None => None,
            };
            Ok(Match { row: M::from_query_result(&row, "").map_err(Error::from)?, key })
        });
        matches.collect()
    }

    /// How many matches there are.
    pub async fn count(&self) -> Result<u64> {
        let sql = format!("SELECT COUNT(*) AS n FROM {}", self.scope());
        let count = count(&self.store.reader(), sql, self.values.clone()).await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    fn scope(&self) -> String {
        let condition =
            if self.condition.is_true() { String::new() } else { format!(" AND {}", self.condition.sql) };
        format!("{} r WHERE r.tenant_id = $1 AND r.connection_id = $2{condition}", self.table.name)
    }

    fn select(&self, start: &Start, limit: u64) -> (String, Vec<sea_orm::Value>) {
        let mut writer = Writer::new(self.store.backend(), self.values.clone());
        let after = match (start, &self.order) {
            (Start::Offset(_), _) => String::new(),
            (Start::After(position), Some(order)) => {
                format!(" AND {}", order.after(position, &mut writer))
            }
            (Start::After(position), None) => format!(" AND r.id > {}", writer.bind(position.id)),
        };
        let (selection, order) = match &self.order {
            Some(order) => (order.selection(), order.clause()),
            None => (String::new(), "r.id".to_owned()),
        };
        let limit = writer.bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let (more, offset) = match start {
            Start::Offset(offset) if *offset > 0 => {
                let offset = writer.bind(i64::try_from(*offset).unwrap_or(i64::MAX));
                (self.table.more_when_skipping, format!(" OFFSET {offset}"))
            }
            _ => (self.table.more, String::new()),
        };
        let sql = format!(
            "SELECT {}{more}{selection} FROM {}{after} ORDER BY {order} LIMIT {limit}{offset}",
            self.table.columns,
            self.scope(),
        );
        (sql, writer.into_values())
    }
}

#[cfg(feature = "testing")]
impl<M: FromQueryResult> Search<'_, M> {
    /// The statement of a page, for tests that ask the database how it would run it.
    pub fn statement(&self, start: &Start, limit: u64) -> sea_orm::Statement {
        let (sql, values) = self.select(start, limit);
        crate::statement::statement(self.store.backend(), sql, values)
    }

    /// The condition and the values that it binds, for tests that put many in one statement.
    pub fn condition(&self) -> (&str, &[sea_orm::Value]) {
        (&self.condition.sql, &self.values)
    }
}
