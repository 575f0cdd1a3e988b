//! `muster overview`.

use web::api::v1::types::Overview;

use super::{Session, address::Address, failure::Failure, output::Tabular};

/// Prints the counts.
pub(super) fn show(session: &mut Session) -> Result<(), Failure> {
    let overview: Overview = session.client.get(&Address::new(&["overview"]))?;
    session.output.one(&overview)
}

impl Tabular for Overview {
    const COLUMNS: &'static [&'static str] = &[
        "registered",
        "deregistered",
        "expired",
        "awaited",
        "revoked",
        "diary",
        "queued_operations",
        "observations",
    ];

    fn cells(&self) -> Vec<String> {
        let counts = [
            self.registered,
            self.deregistered,
            self.expired,
            self.awaited,
            self.revoked,
            self.diary,
            self.queued_operations,
            self.observations,
        ];
        counts.iter().map(u64::to_string).collect()
    }
}
