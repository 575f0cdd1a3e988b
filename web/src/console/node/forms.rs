//! The forms of a node's page: which operations the model allows there, and the inputs that each of them needs.

use fleet::Order;
use objects::{Attribute, ContentFormat, DataType, ObjectModel, Path, ResourceModel, Version};

use crate::{
    console::{
        field::{Attempt, Draft, Input, hint, typed},
        target::Target,
        tree::resource_of,
    },
    show::span,
};

/// The operations that the model allows here.
pub(super) struct Forms {
    pub(super) formats: Vec<Choice>,
    pub(super) write_formats: Vec<Choice>,
    pub(super) expiries: Vec<Choice>,
    pub(super) read: bool,
    pub(super) discover: bool,
    pub(super) observed: bool,
    pub(super) write: Option<WriteForm>,
    pub(super) attributes: Vec<AttributeInput>,
    pub(super) execute: Option<Input>,
    pub(super) create: Option<CreateForm>,
    pub(super) delete: bool,
    pub(super) level: &'static str,
}

pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) chosen: bool,
}

pub(super) struct WriteForm {
    pub(super) inputs: Vec<Input>,
    /// For a resource with several values, or an unknown one.
    pub(super) pairs: Vec<Pair>,
    /// For what no model describes.
    pub(super) types: Vec<Choice>,
    /// Whether the two ways of writing differ here.
    pub(super) modes: bool,
    pub(super) partial: bool,
}

/// A resource instance with its value.
pub(super) struct Pair {
    pub(super) number: usize,
    pub(super) key: String,
    pub(super) input: Input,
}

pub(super) struct AttributeInput {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) unset: bool,
    pub(super) problem: Option<String>,
}

pub(super) struct CreateForm {
    pub(super) instance: Input,
    pub(super) inputs: Vec<Input>,
}

impl Forms {
    pub(super) fn new(target: &Target, path: Path, attempt: Option<&Attempt>) -> Self {
        let model = target.resource(&path);
        let operations = model.map(|model| model.operations);
        let is_resource = path.resource().is_some();
        let chosen = attempt.map(|attempt| attempt.fields.text("format")).unwrap_or_default();
        let expiry = attempt.map(|attempt| attempt.fields.text("expires")).unwrap_or_default();
        Self {
            formats: formats(target, &path, chosen, "The device's choice"),
            write_formats: formats(target, &path, chosen, "What fits the device"),
            expiries: if target.sleeps() { expiries(expiry) } else { Vec::new() },
            read: !is_resource || operations.is_none_or(|operations| operations.read),
            discover: path.resource_instance().is_none(),
            observed: target.observed(&path),
            write: write_form(target, &path, attempt),
            attributes: attribute_inputs(target, &path, attempt),
            execute: (matches!(path, Path::Resource(..))
                && operations.is_none_or(|operations| operations.execute))
            .then(|| Draft::new("execute", attempt).input("arguments", "Arguments", DataType::String, "")),
            create: create_form(target, &path, attempt),
            delete: matches!(path, Path::Instance(..)),
            level: level(&path),
        }
    }

    /// Whether there is nothing but asking.
    pub(super) fn readable(&self) -> bool {
        self.read
    }
}

fn write_form(target: &Target, path: &Path, attempt: Option<&Attempt>) -> Option<WriteForm> {
    let draft = Draft::new("write", attempt);
    let partial = draft.text("mode", "") == "update";
    let form = |inputs, modes| WriteForm { inputs, pairs: Vec::new(), types: Vec::new(), modes, partial };
    match *path {
        Path::Root | Path::Object(_) => None,
        Path::Instance(object, _) => {
            let inputs = resource_inputs(target.object(object)?, &draft, false);
            (!inputs.is_empty()).then(|| WriteForm {
                partial: draft.text("mode", "update") == "update",
                ..form(inputs, true)
            })
        }
        Path::Resource(..) | Path::ResourceInstance(..) => {
            let Some(model) = target.resource(path) else {
                return Some(raw_form(&draft, form(Vec::new(), false)));
            };
            if !model.operations.write {
                return None;
            }
            let data_type = model.data_type?;
            if model.multiple && path.resource_instance().is_none() {
                let pairs = pairs(target, path, model, data_type, &draft);
                return Some(WriteForm { pairs, ..form(Vec::new(), true) });
            }
            let latest = target.detail.readings.iter().find(|reading| reading.reading.path == *path);
            let first =
                latest.map(|reading| typed(&reading.reading.value)).filter(|text| text.len() <= 1_024);
            let input = draft.input("value", "Value", data_type, &first.unwrap_or_default());
            Some(form(vec![Input { hint: hint(model, data_type), ..input }], false))
        }
    }
}

