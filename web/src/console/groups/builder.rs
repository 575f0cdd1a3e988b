//! A condition that is put together from a list of fields and operators, written as CEL.

use serde::Deserialize;

/// One condition, as the form sends it.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Condition {
    /// What is compared.
    pub(super) field: String,
    /// The path of a resource, or the key of a label.
    pub(super) of: String,
    pub(super) operator: String,
    pub(super) value: String,
}

/// What may be compared: the value of the choice, what people read, and of which kind it is.
pub(super) const FIELDS: [(&str, &str, Kind); 13] = [
    ("", "Choose", Kind::Text),
    ("class", "Class", Kind::Text),
    ("endpoint", "Endpoint name", Kind::Text),
    ("label", "Label (its key beside it)", Kind::Label),
    ("value", "Value of a resource (its path beside it)", Kind::Value),
    ("version", "Version in a resource (its path beside it)", Kind::Version),
    ("state", "State", Kind::Text),
    ("objects", "Object it has", Kind::Object),
    ("lwm2m", "LwM2M version", Kind::Text),
    ("binding", "Binding", Kind::Text),
    ("queue_mode", "Queue mode (true or false)", Kind::Bare),
    ("lifetime", "Lifetime in seconds", Kind::Bare),
    ("created", "First known, as 2026-11-22", Kind::Text),
];

pub(super) const OPERATORS: [(&str, &str); 9] = [
    ("==", "is"),
    ("!=", "is not"),
    ("<", "is less than, or before"),
    ("<=", "is at most"),
    (">", "is more than, or after"),
    (">=", "is at least"),
    ("startsWith", "begins with"),
    ("endsWith", "ends with"),
    ("contains", "contains"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Numbers and truths stand in the rule as they are typed.
    Bare,
    Label,
    Object,
    Text,
    Value,
    Version,
}

/// The conditions that say something, all of which are to hold.
pub(super) fn written(conditions: &[Condition]) -> String {
    let parts: Vec<String> = conditions.iter().filter_map(Condition::written).collect();
    parts.join(" && ")
}

impl Condition {
    fn written(&self) -> Option<String> {
        let (field, _, kind) = FIELDS.iter().find(|(name, ..)| !name.is_empty() && *name == self.field)?;
        let (of, value) = (quoted(self.of.trim()), self.value.trim());
        let (subject, value) = match kind {
            Kind::Bare => ((*field).to_owned(), value.to_owned()),
            Kind::Text => ((*field).to_owned(), quoted(value)),
            Kind::Value => (format!("value({of})"), literal(value)),
            Kind::Label if value.is_empty() && self.operator == "!=" => {
                return Some(format!("!({of} in labels)"));
            }
            Kind::Label if value.is_empty() => return Some(format!("{of} in labels")),
            Kind::Label => {
                let compared = compared(&format!("labels[{of}]"), &self.operator, &quoted(value));
                return Some(format!("{of} in labels && {compared}"));
            }
            Kind::Object if self.operator == "!=" => return Some(format!("!({value} in objects)")),
            Kind::Object => return Some(format!("{value} in objects")),
            Kind::Version if self.operator == "<" => {
                return Some(format!("older(value({of}), {})", quoted(value)));
            }
            Kind::Version => (format!("value({of})"), quoted(value)),
        };
        Some(compared(&subject, &self.operator, &value))
    }
}

fn compared(subject: &str, operator: &str, value: &str) -> String {
    match operator {
        "startsWith" | "endsWith" | "contains" => format!("{subject}.{operator}({value})"),
        operator => {
            let known = OPERATORS.iter().find(|(known, _)| *known == operator);
            format!("{subject} {} {value}", known.map_or("==", |(known, _)| known))
        }
    }
}

/// A number or a truth as it is, all else as a text.
fn literal(value: &str) -> String {
    let bare = matches!(value, "true" | "false" | "null")
        || value.parse::<f64>().is_ok_and(f64::is_finite)
            && value.ends_with(|last: char| last.is_ascii_digit());
    if bare { value.to_owned() } else { quoted(value) }
}

/// A text as CEL writes it, which reads the escapes of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use fleet::Rule;

    use super::*;

    fn condition(field: &str, of: &str, operator: &str, value: &str) -> Condition {
        Condition { field: field.into(), of: of.into(), operator: operator.into(), value: value.into() }
    }

    #[test]
    fn what_is_chosen_is_written_as_a_rule() {
        let conditions = [
            condition("class", "", "==", " me\"ters\\ "),
            condition("", "", "==", "nothing is chosen"),
            condition("label", "site", "!=", "bern"),
            condition("label", "spare", "==", ""),
            condition("value", "/3/0/9", "<", "20"),
            condition("value", "/3/0/0", "==", "ACME"),
            condition("version", "/3/0/3", "<", "1.10"),
            condition("objects", "", "!=", "3303"),
            condition("queue_mode", "", "==", "true"),
            condition("endpoint", "", "startsWith", "urn:"),
        ];
        let rule = written(&conditions);
        assert_eq!(
            rule,
            "class == \"me\\\"ters\\\\\" && \"site\" in labels && labels[\"site\"] != \"bern\" && \"spare\" in labels && \
             value(\"/3/0/9\") < 20 && value(\"/3/0/0\") == \"ACME\" && older(value(\"/3/0/3\"), \"1.10\") && \
             !(3303 in objects) && queue_mode == true && endpoint.startsWith(\"urn:\")"
        );
        Rule::compile(&rule).unwrap();
    }

    #[test]
    fn each_field_with_each_fitting_operator_is_a_rule() {
        for (field, _, kind) in &FIELDS[1..] {
            for (operator, _) in OPERATORS {
                let (of, value) = match kind {
                    Kind::Value | Kind::Version => ("/3/0/3", "7"),
                    Kind::Label => ("site", "a"),
                    Kind::Object => ("", "3"),
                    Kind::Bare if *field == "lifetime" => ("", "60"),
                    Kind::Bare => ("", "true"),
                    Kind::Text => ("", "ü\u{1}\n"),
                };
                let fits = match (*field, operator) {
                    ("lifetime" | "value", "startsWith" | "endsWith" | "contains") => false,
                    ("queue_mode", operator) => ["==", "!="].contains(&operator),
                    _ => true,
                };
                let rule = condition(field, of, operator, value).written().unwrap();
                assert_eq!(Rule::compile(&rule).is_ok(), fits, "{rule}");
            }
        }
    }
}
