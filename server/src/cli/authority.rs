//! `muster authority`: who is trusted to say which device is which, and how devices know the server.

use std::path::PathBuf;

use clap::Subcommand;
use ureq::http::Method;
use web::api::v1::types::{Authority, NewAuthority, Page, ServerKeys};

use super::{
    Command, Session,
    address::Address,
    client::Client,
    failure::Failure,
    file,
    output::{Tabular, or_empty, yes},
    paging::print_whole,
};

#[derive(Subcommand)]
pub(crate) enum AuthorityCommand {
    /// Lists the authorities that are trusted.
    List,
    /// Shows one with its certificate.
    Show {
        /// Its id or name.
        authority: String,
    },
    /// Trusts one: devices may come with certificates that it has issued.
    Add {
        /// What people call it.
        name: String,
        /// A file with its certificate, PEM or DER, `-` for stdin.
        file: PathBuf,
    },
    /// Takes the list of what it has taken back: sessions that were opened by a certificate on it end.
    Revocations {
        /// Its id or name.
        authority: String,
        /// A file with the list, PEM or DER, `-` for stdin.
        file: PathBuf,
    },
    /// Trusts it no more: sessions that were opened by what it has issued end.
    Remove {
        /// Its id or name.
        authority: String,
    },
    /// Shows how devices know this server: its certificate, and its raw public key.
    ServerKeys,
}

impl Command for AuthorityCommand {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        let authorities = Address::new(&["authorities"]);
        match self {
            Self::List => print_whole::<Authority>(session, &authorities),
            Self::Show { authority } => {
                let found = find(&session.client, &authority)?;
                session.output.one(&found)
            }
            Self::Add { name, file } => {
                let new = NewAuthority { name, certificate: file::key_or_certificate(&file)? };
                let added: Authority = session.client.send(Method::POST, &authorities, &new)?;
                session.output.one(&Added(added))
            }
            Self::Revocations { authority, file } => {
                let id = find(&session.client, &authority)?.id;
                let address = Address::new(&["authorities", &id, "revocation-list"]);
                let bytes = file::bytes(&file)?;
                let is_pem = bytes.starts_with(b"-----BEGIN");
                let content_type = if is_pem { "application/x-pem-file" } else { "application/pkix-crl" };
                let saved: Authority = session.client.upload(Method::PUT, &address, content_type, bytes)?;
                session.output.one(&Added(saved))
            }
            Self::Remove { authority } => {
                let found = find(&session.client, &authority)?;
                session.consent.to(&format!("Trust {} no more", found.name))?;
                session.client.act(Method::DELETE, &Address::new(&["authorities", &found.id]))?;
                session.output.done("It is trusted no more.")
            }
            Self::ServerKeys => {
                let keys: ServerKeys = session.client.get(&Address::new(&["server-keys"]))?;
                session.output.one(&keys)
            }
        }
    }
}

fn find(client: &Client, name: &str) -> Result<Authority, Failure> {
    let all: Page<Authority> = client.get(&Address::new(&["authorities"]))?;
    let found = all.items.into_iter().find(|authority| authority.id == name || authority.name == name);
    found.ok_or_else(|| Failure::NotFound { what: "authority", name: name.to_owned() })
}

impl Tabular for Authority {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "name",
        "own",
        "subject",
        "valid_to",
        "list_number",
        "list_made_at",
        "list_next_at",
        "list_revoked",
        "created_at",
        "created_by",
    ];

    fn cells(&self) -> Vec<String> {
        let list = self.revocation_list.as_ref();
        vec![
            self.id.clone(),
            self.name.clone(),
            yes(self.own),
            self.certificate.subject.clone(),
            self.certificate.valid_to.to_string(),
            or_empty(list.and_then(|list| list.number.as_ref())),
            or_empty(list.map(|list| &list.this_update)),
            or_empty(list.and_then(|list| list.next_update.as_ref())),
            or_empty(list.map(|list| &list.revoked)),
            self.created_at.to_string(),
            self.created_by.clone(),
        ]
    }

    fn blocks(&self) -> Vec<&str> {
        vec![&self.certificate.pem]
    }
}

/// One that its giver has the certificate of.
#[derive(serde::Serialize)]
struct Added(Authority);

impl Tabular for Added {
    const COLUMNS: &'static [&'static str] = Authority::COLUMNS;

    fn cells(&self) -> Vec<String> {
        self.0.cells()
    }
}

impl Tabular for ServerKeys {
    const COLUMNS: &'static [&'static str] =
        &["subject", "issuer", "valid_to", "certificate_fingerprint", "public_key_fingerprint", "public_key"];

    fn cells(&self) -> Vec<String> {
        let (certificate, key) = (self.certificate.as_ref(), self.public_key.as_ref());
        vec![
            or_empty(certificate.map(|certificate| &certificate.subject)),
            or_empty(certificate.map(|certificate| &certificate.issuer)),
            or_empty(certificate.map(|certificate| &certificate.valid_to)),
            or_empty(certificate.map(|certificate| &certificate.fingerprint)),
            or_empty(key.map(|key| &key.fingerprint)),
            or_empty(key.map(|key| &key.hex)),
        ]
    }

    fn blocks(&self) -> Vec<&str> {
        let pem = [
            self.certificate.as_ref().map(|certificate| certificate.pem.as_str()),
            self.public_key.as_ref().map(|key| key.pem.as_str()),
        ];
        pem.into_iter().flatten().collect()
    }
}
