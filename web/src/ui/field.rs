//! Fields of forms: a label, an input, a hint, and what is wrong with what was typed.

use fleet::{FleetError, PlanError};

use crate::{console::sentence, error::WebError, form::Fields};

/// One labelled input.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) id: String,
    pub(crate) label: &'static str,
    pub(crate) hint: String,
    /// `text`, `search`, `password`, `number`, `moment`, `check`, `file`, `area` or `select`.
    pub(crate) kind: &'static str,
    pub(crate) value: String,
    pub(crate) choices: Vec<Choice>,
    pub(crate) required: bool,
    /// What the browser may fill in.
    pub(crate) autocomplete: &'static str,
    pub(crate) problem: Option<String>,
}

/// One of several values.
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) chosen: bool,
}

/// A form as it was sent, with what is wrong with it; or a fresh one.
#[derive(Default)]
pub(crate) struct Filled {
    sent: Option<Fields>,
    problems: Vec<(&'static str, String)>,
}

impl Field {
    pub(crate) fn new(name: &'static str, label: &'static str) -> Self {
        Self {
            name,
            id: format!("field-{name}"),
            label,
            hint: String::new(),
            kind: "text",
            value: String::new(),
            choices: Vec::new(),
            required: false,
            autocomplete: "off",
            problem: None,
        }
    }

    pub(crate) fn kind(self, kind: &'static str) -> Self {
        Self { kind, ..self }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    pub(crate) fn value(self, value: impl Into<String>) -> Self {
        Self { value: value.into(), ..self }
    }

    pub(crate) fn required(self) -> Self {
        Self { required: true, ..self }
    }

    pub(crate) fn autocomplete(self, autocomplete: &'static str) -> Self {
        Self { autocomplete, ..self }
    }

    /// A box to tick.
    pub(crate) fn check(self, ticked: bool) -> Self {
        Self { kind: "check", value: if ticked { "on".to_owned() } else { String::new() }, ..self }
    }

    /// A list to choose from.
    pub(crate) fn select(self, choices: Vec<(String, String)>) -> Self {
        let choices = choices.into_iter().map(|(value, label)| Choice { value, label, chosen: false });
        Self { kind: "select", choices: choices.collect(), ..self }
    }

    /// As it was typed, with what is wrong with it. Passwords and files are to be given again.
    pub(crate) fn filled(mut self, filled: &Filled) -> Self {
        if let Some(sent) = &filled.sent
            && !matches!(self.kind, "password" | "file")
        {
            sent.text(self.name).clone_into(&mut self.value);
        }
        self.problem = filled.problem(self.name);
        let value = self.value.clone();
        for choice in &mut self.choices {
            choice.chosen = choice.value == value;
        }
        self
    }
}

impl Filled {
    /// A form that could not be taken for this reason; the error itself where no person can mend it.
    pub(crate) fn refused(sent: Fields, error: &FleetError) -> Option<Self> {
        let problem = match error {
            FleetError::Invalid { field, reason } => (*field, sentence(&Said(reason))),
            FleetError::Psk(error) => (field_of_psk(*error), sentence(error)),
            FleetError::Plan(error) => (field_of_plan(error), sentence(error)),
            FleetError::Password(error) => ("password", sentence(error)),
            FleetError::AlreadyThere("credential") => ("identity", sentence(error)),
            FleetError::UserName(_) | FleetError::AlreadyThere(_) => ("name", sentence(error)),
            FleetError::Misfit(_) | FleetError::Blob(_) | FleetError::TooLarge { .. } => {
                ("", sentence(error))
            }
            FleetError::AlreadyUpdating | FleetError::TooMany { .. } | FleetError::LastAdministrator => {
                ("", sentence(error))
            }
            _ => return None,
        };
        Some(Self { sent: Some(sent), problems: vec![problem] })
    }

    /// A form with these problems, each with a field or, without a name, with all of it.
    pub(crate) fn with(sent: Fields, problems: Vec<(&'static str, String)>) -> Self {
        Self { sent: Some(sent), problems }
    }

    /// With what is said of one field said of another.
    pub(crate) fn at(mut self, of: &str, other: &'static str) -> Self {
        for (field, _) in &mut self.problems {
            if *field == of {
                *field = other;
            }
        }
        self
    }

    /// The form as it was sent, if it was.
    pub(crate) fn sent(&self) -> Option<&Fields> {
        self.sent.as_ref()
    }

    pub(crate) fn problem(&self, field: &str) -> Option<String> {
        self.problems.iter().find(|(name, _)| *name == field).map(|(_, text)| text.clone())
    }

    /// What is wrong, without what stands beside one of these fields.
    pub(crate) fn others<'a>(&self, fields: impl IntoIterator<Item = &'a Field>) -> Vec<String> {
        let names: Vec<&str> = fields.into_iter().map(|field| field.name).collect();
        let elsewhere = |name: &str| !names.contains(&name);
        self.problems.iter().filter(|(name, _)| elsewhere(name)).map(|(_, text)| text.clone()).collect()
    }
}

/// Choices of which one is chosen.
pub(crate) fn chosen(all: impl IntoIterator<Item = (String, String)>, chosen: &str) -> Vec<Choice> {
    all.into_iter().map(|(value, label)| Choice { chosen: value == chosen, value, label }).collect()
}

/// A text that says what is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Said<'a>(&'a str);

fn field_of_psk(error: fleet::PskError) -> &'static str {
    match error {
        fleet::PskError::IdentityLength { .. } => "identity",
        fleet::PskError::KeyLength { .. } | fleet::PskError::NotHex | fleet::PskError::WellKnown => "key",
    }
}

fn field_of_plan(error: &PlanError) -> &'static str {
    match error {
        PlanError::Lifetime => "lifetime",
        PlanError::Periods { .. } => "default_pmin",
        PlanError::Binding { .. } => "binding",
        PlanError::NoTries { resource: 17 } => "retry_count",
        PlanError::NoTries { .. } => "sequence_count",
        PlanError::DeleteLevel { .. } | PlanError::DeleteDevice { .. } | PlanError::TooManyDeletes { .. } => {
            "delete"
        }
        _ => "writes",
    }
}

/// The form again where a person can mend it, the error's page otherwise.
pub(crate) fn mend(sent: Fields, error: WebError) -> Result<Filled, WebError> {
    let filled = match &error {
        WebError::Fleet(error) => Filled::refused(sent, error),
        WebError::Submission(error) => Filled::refused(sent, error),
        _ => None,
    };
    filled.ok_or(error)
}
