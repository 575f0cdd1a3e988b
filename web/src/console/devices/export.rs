//! `GET /devices/export`: the whole result of a view as a file, page by page, whatever its length.

use std::{io, sync::Arc};

use axum::{
    extract::{Query, State},
    response::Response,
};
use fleet::{
    DeviceState, Labels, Timestamp,
    store::{DeviceSummary, PageRequest},
};

use super::{Asked, STATES};
use crate::{
    app::App,
    error::WebError,
    export::{Form, Row},
    session::SignedIn,
    show::Moment,
};

const COLUMNS: [&str; 14] = [
    "id",
    "endpoint",
    "state",
    "class",
    "secured",
    "lwm2m",
    "binding",
    "queue_mode",
    "address",
    "first_known",
    "last_heard",
    "registered_until",
    "removed",
    "labels",
];

pub(crate) async fn devices(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Query(asked): Query<Asked>,
) -> Result<Response, WebError> {
    let form = Form::named(&asked.format).ok_or(WebError::NotFound("form of export"))?;
    let classes = app.fleet.classes(&login.context).await?;
    let groups = app.fleet.groups(&login.context).await?;
    let mut query = asked.query(&classes, &groups);
    query.page = PageRequest::first(PageRequest::MAX_LIMIT);
    app.fleet.export(&login.context, "devices").await?;
    let mut page = app.fleet.devices(&login.context, &query).await?;
    let context = login.context.clone();
    let lines = async_stream::try_stream! {
        yield form.head(&COLUMNS);
        loop {
            let ids: Vec<_> = page.rows.iter().map(|summary| summary.device.id).collect();
            let labels = app.fleet.labels_of(&context, &ids).await.map_err(io::Error::other)?;
            let labelled = page.rows.iter().map(|summary| row(summary, labels.get(&summary.device.id)));
            let lines: String = labelled.map(|row| form.line(&COLUMNS, &row)).collect();
            yield lines;
            let Some(next) = page.next.take() else { break };
            query.page.after = Some(next);
            page = app.fleet.devices(&context, &query).await.map_err(io::Error::other)?;
        }
    };
    Ok(form.answer("muster-devices", lines))
}

/// As the address of a view names it.
fn state(state: DeviceState) -> &'static str {
    STATES.iter().find(|(.., known)| *known == Some(state)).map_or("", |(name, ..)| name)
}

fn row(summary: &DeviceSummary, labels: Option<&Labels>) -> Row {
    let device = &summary.device;
    let said = summary.registered.as_ref();
    let text = |text: Option<String>| text.unwrap_or_default();
    let moment = |at: Timestamp| Moment::new(at, at).iso;
    vec![
        device.public_id.to_string(),
        device.endpoint.to_string(),
        state(summary.state).to_owned(),
        summary.class_name.clone(),
        summary.secured.to_string(),
        text(said.map(|said| said.lwm2m.to_string())),
        text(said.map(|said| said.binding.transports.clone())),
        text(said.map(|said| said.binding.queue_mode.to_string())),
        text(said.map(|said| said.source.address.to_string())),
        moment(device.created_at),
        text(said.map(|said| moment(said.seen_at))),
        text(said.map(|said| moment(said.expires_at))),
        text(device.removed_at.map(moment)),
        text(labels.map(Labels::to_string)),
    ]
}
