//! Whether an operation can be asked of a device at all, by what the device registered and what its models say.
//!
//! Only what is certain to be wrong is refused here. What the models do not know is left to the device, whose answer
//! is the one that counts.

use objects::{
    ContentFormat, DataType, Instance, InstanceId, Models, Node, ObjectId, Operations, Path, Resource,
    ResourceModel, Value, Version,
};

use crate::{BadOperation, Operation, Registration, WriteMode};

mod composite;

impl Operation {
    /// Whether it can be asked of the device of `registration`, whose objects are defined by `models`.
    pub fn check(&self, registration: &Registration, models: &Models<'_>) -> Result<(), BadOperation> {
        let check = Check { operation: self, registration, models, path: self.path() };
        if self.is_composite() {
            return check.composite();
        }
        check.level()?;
        check.registered()?;
        match self {
            Self::Read { format, .. } | Self::Observe { format, .. } => {
                check.format(*format)?;
                check.may(|allowed| allowed.read, "read")
            }
            Self::Discover { .. } | Self::Delete { .. } | Self::CancelObservation { .. } => Ok(()),
            Self::Write { mode, node, format, .. } => {
                check.format(*format)?;
                check.write(*mode, node)
            }
            Self::WriteAttributes { .. } => check.attributes(),
            Self::Push { .. } => check.may(|allowed| allowed.write, "written"),
            Self::Execute { arguments, .. } => {
                check.may(|allowed| allowed.execute, "executed")?;
                arguments_have_their_form(arguments).then_some(()).ok_or(BadOperation::Arguments)
            }
            Self::Create { object, instance, node, format } => {
                check.format(*format)?;
                check.create(*object, *instance, node)
            }
            // They are looked at above.
            Self::ReadComposite { .. }
            | Self::WriteComposite { .. }
            | Self::ObserveComposite { .. }
            | Self::CancelCompositeObservation { .. } => Ok(()),
        }
    }
}

/// The objects that belong to the bootstrap server: a device lists them to nobody and answers 4.01
/// (LwM2M Core 1.1.1 §6.2.1, Appendix E.1), which a person may want to see.
const UNLISTED: [ObjectId; 2] = [ObjectId(0), ObjectId(21)];

struct Check<'a> {
    operation: &'a Operation,
    registration: &'a Registration,
    models: &'a Models<'a>,
    path: Path,
}

