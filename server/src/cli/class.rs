//! `muster class`.

use clap::Subcommand;
use ureq::http::Method;
use web::api::v1::types::{Class, ClassPolicy, CredentialKind, Mapping, NewClass, Retention};

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
    /// How long values of a class's devices are kept.
    #[command(subcommand)]
    Retention(RetentionCommand),
}

#[derive(Subcommand)]
pub(crate) enum RetentionCommand {
    /// Shows it.
    Show {
        /// The class's name.
        class: String,
    },
    /// Changes it; what is not named stays. What is not kept any more is dropped in the background.
    Set {
        /// The class's name.
        class: String,
        /// For how many days; 0 for no end.
        #[arg(long, value_name = "DAYS")]
        days: Option<u32>,
        /// How many of each resource, 1 to 1000.
        #[arg(long, value_name = "COUNT")]
        readings: Option<u32>,
    },
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
            Self::Retention(command) => command.run(session),
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

impl Command for RetentionCommand {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Show { class } => {
                let retention: Retention = session.client.get(&retention_of(&class))?;
                session.output.one(&retention)
            }
            Self::Set { class, days, readings } => {
                let address = retention_of(&class);
                let old: Retention = session.client.get(&address)?;
                let days = days.map_or(old.days, |days| (days > 0).then_some(days));
                let retention = Retention { days, readings: readings.unwrap_or(old.readings) };
                session.client.tell(Method::PUT, &address, &retention)?;
                session.output.done("The retention is set.")
            }
        }
    }
}

fn retention_of(class: &str) -> Address {
    Address::new(&["classes", class, "retention"])
}

fn policy_of(class: &str) -> Address {
    Address::new(&["classes", class, "policy"])
}

impl Tabular for Class {
    const COLUMNS: &'static [&'static str] = &["name", "kinds", "mapping", "provision", "days", "readings"];

    fn cells(&self) -> Vec<String> {
        [vec![self.name.clone()], self.policy.cells(), self.retention.cells()].concat()
    }
}

impl Tabular for Retention {
    const COLUMNS: &'static [&'static str] = &["days", "readings"];

    fn cells(&self) -> Vec<String> {
        vec![self.days.map(|days| days.to_string()).unwrap_or_default(), self.readings.to_string()]
    }
}

impl Tabular for ClassPolicy {
    const COLUMNS: &'static [&'static str] = &["kinds", "mapping", "provision"];

    fn cells(&self) -> Vec<String> {
        let kinds: Vec<String> = self.kinds.iter().map(ToString::to_string).collect();
        vec![kinds.join(" "), self.mapping.to_string(), self.provision.to_string()]
    }
}
