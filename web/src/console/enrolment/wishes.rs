//! `POST /enrolment/classes/{class}/wishes`: what the devices of a class are observed for.

use std::sync::Arc;

use axum::{
    extract::{Path as Address, State},
    response::Response,
};
use fleet::{Class, Permission, wish::Wishes};

use crate::{
    app::App,
    console::enrolment::classes::{ClassPage, Typed, find, url_of},
    error::WebError,
    form::Posted,
    page::again,
    session::SignedIn,
    ui::{Field, Filled, mend},
};

/// The form of what a class wishes.
pub(crate) struct WishForm {
    pub(crate) action: String,
    pub(crate) field: Field,
    /// One a line that is wrong.
    pub(crate) problems: Vec<String>,
}

pub(crate) async fn save(
    State(app): State<Arc<App>>,
    Address(name): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let class = find(&app, &login, &name).await?;
    let lines = fields.text("lines").to_owned();
    if let Err(errors) = Wishes::read(&lines, &app.fleet.registry()) {
        let problems = errors.iter().map(|error| ("", capital(&error.to_string()))).collect();
        let typed = Typed { wishes: Filled::with(fields, problems), ..Typed::default() };
        return Ok(again(ClassPage::load(&app, &login, &class, "", &typed).await?));
    }
    let (work, context, id, url) = (Arc::clone(&app), login.context.clone(), class.id, url_of(&class));
    let done = app.act(&login, &fields, format!("observations of class {}", class.name), async move {
        work.fleet.set_class_wishes(&context, id, &lines).await?;
        Ok(format!("{url}?done=wishes-saved"))
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(error) => {
            let typed = Typed { wishes: mend(fields, error)?, ..Typed::default() };
            Ok(again(ClassPage::load(&app, &login, &class, "", &typed).await?))
        }
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

impl WishForm {
    pub(crate) async fn load(
        app: &App,
        login: &SignedIn,
        class: &Class,
        filled: &Filled,
    ) -> Result<Self, WebError> {
        let wishes = app.fleet.class_wishes(&login.context, class.id).await?;
        let field = Field::new("lines", "What is observed")
            .kind("area")
            .value(wishes.to_string())
            .hint(
                "A path a line, such as /3/0/9, or /3303/*/5700 for each instance that a device has; behind it when it is \
                 reported: pmin=10 pmax=600 gt=25 lt=5 st=0.5. Devices are told what their version knows.",
            )
            .filled(filled);
        Ok(Self { action: format!("{}/wishes", url_of(class)), problems: filled.others([&field]), field })
    }
}
