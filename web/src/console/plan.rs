//! Bootstrap plans as a form: what a class or a device gets by bootstrap, beside its account at this server.

use fleet::Plan;
use objects::{ContentFormat, DataType, Path, Registry, Value, Version};
use serde::{Deserialize, Serialize};

use crate::{
    console::{field, sentence},
    form::Fields,
    ui::{Field, Filled},
};

/// The form of a plan.
pub(crate) struct PlanForm {
    pub(crate) action: String,
    pub(crate) fields: Vec<Field>,
    pub(crate) problems: Vec<String>,
    /// Whether there is one to be taken back.
    pub(crate) removable: bool,
}

/// One of the further writes, as it stands in the form.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Write {
    path: String,
    /// Where no model says it.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    data_type: Option<String>,
    value: serde_json::Value,
}

const FORMATS: [ContentFormat; 3] =
    [ContentFormat::TLV, ContentFormat::SENML_JSON, ContentFormat::SENML_CBOR];

impl PlanForm {
    pub(crate) fn new(action: String, plan: &Plan, removable: bool, filled: &Filled) -> Self {
        let number = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
        let delete: Vec<String> = plan.delete.iter().map(Path::to_string).collect();
        let formats = std::iter::once((String::new(), "What the device prefers".to_owned()))
            .chain(FORMATS.map(|format| (format.0.to_string(), format.to_string())));
        let fields = vec![
            Field::new("lifetime", "Lifetime of the registration, in seconds")
                .kind("number")
                .required()
                .value(plan.lifetime.to_string())
                .hint("/1/x/1"),
            Field::new("default_pmin", "Default minimum period, in seconds")
                .kind("number")
                .value(number(plan.default_pmin))
                .hint("/1/x/2. Left out if empty."),
            Field::new("default_pmax", "Default maximum period, in seconds")
                .kind("number")
                .value(number(plan.default_pmax))
                .hint("/1/x/3. Left out if empty."),
            Field::new("binding", "Binding")
                .required()
                .value(plan.binding.clone())
                .hint("/1/x/7: U for UDP, UQ for UDP and queue mode (LwM2M 1.0)."),
            Field::new("hold_off", "Client hold-off, in seconds")
                .kind("number")
                .value(number(plan.hold_off))
                .hint("/0/x/11. Left out if empty."),
            Field::new("notification_storing", "Keep notifications while it is offline (/1/x/6)")
                .check(plan.notification_storing),
            Field::new("own_bootstrap_credential", "Give it a bootstrap credential of its own, where it came with a claim’s")
                .check(plan.own_bootstrap_credential),
            Field::new("delete", "Deleted first")
                .kind("area")
                .value(delete.join("\n"))
                .hint("A path a line: /, an object such as /3303, or an instance. The bootstrap account survives."),
            Field::new("writes", "Written too")
                .kind("area")
                .value(written(&plan.writes))
                .hint(r#"A JSON list, such as [{"path": "/3/0/15", "value": "Europe/Berlin"}]. Add "type" where no model knows the resource."#),
            Field::new("format", "Format")
                .select(formats.collect())
                .value(plan.format.map(|format| format.0.to_string()).unwrap_or_default()),
        ];
        let fields: Vec<Field> = fields.into_iter().map(|field| field.filled(filled)).collect();
        Self { action, problems: filled.others(&fields), fields, removable }
    }

    /// Whether something was wrong with the form.
    pub(crate) fn wrong(&self) -> bool {
        self.fields.iter().any(|field| field.problem.is_some())
    }
}

/// Reads the form. Whether the plan can be sent is for the verb to say.
pub(crate) fn plan_of(fields: &Fields, registry: &Registry) -> Result<Plan, Vec<(&'static str, String)>> {
    let mut problems = Vec::new();
    let mut number = |name: &'static str| match fields.text(name).trim() {
        "" => None,
        text => match text.parse::<u32>() {
            Ok(number) => Some(number),
            Err(_) => {
                problems.push((name, "Expected a whole number of seconds.".to_owned()));
                None
            }
        },
    };
    let (lifetime, default_pmin, default_pmax, hold_off) =
        (number("lifetime"), number("default_pmin"), number("default_pmax"), number("hold_off"));
    if lifetime.is_none() && problems.is_empty() {
        problems.push(("lifetime", "A registration has a lifetime.".to_owned()));
    }
    let mut delete = Vec::new();
    for line in fields.text("delete").lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.parse() {
            Ok(path) => delete.push(path),
            Err(_) => problems.push(("delete", format!("“{line}” is no path."))),
        }
    }
    let writes = match writes(fields.text("writes"), registry) {
        Ok(writes) => writes,
        Err(text) => {
            problems.push(("writes", text));
            Vec::new()
        }
    };
    let format = match fields.text("format") {
        "" => None,
        number => number.parse().ok().map(ContentFormat),
    };
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Plan {
        lifetime: lifetime.unwrap_or_default(),
        default_pmin,
        default_pmax,
        notification_storing: fields.has("notification_storing"),
        registering: fleet::Registering::default(),
        binding: fields.text("binding").trim().to_owned(),
        hold_off,
        own_bootstrap_credential: fields.has("own_bootstrap_credential"),
        delete,
        writes,
        format,
    })
}

