//! `/operations/waiting`: what waits for whom, over the whole fleet.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path as Address, Query, State},
    response::{IntoResponse, Response},
};
use fleet::{
    Class, ClassId, Permission, Priority,
    store::{Cursor, PageRequest, Waiting, WaitingQuery},
};
use serde::Deserialize;

use crate::{
    app::App,
    console::{query_url, sentence_of, target::public_id},
    error::WebError,
    form::Posted,
    page::{Area, Page, Shell},
    session::SignedIn,
    show::{Moment, visible},
    ui::{Choice, chosen},
};

/// Rows a page.
const ROWS: usize = 50;

/// Where it is.
const HERE: &str = "/operations/waiting";

/// What the address asks for.
#[derive(Default, Deserialize)]
pub(crate) struct Asked {
    /// A device's id.
    #[serde(default)]
    device: String,
    #[serde(default)]
    class: String,
    #[serde(default)]
    priority: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    done: String,
}

#[derive(Template)]
#[template(path = "queue.html")]
struct QueuePage {
    shell: Shell,
    /// The device whose queue alone is shown.
    device: Option<OneDevice>,
    classes: Vec<Choice>,
    priorities: Vec<Choice>,
    rows: Vec<Row>,
    filtered: bool,
    operates: bool,
    first: Option<String>,
    next: Option<String>,
}

struct OneDevice {
    id: String,
    url: String,
    endpoint: String,
}

struct Row {
    device: String,
    endpoint: String,
    url: String,
    name: &'static str,
    path: String,
    priority: &'static str,
    requested_by: String,
    queued: Moment,
    expires: Moment,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Query(asked): Query<Asked>,
) -> Result<impl IntoResponse, WebError> {
    let classes = app.fleet.classes(&login.context).await?;
    let device = match asked.device.as_str() {
        "" => None,
        id => Some(app.fleet.device(&login.context, public_id(id)?).await?.view.device),
    };
    let after = (!asked.after.is_empty()).then(|| Cursor(asked.after.clone()));
    let query = WaitingQuery {
        device: device.as_ref().map(|device| device.id),
        class: asked.class_of(&classes),
        priority: Priority::from_name(&asked.priority),
        page: PageRequest { after, limit: ROWS },
    };
    let found = app.fleet.waiting(&login.context, &query).await?;
    let now = app.now();
    let any = |text: &str| (String::new(), text.to_owned());
    let named = classes.iter().map(|class| (class.name.clone(), visible(class.name.chars())));
    let priorities = Priority::ALL.map(|of| (of.name().to_owned(), sentence_of(of.name())));
    Ok(Page(QueuePage {
        shell: Shell::new(&app, &login, Area::Devices, "Waiting operations").done(&asked.done),
        classes: chosen(std::iter::once(any("Any class")).chain(named), &asked.class),
        priorities: chosen(std::iter::once(any("Any priority")).chain(priorities), &asked.priority),
        rows: found.rows.iter().map(|waiting| Row::new(waiting, now)).collect(),
        filtered: query.device.is_some() || query.class.is_some() || query.priority.is_some(),
        operates: login.may(Permission::Operate),
        first: query.page.after.is_some().then(|| asked.url("")),
        next: found.next.map(|cursor| asked.url(&cursor.0)),
        device: device.map(|device| OneDevice {
            url: format!("/devices/{}", device.public_id),
            id: device.public_id.to_string(),
            endpoint: visible(device.endpoint.as_str().chars()),
        }),
    }))
}

/// Cancels all that waits for a device.
pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    Address(device): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let id = public_id(&device)?;
    let (work, context) = (Arc::clone(&app), login.context.clone());
    app.act(&login, &fields, format!("what waits for {id}"), async move {
        let report = work.fleet.cancel_waiting(&context, id).await?;
        let word = if report.too_late > 0 { "cancelled-some" } else { "cancelled-waiting" };
        Ok(query_url(HERE, &[("device", &id.to_string()), ("done", word)]))
    })
    .await
}

impl Asked {
    /// A class that is not there has no devices: not all of them.
    fn class_of(&self, classes: &[Class]) -> Option<ClassId> {
        let found = classes.iter().find(|class| class.name == self.class);
        (!self.class.is_empty()).then(|| found.map_or(ClassId(i64::MIN), |class| class.id))
    }

    fn url(&self, after: &str) -> String {
        let (device, class, priority) = (self.device.as_str(), self.class.as_str(), self.priority.as_str());
        query_url(HERE, &[("device", device), ("class", class), ("priority", priority), ("after", after)])
    }
}

impl Row {
    fn new(waiting: &Waiting, now: fleet::Timestamp) -> Self {
        let Waiting { record, device } = waiting;
        let device_url = format!("/devices/{}", device.public_id);
        Self {
            url: format!("{device_url}/operations/{}", record.id),
            device: device_url,
            endpoint: visible(device.endpoint.as_str().chars()),
            name: record.operation.name(),
            path: record.operation.target().to_string(),
            priority: record.priority.name(),
            requested_by: visible(record.requested_by.chars()),
            queued: Moment::new(record.queued_at, now),
            expires: Moment::new(record.expires_at, now),
        }
    }
}
