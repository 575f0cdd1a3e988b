//! `muster device`: the inventory. What is asked of devices is in `operate`, what they gave in `values`.

use std::{convert::Infallible, fmt, path::PathBuf, str::FromStr};

use clap::{Subcommand, ValueEnum};
use ureq::http::Method;
use web::api::v1::types::{
    BulkRemoval, BulkReport, Classification, Device, DeviceDetail, DeviceState, DeviceWishes, Enrolled,
    GivenCredential, ImportReport, Labels, NewDevice, Page, Purpose,
};

use super::{
    Command, Form, Session, address::Address, awake::Said, client::Client, credential::Given,
    failure::Failure, file, paging::Paging,
};

mod operate;
mod rows;
mod values;

use operate::OperateCommand;
use rows::Secret;
use values::ValueCommand;

#[derive(Subcommand)]
pub(crate) enum DeviceCommand {
    /// Lists devices.
    List {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        paging: Paging,
    },
    /// Prints all devices, as CSV if no other form is asked for.
    Export {
        #[command(flatten)]
        filter: Filter,
    },
    /// Shows a device and its registration.
    Show {
        /// Its id or endpoint name.
        device: DeviceName,
    },
    /// Adds a device, and shows the key of its credential this once.
    Add {
        /// Its endpoint name.
        endpoint: String,
        /// Its class [default: default].
        #[arg(long, value_name = "CLASS")]
        class: Option<String>,
        /// What its credential opens.
        #[arg(long, value_enum, default_value_t = FirstCredential::Bootstrap, value_name = "PURPOSE")]
        credential: FirstCredential,
        #[command(flatten)]
        given: Given,
    },
    /// Puts a device into another class: its next bootstrap gives it what that class is given.
    Classify {
        /// Its id or endpoint name.
        device: DeviceName,
        /// The class's name.
        class: String,
    },
    /// Puts labels on a device and takes labels off; without any it shows them.
    Label {
        /// Its id or endpoint name.
        device: DeviceName,
        /// The labels to put on, such as site=zurich or spare.
        #[arg(value_name = "LABEL")]
        labels: Vec<String>,
        /// The keys of the labels to take off, with commas between them.
        #[arg(long, value_name = "KEYS", value_delimiter = ',')]
        remove: Vec<String>,
    },
    /// Shows what a device is observed for because its class wishes it, and what it does not do.
    Wishes {
        /// Its id or endpoint name.
        device: DeviceName,
    },
    /// Shows how long a device in queue mode is called after it was heard, and why so long; or says how long.
    Awake {
        /// Its id or endpoint name.
        device: DeviceName,
        #[command(flatten)]
        said: Said,
    },
    /// Removes devices: their credentials are revoked, and they come back only by a new enrolment.
    Remove {
        /// Their ids or endpoint names.
        #[arg(required = true, value_name = "DEVICE")]
        devices: Vec<DeviceName>,
        /// Keeps their values, timelines and operations.
        #[arg(long)]
        keep_data: bool,
        /// Why, in a few words, for the audit log.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Adds the devices of a file with their credentials; a row that is there already changes nothing.
    Import {
        /// CSV with a line of column names, or JSON lines: endpoint, class, labels, bootstrap_identity with bootstrap_key, or
        /// bootstrap_public_key, or bootstrap_certificate; management_… likewise. `-` for stdin.
        file: PathBuf,
        /// The form of the file [default: by the end of its name, else csv].
        #[arg(long, value_enum, value_name = "FORMAT")]
        format: Option<ImportFormat>,
        /// Changes nothing, and says what would become of each row.
        #[arg(long)]
        dry_run: bool,
    },
    #[command(flatten)]
    Operate(OperateCommand),
    #[command(flatten)]
    Values(ValueCommand),
}

/// Which devices.
#[derive(clap::Args)]
pub(crate) struct Filter {
    /// Only endpoint names that begin so.
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// Only in this state, such as registered; without it, all but the removed ones.
    #[arg(long, value_name = "STATE")]
    state: Option<DeviceState>,
    /// Only of this class.
    #[arg(long, value_name = "CLASS")]
    class: Option<String>,
    /// Only those with this label: key=value, or key with any value.
    #[arg(long, value_name = "LABEL")]
    label: Option<String>,
    /// Only those that have a credential (true), or that have none (false).
    #[arg(long, value_name = "BOOLEAN")]
    secured: Option<bool>,
    /// In which order.
    #[arg(long, value_enum, default_value_t = Order::Endpoint, value_name = "ORDER")]
    order: Order,
}

/// The order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Order {
    /// By endpoint name.
    Endpoint,
    /// Last heard first.
    LastSeen,
}

