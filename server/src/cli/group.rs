//! `muster group`.

use clap::Subcommand;
use ureq::http::Method;
use web::api::v1::types::{Device, Group, NewGroup, Page, RulePreview, RuleTest};

use super::{
    Command, Session,
    address::Address,
    client::Client,
    failure::Failure,
    output::{Tabular, yes},
    paging::{Paging, print_whole},
};

#[derive(Subcommand)]
pub(crate) enum GroupCommand {
    /// Lists the groups, the highest rank first.
    List,
    /// Shows a group.
    Show {
        /// Its name or its id.
        group: String,
    },
    /// Makes a group, or changes the one of this name; what is not named stays. Try the rule first: `muster group test`.
    Save {
        /// Its name.
        name: String,
        /// Which devices are in it, in CEL, such as 'class == "meters" && value("/3/0/9") < 20'.
        #[arg(long, value_name = "RULE")]
        rule: Option<String>,
        /// Of two groups that a device is in, what that of the higher rank says holds.
        #[arg(long, value_name = "RANK", allow_negative_numbers = true)]
        rank: Option<i32>,
        /// What it is for.
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Removes a group. Its devices stay as they are.
    Remove {
        /// Its name or its id.
        group: String,
    },
    /// Lists the devices in a group.
    Members {
        /// Its name or its id.
        group: String,
        #[command(flatten)]
        paging: Paging,
    },
    /// Says what a rule would change, by a sample of the fleet, and changes nothing.
    Test {
        /// The rule, in CEL.
        rule: String,
        /// The name or the id of the group whose rule it would be.
        #[arg(long, value_name = "GROUP")]
        group: Option<String>,
    },
}

impl Command for GroupCommand {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        let groups = Address::new(&["groups"]);
        match self {
            Self::List => print_whole::<Group>(session, &groups),
            Self::Show { group } => {
                let group = find(&session.client, &group)?;
                session.output.one(&group)
            }
            Self::Save { name, rule, rank, description } => save(
                session,
                NewGroup { name, rule: String::new(), rank: 0, description: String::new() },
                rule,
                rank,
                description,
            ),
            Self::Remove { group } => {
                let group = find(&session.client, &group)?;
                session.consent.to(&format!("Remove the group {}", group.name))?;
                session.client.act(Method::DELETE, &Address::new(&["groups", &group.id]))?;
                session.output.done("It is removed.")
            }
            Self::Members { group, paging } => {
                let group = find(&session.client, &group)?;
                paging.print::<Device>(session, &Address::new(&["devices"]).with("group", &group.id))
            }
            Self::Test { rule, group } => {
                let group = match group {
                    Some(group) => Some(find(&session.client, &group)?.id),
                    None => None,
                };
                let address = Address::new(&["groups", "previews"]);
                let preview: RulePreview =
                    session.client.send(Method::POST, &address, &RuleTest { rule, group })?;
                session.output.one(&preview)
            }
        }
    }
}

fn save(
    session: &mut Session,
    new: NewGroup,
    rule: Option<String>,
    rank: Option<i32>,
    description: Option<String>,
) -> Result<(), Failure> {
    let old = listed(&session.client)?.into_iter().find(|group| group.name == new.name);
    let kept = match &old {
        Some(old) => {
            NewGroup { rule: old.rule.clone(), rank: old.rank, description: old.description.clone(), ..new }
        }
        None => new,
    };
    let saved = NewGroup {
        rule: rule.unwrap_or(kept.rule),
        rank: rank.unwrap_or(kept.rank),
        description: description.unwrap_or(kept.description),
        name: kept.name,
    };
    match old {
        Some(old) => {
            session.client.tell(Method::PUT, &Address::new(&["groups", &old.id]), &saved)?;
            session.output.done("It is changed.")
        }
        None => {
            let group: Group = session.client.send(Method::POST, &Address::new(&["groups"]), &saved)?;
            session.output.one(&group)
        }
    }
}

fn find(client: &Client, named: &str) -> Result<Group, Failure> {
    let mut groups = listed(client)?.into_iter();
    let found = groups.find(|group| group.name == named || group.id == named);
    found.ok_or_else(|| Failure::NotFound { what: "group", name: named.to_owned() })
}

fn listed(client: &Client) -> Result<Vec<Group>, Failure> {
    let page: Page<Group> = client.get(&Address::new(&["groups"]))?;
    Ok(page.items)
}

impl Tabular for Group {
    const COLUMNS: &'static [&'static str] = &["id", "name", "members", "rank", "rule", "description"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.name.clone(),
            self.members.to_string(),
            self.rank.to_string(),
            self.rule.clone(),
            self.description.clone(),
        ]
    }
}

impl Tabular for RulePreview {
    const COLUMNS: &'static [&'static str] =
        &["sampled", "all", "holds", "join", "leave", "undecided", "why", "endpoints"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.sampled.to_string(),
            yes(self.all),
            self.holds.to_string(),
            self.join.to_string(),
            self.leave.to_string(),
            self.undecided.to_string(),
            self.why.clone().unwrap_or_default(),
            self.endpoints.join(" "),
        ]
    }
}
