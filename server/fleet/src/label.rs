//! Labels: what people write on devices, `key=value` or `key` alone, to find them and to name them in rules.

use std::{collections::BTreeMap, fmt, str::FromStr};

/// One label; the value is empty where there is none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// What it is about.
    pub key: String,
    /// What it says.
    pub value: String,
}

/// The labels of a device, by their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(BTreeMap<String, String>);

/// Why a text is no label, or not the labels of a device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// A character that has no place in it.
    #[error("a label is made of letters, digits and {punctuation}, as in site=zurich; {text:?} is not", punctuation = Label::PUNCTUATION)]
    Character {
        /// The label.
        text: String,
    },
    /// It has no key.
    #[error("a label has a key, as in site=zurich; {text:?} has none")]
    NoKey {
        /// The label.
        text: String,
    },
    /// A part of it is longer than [`Label::MAX_CHARS`].
    #[error("key and value of a label have at most {max} characters each", max = Label::MAX_CHARS)]
    TooLong,
    /// More than [`Labels::MAX`].
    #[error("a device has at most {max} labels", max = Labels::MAX)]
    TooMany,
    /// A key that is there twice.
    #[error("a device has one label {key:?}, not two")]
    Twice {
        /// The key.
        key: String,
    },
}

impl Label {
    /// How many characters key and value have at most, each.
    pub const MAX_CHARS: usize = 63;
    /// What a label holds beside letters and digits.
    pub const PUNCTUATION: &str = "._-/:+@";
}

impl Label {
    /// Whether it is among the labels of a device; where it says nothing, with whatever value.
    pub fn is_among(&self, labels: &Labels) -> bool {
        labels.value(&self.key).is_some_and(|value| self.value.is_empty() || self.value == value)
    }
}

impl Labels {
    /// How many a device has at most.
    pub const MAX: usize = 16;

    /// Adds one, in place of one of the same key.
    pub fn set(&mut self, label: Label) -> Result<(), LabelError> {
        let full = self.0.len() >= Self::MAX && !self.0.contains_key(&label.key);
        if full {
            return Err(LabelError::TooMany);
        }
        self.0.insert(label.key, label.value);
        Ok(())
    }

    /// Takes one off. False if it was not there.
    pub fn unset(&mut self, key: &str) -> bool {
        self.0.remove(key).is_some()
    }

    /// What the label of a key says: empty if it says nothing, none if it is not there.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each key with its value, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

impl FromStr for Label {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, LabelError> {
        let text = text.trim();
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        let fits = |letter: char| letter.is_alphanumeric() || Self::PUNCTUATION.contains(letter);
        if !key.chars().chain(value.chars()).all(fits) {
            return Err(LabelError::Character { text: text.to_owned() });
        }
        if key.is_empty() {
            return Err(LabelError::NoKey { text: text.to_owned() });
        }
        if [key, value].iter().any(|part| part.chars().count() > Self::MAX_CHARS) {
            return Err(LabelError::TooLong);
        }
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)?;
        if self.value.is_empty() { Ok(()) } else { write!(f, "={}", self.value) }
    }
}

impl FromStr for Labels {
    type Err = LabelError;

    /// Reads labels with white space or commas between them.
    fn from_str(text: &str) -> Result<Self, LabelError> {
        let mut labels = Self::default();
        let parts = text.split(|letter: char| letter.is_whitespace() || letter == ',');
        for part in parts.filter(|part| !part.is_empty()) {
            let label: Label = part.parse()?;
            if labels.value(&label.key).is_some() {
                return Err(LabelError::Twice { key: label.key });
            }
            labels.set(label)?;
        }
        Ok(labels)
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.iter().enumerate() {
            let label = Label { key: key.to_owned(), value: value.to_owned() };
            write!(f, "{}{label}", if index == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_written_as_they_are_read() {
        let labels: Labels = " site=zürich, spare  batch=2026-11/b ".parse().unwrap();
        assert_eq!(labels.to_string(), "batch=2026-11/b site=zürich spare");
        assert_eq!((labels.value("spare"), labels.value("site")), (Some(""), Some("zürich")));
        assert_eq!(labels.value("gone"), None);
        assert_eq!(labels.to_string().parse(), Ok(labels));
        assert_eq!("  ".parse(), Ok(Labels::default()));
    }

    #[test]
    fn what_is_no_label_is_refused_with_its_reason() {
        let refused = |text: &str| text.parse::<Labels>().unwrap_err();
        assert_eq!(refused("=x"), LabelError::NoKey { text: "=x".into() });
        assert_eq!(refused("a=b=c"), LabelError::Character { text: "a=b=c".into() });
        assert_eq!(refused("a=\"b\""), LabelError::Character { text: "a=\"b\"".into() });
        assert_eq!(refused(&"k".repeat(64)), LabelError::TooLong);
        assert_eq!(refused("a=1 a=2"), LabelError::Twice { key: "a".into() });
        let many: Vec<String> = (0..17).map(|number| format!("k{number}")).collect();
        assert_eq!(refused(&many.join(" ")), LabelError::TooMany);
        assert!(many[..16].join(" ").parse::<Labels>().is_ok());
    }

    #[test]
    fn a_label_replaces_the_one_of_its_key_also_when_there_is_room_for_none() {
        let many: Vec<String> = (0..16).map(|number| format!("k{number}")).collect();
        let mut labels: Labels = many.join(" ").parse().unwrap();
        labels.set("k3=new".parse().unwrap()).unwrap();
        assert_eq!(labels.value("k3"), Some("new"));
        assert_eq!(labels.set("k16".parse().unwrap()), Err(LabelError::TooMany));
        assert!(labels.unset("k3") && !labels.unset("k3"));
    }
}
