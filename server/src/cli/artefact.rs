//! `muster artefact`.

use std::{fs::File, io::Write as _, path::PathBuf};

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use ureq::http::Method;
use web::api::v1::types::{Artefact, ArtefactDetail, ArtefactDevice, ArtefactKind, Sends, Time};

use super::{
    Manner, Session,
    address::Address,
    failure::Failure,
    form::Form,
    output::{Tabular, or_empty},
    paging::Paging,
};

mod sign;
use sign::Signing;

#[derive(Subcommand)]
pub(crate) enum ArtefactCommand {
    /// Lists the artefacts, newest first.
    List(Paging),
    /// Shows an artefact, checked anew.
    Show {
        /// Its id.
        artefact: String,
    },
    /// Lists the devices that run an artefact.
    Devices {
        /// Its id.
        artefact: String,
        #[command(flatten)]
        limit: Paging,
    },
    /// Signs an image: writes a manifest with its signature, to be uploaded with it. Asks no server.
    Sign(Signing),
    /// Uploads an image with its signature, or a SUIT envelope.
    Upload(Given),
    /// Sends an artefact to nobody any more. What is under way goes on.
    Withdraw {
        /// Its id.
        artefact: String,
    },
    /// Forgets a withdrawn artefact and its bytes.
    Remove {
        /// Its id.
        artefact: String,
    },
    /// Writes what devices are sent into a file.
    Download {
        /// Its id.
        artefact: String,
        /// The file to make.
        file: PathBuf,
    },
}

#[derive(Args)]
pub(crate) struct Given {
    /// The image; not needed if the envelope holds it.
    #[arg(required_unless_present = "envelope")]
    image: Option<PathBuf>,
    /// What it is to be called.
    #[arg(long)]
    name: String,
    /// What `muster artefact sign` has written for it.
    #[arg(long, value_name = "FILE", conflicts_with = "envelope")]
    signature: Option<PathBuf>,
    /// A SUIT envelope, with the image in it or beside it.
    #[arg(long, value_name = "FILE")]
    envelope: Option<PathBuf>,
    /// The class of the devices that it is for.
    #[arg(long, default_value = "default")]
    class: String,
    /// Its version, where no signed manifest says it.
    #[arg(long)]
    version: Option<String>,
    /// What it is, firmware or software, where no signed manifest says it.
    #[arg(long)]
    kind: Option<ArtefactKind>,
    /// Until when it may be sent, such as 2030-12-31T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    not_after: Option<Time>,
    /// What devices are sent: image or envelope.
    #[arg(long)]
    sends: Option<Sends>,
}

/// Does a command; not each of them needs a server.
pub(crate) fn run(command: ArtefactCommand, manner: &Manner) -> Result<(), Failure> {
    if let ArtefactCommand::Sign(signing) = command {
        return signing.run();
    }
    let mut session = manner.open()?;
    let session = &mut session;
    match command {
        ArtefactCommand::List(limit) => limit.print::<Artefact>(session, &Address::new(&["artefacts"])),
        ArtefactCommand::Show { artefact } => {
            let detail: ArtefactDetail = session.client.get(&of(&artefact, &[]))?;
            session.output.one(&detail)
        }
        ArtefactCommand::Devices { artefact, limit } => {
            limit.print::<ArtefactDevice>(session, &of(&artefact, &["devices"]))
        }
        ArtefactCommand::Sign(_) => Ok(()),
        ArtefactCommand::Upload(given) => given.upload(session),
        ArtefactCommand::Withdraw { artefact } => {
            session.client.act(Method::POST, &of(&artefact, &["withdraw"]))?;
            session.output.done("It is withdrawn.")
        }
        ArtefactCommand::Remove { artefact } => {
            session.consent.to("Forget the artefact and its bytes")?;
            session.client.act(Method::DELETE, &of(&artefact, &[]))?;
            session.output.done("It is gone.")
        }
        ArtefactCommand::Download { artefact, file } => {
            let address = of(&artefact, &["content"]);
            let fails = |error: std::io::Error| Failure::FileContent {
                file: file.clone(),
                reason: error.to_string(),
            };
            let mut to = File::options().write(true).create_new(true).open(&file).map_err(fails)?;
            let (mut from, bytes) = session.client.download(&address)?;
            let bar = bar("Downloading", bytes);
            std::io::copy(&mut bar.wrap_read(&mut from), &mut to).map_err(fails)?;
            to.flush().and_then(|()| to.sync_all()).map_err(fails)?;
            bar.finish_and_clear();
            session.output.done("It is downloaded.")
        }
    }
}

impl Given {
    fn upload(self, session: &mut Session) -> Result<(), Failure> {
        let mut form = Form::new();
        form.text("name", &self.name);
        form.text("class", &self.class);
        form.text("version", &or_empty(self.version.as_ref()));
        form.text("kind", &or_empty(self.kind.as_ref()));
        form.text("not_after", &or_empty(self.not_after.as_ref()));
        form.text("sends", &or_empty(self.sends.as_ref()));
        for (name, file) in
            [("signature", self.signature), ("envelope", self.envelope), ("image", self.image)]
        {
            if let Some(file) = file {
                form.file(name, &file)?;
            }
        }
        let bar = bar("Uploading", form.len());
        let watched = bar.clone();
        let (content_type, bytes, reader) = form.end();
        let address = Address::new(&["artefacts"]);
        let added = session.client.stream_up(&address, &content_type, bytes, watched.wrap_read(reader));
        bar.finish_and_clear();
        session.output.one::<Artefact>(&added?)
    }
}

fn of(artefact: &str, more: &[&str]) -> Address {
    Address::new(&[&["artefacts", artefact], more].concat())
}

/// Nothing is drawn where stderr is no terminal.
fn bar(what: &'static str, bytes: u64) -> ProgressBar {
    let bar = ProgressBar::new(bytes).with_message(what);
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes}") {
        bar.set_style(style);
    }
    bar
}

impl Tabular for Artefact {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "name",
        "version",
        "kind",
        "class",
        "size",
        "sequence",
        "proof",
        "sends",
        "uploaded_at",
        "withdrawn_at",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.name.clone(),
            self.version.clone(),
            self.kind.to_string(),
            self.class.clone(),
            self.size.to_string(),
            self.sequence.to_string(),
            self.proof.to_string(),
            self.sends.to_string(),
            self.uploaded_at.to_string(),
            or_empty(self.withdrawn_at.as_ref()),
        ]
    }
}

impl Tabular for ArtefactDetail {
    const COLUMNS: &'static [&'static str] =
        &["id", "name", "version", "class", "sha256", "key", "not_after", "misfit", "devices"];

    fn cells(&self) -> Vec<String> {
        let Self { artefact, misfit, devices } = self;
        vec![
            artefact.id.clone(),
            artefact.name.clone(),
            artefact.version.clone(),
            artefact.class.clone(),
            artefact.sha256.clone(),
            or_empty(artefact.key.as_ref()),
            or_empty(artefact.not_after.as_ref()),
            misfit.as_ref().map(|misfit| misfit.detail.clone()).unwrap_or_default(),
            devices.to_string(),
        ]
    }
}

impl Tabular for ArtefactDevice {
    const COLUMNS: &'static [&'static str] = &["device", "endpoint", "instance", "at"];

    fn cells(&self) -> Vec<String> {
        vec![self.device.clone(), self.endpoint.clone(), self.instance.to_string(), self.at.to_string()]
    }
}
