//! Seen, unmanaged: whoever knocked and is no device, as rows of the list (FLEET.md, ID-10).

use axum::response::{IntoResponse, Response};
use fleet::{
    Class,
    store::{Cursor, DiaryQuery, PageRequest},
};

use super::{Asked, DevicesPage, Filter, ROWS};
use crate::{
    app::App,
    console::diary::DiaryRow,
    error::WebError,
    page::{Area, Page, Shell},
    session::SignedIn,
};

pub(super) async fn page(
    app: &App,
    login: &SignedIn,
    asked: &Asked,
    classes: &[Class],
) -> Result<Response, WebError> {
    let after = (!asked.after.is_empty()).then(|| Cursor(asked.after.clone()));
    let request = PageRequest { after, limit: ROWS };
    let query = DiaryQuery { unmanaged: true, ..DiaryQuery::all(request) };
    let found = app.fleet.diary(&login.context, &query).await?;
    let now = app.now();
    let here = asked.url(None);
    Ok(Page(DevicesPage {
        shell: Shell::new(app, login, Area::Devices, "Seen, unmanaged"),
        filter: Filter::new(asked, classes, &[]),
        columns: Vec::new(),
        rows: Vec::new(),
        unmanaged: found
            .rows
            .iter()
            .filter(|entry| entry.subject.starts_with(&asked.prefix))
            .map(|entry| DiaryRow::new(entry, now))
            .collect(),
        seen: true,
        selectable: false,
        exports: Vec::new(),
        first: query.page.after.is_some().then(|| here.clone()),
        next: found.next.map(|cursor| asked.url(Some(&cursor))),
        here,
        first_device: None,
    })
    .into_response())
}
