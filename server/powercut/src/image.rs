//! One file: what of it is certain to survive, and what was written since.

use std::ops::Range;

use rand::{Rng, RngExt as _, seq::SliceRandom as _};

/// A file as the disk holds it. What programs read is the real file; this is what a cut leaves of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Image {
    /// None for a file that is not there for certain.
    durable: Option<Vec<u8>>,
    pending: Vec<Pending>,
    /// How long the file is for those who read it.
    length: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pending {
    Delete,
    Truncate(usize),
    Write { at: usize, bytes: Vec<u8> },
}

/// What a disk writes as a whole or not at all.
const SECTOR: usize = 512;

impl Image {
    /// A file that was found, or none.
    pub(crate) fn found(content: Option<Vec<u8>>) -> Self {
        let length = content.as_ref().map_or(0, Vec::len);
        Self { durable: content, pending: Vec::new(), length }
    }

    pub(crate) fn write(&mut self, at: usize, bytes: &[u8]) {
        self.pending.push(Pending::Write { at, bytes: bytes.to_owned() });
        self.length = self.length.max(at + bytes.len());
    }

    pub(crate) fn truncate(&mut self, length: usize) {
        self.pending.push(Pending::Truncate(length));
        self.length = length;
    }

    pub(crate) fn delete(&mut self) {
        self.pending.push(Pending::Delete);
        self.length = 0;
    }

    /// All that was written is certain. True if the file is new: then its name is, with its folder.
    pub(crate) fn sync(&mut self) -> bool {
        let is_new = self.durable.is_none();
        let mut content = self.durable.take().unwrap_or_default();
        for pending in self.pending.drain(..) {
            pending.apply(&mut content, 0);
        }
        self.durable = Some(content);
        is_new
    }

    /// Its folder was synced: if it was deleted, and not made again, that is certain.
    pub(crate) fn sync_name(&mut self) {
        if self.pending.last() == Some(&Pending::Delete) {
            *self = Self::default();
        }
    }

    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// What is left when the power comes back: what was synced, and of the rest what luck has it. None: no file.
    pub(crate) fn survive(&mut self, luck: &mut impl Rng) -> Option<Vec<u8>> {
        let pending = std::mem::take(&mut self.pending);
        let survivors = match luck.random_range(0..8) {
            0 => Vec::new(),
            1 => pending,
            // As a journaling file system does it: in order, up to a moment.
            2 => pending[..luck.random_range(0..=pending.len())].to_vec(),
            share => scattered(pending, f64::from(share - 2) / 6.0, luck),
        };
        // What a file grew by is there before what was written to it: it holds anything.
        let hole = if luck.random() { 0 } else { 0xa5 };
        let mut content = self.durable.take();
        for survivor in survivors {
            if survivor == Pending::Delete {
                content = None;
            } else {
                survivor.apply(content.get_or_insert_default(), hole);
            }
        }
        *self = Self::found(content.clone());
        content
    }
}

impl Pending {
    fn apply(&self, content: &mut Vec<u8>, hole: u8) {
        match self {
            Self::Delete => content.clear(),
            Self::Truncate(length) => content.resize(*length, 0),
            Self::Write { at, bytes } => {
                let end = at + bytes.len();
                if content.len() < end {
                    content.resize(end, hole);
                }
                content[*at..end].copy_from_slice(bytes);
            }
        }
    }
}

/// Each sector of each write reached the disk with a chance of `share`, in any order. What happens to names and lengths
/// keeps its order: a file system's journal sees to that.
fn scattered(pending: Vec<Pending>, share: f64, luck: &mut impl Rng) -> Vec<Pending> {
    let mut writes = Vec::new();
    let mut others = Vec::new();
    for pending in pending {
        match pending {
            Pending::Write { at, bytes } => {
                let lucky = sectors(at, bytes.len()).filter(|_| luck.random_bool(share));
                writes.extend(
                    lucky.map(|part| Pending::Write { at: at + part.start, bytes: bytes[part].to_vec() }),
                );
            }
            other if luck.random_bool(share) => others.push(other),
            _ => {}
        }
    }
    writes.shuffle(luck);
    let mut places: Vec<usize> = others.iter().map(|_| luck.random_range(0..=writes.len())).collect();
    places.sort_unstable();
    // From the last on, so that the places before stay what they are.
    for (other, place) in others.into_iter().zip(places).rev() {
        writes.insert(place, other);
    }
    writes
}

/// The parts of a write that lie in different sectors.
fn sectors(at: usize, length: usize) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let end = length.min((at + start) / SECTOR * SECTOR + SECTOR - at);
        (start < length).then(|| std::mem::replace(&mut start, end)..end)
    })
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    fn outcomes(image: &Image) -> Vec<Option<Vec<u8>>> {
        let mut outcomes: Vec<Option<Vec<u8>>> =
            (0..500).map(|seed| image.clone().survive(&mut StdRng::seed_from_u64(seed))).collect();
        outcomes.sort();
        outcomes.dedup();
        outcomes
    }

    #[test]
    fn what_was_synced_survives_every_cut() {
        let mut image = Image::found(None);
        image.write(0, &[1; 2_000]);
        assert!(image.sync(), "its name is new");
        assert_eq!(outcomes(&image), [Some(vec![1; 2_000])]);
        image.truncate(700);
        assert!(!image.sync());
        assert_eq!(outcomes(&image), [Some(vec![1; 700])]);
    }

    #[test]
    fn what_was_not_synced_may_be_lost_kept_torn_and_reordered() {
        let mut image = Image::found(Some(vec![0; 1_024]));
        image.write(500, &[1; 100]);
        image.write(0, &[2; 1_024]);
        let outcomes = outcomes(&image);
        let has = |content: &[(u8, usize)]| {
            let content = content.iter().flat_map(|(byte, count)| vec![*byte; *count]).collect();
            outcomes.contains(&Some(content))
        };
        assert!(has(&[(0, 1_024)]), "lost");
        assert!(has(&[(2, 1_024)]), "kept");
        assert!(has(&[(2, 512), (0, 512)]), "torn between sectors");
        assert!(has(&[(2, 512), (1, 88), (2, 424)]), "the older write came last");
        for outcome in outcomes.iter().flatten() {
            assert!(outcome[..500].iter().all(|byte| *byte == outcome[0]), "a sector is written as a whole");
        }
    }

    #[test]
    fn a_name_is_certain_once_it_was_synced() {
        let mut image = Image::found(None);
        image.write(0, &[1]);
        assert!(outcomes(&image).contains(&None), "made, and not synced");
        image.sync();
        image.delete();
        assert_eq!(outcomes(&image), [None, Some(vec![1])], "deleted, and its folder not synced");
        image.sync_name();
        assert_eq!(outcomes(&image), [None]);
    }

    #[test]
    fn the_same_seed_has_the_same_luck() {
        let mut image = Image::found(None);
        (0..50).for_each(|number| image.write(usize::from(number) * 300, &[number; 700]));
        let cut = |seed| image.clone().survive(&mut StdRng::seed_from_u64(seed));
        (0..20).for_each(|seed| assert_eq!(cut(seed), cut(seed)));
    }

    #[test]
    fn sectors_are_those_of_the_file() {
        assert_eq!(sectors(500, 600).collect::<Vec<_>>(), [0..12, 12..524, 524..600]);
        assert!(sectors(1_024, 512).eq(std::iter::once(0..512)));
    }
}
