//! `/settings/webhooks`: where events are sent to.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path as Address, Query, State},
    response::{IntoResponse, Response},
};
use fleet::{Permission, PublicId, Timestamp, Webhook};

use super::tabs;
use crate::{
    app::App,
    console::{
        Done,
        badge::Badge,
        confirm::Confirm,
        public_id,
        shown::{self, Secret},
    },
    error::WebError,
    form::Posted,
    page::{Area, Page, Shell, again},
    session::SignedIn,
    show::{Moment, visible},
    ui::{Field, Filled, Tab, mend},
};

/// The kinds of events that can be asked for, by [`fleet::LoggedKind::name`], with their labels.
const KINDS: [(&str, &str); 7] = [
    ("registered", "registered"),
    ("updated", "updated its registration"),
    ("deregistered", "said goodbye"),
    ("expired", "lifetime ran out"),
    ("revoked", "revoked"),
    ("removed", "removed"),
    ("values", "gave values"),
];

#[derive(Template)]
#[template(path = "settings/webhooks.html")]
struct WebhooksPage {
    shell: Shell,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    url: Field,
    kinds: Vec<(&'static str, &'static str, bool)>,
    problems: Vec<String>,
}

struct Row {
    action: String,
    url: String,
    kinds: String,
    badge: Badge,
    paused: bool,
    failures: u32,
    error: String,
    retry: Option<Moment>,
    success: Option<Moment>,
    given_up: u64,
    made_by: String,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Query(done): Query<Done>,
) -> Result<impl IntoResponse, WebError> {
    // An address may hold a secret of the place it names.
    login.demand(Permission::Administer)?;
    Ok(Page(WebhooksPage::load(&app, &login, &done.done, &Filled::default(), &[]).await?))
}

pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let kinds: Vec<String> = fields.texts("kind").map(str::to_owned).collect();
    let (url, wanted) = (fields.text("url").trim().to_owned(), kinds.clone());
    let (work, context, user) = (Arc::clone(&app), login.context.clone(), login.user());
    let done = app.act(&login, &fields, "add webhook", async move {
        let (webhook, text) = work.fleet.add_webhook(&context, &url, wanted).await?;
        shown::keep(&work, user, Secret::Webhook { url: webhook.url, text: text.to_string() })
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(error) => {
            let filled = mend(fields, error)?;
            Ok(again(WebhooksPage::load(&app, &login, "", &filled, &kinds).await?))
        }
    }
}

pub(crate) async fn pause(
    State(app): State<Arc<App>>,
    Address(webhook): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let id = webhook_id(&webhook)?;
    let pause = fields.text("pause") == "yes";
    let (work, context) = (Arc::clone(&app), login.context.clone());
    app.act(&login, &fields, format!("pause webhook {id}"), async move {
        work.fleet.pause_webhook(&context, id, pause).await?;
        Ok("/settings/webhooks?done=webhook-changed".to_owned())
    })
    .await
}

pub(crate) async fn ask_remove(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(webhook): Address<String>,
) -> Result<impl IntoResponse, WebError> {
    login.demand(Permission::Administer)?;
    let webhook = find(&app, &login, &webhook).await?;
    Ok(Page(confirm(&webhook).page(&app, &login, &Filled::default())))
}

pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    Address(webhook): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let webhook = find(&app, &login, &webhook).await?;
    let confirm = confirm(&webhook);
    if let Err(problems) = confirm.check(&fields) {
        return Ok(again(confirm.page(&app, &login, &Filled::with(fields, problems))));
    }
    let (work, context, id) = (Arc::clone(&app), login.context.clone(), webhook.public_id);
    app.act(&login, &fields, format!("remove webhook {id}"), async move {
        work.fleet.remove_webhook(&context, id).await?;
        Ok("/settings/webhooks?done=webhook-removed".to_owned())
    })
    .await
}

fn confirm(webhook: &Webhook) -> Confirm {
    Confirm {
        area: Area::Settings,
        title: "Remove a webhook".to_owned(),
        about: vec![format!(
            "Events are not sent to {} any more, and what waits for it is dropped.",
            visible(webhook.url.chars())
        )],
        items: Vec::new(),
        expected: "remove".to_owned(),
        extra: Vec::new(),
        reason: false,
        button: "Remove the webhook",
        action: format!("/settings/webhooks/{}/remove", webhook.public_id),
        back: "/settings/webhooks".to_owned(),
    }
}

async fn find(app: &App, login: &SignedIn, id: &str) -> Result<Webhook, WebError> {
    let id = webhook_id(id)?;
    let webhooks = app.fleet.webhooks(&login.context).await?;
    webhooks.into_iter().find(|webhook| webhook.public_id == id).ok_or(WebError::NotFound("webhook"))
}

fn webhook_id(text: &str) -> Result<PublicId, WebError> {
    public_id(text).map_err(|_| WebError::NotFound("webhook"))
}

impl WebhooksPage {
    async fn load(
        app: &App,
        login: &SignedIn,
        done: &str,
        filled: &Filled,
        kinds: &[String],
    ) -> Result<Self, WebError> {
        let now = app.now();
        let webhooks = app.fleet.webhooks(&login.context).await?;
        let url = Field::new("url", "Address")
            .required()
            .hint("https, or http on loopback. Deliveries are signed, in order, and tried again for a day.")
            .filled(filled);
        Ok(Self {
            shell: Shell::new(app, login, Area::Settings, "Webhooks").done(done),
            tabs: tabs(login, "/webhooks"),
            rows: webhooks.iter().map(|webhook| Row::new(webhook, now)).collect(),
            problems: filled.others([&url]),
            url,
            kinds: KINDS.map(|(name, label)| (name, label, kinds.iter().any(|kind| kind == name))).into(),
        })
    }
}

impl Row {
    fn new(webhook: &Webhook, now: Timestamp) -> Self {
        let badge = if webhook.paused {
            Badge { tone: "", icon: "square", text: "Paused" }
        } else if webhook.failures > 0 {
            Badge { tone: "bad", icon: "cross", text: "Failing" }
        } else if webhook.last_success_at.is_some() {
            Badge { tone: "good", icon: "check", text: "Delivers" }
        } else {
            Badge { tone: "calm", icon: "clock", text: "Nothing sent yet" }
        };
        Self {
            action: format!("/settings/webhooks/{}", webhook.public_id),
            url: visible(webhook.url.chars()),
            kinds: if webhook.kinds.is_empty() { "all events".to_owned() } else { webhook.kinds.join(", ") },
            badge,
            paused: webhook.paused,
            failures: webhook.failures,
            error: visible(webhook.last_error.chars()),
            retry: webhook.retry_at.map(|at| Moment::new(at, now)),
            success: webhook.last_success_at.map(|at| Moment::new(at, now)),
            given_up: webhook.given_up,
            made_by: visible(webhook.created_by.chars()),
        }
    }
}
