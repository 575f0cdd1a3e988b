//! The fields of a plan, in words and units: registration, what follows where it can't register, and what is deleted.

use fleet::{Plan, Registering, access::AccessTable};
use objects::{ObjectId, Path};

use crate::ui::Field;

/// The bindings that can be chosen; others are kept (LwM2M Core 1.1.1 §E.2).
const BINDINGS: [(&str, &str); 4] = [
    ("U", "UDP"),
    ("UQ", "UDP with queue mode (LwM2M 1.0; since 1.1 the device says it when it registers)"),
    ("US", "UDP and SMS"),
    ("UT", "UDP and TCP"),
];

/// What is deleted, in words: the box, what it says, and the paths.
pub(super) const DELETES: [(&str, &str, &[Path]); 3] = [
    (
        "delete_accounts",
        "Other management accounts (/0 and /1), once the new one is written",
        &[Path::Object(ObjectId(0)), Path::Object(ObjectId(1))],
    ),
    ("delete_rights", "All access rights (/2)", &[Path::Object(AccessTable::OBJECT)]),
    ("delete_all", "Everything (/): instances of all objects", &[Path::Root]),
];

pub(super) fn registration(plan: &Plan) -> Vec<Field> {
    let known = BINDINGS.map(|(value, label)| (value.to_owned(), format!("{label} ({value})")));
    let mut bindings: Vec<(String, String)> = known.into();
    if !bindings.iter().any(|(value, _)| *value == plan.binding) {
        bindings.push((plan.binding.clone(), plan.binding.clone()));
    }
    vec![
        Field::new("lifetime", "A registration lives for, in seconds")
            .kind("number")
            .required()
            .value(plan.lifetime.to_string())
            .hint("/1/x/1. Longer than the server may be down: 86400 is a day."),
        Field::new("binding", "Reaches this server over")
            .select(bindings)
            .value(plan.binding.clone())
            .hint("/1/x/7"),
        Field::new("default_pmin", "Least time between two notifications, in seconds")
            .kind("number")
            .value(number(plan.default_pmin))
            .hint("/1/x/2, where an observation says nothing else. Left out if empty."),
        Field::new("default_pmax", "Most time between two notifications, in seconds")
            .kind("number")
            .value(number(plan.default_pmax))
            .hint("/1/x/3, where an observation says nothing else. Left out if empty."),
        Field::new("hold_off", "Waits before it bootstraps, in seconds")
            .kind("number")
            .value(number(plan.hold_off))
            .hint("/0/x/11. Left out if empty."),
        Field::new("disable_timeout", "Stays away after Disable for, in seconds")
            .kind("number")
            .value(number(plan.registering.disable_timeout))
            .hint("/1/x/5. Left out if empty: a day."),
        Field::new("mute_send", "Sends nothing by itself (Mute Send)")
            .select(truths())
            .value(truth(plan.registering.mute_send))
            .hint("/1/x/23, LwM2M 1.1"),
        Field::new("notification_storing", "Keep notifications while it is offline (/1/x/6)")
            .check(plan.notification_storing),
        Field::new(
            "own_bootstrap_credential",
            "Give it a bootstrap credential of its own, where it came with a claim’s",
        )
        .check(plan.own_bootstrap_credential),
    ]
}

pub(super) fn retries(registering: &Registering) -> Vec<Field> {
    let count = |name, label, value, hint: &str| {
        Field::new(name, label).kind("number").value(number(value)).hint(hint)
    };
    vec![
        count(
            "priority",
            "Its place among the servers",
            registering.priority,
            "/1/x/13: the lowest registers first.",
        ),
        count("initial_delay", "Waits before it registers, in seconds", registering.initial_delay, "/1/x/14"),
        count("retry_count", "Tries of one attempt", registering.retry_count, "/1/x/17"),
        count(
            "retry_timer",
            "First pause between two tries, in seconds",
            registering.retry_timer,
            "/1/x/18: twice as long after each further one.",
        ),
        count("sequence_count", "Attempts", registering.sequence_count, "/1/x/20"),
        count(
            "sequence_delay",
            "Pause between two attempts, in seconds",
            registering.sequence_delay,
            "/1/x/19",
        ),
        Field::new("failure_block", "Then registers with no further server")
            .select(truths())
            .value(truth(registering.failure_block))
            .hint("/1/x/15"),
        Field::new("bootstrap_on_failure", "Then bootstraps anew")
            .select(truths())
            .value(truth(registering.bootstrap_on_failure))
            .hint("/1/x/16"),
    ]
}

pub(super) fn deletes(plan: &Plan) -> Vec<Field> {
    let has = |paths: &[Path]| paths.iter().all(|path| plan.delete.contains(path));
    let boxes = DELETES.map(|(name, label, paths)| Field::new(name, label).check(has(paths)));
    let said: Vec<Path> = DELETES
        .iter()
        .filter(|(.., paths)| has(paths))
        .flat_map(|(.., paths)| paths.iter().copied())
        .collect();
    let further = plan.delete.iter().filter(|path| !said.contains(path)).map(Path::to_string);
    let further = Field::new("delete", "Further objects or instances")
        .kind("area")
        .value(further.collect::<Vec<_>>().join("\n"))
        .hint("A path a line: an object such as /3303, or an instance such as /3303/1.");
    boxes.into_iter().chain([further]).collect()
}

fn number(number: Option<u32>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

fn truth(truth: Option<bool>) -> String {
    truth.map(|truth| truth.to_string()).unwrap_or_default()
}

fn truths() -> Vec<(String, String)> {
    [("", "As the device has it"), ("true", "Yes"), ("false", "No")]
        .map(|(value, label)| (value.to_owned(), label.to_owned()))
        .into()
}
