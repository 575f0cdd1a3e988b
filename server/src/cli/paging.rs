//! How much of a list is printed.

use clap::Args;
use serde::de::DeserializeOwned;
use web::api::v1::types::Page;

use super::{Session, address::Address, failure::Failure, output::Tabular};

/// Prints a list that has one page.
pub(crate) fn print_whole<T: DeserializeOwned + Tabular>(
    session: &mut Session,
    address: &Address,
) -> Result<(), Failure> {
    let page: Page<T> = session.client.get(address)?;
    session.output.rows(page.items)
}

#[derive(Args)]
pub(crate) struct Paging {
    /// How many rows at most.
    #[arg(long, value_name = "ROWS", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// All rows, however many.
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

impl Paging {
    /// As much as there is.
    pub(crate) fn all() -> Self {
        Self { limit: u64::MAX, all: true }
    }

    /// Prints a list of the API, as much of it as is asked for.
    pub(crate) fn print<T: DeserializeOwned + Tabular>(
        &self,
        session: &mut Session,
        address: &Address,
    ) -> Result<(), Failure> {
        let Session { client, output, .. } = session;
        let limit = (!self.all).then_some(self.limit);
        let more =
            output.list(|row: &mut dyn FnMut(T) -> Result<(), Failure>| client.list(address, limit, row))?;
        if more {
            eprintln!("muster: there are more than these {}: --all, or a larger --limit", self.limit);
        }
        Ok(())
    }
}
