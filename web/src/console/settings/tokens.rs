//! `/settings/tokens`: what programs prove who they are with at the REST API.

use std::{sync::Arc, time::Duration};

use askama::Template;
use axum::{
    extract::{Path as Address, Query, State},
    response::{IntoResponse, Response},
};
use fleet::{ApiToken, FleetError, Role, Timestamp};

use super::tabs;
use crate::{
    app::App,
    console::{
        Done,
        badge::Badge,
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

#[derive(Template)]
#[template(path = "settings/tokens.html")]
struct TokensPage {
    shell: Shell,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    fields: Vec<Field>,
    problems: Vec<String>,
}

struct Row {
    url: String,
    name: String,
    owner: String,
    scope: &'static str,
    badge: Badge,
    made: Moment,
    expires: Moment,
    used: Option<Moment>,
    live: bool,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Query(done): Query<Done>,
) -> Result<impl IntoResponse, WebError> {
    Ok(Page(TokensPage::load(&app, &login, &done.done, &Filled::default()).await?))
}

pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let sent = fields.clone();
    let (work, context, user) = (Arc::clone(&app), login.context.clone(), login.user());
    let done = app.act(&login, &fields, "add token", async move {
        let scope = Role::ALL.into_iter().find(|role| role.name() == sent.text("scope"));
        let scope = scope.ok_or(FleetError::NotFound("scope"))?;
        let days: u64 = sent.text("days").trim().parse().map_err(|_| FleetError::Invalid {
            field: "days",
            reason: "expected a whole number of days".to_owned(),
        })?;
        let expires_in = Duration::from_secs(days.saturating_mul(86_400));
        let name = sent.text("name").trim();
        let (token, text) = work.fleet.add_token(&context, name, scope, Some(expires_in)).await?;
        shown::keep(&work, user, Secret::Token { name: token.name, text })
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(error) => {
            let filled = mend(fields, error)?.at("expires in", "days");
            Ok(again(TokensPage::load(&app, &login, "", &filled).await?))
        }
    }
}

pub(crate) async fn revoke(
    State(app): State<Arc<App>>,
    Address(token): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let token = public_id(&token).map_err(|_| WebError::NotFound("token"))?;
    let (work, context) = (Arc::clone(&app), login.context.clone());
    app.act(&login, &fields, format!("revoke token {token}"), async move {
        work.fleet.revoke_token(&context, token).await?;
        Ok("/settings/tokens?done=token-revoked".to_owned())
    })
    .await
}

impl TokensPage {
    async fn load(app: &App, login: &SignedIn, done: &str, filled: &Filled) -> Result<Self, WebError> {
        let now = app.now();
        let tokens = app.fleet.tokens(&login.context).await?;
        let scopes = [
            (Role::Viewer, "read", fleet::Permission::View),
            (Role::Operator, "operate devices", fleet::Permission::Operate),
            (Role::Administrator, "administer", fleet::Permission::Administer),
        ];
        let scopes = scopes.into_iter().filter(|(.., permission)| login.may(*permission));
        let fields = vec![
            Field::new("name", "Name").required().hint("What uses it, such as: nightly export."),
            Field::new("scope", "May")
                .select(scopes.map(|(role, label, _)| (role.name().to_owned(), label.to_owned())).collect())
                .value(Role::Viewer.name())
                .hint("Never more than its owner."),
            Field::new("days", "Good for, in days")
                .kind("number")
                .required()
                .value((ApiToken::DEFAULT_EXPIRY.as_secs() / 86_400).to_string())
                .hint(format!("At most {}.", ApiToken::MAX_EXPIRY.as_secs() / 86_400)),
        ];
        let fields: Vec<Field> = fields.into_iter().map(|field| field.filled(filled)).collect();
        Ok(Self {
            shell: Shell::new(app, login, Area::Settings, "Tokens").done(done),
            tabs: tabs(login, "/tokens"),
            rows: tokens.iter().map(|token| Row::new(token, now)).collect(),
            problems: filled.others(&fields),
            fields,
        })
    }
}

impl Row {
    fn new(token: &ApiToken, now: Timestamp) -> Self {
        let (badge, live) = if token.revoked_at.is_some() {
            (Badge { tone: "bad", icon: "cross", text: "Revoked" }, false)
        } else if now >= token.expires_at {
            (Badge { tone: "", icon: "clock", text: "Expired" }, false)
        } else {
            (Badge { tone: "good", icon: "check", text: "Good" }, true)
        };
        Self {
            url: format!("/settings/tokens/{}", token.public_id),
            name: visible(token.name.chars()),
            owner: visible(token.owner_name.chars()),
            scope: token.scope.name(),
            badge,
            made: Moment::new(token.created_at, now),
            expires: Moment::new(token.expires_at, now),
            used: token.last_used_at.map(|at| Moment::new(at, now)),
            live,
        }
    }
}
