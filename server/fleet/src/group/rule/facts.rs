//! What is known of a device, as a rule sees it.

use std::{collections::HashMap, sync::Arc, sync::LazyLock};

use cel::{Context, Env, ExecutionError, Value};
use objects::Path;

use crate::{Timestamp, store::Candidate};

/// What rules are asked about.
pub struct Facts {
    context: Context<'static, 'static>,
}

/// Operators and conversions; no types of time, no regular expressions, nothing optional.
static STANDARD: LazyLock<Arc<Env>> =
    LazyLock::new(|| Arc::new(Env::default().with_optional_support(false).with_stdlib()));

impl Facts {
    /// Puts together what is known of a device.
    pub fn new(candidate: &Candidate) -> Self {
        let Candidate { view, labels, values, .. } = candidate;
        let mut context = Context::with_env(Arc::clone(&STANDARD));
        context.add_variable_from_value("endpoint", view.device.endpoint.as_str());
        context.add_variable_from_value("class", view.class_name.as_str());
        context.add_variable_from_value("state", view.state.name());
        context.add_variable_from_value("secured", view.secured);
        context.add_variable_from_value("created", utc(view.device.created_at));
        let labels: HashMap<&str, &str> = labels.iter().collect();
        context.add_variable_from_value("labels", labels);

        let registration = view.registration.as_ref();
        let lwm2m = registration.map_or_else(String::new, |registration| registration.lwm2m.to_string());
        context.add_variable_from_value("lwm2m", lwm2m);
        let binding = registration.map_or("", |registration| registration.binding.transports.as_str());
        context.add_variable_from_value("binding", binding);
        let queue_mode = registration.is_some_and(|registration| registration.binding.queue_mode);
        context.add_variable_from_value("queue_mode", queue_mode);
        let lifetime = registration.map_or(0, |registration| i64::from(registration.lifetime.0));
        context.add_variable_from_value("lifetime", lifetime);
        let objects = registration.into_iter().flat_map(|registration| &registration.links.objects);
        let version = |entry: &objects::link::ObjectEntry| entry.version.unwrap_or(objects::Version::V1_0);
        let objects: HashMap<i64, String> =
            objects.map(|(object, entry)| (i64::from(object.0), version(entry).to_string())).collect();
        context.add_variable_from_value("objects", objects);

        let values: HashMap<Path, Value> =
            values.iter().map(|stored| (stored.reading.path, value(&stored.reading.value))).collect();
        let look = move |path: Arc<String>| {
            let path = path.parse::<Path>().ok();
            path.and_then(|path| values.get(&path)).cloned().unwrap_or(Value::Null)
        };
        let added = context.add_function("value", look).and_then(|_| context.add_function("older", older));
        added.expect("the standard environment has no functions of these names");
        Self { context }
    }

    pub(super) fn context(&self) -> &Context<'static, 'static> {
        &self.context
    }
}

/// Whether a version is older than another: part by part, numbers by what they count, so that 1.1.1 is older than 1.1.10.
fn older(one: Value, other: Arc<String>) -> Result<bool, ExecutionError> {
    match one {
        Value::String(one) => Ok(crate::version::compare(&one, &other).is_lt()),
        _ => Err(ExecutionError::function_error("older", "there is no version to compare")),
    }
}

fn value(value: &objects::Value) -> Value {
    match value {
        objects::Value::String(text) | objects::Value::CoreLink(text) => text.as_str().into(),
        objects::Value::Integer(number) | objects::Value::Time(number) => Value::Int(*number),
        objects::Value::Unsigned(number) => i64::try_from(*number).map_or(Value::UInt(*number), Value::Int),
        objects::Value::Float(number) => Value::Float(*number),
        objects::Value::Boolean(flag) => Value::Bool(*flag),
        objects::Value::ObjectLink(link) => link.to_string().into(),
        objects::Value::Opaque(_) => Value::Null,
    }
}

/// Times are texts, which sort as they follow one another: `created < "2026-11"`.
fn utc(at: Timestamp) -> String {
    crate::fleet::utc(at)
}
