//! `muster token`.

use clap::Subcommand;
use ureq::http::Method;
use web::api::v1::types::{MadeToken, NewToken, Scope, Token};

use super::{
    Command, Session,
    address::Address,
    failure::Failure,
    output::{Tabular, or_empty},
    paging::print_whole,
    span::Span,
};

#[derive(Subcommand)]
pub(crate) enum TokenCommand {
    /// Lists the tokens: your own, and all for administrators; never their text.
    List,
    /// Makes a token of your own account, and shows its text this once.
    Create {
        /// What people call it, such as the program it is for.
        name: String,
        /// What it may do: read, operate or administer; never more than you.
        #[arg(long)]
        scope: Scope,
        /// How long it holds, such as 30d; 90 days if nothing is said, at most 366.
        #[arg(long, value_name = "SPAN")]
        expires: Option<Span>,
    },
    /// Revokes a token: it is refused from now on.
    Revoke {
        /// Its id.
        id: String,
    },
}

impl Command for TokenCommand {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        let tokens = Address::new(&["tokens"]);
        match self {
            Self::List => print_whole::<Token>(session, &tokens),
            Self::Create { name, scope, expires } => {
                let new = NewToken { name, scope, expires_in_seconds: expires.map(Span::seconds) };
                let made: MadeToken = session.client.send(Method::POST, &tokens, &new)?;
                session.output.one(&made)
            }
            Self::Revoke { id } => {
                session.consent.to(&format!("Revoke the token {id}: who uses it is refused from now on"))?;
                session.client.act(Method::DELETE, &Address::new(&["tokens", &id]))?;
                session.output.done("It is revoked.")
            }
        }
    }
}

impl Tabular for Token {
    const COLUMNS: &'static [&'static str] =
        &["id", "name", "owner", "scope", "created_at", "expires_at", "last_used_at", "revoked_at"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.name.clone(),
            self.owner.clone(),
            self.scope.to_string(),
            self.created_at.to_string(),
            self.expires_at.to_string(),
            or_empty(self.last_used_at.as_ref()),
            or_empty(self.revoked_at.as_ref()),
        ]
    }
}

impl Tabular for MadeToken {
    const COLUMNS: &'static [&'static str] = &["id", "name", "owner", "scope", "expires_at", "text"];

    fn cells(&self) -> Vec<String> {
        let token = &self.token;
        vec![
            token.id.clone(),
            token.name.clone(),
            token.owner.clone(),
            token.scope.to_string(),
            token.expires_at.to_string(),
            self.text.clone().unwrap_or_default(),
        ]
    }
}
