//! Bootstrap plans as a form: what a class or a device gets by bootstrap, beside its account at this server. Each part in words
//! and units; rights are rows of boxes.

use std::collections::BTreeMap;

use fleet::{
    Plan, Registering,
    access::{AccessTable, Guard},
};
use objects::{ContentFormat, Path, Registry, Value};

use crate::{
    console::rights::{self, RightsRow},
    form::Fields,
    settings::Places,
    ui::{Field, Filled},
};

mod parts;
use parts::{DELETES, deletes, registration, retries};

mod writes;
use writes::WriteRow;

/// The form of a plan.
pub(crate) struct PlanForm {
    pub(crate) action: String,
    /// The account that is written whatever the plan says.
    pub(crate) account: Vec<(&'static str, String)>,
    pub(crate) groups: Vec<PlanGroup>,
    pub(crate) rights: Vec<RightsRow>,
    pub(crate) writes: Vec<WriteRow>,
    /// In which format it is written.
    pub(crate) format: Field,
    pub(crate) problems: Vec<String>,
    /// Whether there is one to be taken back.
    pub(crate) removable: bool,
}

/// Fields that belong together.
pub(crate) struct PlanGroup {
    pub(crate) title: &'static str,
    pub(crate) about: &'static str,
    pub(crate) fields: Vec<Field>,
}

const FORMATS: [ContentFormat; 3] =
    [ContentFormat::TLV, ContentFormat::SENML_JSON, ContentFormat::SENML_CBOR];

impl PlanForm {
    pub(crate) fn new(
        action: String,
        plan: &Plan,
        removable: bool,
        places: &Places,
        filled: &Filled,
    ) -> Self {
        let (guards, others) = parted(plan);
        let own = places.short_server_id;
        let groups = vec![
            PlanGroup { title: "Registration", about: "", fields: registration(plan) },
            PlanGroup {
                title: "When it can’t register",
                about: "LwM2M 1.1. What is left empty is as the device has it.",
                fields: retries(&plan.registering),
            },
            PlanGroup {
                title: "Deleted",
                about: "The bootstrap account and the Device object always survive.",
                fields: deletes(plan),
            },
        ];
        let groups: Vec<PlanGroup> = groups
            .into_iter()
            .map(|group| PlanGroup {
                fields: group.fields.into_iter().map(|field| field.filled(filled)).collect(),
                ..group
            })
            .collect();
        let formats = std::iter::once((String::new(), "What the device prefers".to_owned()))
            .chain(FORMATS.map(|format| (format.0.to_string(), format.to_string())));
        let format = Field::new("format", "Format of what is written")
            .select(formats.collect())
            .value(plan.format.map(|format| format.0.to_string()).unwrap_or_default())
            .filled(filled);
        let (rights, writes) = match filled.sent() {
            Some(sent) => (rights::typed(sent, &BTreeMap::new(), own, true), writes::typed(sent)),
            None => (rights::rows(&guards, own, true), writes::rows(&others)),
        };
        let fields = groups.iter().flat_map(|group| &group.fields).chain([&format]);
        Self {
            problems: filled.others(fields),
            account: account(places),
            action,
            groups,
            rights,
            writes,
            format,
            removable,
        }
    }

    /// Whether something was wrong with the form.
    pub(crate) fn wrong(&self) -> bool {
        self.groups.iter().flat_map(|group| &group.fields).any(|field| field.problem.is_some())
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
                problems.push((name, "Expected a whole number, or nothing.".to_owned()));
                None
            }
        },
    };
    let lifetime = number("lifetime");
    let (default_pmin, default_pmax, hold_off) =
        (number("default_pmin"), number("default_pmax"), number("hold_off"));
    let truth = |name: &str| fields.text(name).parse::<bool>().ok();
    let registering = Registering {
        disable_timeout: number("disable_timeout"),
        priority: number("priority"),
        initial_delay: number("initial_delay"),
        failure_block: truth("failure_block"),
        bootstrap_on_failure: truth("bootstrap_on_failure"),
        retry_count: number("retry_count"),
        retry_timer: number("retry_timer"),
        sequence_delay: number("sequence_delay"),
        sequence_count: number("sequence_count"),
        mute_send: truth("mute_send"),
    };
    if lifetime.is_none() && problems.is_empty() {
        problems.push(("lifetime", "A registration has a lifetime.".to_owned()));
    }
    let mut delete: Vec<Path> = Vec::new();
    let ticked = DELETES.iter().filter(|(name, ..)| fields.has(name)).flat_map(|(.., paths)| paths.iter());
    delete.extend(ticked);
    for line in fields.text("delete").lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.parse() {
            Ok(path) if delete.contains(&path) => {}
            Ok(path) => delete.push(path),
            Err(_) => problems.push(("delete", format!("“{line}” is no path."))),
        }
    }
    let mut all = Vec::new();
    match rights::read(fields, true) {
        Ok(guards) => all.extend(guards.iter().flat_map(Guard::values)),
        Err(rows) => {
            problems.extend(rows.into_values().map(|problem| ("", format!("Access rights: {problem}"))))
        }
    }
    match writes::read(fields, registry) {
        Ok(writes) => all.extend(writes),
        Err(wrong) => problems.extend(wrong.into_iter().map(|problem| ("", problem))),
    }
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
        binding: fields.text("binding").trim().to_owned(),
        registering,
        hold_off,
        own_bootstrap_credential: fields.has("own_bootstrap_credential"),
        delete,
        writes: all,
        format,
    })
}

