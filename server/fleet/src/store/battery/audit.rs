//! The audit log.

use super::fixture::*;
use crate::{
    AuditEntry, Cause, Commit, DeviceId, Store, Verb,
    store::{AuditQuery, PageRequest},
};

fn audit_entry(number: i64) -> AuditEntry {
    AuditEntry {
        at: at(number),
        actor: "Zoë".into(),
        cause: Cause::Console,
        request: request(u128::MAX),
        verb: Verb::Operate,
        device: None,
        object: format!("Read /3/0/{number}"),
    }
}

/// Every verb, every cause, with and without a device, also of one that is not there.
pub async fn every_audit_entry_survives(store: &dyn Store) {
    register(store, 1).await;
    let mut entries = Vec::new();
    for verb in Verb::ALL {
        for cause in Cause::ALL {
            for device in [None, Some(DeviceId(1)), Some(DeviceId(4_711))] {
                let number = i64::try_from(entries.len()).unwrap();
                let object = if device.is_none() { String::new() } else { "é".repeat(128) };
                entries.push(AuditEntry { verb, cause, device, object, ..audit_entry(number) });
            }
        }
    }
    store.commit(Commit { changes: Vec::new(), audit: entries.clone() }).await.unwrap();
    let rows = all_pages(500, async |page| store.audit(&AuditQuery::all(page)).await).await;
    let found: Vec<AuditEntry> = rows.into_iter().rev().map(|record| record.entry).collect();
    assert_eq!(found, entries);
}

/// By the order in which they were written, whatever their times say.
pub async fn the_audit_log_is_read_newest_first(store: &dyn Store) {
    let entries: Vec<AuditEntry> = (0..25).map(|number| audit_entry(1_000 - number)).collect();
    for chunk in entries.chunks(4) {
        store.commit(Commit { changes: Vec::new(), audit: chunk.to_vec() }).await.unwrap();
    }
    for limit in [1, 5, 7, 500] {
        let records = all_pages(limit, async |page| store.audit(&AuditQuery::all(page)).await).await;
        assert!(records.is_sorted_by(|one, other| one.sequence > other.sequence));
        let found: Vec<AuditEntry> = records.into_iter().rev().map(|record| record.entry).collect();
        assert_eq!(found, entries, "limit {limit}");
    }
}

/// By who, what, to whom and when; alone and together.
pub async fn the_audit_log_is_filtered(store: &dyn Store) {
    register(store, 2).await;
    let entries: Vec<AuditEntry> = (0..24)
        .map(|number| AuditEntry {
            actor: if number % 2 == 0 { "Zoë".into() } else { "o'hara\\".into() },
            verb: if number % 3 == 0 { Verb::LogIn } else { Verb::Operate },
            device: (number % 4 < 2).then_some(DeviceId(1 + number % 4)),
            ..audit_entry(number)
        })
        .collect();
    store.commit(Commit { changes: Vec::new(), audit: entries.clone() }).await.unwrap();
    for actor in [None, Some("Zoë"), Some("o'hara\\"), Some("zoë")] {
        for verb in [None, Some(Verb::LogIn), Some(Verb::LogOut)] {
            for device in [None, Some(DeviceId(1)), Some(DeviceId(2))] {
                for (since, until) in
                    [(None, None), (Some(at(5)), None), (None, Some(at(9))), (Some(at(3)), Some(at(20)))]
                {
                    let query = AuditQuery {
                        actor: actor.map(str::to_owned),
                        verb,
                        device,
                        since,
                        until,
                        page: PageRequest::first(5),
                    };
                    let found =
                        all_pages(5, async |page| store.audit(&AuditQuery { page, ..query.clone() }).await)
                            .await;
                    let found: Vec<AuditEntry> = found.into_iter().map(|record| record.entry).collect();
                    let wanted = entries.iter().rev().filter(|entry| {
                        actor.is_none_or(|actor| entry.actor == actor)
                            && verb.is_none_or(|verb| entry.verb == verb)
                            && device.is_none_or(|device| entry.device == Some(device))
                            && since.is_none_or(|since| entry.at >= since)
                            && until.is_none_or(|until| entry.at < until)
                    });
                    assert_eq!(found, wanted.cloned().collect::<Vec<_>>(), "{query:?}");
                }
            }
        }
    }
}
