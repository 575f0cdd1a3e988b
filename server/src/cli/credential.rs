//! `muster credential`, and credentials as commands take and show them. Keys and certificates in PEM are in the JSON, and
//! below the table; a line of CSV has no place for them.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ureq::http::Method;
use web::api::v1::types::{
    Credential, CredentialKind, GivenCredential, NewCredential, Purpose, Reason, Rotation, ShownCredential,
};

use super::{
    Command, Session,
    address::Address,
    device::DeviceName,
    failure::Failure,
    file,
    output::{Tabular, or_empty},
    paging::print_whole,
};

#[derive(Subcommand)]
pub(crate) enum CredentialCommand {
    /// Lists the credentials of a device, newest first; never their keys.
    List {
        /// Its id or endpoint name.
        device: DeviceName,
    },
    /// Gives a device one more credential, and shows its key this once.
    Add {
        /// Its id or endpoint name.
        device: DeviceName,
        /// What it opens: bootstrap or management.
        #[arg(long, default_value = "bootstrap")]
        purpose: Purpose,
        #[command(flatten)]
        given: Given,
    },
    /// Gives a device a new credential in place of one, which is good until the new one has proved itself.
    Rotate {
        /// Its id or endpoint name.
        device: DeviceName,
        /// The credential's id.
        credential: String,
    },
    /// Takes a credential away, or all that a device has: what was opened with it ends at once.
    Revoke {
        /// Its id or endpoint name.
        device: DeviceName,
        /// The credential's id.
        #[arg(required_unless_present = "all")]
        credential: Option<String>,
        /// All that the device has.
        #[arg(long, conflicts_with = "credential")]
        all: bool,
        /// Why, in a few words, for the audit log.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// A credential that is given; what is left out is made.
#[derive(Args)]
pub(crate) struct Given {
    /// Of which kind it is: psk, rpk or x509 [default: what goes with the other options; psk without any].
    #[arg(long, value_name = "KIND")]
    kind: Option<CredentialKind>,
    /// The PSK identity; one is made if none is given.
    #[arg(long, value_name = "IDENTITY")]
    identity: Option<String>,
    /// A file with the key as hexadecimal digits, `-` for stdin; one is made if none is given.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// A file with the public key of a device that keeps its private one, PEM or DER, `-` for stdin: a raw public key, or
    /// with --kind x509 one for which the server's own authority issues a certificate. A key pair is made if none is given.
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// A file with the certificate that the device comes with, whoever has issued it, PEM or DER, `-` for stdin.
    #[arg(long, value_name = "FILE", conflicts_with = "public_key")]
    certificate: Option<PathBuf>,
    /// What names the device in certificates of trusted authorities, where its class looks for it.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["public_key", "certificate"])]
    name: Option<String>,
}

impl Given {
    /// As the API takes it.
    pub(super) fn read(self) -> Result<GivenCredential, Failure> {
        let Self { kind, identity, key_file, public_key, certificate, name } = self;
        let inferred = match (&public_key, &certificate, &name) {
            (_, Some(_), _) | (_, _, Some(_)) => Some(CredentialKind::Certificate),
            (Some(_), ..) => Some(CredentialKind::RawPublicKey),
            _ => None,
        };
        let read = |file: Option<PathBuf>| file.map(|file| file::key_or_certificate(&file)).transpose();
        Ok(GivenCredential {
            kind: kind.or(inferred),
            identity,
            key: key(key_file)?,
            public_key: read(public_key)?,
            certificate: read(certificate)?,
            name,
        })
    }
}

impl Command for CredentialCommand {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::List { device } => {
                let id = device.id(&session.client)?;
                print_whole::<Credential>(session, &Address::new(&["devices", &id, "credentials"]))
            }
            Self::Add { device, purpose, given } => {
                let id = device.id(&session.client)?;
                let GivenCredential { kind, identity, key, public_key, certificate, name } = given.read()?;
                let new = NewCredential { purpose, kind, identity, key, public_key, certificate, name };
                let address = Address::new(&["devices", &id, "credentials"]);
                let shown: ShownCredential = session.client.send(Method::POST, &address, &new)?;
                session.output.one(&shown)
            }
            Self::Rotate { device, credential } => {
                let id = device.id(&session.client)?;
                let address = Address::new(&["devices", &id, "credentials", &credential, "rotate"]);
                let rotation: Rotation = session.client.act_for(Method::POST, &address)?;
                session.output.one(&rotation)?;
                if rotation == Rotation::UnderWay { Err(Failure::RotationUnderWay) } else { Ok(()) }
            }
            Self::Revoke { device, credential, all: _, reason } => {
                let id = device.id(&session.client)?;
                let what = credential.as_deref().map_or("all credentials", |_| "the credential");
                session.consent.to(&format!("Revoke {what} of {device}: what it opened ends at once"))?;
                let address = match &credential {
                    Some(credential) => Address::new(&["devices", &id, "credentials", credential, "revoke"]),
                    None => Address::new(&["devices", &id, "revoke"]),
                };
                session.client.tell(Method::POST, &address, &Reason { reason })?;
                session.output.done("It is revoked.")
            }
        }
    }
}

