//! What is the matter with devices, what they had, and what they are to have.

use std::{collections::BTreeMap, time::Duration};

use coap::Code;
use device::{How, Misbehaviour, Operation, Profile};
use objects::{InstanceId, ObjectId, Path, ResourceId, Value};

/// What is the matter with a device. A fifth of each sleeps besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing.
    Plain,
    /// It does not take one of its values. One in twenty.
    Refuses,
    /// Somebody changes one of its values.
    Changed,
    /// Somebody does so again and again. One in twenty.
    Flaps,
    /// It knows no composite operations.
    NoComposite,
}

/// What some refuse.
pub(super) const REFUSED: Path = resource(3);
/// What changes behind the server's back.
pub(super) const CHANGED: Path = resource(2);
/// Into what.
pub(super) const OTHER: i64 = 77;

/// The value of the fleet, of one of both classes, and of some devices alone.
pub(super) const OF_FLEET: [(Path, i64); 2] = [(CHANGED, 10), (REFUSED, 600)];
pub(super) const OF_CLASS: [(Path, i64); 1] = [(CHANGED, 20)];
pub(super) const OF_DEVICE: [(Path, i64); 1] = [(REFUSED, 60)];

impl Fate {
    /// That of a device, by its number.
    pub fn of(device: usize) -> Self {
        match device % 20 {
            3 => Self::Refuses,
            4 | 9 | 14 => Self::Changed,
            7 => Self::Flaps,
            11 | 12 => Self::NoComposite,
            _ => Self::Plain,
        }
    }

    /// Makes a device that does so.
    pub(super) fn equip(number: usize, profile: &mut Profile) {
        for (path, value) in before(number) {
            profile
                .objects
                .set(path, Value::Integer(value))
                .expect("these are integers of the object Server");
        }
        profile.lifetime = 86_400;
        if sleeps(number) {
            (profile.lifetime, profile.queue_mode, profile.awake) = (600, true, Duration::from_secs(93));
        }
        let refuses = |operation, within| Misbehaviour {
            operation,
            within,
            how: How::AnswerWith(Code::METHOD_NOT_ALLOWED),
        };
        profile.faults.misbehaviours = match Self::of(number) {
            Self::Refuses => {
                vec![refuses(Operation::WriteComposite, Path::Root), refuses(Operation::Write, REFUSED)]
            }
            Self::NoComposite => vec![
                refuses(Operation::ReadComposite, Path::Root),
                refuses(Operation::WriteComposite, Path::Root),
            ],
            Self::Plain | Self::Changed | Self::Flaps => Vec::new(),
        };
    }
}

pub(super) fn sleeps(number: usize) -> bool {
    (number / 20).is_multiple_of(5)
}

/// Whether it is in the class that wants something of its own.
pub(super) fn is_of_class(number: usize) -> bool {
    !number.is_multiple_of(2)
}

/// Whether something is wanted of it alone.
pub(super) fn has_its_own(number: usize) -> bool {
    number % 50 == 1
}

/// What it has at first: one of both is right for every other pair, the other one for nobody.
pub(super) fn before(number: usize) -> BTreeMap<Path, i64> {
    let first = if number % 4 < 2 { wanted(number)[&CHANGED] } else { 1 };
    BTreeMap::from([(CHANGED, first), (REFUSED, 1)])
}

/// What it is to have, said once more without levels.
pub(super) fn wanted(number: usize) -> BTreeMap<Path, i64> {
    let first = if is_of_class(number) { 20 } else { 10 };
    BTreeMap::from([(CHANGED, first), (REFUSED, if has_its_own(number) { 60 } else { 600 })])
}

const fn resource(resource: u16) -> Path {
    Path::Resource(ObjectId(1), InstanceId(0), ResourceId(resource))
}
