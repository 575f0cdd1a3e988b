//! `muster model`.

use std::path::PathBuf;

use clap::Subcommand;
use ureq::http::Method;
use web::api::v1::types::{Model, ModelCount, Page};

use super::{
    Command, Session, address::Address, failure::Failure, file, output::Tabular, paging::print_whole,
};

#[derive(Subcommand)]
pub(crate) enum ModelCommand {
    /// Lists the object definitions in use.
    List,
    /// Uploads an OMA definition file (XML); what it defines holds at once.
    Upload {
        /// The file, `-` for stdin.
        file: PathBuf,
    },
    /// Takes an uploaded definition back.
    Remove {
        /// The object, such as 3303.
        object: u16,
        /// Its version, such as 1.1.
        version: String,
    },
    /// Reads the server's folder of definitions again.
    Reload,
}

impl Command for ModelCommand {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        let models = Address::new(&["models"]);
        match self {
            Self::List => print_whole::<Model>(session, &models),
            Self::Upload { file } => {
                let added: Page<Model> =
                    session.client.upload(Method::POST, &models, "application/xml", file::bytes(&file)?)?;
                session.output.rows(added.items)
            }
            Self::Remove { object, version } => {
                session
                    .consent
                    .to(&format!("Take back the definition of object {object}, version {version}"))?;
                let address = Address::new(&["models", &object.to_string(), &version]);
                session.client.act(Method::DELETE, &address)?;
                session.output.done("It is taken back.")
            }
            Self::Reload => {
                let count: ModelCount =
                    session.client.act_for(Method::POST, &Address::new(&["models", "reload"]))?;
                session.output.one(&count)
            }
        }
    }
}

impl Tabular for Model {
    const COLUMNS: &'static [&'static str] = &["object", "version", "name", "source"];

    fn cells(&self) -> Vec<String> {
        vec![self.object.to_string(), self.version.clone(), self.name.clone(), self.source.to_string()]
    }
}

impl Tabular for ModelCount {
    const COLUMNS: &'static [&'static str] = &["models"];

    fn cells(&self) -> Vec<String> {
        vec![self.models.to_string()]
    }
}
