//! `muster class`.

use clap::Subcommand;
use ureq::http::Method;
use web::api::v1::types::{
    Class, ClassPolicy, ClassRule, ContestedDevice, CredentialKind, Labels, Mapping, NewClass, Retention,
};

use super::{
    Command, Session, address::Address, awake::ClassAwakeCommand, failure::Failure, output::Tabular,
    paging::print_whole,
};

mod updates;
use updates::{KeyCommand, UpdatesCommand};

mod wishes;
use wishes::WishesCommand;

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
    /// Which devices are of a class, if nobody has put them into one.
    #[command(subcommand)]
    Rule(RuleCommand),
    /// What the devices of a class are observed for.
    #[command(subcommand)]
    Wishes(WishesCommand),
    /// How long the devices of a class listen after they were heard, in queue mode.
    #[command(subcommand)]
    Awake(ClassAwakeCommand),
    /// What a class takes as updates.
    #[command(subcommand)]
    Updates(UpdatesCommand),
    /// The keys that may sign updates of a class.
    #[command(subcommand)]
    Key(KeyCommand),
}

#[derive(Subcommand)]
pub(crate) enum RuleCommand {
    /// Shows it.
    Show {
        /// The class's name.
        class: String,
    },
    /// Lists the devices that the class and others ask for alike.
    Contested {
        /// The class's name.
        class: String,
    },
    /// Sets it: all that is given must fit; without anything no device is of the class by a rule.
    Set {
        /// The class's name.
        class: String,
        /// What they say in /3/0/0.
        #[arg(long, value_name = "TEXT")]
        manufacturer: Option<String>,
        /// What they say in /3/0/1.
        #[arg(long, value_name = "TEXT")]
        model: Option<String>,
        /// The objects they have, among others, with commas between them.
        #[arg(long, value_name = "OBJECTS", value_delimiter = ',')]
        objects: Vec<u16>,
        /// Their labels, among others: key=value, or key with any value.
        #[arg(long, value_name = "LABEL", value_delimiter = ',')]
        labels: Vec<String>,
    },
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
            Self::Rule(command) => command.run(session),
            Self::Wishes(command) => command.run(session),
            Self::Awake(command) => command.run(session),
            Self::Updates(command) => command.run(session),
            Self::Key(command) => command.run(session),
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

impl Command for RuleCommand {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Show { class } => {
                let rule: ClassRule = session.client.get(&Address::new(&["classes", &class, "rule"]))?;
                session.output.one(&rule)
            }
            Self::Contested { class } => {
                print_whole::<ContestedDevice>(session, &Address::new(&["classes", &class, "contested"]))
            }
            Self::Set { class, manufacturer, model, objects, labels } => {
                let label = |text: String| match text.split_once('=') {
                    Some((key, value)) => (key.to_owned(), value.to_owned()),
                    None => (text, String::new()),
                };
                let labels = labels.into_iter().map(label).collect();
                let rule = ClassRule { manufacturer, model, objects, labels };
                session.client.tell(Method::PUT, &Address::new(&["classes", &class, "rule"]), &rule)?;
                session.output.done("The rule is set.")
            }
        }
    }
}

impl Tabular for ClassRule {
    const COLUMNS: &'static [&'static str] = &["manufacturer", "model", "objects", "labels"];

    fn cells(&self) -> Vec<String> {
        let objects: Vec<String> = self.objects.iter().map(u16::to_string).collect();
        let labels = Labels { labels: self.labels.clone() };
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        [vec![text(&self.manufacturer), text(&self.model), objects.join(" ")], labels.cells()].concat()
    }
}

impl Tabular for ContestedDevice {
    const COLUMNS: &'static [&'static str] = &["id", "endpoint"];

    fn cells(&self) -> Vec<String> {
        vec![self.id.clone(), self.endpoint.clone()]
    }
}

fn retention_of(class: &str) -> Address {
    Address::new(&["classes", class, "retention"])
}

fn policy_of(class: &str) -> Address {
    Address::new(&["classes", class, "policy"])
}

impl Tabular for Class {
    const COLUMNS: &'static [&'static str] =
        &["name", "kinds", "mapping", "provision", "days", "readings", "devices"];

    fn cells(&self) -> Vec<String> {
        let devices = self.devices.map_or_else(|| "many".to_owned(), |devices| devices.to_string());
        [vec![self.name.clone()], self.policy.cells(), self.retention.cells(), vec![devices]].concat()
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
