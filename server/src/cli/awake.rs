//! `muster device awake` and `muster class awake`: how long what sleeps listens.

use clap::{Args, Subcommand};
use ureq::http::Method;
use web::api::v1::types::{AwakeTime, SaidAwakeTime};

use super::{
    Command, Session,
    address::Address,
    failure::Failure,
    output::{Tabular, or_empty},
    span::Span,
};

/// What is said of a device.
#[derive(Args)]
pub(crate) struct Said {
    /// Says how long it listens after it was heard, such as 20s; 1 s to 1 d.
    #[arg(long, value_name = "SPAN")]
    set: Option<Span>,
    /// Takes back what was said: then its class, what is learned or 93 s hold.
    #[arg(long, conflicts_with = "set")]
    forget: bool,
}

#[derive(Subcommand)]
pub(crate) enum ClassAwakeCommand {
    /// Shows it.
    Show {
        /// The class's name.
        class: String,
    },
    /// Says how long its devices listen after they were heard; without a span it takes that back.
    Set {
        /// The class's name.
        class: String,
        /// How long, such as 20s; 1 s to 1 d.
        #[arg(value_name = "SPAN")]
        span: Option<Span>,
    },
}

impl Said {
    /// Says it, if anything is said, and shows what holds.
    pub(super) fn of_device(self, session: &mut Session, id: &str) -> Result<(), Failure> {
        let address = Address::new(&["devices", id, "awake-time"]);
        let time: AwakeTime = if self.forget || self.set.is_some() {
            let said = SaidAwakeTime { seconds: self.set.map(Span::seconds) };
            session.client.send(Method::PUT, &address, &said)?
        } else {
            session.client.get(&address)?
        };
        session.output.one(&time)
    }
}

impl Command for ClassAwakeCommand {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Show { class } => {
                let said: SaidAwakeTime = session.client.get(&of_class(&class))?;
                session.output.one(&said)
            }
            Self::Set { class, span } => {
                let said = SaidAwakeTime { seconds: span.map(Span::seconds) };
                session.client.tell(Method::PUT, &of_class(&class), &said)?;
                session.output.done("It holds from now on.")
            }
        }
    }
}

fn of_class(class: &str) -> Address {
    Address::new(&["classes", class, "awake-time"])
}

impl Tabular for SaidAwakeTime {
    const COLUMNS: &'static [&'static str] = &["seconds"];

    fn cells(&self) -> Vec<String> {
        vec![or_empty(self.seconds.as_ref())]
    }
}

impl Tabular for AwakeTime {
    const COLUMNS: &'static [&'static str] =
        &["seconds", "from", "of_device", "of_class", "learned", "answers", "silences", "learned_at"];

    fn cells(&self) -> Vec<String> {
        let learned = self.learned.as_ref();
        vec![
            self.seconds.to_string(),
            self.from.to_string(),
            or_empty(self.of_device.as_ref()),
            or_empty(self.of_class.as_ref()),
            or_empty(learned.map(|learned| &learned.seconds)),
            or_empty(learned.map(|learned| &learned.answers)),
            or_empty(learned.map(|learned| &learned.silences)),
            or_empty(learned.map(|learned| &learned.at)),
        ]
    }
}
