//! A plan as text, the same in the console, in REST and on the command line: JSON with paths and values as people write
//! them. A store keeps a form of its own, so that what it holds stays readable whatever becomes of this one.

use objects::{ContentFormat, DataType, Path, Value};
use serde::{Deserialize, Serialize};

use super::{Plan, PlanError, Registering};

/// The fields of a plan; what is left out is as in [`Plan::default`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Text {
    lifetime: u32,
    default_pmin: Option<u32>,
    default_pmax: Option<u32>,
    notification_storing: bool,
    binding: String,
    registering: Registering,
    hold_off: Option<u32>,
    own_bootstrap_credential: bool,
    delete: Vec<String>,
    writes: Vec<Written>,
    /// The number of the content format.
    format: Option<u16>,
}

/// One value: opaque ones in hexadecimal digits.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    path: String,
    /// The name of the data type, such as `Unsigned Integer`.
    #[serde(rename = "type")]
    data_type: String,
    value: String,
}

impl Plan {
    /// It as JSON; [`Plan::from_json`] reads it back.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&Text::from(self)).expect("texts and numbers can be written as JSON")
    }

    /// Reads a plan. What it leaves out is as in [`Plan::default`]; whether it can be sent is for [`Plan::check`].
    ///
    /// # Errors
    /// [`PlanError::Unreadable`], with where and why.
    pub fn from_json(text: &str) -> Result<Self, PlanError> {
        let unreadable = |reason: String| PlanError::Unreadable { reason };
        let text: Text = serde_json::from_str(text).map_err(|error| unreadable(error.to_string()))?;
        let path = |text: &String| text.parse().map_err(|error| unreadable(format!("`{text}`: {error}")));
        let written = |written: &Written| -> Result<(Path, Value), PlanError> {
            let path = path(&written.path)?;
            let data_type = DataType::ALL.into_iter().find(|known| known.name() == written.data_type);
            let data_type = data_type
                .ok_or_else(|| unreadable(format!("{path}: `{}` is no data type", written.data_type)))?;
            let value = Value::parse(data_type, &written.value);
            Ok((path, value.map_err(|error| unreadable(format!("{path}: {error}")))?))
        };
        Ok(Self {
            lifetime: text.lifetime,
            default_pmin: text.default_pmin,
            default_pmax: text.default_pmax,
            notification_storing: text.notification_storing,
            binding: text.binding,
            registering: text.registering,
            hold_off: text.hold_off,
            own_bootstrap_credential: text.own_bootstrap_credential,
            delete: text.delete.iter().map(path).collect::<Result<_, _>>()?,
            writes: text.writes.iter().map(written).collect::<Result<_, _>>()?,
            format: text.format.map(ContentFormat),
        })
    }
}

impl From<&Plan> for Text {
    fn from(plan: &Plan) -> Self {
        let written = |(path, value): &(Path, Value)| Written {
            path: path.to_string(),
            data_type: value.data_type().name().to_owned(),
            value: value.to_string(),
        };
        Self {
            lifetime: plan.lifetime,
            default_pmin: plan.default_pmin,
            default_pmax: plan.default_pmax,
            notification_storing: plan.notification_storing,
            binding: plan.binding.clone(),
            registering: plan.registering.clone(),
            hold_off: plan.hold_off,
            own_bootstrap_credential: plan.own_bootstrap_credential,
            delete: plan.delete.iter().map(Path::to_string).collect(),
            writes: plan.writes.iter().map(written).collect(),
            format: plan.format.map(|format| format.0),
        }
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::from(&Plan::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let plan = Plan {
            lifetime: 300,
            default_pmin: Some(1),
            default_pmax: Some(60),
            notification_storing: false,
            binding: "UQ".into(),
            registering: Registering {
                disable_timeout: Some(1),
                priority: Some(2),
                initial_delay: Some(3),
                failure_block: Some(true),
                bootstrap_on_failure: Some(false),
                retry_count: Some(4),
                retry_timer: Some(5),
                sequence_delay: Some(6),
                sequence_count: Some(7),
                mute_send: Some(true),
            },
            hold_off: Some(7),
            own_bootstrap_credential: false,
            delete: vec![Path::Root, "/2/7".parse().unwrap()],
            writes: vec![
                ("/3/0/15".parse().unwrap(), Value::String("Europe/Berlin, \"x\"".into())),
                ("/2/0/2/1".parse().unwrap(), Value::Integer(-1)),
                ("/5/0/0".parse().unwrap(), Value::Opaque(vec![0, 255])),
                ("/3303/0/5700".parse().unwrap(), Value::Float(-0.1)),
                ("/7/0/1".parse().unwrap(), Value::Boolean(true)),
            ],
            format: Some(ContentFormat::SENML_CBOR),
        };
        assert_eq!(Plan::from_json(&plan.to_json()), Ok(plan));
        assert_eq!(Plan::from_json(&Plan::default().to_json()), Ok(Plan::default()));
    }

    #[test]
    fn what_is_left_out_is_as_by_default_and_what_is_unknown_is_an_error() {
        let plan = Plan::from_json(r#"{"lifetime":60}"#).unwrap();
        assert_eq!(plan, Plan { lifetime: 60, ..Plan::default() });
        for (text, part) in [
            (r#"{"lifetme":60}"#, "lifetme"),
            (r#"{"delete":["0"]}"#, "starts with `/`"),
            (r#"{"writes":[{"path":"/3/0/15","type":"Text","value":""}]}"#, "`Text` is no data type"),
            (r#"{"writes":[{"path":"/3/0/13","type":"Time","value":"now"}]}"#, "/3/0/13"),
            ("", "line 1"),
        ] {
            let error = Plan::from_json(text).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
