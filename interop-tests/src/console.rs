//! The console, used as a browser without JavaScript uses it: pages are loaded, links followed, forms filled in and sent.

use std::time::Duration;

use reqwest::{Method, Response, Url, redirect};

use crate::{Deadline, Security, Spec, Subject, until};

mod claim;
pub use claim::NewClaim;

mod device;
pub use device::{Device, Report};

mod diary;

mod form;
pub use form::Submission;

mod identity;
pub use identity::{Credential, Key};

mod page;
pub use page::Page;

/// Somebody at the console, with the cookies of their browser.
#[derive(Clone)]
pub struct Console {
    browser: reqwest::Client,
    home: Url,
}

impl Console {
    /// The name of the administrator that [`Self::set_up`] makes.
    pub const NAME: &str = "ada";
    /// Their password.
    pub const PASSWORD: &str = "a lighthouse in the fog";

    /// Opens the set-up link of a new server, makes its administrator, logs out and in again.
    pub async fn set_up(subject: &Subject) -> Self {
        let console = Self::visit(&subject.console_url());
        let link = subject.setup_link().expect("a new server prints a set-up link");
        let page = console.open(link).await;
        let form = page.form("form[action^='/setup/']").fill("name", Self::NAME);
        let form = form.fill("password", Self::PASSWORD).fill("again", Self::PASSWORD);
        let overview = console.submit(form).await;
        console.submit(overview.form("form[action='/logout']")).await;
        console.log_in().await;
        console
    }

    /// A browser without cookies.
    pub fn visit(url: &str) -> Self {
        let browser = reqwest::Client::builder()
            .cookie_store(true)
            .redirect(redirect::Policy::limited(5))
            // Before the server closes an idle connection, perhaps at the very moment that it is used again.
            .pool_idle_timeout(Duration::from_secs(2))
            .build();
        let browser = browser.expect("a client without TLS can be built");
        Self { browser, home: url.parse().expect("the server prints its address") }
    }

    /// Logs in as the administrator.
    pub async fn log_in(&self) {
        let page = self.open("/login").await;
        let form =
            page.form("form[action='/login']").fill("name", Self::NAME).fill("password", Self::PASSWORD);
        let overview = self.submit(form).await;
        assert_eq!(overview.text("h1"), "Overview", "after the login");
    }

    /// Loads a page by its address or path.
    pub async fn open(&self, address: &str) -> Page {
        let url = self.home.join(address).expect("links of the console are addresses");
        let response = self.browser.get(url).send().await;
        self.land(response.expect("the console answers")).await
    }

    /// Sends a form.
    pub async fn submit(&self, form: Submission) -> Page {
        let response = self.post(form).await;
        self.land(response).await
    }

    /// Sends a form, and does not wait where the page that follows would be loaded again.
    pub(super) async fn send(&self, form: Submission) -> Page {
        Page::load(self.post(form).await).await
    }

    async fn post(&self, form: Submission) -> Response {
        let url = form.url();
        let request = self.browser.request(Method::POST, url);
        // What a browser adds to a form of the page it shows.
        let request = request.header("sec-fetch-site", "same-origin");
        let request = match form.encoded() {
            form::Encoded::Fields(fields) => request.form(&fields),
            form::Encoded::Multipart { content_type, body } => {
                request.header("content-type", content_type).body(body)
            }
        };
        request.send().await.expect("the console answers")
    }

    /// Adds a device with the key that its client has, to be bootstrapped or to register at once.
    ///
    /// # Panics
    /// If it has none, or the console did not take it.
    pub async fn enrol(&self, spec: &Spec) {
        self.fill_in(self.open("/enrolment").await.form("form#add"), spec).await;
    }

    /// Fills in the form that adds a device, and sends it.
    ///
    /// # Panics
    /// If there is no key, or the console did not take it.
    pub async fn fill_in(&self, form: Submission, spec: &Spec) {
        let Security::Psk { identity, key } = &spec.security else { panic!("{} has no key", spec.endpoint) };
        let form = form.fill("endpoint", &spec.endpoint);
        let (form, before) = match spec.bootstrap {
            true => (form.tick("bootstrap", "on"), ""),
            false => (form.untick("bootstrap").tick("management", "on"), "management_"),
        };
        let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        let form = form.fill(&format!("{before}identity"), identity).fill(&format!("{before}key"), &key);
        let page = self.submit(form).await;
        assert!(page.status() == 200 && !page.has("form#add"), "{} was not added: {page}", spec.endpoint);
    }

    /// The pages of a device, as soon as the list of devices has it.
    pub async fn device(&self, endpoint: &str) -> Device {
        let list = format!("/devices?prefix={endpoint}");
        let (_, url) = until(&format!("{endpoint} in the list of devices"), Deadline::usual(), async || {
            let page = self.open(&list).await;
            page.links("#devices a.device-name").into_iter().find(|(text, _)| text == endpoint)
        })
        .await;
        Device::new(self.clone(), url)
    }

    /// A page that asks to be loaded again is, until it shows something else, as a browser would do.
    async fn land(&self, response: Response) -> Page {
        let mut page = Page::load(response).await;
        let deadline = Deadline::after(Deadline::USUAL * 3);
        while let Some(after) = page.refresh() {
            assert!(!deadline.has_passed(), "{} does not come to an end", page.url());
            tokio::time::sleep(after).await;
            let response = self.browser.get(page.url().clone()).send().await;
            page = Page::load(response.expect("the console answers")).await;
        }
        page
    }
}
