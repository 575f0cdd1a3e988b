//! `muster class`.

use clap::Subcommand;
use ureq::http::Method;
use web::api::v1::types::{Class, ClassPolicy, CredentialKind, Mapping, NewClass};

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
    /// By what the devices of a class may prove who they are.
    #[command(subcommand)]
    Policy(PolicyCommand),
}

#[derive(Subcommand)]
pub(crate) enum PolicyCommand {
    /// Shows it.
    Show {
        /// The class's name.
        class: String,
    },
    /// Changes it; what is not named stays. Sessions that were opened by what is not let in any more end.
    Set {
        /// The class's name.
        class: String,
        /// Which kinds of credentials are let in, with commas between them: psk, rpk, x509.
        #[arg(long, value_name = "KINDS", value_delimiter = ',')]
        kinds: Option<Vec<CredentialKind>>,
        /// How a certificate names its device: cn, san, serial or spki.
        #[arg(long, value_name = "MAPPING")]
        mapping: Option<Mapping>,
        /// Of which kind the management credential is that bootstrap writes.
        #[arg(long, value_name = "KIND")]
        provision: Option<CredentialKind>,
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
            Self::Policy(command) => command.run(session),
        }
    }
}

impl Command for PolicyCommand {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Show { class } => {
                let policy: ClassPolicy = session.client.get(&policy_of(&class))?;
                session.output.one(&policy)
            }
            Self::Set { class, kinds, mapping, provision } => {
                let address = policy_of(&class);
                let old: ClassPolicy = session.client.get(&address)?;
                let policy = ClassPolicy {
                    kinds: kinds.unwrap_or(old.kinds),
                    mapping: mapping.unwrap_or(old.mapping),
                    provision: provision.unwrap_or(old.provision),
                };
                session.client.tell(Method::PUT, &address, &policy)?;
                session.output.done("The policy is set.")
            }
        }
    }
}

fn policy_of(class: &str) -> Address {
    Address::new(&["classes", class, "policy"])
}

impl Tabular for Class {
    const COLUMNS: &'static [&'static str] = &["name", "kinds", "mapping", "provision"];

    fn cells(&self) -> Vec<String> {
        [vec![self.name.clone()], self.policy.cells()].concat()
    }
}

impl Tabular for ClassPolicy {
    const COLUMNS: &'static [&'static str] = &["kinds", "mapping", "provision"];

    fn cells(&self) -> Vec<String> {
        let kinds: Vec<String> = self.kinds.iter().map(ToString::to_string).collect();
        vec![kinds.join(" "), self.mapping.to_string(), self.provision.to_string()]
    }
}
