//! Gathers incidents in memory, so that the store sees few of many.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    time::Duration,
};

use crate::{DiaryCause, DiaryId, DiaryNote, Incident, Timestamp, timeline::one_line};

/// How much is gathered and kept.
#[derive(Clone, Copy, Debug)]
pub struct DiaryBounds;

/// Incidents that the store has not seen yet, and the groups of the last minute, so that who tries again is counted
/// and takes no new place.
///
/// Whoever can send a datagram can make an incident, so that all of this is bounded: a new group is taken in only
/// within the bounds of its source and its cause. What is turned away is counted.
#[derive(Debug, Default)]
pub struct Diary {
    groups: BTreeMap<(DiaryCause, String), Group>,
    /// The new groups of each source in its window. Only looked into: its order never shows.
    sources: HashMap<IpAddr, Window>,
    /// The new groups of each cause since the last flush.
    fresh: BTreeMap<DiaryCause, usize>,
    turned_away: u64,
}

#[derive(Debug)]
struct Group {
    last: Incident,
    first_at: Timestamp,
    /// How many the store has not seen.
    count: u64,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    since: Timestamp,
    groups: usize,
}

impl DiaryBounds {
    /// How many entries the store keeps.
    pub const ENTRIES: usize = 10_000;
    /// How many groups are held in memory.
    pub const GROUPS: usize = 4_096;
    /// How many new groups one cause gets from one flush to the next, about a second, so that a flood of one kind hides
    /// no other.
    pub const PER_CAUSE: usize = 16;
    /// How many new groups one address gets within [`DiaryBounds::WINDOW`]: many devices may stand behind it.
    pub const PER_SOURCE: usize = 64;
    /// How many addresses are watched.
    pub const SOURCES: usize = 4_096;
    /// How long a group stays in memory after its last incident, and the window of a source.
    pub const WINDOW: Duration = Duration::from_secs(60);
}

impl Diary {
    /// Takes an incident in, cut to its bounds. False if it is turned away.
    pub fn gather(&mut self, incident: Incident) -> bool {
        let incident = Incident {
            subject: one_line(&incident.subject, Incident::MAX_SUBJECT),
            detail: one_line(&incident.detail, Incident::MAX_DETAIL),
            ..incident
        };
        let key = (incident.cause, incident.subject.clone());
        if let Some(group) = self.groups.get_mut(&key) {
            if group.count == 0 {
                group.first_at = incident.at;
            }
            group.count = group.count.saturating_add(1);
            let device = incident.device.or(group.last.device);
            group.last = Incident { device, ..incident };
            return true;
        }
        if !self.has_room(&incident) {
            self.turned_away = self.turned_away.saturating_add(1);
            return false;
        }
        self.groups.insert(key, Group { first_at: incident.at, count: 1, last: incident });
        true
    }

    /// What the store is to be told now, about once a second; `id` names an entry that is not there yet.
    pub fn take(&mut self, now: Timestamp, mut id: impl FnMut() -> DiaryId) -> Vec<DiaryNote> {
        self.fresh.clear();
        let recent = |at: Timestamp| at <= now && now.since(at) < DiaryBounds::WINDOW;
        self.sources.retain(|_, window| recent(window.since));
        let mut notes = Vec::new();
        for group in self.groups.values_mut().filter(|group| group.count > 0) {
            let (last, first_at) = (group.last.clone(), group.first_at);
            notes.push(DiaryNote { last, first_at, count: std::mem::take(&mut group.count), id: id() });
        }
        self.groups.retain(|_, group| recent(group.last.at));
        notes
    }

    /// Takes back what the store did not take; at most as much as is held is kept.
    pub fn give_back(&mut self, notes: Vec<DiaryNote>) {
        for DiaryNote { last, first_at, count, .. } in notes {
            let (key, held) = ((last.cause, last.subject.clone()), self.groups.len());
            match self.groups.get_mut(&key) {
                Some(group) => {
                    group.first_at = first_at;
                    group.count = group.count.saturating_add(count);
                }
                None if held < DiaryBounds::GROUPS => {
                    self.groups.insert(key, Group { last, first_at, count });
                }
                None => self.turned_away = self.turned_away.saturating_add(count),
            }
        }
    }

    /// How many incidents were turned away since the start.
    pub fn turned_away(&self) -> u64 {
        self.turned_away
    }

