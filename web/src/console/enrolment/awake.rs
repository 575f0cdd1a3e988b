//! `POST /enrolment/classes/{class}/awake`: how long the devices of a class listen after they were heard.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Path as Address, State},
    response::Response,
};
use fleet::Permission;

use crate::{
    app::App,
    console::{
        device::awake::{awake_field, awake_of},
        enrolment::classes::{ClassPage, Typed, find, url_of},
    },
    error::WebError,
    form::Posted,
    page::again,
    ui::{Field, Filled, mend},
};

/// The form of an awake time.
pub(crate) struct AwakeForm {
    pub(crate) action: String,
    pub(crate) field: Field,
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
    let done = app.act(&login, &fields, format!("awake time of class {}", class.name), async move {
        work.fleet.set_class_awake_time(&context, id, awake_of(&sent)?).await?;
        Ok(format!("{url}?done=awake-saved"))
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(error) => {
            let typed = Typed { awake: mend(fields, error)?, ..Typed::default() };
            Ok(again(ClassPage::load(&app, &login, &class, "", &typed).await?))
        }
    }
}

impl AwakeForm {
    pub(crate) fn new(action: String, said: Option<Duration>, filled: &Filled) -> Self {
        let field = awake_field(said).filled(filled);
        Self { action, problems: filled.others([&field]), field }
    }
}
