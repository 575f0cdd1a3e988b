//! Holds what was acknowledged against what is stored.

use std::collections::BTreeSet;

use super::{Record, Series, Standing, Stored, member::number_of};

/// What is wrong, in words, and how much was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Acknowledged and not there, or there as it was before.
    pub lost: Vec<String>,
    /// There, and never begun by the device.
    pub invented: Vec<String>,
    /// There more than once.
    pub doubled: Vec<String>,
    /// Registrations, deregistrations, lifetimes and values that were acknowledged and looked at.
    pub acknowledged: usize,
}

impl Verdict {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.lost.is_empty() && self.invented.is_empty() && self.doubled.is_empty()
    }
}

/// Compares the records of devices, by endpoint name and number, with what is stored. Nothing may be under way.
pub fn compare<'a>(records: impl Iterator<Item = (String, u32, &'a Record)>, stored: &Stored) -> Verdict {
    let mut verdict = Verdict::default();
    let mut known = BTreeSet::new();
    for (endpoint, device, record) in records {
        compare_registration(&mut verdict, &endpoint, record, stored);
        let sent = stored.sent.get(&endpoint).map(Vec::as_slice);
        compare_values(&mut verdict, &format!("{endpoint}: Send"), device, &record.sent, sent);
        let notified = stored.notified.get(&endpoint).map(Vec::as_slice);
        compare_values(
            &mut verdict,
            &format!("{endpoint}: notification"),
            device,
            &record.notified,
            notified,
        );
        known.insert(endpoint);
    }
    let others = stored.rows.keys().filter(|endpoint| !known.contains(*endpoint));
    verdict.invented.extend(others.map(|endpoint| format!("{endpoint} has never registered")));
    verdict
}

fn compare_registration(verdict: &mut Verdict, endpoint: &str, record: &Record, stored: &Stored) {
    let row = stored.rows.get(endpoint);
    let is_there = row.is_some_and(|row| row.state == REGISTERED);
    match &record.standing {
        Standing::Unknown if row.is_some() => {
            verdict.invented.push(format!("{endpoint} has never registered"));
        }
        Standing::Unknown | Standing::Uncertain => {}
        Standing::Gone => {
            verdict.acknowledged += 1;
            if is_there {
                verdict.lost.push(format!("{endpoint}: the Deregister; it is {row:?}"));
            }
        }
        Standing::Registered(location) => {
            verdict.acknowledged += 1;
            let Some(row) = row.filter(|row| row.state == REGISTERED && row.location == *location) else {
                verdict.lost.push(format!("{endpoint}: the registration {location}; it is {row:?}"));
                return;
            };
            verdict.acknowledged += 1;
            let changes = row.lifetime - i64::from(Record::LIFETIME);
            // What was begun later and not answered may have been done.
            let mut later = record.lifetimes.open.iter().filter(|open| **open > record.lifetime);
            if changes == i64::from(record.lifetime) || later.any(|open| i64::from(*open) == changes) {
                return;
            }
            let acknowledged = record.lifetime;
            let text = format!(
                "{endpoint}: change {acknowledged} of the lifetime is acknowledged, {changes} is there"
            );
            let is_known = (0..=i64::from(record.lifetimes.begun)).contains(&changes);
            if is_known { verdict.lost.push(text) } else { verdict.invented.push(text) }
        }
    }
}

fn compare_values(verdict: &mut Verdict, what: &str, device: u32, series: &Series, values: Option<&[f64]>) {
    let values = values.unwrap_or_default();
    let (mut there, mut observed) = (BTreeSet::new(), series.observed.clone());
    for value in values {
        match number_of(device, *value).filter(|number| *number <= series.begun) {
            // What the device had before it reported anything.
            Some(0) => {}
            Some(number) if there.insert(number) => {}
            Some(number) => match observed.iter().position(|one| *one == number) {
                Some(at) => {
                    observed.swap_remove(at);
                }
                None => verdict.doubled.push(format!("{what} {number}")),
            },
            None => verdict.invented.push(format!("{what}: the value {value}")),
        }
    }
    // The history holds no more than that; what was not acknowledged may be in it.
    let kept =
        if values.len() < HISTORY { usize::MAX } else { HISTORY.saturating_sub(series.open.len() + 1) };
    for number in series.acknowledged().take(kept) {
        verdict.acknowledged += 1;
        if !there.contains(&number) {
            verdict.lost.push(format!("{what} {number} of {}", series.begun));
        }
    }
}

const REGISTERED: &str = "registered";

