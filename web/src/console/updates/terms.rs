//! How an update is to be done, as fields of a form: times in the unit a person thinks of them in.

use std::time::Duration;

use fleet::{
    Fleet, FleetError,
    update::{Delivery, UpdateTerms, VersionAt},
};

use crate::{form::Fields, ui::Field};

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

/// The fields, with what is best for most devices.
pub(crate) fn fields(fleet: &Fleet) -> Vec<Field> {
    let usual = UpdateTerms::default();
    let words = |choices: &[(&str, &str)]| {
        choices.iter().map(|(value, label)| ((*value).to_owned(), (*label).to_owned())).collect()
    };
    let in_units = |time: Duration, unit: u64| (time.as_secs() / unit).to_string();
    let sizes = [16, 32, 64, 128, 256, 512, 1_024].map(|size| (size.to_string(), format!("{size} bytes")));
    vec![
        Field::new("delivery", "How the package gets there")
            .select(words(&[
                ("any", "As the device prefers; pushed if it has no preference"),
                ("push", "Pushed: written to the device, block by block"),
                ("pull", "Pulled: the device fetches it"),
            ]))
            .value(usual.delivery.name())
            .hint(fetched_by(fleet)),
        Field::new("block_bytes", "Largest block of a push")
            .select(sizes.into())
            .value(usual.block_bytes.to_string())
            .hint("It becomes smaller where the link or the device asks for it."),
        Field::new("resume", "Go on where a push was interrupted").check(usual.resume),
        Field::new("attempts", "Tries").kind("number").value(usual.attempts.to_string()).hint("1 to 10."),
        Field::new("severity", "Severity")
            .select(words(&[("", "Not said"), ("0", "Critical"), ("1", "Mandatory"), ("2", "Optional")]))
            .hint("Told to devices that know it (/5/0/11)."),
        Field::new("defer_hours", "A user may put it off for, in hours")
            .kind("number")
            .hint("Left empty, the device decides (/5/0/13)."),
        Field::new("version_at", "Where the device says its version")
            .select(words(&[
                ("any", "At /3/0/3, else at the package’s version"),
                ("device", "At /3/0/3"),
                ("package", "At the package’s version, /5/0/7 or /9/x/1"),
            ]))
            .value(usual.version_at.name()),
        Field::new("quiet_minutes", "Must run it for, in minutes")
            .kind("number")
            .value(in_units(usual.quiet, MINUTE))
            .hint("Only then has the update succeeded."),
        Field::new("download_minutes", "Longest pause in a download, in minutes")
            .kind("number")
            .value(in_units(usual.download_within, MINUTE)),
        Field::new("install_minutes", "Longest installation, in minutes")
            .kind("number")
            .value(in_units(usual.install_within, MINUTE)),
        Field::new("give_up_days", "Wait for the device for, in days")
            .kind("number")
            .value(in_units(usual.give_up_after, DAY)),
        Field::new("again", "Also where the device runs this version, or a newer one").check(usual.again),
    ]
}

/// By what devices may be told to fetch.
fn fetched_by(fleet: &Fleet) -> String {
    let schemes: Vec<&str> = fleet.downloads().iter().map(|(scheme, _)| scheme.name()).collect();
    match schemes.as_slice() {
        [] => "This server has no listener for downloads: a device that only fetches can't be updated."
            .to_owned(),
        schemes => format!(
            "Devices fetch from this server by {}, the first that a device lists in /5/0/8 and its class allows.",
            schemes.join(", ")
        ),
    }
}

/// What was typed into them.
pub(crate) fn read(fields: &Fields) -> Result<UpdateTerms, FleetError> {
    let severity = match fields.text("severity") {
        "" => None,
        _ => Some(number(fields, "severity")?),
    };
    let defer_up_to = match fields.text("defer_hours").trim() {
        "" => None,
        _ => Some(time(fields, "defer_hours", HOUR)?),
    };
    let named = |name: &'static str| invalid(name, "choose one of the list");
    let delivery = Delivery::ALL.into_iter().find(|one| one.name() == fields.text("delivery"));
    let version_at = VersionAt::ALL.into_iter().find(|one| one.name() == fields.text("version_at"));
    Ok(UpdateTerms {
        delivery: delivery.ok_or_else(|| named("delivery"))?,
        resume: fields.has("resume"),
        block_bytes: number(fields, "block_bytes")?,
        attempts: number(fields, "attempts")?,
        severity,
        defer_up_to,
        version_at: version_at.ok_or_else(|| named("version_at"))?,
        quiet: time(fields, "quiet_minutes", MINUTE)?,
        download_within: time(fields, "download_minutes", MINUTE)?,
        install_within: time(fields, "install_minutes", MINUTE)?,
        give_up_after: time(fields, "give_up_days", DAY)?,
        again: fields.has("again"),
    })
}

fn number<T: std::str::FromStr>(fields: &Fields, name: &'static str) -> Result<T, FleetError> {
    fields
        .text(name)
        .trim()
        .parse()
        .map_err(|_| invalid(name, "expected a whole number that is not too large"))
}

fn time(fields: &Fields, name: &'static str, unit: u64) -> Result<Duration, FleetError> {
    let count: u64 = number(fields, name)?;
    let seconds = count.checked_mul(unit).filter(|seconds| *seconds <= UpdateTerms::MAX_TIME.as_secs());
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| invalid(name, "no time of an update is longer than 365 days"))
}

fn invalid(field: &'static str, reason: &str) -> FleetError {
    FleetError::Invalid { field, reason: reason.to_owned() }
}
