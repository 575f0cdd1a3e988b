//! The pages of one device.

use super::{Console, Page, Submission};
use crate::{Deadline, until};

/// A device at the console.
#[derive(Clone)]
pub struct Device {
    console: Console,
    url: String,
}

/// The page of an operation: what was asked, and what came of it.
#[derive(Clone, Debug)]
pub struct Report(pub Page);

impl Device {
    pub(super) fn new(console: Console, url: String) -> Self {
        Self { console, url }
    }

    /// Where its page is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name in the API.
    pub fn id(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or_default()
    }

    /// Its page.
    pub async fn page(&self) -> Page {
        self.console.open(&self.url).await
    }

    /// The page of an object, an instance or a resource.
    pub async fn node(&self, path: &str) -> Page {
        self.console.open(&format!("{}/nodes{path}", self.url)).await
    }

    /// Its timeline, the newest first: what kind of thing, and what.
    pub async fn timeline(&self) -> Vec<(String, String)> {
        let page = self.console.open(&format!("{}/timeline", self.url)).await;
        page.texts(".timeline .kind").into_iter().zip(page.texts(".timeline .detail")).collect()
    }

    /// The rows of its page of operations, the newest first.
    pub async fn operations(&self) -> Vec<Vec<String>> {
        self.console.open(&format!("{}/operations", self.url)).await.rows("table")
    }

    /// Its page, once it is as asked.
    pub async fn until(&self, what: &str, is: impl Fn(&Page) -> bool) -> Page {
        self.until_by(Deadline::usual(), what, is).await
    }

    /// Its page, once it is as asked, which must be before the deadline.
    pub async fn until_by(&self, deadline: Deadline, what: &str, is: impl Fn(&Page) -> bool) -> Page {
        until(what, deadline, async || Some(self.page().await).filter(&is)).await
    }

    /// The page of its objects.
    pub async fn objects(&self) -> Page {
        self.tab("objects").await
    }

    /// One of the tabs of its page, such as `credentials`.
    pub async fn tab(&self, name: &str) -> Page {
        self.console.open(&format!("{}/{name}", self.url)).await
    }

    /// The page of its objects, once it is as asked.
    pub async fn until_objects(&self, what: &str, is: impl Fn(&Page) -> bool) -> Page {
        until(what, Deadline::usual(), async || Some(self.objects().await).filter(&is)).await
    }

    /// The page of its objects, once it shows this as the latest value of a resource.
    pub async fn until_value(&self, path: &str, value: &str) -> Page {
        self.until_objects(&format!("{value} at {path}"), |page| Self::value(page, path) == value).await
    }

    /// The latest value of a resource on the page of the objects; empty if it was not read.
    pub fn value(page: &Page, path: &str) -> String {
        page.text(&format!("#v{} .value:not(.none)", path.replace('/', "-")))
    }

    /// The latest value of a resource at this moment; empty if it was not read.
    pub async fn value_of(&self, path: &str) -> String {
        Self::value(&self.objects().await, path)
    }

    /// Reads in the format that the device likes best.
    pub async fn read(&self, path: &str) -> Report {
        self.read_as(path, "").await
    }

    /// Reads in a format, by its number.
    pub async fn read_as(&self, path: &str, format: &str) -> Report {
        let form = self.node(path).await.press(Self::READ).fill("format", format);
        self.submit(form).await
    }

    /// The formats that can be asked for, by their numbers.
    pub async fn formats(&self, path: &str) -> Vec<String> {
        let choices = self.node(path).await.press(Self::READ).choices("format");
        choices.into_iter().filter(|choice| !choice.is_empty()).collect()
    }

    /// Discovers.
    pub async fn discover(&self, path: &str) -> Report {
        self.press(path, "form.card button[value=discover]").await
    }

    /// Writes the one value of a resource.
    pub async fn write(&self, path: &str, value: &str) -> Report {
        let form = self.node(path).await.press("form.card button[value=write]").fill("value", value);
        self.submit(form).await
    }

