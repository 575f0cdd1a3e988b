//! What classes wish to be told of, and what a device is observed for because of that.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{NodePath, Time};

/// What a class wishes to be told of by its devices. They are asked in the background, and again whenever they register.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wishes {
    /// A path each, with `*` for each instance that a device has, and the notification attributes behind it; at most 64.
    #[schema(example = json!(["/3303/*/5700 pmin=10 gt=25", "/3/0/9"]))]
    pub lines: Vec<String>,
}

/// What a device is observed for because its class wishes it, and what it does not do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceWishes {
    /// What its class wishes.
    #[schema(example = json!(["/3/0/9"]))]
    pub lines: Vec<String>,
    /// What is observed by wish. All other observations were begun by hand.
    pub observed: Vec<WishedObservation>,
    /// What it did not do, and when it is asked again.
    pub troubles: Vec<WishTrouble>,
    /// Since when it is known to answer no composite operation; null if it does or was not asked. With another firmware it is
    /// asked again.
    pub no_composites: Option<NoComposites>,
    /// What its class wishes and it is not asked, while it is registered.
    pub left_out: Vec<LeftOutWish>,
}

/// A line of its class of which something is not asked of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeftOutWish {
    /// The line.
    #[schema(example = "/3303/*/5700 pmin=10")]
    pub line: String,
    /// Why.
    #[schema(example = "the device has registered nothing there")]
    pub reason: String,
}

/// An observation by wish: one node, or several in one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WishedObservation {
    /// What is observed.
    pub paths: Vec<NodePath>,
}

/// Something that a device was asked by wish, and did not do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WishTrouble {
    /// What it was asked about.
    pub paths: Vec<NodePath>,
    /// Whether it was to observe; if not, it was to take notification attributes.
    pub observing: bool,
    /// How often in a row it did not.
    #[schema(example = 3)]
    pub times: u32,
    /// What it answered, or why there is no answer.
    #[schema(example = "4.05 Method Not Allowed")]
    pub reason: String,
    /// When, the last time.
    pub at: Time,
    /// When it is asked again, if it listens then and does not register anew before.
    pub again_at: Time,
}

/// A device that answers no composite operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NoComposites {
    /// Since when that is known.
    pub at: Time,
    /// What it answered, or why there is no answer.
    #[schema(example = "the device did not answer in time (it acknowledged the request)")]
    pub reason: String,
}

impl From<&fleet::wish::Wishes> for Wishes {
    fn from(wishes: &fleet::wish::Wishes) -> Self {
        Self { lines: wishes.iter().map(ToString::to_string).collect() }
    }
}

impl From<fleet::DeviceWishes> for DeviceWishes {
    fn from(wishes: fleet::DeviceWishes) -> Self {
        let kept = &wishes.kept;
        let paths = |paths: &[objects::Path]| paths.iter().copied().map(NodePath::from).collect::<Vec<_>>();
        let is_live = |target: &fleet::Target| {
            wishes.observations.iter().any(|observation| observation.target == *target)
        };
        let observed = kept.owned.keys().filter(|target| is_live(target));
        let trouble = |of: &[objects::Path], observing, trouble: &fleet::wish::Trouble| WishTrouble {
            paths: paths(of),
            observing,
            times: trouble.times,
            reason: trouble.reason.clone(),
            at: trouble.at.into(),
            again_at: trouble.again_at().into(),
        };
        let observing = kept
            .owned
            .iter()
            .filter_map(|(target, owned)| owned.trouble.as_ref().map(|of| trouble(target.paths(), true, of)));
        let writing = kept
            .written
            .iter()
            .filter_map(|(path, written)| written.trouble.as_ref().map(|of| trouble(&[*path], false, of)));
        let left_out = wishes.left_out.iter();
        Self {
            left_out: left_out
                .map(|left_out| LeftOutWish {
                    line: left_out.wish.to_string(),
                    reason: left_out.why.to_string(),
                })
                .collect(),
            lines: Wishes::from(&wishes.wishes).lines,
            observed: observed.map(|target| WishedObservation { paths: paths(target.paths()) }).collect(),
            troubles: observing.chain(writing).collect(),
            no_composites: wishes
                .no_composites
                .as_ref()
                .map(|known| NoComposites { at: known.at.into(), reason: known.reason.clone() }),
        }
    }
}
