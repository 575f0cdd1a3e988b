//! `GET /diary`: what did not get in, grouped by cause and subject; `…/{entry}`: one group, with what to do about it.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path as Address, Query, State},
    response::{IntoResponse, Response},
};
use fleet::{
    DiaryCause, DiaryEntry, DiaryId, FleetError, Permission, Timestamp,
    store::{Cursor, DiaryQuery, PageRequest},
};
use serde::Deserialize;

use crate::{
    app::App,
    console::{encoded, query_url, sentence_of},
    error::WebError,
    form::Posted,
    page::{Area, Page, Shell},
    session::SignedIn,
    show::{Moment, visible},
    ui::{Choice, chosen},
};

/// Rows a page.
const ROWS: usize = 50;

#[derive(Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    cause: String,
    #[serde(default)]
    unmanaged: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    done: String,
}

#[derive(Template)]
#[template(path = "diary.html")]
struct DiaryPage {
    shell: Shell,
    causes: Vec<Choice>,
    unmanaged: bool,
    filtered: bool,
    rows: Vec<DiaryRow>,
    first: Option<String>,
    next: Option<String>,
}

/// One group in a list.
pub(crate) struct DiaryRow {
    pub(crate) url: String,
    pub(crate) title: String,
    pub(crate) subject: String,
    pub(crate) from: String,
    pub(crate) listener: String,
    pub(crate) count: u64,
    pub(crate) first: Moment,
    pub(crate) last: Moment,
    /// The address that adds this device.
    pub(crate) add: String,
}

#[derive(Template)]
#[template(path = "diary/entry.html")]
struct EntryPage {
    shell: Shell,
    row: DiaryRow,
    detail: String,
    /// When the device was heard after the last of it.
    since: Option<Moment>,
    remedy: &'static str,
    device: Option<(String, String)>,
    addable: bool,
    approvable: bool,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Query(asked): Query<Asked>,
) -> Result<impl IntoResponse, WebError> {
    let query = DiaryQuery {
        cause: cause_named(&asked.cause),
        device: None,
        unmanaged: !asked.unmanaged.is_empty(),
        page: PageRequest {
            after: (!asked.after.is_empty()).then(|| Cursor(asked.after.clone())),
            limit: ROWS,
        },
    };
    let found = app.fleet.diary(&login.context, &query).await?;
    let now = app.now();
    let any = std::iter::once((String::new(), "Any cause".to_owned()));
    let causes =
        DiaryCause::ALL.into_iter().map(|cause| (cause.name().to_owned(), sentence_of(cause.title())));
    let url = |after: &str| {
        query_url("/diary", &[("cause", &asked.cause), ("unmanaged", &asked.unmanaged), ("after", after)])
    };
    Ok(Page(DiaryPage {
        shell: Shell::new(&app, &login, Area::Diary, "Connection diary").done(&asked.done),
        causes: chosen(any.chain(causes), &asked.cause),
        unmanaged: query.unmanaged,
        filtered: query.unmanaged || query.cause.is_some(),
        rows: found.rows.iter().map(|entry| DiaryRow::new(entry, now)).collect(),
        first: query.page.after.is_some().then(|| url("")),
        next: found.next.map(|cursor| url(&cursor.0)),
    }))
}

pub(crate) async fn entry(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(id): Address<String>,
    Query(asked): Query<Asked>,
) -> Result<impl IntoResponse, WebError> {
    let entry = app.fleet.diary_entry(&login.context, diary_id(&id)?).await?;
    let device = match entry.device {
        Some(device) => match app.name_of(&login.context, device).await {
            Ok(name) => Some((format!("/devices/{device}"), name)),
            Err(FleetError::NotFound(_)) => None,
            Err(error) => return Err(error.into()),
        },
        None => None,
    };
    let since = app.fleet.got_in_since(&login.context, &entry).await?;
    let administers = login.may(Permission::Administer);
    Ok(Page(EntryPage {
        shell: Shell::new(&app, &login, Area::Diary, sentence_of(entry.cause.title())).done(&asked.done),
        row: DiaryRow::new(&entry, app.now()),
        detail: visible(entry.detail.chars()),
        since: since.map(|at| Moment::new(at, app.now())),
        remedy: entry.cause.remedy(),
        addable: administers && (device.is_none() || entry.cause == DiaryCause::DeviceRemoved),
        device,
        approvable: administers && entry.cause == DiaryCause::SecondClaim,
    }))
}

pub(crate) async fn clear(
    State(app): State<Arc<App>>,
    Address(id): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let id = diary_id(&id)?;
    let (work, context) = (Arc::clone(&app), login.context.clone());
    app.act(&login, &fields, format!("clear {id}"), async move {
        work.fleet.clear_diary(&context, id).await?;
        Ok("/diary?done=dealt-with".to_owned())
    })
    .await
}

pub(crate) async fn approve(
    State(app): State<Arc<App>>,
    Address(id): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let id = diary_id(&id)?;
    let (work, context) = (Arc::clone(&app), login.context.clone());
    app.act(&login, &fields, format!("approve {id}"), async move {
        work.fleet.approve_claim(&context, id).await?;
        Ok("/diary?done=approved".to_owned())
    })
    .await
}

impl DiaryRow {
    pub(crate) fn new(entry: &DiaryEntry, now: Timestamp) -> Self {
        // What did not get past the handshake is a PSK identity, what did is an endpoint name.
        let named = match entry.cause {
            DiaryCause::UnknownIdentity => Some("identity"),
            DiaryCause::NotEnrolled | DiaryCause::DeviceRemoved => Some("endpoint"),
            _ => None,
        };
        let add = match named {
            Some(name) => {
                format!("/enrolment?{name}={}&at={}", encoded(&entry.subject), encoded(&entry.listener))
            }
            None => "/enrolment".to_owned(),
        };
        Self {
            url: format!("/diary/{}", entry.id),
            title: sentence_of(entry.cause.title()),
            subject: visible(entry.subject.chars()),
            from: entry.from.to_string(),
            listener: visible(entry.listener.chars()),
            count: entry.count,
            first: Moment::new(entry.first_at, now),
            last: Moment::new(entry.last_at, now),
            add,
        }
    }
}

fn cause_named(name: &str) -> Option<DiaryCause> {
    DiaryCause::ALL.into_iter().find(|cause| cause.name() == name)
}

fn diary_id(text: &str) -> Result<DiaryId, WebError> {
    text.parse().map_err(|_| WebError::NotFound("entry of the diary"))
}
