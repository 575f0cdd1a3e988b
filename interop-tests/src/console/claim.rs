//! Claims: keys that a batch of devices shares.

use super::{Console, Key};

/// A claim to be opened, as its form says it.
#[derive(Clone, Debug)]
pub struct NewClaim {
    /// What people call it.
    pub name: String,
    /// How many devices it may enrol.
    pub quota: u32,
    /// Since when and until when, such as `2030-01-01T00:00:00`, in UTC; from now on for a month if nothing is said.
    pub window: Option<(String, String)>,
}

impl NewClaim {
    /// A claim for so many devices.
    pub fn new(name: &str, quota: u32) -> Self {
        Self { name: name.to_owned(), quota, window: None }
    }

    /// Open at this time alone.
    pub fn within(self, from: &str, to: &str) -> Self {
        Self { window: Some((from.to_owned(), to.to_owned())), ..self }
    }
}

impl Console {
    /// Opens a claim with a key that the server makes.
    pub async fn open_claim(&self, claim: &NewClaim) -> Key {
        let page = self.open("/enrolment/claims").await;
        let form = page.form("form.card[action='/enrolment/claims']").fill("name", &claim.name);
        let form = form.fill("quota", &claim.quota.to_string());
        let form = match &claim.window {
            Some((from, to)) => form.fill("opens_at", from).fill("closes_at", to),
            None => form,
        };
        Key::shown(&self.submit(form).await, "bootstrap")
    }

    /// The claims: name and how many devices it has enrolled, such as `1 of 2`.
    pub async fn claims(&self) -> Vec<(String, String)> {
        let rows = self.open("/enrolment/claims").await.rows("#claims");
        let cell = |row: &[String], at: usize| row.get(at).cloned().unwrap_or_default();
        rows.iter().map(|row| (cell(row, 0), cell(row, 3))).collect()
    }
}