impl Check<'_> {
    fn level(&self) -> Result<(), BadOperation> {
        let depth = self.path.depth();
        let (levels, works_on) = match self.operation {
            Operation::Read { .. } | Operation::Observe { .. } | Operation::CancelObservation { .. } => {
                (1..=4, "objects, instances, resources and resource instances")
            }
            Operation::WriteAttributes { .. } => {
                (1..=4, "objects, instances, resources and resource instances")
            }
            Operation::Discover { .. } => (1..=3, "objects, instances and resources"),
            Operation::Write { mode: WriteMode::Replace, .. } => {
                (2..=4, "instances, resources and resource instances")
            }
            Operation::Write { mode: WriteMode::Update, .. } => (2..=3, "instances and resources"),
            Operation::Execute { .. } | Operation::Push { .. } => (3..=3, "resources"),
            Operation::Create { .. } => (1..=2, "objects"),
            Operation::Delete { .. } => (2..=2, "instances"),
            Operation::WriteComposite { .. } => (3..=4, "resources and resource instances"),
            Operation::ReadComposite { .. }
            | Operation::ObserveComposite { .. }
            | Operation::CancelCompositeObservation { .. } => (0..=4, "nodes of any level"),
        };
        if !levels.contains(&depth) {
            return Err(BadOperation::Level { operation: self.operation.name(), path: self.path, works_on });
        }
        // LwM2M Core 1.1.1 §6.3.1: resource instances can be addressed since 1.1.
        self.since(depth == 4, Version::V1_1, "access to one resource instance")
    }

    fn registered(&self) -> Result<(), BadOperation> {
        let Some(object) = self.path.object().filter(|object| !UNLISTED.contains(object)) else {
            return Ok(());
        };
        let missing = |path| Err(BadOperation::NotRegistered { path });
        let Some(entry) = self.registration.links.objects.get(&object) else {
            return missing(Path::Object(object));
        };
        match (self.operation, self.path.instance()) {
            (Operation::Create { .. }, _) | (_, None) => Ok(()),
            // Some devices list objects only.
            _ if entry.instances.is_empty() => Ok(()),
            (_, Some(instance)) if entry.instances.contains(&instance) => Ok(()),
            (_, Some(instance)) => missing(Path::Instance(object, instance)),
        }
    }

    fn format(&self, format: Option<ContentFormat>) -> Result<(), BadOperation> {
        let Some(format) = format else { return Ok(()) };
        let fits = match format.registered() {
            ContentFormat::TEXT | ContentFormat::OPAQUE | ContentFormat::CBOR => self.path.depth() >= 3,
            ContentFormat::TLV
            | ContentFormat::SENML_JSON
            | ContentFormat::SENML_CBOR
            | ContentFormat::LWM2M_CBOR => true,
            _ => false,
        };
        let operation = self.operation.name();
        fits.then_some(()).ok_or(BadOperation::Format { format, operation, path: self.path })
    }

    fn may(&self, asked: impl Fn(Operations) -> bool, wanted: &'static str) -> Result<(), BadOperation> {
        match self.models.resource_at(&self.path) {
            Some(model) => {
                allowed(model, self.path, asked, wanted)?;
                self.instances_exist(model)
            }
            None => Ok(()),
        }
    }

    /// A path to a resource instance needs a resource that has some.
    fn instances_exist(&self, model: &ResourceModel) -> Result<(), BadOperation> {
        if self.path.depth() == 4 && !model.multiple {
            return Err(not_multiple(model, self.path));
        }
        Ok(())
    }

    fn write(&self, mode: WriteMode, node: &Node) -> Result<(), BadOperation> {
        let path = self.path;
        match (path, node) {
            (Path::Instance(object, _), Node::Instance(instance)) => {
                self.values(object, instance, |allowed| allowed.write)
            }
            (Path::Resource(object, ..), Node::Resource(resource)) => {
                // LwM2M Core 1.1.1 §6.3.3: a part of a resource is what a multiple-instance resource has.
                let part = mode == WriteMode::Update;
                self.since(part, Version::V1_1, "a partial update of a resource")?;
                if part && matches!(resource, Resource::Single(_)) {
                    return Err(BadOperation::Node { path });
                }
                self.resource(object, path, resource, |allowed| allowed.write)
            }
            (Path::ResourceInstance(object, _, id, _), Node::ResourceInstance(value)) => {
                let Some(model) = self.models.resource(object, id) else { return finite(path, value) };
                allowed(model, path, |allowed| allowed.write, "written")?;
                self.instances_exist(model)?;
                fits(model, path, value)
            }
            _ => Err(BadOperation::Node { path }),
        }
    }

    fn create(
        &self,
        object: ObjectId,
        instance: Option<InstanceId>,
        node: &Node,
    ) -> Result<(), BadOperation> {
        let Node::Instance(content) = node else { return Err(BadOperation::Node { path: self.path }) };
        // LwM2M Core 1.1.1 §7.1: MAX_ID names no instance.
        if instance.is_some_and(|instance| instance.0 == u16::MAX) {
            return Err(BadOperation::Node { path: Path::Object(object) });
        }
        let there = self.registration.links.objects.get(&object).map(|entry| &entry.instances);
        let taken = there.and_then(|there| match instance {
            Some(instance) => there.get(&instance),
            None => None,
        });
        let only = there.and_then(|there| {
            let single = self.models.object(object).is_some_and(|model| !model.multiple);
            if single { there.first() } else { None }
        });
        if let Some(existing) = taken.or(only) {
            return Err(BadOperation::Exists { path: Path::Instance(object, *existing) });
        }
        // What is read-only afterwards is given its value here, so any resource with a value may stand.
        self.values(object, content, |allowed| !allowed.execute)
    }

    fn values(
        &self,
        object: ObjectId,
        instance: &Instance,
        asked: impl Fn(Operations) -> bool + Copy,
    ) -> Result<(), BadOperation> {
        let base = match self.path {
            Path::Object(object) => Path::Instance(object, InstanceId(0)),
            path => path,
        };
        for (id, resource) in &instance.resources {
            let path = base.child(id.0).filter(|_| id.0 != u16::MAX);
            let path = path.ok_or(BadOperation::Node { path: self.path })?;
            self.resource(object, path, resource, asked)?;
        }
        Ok(())
    }

    fn resource(
        &self,
        object: ObjectId,
        path: Path,
        resource: &Resource,
        asked: impl Fn(Operations) -> bool,
    ) -> Result<(), BadOperation> {
        let values: Vec<(Path, &Value)> = match resource {
            Resource::Single(value) => vec![(path, value)],
            Resource::Multiple(values) => {
                values.iter().filter_map(|(id, value)| Some((path.child(id.0)?, value))).collect()
            }
        };
        let Some(model) = path.resource().and_then(|id| self.models.resource(object, id)) else {
            return values.into_iter().try_for_each(|(path, value)| finite(path, value));
        };
        allowed(model, path, asked, "written")?;
        if model.multiple == matches!(resource, Resource::Single(_)) {
            return Err(not_multiple(model, path));
        }
        values.into_iter().try_for_each(|(path, value)| fits(model, path, value))
    }

    fn attributes(&self) -> Result<(), BadOperation> {
        let Operation::WriteAttributes { set, unset, .. } = self.operation else { return Ok(()) };
        if set.is_empty() && unset.is_empty() {
            return Err(BadOperation::NoAttributes);
        }
        set.check()?;
        let (path, lwm2m) = (self.path, self.registration.lwm2m);
        let data_type = self.models.resource_at(&path).and_then(|model| model.data_type);
        for attribute in set.names().chain(unset.iter().copied()) {
            if !attribute.applies_to(&path, lwm2m) {
                return Err(BadOperation::AttributeLevel { attribute, path, lwm2m });
            }
            if let Some(data_type) = data_type.filter(|data_type| !attribute.fits(*data_type)) {
                return Err(BadOperation::AttributeType { attribute, path, data_type });
            }
        }
        match unset.iter().find(|attribute| set.text(**attribute).is_some()) {
            Some(attribute) => Err(BadOperation::SetAndUnset { attribute: *attribute }),
            None => Ok(()),
        }
    }

    fn since(&self, needed: bool, since: Version, what: &'static str) -> Result<(), BadOperation> {
        let lwm2m = self.registration.lwm2m;
        if needed && lwm2m < since {
            return Err(BadOperation::TooNew { what, since, lwm2m });
        }
        Ok(())
    }
}

