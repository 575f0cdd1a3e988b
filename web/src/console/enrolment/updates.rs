//! `/enrolment/classes/{class}/updates`: what a class takes as updates, and from whom.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path as Address, Query, State},
    response::{IntoResponse, Response},
};
use fleet::{Class, Fingerprint, FleetError, Permission, UpdateKey, UpdatePolicy};
use uuid::Uuid;

use crate::{
    app::App,
    console::{
        Done,
        enrolment::classes::{find, url_of},
    },
    error::WebError,
    form::{Fields, Posted},
    page::{Area, Page, Shell, again},
    session::SignedIn,
    show::{Moment, visible},
    ui::{Field, Filled, mend},
};

#[derive(Template)]
#[template(path = "enrolment/updates.html")]
struct UpdatesPage {
    shell: Shell,
    name: String,
    class: String,
    keys_url: String,
    url: String,
    policy: Vec<Field>,
    policy_problems: Vec<String>,
    keys: Vec<Row>,
    key: Vec<Field>,
    key_problems: Vec<String>,
}

struct Row {
    id: Fingerprint,
    name: String,
    algorithm: &'static str,
    added_by: String,
    at: Moment,
    revoked: Option<Moment>,
}

/// What was typed into the forms.
#[derive(Default)]
struct Typed {
    policy: Filled,
    key: Filled,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(name): Address<String>,
    Query(done): Query<Done>,
) -> Result<impl IntoResponse, WebError> {
    login.demand(Permission::Administer)?;
    let class = find(&app, &login, &name).await?;
    Ok(Page(UpdatesPage::load(&app, &login, &class, &done.done, &Typed::default()).await?))
}

pub(crate) async fn save(
    State(app): State<Arc<App>>,
    Address(name): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let class = find(&app, &login, &name).await?;
    let (sent, id, url) = (fields.clone(), class.id, url_of(&class));
    let (work, context) = (Arc::clone(&app), login.context.clone());
    let done = app.act(&login, &fields, format!("updates of class {}", class.name), async move {
        let policy = UpdatePolicy {
            class: id,
            vendor_id: uuid(&sent, "vendor_id")?,
            class_id: uuid(&sent, "class_id")?,
            unsigned: sent.has("unsigned"),
            coap: sent.has("coap"),
            http: sent.has("http"),
        };
        work.fleet.set_update_policy(&context, policy).await?;
        Ok(format!("{url}/updates?done=updates-saved"))
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(error) => {
            let typed = Typed { policy: mend(fields, error)?, ..Typed::default() };
            Ok(again(UpdatesPage::load(&app, &login, &class, "", &typed).await?))
        }
    }
}

pub(crate) async fn add_key(
    State(app): State<Arc<App>>,
    Address(name): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let class = find(&app, &login, &name).await?;
    let (sent, id, url) = (fields.clone(), class.id, url_of(&class));
    let (work, context) = (Arc::clone(&app), login.context.clone());
    let done = app.act(&login, &fields, format!("update key of class {}", class.name), async move {
        let text = sent.text("public_key").as_bytes();
        let given = sent.file("key_file").unwrap_or(text);
        work.fleet.add_update_key(&context, id, sent.text("name"), given).await?;
        Ok(format!("{url}/updates?done=update-key-added"))
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(error) => {
            let key = mend(fields, error)?.at("public key", "public_key");
            let typed = Typed { key, ..Typed::default() };
            Ok(again(UpdatesPage::load(&app, &login, &class, "", &typed).await?))
        }
    }
}

pub(crate) async fn revoke_key(
    State(app): State<Arc<App>>,
    Address((name, key)): Address<(String, String)>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let class = find(&app, &login, &name).await?;
    let key = Fingerprint::from_hex(&key).ok_or(WebError::NotFound("update key"))?;
    let (id, url) = (class.id, url_of(&class));
    let (work, context) = (Arc::clone(&app), login.context.clone());
    app.act(&login, &fields, format!("revoke update key {key} of class {}", class.name), async move {
        work.fleet.revoke_update_key(&context, id, key).await?;
        Ok(format!("{url}/updates?done=update-key-revoked"))
    })
    .await
}

fn uuid(fields: &Fields, field: &'static str) -> Result<Option<Uuid>, FleetError> {
    let text = fields.text(field).trim();
    let reason = || "it is a UUID, such as fa6b4a53-d5ad-5fdf-be9d-e663e4d41ffe".to_owned();
    let read = || Uuid::parse_str(text).map_err(|_| FleetError::Invalid { field, reason: reason() });
    if text.is_empty() { Ok(None) } else { read().map(Some) }
}

impl UpdatesPage {
    async fn load(
        app: &App,
        login: &SignedIn,
        class: &Class,
        done: &str,
        typed: &Typed,
    ) -> Result<Self, WebError> {
        let (policy, keys) = app.fleet.update_policy(&login.context, class.id).await?;
        let (name, now) = (visible(class.name.chars()), app.now());
        let id = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
        let of_policy = [
            Field::new("vendor_id", "Vendor id")
                .value(id(policy.vendor_id))
                .hint("A UUID, as SUIT manifests name who makes these devices."),
            Field::new("class_id", "Class id")
                .value(id(policy.class_id))
                .hint("A UUID, as SUIT manifests name what these devices are."),
            Field::new("unsigned", "Take images that nobody has signed").check(policy.unsigned),
            Field::new("coap", "Let devices pull by coap, in the clear").check(policy.coap),
            Field::new("http", "Let devices pull by http, in the clear").check(policy.http),
        ];
        let of_policy = of_policy.map(|field| field.filled(&typed.policy));
        let of_key = [
            Field::new("name", "Name").required().hint("What people call it: build server, say."),
            Field::new("public_key", "Public key")
                .kind("area")
                .hint("Ed25519 or ECDSA on P-256, in PEM: “openssl pkey -in key.pem -pubout” writes it."),
            Field::new("key_file", "Or a file of it").kind("file"),
        ];
        let of_key = of_key.map(|field| field.filled(&typed.key));
        let row = |key: UpdateKey| Row {
            id: key.id,
            name: visible(key.name.chars()),
            algorithm: key.algorithm.name(),
            added_by: visible(key.added_by.chars()),
            at: Moment::new(key.added_at, now),
            revoked: key.revoked_at.map(|at| Moment::new(at, now)),
        };
        Ok(Self {
            shell: Shell::new(app, login, Area::Enrolment, format!("Updates of class {name}")).done(done),
            class: url_of(class),
            url: format!("{}/updates", url_of(class)),
            keys_url: format!("{}/updates/keys", url_of(class)),
            name,
            policy_problems: typed.policy.others(&of_policy),
            policy: of_policy.into(),
            keys: keys.into_iter().map(row).collect(),
            key_problems: typed.key.others(&of_key),
            key: of_key.into(),
        })
    }
}
