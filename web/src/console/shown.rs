//! `GET /shown/{token}`: a secret that was just made, shown once. Whoever loads the page again finds nothing.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path as Address, State},
    response::IntoResponse,
};
use fleet::{CredentialKind, FleetError, Public, PublicId, Purpose, ServerKeys, Shown, UserId};

use crate::{
    app::App,
    console::connect_lines::{Account, Recipe, recipes},
    error::WebError,
    page::{Area, Page, Shell},
    pem,
    session::SignedIn,
    show::visible,
};

/// What is shown once.
pub(crate) enum Secret {
    /// The keys of a device.
    Device { device: PublicId, endpoint: String, shown: Vec<Shown> },
    /// The key that a batch of devices shares.
    Claim { name: String, shown: Box<Shown> },
    /// The text of a token.
    Token { name: String, text: String },
    /// The key that a webhook's deliveries are signed with.
    Webhook { url: String, text: String },
}

#[derive(Template)]
#[template(path = "shown.html")]
struct ShownPage {
    shell: Shell,
    what: Option<What>,
}

/// A secret as its page shows it.
struct What {
    title: &'static str,
    about: String,
    texts: Vec<Text>,
    recipes: Vec<Recipe>,
    next: String,
    next_label: &'static str,
}

struct Text {
    label: String,
    id: String,
    text: String,
}

/// Keeps a secret for its page, and gives that page's address.
pub(crate) fn keep(app: &App, user: UserId, secret: Secret) -> Result<String, FleetError> {
    let token = app.token();
    app.secrets.put(token.clone(), user, app.now(), secret);
    Ok(format!("/shown/{token}"))
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(token): Address<String>,
) -> Result<impl IntoResponse, WebError> {
    let secret = app.secrets.take(&token, login.user(), app.now());
    let keys = match &secret {
        Some(Secret::Device { .. }) => app.fleet.server_keys(&login.context).await?,
        _ => ServerKeys::default(),
    };
    let what = secret.map(|secret| What::new(&app, secret, &keys));
    let title = what.as_ref().map_or("Shown already", |what| what.title);
    let shell = Shell::new(&app, &login, Area::None, title);
    Ok(Page(ShownPage { shell, what }))
}

impl What {
    fn new(app: &App, secret: Secret, keys: &ServerKeys) -> Self {
        match secret {
            Secret::Device { device, endpoint, shown } => {
                let accounts: Vec<Account> = shown.iter().map(Account::of).collect();
                Self {
                    title: "Keys of the device",
                    about: format!("For {}.", visible(endpoint.chars())),
                    texts: shown.iter().flat_map(Text::of).chain(Text::of_server(&shown, keys)).collect(),
                    recipes: recipes(&app.settings.places, &endpoint, &accounts),
                    next: format!("/devices/{device}"),
                    next_label: "To the device",
                }
            }
            Secret::Claim { name, shown } => Self {
                title: "Key of the claim",
                about: format!(
                    "Devices of “{}” enrol themselves with it, each for one bootstrap.",
                    visible(name.chars())
                ),
                texts: Text::of(&shown),
                recipes: recipes(&app.settings.places, "SERIAL-NUMBER", &[Account::of(&shown)]),
                next: "/enrolment/claims".to_owned(),
                next_label: "To the claims",
            },
            Secret::Token { name, text } => Self {
                title: "Your new token",
                about: format!("“{}”: a program sends it as Authorization: Bearer.", visible(name.chars())),
                texts: vec![Text::new("Token", "token", text)],
                recipes: Vec::new(),
                next: "/settings/tokens".to_owned(),
                next_label: "To the tokens",
            },
            Secret::Webhook { url, text } => Self {
                title: "Key of the webhook",
                about: format!(
                    "Deliveries to {} are signed with it (Standard Webhooks).",
                    visible(url.chars())
                ),
                texts: vec![Text::new("Signing key", "webhook-key", text)],
                recipes: Vec::new(),
                next: "/settings/webhooks".to_owned(),
                next_label: "To the webhooks",
            },
        }
    }
}

impl Text {
    fn of(shown: &Shown) -> Vec<Self> {
        let purpose = match shown.credential.purpose {
            Purpose::Bootstrap => "Bootstrap",
            Purpose::Management => "Management",
        };
        let id = shown.credential.purpose.name();
        let identity = Self::new(
            &format!("{purpose} identity"),
            &format!("identity-{id}"),
            shown.credential.identity.text(),
        );
        let key = shown.psk().map(|key| {
            let label = format!("{purpose} key, in hexadecimal digits");
            Self::new(&label, &format!("key-{id}"), key.to_hex().to_string())
        });
        let pair = shown.secret.key_pair();
        let private = pair.map(|pair| {
            let text = pem::private_key(pair.private.as_bytes());
            Self::new(&format!("{purpose} private key"), &format!("private-key-{id}"), text)
        });
        let public = pair.and_then(|pair| match &pair.public {
            Public::Key(key) => Some(pem::public_key(key)),
            Public::Chain(_) => None,
        });
        let public =
            public.map(|text| Self::new(&format!("{purpose} public key"), &format!("public-key-{id}"), text));
        let chain = shown.chain();
        let chain = (!chain.is_empty()).then(|| {
            Self::new(&format!("{purpose} certificate"), &format!("certificate-{id}"), pem::chain(chain))
        });
        [identity].into_iter().chain(key).chain(private).chain(public).chain(chain).collect()
    }

    /// What the device is to know of the server, by the kinds of its credentials.
    fn of_server(shown: &[Shown], keys: &ServerKeys) -> Vec<Self> {
        let has = |kind| shown.iter().any(|shown| shown.credential.kind == kind);
        let key = keys.public_key.as_deref().filter(|_| has(CredentialKind::RawPublicKey));
        let certificate = keys.certificate.as_deref().filter(|_| has(CredentialKind::Certificate));
        let key = key.map(|der| Self::new("Public key of the server", "server-key", pem::public_key(der)));
        let certificate = certificate
            .map(|der| Self::new("Certificate of the server", "server-certificate", pem::certificate(der)));
        key.into_iter().chain(certificate).collect()
    }

    fn new(label: &str, id: &str, text: String) -> Self {
        Self { label: label.to_owned(), id: id.to_owned(), text }
    }
}
