//! Lists in pages: `{"items":[…],"next_cursor":…}`, with `?limit=` and `?cursor=`.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::error::{ApiError, FieldProblem};

/// Items of a page when the caller names no limit.
const DEFAULT_LIMIT: u64 = 100;

/// Items of a page at the most.
const MAX_LIMIT: u64 = 1000;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// To be sent as `cursor` for the next page; null at the end.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A list that is never so long that it needs pages.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }
}

/// Which page.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Items at the most, 1 to 1000; 100 when absent.
    pub limit: Option<u64>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl PageQuery {
    /// The window that the query asks for, with cursors of type `C`.
    pub fn window<C: FromStr>(&self) -> Result<Window<C>, ApiError> {
        window(self.limit, self.cursor.as_deref())
    }
}

/// Where a page starts and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window<C> {
    /// The last item of the page before.
    pub after: Option<C>,
    limit: u64,
}

/// The window of a `limit` and a `cursor`. 400 when either cannot be read.
pub fn window<C: FromStr>(limit: Option<u64>, cursor: Option<&str>) -> Result<Window<C>, ApiError> {
    let mut errors = Vec::new();
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        errors.push(FieldProblem::new("limit", format!("must be from 1 to {MAX_LIMIT}")));
    }
    let after = cursor.map(C::from_str).transpose().unwrap_or_else(|_| {
        errors.push(FieldProblem::new("cursor", "is not a next_cursor of this list"));
        None
    });
    if errors.is_empty() {
        return Ok(Window { after, limit });
    }
    Err(ApiError::Malformed { detail: "The query is not valid".into(), errors })
}

impl<C: ToString> Window<C> {
    /// Rows to fetch: one more than are shown, to see whether there is a next page.
    pub fn fetch(&self) -> u64 {
        self.limit + 1
    }

    /// The page of fetched rows; `cursor` names a row's place in the list.
    pub fn page<R, T>(&self, mut rows: Vec<R>, cursor: impl Fn(&R) -> C, item: impl Fn(R) -> T) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(|row| cursor(row).to_string());
        Page { items: rows.into_iter().map(item).collect(), next_cursor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_the_next_one_only_when_there_is_more() {
        let window = window::<u32>(Some(2), None).unwrap();
        let page = window.page(vec![1_u32, 2, 3], |row| *row, |row| row);
        assert_eq!((page.items, page.next_cursor.as_deref()), (vec![1, 2], Some("2")));
        let page = window.page(vec![1_u32, 2], |row| *row, |row| row);
        assert_eq!((page.items, page.next_cursor), (vec![1, 2], None));
    }

    #[test]
    fn a_limit_out_of_range_and_a_foreign_cursor_are_named_together() {
        for limit in [0, 1001, u64::MAX] {
            let error = window::<u32>(Some(limit), Some("x")).unwrap_err();
            let ApiError::Malformed { errors, .. } = error else { panic!("{error:?}") };
            assert_eq!(
                errors.iter().map(|error| error.field.as_str()).collect::<Vec<_>>(),
                ["limit", "cursor"]
            );
        }
    }
}
