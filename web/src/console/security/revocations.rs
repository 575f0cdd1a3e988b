//! `/security/authorities/{authority}/revocations`: what an authority has taken back, as it says itself.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path as Address, State},
    response::{IntoResponse, Response},
};
use fleet::{Authority, Permission};

use crate::{
    app::App,
    console::security::{List, find, uploaded, url_of},
    error::WebError,
    form::Posted,
    page::{Area, Page, Shell, again},
    session::SignedIn,
    show::visible,
    ui::{Field, Filled, mend},
};

#[derive(Template)]
#[template(path = "security/revocations.html")]
struct RevocationsPage {
    shell: Shell,
    url: String,
    name: String,
    list: Option<List>,
    fields: Vec<Field>,
    problems: Vec<String>,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(authority): Address<String>,
) -> Result<impl IntoResponse, WebError> {
    login.demand(Permission::Administer)?;
    let authority = find(&app, &login, &authority).await?;
    Ok(Page(RevocationsPage::new(&app, &login, &authority, &Filled::default())))
}

pub(crate) async fn save(
    State(app): State<Arc<App>>,
    Address(authority): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let authority = find(&app, &login, &authority).await?;
    let sent = fields.clone();
    let (work, context, id) = (Arc::clone(&app), login.context.clone(), authority.public_id);
    let done = app.act(&login, &fields, format!("revocation list of {id}"), async move {
        let list = uploaded(&sent, "list", "file")?;
        work.fleet.set_revocation_list(&context, id, list).await?;
        Ok("/security?done=revocations-saved".to_owned())
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(error) => {
            let filled = mend(fields, error)?.at("revocation list", "list");
            Ok(again(RevocationsPage::new(&app, &login, &authority, &filled)))
        }
    }
}

impl RevocationsPage {
    fn new(app: &App, login: &SignedIn, authority: &Authority, filled: &Filled) -> Self {
        let fields = [
            Field::new("file", "File with the list, PEM or DER").kind("file"),
            Field::new("list", "Or its text, PEM").kind("area"),
        ];
        let fields = fields.map(|field| field.filled(filled));
        let name = visible(authority.name.chars());
        Self {
            shell: Shell::new(app, login, Area::Security, format!("Revocation list of {name}")),
            url: url_of(authority),
            name,
            list: authority.revocations.as_ref().map(|list| List::new(list, app.now())),
            problems: filled.others(&fields),
            fields: fields.into(),
        }
    }
}