fn allowed(
    model: &ResourceModel,
    path: Path,
    asked: impl Fn(Operations) -> bool,
    wanted: &'static str,
) -> Result<(), BadOperation> {
    if asked(model.operations) {
        return Ok(());
    }
    let allowed = match model.operations {
        Operations { execute: true, .. } => "only executed",
        Operations { read: true, write: true, .. } => "read and written",
        Operations { read: true, .. } => "only read",
        Operations { write: true, .. } => "only written",
        Operations { .. } => "for the bootstrap server alone",
    };
    Err(BadOperation::NotAllowed { path, name: model.name.clone(), allowed, wanted })
}

fn not_multiple(model: &ResourceModel, path: Path) -> BadOperation {
    BadOperation::NotMultiple { path, name: model.name.clone(), multiple: model.multiple }
}

/// Whether a value is of the model's type, or can be written as such without loss, as the codecs do.
fn fits(model: &ResourceModel, path: Path, value: &Value) -> Result<(), BadOperation> {
    finite(path, value)?;
    let Some(expected) = model.data_type else { return Ok(()) };
    let whole = match *value {
        Value::Integer(number) | Value::Time(number) => Some(i128::from(number)),
        Value::Unsigned(number) => Some(i128::from(number)),
        _ => None,
    };
    let convertible = whole.is_some_and(|number| match expected {
        DataType::Integer | DataType::Time => i64::try_from(number).is_ok(),
        DataType::Unsigned => u64::try_from(number).is_ok(),
        // Every whole number up to 2^53 is a Float.
        DataType::Float => number.unsigned_abs() <= 1 << 53,
        _ => false,
    });
    if value.data_type() == expected || convertible {
        return Ok(());
    }
    Err(BadOperation::Type { path, name: model.name.clone(), expected, found: value.data_type() })
}

fn finite(path: Path, value: &Value) -> Result<(), BadOperation> {
    match value {
        Value::Float(number) if !number.is_finite() => Err(BadOperation::NotFinite { path }),
        _ => Ok(()),
    }
}

/// `0='a',1,2=''`: LwM2M Core 1.1.1 §6.3.5 (each digit at most once by 1.2.1).
fn arguments_have_their_form(text: &str) -> bool {
    let mut seen = [false; 10];
    let mut rest = text;
    while !rest.is_empty() {
        let Some(digit) = rest.chars().next().and_then(|char| char.to_digit(10)) else { return false };
        let Some(seen) = usize::try_from(digit).ok().and_then(|digit| seen.get_mut(digit)) else {
            return false;
        };
        if std::mem::replace(seen, true) {
            return false;
        }
        rest = &rest[1..];
        if let Some(quoted) = rest.strip_prefix("='") {
            // CHAR of the ABNF: no quote, no backslash unescaped, no control character; what stands between is the device's.
            let Some(end) = quoted.find('\'') else { return false };
            let (argument, after) = quoted.split_at(end);
            if argument.chars().any(char::is_control) {
                return false;
            }
            rest = &after[1..];
        }
        match rest.strip_prefix(',') {
            Some("") => return false,
            Some(after) => rest = after,
            None if rest.is_empty() => {}
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests;
