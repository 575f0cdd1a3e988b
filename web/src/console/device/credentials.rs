//! `/devices/{device}/credentials`: what a device proves itself with: the list; add, rotate, revoke.

use std::{collections::HashMap, sync::Arc};

use askama::Template;
use axum::{
    extract::{Path as Address, Query, State},
    response::{IntoResponse, Response},
};
use fleet::{Credential, CredentialState, Permission, PublicId, Purpose, Rotation, SeenCertificate};

use crate::{
    app::App,
    console::{
        badge::Badge,
        confirm::Confirm,
        device::{Done, Reachability},
        expiry::{Expiry, Seen},
        given::{self, CredentialFields, OWN},
        shown::{self, Secret},
        target::{Target, public_id},
    },
    error::WebError,
    form::Posted,
    page::{Area, Page, Shell, again},
    session::SignedIn,
    show::{Moment, visible},
    ui::{Field, Filled, Tab, mend},
};

#[derive(Template)]
#[template(path = "device/credentials.html")]
struct CredentialsPage {
    shell: Shell,
    url: String,
    endpoint: String,
    state: Reachability,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    purpose: Field,
    fields: CredentialFields,
    problems: Vec<String>,
    removed: bool,
}

struct Row {
    url: String,
    purpose: &'static str,
    identity: String,
    kind: &'static str,
    badge: Badge,
    made: Moment,
    made_by: String,
    changed: Moment,
    used: Option<Moment>,
    valid_to: Option<Expiry>,
    /// The certificate that the device came with last.
    seen: Option<Seen>,
    /// The identity of the one it replaces.
    replaces: Option<String>,
    opens: bool,
    live: bool,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(device): Address<String>,
    Query(done): Query<Done>,
) -> Result<impl IntoResponse, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    Ok(Page(CredentialsPage::load(&app, &login, &target, &done.done, &Filled::default()).await?))
}

