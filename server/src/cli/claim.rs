//! `muster claim`.

use std::path::PathBuf;

use clap::Subcommand;
use ureq::http::Method;
use web::api::v1::types::{Claim, NewClaim, NewPsk, OpenedClaim};

use super::{
    Command, Session,
    address::Address,
    credential::key,
    failure::Failure,
    now,
    output::{Tabular, yes},
    paging::Paging,
    span::Moment,
};

#[derive(Subcommand)]
pub(crate) enum ClaimCommand {
    /// Lists the claims, newest first.
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Opens a claim, and shows its key this once.
    Add {
        /// What people call it, such as the name of a production batch.
        name: String,
        /// How many devices it may enrol.
        #[arg(long, value_name = "DEVICES")]
        quota: u32,
        /// When it ends to be good: a moment (RFC 3339), or a span from now on such as 30d.
        #[arg(long, value_name = "MOMENT")]
        closes: Moment,
        /// When it begins to be good, likewise [default: now].
        #[arg(long, value_name = "MOMENT")]
        opens: Option<Moment>,
        /// The class of the devices it enrols [default: default].
        #[arg(long, value_name = "CLASS")]
        class: Option<String>,
        /// The PSK identity; one is made if none is given.
        #[arg(long, value_name = "IDENTITY")]
        identity: Option<String>,
        /// A file with the key as hexadecimal digits, `-` for stdin; one is made if none is given.
        #[arg(long, value_name = "FILE")]
        key_file: Option<PathBuf>,
    },
    /// Closes a claim before its time. The devices it has enrolled stay.
    Close {
        /// Its id.
        id: String,
    },
}

impl Command for ClaimCommand {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        let claims = Address::new(&["claims"]);
        match self {
            Self::List { paging } => paging.print::<Claim>(session, &claims),
            Self::Add { name, quota, closes, opens, class, identity, key_file } => {
                let now = now();
                let new = NewClaim {
                    name,
                    class,
                    quota,
                    opens_at: opens.map(|moment| moment.seen_from(now)),
                    closes_at: closes.seen_from(now),
                    credential: NewPsk { identity, key: key(key_file)? },
                };
                let opened: OpenedClaim = session.client.send(Method::POST, &claims, &new)?;
                session.output.one(&opened)
            }
            Self::Close { id } => {
                session.consent.to(&format!("Close the claim {id}: its key opens nothing any more"))?;
                session.client.act(Method::POST, &Address::new(&["claims", &id, "close"]))?;
                session.output.done("It is closed.")
            }
        }
    }
}

impl Tabular for Claim {
    const COLUMNS: &'static [&'static str] =
        &["id", "name", "class", "used", "quota", "opens_at", "closes_at", "closed", "created_by"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.name.clone(),
            self.class.clone(),
            self.used.to_string(),
            self.quota.to_string(),
            self.opens_at.to_string(),
            self.closes_at.to_string(),
            yes(self.closed),
            self.created_by.clone(),
        ]
    }
}

impl Tabular for OpenedClaim {
    const COLUMNS: &'static [&'static str] =
        &["id", "name", "class", "quota", "closes_at", "identity", "key"];

    fn cells(&self) -> Vec<String> {
        let Self { claim, credential } = self;
        vec![
            claim.id.clone(),
            claim.name.clone(),
            claim.class.clone(),
            claim.quota.to_string(),
            claim.closes_at.to_string(),
            credential.credential.identity.clone(),
            credential.key.clone().unwrap_or_default(),
        ]
    }
}