/// What the credential of a new device opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FirstCredential {
    /// The bootstrap server, which gives it one for the management server.
    Bootstrap,
    /// The management server.
    Management,
    /// It gets none.
    None,
}

/// The form of a file of devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImportFormat {
    /// RFC 4180.
    Csv,
    /// A JSON object a line.
    JsonLines,
}

/// A device as people call it: its id (32 hexadecimal digits) or its endpoint name.
#[derive(Clone, Debug)]
pub(crate) struct DeviceName(String);

impl DeviceName {
    /// Its id.
    pub(super) fn id(&self, client: &Client) -> Result<String, Failure> {
        if self.is_id() {
            return Ok(self.0.clone());
        }
        let page: Page<Device> = client.get(&Address::new(&["devices"]).with("endpoint", &self.0))?;
        let device = page.items.into_iter().next().map(|device| device.id);
        device.ok_or_else(|| Failure::NotFound { what: "device", name: self.0.clone() })
    }

    fn is_id(&self) -> bool {
        self.0.len() == 32 && self.0.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }
}

impl FromStr for DeviceName {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Command for DeviceCommand {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        let devices = Address::new(&["devices"]);
        match self {
            Self::List { filter, paging } => paging.print::<Device>(session, &filter.of(devices)),
            Self::Export { filter } => {
                session.output.prefer(Form::Csv);
                Paging::all().print::<Device>(session, &filter.of(devices))
            }
            Self::Show { device } => {
                let id = device.id(&session.client)?;
                let detail: DeviceDetail = session.client.get(&Address::new(&["devices", &id]))?;
                session.output.one(&detail)
            }
            Self::Add { endpoint, class, credential, given } => {
                let given = given.read()?;
                let enrolled: Enrolled = session.client.send(
                    Method::POST,
                    &devices,
                    &new_device(endpoint, class, credential, given)?,
                )?;
                session.output.one(&Secret(enrolled))
            }
            Self::Classify { device, class } => {
                let id = device.id(&session.client)?;
                let address = Address::new(&["devices", &id, "class"]);
                session.client.tell(Method::PUT, &address, &Classification { class })?;
                session.output.done("It is in that class now.")
            }
            Self::Wishes { device } => {
                let id = device.id(&session.client)?;
                let wishes: DeviceWishes = session.client.get(&Address::new(&["devices", &id, "wishes"]))?;
                session.output.one(&wishes)
            }
            Self::Awake { device, said } => {
                let id = device.id(&session.client)?;
                said.of_device(session, &id)
            }
            Self::Label { device, labels, remove } => {
                let id = device.id(&session.client)?;
                let address = Address::new(&["devices", &id, "labels"]);
                let mut kept: Labels = session.client.get(&address)?;
                if labels.is_empty() && remove.is_empty() {
                    return session.output.one(&kept);
                }
                kept.labels.retain(|key, _| !remove.contains(key));
                for label in labels {
                    let (key, value) = label.split_once('=').unwrap_or((&label, ""));
                    kept.labels.insert(key.to_owned(), value.to_owned());
                }
                session.client.tell(Method::PUT, &address, &kept)?;
                session.output.done("It is labelled.")
            }
            Self::Remove { devices, keep_data, reason } => remove(session, &devices, keep_data, reason),
            Self::Import { file, format, dry_run } => import(session, &file, format, dry_run),
            Self::Operate(command) => command.run(session),
            Self::Values(command) => command.run(session),
        }
    }
}

