//! `muster audit`.

use clap::Subcommand;
use web::api::v1::types::{AuditAction, AuditEntry, Time};

use super::{
    Command, Session, address::Address, device::DeviceName, failure::Failure, output::Tabular, paging::Paging,
};

#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// Lists what was done and by whom, the last first; with --all it is the whole log.
    List {
        /// Only what this actor did, by name.
        #[arg(long, value_name = "NAME")]
        actor: Option<String>,
        /// Only this, such as add-device.
        #[arg(long, value_name = "ACTION")]
        action: Option<AuditAction>,
        /// Only what was done to this device: its id or endpoint name.
        #[arg(long, value_name = "DEVICE")]
        device: Option<DeviceName>,
        /// Only from then on (RFC 3339).
        #[arg(long, value_name = "MOMENT")]
        since: Option<Time>,
        /// Only before that (RFC 3339).
        #[arg(long, value_name = "MOMENT")]
        until: Option<Time>,
        #[command(flatten)]
        paging: Paging,
    },
}

impl Command for AuditCommand {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        let Self::List { actor, action, device, since, until, paging } = self;
        let device = device.map(|device| device.id(&session.client)).transpose()?;
        let address = Address::new(&["audit"])
            .with_some("actor", actor)
            .with_some("action", action)
            .with_some("device", device)
            .with_some("since", since)
            .with_some("until", until);
        paging.print::<AuditEntry>(session, &address)
    }
}

impl Tabular for AuditEntry {
    const COLUMNS: &'static [&'static str] = &Self::COLUMNS;

    fn cells(&self) -> Vec<String> {
        vec![
            self.sequence.to_string(),
            self.at.to_string(),
            self.actor.clone(),
            self.cause.to_string(),
            self.action.to_string(),
            self.object.clone(),
            self.request.clone(),
        ]
    }
}
