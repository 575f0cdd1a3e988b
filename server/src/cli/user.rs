//! `muster user`. Two of its commands work on a server that does not run: who starts it unattended has no account yet, and
//! who is locked out has none that works.

use clap::Subcommand;
use server::{Config, config::ConfigError, offline::Offline};
use ureq::http::Method;
use web::api::v1::types::{Activity, NewPassword, NewRole, NewUser, Page, Role, User};
use zeroize::Zeroizing;

use super::{
    Command, Manner, Session,
    address::Address,
    ask::new_password,
    client::Client,
    failure::Failure,
    output::{Tabular, or_empty},
    paging::print_whole,
};

#[derive(Subcommand)]
pub(crate) enum UserCommand {
    /// Lists the accounts.
    List,
    /// Makes an account: at a server that is named by --server or a token, otherwise in the data folder of one that does
    /// not run (as the user that it runs as).
    Create {
        /// The name to log in with.
        name: String,
        /// What it may do: viewer, operator or administrator.
        #[arg(long, required_unless_present = "administrator")]
        role: Option<Role>,
        /// The same as --role administrator.
        #[arg(long, conflicts_with = "role")]
        administrator: bool,
        /// Reads the password from the first line of stdin. Without it, it is asked for.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Gives an account another role, at once.
    Role {
        /// The account's name.
        name: String,
        /// viewer, operator or administrator.
        role: Role,
    },
    /// Disables an account: its sessions and tokens end at once.
    Disable {
        /// Its name.
        name: String,
    },
    /// Lets an account be used again.
    Enable {
        /// Its name.
        name: String,
    },
    /// Gives an account another password and ends its sessions: at a server that is named by --server or a token, otherwise
    /// in the data folder of one that does not run (as the user that it runs as).
    ResetPassword {
        /// The account's name.
        name: String,
        /// Reads the password from the first line of stdin. Without it, it is asked for.
        #[arg(long)]
        password_stdin: bool,
    },
}

/// Does a command, with or without a server.
pub(super) fn run(
    command: UserCommand,
    manner: &Manner,
    config: impl FnOnce() -> Result<Config, ConfigError>,
) -> Result<(), Failure> {
    if manner.connection.is_named() {
        return command.run(&mut manner.open()?);
    }
    match command {
        UserCommand::Create { name, role, administrator: _, password_stdin } => {
            let config = config()?;
            let password = new_password(password_stdin)?;
            let role = role.unwrap_or(Role::Administrator);
            let user = offline(async {
                Offline::open_or_make(&config).await?.add_user(&name, role.into(), password).await
            })?;
            manner.output().one(&User::from(user))
        }
        UserCommand::ResetPassword { name, password_stdin } => {
            let config = config()?;
            let password = new_password(password_stdin)?;
            offline(async { Offline::open(&config).await?.reset_password(&name, password).await })?;
            manner.output().done("It has another password.")
        }
        command => command.run(&mut manner.open()?),
    }
}

fn offline<T>(work: impl Future<Output = Result<T, server::offline::OfflineError>>) -> Result<T, Failure> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::Runtime)?;
    Ok(runtime.block_on(work)?)
}

impl Command for UserCommand {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        let users = Address::new(&["users"]);
        match self {
            Self::List => print_whole::<User>(session, &users),
            Self::Create { name, role, administrator: _, password_stdin } => {
                let password = new_password(password_stdin)?;
                let new = NewUser {
                    name,
                    role: role.unwrap_or(Role::Administrator),
                    password: revealed(&password),
                };
                let user: User = session.client.send(Method::POST, &users, &new)?;
                session.output.one(&user)
            }
            Self::Role { name, role } => {
                let id = id_of(&session.client, &name)?;
                session.client.tell(
                    Method::PUT,
                    &Address::new(&["users", &id, "role"]),
                    &NewRole { role },
                )?;
                session.output.done("It has that role now.")
            }
            Self::Disable { name } => {
                let id = id_of(&session.client, &name)?;
                session.consent.to(&format!("Disable {name}: its sessions and tokens end at once"))?;
                activity(&session.client, &id, true)?;
                session.output.done("It is disabled.")
            }
            Self::Enable { name } => {
                let id = id_of(&session.client, &name)?;
                activity(&session.client, &id, false)?;
                session.output.done("It can be used again.")
            }
            Self::ResetPassword { name, password_stdin } => {
                let id = id_of(&session.client, &name)?;
                let password = new_password(password_stdin)?;
                let new = NewPassword { password: revealed(&password) };
                session.client.tell(Method::PUT, &Address::new(&["users", &id, "password"]), &new)?;
                session.output.done("It has another password.")
            }
        }
    }
}

fn activity(client: &Client, id: &str, disabled: bool) -> Result<(), Failure> {
    client.tell(Method::PUT, &Address::new(&["users", id, "activity"]), &Activity { disabled })
}

fn id_of(client: &Client, name: &str) -> Result<String, Failure> {
    let users: Page<User> = client.get(&Address::new(&["users"]))?;
    let user = users.items.into_iter().find(|user| user.name == name);
    user.map(|user| user.id).ok_or_else(|| Failure::NotFound { what: "account", name: name.to_owned() })
}

fn revealed(password: &Zeroizing<String>) -> String {
    password.as_str().to_owned()
}

impl Tabular for User {
    const COLUMNS: &'static [&'static str] = &["id", "name", "role", "created_at", "disabled_at"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.name.clone(),
            self.role.to_string(),
            self.created_at.to_string(),
            or_empty(self.disabled_at.as_ref()),
        ]
    }
}
