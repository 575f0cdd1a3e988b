//! Lists in pages.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The rows, in the order of the list.
    pub items: Vec<T>,
    /// Where the next page begins: to be given as `after`, as it is. None at the end.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A list that has one page.
    pub(crate) fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }

    /// A page of the store.
    pub(crate) fn of<R>(page: fleet::store::Page<R>, item: impl FnMut(R) -> T) -> Self {
        Self { items: page.rows.into_iter().map(item).collect(), next: page.next.map(|cursor| cursor.0) }
    }
}
