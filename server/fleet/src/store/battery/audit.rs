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
    let page = store.audit(&AuditQuery::all(PageRequest::first(500))).await.unwrap();
    let found: Vec<AuditEntry> = page.rows.into_iter().rev().map(|record| record.entry).collect();
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