/// The key that a file holds. Never from the command line itself, where everybody on the machine could see it.
pub(super) fn key(file: Option<PathBuf>) -> Result<Option<String>, Failure> {
    file.map(|file| file::secret(&file).map(|key| key.to_string())).transpose()
}

impl Tabular for Credential {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "purpose",
        "kind",
        "state",
        "identity",
        "created_at",
        "created_by",
        "changed_at",
        "last_used_at",
        "valid_to",
        "replaces",
        "subject",
        "certificate_valid_to",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.purpose.to_string(),
            self.kind.to_string(),
            self.state.to_string(),
            self.identity.clone(),
            self.created_at.to_string(),
            self.created_by.clone(),
            self.changed_at.to_string(),
            or_empty(self.last_used_at.as_ref()),
            or_empty(self.valid_to.as_ref()),
            self.replaces.clone().unwrap_or_default(),
            or_empty(self.certificate.as_ref().map(|seen| &seen.subject)),
            or_empty(self.certificate.as_ref().map(|seen| &seen.valid_to)),
        ]
    }
}

impl Tabular for ShownCredential {
    const COLUMNS: &'static [&'static str] = &["id", "purpose", "kind", "state", "identity", "key"];

    fn cells(&self) -> Vec<String> {
        let credential = &self.credential;
        vec![
            credential.id.clone(),
            credential.purpose.to_string(),
            credential.kind.to_string(),
            credential.state.to_string(),
            credential.identity.clone(),
            self.key.clone().unwrap_or_default(),
        ]
    }

    fn blocks(&self) -> Vec<&str> {
        blocks(Some(self))
    }
}

/// What of a new credential is PEM.
pub(super) fn blocks(shown: Option<&ShownCredential>) -> Vec<&str> {
    let texts = shown.map(|shown| [&shown.private_key, &shown.public_key, &shown.certificate]);
    texts.into_iter().flatten().filter_map(|text| text.as_deref()).collect()
}

impl Tabular for Rotation {
    const COLUMNS: &'static [&'static str] = &["rotation", "id", "identity", "key", "operation", "state"];

    fn cells(&self) -> Vec<String> {
        match self {
            Self::Shown(shown) => vec![
                "shown".to_owned(),
                shown.credential.id.clone(),
                shown.credential.identity.clone(),
                shown.key.clone().unwrap_or_default(),
                String::new(),
                shown.credential.state.to_string(),
            ],
            Self::UnderWay => {
                let [id, identity, key, operation, state] = [const { String::new() }; 5];
                vec!["under-way".to_owned(), id, identity, key, operation, state]
            }
            Self::Triggered { operation } => vec![
                "triggered".to_owned(),
                String::new(),
                String::new(),
                String::new(),
                operation.id.clone(),
                operation.state.to_string(),
            ],
        }
    }

    fn blocks(&self) -> Vec<&str> {
        match self {
            Self::Shown(shown) => blocks(Some(shown)),
            Self::Triggered { .. } | Self::UnderWay => Vec::new(),
        }
    }
}
