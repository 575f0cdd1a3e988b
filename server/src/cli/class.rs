//! `muster class`.

use clap::Subcommand;
use ureq::http::Method;
use web::api::v1::types::{Class, NewClass};

use super::{Command, Session, address::Address, failure::Failure, output::Tabular, paging::print_whole};

#[derive(Subcommand)]
pub(crate) enum ClassCommand {
    /// Lists the classes.
    List,
    /// Makes a class.
    Add {
        /// Its name, which never changes.
        name: String,
    },
}

impl Command for ClassCommand {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        let classes = Address::new(&["classes"]);
        match self {
            Self::List => print_whole::<Class>(session, &classes),
            Self::Add { name } => {
                let class: Class = session.client.send(Method::POST, &classes, &NewClass { name })?;
                session.output.one(&class)
            }
        }
    }
}

impl Tabular for Class {
    const COLUMNS: &'static [&'static str] = &["name"];

    fn cells(&self) -> Vec<String> {
        vec![self.name.clone()]
    }
}
