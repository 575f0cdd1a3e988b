//! `GET /search`: one box for all: an endpoint name or the identity of a credential leads to its device, a beginning to the list.

use std::sync::Arc;

use axum::{
    extract::{Query, State},
    response::Redirect,
};
use fleet::{
    EndpointName, FleetError,
    store::{DeviceQuery, DeviceView, PageRequest},
};
use serde::Deserialize;

use crate::{app::App, console::query_url, error::WebError, named::names_of, session::SignedIn};

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    q: String,
}

pub(crate) async fn find(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Query(asked): Query<Asked>,
) -> Result<Redirect, WebError> {
    let (text, context) = (asked.q.trim(), &login.context);
    let device = |id| Ok(Redirect::to(&format!("/devices/{id}")));
    if let Ok(endpoint) = EndpointName::new(text)
        && let Some(view) = found(app.fleet.device_by_endpoint(context, &endpoint).await)?
    {
        return device(view.device.public_id);
    }
    for name in names_of(text) {
        if let Some(view) = found(app.fleet.device_by_identity(context, &name).await)? {
            return device(view.device.public_id);
        }
    }
    let query = DeviceQuery { prefix: Some(text.to_owned()), ..DeviceQuery::all(PageRequest::first(2)) };
    let found = app.fleet.devices(context, &query).await?;
    match &found.rows[..] {
        [only] => device(only.device.public_id),
        _ => Ok(Redirect::to(&query_url("/devices", &[("prefix", text)]))),
    }
}

fn found(device: Result<DeviceView, FleetError>) -> Result<Option<DeviceView>, FleetError> {
    match device {
        Ok(view) => Ok(Some(view)),
        Err(FleetError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
