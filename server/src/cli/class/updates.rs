//! `muster class updates` and `muster class key`: what a class takes as updates, and from whom.

use std::path::PathBuf;

use clap::Subcommand;
use ureq::http::Method;
use web::api::v1::types::{NewUpdateKey, UpdateKey, UpdatePolicy};

use crate::cli::{
    Command, Session,
    address::Address,
    failure::Failure,
    file,
    output::{Tabular, or_empty, yes},
    paging::print_whole,
};

#[derive(Subcommand)]
pub(crate) enum UpdatesCommand {
    /// Shows it.
    Show {
        /// The class's name.
        class: String,
    },
    /// Changes it; what is not named stays.
    Set {
        /// The class's name.
        class: String,
        /// Who makes its devices: a UUID, or nothing for none.
        #[arg(long, value_name = "UUID")]
        vendor_id: Option<String>,
        /// What its devices are: a UUID, or nothing for none.
        #[arg(long, value_name = "UUID")]
        class_id: Option<String>,
        /// Whether images that nobody has signed are taken.
        #[arg(long, value_name = "BOOL")]
        unsigned: Option<bool>,
        /// Whether devices may be told to pull by coap, in the clear.
        #[arg(long, value_name = "BOOL")]
        coap: Option<bool>,
        /// Whether devices may be told to pull by http, in the clear.
        #[arg(long, value_name = "BOOL")]
        http: Option<bool>,
    },
}

#[derive(Subcommand)]
pub(crate) enum KeyCommand {
    /// Lists the keys, revoked or not.
    List {
        /// The class's name.
        class: String,
    },
    /// Trusts a key.
    Add {
        /// The class's name.
        class: String,
        /// What it is to be called.
        name: String,
        /// Its public key, in PEM or DER: Ed25519 or ECDSA on P-256.
        file: PathBuf,
    },
    /// Trusts a key no more: nothing that it has signed is sent to devices of the class.
    Revoke {
        /// The class's name.
        class: String,
        /// Its id.
        key: String,
    },
}

impl Command for UpdatesCommand {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Show { class } => {
                let policy: UpdatePolicy = session.client.get(&policy_of(&class))?;
                session.output.one(&policy)
            }
            Self::Set { class, vendor_id, class_id, unsigned, coap, http } => {
                let old: UpdatePolicy = session.client.get(&policy_of(&class))?;
                let id = |new: Option<String>, old| match new {
                    Some(none) if none.is_empty() => None,
                    new => new.or(old),
                };
                let policy = UpdatePolicy {
                    vendor_id: id(vendor_id, old.vendor_id),
                    class_id: id(class_id, old.class_id),
                    unsigned: unsigned.unwrap_or(old.unsigned),
                    coap: coap.unwrap_or(old.coap),
                    http: http.unwrap_or(old.http),
                };
                session.client.tell(Method::PUT, &policy_of(&class), &policy)?;
                session.output.done("It is set.")
            }
        }
    }
}

impl Command for KeyCommand {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        let keys = |class: &str| Address::new(&["classes", class, "update-keys"]);
        match self {
            Self::List { class } => print_whole::<UpdateKey>(session, &keys(&class)),
            Self::Add { class, name, file } => {
                let new = NewUpdateKey { name, public_key: file::key_or_certificate(&file)? };
                let key: UpdateKey = session.client.send(Method::POST, &keys(&class), &new)?;
                session.output.one(&key)
            }
            Self::Revoke { class, key } => {
                session.consent.to("Trust the key no more")?;
                let address = Address::new(&["classes", &class, "update-keys", &key, "revoke"]);
                session.client.act(Method::POST, &address)?;
                session.output.done("It is revoked.")
            }
        }
    }
}

fn policy_of(class: &str) -> Address {
    Address::new(&["classes", class, "updates"])
}

impl Tabular for UpdatePolicy {
    const COLUMNS: &'static [&'static str] = &["vendor_id", "class_id", "unsigned", "coap", "http"];

    fn cells(&self) -> Vec<String> {
        vec![
            or_empty(self.vendor_id.as_ref()),
            or_empty(self.class_id.as_ref()),
            yes(self.unsigned),
            yes(self.coap),
            yes(self.http),
        ]
    }
}

impl Tabular for UpdateKey {
    const COLUMNS: &'static [&'static str] =
        &["id", "name", "algorithm", "added_by", "added_at", "revoked_at"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.name.clone(),
            self.algorithm.to_string(),
            self.added_by.clone(),
            self.added_at.to_string(),
            or_empty(self.revoked_at.as_ref()),
        ]
    }
}
