//! `POST /devices/{device}/awake`: how long a device in queue mode listens after it was heard, and where that comes from.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Path as Address, State},
    response::Response,
};
use fleet::{AwakeDetail, FleetError, Permission, queue::AwakeFrom};

use crate::{
    app::App,
    console::target::Target,
    error::WebError,
    form::{Fields, Posted},
    session::SignedIn,
    ui::Field,
};

/// How long it listens, with the form that says it.
pub(crate) struct AwakeCard {
    pub(crate) time: String,
    pub(crate) from: &'static str,
    pub(crate) learned: Option<String>,
    pub(crate) field: Option<Field>,
}

pub(crate) async fn save(
    State(app): State<Arc<App>>,
    Address(device): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    let (work, context, id, url) = (Arc::clone(&app), login.context.clone(), target.id, target.url());
    let sent = fields.clone();
    app.act(&login, &fields, format!("awake time of {id}"), async move {
        work.fleet.set_awake_time(&context, id, awake_of(&sent)?).await?;
        Ok(format!("{url}?done=awake-saved"))
    })
    .await
}

/// What the field says; nothing takes back what was said.
pub(crate) fn awake_of(fields: &Fields) -> Result<Option<Duration>, FleetError> {
    let text = fields.text(FIELD).trim();
    if text.is_empty() {
        return Ok(None);
    }
    let reason = "a whole number of seconds is wanted, or nothing".to_owned();
    let seconds = text.parse().map_err(|_| FleetError::Invalid { field: FIELD, reason })?;
    Ok(Some(Duration::from_secs(seconds)))
}

/// The field for what is said of a device or a class.
pub(crate) fn awake_field(said: Option<Duration>) -> Field {
    Field::new(FIELD, "Listens for, in seconds")
        .kind("number")
        .value(said.map(|time| time.as_secs().to_string()).unwrap_or_default())
        .hint(
            "How long after it was heard it is still called. Empty: 93 s, or as it is learned. Less than 93 s only for a client \
             that is known to close its window earlier.",
        )
}

const FIELD: &str = "awake_s";

impl AwakeCard {
    /// None of a device that does not sleep.
    pub(crate) async fn load(app: &App, login: &SignedIn, target: &Target) -> Result<Option<Self>, WebError> {
        if !target.sleeps() {
            return Ok(None);
        }
        let AwakeDetail { awake, time } = app.fleet.awake_time(&login.context, target.id).await?;
        let learned = awake.learned.map(|learned| {
            format!(
                "Its answers suggest about {} s: {} came later than was expected, and {} times it was silent.",
                learned.time.as_secs(),
                learned.answers,
                learned.silences
            )
        });
        Ok(Some(Self {
            time: format!("{} s", time.time.as_secs()),
            from: match time.from {
                AwakeFrom::Default => "the default",
                AwakeFrom::Learned => "learned from its answers",
                AwakeFrom::Class => "said of its class",
                AwakeFrom::Device => "said of this device",
            },
            learned,
            field: login.may(Permission::Operate).then(|| awake_field(awake.device)),
        }))
    }
}