/// The form for what no model describes: the type is asked for, too.
fn raw_form(draft: &Draft<'_>, form: WriteForm) -> WriteForm {
    let chosen = draft.text("type", DataType::String.name());
    let choice = |data_type: DataType| Choice {
        value: data_type.name().to_owned(),
        label: data_type.name().to_owned(),
        chosen: data_type.name() == chosen,
    };
    let mut input = draft.input("value", "Value", DataType::String, "");
    input.hint =
        "As text: numbers in digits, true or false, bytes in hexadecimal digits, object:instance.".to_owned();
    WriteForm { types: DataType::ALL.into_iter().map(choice).collect(), inputs: vec![input], ..form }
}

fn pairs(
    target: &Target,
    path: &Path,
    model: &ResourceModel,
    data_type: DataType,
    draft: &Draft<'_>,
) -> Vec<Pair> {
    const MORE: usize = 3;
    let latest =
        target.detail.readings.iter().filter(|reading| resource_of(&reading.reading.path) == Some(*path));
    let known: Vec<(String, String)> = latest
        .filter_map(|reading| {
            Some((reading.reading.path.resource_instance()?.to_string(), typed(&reading.reading.value)))
        })
        .collect();
    let sent = (0..Pair::MAX).filter(|number| draft.has(&format!("key.{number}"))).count();
    let count = sent.max(known.len() + MORE).min(Pair::MAX);
    let pair = |number: usize| {
        let (key, value) = known.get(number).map_or(("", ""), |(key, value)| (key, value));
        let label = format!("Value {}", number + 1);
        let input = draft.input(&format!("value.{number}"), &label, data_type, value);
        Pair {
            number,
            key: draft.text(&format!("key.{number}"), key),
            input: Input { hint: hint_once(model, data_type, number), ..input },
        }
    };
    (0..count).map(pair).collect()
}

/// The hint of many equal inputs stands at the first.
fn hint_once(model: &ResourceModel, data_type: DataType, number: usize) -> String {
    if number > 0 {
        return String::new();
    }
    hint(&ResourceModel { multiple: false, ..model.clone() }, data_type)
}

impl Pair {
    /// How many resource instances one form writes.
    const MAX: usize = 64;
}

fn create_form(target: &Target, path: &Path, attempt: Option<&Attempt>) -> Option<CreateForm> {
    let Path::Object(object) = *path else { return None };
    let model = target.object(object)?;
    let instances = target.links.objects.get(&object).map_or(0, |entry| entry.instances.len());
    if !model.multiple && instances > 0 {
        return None;
    }
    let draft = Draft::new("create", attempt);
    let instance = Input {
        hint: "Leave empty to let the device choose.".to_owned(),
        ..draft.input("instance", "Instance id", DataType::Unsigned, "")
    };
    Some(CreateForm { instance, inputs: resource_inputs(model, &draft, true) })
}

/// One input a resource that can be written, or that can be given at its creation.
fn resource_inputs(model: &ObjectModel, draft: &Draft<'_>, creating: bool) -> Vec<Input> {
    let resources = model.resources.values().filter(|resource| {
        resource.operations.write || (creating && resource.mandatory && !resource.operations.execute)
    });
    resources
        .filter_map(|resource| {
            let mut input = draft.resource(resource, resource.data_type?);
            if resource.mandatory {
                input.label.push_str(" (mandatory)");
            }
            Some(input)
        })
        .collect()
}

