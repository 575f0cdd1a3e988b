//! `muster diary`.

use clap::Subcommand;
use ureq::http::Method;
use web::api::v1::types::{DiaryCause, DiaryEntry};

use super::{
    Command, Session,
    address::Address,
    device::DeviceName,
    failure::Failure,
    output::{Tabular, or_empty},
    paging::Paging,
};

#[derive(Subcommand)]
pub(crate) enum DiaryCommand {
    /// Lists who did not get in, the last one first.
    List {
        /// Only of this cause, such as wrong-key.
        #[arg(long, value_name = "CAUSE")]
        cause: Option<DiaryCause>,
        /// Only of this device: its id or endpoint name.
        #[arg(long, value_name = "DEVICE")]
        device: Option<DeviceName>,
        /// Only of those that are no device's.
        #[arg(long, conflicts_with = "device")]
        unmanaged: bool,
        #[command(flatten)]
        paging: Paging,
    },
    /// Shows an entry with its remedy.
    Show {
        /// Its id.
        id: String,
    },
    /// Takes an entry out: it was dealt with.
    Clear {
        /// Its id.
        id: String,
    },
    /// Lets the device of a second claim use its claim once more.
    Approve {
        /// The entry's id.
        id: String,
    },
}

impl Command for DiaryCommand {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::List { cause, device, unmanaged, paging } => {
                let device = device.map(|device| device.id(&session.client)).transpose()?;
                let address = Address::new(&["diary"])
                    .with_some("cause", cause)
                    .with_some("device", device)
                    .with_some("unmanaged", unmanaged.then_some(true));
                paging.print::<Line>(session, &address)
            }
            Self::Show { id } => {
                let entry: DiaryEntry = session.client.get(&Address::new(&["diary", &id]))?;
                session.output.one(&entry)
            }
            Self::Clear { id } => {
                session.client.act(Method::DELETE, &Address::new(&["diary", &id]))?;
                session.output.done("It is cleared.")
            }
            Self::Approve { id } => {
                session.client.act(Method::POST, &Address::new(&["diary", &id, "approve"]))?;
                session.output.done("It is approved: the device may use its claim once more.")
            }
        }
    }
}

/// An entry in the list.
#[derive(serde::Deserialize, serde::Serialize)]
#[serde(transparent)]
struct Line(DiaryEntry);

impl Tabular for Line {
    const COLUMNS: &'static [&'static str] =
        &["id", "last_at", "count", "cause", "subject", "from", "listener", "device", "detail"];

    fn cells(&self) -> Vec<String> {
        let Self(entry) = self;
        vec![
            entry.id.clone(),
            entry.last_at.to_string(),
            entry.count.to_string(),
            entry.cause.to_string(),
            entry.subject.clone(),
            entry.from.clone(),
            entry.listener.clone(),
            entry.device.clone().unwrap_or_default(),
            entry.detail.clone(),
        ]
    }
}

impl Tabular for DiaryEntry {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "cause",
        "title",
        "remedy",
        "subject",
        "from",
        "listener",
        "device",
        "detail",
        "first_at",
        "last_at",
        "count",
        "got_in_at",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.cause.to_string(),
            self.title.clone(),
            self.remedy.clone(),
            self.subject.clone(),
            self.from.clone(),
            self.listener.clone(),
            self.device.clone().unwrap_or_default(),
            self.detail.clone(),
            self.first_at.to_string(),
            self.last_at.to_string(),
            self.count.to_string(),
            or_empty(self.got_in_at.as_ref()),
        ]
    }
}
