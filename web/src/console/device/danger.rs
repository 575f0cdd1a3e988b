//! `/devices/{device}/danger`: what changes who a device is, or ends it: its class, a new bootstrap, revocation, removal.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path as Address, State},
    response::{IntoResponse, Response},
};
use fleet::Permission;

use crate::{
    app::App,
    console::{confirm::Confirm, device::Reachability, target::Target},
    error::WebError,
    form::Posted,
    page::{Area, Page, Shell, again},
    session::SignedIn,
    ui::{Field, Filled, Tab},
};

#[derive(Template)]
#[template(path = "device/danger.html")]
struct DangerPage {
    shell: Shell,
    url: String,
    endpoint: String,
    state: Reachability,
    tabs: Vec<Tab>,
    class: Field,
    registered: bool,
    secured: bool,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(device): Address<String>,
) -> Result<impl IntoResponse, WebError> {
    login.demand(Permission::Administer)?;
    let target = Target::load(&app, &login, &device).await?;
    let classes = app.fleet.classes(&login.context).await?;
    let class = Field::new("class", "Class")
        .select(classes.into_iter().map(|class| (class.name.clone(), class.name)).collect())
        .value(target.detail.view.class_name.clone())
        .filled(&Filled::default());
    Ok(Page(DangerPage {
        shell: Shell::new(&app, &login, Area::Devices, format!("Danger zone of {}", target.endpoint())),
        url: target.url(),
        endpoint: target.endpoint(),
        state: Reachability::new(&target),
        tabs: target.tabs(&login, "/danger"),
        class,
        registered: target.registered(),
        secured: target.detail.view.secured,
    }))
}

pub(crate) async fn classify(
    State(app): State<Arc<App>>,
    Address(device): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    let class = fields.text("class").to_owned();
    let (work, context, id, url) = (Arc::clone(&app), login.context.clone(), target.id, target.url());
    app.act(&login, &fields, format!("classify {id}"), async move {
        let classes = work.fleet.classes(&context).await?;
        let class = classes.into_iter().find(|known| known.name == class);
        let class = class.ok_or(fleet::FleetError::NotFound("class"))?;
        work.fleet.classify_device(&context, id, class.id).await?;
        Ok(format!("{url}?done=classified"))
    })
    .await
}

pub(crate) async fn bootstrap(
    State(app): State<Arc<App>>,
    Address(device): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    let (work, context, id, url) = (Arc::clone(&app), login.context.clone(), target.id, target.url());
    app.act(&login, &fields, format!("bootstrap {id}"), async move {
        let begun = work.fleet.trigger_bootstrap(&context, id).await?;
        let operated = work.fleet.carry_out(&context, begun).await?;
        Ok(format!("{url}/operations/{}", operated.id))
    })
    .await
}

pub(crate) async fn ask_revoke(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(device): Address<String>,
) -> Result<impl IntoResponse, WebError> {
    login.demand(Permission::Administer)?;
    let target = Target::load(&app, &login, &device).await?;
    Ok(Page(revocation(&target).page(&app, &login, &Filled::default())))
}

pub(crate) async fn revoke(
    State(app): State<Arc<App>>,
    Address(device): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let target = Target::load(&app, &login, &device).await?;
    let confirm = revocation(&target);
    let reason = match confirm.check(&fields) {
        Ok(reason) => reason,
        Err(problems) => return Ok(again(confirm.page(&app, &login, &Filled::with(fields, problems)))),
    };
    let (work, context, id, url) = (Arc::clone(&app), login.context.clone(), target.id, target.url());
    app.act(&login, &fields, format!("revoke {id}"), async move {
        work.fleet.revoke_device(&context, id, &reason).await?;
        Ok(format!("{url}?done=revoked"))
    })
    .await
}

pub(crate) async fn ask_remove(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(device): Address<String>,
) -> Result<impl IntoResponse, WebError> {
    login.demand(Permission::Administer)?;
    let target = Target::load(&app, &login, &device).await?;
    Ok(Page(removal(&target).page(&app, &login, &Filled::default())))
}

pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    Address(device): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let target = Target::load(&app, &login, &device).await?;
    let confirm = removal(&target);
    let reason = match confirm.check(&fields) {
        Ok(reason) => reason,
        Err(problems) => return Ok(again(confirm.page(&app, &login, &Filled::with(fields, problems)))),
    };
    let keep_data = fields.has("keep_data");
    let (work, context, id, url) = (Arc::clone(&app), login.context.clone(), target.id, target.url());
    app.act(&login, &fields, format!("remove {id}"), async move {
        work.fleet.remove_device(&context, id, fleet::Removal { keep_data, reason }).await?;
        Ok(if keep_data { url } else { "/devices".to_owned() })
    })
    .await
}

fn revocation(target: &Target) -> Confirm {
    Confirm {
        area: Area::Devices,
        title: format!("Revoke all credentials of {}", target.endpoint()),
        about: vec![
            "Whatever it proves itself with is refused from now on. Its sessions and its registration end at once, and operations that wait for it are cancelled.".to_owned(),
            "The device stays in the list, with its data. It comes back only with a new credential.".to_owned(),
        ],
        items: Vec::new(),
        expected: target.endpoint(),
        extra: Vec::new(),
        reason: true,
        button: "Revoke all",
        action: format!("{}/revoke", target.url()),
        back: format!("{}/danger", target.url()),
    }
}

fn removal(target: &Target) -> Confirm {
    Confirm {
        area: Area::Devices,
        title: format!("Remove {}", target.endpoint()),
        about: vec![
            "Its credentials are revoked, its sessions and its registration end at once, and it does not come back unless it is added again.".to_owned(),
        ],
        items: Vec::new(),
        expected: target.endpoint(),
        extra: vec![keep_data()],
        reason: true,
        button: "Remove the device",
        action: format!("{}/remove", target.url()),
        back: format!("{}/danger", target.url()),
    }
}

/// The box to keep what a device has left.
pub(crate) fn keep_data() -> Field {
    Field::new("keep_data", "Keep its values, operations and timeline").check(false).hint(
        "Otherwise they are deleted and can’t be brought back. The audit log keeps what was done either way.",
    )
}