impl Filter {
    fn of(self, address: Address) -> Address {
        address
            .with_some("prefix", self.prefix)
            .with_some("state", self.state)
            .with_some("class", self.class)
            .with_some("label", self.label)
            .with_some("secured", self.secured)
            .with_some("order", (self.order == Order::LastSeen).then_some("last-seen"))
    }
}

fn new_device(
    endpoint: String,
    class: Option<String>,
    credential: FirstCredential,
    given: GivenCredential,
) -> Result<NewDevice, Failure> {
    let purpose = match credential {
        FirstCredential::Bootstrap => Some(Purpose::Bootstrap),
        FirstCredential::Management => Some(Purpose::Management),
        FirstCredential::None if given != GivenCredential::default() => {
            return Err(Failure::Usage(
                "--credential none leaves nothing to be of that kind, or to have that identity or key",
            ));
        }
        FirstCredential::None => None,
    };
    let for_purpose = |wanted| (purpose == Some(wanted)).then(|| given.clone());
    let (bootstrap, management) = (for_purpose(Purpose::Bootstrap), for_purpose(Purpose::Management));
    Ok(NewDevice { endpoint, class, bootstrap, management })
}

fn remove(
    session: &mut Session,
    names: &[DeviceName],
    keep_data: bool,
    reason: String,
) -> Result<(), Failure> {
    let devices = names.iter().map(|name| name.id(&session.client)).collect::<Result<Vec<_>, _>>()?;
    let which = match names {
        [name] => name.to_string(),
        names => format!("{} devices", names.len()),
    };
    let data = if keep_data { "and keep" } else { "and delete" };
    session.consent.to(&format!("Remove {which} {data} the data"))?;
    if let [device] = devices.as_slice() {
        let address = Address::new(&["devices", device]).with("reason", reason).with("keep_data", keep_data);
        session.client.act(Method::DELETE, &address)?;
        return session.output.done("It is removed.");
    }
    let total = u64::try_from(devices.len()).unwrap_or(u64::MAX);
    let removal = BulkRemoval { devices, keep_data, reason };
    let address = Address::new(&["devices", "removals"]);
    let report: BulkReport = session.client.send(Method::POST, &address, &removal)?;
    session.output.one(&report)?;
    let failed = u64::try_from(report.failed.len()).unwrap_or(u64::MAX);
    for failure in &report.failed {
        super::note(&format!("{}: {}", failure.device, failure.reason));
    }
    if failed == 0 { Ok(()) } else { Err(Failure::Partly { failed, total }) }
}

fn import(
    session: &mut Session,
    file: &std::path::Path,
    format: Option<ImportFormat>,
    dry_run: bool,
) -> Result<(), Failure> {
    let end = file.extension().and_then(|end| end.to_str()).unwrap_or_default();
    let format = format.unwrap_or(match end {
        "json" | "jsonl" | "ndjson" => ImportFormat::JsonLines,
        _ => ImportFormat::Csv,
    });
    let content_type = match format {
        ImportFormat::Csv => "text/csv",
        ImportFormat::JsonLines => "application/x-ndjson",
    };
    let address = Address::new(&["devices", "imports"]).with_some("dry_run", dry_run.then_some(true));
    let report: ImportReport =
        session.client.upload(Method::POST, &address, content_type, file::bytes(file)?)?;
    session.output.one(&report)?;
    for error in &report.errors {
        super::note(&format!("line {}: {}", error.line, error.reason));
    }
    match report.errors_total {
        0 => Ok(()),
        failed => Err(Failure::Partly { failed, total: report.rows }),
    }
}
