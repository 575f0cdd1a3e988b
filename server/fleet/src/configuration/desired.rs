//! What one device is to have: the baselines that are for it, laid over each other.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::Duration,
};

use super::{Baseline, Digest, Draft, Level, Line, LineKey, Mode};

/// A baseline that is for a device, and where it stands among the others.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'b> {
    /// The baseline.
    pub baseline: &'b Baseline,
    /// What its class or group is called.
    pub name: &'b str,
    /// The rank of its group.
    pub rank: i32,
}

/// What one device is to have.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Desired {
    /// Each line once.
    pub lines: BTreeMap<LineKey, Wanted>,
    /// Where two groups want different things.
    pub conflicts: Vec<Conflict>,
    /// How often it is looked at: as often as the most demanding of its baselines says. None if nothing is wanted.
    pub check_every: Option<Duration>,
}

/// A line, and who wants it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// The line.
    pub line: Line,
    /// Whose baseline wants it.
    pub level: Level,
    /// What that is called.
    pub name: String,
    /// The baseline's version.
    pub version: u32,
    /// What is done where the device has something else.
    pub mode: Mode,
}

/// Two groups that want different things of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Of which line.
    pub key: LineKey,
    /// The group whose word counts: that of the higher rank, or of two of the same rank the first by name.
    pub won: String,
    /// The other one.
    pub lost: String,
}

impl Desired {
    /// Lays baselines over each other: that of the fleet, of its class, of its groups, and of the device. In any order.
    pub fn merge<'b>(layers: impl IntoIterator<Item = Layer<'b>>) -> Self {
        let mut layers: Vec<Layer<'b>> = layers.into_iter().collect();
        // The one that counts comes last.
        layers.sort_by(|one, other| {
            let kind = |layer: &Layer<'_>| match layer.baseline.level {
                Level::Fleet => 0,
                Level::Class(_) => 1,
                Level::Group(_) => 2,
                Level::Device(_) => 3,
            };
            (kind(one), one.rank).cmp(&(kind(other), other.rank)).then_with(|| other.name.cmp(one.name))
        });
        let mut desired = Self::default();
        for Layer { baseline, name, .. } in layers {
            let Draft { lines, mode, check_every, .. } = &baseline.draft;
            if !lines.is_empty() {
                let so_far = desired.check_every.unwrap_or(Duration::MAX);
                desired.check_every = Some(so_far.min(*check_every));
            }
            for line in lines {
                let (level, version, mode) = (baseline.level, baseline.version, *mode);
                let wanted = Wanted { line: line.clone(), level, name: name.to_owned(), version, mode };
                desired.lay_over(line.key(), wanted);
            }
        }
        desired
    }

    fn lay_over(&mut self, key: LineKey, wanted: Wanted) {
        match self.lines.entry(key) {
            Entry::Vacant(place) => {
                place.insert(wanted);
            }
            Entry::Occupied(mut place) => {
                let below = place.get();
                let both = matches!((below.level, wanted.level), (Level::Group(_), Level::Group(_)));
                if both && below.line.digest() != wanted.line.digest() {
                    let (won, lost) = (wanted.name.clone(), below.name.clone());
                    self.conflicts.push(Conflict { key, won, lost });
                }
                place.insert(wanted);
            }
        }
    }

    /// By what it is known whether something else is desired than before. Who wants it, and what is done about it, does not
    /// count.
    pub fn digest(&self) -> Digest {
        let lines: Vec<[u8; 16]> = self.lines.values().map(|wanted| wanted.line.digest().0).collect();
        Digest::of(lines.iter().map(<[u8; 16]>::as_slice))
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}