fn writes(text: &str, registry: &Registry) -> Result<Vec<(Path, Value)>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let writes: Vec<Write> =
        serde_json::from_str(text).map_err(|error| format!("This is not such a list: {error}."))?;
    writes.into_iter().map(|write| of_write(&write, registry)).collect()
}

fn of_write(write: &Write, registry: &Registry) -> Result<(Path, Value), String> {
    let path: Path = write.path.parse().map_err(|_| format!("“{}” is no path.", write.path))?;
    let named = write.data_type.as_deref().map(|name| {
        DataType::ALL.into_iter().find(|known| known.name() == name).ok_or_else(|| {
            let known: Vec<&str> = DataType::ALL.into_iter().map(DataType::name).collect();
            format!("“{name}” is no type; there are {}.", known.join(", "))
        })
    });
    let data_type = match named.transpose()? {
        Some(data_type) => data_type,
        None => of_model(path, registry).ok_or_else(|| format!("No model knows {path}: give it a type."))?,
    };
    let text = match &write.value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Bool(_) | serde_json::Value::Number(_) => write.value.to_string(),
        _ => return Err(format!("The value of {path} is neither a text nor a number nor true or false.")),
    };
    let value = field::parse(data_type, &text).map_err(|problem| format!("{path}: {problem}"))?;
    Ok((path, value))
}

fn of_model(path: Path, registry: &Registry) -> Option<DataType> {
    let model = registry
        .object(path.object()?, Version::V1_1)
        .or_else(|| registry.object(path.object()?, Version::V1_0))?;
    model.resource(path.resource()?)?.data_type
}

/// The further writes as the form holds them.
fn written(writes: &[(Path, Value)]) -> String {
    if writes.is_empty() {
        return String::new();
    }
    let writes: Vec<Write> = writes
        .iter()
        .map(|(path, value)| Write {
            path: path.to_string(),
            data_type: Some(value.data_type().name().to_owned()),
            value: serde_json::Value::from(field::typed(value)),
        })
        .collect();
    serde_json::to_string_pretty(&writes).unwrap_or_else(|error| sentence(&error))
}

#[cfg(test)]
mod tests {
    use super::{writes as read, *};

    #[test]
    fn what_is_written_too_can_be_sent_back_as_it_is_shown() {
        let registry = Registry::core();
        let writes = vec![
            ("/3/0/15".parse().unwrap(), Value::String("Europe/Berlin".into())),
            ("/26241/0/1".parse().unwrap(), Value::Opaque(vec![1, 2])),
            ("/3/0/13".parse().unwrap(), Value::Time(1_700_000_000)),
        ];
        assert_eq!(read(&written(&writes), &registry), Ok(writes));
    }

    #[test]
    fn a_model_says_the_type_and_what_is_wrong_is_named() {
        let registry = Registry::core();
        let read = |text| read(text, &registry);
        assert_eq!(
            read(r#"[{"path": "/3/0/15", "value": "Europe/Berlin"}]"#).unwrap()[0].1,
            Value::String("Europe/Berlin".into())
        );
        for (text, expected) in [
            ("{", "not such a list"),
            (r#"[{"path": "x", "value": 1}]"#, "no path"),
            (r#"[{"path": "/26241/0/1", "value": 1}]"#, "give it a type"),
            (r#"[{"path": "/3/0/15", "type": "nonsense", "value": 1}]"#, "no type"),
            (r#"[{"path": "/3/0/13", "value": "never"}]"#, "/3/0/13"),
            (r#"[{"path": "/3/0/15", "value": [1]}]"#, "neither"),
        ] {
            assert!(read(text).unwrap_err().contains(expected), "{text}");
        }
    }
}
