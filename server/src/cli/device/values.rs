//! What a device gave and what happened to it: `muster device values`, `history`, `observations`, `timeline`.

use clap::Subcommand;
use web::api::v1::types::{NodePath, Observation, Reading, TimelineEntry};

use super::DeviceName;
use crate::cli::{
    Session,
    address::Address,
    failure::Failure,
    output::{Tabular, or_empty},
    paging::{Paging, print_whole},
    value::parts,
};

#[derive(Subcommand)]
pub(crate) enum ValueCommand {
    /// Lists the latest value of each resource that a device gave.
    Values {
        /// Its id or endpoint name.
        device: DeviceName,
        /// Only at or below this node, such as /3303.
        path: Option<NodePath>,
    },
    /// Lists what a resource was, newest first.
    History {
        /// The device's id or endpoint name.
        device: DeviceName,
        /// A resource, such as /3303/0/5700.
        path: NodePath,
        /// How many at most.
        #[arg(long, value_name = "ROWS", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=500))]
        limit: u16,
    },
    /// Lists what a device reports by itself.
    Observations {
        /// Its id or endpoint name.
        device: DeviceName,
    },
    /// Lists what happened to a device, newest first.
    Timeline {
        /// Its id or endpoint name.
        device: DeviceName,
        #[command(flatten)]
        paging: Paging,
    },
}

impl ValueCommand {
    pub(super) fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Values { device, path } => {
                let id = device.id(&session.client)?;
                let values = Address::new(&["devices", &id, "values"]);
                print_whole::<Reading>(session, &values.with_some("path", path))
            }
            Self::History { device, path, limit } => {
                let id = device.id(&session.client)?;
                let address = Address::new(&["devices", &id, "values", "history"])
                    .with("path", path)
                    .with("limit", limit);
                print_whole::<Reading>(session, &address)
            }
            Self::Observations { device } => {
                let id = device.id(&session.client)?;
                print_whole::<Observation>(session, &Address::new(&["devices", &id, "observations"]))
            }
            Self::Timeline { device, paging } => {
                let id = device.id(&session.client)?;
                paging.print::<TimelineEntry>(session, &Address::new(&["devices", &id, "timeline"]))
            }
        }
    }
}

impl Tabular for Reading {
    const COLUMNS: &'static [&'static str] = &["path", "type", "value", "device_time", "received_at"];

    fn cells(&self) -> Vec<String> {
        let (data_type, value) = parts(&self.value);
        vec![
            self.path.to_string(),
            data_type,
            value,
            or_empty(self.device_time.as_ref()),
            or_empty(self.received_at.as_ref()),
        ]
    }
}

impl Tabular for Observation {
    const COLUMNS: &'static [&'static str] = &["path", "format", "since"];

    fn cells(&self) -> Vec<String> {
        let listed = |paths: &[NodePath]| paths.iter().map(NodePath::to_string).collect::<Vec<_>>().join(" ");
        let observed = if self.paths.is_empty() { self.path.to_string() } else { listed(&self.paths) };
        vec![observed, or_empty(self.format.as_ref()), self.since.to_string()]
    }
}

impl Tabular for TimelineEntry {
    const COLUMNS: &'static [&'static str] = &["at", "kind", "detail", "request"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.at.to_string(),
            self.kind.to_string(),
            self.detail.clone(),
            self.request.clone().unwrap_or_default(),
        ]
    }
}
