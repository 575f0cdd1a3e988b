//! `POST /devices/{device}/labels`, and `POST /devices/labels` for many: what people write on devices.

use std::sync::Arc;

use axum::{
    extract::{Path as Address, State},
    response::{IntoResponse, Redirect, Response},
};
use fleet::{Fleet, FleetError, Labels, Permission, PublicId};

use crate::{
    app::App,
    console::{devices::chosen::chosen, target::Target},
    error::WebError,
    form::{Fields, Posted},
    session::SignedIn,
    ui::Field,
};

/// The labels of a device and the groups it is in, with the form that changes the labels.
pub(crate) struct Labelled {
    pub(crate) labels: String,
    /// Each with its page.
    pub(crate) groups: Vec<(String, String)>,
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
    app.act(&login, &fields, format!("labels of {id}"), async move {
        work.fleet.set_labels(&context, id, labels_of(&sent, "labels")?).await?;
        Ok(format!("{url}?done=labelled"))
    })
    .await
}

/// Puts labels on the devices that were ticked, or on all of the view, and takes labels off.
pub(crate) async fn save_many(
    State(app): State<Arc<App>>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let (found, cut) = chosen(&app, &login, &fields, Fleet::MAX_LABELLED).await?;
    if found.is_empty() {
        return Ok(Redirect::to("/devices?done=nothing-chosen").into_response());
    }
    let ids: Vec<PublicId> = found.into_iter().map(|(id, _)| id).collect();
    let (work, context, sent) = (Arc::clone(&app), login.context.clone(), fields.clone());
    app.act(&login, &fields, "label devices", async move {
        let set = labels_of(&sent, "set")?;
        let unset: Vec<String> = sent.text("unset").split_whitespace().map(str::to_owned).collect();
        let report = work.fleet.label_devices(&context, &ids, &set, &unset).await?;
        let whole = report.failed.is_empty() && !cut;
        Ok(format!("/devices?done={}", if whole { "labelled-many" } else { "labelled-some" }))
    })
    .await
}

fn labels_of(fields: &Fields, field: &'static str) -> Result<Labels, FleetError> {
    let invalid = |error: fleet::LabelError| FleetError::Invalid { field, reason: error.to_string() };
    fields.text(field).parse().map_err(invalid)
}

impl Labelled {
    pub(crate) fn new(target: &Target, login: &SignedIn) -> Self {
        let detail = &target.detail;
        let labels = detail.labels.to_string();
        let group = |group: &fleet::Group| {
            (format!("/groups/{}", group.public_id), crate::show::visible(group.name.chars()))
        };
        let field = Field::new("labels", "Labels").value(labels.clone()).hint(format!(
            "Such as site=zurich spare, with spaces between them: {} at most, of letters, digits and {}.",
            Labels::MAX,
            fleet::Label::PUNCTUATION
        ));
        Self {
            groups: detail.groups.iter().map(group).collect(),
            field: login.may(Permission::Administer).then_some(field),
            labels,
        }
    }
}
