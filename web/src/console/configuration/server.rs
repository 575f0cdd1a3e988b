//! The server account (`/1`) as what it means: LwM2M Core 1.1.1 Appendix E.2.

use fleet::{
    FleetError,
    configuration::{Line, Want},
};

use crate::{form::Fields, ui::Field};

/// A resource of object 1: the field, its label, its hint, and its number.
const RESOURCES: [(&str, &str, &str, u16); 10] = [
    ("lifetime", "A registration lives for, in seconds", "Longer than the server may be down.", 1),
    (
        "pmin",
        "Least time between two notifications, in seconds",
        "Where an observation says nothing else.",
        2,
    ),
    ("pmax", "Most time between two notifications, in seconds", "Where an observation says nothing else.", 3),
    ("disable", "Stays away after Disable for, in seconds", "", 5),
    ("storing", "Keep notifications while it can’t send them", "true or false.", 6),
    ("retries", "Tries of one registration attempt", "", 17),
    ("retry_time", "First pause between two tries, in seconds", "Twice as long after each further one.", 18),
    ("sequence_pause", "Pause between two attempts, in seconds", "", 19),
    ("sequences", "Attempts", "", 20),
    ("mute", "Send nothing by itself (Mute Send)", "true or false.", 23),
];

/// The fields, with what the lines say.
pub(super) fn fields(lines: &[Line]) -> Vec<Field> {
    let of = |id: u16| lines.iter().find(|line| is_of(line, id));
    let field = |(name, label, hint, id): (&'static str, &'static str, &'static str, u16)| {
        let value = of(id).map(|line| line.want.shown()).unwrap_or_default();
        Field::new(name, label).hint(hint).value(value)
    };
    RESOURCES.map(field).into()
}

/// What was typed into them, as lines; those that were left empty stand for nothing.
pub(super) fn lines(fields: &Fields) -> Result<String, FleetError> {
    let mut text = String::new();
    for (name, _, _, id) in RESOURCES {
        let typed = fields.text(name).trim();
        if typed.contains(['\n', '\r']) {
            let reason = "a value is one line".to_owned();
            return Err(FleetError::Invalid { field: name, reason });
        }
        if !typed.is_empty() {
            text.push_str(&format!("/1/0/{id} = {typed}\n"));
        }
    }
    Ok(text)
}

/// Whether a line is about one of them.
pub(super) fn covers(line: &Line) -> bool {
    RESOURCES.iter().any(|(.., id)| is_of(line, *id))
}

fn is_of(line: &Line, id: u16) -> bool {
    line.path.ids() == [1, 0, id] && matches!(line.want, Want::Value(_))
}
