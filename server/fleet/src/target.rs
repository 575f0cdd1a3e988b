//! What an operation or an observation is about: one node, or several at once.

use std::{fmt, sync::Arc};

use objects::Path;

/// One node, or several that a composite operation names (LwM2M Core 1.1.1 §6.3.8, §6.3.9, §6.4.4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// One.
    One(Path),
    /// Several.
    Several(Paths),
}

/// Paths, in the order in which they were given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Paths(Arc<[Path]>);

impl Target {
    /// Its paths.
    pub fn paths(&self) -> &[Path] {
        match self {
            Self::One(path) => std::slice::from_ref(path),
            Self::Several(paths) => paths,
        }
    }

    /// Numbers that name it, and nothing else: the identifiers of its one path, or two that no path begins with, and the
    /// identifiers of each behind their number.
    pub fn key(&self) -> Vec<u16> {
        let several = |paths: &Paths| {
            let each = paths.iter().map(Path::ids);
            let counted = each.flat_map(|ids| {
                std::iter::once(u16::try_from(ids.len()).expect("a path has four identifiers at most"))
                    .chain(ids)
            });
            Self::SEVERAL.into_iter().chain(counted).collect()
        };
        match self {
            Self::One(path) => path.ids(),
            Self::Several(paths) => several(paths),
        }
    }

    /// The target that has this key.
    pub fn from_key(key: &[u16]) -> Option<Self> {
        let Some(mut rest) = key.strip_prefix(&Self::SEVERAL) else {
            return Path::from_ids(key).ok().map(Self::One);
        };
        let mut paths = Vec::new();
        while let [count, ids @ ..] = rest {
            let (ids, behind) = ids.split_at_checked(usize::from(*count))?;
            paths.push(Path::from_ids(ids).ok()?);
            rest = behind;
        }
        Some(Self::Several(paths.into_iter().collect()))
    }

    // 65535 names no instance (LwM2M Core 1.1.1 §7.2).
    const SEVERAL: [u16; 2] = [u16::MAX; 2];

    /// Whether a node is one of it, or lies in one.
    pub fn contains(&self, path: Path) -> bool {
        self.paths().iter().any(|within| path.is_within(within))
    }
}

impl Paths {
    /// How many a composite operation names at most.
    pub const MAX: usize = 64;

    /// Two of them of which one lies within the other, if there are.
    pub fn overlap(&self) -> Option<(Path, Path)> {
        let pairs = self.iter().enumerate().flat_map(|(at, one)| {
            let others = self.iter().enumerate().filter(move |(other, _)| *other != at);
            others.map(move |(_, other)| (*one, *other))
        });
        pairs.into_iter().find(|(one, other)| one.is_within(other))
    }
}

impl std::ops::Deref for Paths {
    type Target = [Path];

    fn deref(&self) -> &[Path] {
        &self.0
    }
}

impl FromIterator<Path> for Paths {
    fn from_iter<I: IntoIterator<Item = Path>>(paths: I) -> Self {
        Self(paths.into_iter().collect())
    }
}

impl From<Path> for Target {
    fn from(path: Path) -> Self {
        Self::One(path)
    }
}

impl From<Paths> for Target {
    fn from(paths: Paths) -> Self {
        Self::Several(paths)
    }
}

/// `/3/0/9`, or `/3/0/9, /3303/0/5700`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, path) in self.paths().iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{path}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(texts: &[&str]) -> Paths {
        texts.iter().map(|text| text.parse::<Path>().unwrap()).collect()
    }

    #[test]
    fn paths_overlap_where_one_lies_within_another() {
        assert_eq!(paths(&["/3/0/9", "/3/0/13", "/3303/0"]).overlap(), None);
        for texts in [["/3/0/9", "/3/0"], ["/3", "/3/0/9"], ["/3/0/9", "/3/0/9"], ["/", "/3"]] {
            assert!(paths(&texts).overlap().is_some(), "{texts:?}");
        }
    }

    #[test]
    fn each_target_has_a_key_of_its_own() {
        let path = |text: &str| Target::One(text.parse().unwrap());
        let several = |texts: &[&str]| Target::Several(paths(texts));
        let targets = [
            path("/"),
            path("/3"),
            path("/65535"),
            path("/65535/0"),
            several(&[]),
            several(&["/"]),
            several(&["/3"]),
            several(&["/65535", "/3/0/9/1"]),
            several(&["/3/0/9", "/3303/0/5700"]),
            several(&["/3303/0/5700", "/3/0/9"]),
        ];
        let keys: std::collections::BTreeSet<Vec<u16>> = targets.iter().map(Target::key).collect();
        assert_eq!(keys.len(), targets.len());
        for target in targets {
            assert_eq!(Target::from_key(&target.key()), Some(target));
        }
        for broken in [&[u16::MAX, u16::MAX, 2, 3][..], &[1, 2, 3, 4, 5], &[3, u16::MAX]] {
            assert_eq!(Target::from_key(broken), None);
        }
    }

    #[test]
    fn a_target_contains_what_lies_in_one_of_its_paths() {
        let path = |text: &str| text.parse::<Path>().unwrap();
        let target = Target::from(paths(&["/3/0/9", "/3303"]));
        assert_eq!(target.to_string(), "/3/0/9, /3303");
        assert!(target.contains(path("/3/0/9")) && target.contains(path("/3303/1/5700")));
        assert!(!target.contains(path("/3/0")) && !target.contains(path("/3/0/13")));
    }
}