    /// Whether one more group may be held; it is counted.
    fn has_room(&mut self, incident: &Incident) -> bool {
        let fresh = self.fresh.get(&incident.cause).copied().unwrap_or(0);
        if fresh >= DiaryBounds::PER_CAUSE || self.groups.len() >= DiaryBounds::GROUPS {
            return false;
        }
        let (at, address) = (incident.at, incident.from.ip().to_canonical());
        if !self.sources.contains_key(&address) && self.sources.len() >= DiaryBounds::SOURCES {
            return false;
        }
        let window = self.sources.entry(address).or_insert(Window { since: at, groups: 0 });
        if at < window.since || at.since(window.since) >= DiaryBounds::WINDOW {
            *window = Window { since: at, groups: 0 };
        }
        if window.groups >= DiaryBounds::PER_SOURCE {
            return false;
        }
        window.groups += 1;
        self.fresh.insert(incident.cause, fresh + 1);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DeviceId;

    fn incident(subject: &str, from: &str, second: i64) -> Incident {
        Incident {
            at: Timestamp(second * 1_000),
            cause: DiaryCause::UnknownIdentity,
            subject: subject.into(),
            from: from.parse().unwrap(),
            listener: "coaps://[::]:5684".into(),
            device: None,
            detail: "seen".into(),
        }
    }

    fn take(diary: &mut Diary, second: i64) -> Vec<(String, u64)> {
        let notes = diary.take(Timestamp(second * 1_000), || DiaryId::from_random([1; 16]));
        notes.into_iter().map(|note| (note.last.subject, note.count)).collect()
    }

    #[test]
    fn incidents_of_one_cause_and_subject_are_one_note() {
        let mut diary = Diary::default();
        for second in 0..5 {
            assert!(diary.gather(incident("node-7", "192.0.2.1:5000", second)));
        }
        let other = Incident { cause: DiaryCause::WrongKey, ..incident("node-7", "192.0.2.1:5000", 5) };
        assert!(diary.gather(other));
        assert_eq!(take(&mut diary, 5), [("node-7".into(), 5), ("node-7".into(), 1)]);
        assert!(take(&mut diary, 6).is_empty(), "nothing is told twice");
        assert!(diary.gather(incident("node-7", "192.0.2.1:5000", 7)));
        assert_eq!(take(&mut diary, 7), [("node-7".into(), 1)]);
    }

    #[test]
    fn what_one_address_invents_is_bounded_and_counted_and_harms_nobody_else() {
        let mut diary = Diary::default();
        let mut taken = 0;
        for second in 0..30 {
            for number in 0..10 {
                let subject = format!("guess-{second}-{number}");
                taken += usize::from(diary.gather(incident(&subject, "192.0.2.1:5000", second)));
            }
            take(&mut diary, second);
        }
        assert_eq!(taken, DiaryBounds::PER_SOURCE);
        assert_eq!(diary.turned_away(), 300 - 64);
        assert!(diary.gather(incident("mine", "192.0.2.2:5000", 30)));
        assert!(diary.gather(incident("guess-0-0", "192.0.2.1:5000", 30)), "who is known is counted on");
        take(&mut diary, 90);
        assert!(diary.gather(incident("later", "192.0.2.1:5000", 90)), "a new window");
    }

    #[test]
    fn a_flood_of_one_cause_hides_no_other() {
        let mut diary = Diary::default();
        for number in 0..100 {
            diary.gather(incident(&format!("{number}"), &format!("192.0.2.{number}:1"), 0));
        }
        assert_eq!(diary.turned_away(), 100 - 16);
        assert!(diary.gather(Incident { cause: DiaryCause::WrongKey, ..incident("a", "192.0.2.1:1", 0) }));
        assert_eq!(take(&mut diary, 1).len(), 17);
    }

    #[test]
    fn memory_is_bounded_whatever_comes() {
        let mut diary = Diary::default();
        for number in 0..100_000_u32 {
            let from = std::net::SocketAddr::from((number.to_be_bytes(), 1));
            diary.gather(Incident { from, ..incident(&format!("{number}"), "192.0.2.1:1", 0) });
            if number % 16 == 0 {
                take(&mut diary, 0);
            }
        }
        assert!(diary.groups.len() <= DiaryBounds::GROUPS && diary.sources.len() <= DiaryBounds::SOURCES);
        take(&mut diary, 61);
        assert!(diary.groups.is_empty() && diary.sources.is_empty(), "and forgotten");
    }

    #[test]
    fn what_the_store_did_not_take_is_told_again() {
        let mut diary = Diary::default();
        diary.gather(Incident { device: Some(DeviceId(7)), ..incident("node-7", "192.0.2.1:1", 1) });
        let notes = diary.take(Timestamp(2_000), || DiaryId::from_random([1; 16]));
        diary.gather(incident("node-7", "192.0.2.1:1", 3));
        diary.give_back(notes);
        let notes = diary.take(Timestamp(4_000), || DiaryId::from_random([1; 16]));
        assert_eq!((notes[0].count, notes[0].first_at), (2, Timestamp(1_000)));
        assert_eq!(notes[0].last.device, Some(DeviceId(7)), "the device stays known");
    }

    #[test]
    fn texts_are_cut_and_are_one_line() {
        let mut diary = Diary::default();
        let hostile = format!("<b>\r\nforged\u{1b}[2J{}", "x".repeat(1_000));
        diary.gather(Incident { detail: hostile.clone(), ..incident(&hostile, "192.0.2.1:1", 1) });
        let notes = diary.take(Timestamp(1_000), || DiaryId::from_random([1; 16]));
        let last = &notes[0].last;
        assert_eq!((last.subject.len(), last.detail.len()), (Incident::MAX_SUBJECT, Incident::MAX_DETAIL));
        assert!(!last.subject.chars().any(char::is_control) && !last.detail.chars().any(char::is_control));
    }
}