    /// Asks for a Write, and does not wait for what comes of it.
    pub async fn begin_write(&self, path: &str, value: &str) -> Report {
        let form = self.node(path).await.press("form.card button[value=write]").fill("value", value);
        Report(self.console.send(form).await)
    }

    /// Executes.
    pub async fn execute(&self, path: &str, arguments: &str) -> Report {
        let form =
            self.node(path).await.press("form.card button[value=execute]").fill("arguments", arguments);
        self.submit(form).await
    }

    /// Observes.
    pub async fn observe(&self, path: &str) -> Report {
        self.press(path, "form.card button[value=observe]").await
    }

    /// Asks the device to stop reporting.
    pub async fn cancel_actively(&self, path: &str) -> Report {
        self.press(path, "form.card button[value=cancel-active]").await
    }

    /// Rejects the next report.
    pub async fn cancel_passively(&self, path: &str) -> Report {
        self.press(path, "form.card button[value=cancel-passive]").await
    }

    /// Presses a button on the page of a node.
    pub async fn press(&self, path: &str, button: &str) -> Report {
        let form = self.node(path).await.press(button);
        self.submit(form).await
    }

    /// Sends a form of a page of this device, and returns the page of the operation.
    ///
    /// # Panics
    /// If the console did not take it.
    pub async fn submit(&self, form: Submission) -> Report {
        let page = self.console.submit(form).await;
        assert!(page.has("#operation"), "no operation came of it: {page}");
        Report(page)
    }

    /// Loads a page by its address or path.
    pub(super) async fn browse(&self, address: &str) -> Page {
        self.console.open(address).await
    }

    /// Sends a form of a page of this device, and returns whatever page follows.
    pub async fn submit_any(&self, form: Submission) -> Page {
        self.console.submit(form).await
    }

    /// The page of an operation, once it has ended.
    pub async fn until_ended(&self, report: &Report) -> Report {
        let url = report.0.url().as_str();
        until(&format!("the end of {}", report.name()), Deadline::usual(), async || {
            let report = Report(self.console.open(url).await);
            (!matches!(report.state().as_str(), "Waiting" | "Sent")).then_some(report)
        })
        .await
    }

    const READ: &str = "form.card button[value=read]";
}

impl Report {
    /// Operation and path.
    pub fn name(&self) -> String {
        self.0.text("h1")
    }

    /// Such as `Done`, `Failed` or `Waiting`.
    pub fn state(&self) -> String {
        self.0.text("#operation .badge")
    }

    /// The answer's code, or why there is none.
    pub fn result(&self) -> String {
        self.0.text("#result")
    }

    /// Path and value of all that was read.
    pub fn values(&self) -> Vec<(String, String)> {
        let paths = self.0.texts("section[aria-labelledby=values-title] tbody td:first-child .mono");
        let values = self.0.rows("section[aria-labelledby=values-title] table");
        let value = |row: Vec<String>| row.into_iter().nth(1).unwrap_or_default();
        paths.into_iter().zip(values.into_iter().map(value)).collect()
    }

    /// Path and attributes of all that was discovered.
    pub fn links(&self) -> Vec<(String, String)> {
        let paths = self.0.texts("section[aria-labelledby=links-title] tbody td:first-child .mono");
        let attributes = self.0.texts("section[aria-labelledby=links-title] tbody td:last-child");
        paths.into_iter().zip(attributes).collect()
    }

    /// What went over the wire.
    pub fn trace(&self) -> String {
        self.0.text("#trace")
    }

    /// Where the created instance is.
    pub fn created(&self) -> String {
        self.0.text("#operation > section:first-child > p .mono")
    }

    /// Fails the test unless the device has done it.
    pub fn assert_done(&self) -> &Self {
        assert_eq!(self.state(), "Done", "{}", self.0);
        self
    }

    /// Fails the test unless the device has refused it with this code.
    pub fn assert_refused(&self, code: &str) -> &Self {
        assert_eq!(self.state(), "Failed", "{}", self.0);
        assert!(self.result().starts_with(code), "{code} expected: {}", self.0);
        self
    }
}
