//! `/security/authorities/{authority}/remove`: an authority is trusted no more.

use std::sync::Arc;

use axum::{
    extract::{Path as Address, State},
    response::{IntoResponse, Response},
};
use fleet::{Authority, Permission};

use crate::{
    app::App,
    console::{
        confirm::Confirm,
        security::{find, url_of},
    },
    error::WebError,
    form::Posted,
    page::{Area, Page, again},
    session::SignedIn,
    show::visible,
    ui::Filled,
};

pub(crate) async fn ask(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(authority): Address<String>,
) -> Result<impl IntoResponse, WebError> {
    login.demand(Permission::Administer)?;
    let authority = find(&app, &login, &authority).await?;
    Ok(Page(confirm(&authority).page(&app, &login, &Filled::default())))
}

pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    Address(authority): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let authority = find(&app, &login, &authority).await?;
    let confirm = confirm(&authority);
    if let Err(problems) = confirm.check(&fields) {
        return Ok(again(confirm.page(&app, &login, &Filled::with(fields, problems))));
    }
    let (work, context, id) = (Arc::clone(&app), login.context.clone(), authority.public_id);
    app.act(&login, &fields, format!("remove authority {id}"), async move {
        work.fleet.remove_authority(&context, id).await?;
        Ok("/security?done=authority-removed".to_owned())
    })
    .await
}

fn confirm(authority: &Authority) -> Confirm {
    let name = visible(authority.name.chars());
    Confirm {
        area: Area::Security,
        title: format!("Trust {name} no more"),
        about: vec![
            "Certificates that it has issued are refused from now on, and sessions that they have opened end at once. Devices whose certificates are pinned come back by themselves; the others need another credential, or the authority again.".to_owned(),
        ],
        items: Vec::new(),
        expected: name,
        extra: Vec::new(),
        reason: false,
        button: "Trust it no more",
        action: format!("{}/remove", url_of(authority)),
        back: "/security".to_owned(),
    }
}