fn attribute_inputs(target: &Target, path: &Path, attempt: Option<&Attempt>) -> Vec<AttributeInput> {
    let draft = Draft::new("attributes", attempt);
    let data_type = target.resource(path).and_then(|model| model.data_type);
    let observable =
        path.resource().is_none() || target.resource(path).is_none_or(|model| model.operations.read);
    Attribute::ALL
        .into_iter()
        .filter(|attribute| observable && attribute.applies_to(path, target.lwm2m()))
        .filter(|attribute| data_type.is_none_or(|data_type| attribute.fits(data_type)))
        .map(|attribute| AttributeInput {
            name: attribute.name(),
            label: label(attribute),
            value: draft.text(&format!("set.{attribute}"), ""),
            unset: draft.has(&format!("unset.{attribute}")),
            problem: draft.problem(&format!("set.{attribute}")),
        })
        .collect()
}

fn label(attribute: Attribute) -> &'static str {
    match attribute {
        Attribute::Pmin => "Report at most every … seconds",
        Attribute::Pmax => "Report at least every … seconds",
        Attribute::Epmin => "Measure at most every … seconds",
        Attribute::Epmax => "Measure at least every … seconds",
        Attribute::Gt => "Report when it crosses from below …",
        Attribute::Lt => "Report when it crosses from above …",
        Attribute::St => "Report when it has changed by …",
        Attribute::Edge => "Report on rising (1) or falling (0)",
        Attribute::Con => "Confirmable reports (1) or not (0)",
        Attribute::Hqmax => "Reports kept while offline",
    }
}

/// The formats a device may be asked for at this level.
fn formats(target: &Target, path: &Path, chosen: &str, default: &str) -> Vec<Choice> {
    let single = path.resource_instance().is_some()
        || (path.resource().is_some() && target.resource(path).is_none_or(|model| !model.multiple));
    let opaque = target.resource(path).is_none_or(|model| model.data_type == Some(DataType::Opaque));
    let mut offered = Vec::new();
    if single {
        offered.push(ContentFormat::TEXT);
        if opaque {
            offered.push(ContentFormat::OPAQUE);
        }
    }
    offered.push(ContentFormat::TLV);
    if target.lwm2m() >= Version::V1_1 {
        offered.extend([ContentFormat::SENML_JSON, ContentFormat::SENML_CBOR]);
        if single {
            offered.push(ContentFormat::CBOR);
        }
    }
    // It came with LwM2M 1.2: a device that takes it says so.
    let named = target.registration().map(|registration| &registration.links.content_formats);
    if named.is_some_and(|named| named.contains(&ContentFormat::LWM2M_CBOR.0)) {
        offered.push(ContentFormat::LWM2M_CBOR);
    }
    let first = Choice { value: String::new(), label: default.to_owned(), chosen: chosen.is_empty() };
    let named = offered.into_iter().map(|format| {
        let value = format.0.to_string();
        Choice { chosen: value == chosen, value, label: format.to_string() }
    });
    std::iter::once(first).chain(named).collect()
}

fn expiries(chosen: &str) -> Vec<Choice> {
    let default = Order::DEFAULT_EXPIRY.as_secs();
    let seconds = [3_600, 86_400, 7 * 86_400, 30 * 86_400];
    let choice = |seconds: u64| Choice {
        value: seconds.to_string(),
        label: span(seconds),
        chosen: if chosen.is_empty() { seconds == default } else { chosen == seconds.to_string() },
    };
    seconds.into_iter().map(choice).collect()
}

fn level(path: &Path) -> &'static str {
    match path {
        Path::Root => "device",
        Path::Object(_) => "object",
        Path::Instance(..) => "instance",
        Path::Resource(..) => "resource",
        Path::ResourceInstance(..) => "resource instance",
    }
}