/// The rights of a plan, and what else it writes.
fn parted(plan: &Plan) -> (Vec<Guard>, Vec<(Path, Value)>) {
    let mut guards = AccessTable::of(plan.writes.iter().map(|(path, value)| (*path, value))).guards;
    // What a row can't show as it is stays a value.
    let known = |guard: &Guard| guard.object.is_some() && guard.guarded.is_some() && guard.owner.is_some();
    guards.retain(|guard| known(guard) && guard.strange.is_empty());
    let values: Vec<(Path, Value)> = guards.iter().flat_map(Guard::values).collect();
    let others = plan.writes.iter().filter(|write| !values.contains(write)).cloned().collect();
    (guards, others)
}

/// What a device is given by each plan.
fn account(places: &Places) -> Vec<(&'static str, String)> {
    let address = places.coaps.clone().or_else(|| places.coap.clone()).unwrap_or_else(|| "none".to_owned());
    let security = if places.coaps.is_some() {
        "DTLS, with a new credential of the kind that its class says"
    } else {
        "none: plain CoAP"
    };
    vec![
        ("Address (/0/x/0)", address),
        ("Security (/0/x/2 to 5)", security.to_owned()),
        ("Short server id (/0/x/10, /1/x/0)", places.short_server_id.to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(form: &PlanForm) -> Fields {
        let mut pairs: Vec<(String, String)> = Vec::new();
        let fields = form.groups.iter().flat_map(|group| &group.fields).chain([&form.format]);
        for field in fields.filter(|field| field.kind != "check" || !field.value.is_empty()) {
            pairs.push((field.name.to_owned(), field.value.clone()));
        }
        for row in &form.rights {
            for (part, value) in [
                ("instance", &row.instance),
                ("object", &row.object),
                ("guarded", &row.guarded),
                ("owner", &row.owner),
            ] {
                pairs.push((format!("{}.{part}", row.name), value.clone()));
            }
            for of in &row.servers {
                let ticked = of.boxes.iter().filter(|one| one.ticked);
                pairs.extend(ticked.map(|one| (of.name.clone(), one.word.to_owned())));
            }
        }
        for row in &form.writes {
            let chosen = row.types.iter().find(|(_, chosen)| *chosen).map_or("", |(name, _)| *name);
            for (part, value) in
                [("path", row.path.as_str()), ("value", row.value.as_str()), ("type", chosen)]
            {
                pairs.push((format!("writes.{}.{part}", row.number), value.to_owned()));
            }
        }
        Fields::of(pairs)
    }

    #[test]
    fn a_plan_that_is_shown_and_sent_back_is_the_same() {
        let at = |text: &str| text.parse::<Path>().unwrap();
        let full = Plan {
            lifetime: 300,
            default_pmin: Some(1),
            default_pmax: Some(60),
            notification_storing: false,
            binding: "UN".into(),
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
            delete: vec![at("/2"), Path::Root, at("/3303/1")],
            writes: vec![
                (at("/2/0/0"), Value::Integer(3)),
                (at("/2/0/1"), Value::Integer(0)),
                (at("/2/0/2/0"), Value::Integer(0)),
                (at("/2/0/2/123"), Value::Integer(15)),
                (at("/2/0/3"), Value::Integer(123)),
                (at("/3/0/15"), Value::String("Europe/Berlin".into())),
                (at("/26241/0/1"), Value::Opaque(vec![1, 2])),
            ],
            format: Some(ContentFormat::SENML_CBOR),
        };
        let places = Places { short_server_id: 123, ..Places::default() };
        let registry = Registry::core();
        for plan in [full, Plan::default()] {
            let form = PlanForm::new(String::new(), &plan, false, &places, &Filled::default());
            assert_eq!(plan_of(&sent(&form), &registry), Ok(plan));
        }
    }

    #[test]
    fn what_no_row_of_rights_can_show_stays_a_value() {
        let odd = ("/2/0/2/5".parse::<Path>().unwrap(), Value::Integer(99));
        let plan = Plan { writes: vec![odd.clone()], ..Plan::default() };
        assert_eq!(parted(&plan).1, [odd]);
    }
}
