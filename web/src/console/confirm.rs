//! The page before something that can't be taken back: what will happen, a text to type, a reason.

use askama::Template;

use crate::{
    app::App,
    form::Fields,
    page::{Area, Shell},
    session::SignedIn,
    ui::{Field, Filled},
};

/// What is to be confirmed.
pub(crate) struct Confirm {
    pub(crate) area: Area,
    pub(crate) title: String,
    /// What will happen, a paragraph each.
    pub(crate) about: Vec<String>,
    /// What it happens to, where that is a list.
    pub(crate) items: Vec<String>,
    /// What must be typed.
    pub(crate) expected: String,
    /// Asked beside the text and the reason.
    pub(crate) extra: Vec<Field>,
    pub(crate) reason: bool,
    pub(crate) button: &'static str,
    /// Where the form goes.
    pub(crate) action: String,
    /// Where to go instead.
    pub(crate) back: String,
}

#[derive(Template)]
#[template(path = "confirm.html")]
pub(crate) struct ConfirmPage {
    shell: Shell,
    confirm: Confirm,
    fields: Vec<Field>,
    problems: Vec<String>,
}

impl Confirm {
    /// The longest reason, in characters.
    const MAX_REASON: usize = 200;

    /// The reason that was given, or what is missing.
    pub(crate) fn check(&self, fields: &Fields) -> Result<String, Vec<(&'static str, String)>> {
        let mut problems = Vec::new();
        if fields.text("typed").trim() != self.expected {
            problems.push(("typed", format!("Type “{}”, exactly so.", self.expected)));
        }
        let reason = fields.text("reason").trim();
        if self.reason && reason.is_empty() {
            problems.push(("reason", "Say why: it is kept in the audit log.".to_owned()));
        }
        if reason.chars().count() > Self::MAX_REASON {
            problems.push(("reason", format!("At most {} characters.", Self::MAX_REASON)));
        }
        if problems.is_empty() { Ok(reason.to_owned()) } else { Err(problems) }
    }

    pub(crate) fn page(mut self, app: &App, login: &SignedIn, filled: &Filled) -> ConfirmPage {
        let mut fields = std::mem::take(&mut self.extra);
        fields.push(
            Field::new("typed", "To confirm, type what stands above").required().hint(self.expected.clone()),
        );
        if self.reason {
            fields.push(
                Field::new("reason", "Reason")
                    .required()
                    .hint("Kept in the audit log, such as: stolen, sold, lost."),
            );
        }
        let fields: Vec<Field> = fields.into_iter().map(|field| field.filled(filled)).collect();
        ConfirmPage {
            shell: Shell::new(app, login, self.area, self.title.clone()),
            problems: filled.others(&fields),
            confirm: self,
            fields,
        }
    }
}