pub(crate) async fn add(
    State(app): State<Arc<App>>,
    Address(device): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    let sent = fields.clone();
    let what = format!("add credential {}", target.id);
    let (work, context, user, id) = (Arc::clone(&app), login.context.clone(), login.user(), target.id);
    let endpoint = target.detail.view.device.endpoint.to_string();
    let done = app.act(&login, &fields, what, async move {
        let purpose = match sent.text("purpose") {
            "bootstrap" => Purpose::Bootstrap,
            _ => Purpose::Management,
        };
        let shown = work.fleet.add_credential(&context, id, purpose, given::given(&sent, &OWN)?).await?;
        shown::keep(&work, user, Secret::Device { device: id, endpoint, shown: vec![shown] })
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(error) => {
            let filled = mend(fields, error)?;
            Ok(again(CredentialsPage::load(&app, &login, &target, "", &filled).await?))
        }
    }
}

pub(crate) async fn rotate(
    State(app): State<Arc<App>>,
    Address((device, credential)): Address<(String, String)>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    let credential = credential_id(&credential)?;
    let what = format!("rotate credential {credential}");
    let (work, context, user, id) = (Arc::clone(&app), login.context.clone(), login.user(), target.id);
    let (endpoint, url) = (target.detail.view.device.endpoint.to_string(), target.url());
    app.act(&login, &fields, what, async move {
        match work.fleet.rotate_credential(&context, id, credential).await? {
            Rotation::Shown(shown) => {
                shown::keep(&work, user, Secret::Device { device: id, endpoint, shown: vec![shown] })
            }
            Rotation::Triggered(operated) => Ok(format!("{url}/operations/{}", operated.id)),
        }
    })
    .await
}

pub(crate) async fn ask_revoke(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address((device, credential)): Address<(String, String)>,
) -> Result<impl IntoResponse, WebError> {
    login.demand(Permission::Administer)?;
    let target = Target::load(&app, &login, &device).await?;
    let credential = find(&app, &login, &target, &credential).await?;
    Ok(Page(confirm(&target, &credential).page(&app, &login, &Filled::default())))
}

pub(crate) async fn revoke(
    State(app): State<Arc<App>>,
    Address((device, credential)): Address<(String, String)>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let target = Target::load(&app, &login, &device).await?;
    let credential = find(&app, &login, &target, &credential).await?;
    let confirm = confirm(&target, &credential);
    let reason = match confirm.check(&fields) {
        Ok(reason) => reason,
        Err(problems) => return Ok(again(confirm.page(&app, &login, &Filled::with(fields, problems)))),
    };
    let what = format!("revoke credential {}", credential.public_id);
    let (work, context, id, url) = (Arc::clone(&app), login.context.clone(), target.id, target.url());
    app.act(&login, &fields, what, async move {
        work.fleet.revoke_credential(&context, id, credential.public_id, &reason).await?;
        Ok(format!("{url}/credentials?done=revoked"))
    })
    .await
}

fn confirm(target: &Target, credential: &Credential) -> Confirm {
    let identity = visible(credential.identity.text().chars());
    Confirm {
        area: Area::Devices,
        title: format!("Revoke the {} credential of {}", credential.purpose.name(), target.endpoint()),
        about: vec![
            format!(
                "The identity {identity} is refused from now on. Sessions and the registration it opened end at once, and operations that wait for the device are cancelled."
            ),
            "This can’t be taken back. The device needs another credential to come back.".to_owned(),
        ],
        items: Vec::new(),
        expected: target.endpoint(),
        extra: Vec::new(),
        reason: true,
        button: "Revoke",
        action: format!("{}/credentials/{}/revoke", target.url(), credential.public_id),
        back: format!("{}/credentials", target.url()),
    }
}

async fn find(app: &App, login: &SignedIn, target: &Target, id: &str) -> Result<Credential, WebError> {
    let id = credential_id(id)?;
    let credentials = app.fleet.credentials(&login.context, target.id).await?;
    credentials
        .into_iter()
        .find(|credential| credential.public_id == id)
        .ok_or(WebError::NotFound("credential of this device"))
}

fn credential_id(text: &str) -> Result<PublicId, WebError> {
    public_id(text).map_err(|_| WebError::NotFound("credential of this device"))
}

impl CredentialsPage {
    async fn load(
        app: &App,
        login: &SignedIn,
        target: &Target,
        done: &str,
        filled: &Filled,
    ) -> Result<Self, WebError> {
        let credentials = app.fleet.credentials(&login.context, target.id).await?;
        let purposes = [("bootstrap", "Bootstrap"), ("management", "Management")];
        let purpose = Field::new("purpose", "For")
            .select(purposes.map(|(value, label)| (value.to_owned(), label.to_owned())).into())
            .value("bootstrap")
            .filled(filled);
        let fields = given::fields(&OWN, String::new(), "Leave empty to have one made.");
        let fields = fields.map(|field| field.filled(filled));
        let seen: HashMap<_, _> =
            app.fleet.seen_certificates(&login.context, target.id).await?.into_iter().collect();
        let row =
            |credential: &Credential| Row::new(target, credential, &credentials, seen.get(&credential.id));
        let title = format!("Credentials of {}", target.endpoint());
        Ok(Self {
            shell: Shell::new(app, login, Area::Devices, title).done(done),
            url: target.url(),
            endpoint: target.endpoint(),
            state: Reachability::new(target),
            tabs: target.tabs(login, "/credentials"),
            rows: credentials.iter().map(row).collect(),
            problems: filled.others(fields.all().chain([&purpose])),
            purpose,
            fields,
            removed: target.removed(),
        })
    }
}

impl Row {
    fn new(
        target: &Target,
        credential: &Credential,
        all: &[Credential],
        seen: Option<&SeenCertificate>,
    ) -> Self {
        let moment = |at| Moment::new(at, target.now);
        let parent = |id| match all.iter().find(|other| other.id == id) {
            Some(parent) => visible(parent.identity.text().chars()),
            None => "the claim it was enrolled by".to_owned(),
        };
        Self {
            url: format!("{}/credentials/{}", target.url(), credential.public_id),
            purpose: credential.purpose.name(),
            identity: visible(credential.identity.text().chars()),
            kind: credential.kind.name(),
            badge: Badge::of_credential(credential.state),
            made: moment(credential.created_at),
            made_by: visible(credential.created_by.chars()),
            changed: moment(credential.changed_at),
            used: credential.last_used_at.map(moment),
            valid_to: credential.valid_to.map(|at| Expiry::new(at, target.now)),
            seen: seen.map(|seen| Seen::new(seen, target.now)),
            replaces: credential.parent.map(parent),
            opens: credential.state.opens(),
            live: credential.state == CredentialState::Live,
        }
    }
}
