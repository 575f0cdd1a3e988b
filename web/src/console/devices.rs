//! `GET /devices`: the list of devices. Its address holds filter, order, columns and page, so that a view can be kept and
//! sent on.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    response::{IntoResponse, Response},
};
use fleet::{
    Class, DeviceState, GroupDetail, Labels, Permission,
    store::{Cursor, DeviceOrder, DeviceQuery, DeviceSummary, PageRequest},
};
use serde::Deserialize;

use crate::{
    app::App,
    console::{badge::Badge, diary::DiaryRow, overview::FirstDevice, query_url},
    error::WebError,
    page::{Area, Page, Shell},
    session::SignedIn,
    show::visible,
    ui,
    ui::Choice,
};

pub(crate) mod chosen;

mod columns;
use columns::{COLUMNS, Cell, Column, Listed};

pub(crate) mod export;

pub(crate) mod removal;

mod unmanaged;

/// Rows a page.
const ROWS: usize = 50;

/// What the address asks for.
#[derive(Clone, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    class: String,
    /// `key=value` or `key`.
    #[serde(default)]
    label: String,
    /// A group's id.
    #[serde(default)]
    group: String,
    #[serde(default)]
    security: String,
    #[serde(default)]
    order: String,
    /// The columns, by their names with dots between them.
    #[serde(default)]
    columns: String,
    #[serde(default)]
    after: String,
    /// In which form to export.
    #[serde(default)]
    format: String,
    #[serde(default)]
    done: String,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Query(asked): Query<Asked>,
    axum::extract::RawQuery(raw): axum::extract::RawQuery,
) -> Result<Response, WebError> {
    let classes = app.fleet.classes(&login.context).await?;
    let asked = asked.with_boxes(raw.as_deref().unwrap_or_default());
    if asked.state == UNMANAGED {
        return unmanaged::page(&app, &login, &asked, &classes).await;
    }
    let groups = app.fleet.groups(&login.context).await?;
    let query = asked.query(&classes, &groups);
    let found = app.fleet.devices(&login.context, &query).await?;
    let ids: Vec<_> = found.rows.iter().map(|row| row.device.id).collect();
    let labels = app.fleet.labels_of(&login.context, &ids).await?;
    let now = app.now();
    let filtered = asked.filtered();
    let empty = found.rows.is_empty() && !filtered && query.page.after.is_none();
    let mut columns = asked.columns();
    if asked.columns.is_empty() && labels.is_empty() {
        // Where nobody uses labels there is no column of them.
        columns.retain(|column| column.name != "labels");
    }
    let shell = Shell::new(&app, &login, Area::Devices, "Devices").done(&asked.done);
    let here = asked.url(None);
    Ok(Page(DevicesPage {
        filter: Filter::new(&asked, &classes, &groups),
        exports: asked.exports(),
        selectable: login.may(Permission::Operate)
            && !found.rows.is_empty()
            && query.state != Some(DeviceState::Removed),
        shell,
        rows: found
            .rows
            .iter()
            .map(|row| DeviceRow::new(row, labels.get(&row.device.id), &columns, now))
            .collect(),
        columns,
        first: query.page.after.is_some().then(|| here.clone()),
        next: found.next.map(|cursor| asked.url(Some(&cursor))),
        here,
        first_device: empty.then(|| FirstDevice::new(&app)),
        unmanaged: Vec::new(),
        seen: false,
    })
    .into_response())
}

#[derive(Template)]
#[template(path = "devices.html")]
struct DevicesPage {
    shell: Shell,
    filter: Filter,
    columns: Vec<&'static Column>,
    rows: Vec<DeviceRow>,
    /// Seen and not managed.
    unmanaged: Vec<DiaryRow>,
    /// Whether those are what the page shows.
    seen: bool,
    selectable: bool,
    exports: Vec<(String, &'static str)>,
    /// This view, without its page.
    here: String,
    first: Option<String>,
    next: Option<String>,
    first_device: Option<FirstDevice>,
}

/// The form above the list.
struct Filter {
    prefix: String,
    states: Vec<Choice>,
    classes: Vec<Choice>,
    label: String,
    groups: Vec<Choice>,
    securities: Vec<Choice>,
    orders: Vec<Choice>,
    columns: Vec<Choice>,
}

struct DeviceRow {
    id: String,
    url: String,
    endpoint: String,
    badge: Badge,
    cells: Vec<Cell>,
}

impl DeviceRow {
    fn new(
        row: &DeviceSummary,
        labels: Option<&Labels>,
        columns: &[&'static Column],
        now: fleet::Timestamp,
    ) -> Self {
        let listed = Listed { summary: row, labels, now };
        Self {
            id: row.device.public_id.to_string(),
            url: format!("/devices/{}", row.device.public_id),
            endpoint: visible(row.device.endpoint.as_str().chars()),
            badge: Badge::of_state(row.state),
            cells: columns.iter().map(|column| (column.cell)(&listed)).collect(),
        }
    }
}

impl Asked {
    pub(super) fn query(&self, classes: &[Class], groups: &[GroupDetail]) -> DeviceQuery {
        // A class that is not there has no devices: not all of them.
        let unknown = fleet::ClassId(i64::MIN);
        let class = classes.iter().find(|class| class.name == self.class).map_or(unknown, |class| class.id);
        let unknown = fleet::GroupId(i64::MIN);
        let mut known = groups.iter().map(|detail| &detail.group);
        let group = known.find(|group| group.public_id.to_string() == self.group);
        let group = group.map_or(unknown, |group| group.id);
        // No device has a label that is none.
        let (label, none) = match self.label.trim() {
            "" => (None, false),
            text => text.parse().map_or((None, true), |label| (Some(label), false)),
        };
        DeviceQuery {
            label,
            group: if none { Some(unknown) } else { (!self.group.is_empty()).then_some(group) },
            prefix: (!self.prefix.is_empty()).then(|| self.prefix.clone()),
            state: STATES.iter().find(|(name, ..)| *name == self.state).and_then(|(.., state)| *state),
            class: (!self.class.is_empty()).then_some(class),
            secured: match self.security.as_str() {
                "psk" => Some(true),
                "none" => Some(false),
                _ => None,
            },
            order: if self.order == "seen" { DeviceOrder::LastSeen } else { DeviceOrder::Endpoint },
            page: PageRequest {
                after: (!self.after.is_empty()).then(|| Cursor(self.after.clone())),
                limit: ROWS,
            },
        }
    }

