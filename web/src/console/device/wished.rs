//! What the class of a device wishes and the device does not do: a part of its observations.

use askama::{Template, filters::HtmlSafe};
use fleet::{DeviceWishes, wish::Trouble};

use crate::{
    console::target::Target,
    show::{Moment, visible},
};

/// What it does not do.
#[derive(Template)]
#[template(path = "fragments/wished.html")]
pub(crate) struct Wished {
    troubles: Vec<TroubleRow>,
    no_composites: Option<Known>,
    /// Lines of its class, and why something of them is not asked.
    left_out: Vec<(String, String)>,
}

struct TroubleRow {
    paths: String,
    what: &'static str,
    reason: String,
    times: u32,
    at: Moment,
    again: String,
}

struct Known {
    reason: String,
    at: Moment,
}

impl Wished {
    pub(crate) fn new(wishes: &DeviceWishes, target: &Target) -> Self {
        let row = |paths: String, what, trouble: &Trouble| TroubleRow {
            paths,
            what,
            reason: visible(trouble.reason.chars()),
            times: trouble.times,
            at: Moment::new(trouble.at, target.now),
            again: match trouble.again_at().since(target.now).as_secs().div_ceil(60) {
                0 => "when it is heard".to_owned(),
                minutes => format!("in {minutes} min"),
            },
        };
        let observing = wishes.kept.owned.iter().filter_map(|(about, owned)| {
            let trouble = owned.trouble.as_ref()?;
            Some(row(about.to_string(), "is not observed", trouble))
        });
        let writing = wishes.kept.written.iter().filter_map(|(path, written)| {
            let trouble = written.trouble.as_ref()?;
            Some(row(path.to_string(), "did not take its attributes", trouble))
        });
        Self {
            troubles: observing.chain(writing).collect(),
            no_composites: wishes.no_composites.as_ref().map(|known| Known {
                reason: visible(known.reason.chars()),
                at: Moment::new(known.at, target.now),
            }),
            left_out: wishes
                .left_out
                .iter()
                .map(|left_out| (left_out.wish.to_string(), left_out.why.to_string()))
                .collect(),
        }
    }
}

// Templates escape what they show, so that one may stand within another.
impl HtmlSafe for Wished {}