/// How many values the server keeps of each resource.
const HISTORY: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Row;

    /// A device that has changed its lifetime twice, the second time without an answer, and sent three values, the second
    /// without an answer; all is there.
    fn world() -> (Record, Stored) {
        let mut record = Record { standing: Standing::Registered("/rd/1".to_owned()), ..Record::default() };
        record.lifetimes = Series { begun: 2, open: vec![2], ..Series::default() };
        record.lifetime = 1;
        record.sent = Series { begun: 3, open: vec![2], ..Series::default() };
        let row = Row { state: REGISTERED.to_owned(), location: "/rd/1".to_owned(), lifetime: 86_401 };
        let mut stored = Stored::default();
        stored.rows.insert("it".to_owned(), row);
        stored.sent.insert("it".to_owned(), vec![1.0, 3.0]);
        (record, stored)
    }

    fn judge(change: impl FnOnce(&mut Record, &mut Stored)) -> (usize, usize, usize) {
        let (mut record, mut stored) = world();
        change(&mut record, &mut stored);
        let verdict = compare([("it".to_owned(), 0, &record)].into_iter(), &stored);
        (verdict.lost.len(), verdict.invented.len(), verdict.doubled.len())
    }

    fn row(stored: &mut Stored) -> &mut Row {
        stored.rows.get_mut("it").unwrap()
    }

    fn sent(stored: &mut Stored) -> &mut Vec<f64> {
        stored.sent.get_mut("it").unwrap()
    }

    #[test]
    fn what_was_not_answered_may_be_there_or_not() {
        assert_eq!(judge(|_, _| {}), (0, 0, 0));
        assert_eq!(judge(|_, stored| row(stored).lifetime = 86_402), (0, 0, 0));
        assert_eq!(judge(|_, stored| sent(stored).push(2.0)), (0, 0, 0));
        assert_eq!(
            judge(|record, stored| {
                record.standing = Standing::Uncertain;
                stored.rows.clear();
            }),
            (0, 0, 0)
        );
    }

    #[test]
    fn what_was_acknowledged_and_is_not_there_is_lost() {
        assert_eq!(judge(|_, stored| stored.rows.clear()), (1, 0, 0));
        assert_eq!(judge(|_, stored| row(stored).state = "deregistered".to_owned()), (1, 0, 0));
        assert_eq!(judge(|_, stored| row(stored).location = "/rd/2".to_owned()), (1, 0, 0));
        assert_eq!(judge(|_, stored| row(stored).lifetime = 86_400), (1, 0, 0));
        assert_eq!(judge(|_, stored| sent(stored).truncate(1)), (1, 0, 0));
        assert_eq!(judge(|record, _| record.standing = Standing::Gone), (1, 0, 0));
    }

    #[test]
    fn what_nobody_has_begun_is_invented() {
        assert_eq!(judge(|_, stored| sent(stored).push(4.0)), (0, 1, 0));
        assert_eq!(judge(|_, stored| sent(stored).push(1.5)), (0, 1, 0));
        assert_eq!(judge(|_, stored| row(stored).lifetime = 1), (0, 1, 0));
        assert_eq!(judge(|record, _| record.standing = Standing::Unknown), (0, 1, 0));
        assert_eq!(judge(|_, stored| drop(stored.rows.insert("who".to_owned(), Row::default()))), (0, 1, 0));
    }

    #[test]
    fn what_is_there_twice_is_doubled() {
        assert_eq!(judge(|_, stored| sent(stored).push(1.0)), (0, 0, 1));
        let observed = |times: usize| {
            judge(|record, stored| {
                record.sent.observed = vec![1];
                sent(stored).extend(vec![1.0; times]);
            })
        };
        assert_eq!((observed(1), observed(2)), ((0, 0, 0), (0, 0, 1)));
    }

    #[test]
    fn of_a_full_history_the_newest_are_looked_for() {
        let record = Record {
            sent: Series { begun: 2_000, open: vec![1_500], ..Series::default() },
            ..Record::default()
        };
        let mut stored = Stored::default();
        let newest = (1_001..=2_000).filter(|number| *number != 1_500).map(f64::from);
        stored.sent.insert("it".to_owned(), [1_000.0].into_iter().chain(newest).collect());
        let lost = |stored: &Stored| compare([("it".to_owned(), 0, &record)].into_iter(), stored).lost.len();
        assert_eq!(lost(&stored), 0);
        stored.sent.get_mut("it").unwrap()[600] = 1_000.0;
        assert_eq!(lost(&stored), 1);
    }
}
