//! `/security`: the certificates by which devices and this server know each other: whom the server trusts, until when,
//! what was taken back, and what there is to be given to devices.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    response::{IntoResponse, Response},
};
use fleet::{Authority, FleetError, Permission, PublicId, RevocationList, Timestamp};

use crate::{
    app::App,
    console::{
        Done,
        badge::Badge,
        expiry::{Expiry, name},
        public_id,
    },
    error::WebError,
    form::{Fields, Posted},
    page::{Area, Page, Shell, again},
    pem,
    session::SignedIn,
    show::{Moment, visible},
    ui::{Field, Filled, mend},
};

pub(crate) mod download;

pub(crate) mod removal;

pub(crate) mod revocations;

#[derive(Template)]
#[template(path = "security.html")]
struct SecurityPage {
    shell: Shell,
    rows: Vec<Row>,
    /// What is to be done soon, or is too late.
    warnings: Vec<String>,
    server: Option<Server>,
    fields: Vec<Field>,
    problems: Vec<String>,
}

/// An authority.
struct Row {
    url: String,
    name: String,
    own: bool,
    subject: String,
    expiry: Expiry,
    list: Option<List>,
    made: Moment,
    made_by: String,
}

/// What an authority has taken back.
struct List {
    number: String,
    badge: Badge,
    made: Moment,
    next: Option<Moment>,
    revoked: u32,
}

/// How devices know this server.
struct Server {
    certificate: Option<Expiry>,
    public_key: Option<PublicKey>,
}

struct PublicKey {
    pem: String,
    hex: String,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Query(done): Query<Done>,
) -> Result<impl IntoResponse, WebError> {
    Ok(Page(SecurityPage::load(&app, &login, &done.done, &Filled::default()).await?))
}

pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let sent = fields.clone();
    let (work, context) = (Arc::clone(&app), login.context.clone());
    let done = app.act(&login, &fields, "add authority", async move {
        let certificate = uploaded(&sent, "certificate", "file")?;
        work.fleet.add_authority(&context, sent.text("name").trim(), certificate).await?;
        Ok("/security?done=authority-added".to_owned())
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(error) => {
            let filled = mend(fields, error)?;
            Ok(again(SecurityPage::load(&app, &login, "", &filled).await?))
        }
    }
}

/// A file, or else the text that was pasted.
fn uploaded<'a>(fields: &'a Fields, text: &'static str, file: &'static str) -> Result<&'a [u8], FleetError> {
    match fields.file(file) {
        Some(bytes) => Ok(bytes),
        None if fields.text(text).trim().is_empty() => {
            let reason = "choose a file, or paste its text".to_owned();
            Err(FleetError::Invalid { field: text, reason })
        }
        None => Ok(fields.text(text).as_bytes()),
    }
}

async fn find(app: &App, login: &SignedIn, id: &str) -> Result<Authority, WebError> {
    let id: PublicId = public_id(id).map_err(|_| WebError::NotFound("authority"))?;
    let authorities = app.fleet.authorities(&login.context).await?;
    authorities.into_iter().find(|one| one.public_id == id).ok_or(WebError::NotFound("authority"))
}

fn url_of(authority: &Authority) -> String {
    format!("/security/authorities/{}", authority.public_id)
}

impl SecurityPage {
    async fn load(app: &App, login: &SignedIn, done: &str, filled: &Filled) -> Result<Self, WebError> {
        let now = app.now();
        let authorities = app.fleet.authorities(&login.context).await?;
        let keys = app.fleet.server_keys(&login.context).await?;
        let fields = [
            Field::new("name", "Name").required().hint("What people call it, such as the factory."),
            Field::new("file", "File with its certificate, PEM or DER").kind("file"),
            Field::new("certificate", "Or its text, PEM").kind("area"),
        ];
        let fields = fields.map(|field| field.filled(filled));
        let certificate = keys.certificate.as_deref().and_then(|der| fleet::Certificate::parse(der).ok());
        let server = Server {
            certificate: certificate.map(|facts| Expiry::new(facts.not_after, now)),
            public_key: keys
                .public_key
                .map(|der| PublicKey { pem: pem::public_key(&der), hex: pem::hex(&der) }),
        };
        let has_any = server.certificate.is_some() || server.public_key.is_some();
        Ok(Self {
            shell: Shell::new(app, login, Area::Security, "Certificates").done(done),
            rows: authorities.iter().map(|authority| Row::new(authority, now)).collect(),
            warnings: authorities.iter().flat_map(|authority| warnings(authority, now)).collect(),
            server: has_any.then_some(server),
            problems: filled.others(&fields),
            fields: fields.into(),
        })
    }
}

impl Row {
    fn new(authority: &Authority, now: Timestamp) -> Self {
        let facts = fleet::Certificate::parse(&authority.certificate);
        Self {
            url: url_of(authority),
            name: visible(authority.name.chars()),
            own: authority.own,
            subject: facts.map(|facts| name(&facts.subject)).unwrap_or_default(),
            expiry: Expiry::new(authority.not_after, now),
            list: authority.revocations.as_ref().map(|list| List::new(list, now)),
            made: Moment::new(authority.created_at, now),
            made_by: visible(authority.created_by.chars()),
        }
    }
}

impl List {
    fn new(list: &RevocationList, now: Timestamp) -> Self {
        let badge = if is_stale(list, now) {
            Badge { tone: "warn", icon: "clock", text: "Stale" }
        } else {
            Badge { tone: "good", icon: "check", text: "Current" }
        };
        Self {
            number: list.number.clone().unwrap_or_else(|| "none".to_owned()),
            badge,
            made: Moment::new(list.this_update, now),
            next: list.next_update.map(|at| Moment::new(at, now)),
            revoked: list.revoked,
        }
    }
}

/// RFC 5280 §5.1.2.5: the next list will be issued by then, so this one is not to be relied on any more.
fn is_stale(list: &RevocationList, now: Timestamp) -> bool {
    list.next_update.is_some_and(|next| next <= now)
}

fn warnings(authority: &Authority, now: Timestamp) -> Vec<String> {
    let name = visible(authority.name.chars());
    let expiry = Expiry::new(authority.not_after, now);
    let mut warnings = Vec::new();
    if expiry.badge.tone != "good" {
        let word = if authority.not_after <= now { "has expired" } else { "expires" };
        warnings.push(format!(
            "The authority {name} {word} {}: devices with its certificates are let in only until then. Add the one that follows it.",
            expiry.at.ago
        ));
    }
    if authority.revocations.as_ref().is_some_and(|list| is_stale(list, now)) {
        warnings.push(format!(
            "The revocation list of {name} is stale: what was taken back since is let in. Upload the next one."
        ));
    }
    warnings
}
