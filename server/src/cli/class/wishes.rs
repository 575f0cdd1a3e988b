//! `muster class wishes`.

use clap::Subcommand;
use ureq::http::Method;
use web::api::v1::types::{DeviceWishes, NodePath, Wishes};

use crate::cli::{Command, Session, address::Address, failure::Failure, output::Tabular};

#[derive(Subcommand)]
pub(crate) enum WishesCommand {
    /// Shows it.
    Show {
        /// The class's name.
        class: String,
    },
    /// Sets it: all lines; without any nothing is observed by wish.
    Set {
        /// The class's name.
        class: String,
        /// A path with its attributes, such as '/3303/*/5700 pmin=10 gt=25'; * stands for each instance that a device has.
        #[arg(value_name = "LINE")]
        lines: Vec<String>,
    },
}

impl Command for WishesCommand {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Show { class } => {
                let wishes: Wishes = session.client.get(&wishes_of(&class))?;
                session.output.one(&wishes)
            }
            Self::Set { class, lines } => {
                session.client.tell(Method::PUT, &wishes_of(&class), &Wishes { lines })?;
                session.output.done("Devices of the class are asked in the background.")
            }
        }
    }
}

fn wishes_of(class: &str) -> Address {
    Address::new(&["classes", class, "wishes"])
}

impl Tabular for Wishes {
    const COLUMNS: &'static [&'static str] = &["lines"];

    fn cells(&self) -> Vec<String> {
        vec![self.lines.join("; ")]
    }
}

impl Tabular for DeviceWishes {
    const COLUMNS: &'static [&'static str] = &["lines", "observed", "troubles", "no_composites", "left_out"];

    fn cells(&self) -> Vec<String> {
        let paths = |paths: &[NodePath]| {
            let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
            paths.join(" ")
        };
        let observed: Vec<String> = self.observed.iter().map(|observed| paths(&observed.paths)).collect();
        let troubles = self.troubles.iter().map(|trouble| {
            let what = if trouble.observing { "" } else { " (attributes)" };
            format!("{}{what}: {}", paths(&trouble.paths), trouble.reason)
        });
        let troubles: Vec<String> = troubles.collect();
        let no_composites = self.no_composites.as_ref().map(|known| known.reason.clone()).unwrap_or_default();
        let left_out = self.left_out.iter().map(|left_out| format!("{}: {}", left_out.line, left_out.reason));
        let left_out: Vec<String> = left_out.collect();
        vec![
            self.lines.join("; "),
            observed.join("; "),
            troubles.join("; "),
            no_composites,
            left_out.join("; "),
        ]
    }
}