    /// A form without a script sends one `column` a ticked box; the address of a view holds them in one.
    fn with_boxes(mut self, raw: &str) -> Self {
        let boxes: Vec<&str> = raw
            .split('&')
            .filter_map(|pair| pair.strip_prefix("column="))
            .filter(|name| !name.is_empty())
            .collect();
        if !boxes.is_empty() {
            self.columns = boxes.join(".");
        }
        self
    }

    fn columns(&self) -> Vec<&'static Column> {
        let named: Vec<&str> = self.columns.split('.').collect();
        let shown = |column: &&Column| match self.columns.is_empty() {
            true => column.shown,
            false => named.contains(&column.name),
        };
        COLUMNS.iter().filter(shown).collect()
    }

    fn filtered(&self) -> bool {
        [&self.prefix, &self.state, &self.class, &self.label, &self.group, &self.security]
            .into_iter()
            .any(|text| !text.is_empty())
    }

    /// The address of this view, at another page of it.
    fn url(&self, after: Option<&Cursor>) -> String {
        self.url_at("/devices", after.map_or("", |cursor| &cursor.0), "")
    }

    fn url_at(&self, path: &str, after: &str, format: &str) -> String {
        query_url(
            path,
            &[
                ("prefix", &self.prefix),
                ("state", &self.state),
                ("class", &self.class),
                ("label", &self.label),
                ("group", &self.group),
                ("security", &self.security),
                ("order", &self.order),
                ("columns", &self.columns),
                ("after", after),
                ("format", format),
            ],
        )
    }

    fn exports(&self) -> Vec<(String, &'static str)> {
        [("csv", "CSV"), ("ndjson", "JSON lines")]
            .map(|(format, label)| (self.url_at("/devices/export", "", format), label))
            .into()
    }
}

impl Filter {
    fn new(asked: &Asked, classes: &[Class], groups: &[GroupDetail]) -> Self {
        let named = |all: &[(&str, &str)], here: &str| {
            ui::chosen(all.iter().map(|(value, label)| ((*value).to_owned(), (*label).to_owned())), here)
        };
        let states: Vec<(&str, &str)> = STATES.iter().map(|(name, label, _)| (*name, *label)).collect();
        let any = std::iter::once((String::new(), "Any class".to_owned()));
        let shown = asked.columns();
        Self {
            prefix: asked.prefix.clone(),
            states: named(&states, &asked.state),
            classes: ui::chosen(
                any.chain(classes.iter().map(|class| (class.name.clone(), visible(class.name.chars())))),
                &asked.class,
            ),
            label: asked.label.clone(),
            groups: ui::chosen(
                std::iter::once((String::new(), "Any group".to_owned())).chain(
                    groups.iter().map(|detail| {
                        (detail.group.public_id.to_string(), visible(detail.group.name.chars()))
                    }),
                ),
                &asked.group,
            ),
            securities: named(&SECURITIES, &asked.security),
            orders: named(&ORDERS, &asked.order),
            columns: COLUMNS
                .iter()
                .map(|column| Choice {
                    value: column.name.to_owned(),
                    label: column.label.to_owned(),
                    chosen: shown.iter().any(|other| other.name == column.name),
                })
                .collect(),
        }
    }
}

/// What was seen and is not managed: entries of the diary, not devices.
const UNMANAGED: &str = "unmanaged";

const STATES: [(&str, &str, Option<DeviceState>); 8] = [
    ("", "Any state", None),
    ("registered", "Registered", Some(DeviceState::Registered)),
    ("awaited", "Awaited", Some(DeviceState::Awaited)),
    ("deregistered", "Said goodbye", Some(DeviceState::Deregistered)),
    ("expired", "Lifetime ran out", Some(DeviceState::Expired)),
    ("revoked", "Revoked", Some(DeviceState::Revoked)),
    ("removed", "Removed", Some(DeviceState::Removed)),
    (UNMANAGED, "Seen, unmanaged", None),
];
const SECURITIES: [(&str, &str); 3] = [("", "Any"), ("psk", "With a key"), ("none", "Without a key")];
const ORDERS: [(&str, &str); 2] = [("", "Name"), ("seen", "Last heard first")];
