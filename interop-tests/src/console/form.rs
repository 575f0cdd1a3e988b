//! A form on its way to be sent: what a browser would put into it, and what a person changes.

use reqwest::Url;
use scraper::{ElementRef, Html};

use super::page::selector;

/// A form as a browser would send it.
#[derive(Clone, Debug)]
pub struct Submission {
    url: Url,
    multipart: bool,
    fields: Vec<Field>,
    /// What the selects offer.
    options: Vec<(String, String)>,
    /// Boxes and radio buttons that are not ticked.
    unticked: Vec<(String, String)>,
    /// File inputs.
    files: Vec<String>,
}

#[derive(Clone, Debug)]
struct Field {
    name: String,
    value: Vec<u8>,
    /// The name of the file it came from.
    file: Option<String>,
}

pub(super) enum Encoded {
    Fields(Vec<(String, String)>),
    Multipart { content_type: String, body: Vec<u8> },
}

impl Submission {
    pub(super) fn of_form(document: &Html, form: ElementRef<'_>, page: &Url) -> Self {
        let action = form.attr("action").unwrap_or_default();
        let mut submission = Self {
            url: page.join(action).expect("actions of the console are addresses"),
            multipart: form.attr("enctype") == Some("multipart/form-data"),
            fields: Vec::new(),
            options: Vec::new(),
            unticked: Vec::new(),
            files: Vec::new(),
        };
        let controls = selector("input, select, textarea");
        let id = form.attr("id").unwrap_or_default();
        let elsewhere =
            document.select(&controls).filter(|control| !id.is_empty() && control.attr("form") == Some(id));
        form.select(&controls).filter(|control| control.attr("form").is_none()).chain(elsewhere).for_each(
            |control| {
                submission.take(control);
            },
        );
        submission
    }

    pub(super) fn of_button(document: &Html, button: ElementRef<'_>, page: &Url) -> Self {
        let form = match button.attr("form") {
            Some(id) => document.select(&selector(&format!("form#{id}"))).next(),
            None => button
                .ancestors()
                .filter_map(ElementRef::wrap)
                .find(|element| element.value().name() == "form"),
        };
        let mut submission = Self::of_form(document, form.expect("a button belongs to a form"), page);
        if let Some(action) = button.attr("formaction") {
            submission.url = page.join(action).expect("actions of the console are addresses");
        }
        if let Some(name) = button.attr("name") {
            submission.put(name, button.attr("value").unwrap_or_default());
        }
        submission
    }

    /// Types into a field, or chooses in a select.
    ///
    /// # Panics
    /// If the form has no such field, or no such choice.
    pub fn fill(mut self, name: &str, value: &str) -> Self {
        let offered = self.options.iter().filter(|(of, _)| of == name).map(|(_, value)| value);
        let offered: Vec<&String> = offered.collect();
        assert!(
            offered.is_empty() || offered.iter().any(|offer| *offer == value),
            "{name} offers {offered:?}, not {value}"
        );
        let field = self.fields.iter_mut().find(|field| field.name == name);
        field.unwrap_or_else(|| panic!("the form has no field {name}")).value = value.as_bytes().to_vec();
        self
    }

    /// Ticks a box or chooses a radio button.
    ///
    /// # Panics
    /// If the form has no such box.
    pub fn tick(mut self, name: &str, value: &str) -> Self {
        if self.fields.iter().any(|field| field.name == name && field.value == value.as_bytes()) {
            return self;
        }
        let there = self.unticked.iter().any(|(of, offer)| of == name && offer == value);
        assert!(there, "the form has no box {name} = {value}; there is {:?}", self.unticked);
        self.fields.retain(|field| field.name != name);
        self.put(name, value);
        self
    }

    /// Takes the tick out of a box.
    pub fn untick(mut self, name: &str) -> Self {
        self.fields.retain(|field| field.name != name);
        self
    }

    /// Chooses a file.
    ///
    /// # Panics
    /// If the form has no such file input.
    pub fn attach(mut self, name: &str, file: &[u8]) -> Self {
        assert!(self.files.iter().any(|known| known == name), "the form takes no file {name}");
        let field =
            Field { name: name.to_owned(), value: file.to_vec(), file: Some("upload.bin".to_owned()) };
        self.fields.push(field);
        self
    }

    /// Sends it to another page, as no browser would.
    pub fn to(mut self, path: &str) -> Self {
        self.url.set_path(path);
        self
    }

    /// What a select offers.
    pub fn choices(&self, name: &str) -> Vec<String> {
        self.options.iter().filter(|(of, _)| of == name).map(|(_, value)| value.clone()).collect()
    }

    pub(super) fn url(&self) -> Url {
        self.url.clone()
    }

    pub(super) fn encoded(self) -> Encoded {
        let text = |value: Vec<u8>| String::from_utf8(value).expect("only files hold other than text");
        if !self.multipart {
            return Encoded::Fields(
                self.fields.into_iter().map(|field| (field.name, text(field.value))).collect(),
            );
        }
        const BOUNDARY: &str = "a-boundary-that-no-value-of-a-test-holds";
        let mut body = Vec::new();
        for field in self.fields {
            let file = field
                .file
                .map(|file| format!("; filename=\"{file}\"\r\nContent-Type: application/octet-stream"));
            let head = format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{}\"{}\r\n\r\n",
                field.name,
                file.unwrap_or_default()
            );
            body.extend(head.as_bytes());
            body.extend(&field.value);
            body.extend(b"\r\n");
        }
        body.extend(format!("--{BOUNDARY}--\r\n").as_bytes());
        Encoded::Multipart { content_type: format!("multipart/form-data; boundary={BOUNDARY}"), body }
    }

    fn take(&mut self, control: ElementRef<'_>) {
        let Some(name) = control.attr("name") else { return };
        let value = control.attr("value").unwrap_or_default();
        match (control.value().name(), control.attr("type").unwrap_or("text")) {
            ("textarea", _) => self.put(name, &control.text().collect::<String>()),
            ("select", _) => {
                let options: Vec<ElementRef<'_>> = control.select(&selector("option")).collect();
                let value = |option: &ElementRef<'_>| option.attr("value").unwrap_or_default().to_owned();
                let chosen = options
                    .iter()
                    .find(|option| option.attr("selected").is_some())
                    .or_else(|| options.first());
                if let Some(chosen) = chosen {
                    self.put(name, &value(chosen));
                }
                self.options.extend(options.iter().map(|option| (name.to_owned(), value(option))));
            }
            (_, "checkbox" | "radio") => {
                let value = control.attr("value").unwrap_or("on");
                match control.attr("checked") {
                    Some(_) => self.put(name, value),
                    None => self.unticked.push((name.to_owned(), value.to_owned())),
                }
            }
            (_, "file") => self.files.push(name.to_owned()),
            _ => self.put(name, value),
        }
    }

    fn put(&mut self, name: &str, value: &str) {
        self.fields.push(Field { name: name.to_owned(), value: value.as_bytes().to_vec(), file: None });
    }
}
