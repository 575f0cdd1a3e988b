//! A page, as far as a test looks at it: what selectors find in it.

use std::time::Duration;

use reqwest::{Response, StatusCode, Url};
use scraper::{ElementRef, Html, Selector};

use super::Submission;

/// A page that was loaded.
#[derive(Clone, Debug)]
pub struct Page {
    url: Url,
    status: StatusCode,
    html: String,
}

impl Page {
    pub(super) async fn load(response: Response) -> Self {
        let (url, status) = (response.url().clone(), response.status());
        let html = response.text().await.expect("a page comes to its end");
        Self { url, status, html }
    }

    /// Where it is.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The status it came with.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// Whether something is there.
    pub fn has(&self, selector: &str) -> bool {
        !self.texts(selector).is_empty()
    }

    /// The text of the first element, in one line; empty if there is none.
    pub fn text(&self, selector: &str) -> String {
        self.texts(selector).into_iter().next().unwrap_or_default()
    }

    /// The texts of all elements, each in one line.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        self.select(selector, |element| Some(text(element)))
    }

    /// An attribute of all elements that have it.
    pub fn attributes(&self, selector: &str, name: &str) -> Vec<String> {
        self.select(selector, |element| element.attr(name).map(str::to_owned))
    }

    /// Text and address of all links.
    pub fn links(&self, selector: &str) -> Vec<(String, String)> {
        self.select(selector, |element| Some((text(element), element.attr("href")?.to_owned())))
    }

    /// The cells of each row of a table.
    pub fn rows(&self, table: &str) -> Vec<Vec<String>> {
        let cells = selector("td, th");
        self.select(&format!("{table} tbody tr"), |row| Some(row.select(&cells).map(text).collect()))
    }

    /// A fact of a list of facts, by its name.
    pub fn fact(&self, name: &str) -> String {
        let (term, detail) = (selector("dt"), selector("dd"));
        let facts = self.select("dl.facts > div", |pair| {
            let is = pair.select(&term).next().is_some_and(|term| text(term) == name);
            is.then(|| pair.select(&detail).next().map(text)).flatten()
        });
        facts.into_iter().next().unwrap_or_default()
    }

    /// Whether there is an input of this name.
    pub(super) fn has_field(&self, name: &str) -> bool {
        !self.attributes(&format!("[name='{name}']"), "name").is_empty()
    }

    /// A form, to be sent without any of its buttons, or with the only one.
    ///
    /// # Panics
    /// If there is no such form.
    pub fn form(&self, form: &str) -> Submission {
        let document = Html::parse_document(&self.html);
        let found = document.select(&selector(form)).next();
        Submission::of_form(
            &document,
            found.unwrap_or_else(|| panic!("{form} is not on {}", self)),
            &self.url,
        )
    }

    /// The form of a button, to be sent by pressing it.
    ///
    /// # Panics
    /// If there is no such button.
    pub fn press(&self, button: &str) -> Submission {
        let document = Html::parse_document(&self.html);
        let found = document.select(&selector(button)).next();
        Submission::of_button(
            &document,
            found.unwrap_or_else(|| panic!("{button} is not on {self}")),
            &self.url,
        )
    }

    /// After how long the page wants to be loaded again.
    pub(super) fn refresh(&self) -> Option<Duration> {
        let content = self.attributes("meta[http-equiv=refresh]", "content").into_iter().next()?;
        content.parse().ok().map(Duration::from_secs)
    }

    fn select<T>(&self, what: &str, take: impl Fn(ElementRef<'_>) -> Option<T>) -> Vec<T> {
        Html::parse_document(&self.html).select(&selector(what)).filter_map(take).collect()
    }
}

impl std::fmt::Display for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}): {}", self.url, self.status, self.text("main"))
    }
}

pub(super) fn selector(text: &str) -> Selector {
    Selector::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn text(element: ElementRef<'_>) -> String {
    element.text().flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}
