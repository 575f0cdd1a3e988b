//! `GET /devices`: the list of devices. Its address holds filter, order and page, so that a view can be kept and sent on.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    response::IntoResponse,
};
use fleet::{
    DeviceState,
    store::{Cursor, DeviceOrder, DeviceQuery, DeviceSummary, PageRequest},
};
use serde::Deserialize;

use crate::{
    app::App,
    console::{badge::Badge, overview::FirstDevice},
    error::WebError,
    page::{Area, Page, Shell},
    session::SignedIn,
    show::{Moment, visible},
};

/// Rows a page.
const ROWS: usize = 50;

#[derive(Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    order: String,
    #[serde(default)]
    after: String,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Query(asked): Query<Asked>,
) -> Result<impl IntoResponse, WebError> {
    let query = asked.query();
    let found = app.fleet.devices(&login.context, &query).await?;
    let now = app.now();
    let next = found.next.map(|cursor| asked.url(Some(&cursor)));
    let filtered = query.prefix.is_some() || query.state.is_some();
    let empty = found.rows.is_empty() && !filtered && query.page.after.is_none();
    Ok(Page(DevicesPage {
        shell: Shell::new(&app, &login, Area::Devices, "Devices"),
        prefix: asked.prefix.clone(),
        states: options(&STATES, &asked.state),
        orders: options(&ORDERS, &asked.order),
        rows: found.rows.iter().map(|row| DeviceRow::new(row, now)).collect(),
        first: query.page.after.is_some().then(|| asked.url(None)),
        next,
        first_device: empty.then(|| FirstDevice::new(&app)),
    }))
}

#[derive(Template)]
#[template(path = "devices.html")]
struct DevicesPage {
    shell: Shell,
    prefix: String,
    states: Vec<Choice>,
    orders: Vec<Choice>,
    rows: Vec<DeviceRow>,
    first: Option<String>,
    next: Option<String>,
    first_device: Option<FirstDevice>,
}

struct Choice {
    value: &'static str,
    label: &'static str,
    chosen: bool,
}

struct DeviceRow {
    url: String,
    endpoint: String,
    badge: Badge,
    lwm2m: String,
    queue_mode: bool,
    address: String,
    seen: Moment,
    expires: Moment,
}

impl DeviceRow {
    fn new(row: &DeviceSummary, now: fleet::Timestamp) -> Self {
        Self {
            url: format!("/devices/{}", row.device.public_id),
            endpoint: visible(row.device.endpoint.as_str().chars()),
            badge: Badge::of_state(row.state),
            lwm2m: row.lwm2m.to_string(),
            queue_mode: row.binding.queue_mode,
            address: row.source.address.to_string(),
            seen: Moment::new(row.seen_at, now),
            expires: Moment::new(row.expires_at, now),
        }
    }
}

impl Asked {
    fn query(&self) -> DeviceQuery {
        DeviceQuery {
            prefix: (!self.prefix.is_empty()).then(|| self.prefix.clone()),
            state: match self.state.as_str() {
                "registered" => Some(DeviceState::Registered),
                "deregistered" => Some(DeviceState::Deregistered),
                "expired" => Some(DeviceState::Expired),
                _ => None,
            },
            order: if self.order == "seen" { DeviceOrder::LastSeen } else { DeviceOrder::Endpoint },
            page: PageRequest {
                after: (!self.after.is_empty()).then(|| Cursor(self.after.clone())),
                limit: ROWS,
            },
        }
    }

    /// The address of this view, at another page of it.
    fn url(&self, after: Option<&Cursor>) -> String {
        let after = after.map_or("", |cursor| &cursor.0);
        let pairs =
            [("prefix", &*self.prefix), ("state", &*self.state), ("order", &*self.order), ("after", after)];
        let pairs: Vec<String> = pairs
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", super::login::encoded(value)))
            .collect();
        if pairs.is_empty() { "/devices".to_owned() } else { format!("/devices?{}", pairs.join("&")) }
    }
}

const STATES: [(&str, &str); 4] = [
    ("", "Any state"),
    ("registered", "Registered"),
    ("deregistered", "Said goodbye"),
    ("expired", "Lifetime ran out"),
];
const ORDERS: [(&str, &str); 2] = [("", "Name"), ("seen", "Last heard first")];

fn options(all: &[(&'static str, &'static str)], chosen: &str) -> Vec<Choice> {
    all.iter().map(|(value, label)| Choice { value, label, chosen: *value == chosen }).collect()
}
