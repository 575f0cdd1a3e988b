//! `muster webhook`.

use clap::Subcommand;
use ureq::http::Method;
use web::api::v1::types::{EventKind, MadeWebhook, NewWebhook, Pause, Webhook};

use super::{
    Command, Session,
    address::Address,
    failure::Failure,
    output::{Tabular, or_empty, yes},
    paging::print_whole,
};

#[derive(Subcommand)]
pub(crate) enum WebhookCommand {
    /// Lists the webhooks, and how their deliveries go.
    List,
    /// Makes a webhook, and shows the secret its deliveries are signed with this once.
    Add {
        /// Where: https, or http on loopback.
        url: String,
        /// What it is told of, such as `registered,values` [default: everything].
        #[arg(long, value_name = "KINDS", value_delimiter = ',')]
        kinds: Vec<EventKind>,
    },
    /// Pauses a webhook: what happens meanwhile is delivered afterwards.
    Pause {
        /// Its id.
        id: String,
    },
    /// Lets a webhook go on.
    Resume {
        /// Its id.
        id: String,
    },
    /// Removes a webhook.
    Remove {
        /// Its id.
        id: String,
    },
}

impl Command for WebhookCommand {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        let webhooks = Address::new(&["webhooks"]);
        match self {
            Self::List => print_whole::<Webhook>(session, &webhooks),
            Self::Add { url, kinds } => {
                let made: MadeWebhook =
                    session.client.send(Method::POST, &webhooks, &NewWebhook { url, kinds })?;
                session.output.one(&made)
            }
            Self::Pause { id } => {
                pause(session, &id, true)?;
                session.output.done("It is paused.")
            }
            Self::Resume { id } => {
                pause(session, &id, false)?;
                session.output.done("It goes on.")
            }
            Self::Remove { id } => {
                session.consent.to(&format!("Remove the webhook {id}"))?;
                session.client.act(Method::DELETE, &Address::new(&["webhooks", &id]))?;
                session.output.done("It is removed.")
            }
        }
    }
}

fn pause(session: &Session, id: &str, paused: bool) -> Result<(), Failure> {
    session.client.tell(Method::PUT, &Address::new(&["webhooks", id, "pause"]), &Pause { paused })
}

impl Tabular for Webhook {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "url",
        "kinds",
        "paused",
        "log_position",
        "failures",
        "retry_at",
        "last_error",
        "last_success_at",
        "given_up",
        "created_by",
        "created_at",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.url.clone(),
            kinds(&self.kinds),
            yes(self.paused),
            self.log_position.to_string(),
            self.failures.to_string(),
            or_empty(self.retry_at.as_ref()),
            self.last_error.clone(),
            self.last_success_at.as_ref().map_or_else(|| "never".to_owned(), ToString::to_string),
            self.given_up.to_string(),
            self.created_by.clone(),
            self.created_at.to_string(),
        ]
    }
}

impl Tabular for MadeWebhook {
    const COLUMNS: &'static [&'static str] = &["id", "url", "kinds", "secret"];

    fn cells(&self) -> Vec<String> {
        let webhook = &self.webhook;
        let secret = self.secret.clone().unwrap_or_default();
        vec![webhook.id.clone(), webhook.url.clone(), kinds(&webhook.kinds), secret]
    }
}

fn kinds(kinds: &[EventKind]) -> String {
    if kinds.is_empty() {
        return "all".to_owned();
    }
    kinds.iter().map(EventKind::to_string).collect::<Vec<_>>().join(" ")
}
