//! What is told of: the event log, its webhooks, and the connection diary.

use std::{net::SocketAddr, str::FromStr};

use fleet::{
    DeviceId, DiaryCause, DiaryEntry, DiaryId, EndReason, LoggedKind, PublicId, Reading, StoreError,
    Timestamp, Webhook,
};
use objects::Path;

use super::{OrCorrupt, Word, operation::Kept, text, text_column, uuid};
use crate::store::entity;

pub(in crate::store) fn event_row(
    sequence: i64,
    at: Timestamp,
    device: DeviceId,
    kind: &LoggedKind,
) -> entity::event_log::Model {
    let readings = match kind {
        LoggedKind::Values(readings) => Some(readings_column(readings)),
        _ => None,
    };
    entity::event_log::Model {
        sequence,
        at: at.0,
        device_id: device.0,
        kind: kind.name().to_owned(),
        readings,
    }
}

pub(in crate::store) fn logged_kind(word: &str, readings: Option<&str>) -> Option<LoggedKind> {
    let plain = [
        LoggedKind::Registered,
        LoggedKind::Updated,
        LoggedKind::RegistrationEnded(EndReason::Deregistered),
        LoggedKind::RegistrationEnded(EndReason::Expired),
        LoggedKind::RegistrationEnded(EndReason::Revoked),
        LoggedKind::RegistrationEnded(EndReason::Removed),
    ];
    match readings {
        Some(column) if word == LoggedKind::Values(vec![]).name() => {
            Some(LoggedKind::Values(self::readings(column)?))
        }
        Some(_) => None,
        None => plain.into_iter().find(|kind| kind.name() == word),
    }
}

fn readings_column(readings: &[Reading]) -> String {
    let stored: Vec<(String, Kept, Option<i64>)> = readings
        .iter()
        .map(|one| (one.path.to_string(), Kept::from(&one.value), one.device_time.map(|time| time.0)))
        .collect();
    serde_json::to_string(&stored).expect("strings, numbers and lists are always JSON")
}

fn readings(column: &str) -> Option<Vec<Reading>> {
    let stored: Vec<(String, Kept, Option<i64>)> = serde_json::from_str(column).ok()?;
    let reading = |(path, kept, time): (String, Kept, Option<i64>)| {
        let path = path.parse::<Path>().ok()?;
        Some(Reading { path, value: kept.value()?, device_time: time.map(Timestamp) })
    };
    stored.into_iter().map(reading).collect()
}

/// A secret is sealed for a number, and a webhook has none: its random name gives one.
pub(in crate::store) fn webhook_row_number(id: PublicId) -> i64 {
    let (_, low) = id.0.as_u64_pair();
    low.cast_signed()
}

pub(in crate::store) fn webhook_row(webhook: &Webhook, sealed: Vec<u8>) -> entity::webhook::Model {
    entity::webhook::Model {
        public_id: webhook.public_id.0.as_bytes().to_vec(),
        url: text_column(&webhook.url),
        kinds: serde_json::to_string(&webhook.kinds).expect("strings are always JSON"),
        sealed,
        created_by: text_column(&webhook.created_by),
        created_at: webhook.created_at.0,
        delivered: webhook.delivered,
        failures: webhook.failures.into(),
        retry_at: webhook.retry_at.map(|at| at.0),
        last_error: text_column(&webhook.last_error),
        last_success_at: webhook.last_success_at.map(|at| at.0),
        given_up: count_column(webhook.given_up),
        paused: webhook.paused.into(),
    }
}

pub(in crate::store) fn webhook(row: entity::webhook::Model) -> Result<Webhook, StoreError> {
    let what = "webhook";
    Ok(Webhook {
        public_id: PublicId(uuid(&row.public_id).or_corrupt(what)?),
        url: text(&row.url),
        kinds: serde_json::from_str(&row.kinds).or_corrupt(what)?,
        created_by: text(&row.created_by),
        created_at: Timestamp(row.created_at),
        delivered: row.delivered,
        failures: row.failures.try_into().or_corrupt(what)?,
        retry_at: row.retry_at.map(Timestamp),
        last_error: text(&row.last_error),
        last_success_at: row.last_success_at.map(Timestamp),
        given_up: row.given_up.try_into().or_corrupt(what)?,
        paused: row.paused != 0,
    })
}

/// `device` is the public name of the row's device.
pub(in crate::store) fn diary_entry(
    row: entity::diary::Model,
    device: Option<Vec<u8>>,
) -> Result<DiaryEntry, StoreError> {
    let what = "diary entry";
    let device = device.map(|bytes| uuid(&bytes).map(PublicId).or_corrupt(what));
    Ok(DiaryEntry {
        id: DiaryId(uuid(&row.id).or_corrupt(what)?),
        cause: DiaryCause::from_word(&row.cause).or_corrupt(what)?,
        subject: text(&row.subject),
        from: SocketAddr::from_str(&row.address).or_corrupt(what)?,
        listener: text(&row.listener),
        device: device.transpose()?,
        detail: text(&row.detail),
        first_at: Timestamp(row.first_at),
        last_at: Timestamp(row.last_at),
        count: row.count.try_into().or_corrupt(what)?,
    })
}

pub(in crate::store) fn count_column(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use objects::Value;

    use super::*;

    #[test]
    fn every_kind_of_event_comes_back_as_it_was() {
        let values =
            [Value::String("\0☃".into()), Value::Float(0.1), Value::Opaque(vec![0, 255]), Value::Time(-1)];
        let readings: Vec<Reading> = values
            .into_iter()
            .map(|value| Reading { path: "/3/0/9".parse().unwrap(), value, device_time: Some(Timestamp(7)) })
            .collect();
        for kind in [
            LoggedKind::Registered,
            LoggedKind::Updated,
            LoggedKind::RegistrationEnded(EndReason::Deregistered),
            LoggedKind::RegistrationEnded(EndReason::Expired),
            LoggedKind::RegistrationEnded(EndReason::Revoked),
            LoggedKind::RegistrationEnded(EndReason::Removed),
            LoggedKind::Values(readings),
            LoggedKind::Values(vec![]),
        ] {
            let row = event_row(1, Timestamp(2), DeviceId(3), &kind);
            assert_eq!(logged_kind(&row.kind, row.readings.as_deref()), Some(kind));
        }
        assert_eq!(logged_kind("values", None), None);
        assert_eq!(logged_kind("values", Some("[[]]")), None);
        assert_eq!(logged_kind("registered", Some("[]")), None);
    }
}
