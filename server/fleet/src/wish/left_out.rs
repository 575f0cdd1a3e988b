//! What of the wishes of a class is not asked of one of its devices, and why.

use std::fmt;

use objects::Attribute;

use super::{Plan, Wish, Wishes};
use crate::Registration;

/// A line of which something is not asked of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftOut {
    /// The line.
    pub wish: Wish,
    /// What is missing of it.
    pub why: Why,
}

/// Why something of a line is not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The device's version of LwM2M does not know these attributes there: it is observed without them.
    Attributes(Vec<Attribute>),
    /// The device's version of LwM2M has no name for it.
    Level,
    /// The device has registered nothing there.
    NotThere,
    /// So many of its paths are more than one device is asked for.
    TooMany(usize),
}

/// What of wishes is not asked of a device in its registration, line by line.
pub fn left_out(wishes: &Wishes, registration: &Registration) -> Vec<LeftOut> {
    let mut plan = Plan::default();
    plan.wanted(wishes, registration);
    plan.left_out
}

impl Plan {
    /// Something of a line is not asked: the same reason stands there once.
    pub(super) fn leave_out(&mut self, wish: &Wish, why: Why) {
        let same = self.left_out.iter_mut().find(|other| {
            other.wish.pattern == wish.pattern
                && std::mem::discriminant(&other.why) == std::mem::discriminant(&why)
        });
        match (same, why) {
            (Some(LeftOut { why: Why::TooMany(count), .. }), Why::TooMany(more)) => *count += more,
            (Some(_), _) => {}
            (None, why) => self.left_out.push(LeftOut { wish: wish.clone(), why }),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attributes(attributes) => {
                let names: Vec<&str> = attributes.iter().map(|attribute| attribute.name()).collect();
                let names = names.join(", ");
                write!(f, "its version of LwM2M does not know {names} there: it is observed without")
            }
            Self::Level => {
                f.write_str("its version of LwM2M can't be asked about one instance of a resource")
            }
            Self::NotThere => f.write_str("the device has registered nothing there"),
            Self::TooMany(count) => {
                let max = Plan::MAX_PATHS;
                write!(f, "{count} of its paths are beyond the {max} that are observed of one device by wish")
            }
        }
    }
}
