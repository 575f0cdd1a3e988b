//! `muster event`: the event log as it is written, over a connection that is made again when it breaks off.

use std::{io::Read, thread, time::Duration};

use clap::Subcommand;
use web::api::v1::types::{Event, EventKind, Gap, NodePath, Reading};

use super::{
    Command, Exit, Session, address::Address, client::Client, device::DeviceName, failure::Failure, note,
    output::Tabular, value::parts,
};

mod frames;

use frames::{Frame, Frames};

#[derive(Subcommand)]
pub(crate) enum EventCommand {
    /// Prints events as they happen, a line each, until it is interrupted. Goes on where it was when the server is back.
    Follow {
        /// Only of these kinds, such as `registered,values`.
        #[arg(long, value_name = "KINDS", value_delimiter = ',')]
        kinds: Vec<EventKind>,
        /// Only of this device: its id or endpoint name.
        #[arg(long, value_name = "DEVICE")]
        device: Option<DeviceName>,
        /// Begins after this entry of the log; 0 is all that it holds. Without it, with what happens from now on.
        #[arg(long, value_name = "SEQUENCE")]
        after: Option<i64>,
        /// Ends after so many events.
        #[arg(long, value_name = "EVENTS", value_parser = clap::value_parser!(u64).range(1..))]
        limit: Option<u64>,
    },
}

/// Which events, and as what they are printed.
#[derive(Default)]
pub(crate) struct Wanted {
    kinds: Vec<EventKind>,
    device: Option<String>,
    /// Only the values below this, a line each.
    readings_of: Option<NodePath>,
    after: Option<i64>,
    limit: Option<u64>,
}

/// A stream of events that is read.
pub(crate) struct Following {
    wanted: Wanted,
    frames: Option<Frames<Box<dyn Read>>>,
    printed: u64,
}

/// The server sends something every 15 seconds at least.
const SILENCE: Duration = Duration::from_secs(45);
/// How long to wait before a connection is made again.
const RETRY: Duration = Duration::from_secs(2);

impl Command for EventCommand {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        let Self::Follow { kinds, device, after, limit } = self;
        let device = device.map(|device| device.id(&session.client)).transpose()?;
        let wanted = Wanted { kinds, device, after, limit, readings_of: None };
        Following::open(&session.client, wanted)?.print(session)
    }
}

impl Wanted {
    /// What a device reports of a node.
    pub(crate) fn readings(device: String, path: NodePath) -> Self {
        let kinds = vec![EventKind::Values];
        Self { kinds, device: Some(device), readings_of: Some(path), ..Self::default() }
    }

    fn holds(&self, event: &Event) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&event.kind))
            && self.device.as_ref().is_none_or(|device| *device == event.device)
    }
}

impl Following {
    /// Opens the stream.
    pub(crate) fn open(client: &Client, wanted: Wanted) -> Result<Self, Failure> {
        let frames = Some(Self::connect(client, &wanted)?);
        Ok(Self { wanted, frames, printed: 0 })
    }

    /// Prints it, until it is interrupted or there are as many as wanted.
    pub(crate) fn print(&mut self, session: &mut Session) -> Result<(), Failure> {
        match self.wanted.readings_of {
            Some(_) => session.output.begin::<Reading>()?,
            None => session.output.begin::<Event>()?,
        }
        loop {
            if let Some(mut frames) = self.frames.take() {
                while let Some(frame) = frames.next() {
                    self.take(session, &frame)?;
                    if self.wanted.limit.is_some_and(|limit| self.printed >= limit) {
                        return Ok(());
                    }
                }
                note("the stream broke off; it is opened again");
            }
            thread::sleep(RETRY);
            match Self::connect(&session.client, &self.wanted) {
                Ok(frames) => self.frames = Some(frames),
                // The stream that broke off may still count as one too many.
                Err(failure) if matches!(failure.exit(), Exit::Unreachable | Exit::NotYet) => {}
                Err(failure) => return Err(failure),
            }
        }
    }

    fn connect(client: &Client, wanted: &Wanted) -> Result<Frames<Box<dyn Read>>, Failure> {
        let address = Address::new(&["events"]).with_some("device", wanted.device.as_ref());
        let stream = client.stream(&address, wanted.after, SILENCE)?;
        Ok(Frames::new(Box::new(stream)))
    }

    fn take(&mut self, session: &mut Session, frame: &Frame) -> Result<(), Failure> {
        if frame.event == "gap" {
            let gap: Gap = session.client.understand(frame.data.as_bytes())?;
            note(&format!("the log does not hold the events from {} to {} any more", gap.after + 1, gap.to));
            self.wanted.after = Some(gap.to);
            return Ok(());
        }
        // Kinds of a later version are left out.
        if frame.event.parse::<EventKind>().is_err() {
            return Ok(());
        }
        let event: Event = session.client.understand(frame.data.as_bytes())?;
        self.wanted.after = Some(event.sequence);
        if !self.wanted.holds(&event) {
            return Ok(());
        }
        let Some(path) = self.wanted.readings_of else {
            self.printed += 1;
            return session.output.entry(&event);
        };
        for reading in event.readings {
            if reading.path.0.is_within(&path.0) {
                session.output.entry(&Reading { received_at: Some(event.at), ..reading })?;
            }
        }
        Ok(())
    }
}

impl Tabular for Event {
    const COLUMNS: &'static [&'static str] = &["sequence", "at", "kind", "device", "endpoint", "values"];

    fn cells(&self) -> Vec<String> {
        let values: Vec<String> = self
            .readings
            .iter()
            .map(|reading| format!("{}={}", reading.path, parts(&reading.value).1))
            .collect();
        vec![
            self.sequence.to_string(),
            self.at.to_string(),
            self.kind.to_string(),
            self.device.clone(),
            self.endpoint.clone(),
            values.join(" "),
        ]
    }
}
