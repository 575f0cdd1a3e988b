//! What a device proves itself with: its credentials, and how they are taken away.

use super::{Device, Page, Report, Submission};

/// A row of the page of credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// `bootstrap` or `management`.
    pub purpose: String,
    /// Its PSK identity.
    pub identity: String,
    /// Such as `Live` or `Staged: not proved yet`.
    pub state: String,
}

/// A key, as it is shown once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its PSK identity.
    pub identity: String,
    /// The key itself.
    pub key: Vec<u8>,
}

impl Device {
    /// Its credentials, the newest first.
    pub async fn credentials(&self) -> Vec<Credential> {
        Credential::all(&self.tab("credentials").await)
    }

    /// Its credentials of one purpose, with their identities and states, once they are as asked.
    pub async fn until_credentials(&self, what: &str, is: impl Fn(&[Credential]) -> bool) -> Vec<Credential> {
        crate::until(what, crate::Deadline::usual(), async || {
            Some(self.credentials().await).filter(|credentials| is(credentials))
        })
        .await
    }

    /// Takes one credential away.
    pub async fn revoke(&self, identity: &str) -> Page {
        let page = self.tab("credentials").await;
        let link = format!("#credentials a[href$='/revoke'][aria-label$=' {identity}']");
        let (_, url) = page.links(&link).into_iter().next().unwrap_or_else(|| panic!("{link}: {page}"));
        self.confirm(&url).await
    }

    /// Takes all its credentials away.
    pub async fn revoke_all(&self) -> Page {
        self.confirm(&format!("{}/revoke", self.url())).await
    }

    /// Removes it, and all that is kept of it.
    pub async fn remove(&self) -> Page {
        self.confirm(&format!("{}/remove", self.url())).await
    }

    /// Removes it, and keeps what it has left.
    pub async fn remove_but_keep(&self) -> Page {
        self.confirm_with(&format!("{}/remove", self.url()), |form| form.tick("keep_data", "on")).await
    }

    /// Adds a credential with a key that the server makes.
    pub async fn add_credential(&self, purpose: &str) -> Key {
        let form = self.tab("credentials").await.form("form[action$='/credentials'].card");
        Key::shown(&self.submit_any(form.fill("purpose", purpose)).await, purpose)
    }

    /// Replaces a credential: by a key that is shown, or by asking the device to bootstrap.
    pub async fn rotate(&self, identity: &str) -> Page {
        let button = format!("button[formaction$='/rotate'][aria-label$=' {identity}']");
        self.submit_any(self.tab("credentials").await.press(&button)).await
    }

    /// Replaces a credential by one whose key is shown.
    pub async fn rotate_by_hand(&self, identity: &str) -> Key {
        Key::shown(&self.rotate(identity).await, "management")
    }

    /// Asks the device to bootstrap (LwM2M Core 1.1.1 §E.2, resource 9).
    pub async fn trigger_bootstrap(&self) -> Report {
        let form = self.tab("danger").await.form("form#bootstrap");
        self.submit(form).await
    }

    /// How its bootstraps ended, the newest first, and why.
    pub async fn bootstraps(&self) -> Vec<(String, String)> {
        let rows = self.tab("security").await.rows("#bootstraps");
        let cell = |row: &[String], at: usize| row.get(at).cloned().unwrap_or_default();
        rows.iter().map(|row| (cell(row, 1), cell(row, 3))).collect()
    }

    async fn confirm(&self, url: &str) -> Page {
        self.confirm_with(url, |form| form).await
    }

    async fn confirm_with(&self, url: &str, more: impl FnOnce(Submission) -> Submission) -> Page {
        let page = self.browse(url).await;
        let form = page.form("form#confirm").fill("typed", &page.text("#expected"));
        let form = if page.has_field("reason") { form.fill("reason", "a test of it") } else { form };
        let after = self.submit_any(more(form)).await;
        assert!(after.status() == 200 && !after.has("form#confirm"), "{url}: {after}");
        after
    }
}

impl Credential {
    /// Whether it is of this purpose and in this state.
    pub fn is(&self, purpose: &str, state: &str) -> bool {
        self.purpose == purpose && self.state.starts_with(state)
    }

    fn all(page: &Page) -> Vec<Self> {
        let purposes = page.texts("#credentials tbody td:first-child strong");
        let identities = page.texts("#credentials tbody td:nth-child(2) > bdi");
        let states = page.texts("#credentials tbody td:nth-child(3) > .badge:first-child");
        let all = [purposes.len(), identities.len(), states.len()];
        assert_eq!(all, [page.rows("#credentials").len(); 3], "a credential a row: {page}");
        let rows = purposes.into_iter().zip(identities).zip(states);
        let row = |((purpose, identity), state): ((String, String), String)| Self {
            purpose: purpose.to_lowercase(),
            identity,
            state,
        };
        rows.map(row).collect()
    }
}

impl Key {
    /// From the page that shows it.
    pub(super) fn shown(page: &Page, purpose: &str) -> Self {
        let identity = page.text(&format!("#identity-{purpose}"));
        let hex = page.text(&format!("#key-{purpose}"));
        let digits = |at| u8::from_str_radix(hex.get(at..at + 2).unwrap_or_default(), 16);
        let key: Result<Vec<u8>, _> = (0..hex.len()).step_by(2).map(digits).collect();
        let key = key.ok().filter(|key| !key.is_empty()).unwrap_or_else(|| panic!("no key is shown: {page}"));
        Self { identity, key }
    }
}
