//! The devices of a list that were ticked, or all of its view.

use axum::{extract::Query, http::Uri};
use fleet::{PublicId, store::PageRequest};

use super::Asked;
use crate::{app::App, console::public_id, error::WebError, form::Fields, session::SignedIn};

/// At most so many, with their names, and whether there are more.
pub(crate) async fn chosen(
    app: &App,
    login: &SignedIn,
    fields: &Fields,
    most: usize,
) -> Result<(Vec<(PublicId, String)>, bool), WebError> {
    let mut chosen = Vec::new();
    let cut;
    if fields.has("all") {
        let view: Uri = fields.text("view").parse().map_err(|_| WebError::NotFound("view of the devices"))?;
        let Query(asked) =
            Query::<Asked>::try_from_uri(&view).map_err(|_| WebError::NotFound("view of the devices"))?;
        let classes = app.fleet.classes(&login.context).await?;
        let groups = app.fleet.groups(&login.context).await?;
        let mut query = asked.query(&classes, &groups);
        query.page = PageRequest::first(PageRequest::MAX_LIMIT);
        cut = loop {
            let page = app.fleet.devices(&login.context, &query).await?;
            chosen.extend(
                page.rows.into_iter().map(|row| (row.device.public_id, row.device.endpoint.to_string())),
            );
            match page.next {
                Some(next) if chosen.len() < most => query.page.after = Some(next),
                next => break next.is_some() || chosen.len() > most,
            }
        };
        chosen.truncate(most);
    } else {
        cut = fields.texts("device").count() > most;
        for id in fields.texts("device").take(most) {
            let id = public_id(id)?;
            chosen.push((id, app.fleet.device(&login.context, id).await?.view.device.endpoint.to_string()));
        }
    }
    Ok((chosen, cut))
}
