//! `/settings/accounts`: who may log in, as what.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path as Address, Query, State},
    response::{IntoResponse, Response},
};
use fleet::{FleetError, PasswordHash, Permission, Role, Timestamp, User};

use super::tabs;
use crate::{
    app::App,
    console::{Done, badge::Badge, public_id},
    error::WebError,
    form::{Fields, Posted},
    page::{Area, Page, Shell, again},
    session::SignedIn,
    show::{Moment, visible},
    ui::{Field, Filled, Tab, mend},
};

#[derive(Template)]
#[template(path = "settings/accounts.html")]
struct AccountsPage {
    shell: Shell,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    fields: Vec<Field>,
    problems: Vec<String>,
}

struct Row {
    url: String,
    name: String,
    role: &'static str,
    badge: Badge,
    made: Moment,
}

#[derive(Template)]
#[template(path = "settings/account.html")]
struct AccountPage {
    shell: Shell,
    url: String,
    name: String,
    role: Field,
    disabled: bool,
    password: Vec<Field>,
    problems: Vec<String>,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Query(done): Query<Done>,
) -> Result<impl IntoResponse, WebError> {
    Ok(Page(AccountsPage::load(&app, &login, &done.done, &Filled::default()).await?))
}

pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    // Hashing costs 19 MiB: not for whoever may not.
    login.demand(Permission::Administer)?;
    let sent = fields.clone();
    let (work, context) = (Arc::clone(&app), login.context.clone());
    let done = app.act(&login, &fields, "add account", async move {
        let name = sent.text("name").trim();
        let role = role_named(sent.text("role"))?;
        User::check_name(name)?;
        let hash = hash(&work, name, &sent).await?;
        work.fleet.add_user(&context, name, role, hash).await?;
        Ok("/settings/accounts?done=account-added".to_owned())
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(error) => {
            let filled = mend(fields, error)?;
            Ok(again(AccountsPage::load(&app, &login, "", &filled).await?))
        }
    }
}

pub(crate) async fn account(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(account): Address<String>,
    Query(done): Query<Done>,
) -> Result<impl IntoResponse, WebError> {
    let user = find(&app, &login, &account).await?;
    Ok(Page(AccountPage::new(&app, &login, &user, &done.done, &Filled::default())))
}

/// Changes the role, the password, or whether the account may log in: `what` says which.
pub(crate) async fn change(
    State(app): State<Arc<App>>,
    Address(account): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let user = find(&app, &login, &account).await?;
    let (sent, id, name) = (fields.clone(), user.public_id, user.name.clone());
    let (work, context) = (Arc::clone(&app), login.context.clone());
    let done = app.act(&login, &fields, format!("change account {id}"), async move {
        let mut word = "account-changed";
        match sent.text("what") {
            "role" => work.fleet.change_role(&context, id, role_named(sent.text("role"))?).await?,
            "disable" => work.fleet.disable_user(&context, id, true).await?,
            "enable" => work.fleet.disable_user(&context, id, false).await?,
            "password" => {
                let hash = hash(&work, &name, &sent).await?;
                work.fleet.set_password(&context, id, hash).await?;
                word = "password-changed";
            }
            _ => return Err(FleetError::NotFound("change of an account")),
        }
        Ok(format!("/settings/accounts/{id}?done={word}"))
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(error) => {
            let filled = mend(fields, error)?;
            Ok(again(AccountPage::new(&app, &login, &user, "", &filled)))
        }
    }
}

async fn hash(app: &App, name: &str, fields: &Fields) -> Result<PasswordHash, FleetError> {
    let (password, name, salt) = (fields.text("password").to_owned(), name.to_owned(), app.random());
    if password != fields.text("again") {
        let reason = "the two passwords are not the same".to_owned();
        return Err(FleetError::Invalid { field: "again", reason });
    }
    Ok(app.hashing.run(move || PasswordHash::make(&name, &password, salt)).await??)
}

fn role_named(name: &str) -> Result<Role, FleetError> {
    Role::ALL.into_iter().find(|role| role.name() == name).ok_or(FleetError::NotFound("role"))
}

fn role_field() -> Field {
    let roles = [
        (Role::Viewer, "viewer: sees everything but secrets"),
        (Role::Operator, "operator: operates devices, too"),
        (Role::Administrator, "administrator: changes identities, accounts and settings, too"),
    ];
    Field::new("role", "Role")
        .select(roles.map(|(role, label)| (role.name().to_owned(), label.to_owned())).into())
        .value(Role::Viewer.name())
}

fn password_fields() -> Vec<Field> {
    let least = PasswordHash::MIN_CHARACTERS;
    vec![
        Field::new("password", "Password")
            .kind("password")
            .autocomplete("new-password")
            .required()
            .hint(format!("At least {least} characters. A few words are fine, pasting is, too.")),
        Field::new("again", "Password again").kind("password").autocomplete("new-password").required(),
    ]
}

async fn find(app: &App, login: &SignedIn, id: &str) -> Result<User, WebError> {
    let id = public_id(id).map_err(|_| WebError::NotFound("account"))?;
    let users = app.fleet.users(&login.context).await?;
    users.into_iter().find(|user| user.public_id == id).ok_or(WebError::NotFound("account"))
}

impl AccountsPage {
    async fn load(app: &App, login: &SignedIn, done: &str, filled: &Filled) -> Result<Self, WebError> {
        let now = app.now();
        let users = app.fleet.users(&login.context).await?;
        let mut fields = vec![Field::new("name", "Name").required(), role_field()];
        fields.extend(password_fields());
        let fields: Vec<Field> = fields.into_iter().map(|field| field.filled(filled)).collect();
        Ok(Self {
            shell: Shell::new(app, login, Area::Settings, "Accounts").done(done),
            tabs: tabs(login, "/accounts"),
            rows: users.iter().map(|user| Row::new(user, now)).collect(),
            problems: filled.others(&fields),
            fields,
        })
    }
}

impl AccountPage {
    fn new(app: &App, login: &SignedIn, user: &User, done: &str, filled: &Filled) -> Self {
        let name = visible(user.name.chars());
        let role = role_field().value(user.role.name()).filled(&Filled::default());
        let password: Vec<Field> = password_fields().into_iter().map(|field| field.filled(filled)).collect();
        Self {
            shell: Shell::new(app, login, Area::Settings, format!("Account {name}")).done(done),
            url: format!("/settings/accounts/{}", user.public_id),
            name,
            role,
            disabled: user.disabled_at.is_some(),
            problems: filled.others(&password),
            password,
        }
    }
}

impl Row {
    fn new(user: &User, now: Timestamp) -> Self {
        Self {
            url: format!("/settings/accounts/{}", user.public_id),
            name: visible(user.name.chars()),
            role: user.role.name(),
            badge: match user.disabled_at {
                Some(_) => Badge { tone: "bad", icon: "cross", text: "Disabled" },
                None => Badge { tone: "good", icon: "check", text: "May log in" },
            },
            made: Moment::new(user.created_at, now),
        }
    }
}
