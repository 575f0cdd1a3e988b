//! `POST /enrolment/classes/{class}/retention`: how long values of a class's devices are kept.

use std::sync::Arc;

use axum::{
    extract::{Path as Address, State},
    response::Response,
};
use fleet::{FleetError, Permission, Retention};

use crate::{
    app::App,
    console::enrolment::classes::{ClassPage, Typed, find, url_of},
    error::WebError,
    form::{Fields, Posted},
    page::again,
    ui::{Field, Filled, mend},
};

/// The form of a retention.
pub(crate) struct RetentionForm {
    pub(crate) action: String,
    pub(crate) fields: Vec<Field>,
    pub(crate) problems: Vec<String>,
}

pub(crate) async fn save(
    State(app): State<Arc<App>>,
    Address(name): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let class = find(&app, &login, &name).await?;
    let sent = fields.clone();
    let (work, context, id, url) = (Arc::clone(&app), login.context.clone(), class.id, url_of(&class));
    let done = app.act(&login, &fields, format!("retention of class {}", class.name), async move {
        work.fleet.set_class_retention(&context, id, retention_of(&sent)?).await?;
        Ok(format!("{url}?done=retention-saved"))
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(error) => {
            let typed = Typed { retention: mend(fields, error)?, ..Typed::default() };
            Ok(again(ClassPage::load(&app, &login, &class, "", &typed).await?))
        }
    }
}

fn retention_of(fields: &Fields) -> Result<Retention, FleetError> {
    let number = |field: &'static str| {
        let reason = "a whole number is wanted".to_owned();
        fields.text(field).trim().parse().map_err(|_| FleetError::Invalid { field, reason })
    };
    let days = if fields.text("days").trim().is_empty() { None } else { Some(number("days")?) };
    Ok(Retention { days, readings: number("readings")? })
}

impl RetentionForm {
    pub(crate) fn new(action: String, retention: Retention, filled: &Filled) -> Self {
        let fields = [
            Field::new("days", "Days")
                .kind("number")
                .value(retention.days.map(|days| days.to_string()).unwrap_or_default())
                .hint("Values that are older are dropped. Empty: they stay however old they are."),
            Field::new("readings", "Values of a resource")
                .kind("number")
                .required()
                .value(retention.readings.to_string())
                .hint("So many of each resource at most, 1 to 1000. The newest one always stays."),
        ];
        let fields = fields.map(|field| field.filled(filled));
        Self { action, problems: filled.others(&fields), fields: fields.into() }
    }
}
