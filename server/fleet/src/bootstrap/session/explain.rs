//! Why a device may call what it holds inconsistent, for a person.

use objects::{Models, Path, Value, link::Discovered};

use super::Session;

/// The resources that an instance must have by its definition, and that are not among the values; those that only a
/// device itself can give are left out.
pub(super) fn missing(models: &Models<'_>, instance: Path, values: &[(Path, Value)]) -> Vec<(Path, String)> {
    let Some(model) = instance.object().and_then(|object| models.object(object)) else { return Vec::new() };
    let mandatory =
        model.resources.values().filter(|resource| resource.mandatory && resource.data_type.is_some());
    mandatory
        .filter_map(|resource| Some((instance.child(resource.id.0)?, resource.name.clone())))
        .filter(|(path, _)| !values.iter().any(|(written, _)| written.is_within(path)))
        .collect()
}

/// The same as the end of a sentence, where the path names or lies in an instance.
pub(super) fn missing_in(models: &Models<'_>, path: Path, values: &[(Path, Value)]) -> String {
    let (Some(object), Some(instance)) = (path.object(), path.instance()) else { return String::new() };
    let missing = missing(models, Path::Instance(object, instance), values);
    if missing.is_empty() {
        return String::new();
    }
    format!(" (not in the plan: {})", list(&missing))
}

/// Why the device does not finish: what it said, and what looks wrong from here.
pub(super) fn inconsistent(session: &Session) -> String {
    let mut reasons = Vec::new();
    if let Some(complaint) = session.complaints.iter().find(|complaint| !complaint.text.is_empty()) {
        reasons.push(format!("it says “{}”", complaint.text));
    }
    reasons.extend(session.open.iter().cloned());
    let plan = &session.prepared.plan;
    let mut seen: Vec<Path> = Vec::new();
    for (path, _) in &plan.writes {
        let Some((instance, _)) = super::levels(path) else { continue };
        let known = |found: &Discovered| found.links.iter().any(|link| link.path.is_within(&instance));
        // What was there before has what it needs.
        if seen.contains(&instance) || session.found.as_ref().is_some_and(known) {
            continue;
        }
        seen.push(instance);
        let missing = missing(&session.models(), instance, &plan.writes);
        if !missing.is_empty() {
            reasons.push(format!("{instance} lacks {}", list(&missing)));
        }
    }
    if reasons.is_empty() {
        reasons.push(
            "the account has every resource that the specification demands, so the device asks for more: its log says what, and the plan can write it"
                .to_owned(),
        );
    }
    let times = match session.complaints.len() {
        1 => "once",
        2 => "twice",
        _ => "over and over",
    };
    let rests = session.rests();
    format!(
        "at Finish the device called its configuration inconsistent (4.06) {times}: {}{rests}",
        reasons.join("; ")
    )
}

fn list(missing: &[(Path, String)]) -> String {
    let named: Vec<String> = missing.iter().map(|(path, name)| format!("{path} ({name})")).collect();
    named.join(", ")
}

#[cfg(test)]
mod tests {
    use objects::{InstanceId, ObjectId, Registry, ResourceId};

    use super::*;

    #[test]
    fn what_the_definition_demands_and_nobody_has_written_is_named() {
        let registry = Registry::core();
        let models = Models::newest(&registry);
        let instance = Path::Instance(ObjectId(2), InstanceId(0));
        let values =
            [0, 1].map(|id| (Path::Resource(ObjectId(2), InstanceId(0), ResourceId(id)), Value::Integer(3)));
        let text = missing_in(&models, instance, &values);
        assert_eq!(text, " (not in the plan: /2/0/3 (Access Control Owner))");
        assert_eq!(missing_in(&models, Path::Object(ObjectId(2)), &values), "");
        assert_eq!(missing(&models, Path::Instance(ObjectId(9_999), InstanceId(0)), &[]), []);
    }
}
